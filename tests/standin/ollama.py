"""Ollama's native API, as v0.33 speaks it (`notes/ollama-api.md`): what requests mean and how answers look.

Times and durations are constants or follow from the settings: an answer must be a function of the request.
"""

from hashlib import sha256
from typing import Any

import orjson
from tests.standin.order import Asked, Refusal, Told
from tests.standin.settings import Settings
from tests.standin.wire import JSON, chunk, head, message

VERSION = "0.33.0"
_WHEN = "2025-01-01T00:00:00Z"
_INTEGERS = (
    "seed",
    "top_k",
    "num_predict",
    "num_ctx",
    "num_keep",
    "num_batch",
    "num_gpu",
    "num_thread",
    "repeat_last_n",
)
_NUMBERS = ("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
_STREAM_STEPS = 24
ASK_PATHS: tuple[str, ...] = ("/api/chat", "/api/generate")
UNAUTHORISED = "unauthorized"
_GET_PATHS = ("/", "/api/version", "/api/tags", "/api/ps")
_POST_PATHS = (*ASK_PATHS, "/api/show")


def read(path: str, body: bytes) -> Asked:
    """What a chat or generate request asks for; Refusal with Ollama's own words for a wrong one."""
    request = document(body)
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(400, "model is required")
    _check_think(model, request.get("think"))
    options = request.get("options") or {}
    _check_options(options)
    schema, is_json = _format(request.get("format"))
    is_chat = path == "/api/chat"
    messages = request.get("messages") or [] if is_chat else []
    texts = [one.get("content") or "" for one in messages] if is_chat else [request.get("prompt") or ""]
    said = [one.get("content") or "" for one in messages if one.get("role") == "user"] or texts
    return Asked(
        path=path,
        model=model,
        schema=schema,
        prompt="\n".join(texts),
        last=said[-1] if said else "",
        is_json=is_json,
        limit=max(0, options.get("num_predict") or 0),
        is_stream=request.get("stream") is not False,
        is_load=not any(texts),
        is_unload=request.get("keep_alive") == 0,
    )


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; Refusal for anything else."""
    if not body:
        raise Refusal(400, "missing request body")
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, str(error)) from error
    if not isinstance(request, dict):
        raise Refusal(400, "json: cannot unmarshal into Go value of type api.ChatRequest")
    return request


def _format(value: Any) -> tuple[bytes, bool]:
    if value is None or value == "":
        return b"", False
    if value == "json":
        return b"", True
    if isinstance(value, dict):
        return orjson.dumps(value), False
    raise Refusal(500, f'invalid format: {orjson.dumps(value).decode()}; expected "json" or a valid JSON Schema object')


def _check_think(model: str, think: Any) -> None:
    if isinstance(think, str) and think not in ("low", "medium", "high", "max"):
        raise Refusal(400, f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)')
    if think:
        raise Refusal(400, f'"{model}" does not support thinking')


def _check_options(options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name in _INTEGERS and not _is_whole(value):
            raise Refusal(500, f'option "{name}" must be of type integer')
        if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Refusal(500, f'option "{name}" must be of type float32')
        if name == "stop" and not isinstance(value, list):
            raise Refusal(500, f'option "{name}" must be of type array')


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or isinstance(value, float) and value.is_integer())


def answer(asked: Asked, told: Told) -> list[bytes]:
    """The response in the pieces in which it goes out: one, or a stream's. No `done: true` where reason is ""."""
    if not asked.is_stream:
        return [message(200, orjson.dumps(_line(asked, told.text) | _last(asked, told)))]
    size = max(16, -(-len(told.text) // _STREAM_STEPS))
    texts = [told.text[start : start + size] for start in range(0, len(told.text), size)]
    lines = [_line(asked, text) | {"done": False} for text in texts]
    if told.reason:
        lines.append(_line(asked, "") | _last(asked, told))
    pieces = [chunk(orjson.dumps(line) + b"\n") for line in lines]
    return [head(200, "application/x-ndjson", ["Transfer-Encoding: chunked"]) + pieces[0], *pieces[1:], chunk(b"")]


def _line(asked: Asked, text: str) -> dict[str, Any]:
    said = {"message": {"role": "assistant", "content": text}} if asked.path == "/api/chat" else {"response": text}
    return {"model": asked.model, "created_at": _WHEN} | said


def _last(asked: Asked, told: Told) -> dict[str, Any]:
    if not told.reason:
        return {"done": False}
    nanoseconds = int(told.seconds * 1e9)
    metrics = {
        "total_duration": nanoseconds,
        "load_duration": 0,
        "prompt_eval_count": len(asked.prompt) // 4,
        "prompt_eval_duration": 0,
        "eval_count": told.tokens,
        "eval_duration": nanoseconds,
    }
    # Go's omitempty: a metric of 0 is not there.
    return {"done": True, "done_reason": told.reason} | {name: value for name, value in metrics.items() if value}


def error(status: int, text: str) -> bytes:
    return orjson.dumps({"error": text})


def unknown_model(name: str) -> str:
    return f"model '{name}' not found"


def tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else name + ":latest"


def look_up(method: str, path: str, body: bytes, settings: Settings) -> tuple[int, bytes, str]:
    """Everything but asking: status, body and content type."""
    if path not in _GET_PATHS and path not in _POST_PATHS:
        return 404, b"404 page not found", "text/plain"
    if method not in (("GET", "HEAD") if path in _GET_PATHS else ("POST",)):
        return 405, b"405 method not allowed", "text/plain"
    if path == "/":
        return 200, b"Ollama is running", "text/plain; charset=utf-8"
    if path == "/api/version":
        return 200, orjson.dumps({"version": VERSION}), JSON
    if path in ("/api/tags", "/api/ps"):
        more = _TAG if path == "/api/tags" else _LOADED
        return 200, orjson.dumps({"models": [_model(name) | more for name in settings.models]}), JSON
    return _show(document(body), settings)


def _show(request: dict[str, Any], settings: Settings) -> tuple[int, bytes, str]:
    name = request.get("model") or request.get("name")
    if not isinstance(name, str) or not name:
        raise Refusal(400, "model is required")
    if not knows(name, settings):
        raise Refusal(404, unknown_model(name))
    shown = {
        "modelfile": f"FROM {name}",
        "parameters": "temperature 0.8",
        "template": "{{ .Prompt }}",
        "details": _DETAILS,
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
        "capabilities": ["completion"],
        "modified_at": _WHEN,
    }
    return 200, orjson.dumps(shown), JSON


def knows(name: str, settings: Settings) -> bool:
    """Whether a model of this name is there; a name without a tag means `:latest`."""
    return settings.any_model or tagged(name) in map(tagged, settings.models)


def _model(name: str) -> dict[str, Any]:
    digest = sha256(name.encode()).hexdigest()
    return {"name": tagged(name), "model": tagged(name), "size": 1 << 30, "digest": digest, "details": _DETAILS}


_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "1.0B",
    "quantization_level": "Q4_0",
}
_TAG = {"modified_at": _WHEN}
_LOADED = {"expires_at": "2025-01-01T00:05:00Z", "size_vram": 1 << 30, "context_length": 8192}

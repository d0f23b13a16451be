"""OpenAI's API as llama.cpp's server and the hosted ones speak it (`notes/real-model.md`). No streaming."""

from typing import Any

import orjson
from tests.standin.order import Asked, Refusal, Told
from tests.standin.settings import Settings
from tests.standin.wire import JSON, message

ASK_PATHS: tuple[str, ...] = ("/v1/chat/completions",)
UNAUTHORISED = "Invalid API Key"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def read(path: str, body: bytes) -> Asked:
    """What a chat completion asks for; Refusal for a wrong one, and for `stream: true`, which is not spoken here."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"could not parse the JSON body: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        raise Refusal(400, "'messages' must be an array")
    if request.get("stream"):
        raise Refusal(400, "the stand-in does not stream under /v1")
    messages = request["messages"]
    texts = [_text(one.get("content")) for one in messages]
    asked = [text for one, text in zip(messages, texts, strict=True) if one.get("role") == "user"]
    schema, is_json = _format(request)
    return Asked(
        path=path,
        model=request.get("model") or "",
        schema=schema,
        prompt="\n".join(texts),
        last=asked[-1] if asked else "",
        is_json=is_json,
        limit=max(0, request.get("max_completion_tokens") or request.get("max_tokens") or 0),
        is_stream=False,
    )


def _text(content: Any) -> str:
    """A message's text, which may be a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def _format(request: dict[str, Any]) -> tuple[bytes, bool]:
    wanted = request.get("response_format") or {}
    kind = wanted.get("type", "text")
    if kind not in ("text", "json_object", "json_schema"):
        raise Refusal(400, f"response_format type must be one of text, json_object, json_schema, got {kind!r}")
    # llama.cpp takes the schema beside `type`, too, and at the top.
    schema = (wanted.get("json_schema") or {}).get("schema") or wanted.get("schema") or request.get("json_schema")
    if kind == "json_schema" and not isinstance(schema, dict):
        raise Refusal(400, "response_format json_schema needs a `schema` object")
    return (orjson.dumps(schema), False) if schema else (b"", kind == "json_object")


def answer(asked: Asked, told: Told) -> list[bytes]:
    """The response's bytes. There is no `finish_reason` where the reply just stops."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": told.text},
        "finish_reason": told.reason or None,
    }
    usage = {"prompt_tokens": len(asked.prompt) // 4, "completion_tokens": told.tokens}
    body = {
        "id": "chatcmpl-standin",
        "object": "chat.completion",
        "created": 1_735_689_600,
        "model": asked.model,
        "choices": [choice],
        "usage": usage | {"total_tokens": sum(usage.values())},
    }
    return [message(200, orjson.dumps(body))]


def error(status: int, text: str) -> bytes:
    kind = _TYPES.get(status, "server_error")
    code = "model_not_found" if text.startswith("The model") else status
    return orjson.dumps({"error": {"message": text, "type": kind, "param": None, "code": code}})


def unknown_model(name: str) -> str:
    return f"The model `{name}` does not exist or you do not have access to it."


def knows(name: str, settings: Settings) -> bool:
    return settings.any_model or name in settings.models


def look_up(method: str, path: str, body: bytes, settings: Settings) -> tuple[int, bytes, str]:
    """Everything but asking: status, body and content type."""
    if path not in ("/v1/models", "/health", *ASK_PATHS):
        return 404, error(404, "File Not Found"), JSON
    if path in ASK_PATHS or method not in ("GET", "HEAD"):
        return 405, error(405, "Method Not Allowed"), JSON
    if path == "/health":
        return 200, b'{"status":"ok"}', JSON
    listed = [
        {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": "standin"} for name in settings.models
    ]
    # llama.cpp lists its models in Ollama's words as well: no sign that this is Ollama.
    alike = [{"name": name, "model": name, "modified_at": "", "size": "", "digest": ""} for name in settings.models]
    return 200, orjson.dumps({"object": "list", "data": listed, "models": alike}), JSON

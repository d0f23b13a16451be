"""Anthropic's Messages API: the key in `x-api-key`, the version in a header, answers as text or as a tool's input."""

from typing import Any

import orjson
from tests.standin.order import Asked, Refusal, Told
from tests.standin.settings import Settings
from tests.standin.wire import JSON, Request, message

ASK_PATHS: tuple[str, ...] = ("/v1/messages",)
UNAUTHORISED = "invalid x-api-key"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def check(request: Request, settings: Settings) -> None:
    """Refusal without the version, or without the key where there is one."""
    if not request.header("anthropic-version"):
        raise Refusal(400, "anthropic-version: header is required")
    if settings.api_key is not None and request.header("x-api-key") != settings.api_key:
        raise Refusal(401, UNAUTHORISED)


def read(path: str, body: bytes) -> Asked:
    """What a message asks for; Refusal in the API's words for a wrong one."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "The request body is not valid JSON") from error
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages: at least one message is required")
    if not isinstance(limit := request.get("max_tokens"), int) or limit < 1:
        raise Refusal(400, "max_tokens: Field required")
    for number, one in enumerate(messages):
        if one.get("role") not in ("user", "assistant"):
            raise Refusal(400, f"messages.{number}.role: Input should be 'user' or 'assistant'")
    if not 0 <= (request.get("temperature") or 0) <= 1:
        raise Refusal(400, "temperature: range: 0..1")
    texts = [request.get("system") or "", *(_text(one.get("content")) for one in messages)]
    tools = request.get("tools") or []
    said = [_text(one.get("content")) for one in messages if one.get("role") == "user"]
    return Asked(
        path=path,
        model=request.get("model") or "",
        schema=orjson.dumps(tools[0]["input_schema"]) if tools else b"",
        prompt="\n".join(texts),
        last=said[-1] if said else "",
        is_json=False,
        limit=limit,
        is_stream=False,
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def answer(asked: Asked, told: Told) -> list[bytes]:
    """The response's bytes: the tool's input where a tool is there and the text is an object, else text."""
    block: dict[str, Any] = {"type": "text", "text": told.text}
    reason = {"stop": "end_turn", "length": "max_tokens"}.get(told.reason)
    if asked.schema and reason == "end_turn" and (given := _object(told.text)) is not None:
        block = {"type": "tool_use", "id": "toolu_standin", "name": "answer", "input": given}
        reason = "tool_use"
    body = {
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [block],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": len(asked.prompt) // 4, "output_tokens": told.tokens},
    }
    return [message(200, orjson.dumps(body))]


def _object(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def error(status: int, text: str) -> bytes:
    return orjson.dumps({"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": text}})


def unknown_model(name: str) -> str:
    return f"model: {name}"


def knows(name: str, settings: Settings) -> bool:
    return settings.any_model or name in settings.models


def look_up(method: str, path: str, body: bytes, settings: Settings) -> tuple[int, bytes, str]:
    """Everything but asking: status, body and content type."""
    if path == "/v1/models" and method == "GET":
        listed = [{"type": "model", "id": name, "display_name": name} for name in settings.models]
        return 200, orjson.dumps({"data": listed, "has_more": False}), JSON
    return 404, error(404, "Not found"), JSON

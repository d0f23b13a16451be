"""The dialect of Anthropic's Messages API. A schema becomes a tool that the model must use: every model knows tools."""

from typing import Any, ClassVar

import msgspec
import orjson
from msgspec import Struct

from ffgen.ask.address import Auth
from ffgen.ask.dialect import Answer, Prompt, Reply, Speaker, merged, opened

_TOOL = "answer"


class Anthropic(Speaker, frozen=True, kw_only=True):
    """Speaks to Anthropic. `options` go into the body as they are; null takes a key away. There is no seed."""

    api: ClassVar[str] = "anthropic"
    path: ClassVar[str] = "/v1/messages"
    auth: ClassVar[Auth] = "anthropic"
    taken: ClassVar[frozenset[str]] = frozenset(
        {"seed", "model", "messages", "system", "stream", "tools", "tool_choice"}
    )

    def body(self, prompt: Prompt, seed: int) -> bytes:
        """See Dialect. What the roles `system` say stands apart from the conversation here."""
        head = {
            "model": self.model,
            "max_tokens": prompt.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
        }
        said = [{"role": role, "content": text} for role, text in prompt.messages if role != "system"]
        last: dict[str, Any] = {"messages": said}
        if system := "\n\n".join(text for role, text in prompt.messages if role == "system"):
            last["system"] = system
        if prompt.schema is not None:
            last["tools"] = [{"name": _TOOL, "description": "Takes the answer.", "input_schema": prompt.schema}]
            last["tool_choice"] = {"type": "tool", "name": _TOOL}
        return orjson.dumps(merged(head, self.options) | last)

    def read(self, body: bytes) -> Answer:
        """See Dialect. What the tool was given is the text, as JSON; else what the model said."""
        reply = opened(body, _REPLY, "a message of Anthropic")
        if isinstance(reply, Answer):
            return reply
        given = next((bytes(block.input) for block in reply.content if block.type == "tool_use"), b"")
        text = given.decode("utf-8", "replace") or "".join(block.text for block in reply.content)
        usage = reply.usage or _Usage()
        return Answer(
            text=text,
            complete=reply.stop_reason is not None,
            truncated=reply.stop_reason == "max_tokens",
            tokens_in=usage.input_tokens,
            tokens_out=usage.output_tokens,
            problem=_problem(reply),
        )


class _Block(Struct):
    type: str = "text"
    text: str = ""
    input: msgspec.Raw = msgspec.Raw(b"")


class _Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Reply(Reply):
    content: list[_Block] = []
    stop_reason: str | None = None
    usage: _Usage | None = None


_REPLY = msgspec.json.Decoder(_Reply)


def _problem(reply: _Reply) -> str:
    if reply.stop_reason is None:
        return "no `stop_reason`: the server broke the reply off"
    return "the model refused" if reply.stop_reason == "refusal" else ""

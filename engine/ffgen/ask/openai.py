"""The dialect of OpenAI's chat completions, which llama.cpp, vLLM and most hosted servers speak."""

from typing import Any, ClassVar

import msgspec
import orjson
from msgspec import Struct

from ffgen.ask.address import printable
from ffgen.ask.dialect import Answer, Prompt, Reply, Speaker, chat, merged, opened, seed_of


class OpenAI(Speaker, frozen=True, kw_only=True):
    """Speaks to an OpenAI-compatible server. `options` go into the body as they are; null takes a key away.

    A server that knows no `max_tokens`, say: `options: {max_tokens: null, max_completion_tokens: 4096}`.
    """

    api: ClassVar[str] = "openai"
    path: ClassVar[str] = "/v1/chat/completions"
    taken: ClassVar[frozenset[str]] = frozenset({"seed", "model", "messages", "stream", "n"})

    def body(self, prompt: Prompt, seed: int) -> bytes:
        """See Dialect."""
        head = {
            "model": self.model,
            "stream": False,
            "response_format": _response_format(prompt.schema),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": prompt.max_tokens,
        }
        last = {"messages": chat(prompt), "seed": seed_of(seed)}
        if "seed" in self.options:  # null: a server that refuses seeds
            del last["seed"]
        return orjson.dumps(merged(head, self.options) | last)

    def read(self, body: bytes) -> Answer:
        """See Dialect. A cut-off reply is a good answer that is `truncated`; a refusal is a problem."""
        reply = opened(body, _REPLY, "a chat completion")
        if isinstance(reply, Answer):
            return reply
        if not reply.choices:
            return Answer(problem="not a chat completion: no choices")
        choice, usage = reply.choices[0], reply.usage or _Usage()
        return Answer(
            text=choice.message.content or "",
            complete=choice.finish_reason is not None,
            truncated=choice.finish_reason == "length",
            tokens_in=usage.prompt_tokens,
            tokens_out=usage.completion_tokens,
            problem=_problem(choice),
        )


class _Message(Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Reply(Reply):
    choices: list[_Choice] = []
    usage: _Usage | None = None


_REPLY = msgspec.json.Decoder(_Reply)


def _response_format(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"name": "rows", "strict": True, "schema": schema}}


def _problem(choice: _Choice) -> str:
    if choice.message.refusal:
        return printable(f"the model refused: {choice.message.refusal}")
    if choice.finish_reason is None:
        return "no `finish_reason`: the server broke the reply off"
    if choice.finish_reason == "content_filter":
        return "the server's content filter held the reply back"
    return ""

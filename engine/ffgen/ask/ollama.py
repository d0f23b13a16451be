"""Ollama's native dialect: POST /api/chat, not streamed."""

from typing import ClassVar

import msgspec
import orjson
from msgspec import Struct

from ffgen.ask.dialect import Answer, Prompt, Reply, Speaker, chat, merged, opened, seed_of

# Options of the user that belong beside `options`, not into it.
_BESIDE = frozenset({"keep_alive", "think", "truncate", "shift"})


class Ollama(Speaker, frozen=True, kw_only=True):
    """Speaks to Ollama. `context` is num_ctx, one value for a whole job: another one makes the server load anew."""

    api: ClassVar[str] = "ollama"
    path: ClassVar[str] = "/api/chat"
    taken: ClassVar[frozenset[str]] = frozenset({"seed", "model", "messages", "stream", "format", "options"})

    context: int | None = None

    def body(self, prompt: Prompt, seed: int) -> bytes:
        """See Dialect. `think` is off unless an option says otherwise: thinking costs tokens and is no data."""
        beside = {name: value for name, value in self.options.items() if name in _BESIDE}
        inside = {name: value for name, value in self.options.items() if name not in _BESIDE}
        head = merged({"model": self.model, "stream": False, "think": False, "format": prompt.schema}, beside)
        options = merged(
            {
                "temperature": self.temperature,
                "top_p": self.top_p,
                "num_ctx": self.context,
                "num_predict": prompt.max_tokens,
            },
            inside,
        )
        return orjson.dumps(head | {"messages": chat(prompt), "options": options | {"seed": seed_of(seed)}})

    def read(self, body: bytes) -> Answer:
        """See Dialect. A body without `done: true` is what Ollama sends when it stopped a model that repeats itself."""
        reply = opened(body, _REPLY, "a reply of Ollama")
        if isinstance(reply, Answer):
            return reply
        if reply.message is None:
            return Answer(problem="not a reply of Ollama: no message")
        return Answer(
            text=reply.message.content,
            complete=reply.done,
            truncated=reply.done_reason == "length",
            tokens_in=reply.prompt_eval_count,
            tokens_out=reply.eval_count,
            problem="" if reply.done else "no `done: true`: the server broke the reply off",
        )


class _Message(Struct):
    content: str = ""


class _Reply(Reply):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int = 0
    eval_count: int = 0


_REPLY = msgspec.json.Decoder(_Reply)

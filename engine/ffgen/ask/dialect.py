"""What every dialect of asking shares: a prompt in, an answer out, and what stands between them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
import orjson
from msgspec import Struct

from ffgen.ask.address import error_message, printable
from ffgen.errors import UsageError

# Servers read the seed as an int, an int32 or a uint32; llama.cpp takes 2**32 - 1, and Ollama -1, for "random".
_SEED_BITS = 0x7FFFFFFF


class Prompt(Struct, frozen=True):
    """One question to a model: (role, text) pairs, the schema its reply must have, and the room it gets.

    What many prompts share stands first, and is the same to the byte: servers keep what they read of it.
    """

    messages: Sequence[tuple[str, str]]
    schema: dict[str, Any] | None = None
    max_tokens: int = 1024


class Answer(Struct, frozen=True):
    """What an HTTP 200 body holds. With a `problem` there is no usable text, and the prompt is asked anew.

    `complete`: the server says that the model finished; `truncated`: the reply ran out of tokens, so its text
    is the start of a document. Tokens are 0 where the server does not count them.
    """

    text: str = ""
    complete: bool = False
    truncated: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    problem: str = ""


class Dialect(Protocol):
    """How one kind of server is spoken to. Pure: the same prompt and seed make the same bytes, which key the reply."""

    api: ClassVar[str]
    path: ClassVar[str]

    def body(self, prompt: Prompt, seed: int) -> bytes:
        """The request's body."""

    def read(self, body: bytes) -> Answer:
        """What a complete HTTP 200 body says. Never raises: a body that says nothing is a `problem`."""


class Speaker(Struct, frozen=True, kw_only=True):
    """What every dialect is told of the model. `taken` are the options that a dialect keeps for itself."""

    taken: ClassVar[frozenset[str]]

    model: str
    temperature: float = 0.8
    top_p: float | None = None
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        check_options(self.options, self.taken)


class Reply(Struct):
    """What every server's body may hold."""

    error: Any = None


R = TypeVar("R", bound=Reply)


def opened(body: bytes, decoder: msgspec.json.Decoder[R], kind: str) -> R | Answer:
    """A body as what it should be, `kind` in words; or the answer whose problem says why it is none."""
    try:
        reply = decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Answer(problem=f"not {kind}: {printable(str(error), 100)}")
    if reply.error is not None:
        return Answer(problem=printable(f"an error inside a reply: {error_message(body)}"))
    return reply


def seed_of(seed: int) -> int:
    """`seed` in the 31 bits that every server reads alike."""
    return seed & _SEED_BITS


def chat(prompt: Prompt) -> list[dict[str, str]]:
    """The messages as both dialects write them."""
    return [{"role": role, "content": text} for role, text in prompt.messages]


def merged(base: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """`base` with the user's options, by name. An option of null takes the key away, for servers that refuse it."""
    both = base | dict(sorted(options.items()))
    return {name: value for name, value in both.items() if value is not None}


def check_options(options: dict[str, Any], taken: frozenset[str]) -> None:
    """UsageError for options that are not JSON, or that would unmake what ffgen promises."""
    for name in sorted(taken & options.keys()):
        if options[name] is not None:
            hint = "Set the spec's own `seed`." if name == "seed" else "Take it out."
            raise UsageError(f"`model.options.{name}` is ffgen's to set.", hint=hint)
    try:
        orjson.dumps(options)
    except TypeError as error:
        raise UsageError(f"`model.options` can't be sent as JSON: {error}.") from error

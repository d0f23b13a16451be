"""What passes between the dialects and the server: a request understood, a reply ready, a refusal."""

from typing import NamedTuple, Protocol

from tests.standin.settings import Settings


class Asked(NamedTuple):
    """A request for text, in either dialect. `prompt` is all messages, `last` the last user's; `limit` 0 is none."""

    path: str
    model: str
    schema: bytes
    prompt: str
    last: str
    is_json: bool
    limit: int
    is_stream: bool
    is_load: bool = False
    is_unload: bool = False


class Told(NamedTuple):
    """A reply before it has a form. `reason` is why it ended, "" where it just stops."""

    text: str
    reason: str
    tokens: int
    seconds: float


class Refusal(Exception):
    """A request that gets an error: its status and the words, which each dialect wraps in its own way."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Dialect(Protocol):
    """What a module that speaks an API offers. `ASK_PATHS` are those that a POST asks for text at."""

    @property
    def ASK_PATHS(self) -> tuple[str, ...]: ...

    @property
    def UNAUTHORISED(self) -> str: ...

    def read(self, path: str, body: bytes) -> Asked:
        """What a request for text asks for; Refusal in the API's own words for a wrong one."""

    def knows(self, name: str, settings: Settings) -> bool:
        """Whether a model of this name is there."""

    def unknown_model(self, name: str) -> str: ...

    def answer(self, asked: Asked, told: Told) -> list[bytes]:
        """A whole response in the pieces in which it goes out."""

    def error(self, status: int, text: str) -> bytes: ...

    def look_up(self, method: str, path: str, body: bytes, settings: Settings) -> tuple[int, bytes, str]:
        """Everything but asking: status, body and content type; 404 and 405 included."""

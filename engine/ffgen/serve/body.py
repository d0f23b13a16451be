"""What a request says, as far as it can be read: a body of JSON, in time and within its limits, and parameters."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BeforeValidator
from pydantic.json_schema import SkipJsonSchema

from ffgen.serve.asked import ELSEWHERE, shown
from ffgen.serve.problem import Refused
from ffgen.serve.settings import BODY_SECONDS, MOST_BODY
from ffgen.serve.wire import Slip, State

JSON = "application/json"
_PREFERENCE = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


class JsonRoute(APIRoute):
    """A route whose body, where it has one, is read before FastAPI looks at it: FastAPI knows no time limit, takes
    whatever length, and lets NaN pass."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # wider there
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_first(request: Request) -> Response:
            data = await received(request)
            return await handle(_Read(request, data, parse(data)))

        return read_first


class _Read(Request):
    """A request whose body has been read."""

    def __init__(self, request: Request, data: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._data = data
        self._value = value

    async def body(self) -> bytes:
        return self._data

    async def json(self) -> Any:
        return self._value


async def received(request: Request) -> bytes:
    """The bytes of a body of JSON."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        hint = "Say Content-Type: application/json; with curl: --json '{...}'."
        raise Refused("media-type", f"The body is {kind or 'of no type'}.", hint, headers={"Accept-Post": JSON})
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused("media-type", "The body is compressed.", "Send it as it is.")
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                data += piece
                if len(data) > MOST_BODY:
                    raise Refused("too-long", f"The body has more than {MOST_BODY:,} bytes.", "Send less.")
    except TimeoutError:
        what = f"The body had not come after {BODY_SECONDS:g} s."
        raise Refused("timeout", what, "Send it at once.", headers={"Connection": "close"}) from None
    return bytes(data)


def parse(body: bytes) -> Any:
    """JSON by its own rules: no NaN, no half surrogates."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused("syntax", f"{error or 'The body is nested too deeply'}.", "Send a JSON object.") from None


def refusal_of(error: RequestValidationError) -> Refused:
    """What FastAPI has found wrong with a request."""
    found = error.errors()[0]
    place, *names = found["loc"]
    name = str(names[0]) if names else ""
    match place:
        case "path":
            return Refused("not-found", "There is no such job.", "GET /jobs lists them.")
        case "body":
            missing = f"There is no `{name}` in the body."
            what = missing if name else f"The body must be an object, got {shown(found['input'])}."
            return Refused("body", what, ELSEWHERE, [Slip(pointer=f"#/{name}" if name else "#", detail=what)])
    why = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    what = f"{name} {why}, got {str(found['input'])[:60]!r}."
    kind = "header" if place == "header" else "parameter"
    return Refused(kind, what, ELSEWHERE, [Slip(pointer=f"{place}:{name}", detail=what)])


async def said_once(request: Request) -> None:
    """Refused where a parameter is said twice: nobody knows which one is meant."""
    for name in request.query_params:
        if len(request.query_params.getlist(name)) > 1:
            what = f"{name[:60]} must be said once."
            raise Refused("parameter", what, ELSEWHERE, [Slip(pointer=f"query:{name[:60]}", detail=what)])


async def prefers_job(
    request: Request,
    prefer: Annotated[
        str,
        Header(
            description="`respond-async` makes a job of it: 202. Other preferences are ignored.",
            examples=["respond-async"],
        ),
    ] = "",
) -> bool:
    """Whether an answer at once is not wanted (RFC 7240)."""
    return any(_PREFERENCE.search(said) for said in request.headers.getlist("Prefer"))


def _digits(said: Any) -> Any:
    if isinstance(said, str) and not re.fullmatch(r"\d{1,18}", said, re.ASCII):
        raise ValueError("should be a whole number")
    return said


def _key(said: str) -> str:
    """Without the quotes that some clients put around it."""
    key = said[1:-1] if len(said) > 2 and said[0] == said[-1] == '"' else said
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValueError("should have 1 to 255 printable characters without spaces")
    return key


WHOLE = BeforeValidator(_digits)
JobId = Annotated[str, Path(alias="id", pattern="^[0-9a-f]{24}$", description="The job's id.")]
Key = Annotated[
    str | SkipJsonSchema[None],
    AfterValidator(lambda said: _key(said) if said is not None else None),
    Header(
        alias="Idempotency-Key",
        description="A name for this request, 24 hours long: the same key and body again give the same job.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
]
LastEvent = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=2**53, description="The id of the last event received."), WHOLE
]
Table = Annotated[
    str | SkipJsonSchema[None],
    Query(min_length=1, max_length=100, description="Which table; all of several as a ZIP file unless said."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Jobs a page."), WHOLE]
Before = Annotated[int, Query(ge=1, le=2**53, description="Only jobs before this number: `next` has it."), WHOLE]
InState = Annotated[State | SkipJsonSchema[None], Query(description="Only jobs in this state.")]

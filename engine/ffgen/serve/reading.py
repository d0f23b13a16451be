"""What a request says outside of its body: parameters and headers, each in its bounds or refused."""

import re
from collections.abc import Sequence

from aiohttp import web

from ffgen.serve.problem import Refused
from ffgen.serve.routes import KEY, Parameter
from ffgen.serve.wire import Slip

_PREFERENCE = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


def job_id(request: web.Request, told: Parameter) -> str:
    """The id in the path; what can't be one is not there."""
    id: str = request.match_info[told.name]
    if not re.fullmatch(told.schema["pattern"], id):
        raise Refused("not-found", "There is no such job.", "GET /jobs lists them.")
    return id


def number(request: web.Request, told: Parameter) -> int | None:
    """A whole number within its bounds; None where it is not said."""
    said = request.query.get(told.name) if told.place == "query" else request.headers.get(told.name)
    if said is None or (told.place == "query" and _is_twice(request, told.name)):
        return None
    low, high = told.schema["minimum"], told.schema["maximum"]
    if not re.fullmatch(r"\d{1,18}", said, re.ASCII) or not low <= int(said) <= high:
        raise _wrong(told.name, said, f"a whole number from {low} to {high}", told.place)
    return int(said)


def word(request: web.Request, name: str, known: Sequence[str]) -> str | None:
    """One of some words in the query; None where it is not said."""
    said = request.query.get(name)
    if said is None or _is_twice(request, name):
        return None
    if said not in known:
        raise _wrong(name, said, f"one of {', '.join(known)}", "query")
    return said


def key_of(request: web.Request) -> str | None:
    """The Idempotency-Key, without the quotes that some clients put around it."""
    said = request.headers.get(KEY.name)
    if said is None:
        return None
    key = said[1:-1] if len(said) > 2 and said[0] == said[-1] == '"' else said
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise _wrong(KEY.name, said, "1 to 255 printable characters without spaces", "header")
    return key


def prefers_job(request: web.Request) -> bool:
    """Whether an answer at once is not wanted (RFC 7240)."""
    return any(_PREFERENCE.search(said) for said in request.headers.getall("Prefer", []))


def _is_twice(request: web.Request, name: str) -> bool:
    if len(request.query.getall(name)) > 1:
        raise _wrong(name, ", ".join(request.query.getall(name)), "said once", "query")
    return False


def _wrong(name: str, said: str, wanted: str, place: str) -> Refused:
    what = f"{name} must be {wanted}, got {said[:60]!r}."
    kind = "header" if place == "header" else "parameter"
    return Refused(kind, what, "GET /openapi.json describes it.", [Slip(pointer=f"{place}:{name}", detail=what)])

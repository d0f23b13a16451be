"""Reading the body of a request: JSON, in time, within its limits, into one of the structs of `wire`."""

import asyncio
import re
from typing import Any, TypeVar, get_args

import msgspec
from aiohttp import web

from ffgen.serve.problem import Refused
from ffgen.serve.settings import BODY_SECONDS, MOST_BODY, MOST_DESCRIPTION, MOST_JOB_ROWS, MOST_ROWS
from ffgen.serve.wire import Format, GenerateRequest, Request, Slip, ValidateRequest

T = TypeVar("T")
_WHERE = re.compile(r" - at `(\$[^`]*)`$")
_NUMBERS = ("rows", "seed")
_WANTED = {
    "format": f"one of {', '.join(get_args(Format))}",
    "seed": "a whole number from 0 to 9,223,372,036,854,775,807",
    "model": "the name of one of the operator's models, which GET / lists",
    "description": "text",
    "spec": "a spec: an object with `dataset` or `tables`",
    "answers": "an object: the ids of questions, and what is answered",
}
"""What the keys of a body may be."""
EXAMPLE = 'Name things and their fields: "5000 customers with names, e-mails and a city".'


async def read(request: web.Request, kind: type[T]) -> T:
    """The body as one of our structs. Refused for anything else."""
    if request.content_type != "application/json":
        hint = "Say Content-Type: application/json; with curl: --json '{...}'."
        raise Refused("media-type", f"The body is {request.content_type}.", hint, headers={"Accept-Post": JSON})
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused("media-type", "The body is compressed.", "Send it as it is.")
    return parse(await received(request), kind)


JSON = "application/json"


async def received(request: web.Request) -> bytes:
    """The bytes of the body."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused("too-long", f"The body has more than {MOST_BODY:,} bytes.", "Send less.") from None
    except TimeoutError:
        what = f"The body had not come after {BODY_SECONDS:g} s."
        raise Refused("timeout", what, "Send it at once.", headers={"Connection": "close"}) from None


def parse(body: bytes, kind: type[T]) -> T:
    """Bytes as one of our structs."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused("syntax", f"{error or 'The body is nested too deeply'}.", "Send a JSON object.") from None
    if isinstance(raw, dict):
        raw.update({name: int(raw[name]) for name in _NUMBERS if _is_whole(raw.get(name))})
    try:
        made = msgspec.convert(raw, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _wrong(str(error), raw, kind) from None
    if isinstance(made, Request) and (made.description is msgspec.UNSET) == (made.spec is msgspec.UNSET):
        given = "neither" if made.spec is msgspec.UNSET else "both"
        what = f"The body has {given} of `description` and `spec`."
        raise Refused("body", what, "Give one of them.", [Slip(pointer="#/", detail=what)])
    if isinstance(made, Request) and made.spec is not msgspec.UNSET and made.model is not msgspec.UNSET:
        what = "`model` says who drafts a description, and there is a spec."
        raise Refused("body", what, "Leave it out.", [Slip(pointer="#/model", detail=what)])
    return made


def _is_whole(value: Any) -> bool:
    """Whether a number is whole but written as 5.0 or 5e3, which to JSON is the same."""
    return isinstance(value, float) and value.is_integer() and abs(value) < 2**63


def _wrong(told: str, raw: Any, kind: type) -> Refused:
    """What a body has that its struct can't take."""
    found = _WHERE.search(told)
    what = _WHERE.sub("", told)
    pointer = "#" + re.sub(r"\.|\[(?=\d)", "/", found[1].removeprefix("$")).replace("]", "") if found else "#/"
    name, hint = pointer.removeprefix("#/"), "GET /openapi.json describes it."
    if name == "rows" and kind is not ValidateRequest:
        return _rows(raw["rows"], kind)
    if name == "description" and isinstance(raw["description"], str):
        return _description(raw["description"])
    if name in _WANTED and isinstance(raw, dict):
        what = f"{name} must be {_WANTED[name]}, got {shown(raw[name])}."
        return Refused("body", what, hint, [Slip(pointer=pointer, detail=what)])
    if names := re.search(r"unknown field `(.*)`$", what):
        known = ", ".join(f"`{name}`" for name in getattr(kind, "__struct_fields__", ()))
        what, hint = f"There is no `{names[1][:80]}` here.", f"The body may have {known}."
        pointer = f"#/{names[1][:80]}"
    what = what[:1].upper() + what[1:].rstrip(".") + "."
    return Refused("body", what, hint, [Slip(pointer=pointer, detail=what)])


def _description(said: str) -> Refused:
    """One that is empty, or too long."""
    what = f"The description has {len(said):,} characters; {MOST_DESCRIPTION:,} are read at most."
    hint = "Say it in fewer words, or send a spec."
    if not said:
        what, hint = "The description is empty.", EXAMPLE
    return Refused("description", what, hint, [Slip(pointer="#/description", detail=what)])


def shown(value: Any) -> str:
    """What a body says, as it says it, in short."""
    return msgspec.json.encode(value).decode()[:40]


def _rows(said: Any, kind: type) -> Refused:
    """What is wrong with `rows`, and where more can be had."""
    most = MOST_ROWS if kind is GenerateRequest else MOST_JOB_ROWS
    what = f"rows must be a whole number from 1 to {most:,}, got {shown(said)}."
    hint = "1000 unless said."
    if kind is GenerateRequest and isinstance(said, int) and said > MOST_ROWS:
        what = f"An answer at once has at most {MOST_ROWS:,} rows, and {shown(said)} are asked for."
        hint = "POST /jobs takes the same body and makes more."
    return Refused("rows-out-of-range", what, hint, [Slip(pointer="#/rows", detail=what)])

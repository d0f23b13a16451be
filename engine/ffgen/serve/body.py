"""Reading the body of a request: JSON, in time, within its limits, into one of the structs of `wire`."""

import asyncio
import re
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from ffgen.serve.problem import Refused
from ffgen.serve.settings import BODY_SECONDS, MOST_BODY, MOST_ROWS
from ffgen.serve.wire import GenerateRequest, JobRequest, Request, Slip

T = TypeVar("T")
_WHERE = re.compile(r" - at `(\$[^`]*)`$")
_NUMBERS = ("rows", "seed")


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
    if pointer == "#/rows" and kind in (GenerateRequest, JobRequest):
        return _rows(raw["rows"], kind)
    hint = "GET /openapi.json describes it."
    if names := re.search(r"unknown field `(.*)`$", what):
        known = ", ".join(f"`{name}`" for name in getattr(kind, "__struct_fields__", ()))
        what, hint = f"There is no `{names[1][:80]}` here.", f"The body may have {known}."
        pointer = f"#/{names[1][:80]}"
    what = what[:1].upper() + what[1:].rstrip(".") + "."
    return Refused("body", what, hint, [Slip(pointer=pointer, detail=what)])


def _rows(said: Any, kind: type) -> Refused:
    """What is wrong with `rows`, and where more can be had."""
    what = f"rows must be a whole number from 1 to {MOST_ROWS:,}, got {str(said)[:40]}."
    hint = "1000 unless said."
    if kind is GenerateRequest and isinstance(said, int) and said > MOST_ROWS:
        what = f"An answer at once has at most {MOST_ROWS:,} rows, and {str(said)[:40]} are asked for."
        hint = "POST /jobs takes the same body and makes more."
    elif kind is JobRequest:
        what = f"rows must be a whole number from 1 to 100,000,000, got {str(said)[:40]}."
    return Refused("rows-out-of-range", what, hint, [Slip(pointer="#/rows", detail=what)])

"""What the OpenAPI document says beyond what FastAPI finds in the models: problems, headers, and bytes of any kind."""

import inspect
from collections.abc import Mapping
from typing import Any

from ffgen.serve import wire
from ffgen.serve.naming import MEDIA
from ffgen.serve.problem import MEDIA as PROBLEM
from ffgen.serve.problem import TITLES

Responses = dict[int | str, dict[str, Any]]
EVERYWHERE = (400, 401, 421, 429)
"""Statuses of problems that any route may answer with, and those of routes that do something, or take a body."""
ACTING = (403,)
WITH_BODY = (*ACTING, 408, 413, 415, 422, 503)
HEADERS = {
    "Content-Disposition": "A file name for the data.",
    "Location": "Where the job is.",
    "X-Ffgen-Table": "The table that is sent, the finest-grained one.",
    "X-Ffgen-Tables": "All tables with their rows: `customers;rows=1000, orders;rows=2785`.",
    "X-Ffgen-Rows": "The rows that are sent.",
    "X-Ffgen-Seed": "The seed: the same one gives the same bytes.",
    "X-Ffgen-Spec-Hash": "A name for what was made.",
    "X-Ffgen-Author": "Who made the spec of a description: `ffgen`, or a model.",
}
DATA_HEADERS = ("Content-Disposition", *(name for name in HEADERS if name.startswith("X-")))
DATA = tuple(MEDIA.values())


def problems(*more: int) -> Responses:
    """The statuses with which a route may refuse."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": title(status), "content": content} for status in sorted({*EVERYWHERE, *more})}


def title(status: int) -> str:
    """What problems of a status are called."""
    return "; ".join(dict.fromkeys(told for known, told in TITLES.values() if known == status))


def answer(told: str, media: tuple[str, ...] = (), headers: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """One good answer, whose body FastAPI knows nothing of, or `model`."""
    made = {"description": told, **more}
    if media:
        made["content"] = {one.partition(";")[0]: {} for one in media}
    if headers:
        made["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in headers}
    return made


def tidy(document: dict[str, Any]) -> dict[str, Any]:
    """The document without FastAPI's own validation errors, which nobody here ever gets."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name, schema in schemas.items():
        schema.setdefault("description", inspect.getdoc(getattr(wire, name, None)) or "")
    return document


def example(said: Mapping[str, Any]) -> dict[str, Any]:
    """A body that works."""
    return {"requestBody": {"content": {"application/json": {"example": dict(said)}}}}

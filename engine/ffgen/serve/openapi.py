"""The OpenAPI document: of the table of routes, and of the structs that go over the wire."""

from typing import Any

import msgspec

from ffgen import __version__
from ffgen.serve.problem import MEDIA, TITLES
from ffgen.serve.routes import EVERYWHERE, ROUTES, WITH_BODY, Parameter, Route, Told
from ffgen.serve.wire import GenerateRequest, JobRequest, Problem

REF = "#/components/schemas/{name}"
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
EITHER = [
    {"required": ["description"], "not": {"required": ["spec"]}},
    {"required": ["spec"], "not": {"anyOf": [{"required": ["description"]}, {"required": ["model"]}]}},
]
"""A request for data has one of the two."""


def document(secured: bool) -> dict[str, Any]:
    """The document; `secured` where requests need a token."""
    bodies = [route.body for route in ROUTES if route.body is not None]
    told = [kind for route in ROUTES for answer in route.answers.values() for kind in answer.media.values() if kind]
    kinds = list(dict.fromkeys([*bodies, *told, Problem]))
    refs, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    named = dict(zip(kinds, refs, strict=True))
    for kind in (GenerateRequest, JobRequest):
        schemas[kind.__name__]["oneOf"] = EITHER
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        for path in filter(None, (route.path, route.alias)):
            paths.setdefault(path, {})[route.method.lower()] = operation(route, path, named, secured)
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "ffgen",
            "version": __version__,
            "summary": "Synthetic data from a description or a spec.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if secured:
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return made


def operation(route: Route, path: str, named: dict[type, Any], secured: bool) -> dict[str, Any]:
    """One method of one path."""
    made: dict[str, Any] = {
        "operationId": route.handler + ("_" if path == route.alias else ""),
        "summary": route.told,
        "responses": {str(status): answer(told, named) for status, told in route.answers.items()},
    }
    for status in problems_of(route):
        content = {MEDIA: {"schema": named[Problem]}}
        made["responses"].setdefault(str(status), {"description": title(status), "content": content})
    if route.parameters:
        made["parameters"] = [parameter(one) for one in route.parameters]
    if route.body is not None:
        media: dict[str, Any] = {"schema": named[route.body]}
        if route.example:
            media["example"] = dict(route.example)
        made["requestBody"] = {"required": True, "content": {"application/json": media}}
    if secured and not route.is_open:
        made["security"] = [{"token": []}]
    return made


def problems_of(route: Route) -> list[int]:
    """The statuses with which a route may refuse."""
    return sorted({*EVERYWHERE, *route.problems, *(WITH_BODY if route.body is not None else ())})


def title(status: int) -> str:
    """What problems of a status are called."""
    return "; ".join(dict.fromkeys(told for known, told in TITLES.values() if known == status))


def answer(told: Told, named: dict[type, Any]) -> dict[str, Any]:
    """One good answer."""
    made: dict[str, Any] = {"description": told.told}
    if told.media:
        made["content"] = {
            media.partition(";")[0]: {"schema": named[kind]} if kind is not None else {}
            for media, kind in told.media.items()
        }
    if told.headers:
        made["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in told.headers}
    return made


def parameter(one: Parameter) -> dict[str, Any]:
    """One parameter."""
    required = {"required": True} if one.place == "path" else {}
    return {"name": one.name, "in": one.place, "description": one.told, "schema": dict(one.schema), **required}

"""The routes of the service as a table: the router and the OpenAPI document are both made of it."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from msgspec import Struct

from ffgen.serve.naming import MEDIA
from ffgen.serve.wire import (
    About,
    Drafted,
    DraftRequest,
    GenerateRequest,
    Health,
    JobList,
    JobRequest,
    JobView,
    State,
    Validated,
    ValidateRequest,
)

JSON = "application/json"
EVERYWHERE = (400, 401, 421)
"""Statuses of problems that any route may answer with, and those of routes that take a body."""
WITH_BODY = (403, 408, 413, 415, 422, 429, 503)
STATES = list(get_args(State))


class Parameter(Struct, frozen=True, kw_only=True):
    """Something that a request may say outside of its body."""

    name: str
    place: Literal["query", "header", "path"]
    told: str
    schema: Mapping[str, Any]


class Told(Struct, frozen=True, kw_only=True):
    """One good answer: its body by media type, None for bytes of any kind, and its headers."""

    told: str
    media: Mapping[str, type | None]
    headers: tuple[str, ...] = ()


class Route(Struct, frozen=True, kw_only=True):
    """One route. `handler` is a method of the service."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: str
    told: str
    answers: Mapping[int, Told]
    body: type | None = None
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    example: Mapping[str, Any] = {}
    alias: str = ""
    is_open: bool = False


ID = Parameter(name="id", place="path", told="The job's id.", schema={"type": "string", "pattern": "^[0-9a-f]{24}$"})
KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    told="A name for this request, 24 hours long: the same key and body again give the same job.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)
PREFER = Parameter(
    name="Prefer",
    place="header",
    told="`respond-async` makes a job of it: 202. Other preferences are ignored.",
    schema={"type": "string", "example": "respond-async"},
)
LAST = Parameter(
    name="Last-Event-ID",
    place="header",
    told="The id of the last event that was received.",
    schema={"type": "integer", "minimum": 0, "maximum": 2**53},
)
TABLE = Parameter(
    name="table",
    place="query",
    told="Which table; all of several as a ZIP file unless said.",
    schema={"type": "string", "minLength": 1, "maxLength": 100},
)
PAGE = (
    Parameter(
        name="limit",
        place="query",
        told="Jobs a page; 50 unless said.",
        schema={"type": "integer", "minimum": 1, "maximum": 200},
    ),
    Parameter(
        name="before",
        place="query",
        told="Only jobs before this number: `next` has it.",
        schema={"type": "integer", "minimum": 1, "maximum": 2**53},
    ),
    Parameter(name="state", place="query", told="Only jobs in this state.", schema={"type": "string", "enum": STATES}),
)
DATA = {media: None for media in MEDIA.values()}
DATA_HEADERS = (
    "Content-Disposition",
    *(f"X-Ffgen-{name}" for name in ("Table", "Tables", "Rows", "Seed", "Spec-Hash")),
)
BIKES = {"description": "customers of a bike shop with names, emails and how much they spent"}
SPEC = {
    "dataset": {
        "name": "parts",
        "fields": [
            {"name": "sku", "type": "string", "pattern": "^P-[0-9]{5}$", "unique": True},
            {"name": "price", "type": "number", "range": [1, 90], "decimals": 2},
        ],
    }
}
JOB = Told(told="The job.", media={JSON: JobView})
TAKEN = Told(told="The job that was taken.", media={JSON: JobView}, headers=("Location",))

ROUTES = (
    Route(
        method="POST",
        path="/generate",
        handler="generate",
        told="Data, now: a description or a spec to rows.",
        body=GenerateRequest,
        parameters=(PREFER, KEY),
        answers={200: Told(told="The rows.", media=DATA, headers=DATA_HEADERS), 202: TAKEN},
        problems=(500, 507),
        example={**BIKES, "rows": 1000},
    ),
    Route(
        method="POST",
        path="/draft",
        handler="draft",
        told="A description to a spec.",
        body=DraftRequest,
        answers={200: Told(told="The spec, and how the description was read.", media={JSON: Drafted})},
        example=BIKES,
    ),
    Route(
        method="POST",
        path="/validate",
        handler="validate",
        told="All that is wrong with a spec.",
        body=ValidateRequest,
        answers={200: Told(told="What was found; `valid` says whether it can be run.", media={JSON: Validated})},
        example={"spec": SPEC},
    ),
    Route(
        method="POST",
        path="/jobs",
        handler="submit",
        told="Data, later: a job of any size.",
        body=JobRequest,
        parameters=(KEY,),
        answers={202: TAKEN},
        problems=(507,),
        example={"spec": SPEC, "rows": 5000},
    ),
    Route(
        method="GET",
        path="/jobs",
        handler="list_jobs",
        told="Jobs, the newest first.",
        parameters=PAGE,
        answers={200: Told(told="A page of them.", media={JSON: JobList})},
    ),
    Route(
        method="GET",
        path="/jobs/{id}",
        handler="show_job",
        told="Where a job stands.",
        parameters=(ID,),
        answers={200: JOB},
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/jobs/{id}/events",
        handler="follow_job",
        told="Progress as it comes: server-sent events `progress`, `state` and at last `end`.",
        parameters=(ID, LAST),
        answers={200: Told(told="The events.", media={"text/event-stream": None})},
        problems=(404, 503),
    ),
    Route(
        method="GET",
        path="/jobs/{id}/download",
        handler="download",
        told="What a job has made. Ranges are served of single files.",
        parameters=(ID, TABLE),
        answers={
            200: Told(told="The data.", media=DATA, headers=("Content-Disposition",)),
            206: Told(told="A part of a file.", media=DATA),
        },
        problems=(404, 409, 410, 416, 503),
    ),
    Route(
        method="POST",
        path="/jobs/{id}/cancel",
        handler="cancel_job",
        told="Ends a job that is queued or runs.",
        parameters=(ID,),
        answers={202: JOB},
        problems=(403, 404, 409, 429),
    ),
    Route(
        method="DELETE",
        path="/jobs/{id}",
        handler="delete_job",
        told="Removes a job that is over, and its data.",
        parameters=(ID,),
        answers={204: Told(told="It is gone.", media={})},
        problems=(403, 404, 409, 429),
    ),
    Route(
        method="GET",
        path="/schema",
        handler="schema",
        told="The JSON Schema of a spec.",
        answers={200: Told(told="The schema.", media={"application/schema+json": None})},
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler="openapi",
        told="This document.",
        answers={200: Told(told="The document.", media={JSON: None})},
    ),
    Route(
        method="GET",
        path="/health",
        alias="/healthz",
        handler="health",
        told="Whether the service is alive.",
        answers={200: Told(told="It is.", media={JSON: Health})},
        is_open=True,
    ),
    Route(
        method="GET",
        path="/ready",
        alias="/readyz",
        handler="ready",
        told="Whether the service can take requests.",
        answers={
            200: Told(told="It can.", media={JSON: Health}),
            503: Told(told="It can't, and why.", media={JSON: Health}),
        },
        is_open=True,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler="metrics",
        told="Counters, as Prometheus reads them.",
        answers={200: Told(told="The counters.", media={"text/plain": None})},
    ),
    Route(
        method="GET",
        path="/",
        handler="about",
        told="What this is.",
        answers={200: Told(told="It.", media={JSON: About})},
    ),
)

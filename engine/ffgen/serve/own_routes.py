"""The routes about the service itself. Those of `open_router` need no token: whoever watches over it has none."""

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

import ffgen
from ffgen.errors import FfgenError
from ffgen.serve.body import JSON
from ffgen.serve.openapi import answer, problems
from ffgen.serve.service import Parts
from ffgen.serve.settings import FREE_BYTES
from ffgen.serve.wire import About, Health

router, open_router = APIRouter(), APIRouter()
SCHEMA = "application/schema+json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
LINKS = {"openapi": "/openapi.json", "schema": "/schema", "health": "/health", "jobs": "/jobs"}


@router.get("/", summary="What this is.", response_description="It.", responses=problems())
async def about(parts: Parts) -> About:
    return About(name="ffgen", version=ffgen.__version__, links=LINKS, models=list(parts.settings.models))


@router.get(
    "/schema",
    summary="The JSON Schema of a spec.",
    response_class=Response,
    responses={**problems(), 200: answer("The schema.", (SCHEMA,))},
)
async def schema() -> Response:
    return Response(await asyncio.to_thread(lambda: msgspec.json.encode(ffgen.schema())), media_type=SCHEMA)


@router.get(
    "/openapi.json",
    summary="This document.",
    response_class=Response,
    responses={**problems(), 200: answer("The document.", (JSON,))},
)
async def openapi(request: Request) -> Response:
    return Response(msgspec.json.encode(request.app.openapi()), media_type=JSON)


@router.get(
    "/metrics",
    summary="Counters, as Prometheus reads them.",
    response_class=Response,
    responses={**problems(), 200: answer("The counters.", ("text/plain",))},
)
async def metrics(parts: Parts) -> Response:
    counts = await parts.store.call(lambda jobs: jobs.counts())
    lanes = {name: (lane.busy, lane.size, lane.waiting) for name, lane in parts.lanes.items()}
    return Response(parts.metrics.text(lanes, counts), headers={"Content-Type": PROMETHEUS})


@open_router.get("/healthz", operation_id="healthz", summary="The same as `/health`.", responses=problems())
@open_router.get("/health", summary="Whether the service is alive.", responses=problems())
async def health() -> Health:
    return Health(status="ok", version=ffgen.__version__)


UNREADY: dict[int | str, dict[str, Any]] = {**problems(), 503: answer("It can't, and why.", model=Health)}


@open_router.get("/readyz", operation_id="readyz", summary="The same as `/ready`.", responses=UNREADY)
@open_router.get("/ready", summary="Whether the service can take requests.", responses=UNREADY)
async def ready(parts: Parts, response: Response) -> Health:
    told = []
    try:
        await parts.store.call(lambda jobs: jobs.probe())
    except FfgenError as error:
        told.append(f"The queue can't be written: {error.what}")
    if parts.free() < FREE_BYTES:
        told.append("The disk is nearly full.")
    if parts.quick.started == 0:
        told.append("No maker has started yet.")
    response.status_code = 503 if told else 200
    return Health(status="unavailable" if told else "ok", version=ffgen.__version__, problems=told)

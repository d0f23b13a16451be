"""The routes of jobs."""

import asyncio
import os
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from ffgen.serve.asked import JobRequest
from ffgen.serve.body import Before, InState, JobId, JsonRoute, Key, LastEvent, Limit, Table
from ffgen.serve.data_routes import SPEC, TAKEN
from ffgen.serve.download import Download
from ffgen.serve.events import follow
from ffgen.serve.generate import Held, pieces
from ffgen.serve.jobs import UNDER_WAY, Job
from ffgen.serve.makers import busy
from ffgen.serve.naming import MEDIA, disposition
from ffgen.serve.openapi import ACTING, DATA, WITH_BODY, answer, example, problems
from ffgen.serve.prepare import Errand
from ffgen.serve.problem import Refused
from ffgen.serve.service import Parts, Who, taken
from ffgen.serve.settings import MOST_EVENTS
from ffgen.serve.wire import JobList, JobView

router = APIRouter(route_class=JsonRoute)
EVENT_STREAM = "text/event-stream"
NOT_CACHED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def own_job(id: JobId, parts: Parts, who: Who) -> Job:
    """The job of the path, where it belongs to whoever asks."""
    job = await parts.store.call(lambda jobs: jobs.find(who.owner, id))
    if job is None:
        raise Refused("not-found", "There is no such job.", "GET /jobs lists them.")
    return job


Own = Annotated[Job, Depends(own_job)]


@router.post(
    "/jobs",
    status_code=202,
    summary="Data, later: a job of any size.",
    response_model=None,
    response_class=Response,
    responses={**problems(*WITH_BODY, 507), 202: TAKEN},
    openapi_extra=example({"spec": SPEC, "rows": 5000}),
)
async def submit(asked: JobRequest, parts: Parts, who: Who, key: Key = None) -> Response:
    return taken(*await parts.submit(who, asked, key))


@router.get("/jobs", summary="Jobs, the newest first.", response_description="A page of them.", responses=problems())
async def list_jobs(
    parts: Parts, who: Who, limit: Limit = 50, before: Before = 2**53, state: InState = None
) -> JobList:
    found = await parts.store.call(lambda jobs: jobs.page(who.owner, before, state, limit + 1))
    more = f"/jobs?limit={limit}&before={found[limit - 1].number}" if len(found) > limit else None
    if more and state:
        more += f"&state={state}"
    return JobList(jobs=await asyncio.to_thread(lambda: [parts.view(job) for job in found[:limit]]), next=more)


@router.get("/jobs/{id}", summary="Where a job stands.", response_description="The job.", responses=problems(404))
async def show_job(job: Own, parts: Parts) -> JobView:
    return parts.view(job)


@router.get(
    "/jobs/{id}/events",
    summary="Progress as it comes: server-sent events `progress`, `state` and at last `end`.",
    response_class=Response,
    responses={**problems(404, 503), 200: answer("The events.", (EVENT_STREAM,))},
)
async def follow_job(job: Own, parts: Parts, held: Held, last: LastEvent = 0) -> Response:
    if parts.events >= MOST_EVENTS:
        raise busy(f"{parts.events} clients follow jobs already.")
    held.enter_context(parts.following())

    async def view() -> JobView | None:
        known = await parts.store.call(lambda jobs: jobs.find(None, job.id))
        return parts.view(known) if known is not None else None

    events = follow(parts.store.place(job.id, "events.jsonl"), last, view, parts.closing)
    return StreamingResponse(events, headers={"Content-Type": EVENT_STREAM, **NOT_CACHED})


@router.get(
    "/jobs/{id}/download",
    summary="What a job has made. Ranges are served of single files.",
    response_class=Response,
    responses={
        **problems(404, 409, 410, 416, 503),
        200: answer("The data.", DATA, ("Content-Disposition",)),
        206: answer("A part of a file.", DATA),
    },
)
async def download(
    job: Own,
    parts: Parts,
    who: Who,
    held: Held,
    table: Table = None,
) -> Response:
    about = job.about
    if table is not None and table not in about.paths:
        raise Refused("not-found", "The job makes no such table.", f"It makes {', '.join(about.paths)}.")
    if job.state != "done":
        hint = "GET /jobs/{id}/events tells when it is done." if job.state in UNDER_WAY else ""
        raise Refused("conflict", f"The job is {job.state}.", hint)
    paths = {name: parts.store.place(job.id, "out", path) for name, path in about.paths.items()}
    if not all(map(os.path.exists, paths.values())):
        raise Refused("gone", "The files of the job are no longer there.", "POST /jobs makes them again.")
    if table is None and (len(paths) > 1 or about.format == "zip"):
        maker = await held.enter_async_context(parts.long.lend(who.client))
        frames = maker.frames(Errand(do="pack", files=_named(job, paths)))
        return StreamingResponse(pieces(frames), headers=_headers(about.name, "zip"))
    chosen = table or next(iter(paths))
    format = "csv" if about.format == "zip" else about.format
    headers = _headers(about.name if len(paths) == 1 else chosen, format)
    return Download(paths[chosen], headers=headers, stat_result=os.stat(paths[chosen]))


def _headers(name: str, format: str) -> dict[str, str]:
    return {"Content-Type": MEDIA[format], "Content-Disposition": disposition(f"{name}.{format}")}


def _named(job: Job, paths: dict[str, str]) -> list[tuple[str, str]]:
    """The files of a job, and what they are called in a ZIP file."""
    suffix = os.path.splitext(next(iter(paths.values())))[1]
    return [(path, f"{name if len(paths) > 1 else job.about.name}{suffix}") for name, path in paths.items()]


@router.post(
    "/jobs/{id}/cancel",
    status_code=202,
    summary="Ends a job that is queued or runs.",
    response_description="The job.",
    responses=problems(*ACTING, 404, 409),
)
async def cancel_job(job: Own, parts: Parts) -> JobView:
    if job.state not in UNDER_WAY:
        raise Refused("conflict", f"The job is {job.state}.", "There is nothing to cancel; DELETE removes it.")
    job = await parts.store.call(lambda jobs: jobs.cancel(job.id))
    parts.runner.wake()
    return parts.view(job)


@router.delete(
    "/jobs/{id}",
    status_code=204,
    summary="Removes a job that is over, and its data.",
    response_description="It is gone.",
    responses=problems(*ACTING, 404, 409),
)
async def delete_job(job: Own, parts: Parts) -> None:
    if job.state in UNDER_WAY:
        raise Refused("conflict", f"The job is {job.state}.", "Cancel it first: POST /jobs/{id}/cancel.")
    await parts.store.call(lambda jobs: jobs.remove([job.id]))

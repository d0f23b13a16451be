"""The service: what each route does."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web

import ffgen
from ffgen.errors import FfgenError
from ffgen.serve import generate as answers
from ffgen.serve.body import read
from ffgen.serve.events import follow, progress
from ffgen.serve.frames import DATA
from ffgen.serve.guard import Guard
from ffgen.serve.jobs import UNDER_WAY, Job, paths_in
from ffgen.serve.makers import Lane, busy
from ffgen.serve.metrics import Metrics
from ffgen.serve.naming import MEDIA, disposition
from ffgen.serve.openapi import document
from ffgen.serve.prepare import Errand, Kit, Settled
from ffgen.serve.problem import Refused
from ffgen.serve.reading import job_id, key_of, number, prefers_job, word
from ffgen.serve.routes import ID, LAST, PAGE, STATES
from ffgen.serve.runner import Runner
from ffgen.serve.settings import FREE_BYTES, MOST_EVENTS, PATIENCE, Settings
from ffgen.serve.store import Store
from ffgen.serve.wire import (
    About,
    Drafted,
    DraftRequest,
    GenerateRequest,
    Health,
    JobFile,
    JobList,
    JobRequest,
    JobView,
    Validated,
    ValidateRequest,
)

T = TypeVar("T")


class Service:
    """All parts of a service. Handlers get a request that was let in; `request["client"]` is who asks."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        kit = Kit(models={name: dict(model) for name, model in settings.models.items()}, generators=settings.generators)
        folder = os.path.join(settings.data, "tmp")
        self.quick = Lane(settings.makers, kit, folder, drains=True)
        self.long = Lane(settings.streams, kit, folder, drains=False)
        self.guard = Guard(settings)
        self.metrics_ = Metrics()
        self.runner = Runner(store, settings.run, settings.jobs, settings.keep)
        self.closing = asyncio.Event()
        self._document = msgspec.json.encode(document(bool(settings.tokens)))
        self._schema = b""
        self._events = 0

    # Data

    async def generate(self, request: web.Request) -> web.StreamResponse:
        asked = await read(request, GenerateRequest)
        key_of(request)  # an answer at once needs none, but a bad one is a mistake here, too
        if prefers_job(request):
            made = await self._submit(request, JobRequest(**answers.said_in(asked)))
            made.headers["Preference-Applied"] = "respond-async"
            return made
        self._check_room(0)
        return await answers.generate(request, asked, request["client"], self.quick, self.long)

    async def draft(self, request: web.Request) -> web.Response:
        asked = await read(request, DraftRequest)
        return _json(await self._work(request, answers.errand_of(asked, "draft"), Drafted))

    async def validate(self, request: web.Request) -> web.Response:
        asked = await read(request, ValidateRequest)
        return _json(await self._work(request, Errand(do="check", spec=asked.spec), Validated))

    async def _work(self, request: web.Request, errand: Errand, kind: type[T]) -> T:
        """What a maker gives for an errand without a body."""
        lane = self.long if errand.model else self.quick
        async with lane.lend(request["client"]) as maker:
            try:
                async with asyncio.timeout(PATIENCE * (4 if errand.model else 1)):
                    made: T = await maker.result(errand, kind)
                    return made
            except TimeoutError:
                what = f"It was not ready after {PATIENCE:g} s."
                raise Refused("too-large", what, "Make the spec simpler.") from None

    # Jobs

    async def submit(self, request: web.Request) -> web.Response:
        return await self._submit(request, await read(request, JobRequest))

    async def _submit(self, request: web.Request, asked: JobRequest) -> web.Response:
        owner, key, digest = request["owner"], key_of(request), digest_of(asked)
        if key is not None:
            known = await self.store.call(lambda jobs: jobs.known(owner, key, digest))
            if known is not None:
                return self._taken(known, replayed=True)
        settled = await self._work(request, answers.errand_of(asked, "settle"), Settled)
        self._check_room(settled.bytes)
        about = paths_in(settled, asked.format)
        job, is_new = await self.store.call(lambda jobs: jobs.add(owner, about, settled.spec, key, digest))
        self.runner.wake()
        return self._taken(job, replayed=not is_new)

    def _taken(self, job: Job, replayed: bool) -> web.Response:
        headers = {"Location": f"/jobs/{job.id}", **({"Idempotency-Replayed": "true"} if replayed else {})}
        return _json(self.view(job), 202, headers)

    async def list_jobs(self, request: web.Request) -> web.Response:
        limit, before = number(request, PAGE[0]) or 50, number(request, PAGE[1])
        state, owner = word(request, PAGE[2].name, STATES), request["owner"]
        found = await self.store.call(lambda jobs: jobs.page(owner, before, state, limit + 1))
        more = f"/jobs?limit={limit}&before={found[limit - 1].number}" if len(found) > limit else None
        if more and state:
            more += f"&state={state}"
        views = await asyncio.to_thread(lambda: [self.view(job) for job in found[:limit]])
        return _json(JobList(jobs=views, next=more))

    async def show_job(self, request: web.Request) -> web.Response:
        return _json(self.view(await self._job(request)))

    async def follow_job(self, request: web.Request) -> web.StreamResponse:
        job = await self._job(request)
        at = number(request, LAST) or 0
        if self._events >= MOST_EVENTS:
            raise busy(f"{self._events} clients follow jobs already.")

        async def view() -> JobView | None:
            known = await self.store.call(lambda jobs: jobs.find(None, job.id))
            return self.view(known) if known is not None else None

        self._events += 1
        try:
            pieces = follow(self.store.place(job.id, "events.jsonl"), at, view, self.closing)
            headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return await answers.stream(request, headers, pieces, limit=None)
        finally:
            self._events -= 1

    async def download(self, request: web.Request) -> web.StreamResponse:
        job = await self._job(request)
        table = request.query.get("table")
        if table is not None and table not in job.about.paths:
            raise Refused("not-found", "The job makes no such table.", f"It makes {', '.join(job.about.paths)}.")
        if job.state != "done":
            hint = "GET /jobs/{id}/events tells when it is done." if job.state in UNDER_WAY else ""
            raise Refused("conflict", f"The job is {job.state}.", hint)
        paths = {name: self.store.place(job.id, "out", path) for name, path in job.about.paths.items()}
        if not all(map(os.path.exists, paths.values())):
            raise Refused("gone", "The files of the job are no longer there.", "POST /jobs makes them again.")
        as_zip = table is None and (len(paths) > 1 or job.about.format == "zip")
        if as_zip:
            return await self._packed(request, job, paths)
        chosen = table or next(iter(paths))
        format = "csv" if job.about.format == "zip" else job.about.format
        name = job.about.name if len(paths) == 1 else chosen
        headers = {
            "Content-Type": MEDIA[format],
            "Content-Disposition": disposition(f"{name}.{format}"),
            "X-Content-Type-Options": "nosniff",
        }
        return web.FileResponse(paths[chosen], headers=headers)

    async def _packed(self, request: web.Request, job: Job, paths: dict[str, str]) -> web.StreamResponse:
        """All tables as a ZIP file, made as it is sent."""
        suffix = os.path.splitext(next(iter(paths.values())))[1]
        named = [(path, f"{name if len(paths) > 1 else job.about.name}{suffix}") for name, path in paths.items()]
        headers = {"Content-Type": MEDIA["zip"], "Content-Disposition": disposition(f"{job.about.name}.zip")}
        if request.method == "HEAD":
            return web.Response(headers=headers)
        async with self.long.lend(request["client"]) as maker:

            async def pieces() -> AsyncIterator[bytes]:
                async for kind, payload in maker.frames(Errand(do="pack", files=named)):
                    if kind == DATA:
                        yield payload

            return await answers.stream(request, headers, pieces())

    async def cancel_job(self, request: web.Request) -> web.Response:
        job = await self._job(request)
        if job.state not in UNDER_WAY:
            raise Refused("conflict", f"The job is {job.state}.", "There is nothing to cancel; DELETE removes it.")
        job = await self.store.call(lambda jobs: jobs.cancel(job.id))
        self.runner.wake()
        return _json(self.view(job), 202)

    async def delete_job(self, request: web.Request) -> web.Response:
        job = await self._job(request)
        if job.state in UNDER_WAY:
            raise Refused("conflict", f"The job is {job.state}.", "Cancel it first: POST /jobs/{id}/cancel.")
        await self.store.call(lambda jobs: jobs.remove([job.id]))
        return web.Response(status=204)

    async def _job(self, request: web.Request) -> Job:
        id, owner = job_id(request, ID), request["owner"]
        job = await self.store.call(lambda jobs: jobs.find(owner, id))
        if job is None:
            raise Refused("not-found", "There is no such job.", "GET /jobs lists them.")
        return job

    def view(self, job: Job) -> JobView:
        """A job as its owner sees it."""
        about, files = job.about, []
        if job.state == "done":
            for table, path in about.paths.items():
                with contextlib.suppress(OSError):
                    size = os.path.getsize(self.store.place(job.id, "out", path))
                    files.append(JobFile(table=table, name=path, bytes=size, href=_download(job.id, table)))
        return JobView(
            id=job.id,
            state=job.state,
            name=about.name,
            tables=about.tables,
            format=about.format,
            seed=about.seed,
            created=job.created,
            started=job.started,
            ended=job.ended,
            progress=progress(self.store.place(job.id, "events.jsonl")) if job.state != "queued" else None,
            files=files,
            error=job.error,
            href=f"/jobs/{job.id}",
        )

    # About the service

    async def schema(self, request: web.Request) -> web.Response:
        self._schema = self._schema or await asyncio.to_thread(lambda: msgspec.json.encode(ffgen.schema()))
        return web.Response(body=self._schema, content_type="application/schema+json")

    async def openapi(self, request: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def health(self, request: web.Request) -> web.Response:
        return _json(Health(status="ok", version=ffgen.__version__))

    async def ready(self, request: web.Request) -> web.Response:
        problems = []
        try:
            await self.store.call(lambda jobs: jobs.probe())
        except FfgenError as error:
            problems.append(f"The queue can't be written: {error.what}")
        if self.free() < FREE_BYTES:
            problems.append("The disk is nearly full.")
        if self.quick.started == 0:
            problems.append("No maker has started yet.")
        health = Health(status="unavailable" if problems else "ok", version=ffgen.__version__, problems=problems)
        return _json(health, 503 if problems else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        counts = await self.store.call(lambda jobs: jobs.counts())
        lanes = {name: (lane.busy, lane.size, lane.waiting) for name, lane in self.lanes.items()}
        return web.Response(text=self.metrics_.text(lanes, counts), headers={"Content-Type": PROMETHEUS})

    async def about(self, request: web.Request) -> web.Response:
        links = {"openapi": "/openapi.json", "schema": "/schema", "health": "/health", "jobs": "/jobs"}
        told = About(name="ffgen", version=ffgen.__version__, links=links, models=list(self.settings.models))
        return _json(told)

    @property
    def lanes(self) -> dict[str, Lane]:
        """The makers."""
        return {"quick": self.quick, "long": self.long}

    def free(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self.settings.data).free

    def _check_room(self, needed: int) -> None:
        free = self.free()
        if free < FREE_BYTES:
            raise Refused("disk", "The service's disk is nearly full.", "Tell its operator.")
        if needed > free - FREE_BYTES:
            what = f"The data would take about {needed:,} bytes, and the service has {free:,}."
            raise Refused("too-large", what, "Ask for fewer rows, or for parquet.")


PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def digest_of(asked: Any) -> str:
    """The same for the same body, however it is written."""
    plain = msgspec.json.encode(asked, order="deterministic")
    return hashlib.sha256(plain).hexdigest()


def _download(id: str, table: str) -> str:
    return f"/jobs/{id}/download?table={quote(table, safe='')}"


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)

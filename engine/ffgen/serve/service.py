"""The parts of a service, and what its routes share."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from fastapi import Depends, Request, Response

from ffgen.serve.asked import JobRequest
from ffgen.serve.events import progress
from ffgen.serve.generate import errand_of
from ffgen.serve.guard import Guard, Principal
from ffgen.serve.jobs import Job, paths_in
from ffgen.serve.makers import Lane
from ffgen.serve.metrics import Metrics
from ffgen.serve.prepare import Errand, Kit, Settled
from ffgen.serve.problem import Refused
from ffgen.serve.runner import Runner
from ffgen.serve.settings import FREE_BYTES, PATIENCE, Settings
from ffgen.serve.store import Store
from ffgen.serve.wire import JobFile, JobView

T = TypeVar("T")


class Taken(NamedTuple):
    """A job that was taken, or had been before, by its Idempotency-Key."""

    job: JobView
    replayed: bool


class Service:
    """All parts of a service."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        kit = Kit(models={name: dict(model) for name, model in settings.models.items()}, generators=settings.generators)
        folder = os.path.join(settings.data, "tmp")
        self.quick = Lane(settings.makers, kit, folder, drains=True)
        self.long = Lane(settings.streams, kit, folder, drains=False)
        self.guard = Guard(settings)
        self.metrics = Metrics()
        self.runner = Runner(store, settings.run, settings.jobs, settings.keep)
        self.closing = asyncio.Event()
        self.events = 0
        """Clients that follow jobs."""

    @property
    def lanes(self) -> dict[str, Lane]:
        """The makers."""
        return {"quick": self.quick, "long": self.long}

    async def work(self, who: Principal, errand: Errand, kind: type[T]) -> T:
        """What a maker gives for an errand without a body."""
        lane = self.long if errand.model else self.quick
        async with lane.lend(who.client) as maker:
            try:
                async with asyncio.timeout(PATIENCE * (4 if errand.model else 1)):
                    made: T = await maker.result(errand, kind)
                    return made
            except TimeoutError:
                what = f"It was not ready after {PATIENCE:g} s."
                raise Refused("too-large", what, "Make the spec simpler.") from None

    async def submit(self, who: Principal, asked: JobRequest, key: str | None) -> Taken:
        """A new job, or the one that the key was used for."""
        digest = digest_of(asked)
        if key is not None:
            known = await self.store.call(lambda jobs: jobs.known(who.owner, key, digest))
            if known is not None:
                return Taken(self.view(known), replayed=True)
        settled = await self.work(who, errand_of(asked, "settle"), Settled)
        self.check_room(settled.bytes)
        about = paths_in(settled, asked.format)
        job, is_new = await self.store.call(lambda jobs: jobs.add(who.owner, about, settled.spec, key, digest))
        self.runner.wake()
        return Taken(self.view(job), replayed=not is_new)

    def view(self, job: Job) -> JobView:
        """A job as its owner sees it."""
        about, files = job.about, []
        if job.state == "done":
            for table, path in about.paths.items():
                with contextlib.suppress(OSError):
                    size = os.path.getsize(self.store.place(job.id, "out", path))
                    href = f"/jobs/{job.id}/download?table={quote(table, safe='')}"
                    files.append(JobFile(table=table, name=path, bytes=size, href=href))
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

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """One more client follows a job."""
        self.events += 1
        try:
            yield
        finally:
            self.events -= 1

    def free(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self.settings.data).free

    def check_room(self, needed: int) -> None:
        """Refused where so many bytes have no room."""
        free = self.free()
        if free < FREE_BYTES:
            raise Refused("disk", "The service's disk is nearly full.", "Tell its operator.")
        if needed > free - FREE_BYTES:
            what = f"The data would take about {needed:,} bytes, and the service has {free:,}."
            raise Refused("too-large", what, "Ask for fewer rows, or for parquet.")


async def _parts(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _who(request: Request) -> Principal:
    who: Principal = request.state.who
    return who


Parts = Annotated[Service, Depends(_parts)]
Who = Annotated[Principal, Depends(_who)]


def taken(job: JobView, replayed: bool) -> Response:
    """202, and where the job is."""
    headers = {"Location": job.href, **({"Idempotency-Replayed": "true"} if replayed else {})}
    return Response(msgspec.json.encode(job), 202, headers, "application/json")


def digest_of(asked: JobRequest) -> str:
    """The same for the same body, however it is written."""
    plain = msgspec.json.encode({**asked.said, "format": asked.format}, order="deterministic")
    return hashlib.sha256(plain).hexdigest()

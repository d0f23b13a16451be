"""Has jobs carried out: each by an `ffgen run` of its own, which outlives the service, and which a service that comes
back finds again by its process, or by what it left.

A job is done when its report is there, which is written after its files are published. Whatever else a process left is
thrown away by the next one: `ffgen run` goes on from what can be gone on from, and publishes whole files only.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import psutil

from ffgen.errors import Finding
from ffgen.run.underway import born
from ffgen.serve.events import last_error, mark_attempt
from ffgen.serve.jobs import Job
from ffgen.serve.problem import Refused, internal, model_away, slip_of
from ffgen.serve.settings import FORMULA_FORMATS, MOST_JOB_MEMORY, environment
from ffgen.serve.store import Store
from ffgen.serve.wire import Problem

MOST_ATTEMPTS = 3
LOOK_SECONDS = 0.1
MEMORY_SECONDS = 0.5
LOCKED_SECONDS = 2.0
KILL_SECONDS = 10.0
SWEEP_SECONDS = 60.0
LOCKED = 6
LOWER = 10
"""How much nicer than the service a job is."""
KINDS = {2: "spec", 3: "shortfall", 4: "disk", 5: "model-away"}
"""Exit codes of `ffgen run` as problems."""

log = logging.getLogger("ffgen.serve")


class Runner:
    """Starts as many jobs as may run at a time, watches their processes, and notes how they end."""

    def __init__(self, store: Store, run: Sequence[str], most: int, keep: float) -> None:
        self._store = store
        self._run = list(run)
        self._most = most
        self._keep = keep
        self._wake = asyncio.Event()
        self._work: dict[str, asyncio.Task[None]] = {}
        self._grown: set[str] = set()
        """Jobs that were ended because they took too much memory."""
        self._main: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes up what a service before this one has left."""
        for job in await self._store.call(lambda jobs: jobs.in_state("running", "cancelling")):
            self._begin(job, self._adopt)
        self._main = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Watches no more. The processes of jobs go on."""
        tasks = [*self._work.values(), *([self._main] if self._main else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """There is a new job, or one to cancel."""
        self._wake.set()

    async def _forever(self) -> None:
        swept = asyncio.get_running_loop().time() - SWEEP_SECONDS
        while True:
            self._wake.clear()
            try:
                while len(self._work) < self._most and (job := await self._store.call(lambda jobs: jobs.claim())):
                    self._begin(job, self._carry_out)
                if asyncio.get_running_loop().time() - swept >= SWEEP_SECONDS:
                    swept = asyncio.get_running_loop().time()
                    await self._store.call(lambda jobs: jobs.forget(self._keep))
            except Exception as error:  # whatever it is, the next round may do better
                log.error("queue unusable", extra={"what": str(error)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()

    def _begin(self, job: Job, work: Callable[[Job], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._guarded(job, work))
        self._work[job.id] = task

    async def _guarded(self, job: Job, work: Callable[[Job], Awaitable[None]]) -> None:
        """A job whose bookkeeping fails must not stop the others, nor stay under way for ever."""
        try:
            await work(job)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("job failed", extra={"job": job.id})
            with contextlib.suppress(Exception):
                known = await self._store.call(lambda jobs: jobs.find(None, job.id))
                stop(known or job, signal.SIGKILL)
                await self._store.call(lambda jobs: jobs.end(job.id, "failed", internal().problem))
        finally:
            self._work.pop(job.id, None)
            self._wake.set()

    async def _carry_out(self, job: Job) -> None:
        """A process of our own, to its end."""
        process = await asyncio.to_thread(self._spawn, job)
        job = await self._store.call(lambda jobs: jobs.begun(job.id, process.pid, born(process.pid)))
        log.info("job started", extra={"job": job.id, "child": process.pid})
        await self._watch(job, lambda: process.poll() is not None)
        await self._settle(job, process.returncode)

    async def _adopt(self, job: Job) -> None:
        """A process that a service before this one has started, to its end; its exit code is nobody's."""
        log.info("job adopted", extra={"job": job.id, "child": job.pid})
        await self._watch(job, lambda: not is_there(job))
        await self._settle(job, None)

    async def _watch(self, job: Job, is_over: Any) -> None:
        """Until the process is over. One that is to be cancelled is told so, and killed when it does not listen."""
        loop = asyncio.get_running_loop()
        told_at = 0.0
        looked_at = loop.time()
        while not is_over():
            if loop.time() - looked_at >= MEMORY_SECONDS:
                looked_at = loop.time()
                if await asyncio.to_thread(largest, job) > MOST_JOB_MEMORY:
                    self._grown.add(job.id)
                    stop(job, signal.SIGKILL)
            known = await self._store.call(lambda jobs: jobs.find(None, job.id))
            if known is not None and known.state == "cancelling":
                if not told_at:
                    told_at = loop.time()
                    stop(job, signal.SIGTERM)
                elif loop.time() - told_at > KILL_SECONDS:
                    stop(job, signal.SIGKILL)
            await asyncio.sleep(LOOK_SECONDS)

    def _spawn(self, job: Job) -> "subprocess.Popen[bytes]":
        folder = self._store.place(job.id)
        mark_attempt(os.path.join(folder, "events.jsonl"), job.attempts)
        with open(os.path.join(folder, "events.jsonl"), "ab") as events:
            process = subprocess.Popen(
                [*self._run, *arguments(job)],
                cwd=folder,
                env=environment("FFGEN_FAILPOINTS"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=events,
                start_new_session=True,
            )
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, process.pid, LOWER)
        return process

    async def _settle(self, job: Job, code: int | None) -> None:
        """How it ended: by what is there, not by what the exit code says alone."""
        folder = self._store.place(job.id)
        known = await self._store.call(lambda jobs: jobs.find(None, job.id))
        if known is None:
            return
        if is_done(job, folder):
            await self._end(job, "done")
        elif known.state == "cancelling":
            await self._throw_away(job)
            await self._end(job, "cancelled")
        elif job.id in self._grown:
            self._grown.discard(job.id)
            await self._throw_away(job)
            what = f"Making it takes more than {MOST_JOB_MEMORY >> 30} GiB of memory here."
            await self._end(job, "failed", Refused("too-large", what, "Ask for shorter rows.").problem)
        elif code == LOCKED:  # a process of an earlier attempt is at it
            await asyncio.sleep(LOCKED_SECONDS)
            await self._store.call(lambda jobs: jobs.again(job.id))
        elif (told := last_error(os.path.join(folder, "events.jsonl"))) is not None and told["exit_code"] < 128:
            await self._throw_away(job)
            await self._end(job, "failed", problem_of(told))
        elif job.attempts >= MOST_ATTEMPTS:
            what = f"Its process died {job.attempts} times; the last exit code was {code}."
            await self._throw_away(job)
            await self._end(job, "failed", Refused("internal", what, "Ask for less, or tell the operator.").problem)
        else:
            await self._store.call(lambda jobs: jobs.again(job.id))

    async def _end(self, job: Job, state: Any, problem: Problem | None = None) -> None:
        log.info("job ended", extra={"job": job.id, "state": state})
        await self._store.call(lambda jobs: jobs.end(job.id, state, problem))

    async def _throw_away(self, job: Job) -> None:
        """What a job that did not make it has left."""
        out = self._store.place(job.id, "out")
        await asyncio.to_thread(partial(shutil.rmtree, out, ignore_errors=True))


def arguments(job: Job) -> list[str]:
    """What comes after `ffgen run`."""
    several = len(job.about.tables) > 1
    format = "csv" if job.about.format == "zip" else job.about.format
    out = "out/" if several else f"out/{next(iter(job.about.paths.values()))}"
    said = ["spec.json", "-o", out, "--format", FORMULA_FORMATS.get(format, format), "--report", "report.json"]
    return [*said, "--progress", "json", "--errors", "json", "--color", "never"]


def largest(job: Job) -> int:
    """Resident bytes of the largest process of a job."""
    if not is_there(job):
        return 0
    most = 0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(job.pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                most = max(most, process.memory_info().rss)
    return most


def is_there(job: Job) -> bool:
    """Whether the process of a job is, and is not another one with its number."""
    return job.pid > 0 and job.born > 0 and born(job.pid) == job.born


def stop(job: Job, number: int) -> None:
    """Tells a job's process, and those that it has started."""
    if is_there(job):
        with contextlib.suppress(OSError):
            os.killpg(job.pid, number) if number == signal.SIGKILL else os.kill(job.pid, number)


def is_done(job: Job, folder: str) -> bool:
    """Whether the report of a run is there, whole, and so are its files."""
    try:
        with open(os.path.join(folder, "report.json"), "rb") as file:
            report = msgspec.json.decode(file.read())
        made = sum(table.rows for table in job.about.tables)
        there = all(os.path.exists(os.path.join(folder, "out", path)) for path in job.about.paths.values())
        return bool(report["records"] == made and there)
    except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError):
        return False


def problem_of(told: dict[str, Any]) -> Problem:
    """What `ffgen run` said when it failed."""
    found = [finding for finding in told.get("findings", []) if isinstance(finding, dict)]
    slips = [slip_of(msgspec.convert(finding, Finding)) for finding in found]
    kind = KINDS.get(told["exit_code"], "internal")
    others = {
        "internal": internal(),
        "disk": Refused("disk", "The service's disk is full, or broken.", "Tell its operator."),
        "model-away": model_away(),
    }
    if kind in others:
        log.error("job failed: %s", told.get("what"))
        return others[kind].problem
    return Refused(kind, str(told.get("what", "")), str(told.get("hint", "")), slips).problem

"""Specs made side by side, each in a process of its own, within one budget of cores."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Any, Self

from ffgen import errors
from ffgen.errors import FfgenError, Finding, InternalError, Interrupted, SpecError
from ffgen_cli.fixtures import Fixture, anchored_environ

COMMAND = [sys.executable, "-P", "-m", "ffgen_cli.remake"]
"""Without the working folder among the places of modules: it is that of a spec, and anything may lie there."""
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Children:
    """Makes fixtures in processes, `jobs` at a time. While it is open, a signal goes to all of them, and no more are
    started; `caught` is its number then."""

    def __init__(self, jobs: int, cores: int) -> None:
        self.caught = 0
        self._jobs = jobs
        self._cores = cores
        self._left = 0
        self._running: set[subprocess.Popen[bytes]] = set()
        self._changed = threading.Lock()
        self._before: dict[int, Any] = {}
        self._environ = anchored_environ(os.environ)

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in STOPPING}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def make(
        self, fixtures: Sequence[Fixture], request: dict[str, Any], begins: Callable[[Fixture], None]
    ) -> Iterator[Fixture]:
        """Each fixture as it is done, with what came of it. `begins` is told of each before, in threads."""
        self._left = len(fixtures)
        with ThreadPoolExecutor(self._jobs) as pool:
            tasks = {pool.submit(self._make, one, request, begins): one for one in fixtures}
            for task in as_completed(tasks):
                task.result()
                yield tasks[task]

    def _make(self, fixture: Fixture, request: dict[str, Any], begins: Callable[[Fixture], None]) -> None:
        with self._changed:
            share, self._left = self._cores // min(self._jobs, self._left + len(self._running)), self._left - 1
            if self.caught:
                fixture.fail(Interrupted(self.caught))
                return
            try:
                # A session of its own: Ctrl-C comes from here alone, once.
                child = subprocess.Popen(
                    COMMAND,
                    cwd=fixture.home,
                    env=self._environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                fixture.fail(InternalError(f"{fixture.shown}: no process could be started: {error.strerror}."))
                return
            self._running.add(child)
        begins(fixture)
        # One core is best used without a process more; with all of them the run itself knows best.
        share_of_run = None if share == self._cores else 0 if share == 1 else share
        code, answer = _ask(child, {**request, "spec": fixture.spec, "share": share_of_run})
        with self._changed:
            self._running.discard(child)
        _take(fixture, answer, code)

    def _hear(self, number: int, frame: object) -> None:
        # No lock: a handler runs in the main thread, which may hold it; a set is copied in one step.
        self.caught = number
        for child in tuple(self._running):
            child.send_signal(number)


def _ask(child: "subprocess.Popen[bytes]", request: dict[str, Any]) -> tuple[int, bytes]:
    """The exit code and the answer. Standard input stays open until then: its end would stop the child."""
    assert child.stdin is not None and child.stdout is not None
    with child.stdin, child.stdout:
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            pass  # it has died: its exit code says how
        answer = child.stdout.read()
        return child.wait(), answer


def _take(fixture: Fixture, answer: bytes, code: int) -> None:
    try:
        told = json.loads(answer)
    except ValueError:
        fixture.fail(_death(fixture, code))
        return
    if "error" in told:
        fixture.fail(_rebuilt(told["error"], fixture))
        return
    fixture.outcome, fixture.reasons, fixture.outputs = told["outcome"], told["reasons"], told["outputs"]
    fixture.records, fixture.seconds = told["records"], told["seconds"]


def _death(fixture: Fixture, code: int) -> FfgenError:
    if -code in STOPPING:
        return Interrupted(-code)
    how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    return InternalError(f"{fixture.shown}: its process {how}.", hint="Out of memory? Try --jobs 1.")


def _rebuilt(told: dict[str, Any], fixture: Fixture) -> FfgenError:
    """The error of another process, with the spec's name where it names none."""
    if told["findings"]:
        return SpecError([Finding(**one) for one in told["findings"]])
    kind = getattr(errors, told["error"], InternalError)
    what = f"{fixture.shown}: {told['what']}"
    if kind is Interrupted:
        return Interrupted(told["exit_code"] - 128, what, hint=told["hint"])
    return kind(what, hint=told["hint"])


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

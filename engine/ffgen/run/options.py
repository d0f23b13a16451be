"""How a plan is carried out, and the loop in which it is."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

import platformdirs
from msgspec import Struct, structs

from ffgen.errors import Interrupted
from ffgen.run.report import Progress

STDOUT = "-"
TIME_LIMIT = 7200.0
GATE_MEMORY = 64 * 2**20
STOPPING = [int(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
SMALL = 2
"""Shards up to which a run stays in this process: starting others takes longer than it would last."""


class Options(Struct, kw_only=True):
    """How a plan is carried out. None of it changes a byte of the output."""

    to: str = STDOUT
    table: str | None = None
    format: str | None = None
    compression: str | None = None
    workers: int | None = None
    timeout: float = TIME_LIMIT
    fresh: bool = False
    clobber: bool = True
    memory: int = GATE_MEMORY
    cache_dir: str | None = None
    audit: str | None = None
    audit_prompts: str | None = None
    labels: str | None = None
    isolate: bool = False
    key: str | None = None
    recorded: bool = True
    """Whether the ledger says what the destination was made from; not for work files."""
    whole: float | None = None
    """The time limit of the whole run, where `timeout` is what is left of it."""

    @property
    def limit(self) -> float:
        """The time limit as the user gave it."""
        return self.timeout if self.whole is None else self.whole

    def after(self, seconds: float) -> "Options":
        """The same when so many seconds of the time limit are spent."""
        return structs.replace(self, timeout=max(0.0, self.timeout - seconds), whole=self.limit)


Watch = Callable[[Progress], None]


class Stoppable(Protocol):
    """Whom a signal is told to."""

    def interrupt(self, signal: int) -> None:
        """Stop in order; at once when it comes a second time."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP stop a run in order, where this is the main thread; a caller's handlers come back.

    Before there is a coordinator to tell, a signal cancels what is being set up.
    """

    def __enter__(self) -> "Signals":
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._coordinator: Stoppable | None = None
        self._caught = 0
        self._before: list[tuple[int, Any]] = []
        for number in STOPPING:
            try:
                before = signal.getsignal(number)
                self._loop.add_signal_handler(number, self.hear, number)
            except (ValueError, RuntimeError, NotImplementedError):
                break
            self._before.append((number, before))
        return self

    def tell(self, coordinator: Stoppable | None) -> None:
        """From now on the coordinator hears of signals; without one, they cancel what is being set up."""
        self._coordinator = coordinator

    def hear(self, number: int) -> None:
        """A signal came; or someone speaks for one."""
        self._caught = number
        if self._coordinator is not None:
            self._coordinator.interrupt(self._caught)
        elif self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        for number, before in self._before:
            self._loop.remove_signal_handler(number)
            signal.signal(number, before)
        if self._caught and isinstance(error, asyncio.CancelledError):
            raise Interrupted(self._caught, "Stopped before anything was asked.") from None


def cache_folder(given: str | None) -> str:
    """Where replies are kept: as given, else FFGEN_CACHE_DIR, else the user's cache folder."""
    return os.path.expanduser(given or os.environ.get("FFGEN_CACHE_DIR") or platformdirs.user_cache_dir("ffgen"))


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed: a fifth less CPU a request."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run_to_end(make: Callable[[], Any]) -> Any:
    """Runs a coroutine to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(make())

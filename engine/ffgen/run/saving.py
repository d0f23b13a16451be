"""When a drawn run commits what stands, so that it can be gone on from: every 5 s or 64 MiB of output, whichever is
first, but not within a second of the last time, nor in the first two seconds; and once more when it is cut short. What
was made in less than two seconds is not worth leaving anything behind.

The syncs are done in a thread of their own, so that drawing goes on meanwhile; one checkpoint at a time.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ffgen import failpoint
from ffgen.errors import ReaderGone, ShortfallError, TimeLimitError, UsageError
from ffgen.place import destination_error
from ffgen.run.keeper import Advance, Keeper
from ffgen.run.labels import LabelFile

EVERY_SECONDS = 5.0
EVERY_BYTES = 64 << 20
SECONDS_APART = 1.0
FIRST_SECONDS = 2.0
"""A run that is over before this pays for nothing."""

log = logging.getLogger("ffgen.run")


class Source(Protocol):
    """A table under way, or finished."""

    finished: bool

    def advance(self) -> Advance | None:
        """What stands and was not yet asked for; None for nothing new."""

    def ends(self) -> dict[str, int]:
        """Up to where its file is wanted."""


class Saving:
    """The checkpoints of one run. `fail` hears of one that could not be made: the run is to end."""

    def __init__(self, keeper: Keeper, labels: LabelFile | None, rows: int, fail: Callable[[Exception], None]) -> None:
        self.keeper = keeper
        self.rows = rows
        """Rows that are committed."""
        self._labels = labels
        self._fail = fail
        self._sources: list[Source] = []
        self._bytes = 0
        self._first = self._next = time.monotonic() + FIRST_SECONDS
        self._due = time.monotonic() + EVERY_SECONDS
        self._running: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def follow(self, source: Source) -> None:
        """Another table is begun."""
        self._sources.append(source)

    def placed(self, size: int) -> None:
        """So many bytes more are written."""
        self._bytes += size
        now = time.monotonic()
        if self._running is None and now >= self._next and (self._bytes >= EVERY_BYTES or now >= self._due):
            self._running = asyncio.create_task(self._save_now())

    def hurry(self) -> None:
        """Nobody waits any more."""
        self._hurry.set()

    async def settle(self) -> bool:
        """Waits for the checkpoint under way, which may be the first. Whether anything is committed."""
        if self._running is not None:
            await self._wait(self._running)
        return self.keeper.is_begun

    async def finish(self, *, whole: bool) -> None:
        """Commits all that stands. With `whole`, what can't be committed is an error; else the run is being cut short:
        files are cut to what stands, which makes some room on a full disk, and what was committed before must do."""
        if not whole and not self.keeper.is_begun and time.monotonic() < self._first:
            return
        await self.settle()
        if whole:
            await self._save({})
            return
        cut = {table: size for source in self._sources for table, size in source.ends().items()}
        await self._wait(asyncio.create_task(self._save(cut)))

    async def _wait(self, task: "asyncio.Task[None]") -> None:
        """Waits, while there is no hurry. What it failed of is known to the keeper."""
        waiting = asyncio.create_task(self._hurry.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.exception()
        else:
            self.keeper.abandon()

    async def _save_now(self) -> None:
        try:
            await self._save({})
        except Exception as error:
            self._fail(error)
        finally:
            self._running = None

    async def _save(self, cut: dict[str, int]) -> None:
        """One checkpoint. What it is of is written already; that more may be by the time of the sync does no harm."""
        self._bytes = 0
        advances = [advance for source in self._sources if (advance := source.advance()) is not None]
        labels = None if self._labels is None else self._labels.written
        self._sources = [source for source in self._sources if not source.finished]
        if self.keeper.failed or not advances:
            return
        began = time.monotonic()

        def work() -> None:
            self.keeper.truncate(cut)
            self.keeper.commit(advances, labels)

        try:
            await in_thread(work)
        except OSError as error:
            raise destination_error(error, error.filename or self.keeper.places.journal) from error
        finally:
            now = time.monotonic()
            self._next, self._due = now + SECONDS_APART, now + EVERY_SECONDS
        failpoint.hit("coordinator.saved")
        self.rows += sum(part.rows for each in advances if each.size is not None for part in each.parts)
        log.debug("checkpoint", extra={"records": self.rows, "seconds": round(now - began, 4)})


def may_go_on(error: BaseException) -> bool:
    """Whether the same command may get further than the run that ended so."""
    if isinstance(error, TimeLimitError):
        return True
    return not isinstance(error, UsageError | ShortfallError | ReaderGone)


async def in_thread(work: Callable[[], None]) -> None:
    """Does the work in a daemon thread, which a disk that hangs does not let hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(None)

    def run() -> None:
        failure: BaseException | None = None
        try:
            work()
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=run, name="ffgen-checkpoint", daemon=True).start()
    await done

"""Blocks on their way to a reader who may be slow, or asleep."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from ffgen.sink.target import Target

PIECE = 1 << 20


class Stream:
    """Writes one block after the other in a thread, so that a slow reader holds up the run and not its signals.

    The thread is a daemon: it may be waiting for a reader who never comes when the process is to end.
    """

    def __init__(self, target: Target, done: Callable[[BaseException | None], None]) -> None:
        """`done` is called in the loop after each block, with what went wrong."""
        self._target = target
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._idle = asyncio.Event()
        self._idle.set()

    def write(self, block: bytes) -> None:
        """Begins to write a block; the one before is done."""
        self._idle.clear()
        threading.Thread(target=self._write, args=(block,), name="ffgen-stream", daemon=True).start()

    async def stop(self, patience: float) -> None:
        """Ends the block under way after the line that it is in. Waits so many seconds at most."""
        self._stopped = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()

    def _write(self, block: bytes) -> None:
        failure: BaseException | None = None
        try:
            self._write_lines(block)
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._written, failure)

    def _write_lines(self, block: bytes) -> None:
        """In pieces of about a mebibyte, which end with a line; no further piece once it is stopped."""
        start = 0
        while start < len(block) and not self._stopped:
            end = block.find(b"\n", start + PIECE) + 1 or len(block)
            self._target.write(memoryview(block)[start:end])
            start = end

    def _written(self, failure: BaseException | None) -> None:
        self._idle.set()
        self._done(failure)

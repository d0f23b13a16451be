"""What stops a run: signals, and a handle by which another thread does."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ffgen.run.options import Signals


class Remote:
    """Stops one run as SIGINT would, from any thread, whether it has begun, has ended or not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[int], None] | None = None
        self._wanted = False

    def connect(self, stop: Callable[[int], None]) -> None:
        """From the run's own loop: what to call there. Called soon when the run is not wanted any more."""
        with self._lock:
            self._loop, self._stop = asyncio.get_running_loop(), stop
            if self._wanted:
                self._loop.call_soon(stop, signal.SIGINT)

    def disconnect(self) -> None:
        """From the run's own loop: it is over."""
        with self._lock:
            self._loop = self._stop = None

    def stop(self) -> None:
        """Ends the run soon: replies in flight are waited for, up to 8 s; a second call waits for nothing."""
        with self._lock:
            self._wanted = True
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop, signal.SIGINT)


@contextmanager
def stoppable(remote: Remote | None) -> Iterator[Signals]:
    """What stops a run, from its own loop, until its end."""
    with Signals() as stop:
        if remote is None:
            yield stop
            return
        remote.connect(stop.hear)
        try:
            yield stop
        finally:
            remote.disconnect()

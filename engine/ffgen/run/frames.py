"""A run as an iterator of polars frames, inline, in a plain script or a notebook."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from ffgen.errors import Interrupted
from ffgen.plan.compile import Plan
from ffgen.run.carry import Options, carry_out, run_to_end
from ffgen.run.messages import Finish, Finished, Message, Setup, Write, Wrote
from ffgen.run.report import Progress, Report
from ffgen.sink.frame import frame_of
from ffgen.spec.record import RecordType

FRAME_ROWS = 4096
AHEAD = 4
"""Frames that wait for a slow consumer; then the run waits, too."""


class FrameWriter:
    """The writer's role for an iterator: gathers rows into frames and hands them over."""

    def __init__(self, setup: Setup, hand_over: Callable[[pl.DataFrame], None]) -> None:
        self.schema = RecordType(setup.plan.dataset).schema()
        self.hand_over = hand_over
        self.lines: list[bytes] = []
        self.rows = 0

    def handle(self, message: Message) -> list[Message]:
        """See WriterRole."""
        if isinstance(message, Write):
            self.lines.append(message.lines)
            self.rows += message.rows
            if self.rows >= FRAME_ROWS:
                self.flush()
            return [Wrote(len(message.lines))]
        if isinstance(message, Finish):
            self.flush()
            return [Finished()]
        return []

    def flush(self) -> None:
        """Hands over what is there."""
        if self.rows:
            self.hand_over(frame_of(b"".join(self.lines), self.schema))
        self.lines, self.rows = [], 0

    def close(self) -> None:
        """Nothing is held."""


class Frames(Iterator[pl.DataFrame]):
    """Frames of up to about 4096 rows, in the final order; N rows in all when it ends without an error.

    The run starts with the first `next`, in a thread of its own, and waits when nobody takes. `report` is None until
    the end. Use it as a context manager, or call `close`, to stop early.
    """

    def __init__(self, plan: Plan, options: Options, watch: Callable[[Progress], None] | None) -> None:
        self.report: Report | None = None
        self._plan = plan
        self._options = options
        self._watch = watch
        self._ready: queue.Queue[pl.DataFrame | BaseException | None] = queue.Queue(AHEAD)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Frames":
        return self

    def __next__(self) -> pl.DataFrame:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ffgen-frames", daemon=True)
            self._thread.start()
        item = None if self._closed.is_set() else self._ready.get()
        if isinstance(item, pl.DataFrame):
            return item
        self._closed.set()
        self._thread.join()
        if isinstance(item, BaseException):
            raise item
        raise StopIteration

    def close(self) -> None:
        """Stops the run; what was paid for is kept."""
        self._closed.set()
        while self._thread is not None and self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue

    def _work(self) -> None:
        def make_writer(setup: Setup) -> Any:
            return FrameWriter(setup, self._hand_over)

        try:
            self.report = run_to_end(lambda: carry_out(self._plan, self._options, self._watch, make_writer))
        except BaseException as error:
            if not self._closed.is_set():
                self._ready.put(error)
            return
        self._ready.put(None)

    def _hand_over(self, frame: pl.DataFrame) -> None:
        """Waits for room: a slow consumer slows the model down."""
        while not self._closed.is_set():
            try:
                self._ready.put(frame, timeout=0.1)
                return
            except queue.Full:
                continue
        raise Interrupted(2, "The frames were closed before the run was over.")

"""A run as an iterator of polars frames, inline, in a plain script or a notebook."""

import queue
import signal
import tempfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import polars as pl

from ffgen.errors import Interrupted, TimeLimitError
from ffgen.plan.compile import Plan, is_asked
from ffgen.plan.pools import pools_of
from ffgen.run.fence import fence
from ffgen.run.hand import hand_over
from ffgen.run.labels import Spoiled, summed
from ffgen.run.messages import Finish, Finished, Message, Setup, Write, Wrote
from ffgen.run.options import Options, run_to_end
from ffgen.run.remote import Remote
from ffgen.run.report import Progress, Report
from ffgen.run.room import check_room
from ffgen.run.start import carry_out
from ffgen.sink.frame import frame_of
from ffgen.spec.record import RecordType

FRAME_ROWS = 4096
TICK = 0.1
AHEAD = 4
"""Frames that wait for a slow consumer; then the run waits, too."""


class FrameWriter:
    """The writer's role for an iterator: gathers rows into frames and hands them over."""

    def __init__(self, setup: Setup, pipe: "Pipe") -> None:
        self.schema = RecordType(setup.plan.dataset).schema()
        self.pipe = pipe
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
        """Hands over what is there; Interrupted when nobody takes it."""
        if self.rows and not self.pipe.put(frame_of(b"".join(self.lines), self.schema)):
            raise Interrupted(signal.SIGINT, "The frames were closed before the run was over.")
        self.lines, self.rows = [], 0

    def close(self) -> None:
        """Nothing is held."""


class Pipe:
    """What a run's thread and the consumer of its frames share. Holds no `Frames`, so that one can be let go."""

    def __init__(self) -> None:
        self.ready: queue.Queue[pl.DataFrame | BaseException | None] = queue.Queue(AHEAD)
        self.closed = threading.Event()
        self.remote = Remote()
        self.report: Report | None = None

    def put(self, item: pl.DataFrame | BaseException | None) -> bool:
        """Waits for room: a slow consumer slows the model down. False when nobody waits any more."""
        while not self.closed.is_set():
            try:
                self.ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def end(self, item: BaseException | None) -> None:
        """The last item. Where nobody waits any more, someone who still does in another thread is sent home."""
        if not self.put(item):
            with suppress(queue.Full):
                self.ready.put_nowait(None)

    def close(self) -> None:
        """Nobody waits any more."""
        self.closed.set()
        self.remote.stop()


class Frames(Iterator[pl.DataFrame]):
    """Frames of up to about 4096 rows, in the final order; N rows in all when it ends without an error.

    The run starts with the first `next`, in a thread of its own, and waits when nobody takes. `report` is None until
    the end. Use it as a context manager, or call `close`, to stop early; one that is let go stops by itself.
    """

    def __init__(self, plan: Plan, options: Options, watch: Callable[[Progress], None] | None) -> None:
        self._pipe = Pipe()
        self._thread = threading.Thread(
            target=work, args=(self._pipe, plan, options, watch), name="ffgen-frames", daemon=True
        )
        self._let_go = weakref.finalize(self, self._pipe.close)

    @property
    def report(self) -> Report | None:
        """What the run took; None until it has ended well."""
        return self._pipe.report

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Frames":
        return self

    def __next__(self) -> pl.DataFrame:
        if self._pipe.closed.is_set():
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
        item = self._pipe.ready.get()
        if isinstance(item, pl.DataFrame):
            return item
        self.close()
        if isinstance(item, BaseException):
            raise item
        raise StopIteration

    def close(self) -> None:
        """Stops the run, and waits until it has: replies in flight are paid for, so they are kept, within 8 s."""
        self._let_go()
        if self._thread.ident is not None:
            self._thread.join()


def work(pipe: Pipe, plan: Plan, options: Options, watch: Callable[[Progress], None] | None) -> None:
    """The run's thread."""

    def make_writer(setup: Setup) -> FrameWriter:
        return FrameWriter(setup, pipe)

    try:
        if plan.is_drawn:
            pipe.report = draw(pipe, plan, options, watch)
        else:
            pipe.report = run_to_end(lambda: carry_out(plan, options, watch, make_writer, pipe.remote))
    except BaseException as error:
        pipe.end(error)
        return
    pipe.end(None)


def draw(pipe: Pipe, plan: Plan, options: Options, watch: Callable[[Progress], None] | None) -> Report:
    """Frames of a drawn table, straight from the samplers; what a model writes of it is asked for first."""
    check_room(plan, options.memory)
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        return draw_in(folder, pipe, plan, options, watch)


def draw_in(folder: str, pipe: Pipe, plan: Plan, options: Options, watch: Callable[[Progress], None] | None) -> Report:
    """See `draw`; answers stand in the folder."""
    began = time.monotonic()
    asked: list[Report] = []
    if is_asked(plan) or pools_of(plan.spec):
        from ffgen.run.complete import complete  # what draws only need not import what asks

        plan, asked = run_to_end(lambda: complete(plan, options, folder, watch, pipe.remote))
    if options.isolate:
        fence([] if plan.spec.model is None else [*plan.endpoints, "http://127.0.0.1"])
    spoiled: Spoiled = Counter()
    wanted = sum(layout.count for layout in plan.layouts if layout.table in plan.chosen(options.table))
    taken, told_at = 0, -TICK

    def take(frame: pl.DataFrame) -> bool:
        nonlocal taken, told_at
        elapsed = time.monotonic() - began
        if elapsed > options.timeout:
            what = f"The time limit of {options.timeout:g} s passed at {taken:,} of {wanted:,} rows."
            raise TimeLimitError(what, hint="Give it more: timeout=, or take its frames faster.")
        if watch is not None and elapsed - told_at >= TICK:
            told_at = elapsed
            watch(Progress.of_drawn("drawing", taken, wanted, elapsed))
        taken += len(frame)
        return pipe.put(frame)

    rows = hand_over(plan, options.table, options.memory, take, FRAME_ROWS, spoiled)
    elapsed = time.monotonic() - began
    if watch is not None:
        watch(Progress.of_drawn("finishing", rows, rows, elapsed))
    told = summed(spoiled)
    name, seed, hash = plan.chosen(options.table)[0], plan.spec.seed, plan.spec_hash
    report = Report.of_drawn(seed, hash, name, "frames", "frames", rows, rows, elapsed, imperfections=told)
    return report.with_asked(asked)

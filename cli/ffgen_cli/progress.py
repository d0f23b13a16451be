"""How a run shows where it stands: a bar, a line now and then, lines of JSON, or nothing.

A display is a context manager and a callable that takes a `ffgen.Progress`. All write to standard error.
"""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

import ffgen
from ffgen_cli.terminal import Terminal

EVERY = 30.0
"""Seconds between two lines of the plain display: seldom enough for a log, often enough for a watchdog."""
BAR, PHASE = 16, 15
"""Columns of the bar, and of the longest phase with the gaps."""
Form = Callable[["ffgen.Progress"], str]


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, progress: ffgen.Progress) -> None:
        """Where the run stands now. Called at most ten times a second."""

    def close(self) -> None:
        """The run is over, well or not, or the screen is needed. Twice is fine."""


class Lines(Silent):
    """One line at the start, one every `every` seconds, one at the end. For logs and for `--progress json`."""

    def __init__(
        self, form: Callable[[ffgen.Progress], str], every: float, clock: Callable[[], float] = time.monotonic
    ):
        self._form, self._every, self._clock = form, every, clock
        self._next = float("-inf")
        self._last: ffgen.Progress | None = None
        self._shown: ffgen.Progress | None = None

    def __call__(self, progress: ffgen.Progress) -> None:
        self._last = progress
        if self._clock() >= self._next:
            self._show(progress)

    def close(self) -> None:
        if self._last is not None and self._last != self._shown:
            self._show(self._last)

    def _show(self, progress: ffgen.Progress) -> None:
        self._shown, self._next = progress, self._clock() + self._every
        print(self._form(progress), file=sys.stderr, flush=True)


class _Figures(ProgressColumn):
    """What the bar says beside itself, as much as there is room for."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def render(self, task: Task) -> Text:
        progress: ffgen.Progress | None = task.fields["progress"]
        return Text("" if progress is None else figures(progress, self._room))


class Bar(Silent):
    """One bar, redrawn ten times a second at most, gone when the run ends. The first paint is at once."""

    def __init__(self, terminal: Terminal) -> None:
        console = Console(
            file=sys.stderr, force_terminal=True, no_color=not terminal.colored(sys.stderr), width=terminal.width
        )
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=BAR), _Figures(terminal.width - BAR - PHASE),
            console=console, refresh_per_second=10, transient=True, redirect_stdout=False,
        )  # fmt: skip
        self._task = self._bars.add_task("starting", total=None, progress=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __call__(self, progress: ffgen.Progress) -> None:
        counting = progress.records > 0 or progress.phase in ("asking", "drawing")
        self._bars.update(
            self._task, description=progress.phase, completed=progress.records,
            total=progress.wanted if counting else None, progress=progress,
        )  # fmt: skip

    def close(self) -> None:
        self._bars.stop()


def figures(progress: ffgen.Progress, room: int = 1000) -> str:
    """`12/25 · 3.1/s · 2 of 8 asked · 4 again · 0:05`: what a waiting person wants to know, in one look.

    What does not fit into `room` is left out, the least telling first; the count always stays.
    """
    parts = [f"{progress.records:,}/{progress.wanted:,}", f"{progress.rate:,.1f}/s"]
    if progress.limit:
        parts.append(f"{progress.in_flight} of {progress.limit} in flight")
    if spoiled := progress.duplicates + progress.refused:
        parts.append(f"{spoiled:,} refused")
    if progress.retries:
        parts.append(f"{progress.retries:,} {'retry' if progress.retries == 1 else 'retries'}")
    minutes, seconds = divmod(int(progress.seconds), 60)
    parts.append(f"{minutes}:{seconds:02d}")
    while len(parts) > 1 and len(" · ".join(parts)) > room:
        parts.pop(-2 if len(parts) > 2 else -1)
    return " · ".join(parts)


def plain_line(progress: ffgen.Progress) -> str:
    """The same figures with their phase, for a log."""
    return f"ffgen: {progress.phase}: {figures(progress)}"


def json_line(progress: ffgen.Progress) -> str:
    """One event for programs."""
    event: dict[str, Any] = {"message_type": "progress", "schema_version": 1} | msgspec.structs.asdict(progress)
    return msgspec.json.encode(event).decode()


def display(choice: str, terminal: Terminal) -> Silent:
    """The display for --progress; `auto` is a bar on a terminal and lines elsewhere. Quiet shows nothing."""
    if terminal.quiet or choice == "none":
        return Silent()
    if choice == "json":
        return Lines(json_line, every=1.0)
    lively = sys.stderr.isatty() and terminal.environ.get("TERM") != "dumb"
    return Bar(terminal) if choice == "auto" and lively else Lines(plain_line, EVERY)

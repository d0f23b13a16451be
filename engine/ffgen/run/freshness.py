"""Whether what stands at a plan's destinations is what the plan would make."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct

from ffgen import __version__, posix
from ffgen.errors import LockedError, UsageError
from ffgen.plan.compile import Plan
from ffgen.run.ledger import Basis, Mark, keep, lock_path, made_at, name_of, standing, sum_of
from ffgen.run.options import STDOUT, Options
from ffgen.run.outputs import paths_of
from ffgen.run.report import Report
from ffgen.sample.plugins import is_path
from ffgen.sink import format_of

LOOK_AGAIN = 0.1
"""Seconds between two looks at a destination that another one holds."""


class Refreshed(Struct, frozen=True, kw_only=True):
    """What came of refreshing a spec. `reasons` say why something was, or is to be, made again."""

    outcome: Literal["fresh", "made", "stale"]
    reasons: list[str]
    outputs: list[str]
    report: Report | None = None


class Wanted(Struct, frozen=True):
    """One destination of a plan."""

    table: str
    path: str
    format: str
    compression: str


@dataclass(frozen=True, slots=True)
class Task:
    """A spec to be kept fresh. `digest` is of before it was read: of one that changed meanwhile, so that somebody looks
    closer the next time. `run` makes it."""

    spec: str
    digest: str
    plan: Plan
    options: Options
    run: Callable[[], Report]


def look_at(task: Task) -> Refreshed:
    """Whether a spec is fresh. Makes and notes nothing."""
    places = wanted(task.plan, task.options)
    reasons = [why for each in places for why in changes(task.plan, each)]
    return Refreshed(outcome="stale" if reasons else "fresh", reasons=reasons, outputs=[each.path for each in places])


def bring_up(task: Task, force: bool, wait: float) -> Refreshed:
    """Makes a spec's outputs where it must, and notes that they are what it makes: `is_fresh` tells it from then on."""
    places = wanted(task.plan, task.options)
    paths = [each.path for each in places]
    until = time.monotonic() + wait
    with held(places, until):
        while reasons := [why for each in places for why in changes(task.plan, each)] or ["forced"] * force:
            try:
                report = task.run()
            except LockedError:  # by a run, which may make what is wanted
                if time.monotonic() >= until:
                    raise
                time.sleep(LOOK_AGAIN)
                continue
            remember(task, places)
            return Refreshed(outcome="made", reasons=reasons, outputs=paths, report=report)
        remember(task, places)
    return Refreshed(outcome="fresh", reasons=[], outputs=paths)


def wanted(plan: Plan, options: Options) -> list[Wanted]:
    """The destinations that a run would have; UsageError for a stream, which does not stay."""
    if options.to == STDOUT:
        raise UsageError("Standard output can't be refreshed.", hint="Give the spec an `output: {path: ...}`.")
    names = [layout.table for layout in plan.layouts] or [plan.dataset.name]
    names = [name for name in names if options.table in (None, name)]
    paths = {names[0]: options.to}
    if plan.is_drawn:
        paths = paths_of(options.to, names, options.format, options.compression)
    return [Wanted(name, path, *format_of(path, options.format, options.compression)) for name, path in paths.items()]


@contextmanager
def held(places: Sequence[Wanted], until: float) -> Iterator[None]:
    """Keeps other refreshes off these destinations, from the look at them to the note of what was made.

    A run takes hold of its destination itself, but only once it is known to be stale. LockedError when one is not free
    until then (`time.monotonic()`).
    """
    with ExitStack() as locks:
        # In one order everywhere: two that wait for each other's would wait for ever.
        for path in sorted({lock_path(each.path) for each in places}):
            while (lock := posix.lock(Path(path))) is None:
                if time.monotonic() >= until:
                    who = posix.holder(Path(path))
                    shown = f"Another refresh ({who})" if who else "Another refresh"
                    where = ", ".join(each.path for each in places if lock_path(each.path) == path)
                    raise LockedError(f"{shown} is at {where}.", hint="Wait for it: --wait 10m.")
                time.sleep(LOOK_AGAIN)
            locks.enter_context(lock)
        yield


def changes(plan: Plan, each: Wanted) -> Iterator[str]:
    """Why a destination must be made again, in words; nothing when it need not."""
    return (f"{each.path}: {why}" for why in reasons_for(plan, each))


def reasons_for(plan: Plan, each: Wanted) -> Iterator[str]:
    made = made_at(each.path)
    if made is None:
        yield "never made here" if os.path.lexists(each.path) else "not there"
        return
    if made.seed != plan.spec.seed:
        yield f"the seed changed from {made.seed} to {plan.spec.seed}"
    elif (made.spec_hash, made.table) != (plan.spec_hash, each.table):
        yield "the spec changed"
    if (made.format, made.compression) != (each.format, each.compression):
        before, after = shown(made.format, made.compression), shown(each.format, each.compression)
        yield f"the format changed from {before} to {after}"
    if made.version != __version__:
        yield f"ffgen changed from {made.version} to {__version__}"
    how = standing(each.path, made.files)[0]
    if how in ("missing", "changed"):
        yield "not there" if how == "missing" else "the file changed since it was made"


def remember(task: Task, places: Sequence[Wanted]) -> None:
    """Notes that a spec's destinations are what its plan makes."""
    inputs = {name_of(entry): sum_of(entry) for entry in task.plan.spec.plugins if is_path(entry)}
    keep(task.spec, Basis(task.digest, inputs, dict(map(marks_at, places))))


def marks_at(each: Wanted) -> tuple[str, tuple[Mark, ...]]:
    """A fresh destination as the ledger names it, and its files as they stand."""
    made = made_at(each.path)
    return name_of(each.path, follow=False), standing(each.path, made.files)[1] if made is not None else ()


def shown(format: str, compression: str) -> str:
    """A format as people say it."""
    return format if compression == "none" or format == "parquet" else f"{format} with {compression}"

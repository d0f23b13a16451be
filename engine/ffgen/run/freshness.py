"""Whether what stands at a plan's destinations is what the plan would make."""

import os
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from ffgen import __version__
from ffgen.errors import UsageError
from ffgen.plan.compile import Plan
from ffgen.run.ledger import Basis, Mark, keep, made_at, name_of, standing, sum_of
from ffgen.run.options import STDOUT, Options
from ffgen.run.outputs import paths_of
from ffgen.run.report import Report
from ffgen.sample.plugins import is_path
from ffgen.sink import format_of


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


def changes(plan: Plan, each: Wanted) -> Iterator[str]:
    """Why a destination must be made again, in words; nothing when it need not."""
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


def remember(spec: str | os.PathLike[str], digest: str, plan: Plan, wanted: list[Wanted]) -> None:
    """Notes that a spec's destinations are what its plan makes: `is_fresh` tells it next time, at a glance.

    `digest` is of before the spec was read: of a spec that changed meanwhile, so that somebody looks closer.
    """
    inputs = {name_of(entry): sum_of(entry) for entry in plan.spec.plugins if is_path(entry)}
    keep(spec, Basis(digest, inputs, dict(map(marks_at, wanted))))


def marks_at(each: Wanted) -> tuple[str, tuple[Mark, ...]]:
    """A fresh destination as the ledger names it, and its files as they stand."""
    made = made_at(each.path)
    return name_of(each.path, follow=False), standing(each.path, made.files)[1] if made is not None else ()


def shown(format: str, compression: str) -> str:
    """A format as people say it."""
    return format if compression == "none" or format == "parquet" else f"{format} with {compression}"

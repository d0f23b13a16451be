"""Which of the two ways a plan is carried out: by asking a model, or by drawing. Each is imported when it is needed."""

import importlib
from collections.abc import Callable
from typing import Any

from ffgen.errors import UsageError
from ffgen.plan.compile import Plan, compile_plan, is_asked
from ffgen.plan.pools import pools_of
from ffgen.run.options import Options, Watch
from ffgen.run.origin import keep_origin
from ffgen.run.outputs import paths_of
from ffgen.run.remote import Remote
from ffgen.run.report import Report
from ffgen.run.underway import Underway, begin

WAYS = {True: "ffgen.run.draw", False: "ffgen.run.carry"}


async def carry_out(
    plan: Plan,
    options: Options,
    watch: Watch | None = None,
    make_writer: Callable[..., Any] | None = None,
    remote: Remote | None = None,
) -> Report:
    """Carries a plan out and publishes the result, whole. Raises an FfgenError otherwise, and leaves nothing behind
    but kept replies. `remote` stops it from another thread; `make_writer` takes rows in place of a file."""
    plan.chosen(options.table)  # refuses one that there is not
    if options.labels is not None and not plan.is_drawn:
        hint = "Draw the spec (--local) with `imperfections`, or leave the labels out."
        raise UsageError("Labels tell what is spoiled in drawn records, and this run asks a model.", hint=hint)
    way = importlib.import_module(WAYS[plan.is_drawn])
    if make_writer is not None:
        taken: Report = await way.carry_out(plan, options, watch, make_writer, remote)
        return taken
    with Underway(about(plan, options), watch) as entry:
        report: Report = await way.carry_out(plan, options, entry.watch, make_writer, remote)
    keep_origin(plan, options)
    return report


def about(plan: Plan, options: Options) -> dict[str, Any]:
    """What the entry of a run says of it while it is under way."""
    names = [layout.table for layout in plan.layouts if options.table in (None, layout.table)]
    paths, asked = [options.to], [plan.spec_hash]
    if plan.is_drawn:
        paths = list(paths_of(options.to, names, options.format, options.compression).values()) if names else []
        asked = [compile_plan(pool.spec).spec_hash for pool in pools_of(plan.spec)]
        asked += [plan.spec_hash] if is_asked(plan) else []
    count = sum(layout.count for layout in plan.layouts if layout.table in names) or plan.dataset.count
    return begin(
        options, paths, dataset=plan.dataset.name, seed=plan.spec.seed, wanted=count, needs=asked, name=plan.spec_hash
    )

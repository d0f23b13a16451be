"""Which of the two ways a plan is carried out: by asking a model, or by drawing. Each is imported when it is needed."""

import importlib
from collections.abc import Callable
from typing import Any

from ffgen.errors import UsageError
from ffgen.plan.compile import Plan
from ffgen.run.options import Options, Watch
from ffgen.run.remote import Remote
from ffgen.run.report import Report

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
    if options.labels is not None and not plan.is_drawn:
        hint = "Draw the spec (--local) with `imperfections`, or leave the labels out."
        raise UsageError("Labels tell what is spoiled in drawn records, and this run asks a model.", hint=hint)
    way = importlib.import_module(WAYS[plan.is_drawn])
    report: Report = await way.carry_out(plan, options, watch, make_writer, remote)
    return report

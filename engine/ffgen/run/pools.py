"""Fills the pools of a plan: small asked runs whose values go into the spec."""

import logging
import os
import tempfile
import time
from typing import Any

import orjson
from msgspec import structs

from ffgen.errors import EndpointError, InternalError, ShortfallError, TimeLimitError
from ffgen.plan.compile import Plan, compile_plan
from ffgen.plan.pools import PoolOf, pools_of, with_values, without_pools
from ffgen.run.options import Options, Watch
from ffgen.run.remote import Remote
from ffgen.run.report import Progress, Report
from ffgen.spec.model import Field, Spec

log = logging.getLogger("ffgen.run")


async def fill_pools(
    plan: Plan, options: Options, watch: Watch | None, remote: Remote | None
) -> tuple[Plan, list[Report]]:
    """The plan with every pool's values in its spec, and a report for each pool. Replies are kept: filled once, nothing
    is asked again. The time limit is for all of them together, and `--max-asks` for each. Where a pool can't be filled
    and its field names a fallback, that makes the values. Raises what an asked run raises."""
    began = time.monotonic()
    reports: list[Report] = []
    written: dict[tuple[str, str, str], list[str]] = {}
    pools = pools_of(plan.spec)
    if not pools:
        return plan, reports
    fallen: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        for number, pool in enumerate(pools):
            path = os.path.join(folder, f"{number}.jsonl")
            left = options.after(time.monotonic() - began)
            if (pool.table, pool.field) in fallen:
                continue
            try:
                reports.append(await fill(pool, plan.asks, structs.replace(left, to=path), watch, remote))
            except (ShortfallError, EndpointError) as error:
                if not field_of(plan.spec, pool).fallback:
                    raise
                log.warning("a pool falls back", extra={"table": pool.table, "field": pool.field, "why": error.what})
                fallen.add((pool.table, pool.field))
                continue
            with open(path, "rb") as file:
                written[pool.key] = [orjson.loads(line)[pool.field] for line in file]
            if not written[pool.key]:
                raise InternalError(f"The pool of {pool.table}.{pool.field} came back empty.")
    made = [told_of(plan, pool, fallen) for pool in pools]
    return structs.replace(plan, spec=with_values(without_pools(plan.spec, fallen), written)), [*reports, *made]


def field_of(spec: Spec, pool: PoolOf) -> Field:
    """The field that a pool is for."""
    table = next(each for each in spec.datasets if each.name == pool.table)
    return next(each for each in table.fields if each.name == pool.field)


def told_of(plan: Plan, pool: PoolOf, fallen: set[tuple[str, str]]) -> Report:
    """A report that says who makes a field's values, and nothing else."""
    said: Any = "pool"
    if (pool.table, pool.field) in fallen:
        said = field_of(plan.spec, pool).fallback[0]
        said = said.get("name") if isinstance(said, dict) else said
    count = next(layout.count for layout in plan.layouts if layout.table == pool.table)
    empty = Report.of_drawn(plan.spec.seed, plan.spec_hash, pool.table, "", "", 0, 0, 0.0)
    return structs.replace(empty, made={f"{pool.table}.{pool.field}": {str(said): count}})


async def fill(pool: PoolOf, asks: float, options: Options, watch: Watch | None, remote: Remote | None) -> Report:
    """One pool, into a file."""
    from ffgen.run.carry import carry_out  # what draws only need not import what asks

    small = structs.replace(options, format="jsonl", compression="none", table=None, workers=0, recorded=False)
    told = None if watch is None else Told(watch, f"pool {pool.table}.{pool.field}")
    try:
        return await carry_out(compile_plan(pool.spec, asks), small, told, None, remote)
    except TimeLimitError as error:
        what = f"The time limit of {options.limit:g} s passed while the pool of {pool.table}.{pool.field} was written."
        raise TimeLimitError(what, hint=error.hint) from error


class Told:
    """Progress of a part of a run in which a model is asked, told as the run's, under a phase of its own."""

    def __init__(self, watch: Watch, phase: str) -> None:
        self.watch = watch
        self.phase = phase

    def __call__(self, progress: Progress) -> None:
        phase = self.phase if progress.phase == "asking" else progress.phase
        self.watch(structs.replace(progress, phase=phase))

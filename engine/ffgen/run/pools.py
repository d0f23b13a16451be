"""Fills the pools of a plan: small asked runs whose values go into the spec."""

import os
import tempfile
import time

import orjson
from msgspec import structs

from ffgen.errors import InternalError, TimeLimitError
from ffgen.plan.compile import Plan, compile_plan
from ffgen.plan.pools import PoolOf, pools_of, with_values
from ffgen.run.options import Options, Watch
from ffgen.run.remote import Remote
from ffgen.run.report import Progress, Report


async def fill_pools(
    plan: Plan, options: Options, watch: Watch | None, remote: Remote | None
) -> tuple[Plan, list[Report]]:
    """The plan with every pool's values in its spec, and a report for each pool. Replies are kept: filled once, nothing
    is asked again. The time limit is for all of them together, and `--max-asks` for each. Raises what an asked run
    raises."""
    began = time.monotonic()
    reports: list[Report] = []
    written: dict[tuple[str, str, str], list[str]] = {}
    pools = pools_of(plan.spec)
    if not pools:
        return plan, reports
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        for number, pool in enumerate(pools):
            path = os.path.join(folder, f"{number}.jsonl")
            left = options.after(time.monotonic() - began)
            reports.append(await fill(pool, plan.asks, structs.replace(left, to=path), watch, remote))
            with open(path, "rb") as file:
                written[pool.key] = [orjson.loads(line)[pool.field] for line in file]
            if not written[pool.key]:
                raise InternalError(f"The pool of {pool.table}.{pool.field} came back empty.")
    return structs.replace(plan, spec=with_values(plan.spec, written)), reports


async def fill(pool: PoolOf, asks: float, options: Options, watch: Watch | None, remote: Remote | None) -> Report:
    """One pool, into a file."""
    from ffgen.run.carry import carry_out  # what draws only need not import what asks

    small = structs.replace(options, format="jsonl", compression="none", table=None, workers=0, recorded=False)
    told = None if watch is None else _Told(watch, pool.table, pool.field)
    try:
        return await carry_out(compile_plan(pool.spec, asks), small, told, None, remote)
    except TimeLimitError as error:
        what = f"The time limit of {options.limit:g} s passed while the pool of {pool.table}.{pool.field} was written."
        raise TimeLimitError(what, hint=error.hint) from error


class _Told:
    """Progress of one pool, told as the run's."""

    def __init__(self, watch: Watch, table: str, field: str) -> None:
        self.watch = watch
        self.phase = f"pool {table}.{field}"

    def __call__(self, progress: Progress) -> None:
        phase = self.phase if progress.phase == "asking" else progress.phase
        self.watch(structs.replace(progress, phase=phase))

"""Fills the pools of a plan: small asked runs whose values go into the spec."""

import os
import tempfile

import orjson
from msgspec import Struct, structs

from ffgen.errors import InternalError
from ffgen.plan.compile import Plan, compile_plan
from ffgen.plan.pools import pools_of, with_values
from ffgen.run.options import Options, Watch
from ffgen.run.remote import Remote
from ffgen.run.report import Progress, Report


class Spent(Struct):
    """What filling pools took."""

    requests: int = 0
    replies: int = 0
    kept: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    money: float | None = None
    busy: float = 0.0
    seconds: float = 0.0
    model: str = ""
    endpoints: list[str] = []

    def add(self, report: Report) -> None:
        """One pool is full."""
        self.requests += report.requests
        self.replies += report.replies
        self.kept += report.kept
        self.tokens_in += report.tokens_in
        self.tokens_out += report.tokens_out
        self.money = report.money if self.money is None else self.money + (report.money or 0.0)
        self.busy += report.utilisation * report.seconds
        self.seconds += report.seconds
        self.model, self.endpoints = report.model, report.endpoints

    def put_into(self, report: Report) -> Report:
        """The report of the whole run."""
        if not self.replies:
            return report
        return structs.replace(
            report,
            model=self.model,
            endpoints=self.endpoints,
            requests=self.requests,
            replies=self.replies,
            kept=self.kept,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            tokens_per_record=self.tokens_out / max(report.records, 1),
            money=self.money,
            utilisation=self.busy / self.seconds if self.seconds and self.requests else 0.0,
            seconds=report.seconds + self.seconds,
        )


async def fill_pools(plan: Plan, options: Options, watch: Watch | None, remote: Remote | None) -> tuple[Plan, Spent]:
    """The plan with every pool's values in its spec, and what that took. Replies are kept: filled once, nothing is
    asked again. Raises what an asked run raises."""
    spent = Spent()
    pools = pools_of(plan.spec)
    if not pools:
        return plan, spent
    from ffgen.run.carry import carry_out  # what draws only need not import what asks

    written: dict[tuple[str, str, str], list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        for number, pool in enumerate(pools):
            path = os.path.join(folder, f"{number}.jsonl")
            small = structs.replace(
                options, to=path, format="jsonl", compression="none", table=None, workers=0, recorded=False
            )
            told = None if watch is None else _Told(watch, pool.table, pool.field)
            report = await carry_out(compile_plan(pool.spec), small, told, None, remote)
            spent.add(report)
            with open(path, "rb") as file:
                written[pool.key] = [orjson.loads(line)[pool.field] for line in file]
            if not written[pool.key]:
                raise InternalError(f"The pool of {pool.table}.{pool.field} came back empty.")
    return structs.replace(plan, spec=with_values(plan.spec, written)), spent


class _Told:
    """Progress of one pool, told as the run's."""

    def __init__(self, watch: Watch, table: str, field: str) -> None:
        self.watch = watch
        self.phase = f"pool {table}.{field}"

    def __call__(self, progress: Progress) -> None:
        phase = self.phase if progress.phase == "asking" else progress.phase
        self.watch(structs.replace(progress, phase=phase))

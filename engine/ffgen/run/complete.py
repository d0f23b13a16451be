"""What a drawn plan must know before it is drawn: the values of its pools, and the asked fields of its rows."""

import time

from msgspec import structs

from ffgen.plan.compile import Plan, is_asked
from ffgen.plan.hybrid import asked_fields, asked_tables, tables_read
from ffgen.plan.tables import Layout
from ffgen.run.answering import answer, asked_part, counted, in_turn, nothing_answered, wanted_of
from ffgen.run.carry import report_of
from ffgen.run.crew import own_use
from ffgen.run.hand import Hand
from ffgen.run.means import opened
from ffgen.run.options import Options, Signals, Watch
from ffgen.run.pools import Told, fill_pools
from ffgen.run.remote import Remote, stoppable
from ffgen.run.report import Report

LOCAL = "Or --local: the fallbacks make the values."


async def complete(
    plan: Plan, options: Options, folder: str, watch: Watch | None, remote: Remote | None
) -> tuple[Plan, list[Report]]:
    """A drawn plan that needs no model any more: its pools are filled, its rows' asked fields stand in `folder`."""
    began = time.monotonic()
    plan, asked = await fill_pools(plan, options, watch, remote)
    if not is_asked(plan):
        return plan, asked
    with stoppable(remote) as stop:
        plan, reports = await ask_rows(plan, options.after(time.monotonic() - began), folder, watch, stop)
    return plan, [*asked, *reports]


async def ask_rows(
    plan: Plan, options: Options, folder: str, watch: Watch | None, stop: Signals
) -> tuple[Plan, list[Report]]:
    """The plan with what a model wrote for its rows in `folder`, and a report for each table. Raises what an asked
    run raises; replies are kept, so nothing is asked twice."""
    asked = [table.name for table in asked_tables(plan.spec)]
    needed = tables_read(plan.spec.datasets, plan.chosen(options.table))
    wanted = [layout.table for layout in plan.layouts if layout.table in asked and layout.table in needed]
    if not wanted:
        return plan, []
    began = time.monotonic()
    hand = Hand(plan, options.memory, folder)
    reports, digests = [], []
    for layout, is_asked_for in in_turn(plan, hand, wanted):
        left = options.after(time.monotonic() - began)
        if is_asked_for:
            told = None if watch is None else Told(watch, f"asking for {layout.table}")
            report, digest = await ask_table(plan, layout, hand, left, told, stop)
            reports.append(report)
            digests.append(digest)
        else:
            stop.tell(None)
            await counted(layout, hand, left)
    return structs.replace(plan, answers=folder, digest="-".join(digests)), reports


async def ask_table(
    plan: Plan, layout: Layout, hand: Hand, options: Options, watch: Watch | None, stop: Signals
) -> tuple[Report, str]:
    """Asks for the rows of one table; the answers' hash is a part of what the output is made from."""
    began = time.monotonic()
    table = hand.recipes.recipes[layout.table].dataset
    stop.tell(None)
    count = await wanted_of(layout, hand, options)
    if not count:
        return nothing_asked(plan, layout, hand), nothing_answered(layout, hand)
    small, parts = asked_part(plan, layout, hand, count)
    # That nobody answers at the start is more likely a slip than a loss, so no fallback steps in.
    can_do_without = all(field.fallback for field in asked_fields(table))
    async with opened(small, options, LOCAL if can_do_without else "") as means:
        left = options.after(time.monotonic() - began)
        made = await answer(small, parts, layout, hand, means, left, watch=watch, begins=stop.tell)
        means.keep(plan.spec_hash)
        uses, seconds = [own_use(), *made.uses], time.monotonic() - began
        report = report_of(made.coordinator, options, "asked", means.endpoints, uses, seconds)
    told = {f"{table.name}.{name}": makers for name, makers in made.makers.items()}
    return structs.replace(report, made=told), made.digest


def nothing_asked(plan: Plan, layout: Layout, hand: Hand) -> Report:
    """The report on a table of which no row has an asked value."""
    asked = hand.recipes.recipes[layout.table].asked
    report = Report.of_drawn(plan.spec.seed, plan.spec_hash, layout.table, "", "", 0, 0, 0.0)
    return structs.replace(report, made={f"{layout.table}.{name}": {} for name in asked})

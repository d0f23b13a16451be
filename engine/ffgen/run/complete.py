"""What a drawn plan must know before it is drawn: the values of its pools, and the asked fields of its rows."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from itertools import chain

import polars as pl
from msgspec import structs

from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError, TimeLimitError
from ffgen.plan.compile import Plan, is_asked
from ffgen.plan.hybrid import (
    asked_fields,
    asked_tables,
    fallbacks,
    known_of,
    paired_plan,
    shown_fields,
    tables_read,
)
from ffgen.plan.tables import Layout
from ffgen.run.answers import Answers, AnswerWriter
from ffgen.run.asking import Asker
from ffgen.run.audit import Audit
from ffgen.run.carry import crew_for, report_of, setups_for
from ffgen.run.crew import own_use
from ffgen.run.desk import remember_asked
from ffgen.run.endpoints import Endpoints, find_endpoints, read_key
from ffgen.run.fence import fence
from ffgen.run.given import parts_of
from ffgen.run.hand import Hand
from ffgen.run.judging import Judge
from ffgen.run.messages import Setup
from ffgen.run.options import Options, Signals, Watch, cache_folder
from ffgen.run.pools import Told, fill_pools
from ffgen.run.remote import Remote
from ffgen.run.report import ProcessUse, Report


async def complete(
    plan: Plan, options: Options, folder: str, watch: Watch | None, remote: Remote | None
) -> tuple[Plan, list[Report]]:
    """A drawn plan that needs no model any more: its pools are filled, its rows' asked fields stand in `folder`."""
    began = time.monotonic()
    plan, asked = await fill_pools(plan, options, watch, remote)
    if not is_asked(plan):
        return plan, asked
    with contextlib.ExitStack() as held:
        stop = held.enter_context(Signals())
        if remote is not None:
            remote.connect(stop.hear)
            held.callback(remote.disconnect)
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
    for layout in plan.layouts:
        if layout.table in wanted:
            told = None if watch is None else Told(watch, f"asking for {layout.table}")
            left = options.after(time.monotonic() - began)
            report, digest = await ask_table(plan, layout, hand, left, told, stop)
            reports.append(report)
            digests.append(digest)
            hand.recipes.answers = Answers(folder, wanted[: len(digests)]).get
        if hand.is_needed(layout.table):
            stop.tell(None)
            await counted(hand, layout, options.after(time.monotonic() - began))
    return structs.replace(plan, answers=folder, digest="-".join(digests)), reports


async def ask_table(
    plan: Plan, layout: Layout, hand: Hand, options: Options, watch: Watch | None, stop: Signals
) -> tuple[Report, str]:
    """Asks for the rows of one table; the answers' hash is a part of what the output is made from."""
    began = time.monotonic()
    recipe = hand.recipes.recipes[layout.table]
    table = recipe.dataset
    schema = {name: recipe.samplers[name].kind.value_dtype() for name in recipe.asked}
    writer = AnswerWriter(hand.folder, table.name, schema)
    stop.tell(None)
    count = await counted(hand, layout, options) if any(f.may_be_null for f in asked_fields(table)) else layout.count
    if not count:
        return nothing_asked(plan, table.name, recipe.asked), writer.close(layout.count)
    drawn = spans(hand, layout)
    first = next(drawn)
    small, known = paired_plan(plan, recipe, count, first[1]), known_of(recipe)
    with contextlib.ExitStack() as held:
        replies = held.enter_context(Replies.open(os.path.join(cache_folder(options.cache_dir), "replies.sqlite3")))
        audit = Audit(options.audit, options.audit_prompts, plan.spec_hash)
        held.callback(audit.close)
        key = read_key(small.model.key, options.key)
        if options.isolate:
            fence([*small.endpoints, "http://127.0.0.1"])
        endpoints = await found(small, key, replies, can_do_without=all(f.fallback for f in asked_fields(table)))
        held.callback(endpoints.stop)
        remember_asked(small, endpoints.first, replies)
        judge = Judge(recipe, options.memory, hand.folder)
        held.callback(judge.close)
        replies.begin(plan.spec_hash)
        crew = crew_for(small, options, None)
        asker = Asker(
            small,
            crew,
            endpoints,
            replies,
            recipe=recipe,
            parts=parts_of(chain([first], drawn), recipe.asked, shown_fields(recipe), small.shards.batch_size),
            known=known,
            fallbacks=fallbacks(hand.recipes, table.name),
            judge=judge,
            writer=writer,
            fresh=options.fresh,
            audit=audit,
            limit=options.limit,
        )
        setups = setups_for(small, options, endpoints, key, None, "jsonl", "none")
        setup = structs.replace(setups["worker"], known=known)
        stop.tell(asker)
        uses = await asked_to_end(asker, setup, options.after(time.monotonic() - began), watch)
        digest = writer.close(layout.count)
        replies.finish(plan.spec_hash)
        replies.trim()
        report = report_of(asker, options, "asked", endpoints, [own_use(), *uses], time.monotonic() - began)
        made = {f"{table.name}.{name}": dict(sorted(makers.items())) for name, makers in asker.made.items()}
        return structs.replace(report, made=made), digest


async def asked_to_end(asker: Asker, setup: Setup, options: Options, watch: Watch | None) -> list[ProcessUse]:
    """All rows are answered and written; what the workers used. They are gone whatever comes."""
    try:
        await asker.carry_out({"worker": setup}, options.timeout, watch)
        return await asker.crew.leave()
    finally:
        await asker.crew.leave()
        asker.audit.ended("asked", asker.state.counts.admitted)


def nothing_asked(plan: Plan, table: str, asked: list[str]) -> Report:
    """The report on a table of which no row has an asked value."""
    report = Report.of_drawn(plan.spec.seed, plan.spec_hash, table, "", "", 0, 0, 0.0)
    return structs.replace(report, made={f"{table}.{name}": {} for name in asked})


async def found(plan: Plan, key: str | None, replies: Replies, can_do_without: bool) -> Endpoints:
    """The endpoints. That nobody answers at the start is more likely a slip than a loss, so no fallback steps in."""
    local = " Or --local: the fallbacks make the values." if can_do_without else ""
    try:
        endpoints = await find_endpoints(plan, key, replies)
    except EndpointError as error:
        error.hint = f"{error.hint}{local}".strip()
        raise
    if endpoints.absent is not None:  # known from before: the error for what is not kept
        endpoints.absent.hint = f"{endpoints.absent.hint}{local}".strip()
    return endpoints


def spans(hand: Hand, layout: Layout) -> Iterator[tuple[int, pl.DataFrame]]:
    """The shards of a table with the number of their first row."""
    for shard, frame in enumerate(hand.shards(layout)):
        yield layout.span(shard)[0], frame


async def counted(hand: Hand, layout: Layout, options: Options) -> int:
    """The rows of a table that a model is asked for. All of them are drawn; signals and the time limit are heard."""
    until, count = time.monotonic() + options.timeout, 0
    asked = hand.recipes.recipes[layout.table].asked
    for frame in hand.shards(layout):
        count += wanted_rows(frame, asked) if asked else 0
        await asyncio.sleep(0)
        if time.monotonic() > until:
            what = f"The time limit of {options.limit:g} s passed while rows of {layout.table} were drawn."
            raise TimeLimitError(what, hint="Give it more: --timeout.")
    return count


def wanted_rows(frame: pl.DataFrame, asked: list[str]) -> int:
    """Rows for which any asked field has a value."""
    found = frame.select(pl.any_horizontal([pl.col(name).is_not_null() for name in asked]).sum()).item()
    return int(found)

"""The answers of hybrid tables, from whoever gives them: endpoints (`run.complete`), or nobody but kept replies
(`run.explain.rewritten`). One way for both, so that rows that are read again are those that were made.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain

import polars as pl
from msgspec import Struct, structs

from ffgen.errors import TimeLimitError
from ffgen.plan.compile import Plan
from ffgen.plan.hybrid import asked_fields, fallbacks, known_of, paired_plan, shown_fields
from ffgen.plan.tables import Layout
from ffgen.run.answers import Answers, AnswerWriter
from ffgen.run.asking import Ear, GivenRows
from ffgen.run.carry import crew_for, setups_for
from ffgen.run.coordinator import Coordinator
from ffgen.run.given import Part, parts_of
from ffgen.run.hand import Hand
from ffgen.run.judging import Judge
from ffgen.run.means import Means
from ffgen.run.options import Options, Watch
from ffgen.run.report import ProcessUse


class AnsweredTable(Struct, frozen=True):
    """One table whose answers are in its folder. `makers` says for each field how many values are whose."""

    coordinator: Coordinator
    makers: dict[str, dict[str, int]]
    uses: list[ProcessUse]
    digest: str


def in_turn(plan: Plan, hand: Hand, tables: list[str]) -> Iterator[tuple[Layout, bool]]:
    """The tables to go through, in the plan's order: True for one whose rows are to be answered, one of `tables`, False
    for one whose shards are to be drawn because others need them. When the next is asked for, the one before is done,
    and its answers are there."""
    done: list[str] = []
    for layout in plan.layouts:
        if layout.table in tables:
            yield layout, True
            done.append(layout.table)
            hand.recipes.answers = Answers(hand.folder, list(done)).get
        if hand.is_needed(layout.table):
            yield layout, False


async def wanted_of(layout: Layout, hand: Hand, options: Options) -> int:
    """The rows of a table that a model is asked for."""
    table = hand.recipes.recipes[layout.table].dataset
    if any(field.may_be_null for field in asked_fields(table)):
        return await counted(layout, hand, options)
    return layout.count


async def counted(layout: Layout, hand: Hand, options: Options) -> int:
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


def nothing_answered(layout: Layout, hand: Hand) -> str:
    """No row of a table has an asked value: the hash of its answers, which are none."""
    return writer_for(layout, hand).close(layout.count)


def writer_for(layout: Layout, hand: Hand) -> AnswerWriter:
    """Where the answers of a table go."""
    recipe = hand.recipes.recipes[layout.table]
    return AnswerWriter(
        hand.folder, layout.table, {name: recipe.samplers[name].kind.value_dtype() for name in recipe.asked}
    )


def asked_part(plan: Plan, layout: Layout, hand: Hand, count: int) -> tuple[Plan, Iterator[Part]]:
    """The plan by which a model is asked for `count` rows of a table, and those rows, cut into its requests."""
    recipe = hand.recipes.recipes[layout.table]
    drawn = ((layout.span(shard)[0], frame) for shard, frame in enumerate(hand.shards(layout)))
    first = next(drawn)
    small = paired_plan(plan, recipe, count, first[1])
    return small, parts_of(chain([first], drawn), recipe.asked, shown_fields(recipe), small.shards.batch_size)


async def answer(
    small: Plan,
    parts: Iterator[Part],
    layout: Layout,
    hand: Hand,
    means: Means,
    options: Options,
    *,
    watch: Watch | None = None,
    begins: Callable[[Coordinator], None] = lambda _: None,
    ear: Ear | None = None,
) -> AnsweredTable:
    """Has the rows of one table answered, and their answers written. Raises what an asked run raises. The workers are
    gone whatever comes; `begins` is told who hears of signals from then on."""
    recipe = hand.recipes.recipes[layout.table]
    known, writer, crew = known_of(recipe), writer_for(layout, hand), crew_for(small, options, None)
    with closing(Judge(recipe, options.memory, hand.folder)) as judge:
        rows = GivenRows(
            small,
            means.endpoints,
            recipe=recipe,
            parts=parts,
            known=known,
            fallbacks=fallbacks(hand.recipes, layout.table),
            judge=judge,
            writer=writer,
            ear=ear,
        )
        coordinator = Coordinator(small, crew, means, rows, fresh=options.fresh)
        setup = setups_for(small, options, means, None, "jsonl", "none")["worker"]
        begins(coordinator)
        try:
            setups = {"worker": structs.replace(setup, known=known)}
            await coordinator.carry_out(setups, options.timeout, watch, options.limit)
            uses = await crew.leave()
        finally:
            await crew.leave()
            means.audit.ended("asked", coordinator.state.counts.admitted)
    makers = {name: dict(sorted(made.items())) for name, made in rows.made.items()}
    return AnsweredTable(coordinator, makers, uses, writer.close(layout.count))

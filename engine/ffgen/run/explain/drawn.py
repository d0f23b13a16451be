"""A drawn row told: its shard is drawn again, and watched."""

import tempfile
from bisect import bisect_right
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import structs
from numpy.typing import NDArray

from ffgen.plan.compile import Plan
from ffgen.plan.estimate import view_drawn_field
from ffgen.plan.hybrid import tables_read
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.plan.tables import Layout
from ffgen.rng import stream
from ffgen.run.answers import MAKER
from ffgen.run.asking import ASKED
from ffgen.run.desk import Gone
from ffgen.run.explain.facts import Cell, case_of, facts_of
from ffgen.run.explain.overheard import RowEar
from ffgen.run.explain.redraw import CORRELATION, Draft, Shard, hand_for, redrawn, refusals
from ffgen.run.explain.replay import Pools
from ffgen.run.explain.rewritten import rewritten
from ffgen.run.explain.standing import Standing, drawn_as_read, plain
from ffgen.run.explain.story import DrawView, Explanation, Fact, FieldStory, Place, ReplyView, Spoilt, clipped
from ffgen.run.origin import Known
from ffgen.sample.cases import Conditional
from ffgen.shard.spoil import copies, delayed, spoil
from ffgen.source.single import Row

THERE_ALREADY = "a row before it has the same"


def tell_drawn(here: Standing, known: Known, plan: Plan, cache: str | None, notes: list[str]) -> Explanation:
    """The row that stands here, drawn again. Raises `Gone` where a model's reply that it needs is kept no more."""
    layout = next(each for each in plan.layouts if each.table == here.table)
    if here.record > layout.count:
        return here.untold(known, plan, [*notes, f"this spec makes {layout.count:,} rows of {here.table}"])
    pools, row = Pools(plan, cache), here.record - 1
    number = shard_of(layout, row)
    first, count = layout.span(number)
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        filled = pools.filled()
        recipe = Recipes(filled.spec, filled.layouts).recipes[here.table]
        source = standing_rows(recipe, number, first, count)
        watch, ear = RowWatch(first + int(source[row - first])), RowEar(first + int(source[row - first]))
        tables = tables_read(plan.spec.datasets, [here.table])
        hand, drawer = hand_for(rewritten(filled, tables, cache, folder, {here.table: ear}), folder)
        recipe = hand.recipes.recipes[here.table]
        (shard,) = redrawn(hand, drawer, layout, range(number, number + 1), lambda _: watch.hear)
        spoiled, labels = spoil(recipe, number, first, shard.frame.select(recipe.written))
        remade = drawn_as_read(recipe, here.format, spoiled[[row - first]])
        clean = shard.frame.row(watch.row - first, named=True)
        last, at = watch.drafts[-1]
        cell = Cell(hand.recipes, last, at, clean)
        teller = FieldTeller(here, cell, remade, labels.filter(pl.col("row") == row), pools, ear)
        fields = [teller.tell(field.name) for field in recipe.dataset.fields]
    differs = here.differs(remade)
    if differs and pools.fallen:
        raise Gone(next(iter(pools.fallen.values())))
    return structs.replace(
        here.begun(known, plan, recipe.how),
        shard=number,
        position=row - first,
        drawn_as=None if watch.row == row else watch.row,
        agrees=not differs,
        notes=[*notes, *teller.row_notes(), *unlike(differs)],
        place=list(last.place),
        draws=watch.draws(shard),
        fields=fields,
    )


def unlike(differs: list[str]) -> list[str]:
    """A note where the row is another one than is made now."""
    if not differs:
        return []
    return [f"made again, the row differs in {', '.join(differs)}: the file was changed, or made in another way"]


def shard_of(layout: Layout, row: int) -> int:
    """The shard that a row of a table is in."""
    return bisect_right(layout.starts, row) - 1 if layout.parent else row // layout.size


def standing_rows(recipe: Recipe, shard: int, first: int, count: int) -> NDArray[np.int64]:
    """For each place in a shard, the place of the row that was drawn for what stands there: another one where rows
    were copied, or are late (see `shard.spoil`)."""
    spoils = recipe.spoils
    if spoils is None:
        return np.arange(count)
    place = (recipe.seed, recipe.dataset.name, "imperfections")
    source = copies(spoils.duplicates, first, count, stream(*place, "duplicates", shard))
    order = delayed(spoils.late, count, stream(*place, "late", shard))
    return source if order is None else source[order[0]]


class RowWatch:
    """Hears of every draw of a shard, and keeps those in which one row was drawn, with its place there."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.drafts: list[tuple[Draft, int]] = []

    def hear(self, draft: Draft) -> None:
        """See redraw.Listener."""
        found = np.flatnonzero(draft.rows.index == np.uint64(self.row))
        if len(found):
            self.drafts.append((draft, int(found[0])))

    def draws(self, shard: Shard) -> list[DrawView]:
        """Each time that the row was drawn, and why it was not the last."""
        views = []
        for (draft, at), (later, _) in zip(self.drafts, self.drafts[1:], strict=False):
            views.append(self._refused(draft, at, shard, by_gate=later.round > draft.round))
        last = self.drafts[-1][0]
        return [*views, DrawView(round=last.round, attempt=last.attempt, by="")]

    def _refused(self, draft: Draft, at: int, shard: Shard, by_gate: bool) -> DrawView:
        row = draft.frame[[at]]
        by, field, reason = self._why(draft, row, shard, by_gate)
        text = sample_of(draft.recipe, row)
        return DrawView(round=draft.round, attempt=draft.attempt, by=by, field=field, reason=reason, row=text)

    def _why(self, draft: Draft, row: pl.DataFrame, shard: Shard, by_gate: bool) -> tuple[Any, str, str]:
        recipe = draft.recipe
        if by_gate:
            if self.row - shard.first in shard.rounds[draft.round]:
                return "gate", gated_by(recipe), THERE_ALREADY
        elif found := refusals(recipe, row):
            return found[0].by, found[0].field, found[0].reason
        elif recipe.apart:
            return "twin", f"unique_by: {', '.join(recipe.apart)}", "a row under the same parent has the same"
        return "family", "", "a row under the same parent was refused, and they are drawn together"


def gated_by(recipe: Recipe) -> str:
    """The key sets of the gate, in words."""
    return " or ".join(", ".join(names) for names in recipe.gated)


def sample_of(recipe: Recipe, row: pl.DataFrame) -> str:
    """A row that was refused, as text: the fields that would be written."""
    told = row.select([name for name in recipe.written if name in row.columns]).row(0, named=True)
    return clipped(msgspec.json.encode(told).decode())


class FieldTeller:
    """Tells of the fields of one row: `here` it stands, `remade` is what it is made now, `labels` what was spoiled."""

    def __init__(
        self, here: Standing, cell: Cell, remade: Row, labels: pl.DataFrame, pools: Pools, ear: RowEar
    ) -> None:
        self.here = here
        self.cell = cell
        self.remade = remade
        self.labels = labels
        self.pools = pools
        self.ear = ear
        self.pooled = pools.fields(here.table)

    def tell(self, name: str) -> FieldStory:
        """The story of one field."""
        recipe = self.cell.recipe
        hidden = recipe.samplers[name].field.hidden
        agrees = None if hidden else self.here.agrees(name, self.remade)
        streams = self._streams(name)
        written, reply = self._written(name)
        facts = [*self._shared(name), *written, *facts_of(self.cell, name)]
        if not streams and not facts and reply is None:
            facts = [Fact(kind="number", says=f"follows from the row's number {self.cell.number:,}")]
        value = plain(self.cell.row[name]) if hidden else self.here.row.get(name)
        story = FieldStory.of(view_drawn_field(recipe, name, self.pooled), value, agrees, self.remade.get(name))
        told = {"streams": streams, "facts": facts, "reply": reply, "spoilt": self._spoilt(name)}
        return structs.replace(story, written=not hidden, **told)

    def row_notes(self) -> list[str]:
        """What was done to the row as a whole, on order."""
        notes = []
        for label in self.labels.iter_rows(named=True):
            if label["kind"] == "duplicates":
                notes.append(f"on order, a copy of record {int(label['after']) + 1:,} stands here")
            elif label["kind"] == "late":
                notes.append(
                    f"on order, it is late by {label['field']}: its place was record {int(label['before']) + 1:,}"
                )
        return notes

    def _streams(self, name: str) -> list[Place]:
        recipe, rows = self.cell.recipe, self.cell.draft.rows
        moved = [
            (CORRELATION, number)
            for number, correlation in enumerate(recipe.dataset.correlations)
            if name in correlation.fields
        ]
        found = rows.streams(recipe.order.index(name), *moved)
        sampler = recipe.samplers[name]
        if isinstance(sampler, Conditional) and sampler.tests:
            # Every case has a stream of its own, and those that did not hold drew other rows.
            cases = (*self.cell.draft.place, sampler.path, "case")
            own = (*cases, case_of(self.cell, sampler))
            found = [place for place in found if place[: len(cases)] != cases]
            found += [] if self.cell.row[name] is None else [own]
        return [list(place) for place in found]

    def _shared(self, name: str) -> list[Fact]:
        order = self.cell.recipe.order
        others = [order[number] for number in self.cell.draft.rows.sharing(order.index(name)) if number < len(order)]
        return [Fact(kind="shared", says=f"drawn together with {', '.join(others)}")] if others else []

    def _written(self, name: str) -> tuple[list[Fact], ReplyView | None]:
        """What a model had to do with a value: it wrote it for this row, or for a pool that the row draws from."""
        value = self.cell.row[name]
        if (self.here.table, name) in self.pools.fallen:
            return [Fact(kind="fallback", says="by its fallback, for its pool could not be filled")], None
        if value is None or (name not in self.pooled and name not in self.cell.recipe.asked):
            return [], None
        if name not in self.pooled:
            maker = self._maker(name)
            return self.ear.facts(maker), self.ear.view() if maker == ASKED else None
        found = self.pools.find(self.here.table, name, value)
        if found is None:
            return [], None
        group, number, reply = found
        where = f" for {group}" if group else ""
        return [Fact(kind="pool", says=f"value {number:,} of the pool{where}")], reply

    def _maker(self, name: str) -> str:
        """Who made an asked value: the model, or which fallback."""
        answers = self.cell.recipes.answers
        index = np.array([self.cell.number], dtype=np.uint64)
        found = None if answers is None else answers(self.here.table, MAKER + name, index)
        return "" if found is None else str(found[0] or "")

    def _spoilt(self, name: str) -> Spoilt | None:
        own = self.labels.filter((pl.col("field") == name) & (pl.col("kind") != "late"))
        if not len(own):
            return None
        label = own.row(0, named=True)
        return Spoilt(kind=label["kind"], before=label["before"], after=label["after"])

"""Drawn rows made again, under watch: which streams made each value, and why a row was drawn more than once."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import polars as pl

from ffgen.expr import first_failure
from ffgen.plan.compile import Plan
from ffgen.plan.hybrid import tables_read
from ffgen.plan.recipe import Recipe
from ffgen.plan.tables import Layout
from ffgen.rng import U64, Stream
from ffgen.run.hand import Hand
from ffgen.run.options import GATE_MEMORY
from ffgen.sample.base import Parents, Rows
from ffgen.sample.cases import Conditional
from ffgen.sample.plugins import rules_of
from ffgen.shard.drawn import Drawer, Positions, judge

T = TypeVar("T")
CORRELATION = "correlation"
TEXT_MEMORY = 1 << 30
Place = tuple[int | str, ...]


@dataclass
class Opened:
    """A stream that was opened: for a field (its number in the order of drawing) or for what several share."""

    place: Place
    owner: int | Hashable
    rng: Stream
    before: Any

    @property
    def is_used(self) -> bool:
        """Whether anything came out of it."""
        return bool(repr(self.rng.bit_generator.state) != self.before)


class Noted(Rows):
    """Rows that note which streams their fields are drawn from, and what they share."""

    def __init__(self, index: U64, place: Place, **around: Any) -> None:
        super().__init__(index, place, **around)
        self.opened: list[Opened] = []
        self.asked: dict[Hashable, list[int | Hashable]] = {}
        self._making: list[Hashable] = []

    def stream(self, *name: int | str) -> Stream:
        rng = super().stream(*name)
        state = repr(rng.bit_generator.state)
        # Fields are moved together when the last of them is there already: its turn is over.
        owner = name if name[:1] == (CORRELATION,) and len(name) == 2 else self._owner
        self.opened.append(Opened((*self.place, *name), owner, rng, state))
        return rng

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        self.asked.setdefault(key, []).append(self._owner)
        self._making.append(key)
        try:
            return super().shared(key, make)
        finally:
            self._making.pop()

    @property
    def _owner(self) -> int | Hashable:
        """Columns come one after the other: as many as there are say whose turn it is."""
        return self._making[-1] if self._making else len(self.columns)

    def told(self, key: Hashable) -> Any:
        """What fields share under a key; None where none asked."""
        return self._shared.get(key)

    def freeze(self) -> None:
        """Keeps only streams that were used, and not the generators."""
        self.opened = [Opened(each.place, each.owner, each.rng, "") for each in self.opened if each.is_used]

    def streams(self, number: int, *more: Hashable) -> list[Place]:
        """The streams that the field with this number in the order was drawn from, and those of `more` owners."""
        owners: set[int | Hashable] = {number, *more}
        for _ in range(len(self.asked)):
            owners |= {key for key, who in self.asked.items() if owners & set(who)}
        return list(dict.fromkeys(each.place for each in self.opened if each.owner in owners))

    def sharing(self, number: int) -> list[int]:
        """The numbers of the fields that share something with this one, but what is shared by none."""
        keys = [key for key, who in self.asked.items() if number in who]
        found = {who for key in keys for who in self.asked[key] if isinstance(who, int) and who != number}
        return sorted(found)


@dataclass
class Draft:
    """Some rows of a shard, drawn once: all of them at first, then those that were refused."""

    recipe: Recipe
    place: Place
    frame: pl.DataFrame
    rows: Noted

    @property
    def round(self) -> int:
        """How often the gate had refused rows of the shard before."""
        return int(self.place[3])

    @property
    def attempt(self) -> int:
        """How often some of these rows had been drawn before, in this round."""
        return int(self.place[4])


Listener = Callable[[Draft], None]


class Redrawer(Drawer):
    """A drawer that tells a listener of every draw of one table, and keeps nothing of it."""

    def __init__(self, recipes: Any, seed: int) -> None:
        super().__init__(recipes, seed)
        self.make_rows = self._make_rows
        self.listener: Listener | None = None
        self.table = ""
        self._noted: dict[Place, Noted] = {}

    def _make_rows(self, index: U64, place: Place, **around: Any) -> Rows:
        if not self._is_watched(place):
            return Rows(index, place, **around)
        rows = self._noted[place] = Noted(index, place, **around)
        return rows

    def _is_watched(self, place: Place) -> bool:
        """What is drawn aside, for another table that needs a few of its fields, is not the row as it is written."""
        return self.listener is not None and place[1] == self.table and not self._under_way

    def _columns(
        self, recipe: Recipe, names: Sequence[str], index: U64, parents: Parents | None, place: Place
    ) -> pl.DataFrame:
        frame = super()._columns(recipe, names, index, parents, place)
        rows = self._noted.pop(place, None)
        if rows is not None and self.listener is not None:
            rows.freeze()
            self.listener(Draft(recipe, place, frame, rows))
        return frame


@dataclass
class Refusal:
    """Why one row of a draft was refused: by what, which field, the reason in the spec's words."""

    by: str
    field: str
    reason: str


def refusals(recipe: Recipe, frame: pl.DataFrame) -> dict[int, Refusal]:
    """The rows of a draft that break a constraint, by their position, and the first that each breaks."""
    found: dict[int, Refusal] = {}
    for name, reason, expr in recipe.checks:
        for position in np.flatnonzero(~frame.select(expr.alias("c")).to_series().to_numpy()).tolist():
            found.setdefault(position, Refusal("check", name, reason))
    if recipe.requires and len(frame):
        failed = first_failure(recipe.requires, frame).to_numpy()
        for position in np.flatnonzero(failed >= 0).tolist():
            found.setdefault(position, Refusal("check", "require", recipe.requires[int(failed[position])].text))
    if recipe.validators:
        rules = rules_of(recipe.dataset)
        for number, row in enumerate(frame.iter_rows(named=True)):
            if number not in found and (said := judge(recipe, row, rules)):
                found[number] = Refusal("plugin", "", said)
    return found


def hand_for(plan: Plan, folder: str) -> tuple[Hand, Redrawer]:
    """What draws a plan again, in this process."""
    hand = Hand(plan, memory_for(plan), folder)
    hand.drawer = drawer = Redrawer(hand.recipes, plan.spec.seed)
    return hand, drawer


def memory_for(plan: Plan) -> int:
    """What a gate may take: for texts without near twins at least what the run allowed, or it had not ended well."""
    near = any(each.near is not None for table in plan.spec.datasets for each in table.fields)
    return TEXT_MEMORY if near else GATE_MEMORY


@dataclass
class Shard:
    """One shard as it was made at last: its rows, and those that the gate refused, by round. `first` is the number of
    its first row."""

    number: int
    first: int
    frame: pl.DataFrame
    rounds: list[Positions] = field(default_factory=list)


def redrawn(
    hand: Hand, drawer: Redrawer, layout: Layout, wanted: range, listener: Callable[[int], Listener]
) -> Iterator[Shard]:
    """Some shards of a table, drawn again; `listener` gives who hears of the draws of each.

    Costs these shards alone, where nothing hangs on others. Where the gate keeps rows apart, those before them are
    drawn, too, and where values are looked up that no row number gives, the tables that have them.
    """
    prepare(hand, layout, wanted.stop - 1)
    drawer.table = layout.table
    if not hand.recipes.recipes[layout.table].gated:
        for shard in wanted:
            drawer.listener = listener(shard)
            yield Shard(shard, layout.span(shard)[0], drawer.draw(layout.table, shard))
        return
    frames = hand.shards(layout)
    for shard in range(wanted.stop):
        drawer.listener = listener(shard) if shard in wanted else None
        frame = next(frames)
        if shard in wanted:
            yield Shard(shard, layout.span(shard)[0], frame, list(drawer.history.get((layout.table, shard), ())))


def prepare(hand: Hand, layout: Layout, last: int) -> None:
    """Draws what a table needs of others: whole tables whose columns are looked up, and those that a gate keeps apart,
    of which only the shards up to the last one that is wanted where its rows lie under theirs."""
    recipes = hand.recipes
    needed, above = tables_read(recipes.tables.values(), [layout.table]), set(lines(layout, recipes.laid))
    for name, other in recipes.laid.items():
        if name == layout.table:
            return
        looked_up = any(table == name for table, _ in recipes.wanted)
        if name in needed and (looked_up or recipes.recipes[name].gated):
            frames = hand.shards(other)
            for _ in range(other.shards if looked_up or name not in above else last + 1):
                next(frames)


def lines(layout: Layout, laid: dict[str, Layout]) -> Iterator[str]:
    """The tables that a table's rows lie under, next first."""
    while layout.parent:
        yield layout.parent
        layout = laid[layout.parent]


def parts_of(sampler: Any) -> Iterator[Any]:
    """A sampler, and those inside its cases."""
    yield sampler
    if isinstance(sampler, Conditional):
        for part in sampler.parts:
            yield from parts_of(part.sampler)

"""A drawn shard: every field a column, every refused row drawn again at its place.

Pure: the same plan, table, shard and refusals give the same rows, in any process. `rounds` holds, for each time that
the gate refused rows of the shard, which ones (u32 positions).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.batch import ABSENT, Keys, canonical_texts, hash_texts, json_texts
from ffgen.errors import ShortfallError, UsageError
from ffgen.expr import first_failure
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.plan.tables import Layout, children_of
from ffgen.rng import permute
from ffgen.sample.base import Parents, Rows, Sampler
from ffgen.sample.cases import draw_field, mask_field
from ffgen.sample.checks import put
from ffgen.sample.copula import correlate, matrix_of
from ffgen.sample.plugins import rules_of
from ffgen.shingles import Digests, digest
from ffgen.spec.model import Dataset

ATTEMPTS = 100
"""Draws of one row after which its constraints are taken to be impossible."""

Positions = NDArray[np.int64]


class Drawer:
    """Draws shards of the tables of one plan. Built once a process; keeps the parents of the shard at hand."""

    def __init__(self, recipes: Recipes, seed: int) -> None:
        self.recipes = recipes
        self.seed = seed
        self.history: dict[tuple[str, int], Sequence[Positions]] = {}
        self.make_rows: Callable[..., Rows] = Rows
        self._parents: dict[tuple[str, int, int], pl.DataFrame] = {}
        self._under_way: list[tuple[str, int]] = []

    def draw(self, table: str, shard: int, rounds: Sequence[Positions] = ()) -> pl.DataFrame:
        """All fields of the shard's rows, in the spec's order, hidden ones included."""
        recipe = self.recipes.recipes[table]
        names = recipe.order
        frame = self._draw(recipe, shard, names, rounds)
        hold_totals(recipe, frame)
        return frame.select([field.name for field in recipe.dataset.fields])

    def again(self, table: str, shard: int, before: pl.DataFrame, rounds: Sequence[Positions]) -> pl.DataFrame:
        """The same as `draw` with all these rounds, from the frame that it gives without the last."""
        recipe = self.recipes.recipes[table]
        frame = self._round(recipe, shard, recipe.order, before.select(recipe.order), rounds)
        hold_totals(recipe, frame)
        return frame.select(before.columns)

    def changed(self, table: str, shard: int, rounds: Sequence[Positions]) -> Positions | None:
        """The rows that the last round drew again; None for all."""
        if not rounds:
            return None
        recipe = self.recipes.recipes[table]
        parents = self._parents_of(recipe.dataset, self.recipes.laid[table], shard)
        return self._whole_groups(recipe, parents, rounds[-1])

    def keys(self, table: str, frame: pl.DataFrame) -> Keys:
        """What the gate compares: a column for each of the recipe's gated key sets."""
        recipe = self.recipes.recipes[table]
        found = np.empty((len(frame), len(recipe.gated)), dtype=np.uint64)
        for i, names in enumerate(recipe.gated):
            if i < len(recipe.gated) - recipe.gates_records:  # a unique field, of which nulls don't count
                texts = json_texts(frame[names[0]])
                hashes = hash_texts(texts.fill_null(""))
                found[:, i] = np.where(frame[names[0]].is_null().to_numpy(), np.uint64(ABSENT), hashes)
            else:
                found[:, i] = hash_texts(canonical_texts(frame.select(names)))
        return found

    def texts(self, table: str, frame: pl.DataFrame) -> list[Digests]:
        """What the gate looks for near twins in: the texts of each near-unique field."""
        return [digest(frame[name].to_list(), threshold) for name, threshold in self.recipes.recipes[table].near]

    def _draw(self, recipe: Recipe, shard: int, names: Sequence[str], rounds: Sequence[Positions] = ()) -> pl.DataFrame:
        layout = self.recipes.laid[recipe.dataset.name]
        first, count = layout.span(shard)
        index = np.arange(first, first + count, dtype=np.uint64)
        parents = self._parents_of(recipe.dataset, layout, shard)
        frame = self._attempts(recipe, shard, names, index, parents, 0)
        for number in range(len(rounds)):
            frame = self._round(recipe, shard, names, frame, rounds[: number + 1])
        return frame

    def _round(
        self,
        recipe: Recipe,
        shard: int,
        names: Sequence[str],
        frame: pl.DataFrame,
        rounds: Sequence[Positions],
    ) -> pl.DataFrame:
        """The frame with the rows that the gate refused last drawn again."""
        layout = self.recipes.laid[recipe.dataset.name]
        refused, number = rounds[-1], len(rounds)
        parents = self._parents_of(recipe.dataset, layout, shard)
        positions = self._whole_groups(recipe, parents, refused)
        index = positions.astype(np.uint64) + np.uint64(layout.span(shard)[0])
        others = row_hashes(recipe, frame)[~np.isin(np.arange(len(frame)), positions)] if recipe.apart else None
        again = self._attempts(recipe, shard, names, index, take(parents, positions), number, others)
        return put(frame, positions, again)

    def _attempts(
        self,
        recipe: Recipe,
        shard: int,
        names: Sequence[str],
        index: NDArray[np.uint64],
        parents: Parents | None,
        number: int,
        others: Keys | None = None,
    ) -> pl.DataFrame:
        """Rows that hold every constraint: those that don't are drawn again, at most 100 times. `others` are hashes of
        the shard's other rows."""
        table = recipe.dataset.name
        frame = self._columns(recipe, names, index, parents, (self.seed, table, shard, number, 0))
        bad = np.union1d(refused(recipe, frame), twins(recipe, frame, np.arange(len(frame)), others))
        attempt = 0
        while len(bad):
            attempt += 1
            if attempt > ATTEMPTS:
                raise self._impossible(recipe, frame, bad)
            positions = self._whole_groups(recipe, parents, bad)
            place = (self.seed, table, shard, number, attempt)
            again = self._columns(recipe, names, index[positions], take(parents, positions), place)
            frame = put(frame, positions, again)
            bad = np.union1d(positions[refused(recipe, again)], twins(recipe, frame, positions, others))
        return frame

    def _columns(
        self,
        recipe: Recipe,
        names: Sequence[str],
        index: NDArray[np.uint64],
        parents: Parents | None,
        place: tuple[int | str, ...],
    ) -> pl.DataFrame:
        layout = self.recipes.laid[recipe.dataset.name]
        groups = {} if parents is None else {(layout.parent, layout.role): parents}

        def children(table: str, columns: Sequence[str]) -> tuple[pl.DataFrame, NDArray[np.int64]]:
            return self.children(recipe.dataset.name, int(place[2]), table, columns)

        rows = self.make_rows(index, place, parent=parents, parents=groups, children=children)
        joint = recipe.digits(index) if recipe.joint else {}
        for name, digit in joint.items():
            follow(recipe.samplers[name], rows, digit)
        for name in recipe.order:
            if name in recipe.keyed and hasattr(recipe.samplers[name], "group"):
                room = recipe.samplers[name].room() or 1
                follow(recipe.samplers[name], rows, permute(index, room, recipe.key(name)))
        for name in names:
            sampler = recipe.samplers[name]
            if name in joint:
                column = mask_field(sampler, rows, sampler.at(joint[name]))
            elif name in recipe.keyed:
                column = mask_field(sampler, rows, sampler.keyed(index, recipe.key(name)))
            else:
                column = draw_field(sampler, rows, rows.stream(name))
            rows.columns[name] = column.alias(name)
            self._correlate(recipe, rows, name)
        return pl.DataFrame([rows.columns[name] for name in names])

    def _correlate(self, recipe: Recipe, rows: Rows, name: str) -> None:
        """Moves fields together as soon as the last of them is drawn."""
        for number, correlation in enumerate(recipe.dataset.correlations):
            if name in correlation.fields and set(correlation.fields) <= rows.columns.keys():
                moved = {field: rows.columns[field] for field in correlation.fields}
                rows.columns |= correlate(moved, matrix_of(correlation), rows.stream("correlation", number))

    def _parents_of(self, dataset: Dataset, layout: Layout, shard: int) -> Parents | None:
        """The parents of a shard's rows, where they are laid out under them."""
        if not layout.parent:
            return None
        above = self.recipes.laid[layout.parent]
        field = next(
            each
            for each in dataset.fields
            if each.reference is not None
            and each.reference.counts_children
            and (each.reference.table, each.reference.role) == (layout.parent, layout.role)
        )
        assert field.reference is not None
        counts = children_of(dataset.name, field.reference, layout, above, shard, self.seed)
        position = np.repeat(np.arange(len(counts)), counts)
        ends = np.cumsum(counts)
        rank = np.arange(len(position)) - np.repeat(ends - counts, counts)
        row = position.astype(np.uint64) + np.uint64(above.span(shard)[0])
        size = np.repeat(counts, counts)
        return Parents(row, rank, size, position, lambda name: self.parent_column(layout.parent, shard, name))

    def parent_column(self, table: str, shard: int, name: str) -> pl.Series:
        """A field of a parent table's shard: by row number where it can be, else drawn with all that it needs."""
        recipe = self.recipes.recipes[table]
        if recipe.knows(name):
            first, count = self.recipes.laid[table].span(shard)
            return recipe.value(name, np.arange(first, first + count, dtype=np.uint64))
        here = (table, shard, len(self.history.get((table, shard), ())))
        known = self._parents.get(here)
        if known is None or name not in known.columns:
            if len(self._parents) > 8:
                self._parents.clear()
            wanted = [name] if known is None else [name, *known.columns]
            known = self._aside(recipe, shard, wanted)
            self._parents[here] = known
        return known[name]

    def children(
        self, table: str, shard: int, child: str, names: Sequence[str]
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Fields of the rows that a table has under a shard of another, and each one's parent's row number."""
        layout = self.recipes.laid[child]
        parents = self._parents_of(self.recipes.tables[child], layout, shard)
        if parents is None or layout.parent != table:
            raise UsageError(
                f"{child} has no rows laid out under {table}.",
                hint=f"Give its `ref` to {table} a number of children: ref: {{to: {table}.id, mean: 3}}.",
            )
        return self._aside(self.recipes.recipes[child], shard, names), parents.row.astype(np.int64)

    def _aside(self, recipe: Recipe, shard: int, names: Sequence[str]) -> pl.DataFrame:
        """Some fields of another table's shard, with all that they need."""
        here = (recipe.dataset.name, shard)
        if here in self._under_way:
            circle = " and ".join(dict.fromkeys(name for name, _ in self._under_way))
            raise UsageError(f"The tables {circle} read each other in a circle.", hint="Take one of the ways out.")
        self._under_way.append(here)
        try:
            return self._draw(recipe, shard, recipe.needed(names), self.history.get(here, ()))
        finally:
            self._under_way.pop()

    def _whole_groups(self, recipe: Recipe, parents: Parents | None, positions: Positions) -> Positions:
        """These rows, and their siblings where a sampler needs a family whole."""
        if parents is None or not any(sampler.grouped for sampler in recipe.samplers.values()):
            return positions
        return np.flatnonzero(np.isin(parents.position, np.unique(parents.position[positions])))

    def _impossible(self, recipe: Recipe, frame: pl.DataFrame, bad: Positions) -> ShortfallError:
        name, reason = why(recipe, frame[bad[:1].tolist()])
        what = f"{recipe.dataset.name}: no row was found in {ATTEMPTS} draws that holds {reason} of {name}."
        return ShortfallError(what, hint="Widen what it is drawn from, or take the condition away.")


def follow(sampler: Sampler, rows: Rows, parent: NDArray[np.uint64]) -> None:
    """Lets other refs to the same parent row follow one whose parent is chosen by the row number."""
    group = getattr(sampler, "group", None)
    if group is not None:
        rows.shared(("ref", *group), lambda: parent)


def refused(recipe: Recipe, frame: pl.DataFrame) -> Positions:
    """Rows that break a constraint which no sampler holds."""
    if not (recipe.checks or recipe.requires or recipe.validators) or not len(frame):
        return np.zeros(0, dtype=np.int64)
    good = np.ones(len(frame), dtype=np.bool_)
    if recipe.checks:
        held = frame.select(pl.all_horizontal([expr.alias(f"c{i}") for i, (_, _, expr) in enumerate(recipe.checks)]))
        good &= held.to_series().to_numpy()
    if recipe.requires:
        good &= first_failure(recipe.requires, frame).to_numpy() < 0
    if recipe.validators:
        rules = rules_of(recipe.dataset)
        good &= np.array([judge(recipe, row, rules) == "" for row in frame.iter_rows(named=True)], dtype=np.bool_)
    return np.flatnonzero(~good)


def twins(recipe: Recipe, frame: pl.DataFrame, positions: Positions, others: Keys | None) -> Positions:
    """Those of some rows that are like another of the shard in the recipe's `apart`; the first of several stays, and
    rows that are not among them stay, too."""
    if not recipe.apart or not len(positions):
        return np.zeros(0, dtype=np.int64)
    order = np.concatenate([np.setdiff1d(np.arange(len(frame)), positions), positions])
    before = np.zeros(0, dtype=np.uint64) if others is None else others
    hashes = np.concatenate([before, row_hashes(recipe, frame)[order]])
    found: Positions = order[~pl.Series(hashes).is_first_distinct().to_numpy()[len(before) :]]
    return found


def row_hashes(recipe: Recipe, frame: pl.DataFrame) -> Keys:
    """A hash of each row's `apart` (5 ns a row). Two rows that only seem alike cost a draw, no more."""
    return frame.select(recipe.apart).hash_rows(1).to_numpy()


def hold_totals(recipe: Recipe, frame: pl.DataFrame) -> None:
    """What is held against totals, and against what follows from them: no other draw of the row would change them."""
    if not len(frame):
        return
    for name, reason, expr in recipe.last_checks:
        if not frame.select(expr.all().alias("c")).item():
            raise _total_fails(recipe, f"`{name}`", f"`{reason}`")
    if not recipe.last_requires:
        return
    failed = first_failure(recipe.last_requires, frame).to_numpy()
    if (failed >= 0).any():
        raise _total_fails(recipe, "the table", f"`{recipe.last_requires[int(failed[failed >= 0][0])].text}`")


def _total_fails(recipe: Recipe, name: str, reason: str) -> ShortfallError:
    what = f"{recipe.dataset.name}: the rows under a row do not add up to what holds {reason} of {name}."
    return ShortfallError(what, hint="Widen it, or change the rows that are added up.")


def judge(recipe: Recipe, row: dict[str, Any], rules: dict[str, dict[str, Any]]) -> str:
    """What the first plugin that refuses a row says; empty when all take it."""
    for check in recipe.validators:
        verdict = check(row, rules)
        if verdict is not True:
            return verdict or "a plugin's validator"
    return ""


def why(recipe: Recipe, frame: pl.DataFrame) -> tuple[str, str]:
    """The first constraint that a row breaks: the field and a word for it."""
    for name, reason, expr in recipe.checks:
        if not frame.select(expr.alias("c")).item():
            return f"`{name}`", f"`{reason}`"
    failure = first_failure(recipe.requires, frame).item() if recipe.requires else -1
    if failure >= 0:
        return "the table", f"`{recipe.requires[failure].text}`"
    said = judge(recipe, frame.row(0, named=True), rules_of(recipe.dataset)) if recipe.validators else ""
    if not said and recipe.apart:
        return "the table", f"`unique_by: [{', '.join(recipe.apart)}]`"
    return "the table", said or "all constraints"


def take(parents: Parents | None, positions: Positions) -> Parents | None:
    """The parents of some of the rows."""
    if parents is None:
        return None
    return Parents(
        parents.row[positions],
        parents.rank[positions],
        parents.size[positions],
        parents.position[positions],
        parents.column,
    )

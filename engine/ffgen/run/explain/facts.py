"""What made a drawn value what it is: a function for each kind of sampler that has something to tell.

`FACTS` says which: a sampler of a kind that isn't in it is told by its name, its constraints and its streams alone.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.rng import permute, stream
from ffgen.run.explain.redraw import Draft
from ffgen.run.explain.story import Fact, clipped
from ffgen.sample.base import Sampler
from ffgen.sample.cases import Conditional
from ffgen.sample.dependence import Derived
from ffgen.sample.formula import Formula
from ffgen.sample.reference import Reference, Total


class Cell(NamedTuple):
    """One value as it is looked at: the draft that it was drawn in, its row's place there, and the clean row."""

    recipes: Recipes
    draft: Draft
    at: int
    row: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        """Of its table."""
        return self.draft.recipe

    @property
    def number(self) -> int:
        """The row's number in its table, from 0."""
        return int(self.draft.rows.index[self.at])


Teller = Callable[[Cell, Any], Iterator[Fact]]


def facts_of(cell: Cell, name: str) -> list[Fact]:
    """All that is to be told of a field, in the order in which it happened."""
    sampler = cell.recipe.samplers[name]
    return [*by_number(cell, name), *told(cell, sampler), *moved(cell, name), *nothing(cell, sampler)]


def told(cell: Cell, sampler: Sampler) -> Iterator[Fact]:
    """What the sampler's own kind has to tell."""
    for kind in type(sampler).__mro__:
        if kind in FACTS:
            yield from FACTS[kind](cell, sampler)
            return


def by_number(cell: Cell, name: str) -> Iterator[Fact]:
    """A value that is a function of the row's number."""
    recipe, sampler = cell.recipe, cell.recipe.samplers[name]
    index = np.array([cell.number], dtype=np.uint64)
    if name in recipe.joint:
        digit, ways = int(recipe.digits(index)[name][0]), sampler.room() or 1
        others = ", ".join(each for each in recipe.joint if each != name)
        whole = f" in one permuted number with {others}" if others else ", permuted"
        yield Fact(kind="number", says=f"value {digit + 1:,} of {ways:,}, by the row's number{whole}")
    elif name in recipe.keyed:
        room = sampler.room()
        spread = type(sampler).keyed is Sampler.keyed and room is not None
        which = f": value {int(permute(index, room or 1, recipe.key(name))[0]) + 1:,} of {room:,}" if spread else ""
        yield Fact(kind="number", says=f"by the row's number {cell.number:,}{which}")


def moved(cell: Cell, name: str) -> Iterator[Fact]:
    """A value that was given its row to go together with other fields."""
    for correlation in cell.recipe.dataset.correlations:
        if name in correlation.fields:
            others = ", ".join(each for each in correlation.fields if each != name)
            yield Fact(kind="correlation", says=f"put into this row to go together with {others}")


def nothing(cell: Cell, sampler: Sampler) -> Iterator[Fact]:
    """Why a value is null: its condition fails, or chance has it."""
    rows, field = cell.draft.rows, sampler.field
    when = sampler.when if isinstance(sampler, Conditional) else None
    if when is not None and field.when is not None:
        held = bool(when.holds(rows)[cell.at])
        yield Fact(kind="null" if not held else "case", says=f"{'as' if held else 'null unless'} {field.when}")
    chance = stream(*rows.place, sampler.path, "null").random(len(rows)) if field.null_share > 0 else np.ones(len(rows))
    if chance[cell.at] < field.null_share:
        yield Fact(kind="null", says=f"null by chance: {field.null_share:g} of the rows are")


def told_cases(cell: Cell, sampler: Conditional) -> Iterator[Fact]:
    """The case that held, and what that has to tell."""
    if not sampler.tests:
        yield from told(cell, sampler.parts[-1].sampler)
        return
    which = case_of(cell, sampler)
    cases = next(each.cases for each in cell.recipe.dataset.fields if each.name == sampler.field.name) or []
    said = f"case {which + 1}: {cases[which].when}" if which < len(cases) else "none of its cases holds"
    yield Fact(kind="case", says=said)
    yield from told(cell, sampler.parts[which].sampler)


def case_of(cell: Cell, sampler: Conditional) -> int:
    """The number of the case that held; that of the field's own parameters where none did."""
    return int(sampler.which(cell.draft.rows)[cell.at])


def told_formula(cell: Cell, sampler: Derived) -> Iterator[Fact]:
    """The formula, and what it was given."""
    yield Fact(kind="formula", says=f"= {sampler.field.derive}{given(cell, sampler.formula)}")


def given(cell: Cell, formula: Formula) -> str:
    """What a formula reads, with this row's values."""
    known = [f"{name} = {plain(cell.row[name])}" for name in formula.reads if name in cell.row]
    return f", where {', '.join(known)}" if known else ""


def told_parent(cell: Cell, sampler: Reference) -> Iterator[Fact]:
    """The row of another table whose key it is."""
    laid = cell.draft.rows.parents.get(sampler.group)
    row = laid.row if laid is not None else cell.draft.rows.told(("ref", *sampler.group))
    if row is None:
        return
    number = int(row[cell.at])
    if sampler.own and not cell.number:
        yield Fact(kind="parent", says="the first row refers to none")
        return
    where = f"row {number:,} of {sampler.table}, its {sampler.column}"
    value = cell.row[sampler.field.name]
    if sampler.orphans and value is not None and not is_value(cell, sampler, number, value):
        yield Fact(kind="orphan", says=f"no {sampler.to} has it: {sampler.orphans:g} of the rows are orphans on order")
        return
    if laid is not None:
        rank, size = int(laid.rank[cell.at]) + 1, int(laid.size[cell.at])
        where += f"; {rank:,} of the {size:,} rows under it"
    yield Fact(kind="parent", says=where)


def is_value(cell: Cell, sampler: Reference, number: int, value: Any) -> bool:
    """Whether a value is that of the parent row. Where that can't be told from the row number, it is taken to be."""
    if not cell.recipes.knows(sampler.table, sampler.column):
        return True
    found = cell.recipes.value(sampler.table, sampler.column, np.array([number], dtype=np.uint64))
    return bool(found[0] == value)


def told_total(cell: Cell, sampler: Total) -> Iterator[Fact]:
    """The rows that it adds up."""
    children = cell.draft.rows.children
    assert children is not None
    frame, owner = children(sampler.table, [sampler.column])
    own = frame[sampler.column].filter(pl.Series(owner == cell.number))
    listed = ", ".join(plain(value) for value in own.head(5).to_list()) + (", ..." if len(own) > 5 else "")
    shown = f": {listed}" if len(own) else ""
    yield Fact(kind="total", says=f"{sampler.take} of {sampler.of} over {len(own):,} row{'s' * (len(own) != 1)}{shown}")


def told_given(cell: Cell, sampler: Sampler) -> Iterator[Fact]:
    """What any other sampler reads of the row."""
    known = [f"{name} = {plain(cell.row[name])}" for name in sampler.reads if name in cell.row]
    if known:
        yield Fact(kind="given", says=f"given {', '.join(known)}")


def plain(value: Any) -> str:
    """A value in a sentence."""
    return clipped(msgspec.json.encode(value).decode())


FACTS: dict[type[Sampler], Teller] = {
    Conditional: told_cases,
    Derived: told_formula,
    Reference: told_parent,
    Sampler: told_given,
    Total: told_total,
}

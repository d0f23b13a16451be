"""Conditions on a field: other parameters by case, null where `when` fails, nulls by share.

`bind_field` and `draw_field` are the way from a field of the spec to its column, at the top of a table and inside
objects and arrays alike.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import polars as pl
from msgspec import structs
from numpy.typing import NDArray

from ffgen.rng import U64, Stream
from ffgen.sample.base import Column, Parents, Rows, Sampler, Scope
from ffgen.sample.checks import Positions, draw_held, unheld
from ffgen.sample.formula import Formula
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType, build_type, in_case

T = TypeVar("T")


def bind_field(field: Field, scope: Scope) -> Sampler:
    """The bound sampler of a field with all its conditions; raises `Problem`."""
    if field.derive is not None and field.generator is not None:
        raise Problem("generator", "a derived field is not drawn.", "Take `generator` or `derive` away.")
    if field.when is None and not field.cases:
        return scope.build(field, scope)
    parts, tests = [], []
    for i, case in enumerate(field.cases or []):
        tests.append(Formula(case.when, scope, f"cases.{i}.when", "boolean"))
    own = Part.of(structs.replace(field, cases=None, when=None), scope)
    typed = structs.replace(field, type=own.sampler.kind.field.type)
    for i, case in enumerate(field.cases or []):
        try:
            parts.append(Part.of(in_case(typed, case), scope))
        except Problem as problem:
            raise problem.within(f"cases.{i}") from None
    sampler = Conditional()
    sampler.parts, sampler.tests = [*parts, own], tests
    sampler.when = None if field.when is None else Formula(field.when, scope, "when", "boolean")
    sampler.bind(build_type(typed), scope)
    return sampler


def draw_field(sampler: Sampler, rows: Rows, rng: Stream) -> pl.Series:
    """A column of a field in its own type, nulls included. Its constraints may still have to be checked."""
    return mask_field(sampler, rows, sampler.draw(rng, len(rows), rows))


def mask_field(sampler: Sampler, rows: Rows, column: Column) -> pl.Series:
    """Drawn values in the field's own type, null where `when` is not true and for the field's share of nulls.

    Whether a value is null depends on the rows' place and the field's path alone, not on how it was drawn.
    """
    found = typed(sampler, column)
    when = sampler.when if isinstance(sampler, Conditional) else None
    keep = None if when is None else when.holds(rows)
    share = sampler.field.null_share
    if share > 0:
        chance = rows.stream(sampler.path, "null").random(len(rows)) >= share
        keep = chance if keep is None else keep & chance
    if keep is None or keep.all():
        return found
    return pl.select(pl.when(pl.Series(keep)).then(found).alias(found.name)).to_series()


def typed(sampler: Sampler, column: Column) -> pl.Series:
    """Drawn values in the field's own type, under the field's name."""
    found = pl.Series(column) if isinstance(column, np.ndarray) else column
    return found.cast(sampler.kind.value_dtype()).alias(sampler.field.name)


def hold_field(sampler: Sampler, rows: Rows, rng: Stream) -> pl.Series:
    """Values that hold every constraint of their field, without nulls: those that don't are drawn again alone. For
    fields that do not have to agree with others."""
    column = typed(sampler, sampler.draw(rng, len(rows), rows))
    tests = [test for _, test in unheld(sampler)]

    def again(positions: Positions, attempt: int) -> pl.DataFrame:
        part = Some(rows, positions, sampler.path, "again", attempt)
        return typed(sampler, sampler.draw(part.stream(sampler.path), len(part), part)).to_frame()

    families = families_of(rows) if goes_along(sampler) and tests else None
    return draw_held(column.to_frame(), tests, again, sampler.path, families).to_series()


class Some(Rows):
    """Some rows of a draw, with streams of their own."""

    def __init__(self, rows: Rows, positions: Positions, *place: int | str) -> None:
        super().__init__(
            rows.index[positions],
            (*rows.place, *place),
            outer=rows,
            owner=positions,
            parent=None if rows.parent is None else taken(rows.parent, positions),
            parents={group: taken(parents, positions) for group, parents in rows.parents.items()},
            children=rows.children,
        )


def taken(parents: Parents, positions: Positions) -> Parents:
    """The parents of some of the rows."""
    row, rank, size = parents.row[positions], parents.rank[positions], parents.size[positions]
    position = parents.position[positions] if len(parents.position) else parents.position
    return Parents(row, rank, size, position, parents.column)


def families_of(rows: Rows) -> NDArray[Any] | None:
    """A number for each row that those of its array, or of its parent, share and their neighbours don't; None where
    rows stand for themselves."""
    if isinstance(rows, Some):
        assert rows.outer is not None and rows.owner is not None
        outer = families_of(rows.outer)
        return None if outer is None else outer[rows.owner]
    if rows.owner is not None:
        return rows.owner
    if rows.parent is not None:
        return rows.parent.row
    return None if rows.outer is None else families_of(rows.outer)


def goes_along(sampler: Sampler) -> bool:
    """Whether a value depends on the rows before it in its family: those under one parent, or in one array."""
    return sampler.grouped or bool(getattr(sampler, "along", False))


def in_order(reads: Mapping[str, Sequence[str]]) -> list[str]:
    """Names, each after those that it reads, otherwise as they come; raises `Problem` for a circle."""
    left = {name: set(each) & reads.keys() for name, each in reads.items()}
    order: list[str] = []
    while left:
        ready = next((name for name, each in left.items() if not each & left.keys()), None)
        if ready is None:
            names = ", ".join(f"`{name}`" for name in left)
            raise Problem("fields", f"{names} read each other in a circle.", "Take one of the references away.")
        order.append(ready)
        del left[ready]
    return order


class Part(msgspec.Struct):
    """A case of a field: its sampler, and whether that draws all rows of a table at once or only the case's own."""

    sampler: Sampler
    whole: bool

    @classmethod
    def of(cls, field: Field, scope: Scope) -> "Part":
        """The bound case. One that shares a person or a parent with other fields, or goes along the rows, is drawn
        whole, so that its values are those that the field would have without cases."""
        noting = _Noting(scope)
        sampler = scope.build(field, noting)
        whole = noting.asked or goes_along(sampler) or field.ref is not None
        if whole and (tests := unheld(sampler)):
            broken = ", ".join(f"`{reason}`" for reason, _ in tests)
            what = f"this generator agrees with other fields and does not hold {broken} by itself."
            raise Problem("generator", what, "Take the constraint away, or make it a field of its own and `derive`.")
        return cls(sampler, whole)


class _Noting(Scope):
    """A scope that notes whether a sampler shares something with others."""

    def __init__(self, scope: Scope) -> None:
        vars(self).update(vars(scope))
        self.asked = False

    def unit(self, key: Hashable, make: Callable[[], T]) -> T:
        self.asked = True
        return super().unit(key, make)


class Conditional(Sampler):
    """A field with cases or a condition, around the samplers that draw it. Not named in specs.

    The first case that holds in a row draws it, else the field's own parameters. Each case has a stream of its own
    and draws no more rows than it has: n rows cost what they cost without cases and 30 ns a value for taking apart
    and putting together.
    """

    parts: list[Part] = []
    """One a case, and the field's own, last."""
    tests: list[Formula] = []
    when: Formula | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        own = self.parts[-1].sampler
        every = frozenset({"range", "values", "pattern", "length", "decimals", "format"})
        # Each case is held to its own constraints as it is drawn; without cases nothing changes.
        vars(self)["holds"] = every if self.tests else own.holds
        vars(self)["grouped"] = any(part.sampler.grouped for part in self.parts)
        self.along = any(goes_along(part.sampler) for part in self.parts)
        vars(self)["numbered"] = not self.tests and own.numbered
        if not self.tests and (group := getattr(own, "group", None)) is not None:
            self.group = group

    @property
    def reads(self) -> Sequence[str]:
        formulas = self.tests if self.when is None else [*self.tests, self.when]
        names = [name for formula in formulas for name in formula.reads]
        names += [name for part in self.parts for name in part.sampler.reads]
        return list(dict.fromkeys(names))

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if not self.tests:
            return self.parts[-1].sampler.draw(rng, n, rows)
        which = self.which(rows)
        columns, positions = [], []
        for i, part in enumerate(self.parts):
            places = np.flatnonzero(which == i)
            if len(places):
                columns.append(self._part(i, part, rows, places))
                positions.append(places)
        if not columns:
            return pl.Series(dtype=self.kind.value_dtype())
        if len(columns) == 1:
            return columns[0]
        back = np.empty(n, dtype=np.uint32)
        back[np.concatenate(positions)] = np.arange(n, dtype=np.uint32)
        return pl.concat(columns).gather(pl.Series(back))

    def which(self, rows: Rows) -> NDArray[np.uint32]:
        """The number of the case that holds in each row; that of the last part where none does."""
        found = np.full(len(rows), len(self.tests), dtype=np.uint32)
        for i in reversed(range(len(self.tests))):
            found[self.tests[i].holds(rows)] = i
        return found

    def _part(self, number: int, part: Part, rows: Rows, places: Positions) -> pl.Series:
        sampler = part.sampler
        if part.whole:
            rng = rows.stream(self.path, "case", number)
            return typed(sampler, sampler.draw(rng, len(rows), rows)).gather(places)
        own = Some(rows, places, self.path, "case", number)
        return hold_field(sampler, own, own.stream())

    def room(self) -> int | None:
        return None if self.tests else self.parts[-1].sampler.room()

    def at(self, index: U64) -> Column:
        return self.parts[-1].sampler.at(index)

    def keyed(self, index: U64, key: int) -> Column:
        return self.parts[-1].sampler.keyed(index, key)

"""Values made of values: object and array."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta, structs
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.cases import Some, bind_field, draw_field, families_of, goes_along, hold_field, in_order, mask_field
from ffgen.sample.checks import Positions, draw_held, unheld
from ffgen.sample.choice import Choice
from ffgen.sample.items import Chain, Order, enough, pick_apart
from ffgen.sample.lengths import MOST, Lengths
from ffgen.sample.lists import from_elements
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType, build_type

DEEPEST = 32
"""Objects and arrays inside each other."""


class Object(Sampler):
    """An object: each of its `fields` is drawn as a field of a record is.

    Fields inside may read each other and those of the record around them; people, places and companies inside are
    their own, and agree among the object's fields. There is nothing to set.
    """

    example: ClassVar[str] = """\
- name: address
  type: object
  fields:
    - {name: floor, type: integer, range: [0, 40]}
    - {name: lift, type: boolean, derive: floor > 3}
    - {name: code, type: string, pattern: "^[A-Z]{2}-[0-9]{3}$", nullable: 0.2}
"""
    gives: ClassVar[str] = "object"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        fields = self.field.fields or []
        names = [field.name for field in fields]
        units: dict[Hashable, Any] = {}
        self.inner: dict[str, Sampler] = {}
        problems: list[Problem] = []
        for i, field in enumerate(fields):
            try:
                inside = within(scope, f"{scope.path}.{field.name}", names, scope.count, units)
                self.inner[field.name] = bind_inner(field, inside, f"fields.{i}")
            except Problem as problem:
                problems.append(problem)
        if problems:
            problems[0].others += problems[1:]
            raise problems[0]
        self.order = in_order({name: sampler.reads for name, sampler in self.inner.items()})
        self.tests = [test for sampler in self.inner.values() for _, test in unheld(sampler)]
        self.along = any(goes_along(sampler) for sampler in self.inner.values())
        vars(self)["grouped"] = any(sampler.grouped for sampler in self.inner.values())

    @property
    def reads(self) -> Sequence[str]:
        names = [name for sampler in self.inner.values() for name in sampler.reads]
        return [name for name in dict.fromkeys(names) if name not in self.inner]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        inside = Rows(
            rows.index,
            (*rows.place, self.path),
            outer=rows,
            parent=rows.parent,
            parents=rows.parents,
            children=rows.children,
        )

        def again(positions: Positions, attempt: int) -> pl.DataFrame:
            return self._frame(Some(inside, positions, "again", attempt))

        # All fields of a row are drawn again with the one that was refused, for they may agree with each other.
        families = families_of(rows) if self.along and self.tests else None
        frame = draw_held(self._frame(inside), self.tests, again, self.path, families)
        return frame.to_struct()

    def _frame(self, rows: Rows) -> pl.DataFrame:
        for name in self.order:
            sampler = self.inner[name]
            rows.columns[name] = draw_field(sampler, rows, rows.stream(sampler.path))
        return pl.DataFrame([rows.columns[name] for name in self.inner])


class Array(Sampler):
    """A list of `items`, as many as the field's `length` allows (0 to 10 unless said).

    - `lengths`: how many: `{fixed: 3}`, `{uniform: [1, 4]}`, `{poisson: 2.5}`, `{negative_binomial: {mean: 3, r: 2}}`
      or `{empirical: {1: 0.5, 2: 0.3, 5: 0.2}}`. Any number within `length` is as likely unless said.
    - `distinct`: no two items of an array are alike.
    - `order`: which item follows which, for items that are one of a list:
      `{transitions: {visit: {visit: 0.6, cart: 0.4}, cart: {visit: 0.7, cart: 0.3}}, start: {visit: 1}}`.

    Objects inside may have a `running_total` or a `monotone` field, which then goes along the array.
    """

    example: ClassVar[str] = """\
- name: lines
  type: array
  length: [1, 20]
  items:
    type: object
    fields:
      - {name: quantity, type: integer, range: [1, 9]}
      - {name: price, type: number, range: [1, 99], decimals: 2}
  generator: {name: array, lengths: {negative_binomial: {mean: 3, r: 2}}}
"""
    gives: ClassVar[str] = "array"
    holds: ClassVar[frozenset[str]] = frozenset({"length"})

    lengths: Lengths | None = None
    order: Order | None = None
    distinct: Annotated[bool, Meta(description="No two items of an array are alike.")] = False

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        field = self.field.items
        assert field is not None
        inside = within(scope, f"{scope.path}[]", [], 0, {})
        self.item = self._chain(field, inside) if self.order is not None else bind_inner(field, inside, "items")
        self.low, high = int(getattr(kind, "low", 0)), min(int(getattr(kind, "high", 10)), MOST)
        if self.low > high:
            raise Problem("length", f"{self.low} items are too many to draw.", f"At most {MOST:,}.")
        self.counts = (self.lengths or Lengths(uniform=[self.low, high])).within(self.low, high)
        self.most = self._most() if self.distinct else high
        self.bits = max(1, (high - 1).bit_length())

    def _most(self) -> int:
        """The different items that there are, at least as many as an array has."""
        if self.order is not None or goes_along(self.item):
            what = "items that follow each other can't be told apart, too."
            raise Problem("generator.distinct", what, "Take one of the two away.")
        room = len(self.item.pool) if isinstance(self.item, Choice) else self.item.room()
        if room is not None and room < self.counts.low:
            what = f"there are {room} different items; an array has {self.counts.low} or more."
            raise Problem("generator.distinct", what, "Lower `length`, or widen the items.")
        return MOST if room is None else room

    def _chain(self, field: Field, scope: Scope) -> Sampler:
        assert self.order is not None
        if field.type in ("object", "array"):
            raise Problem(
                "generator.order", f"items of type {field.type} have no order.", "Order the values of a list."
            )
        chain = Chain(order=self.order)
        chain.bind(build_type(structs.replace(field, weights=None)), scope)
        return chain

    @property
    def reads(self) -> Sequence[str]:
        return self.item.reads

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        lengths = np.minimum(self.counts.draw(rng, n), self.most)
        inside = self.rows_of(rows, lengths)
        stream = inside.stream(self.item.path)
        if not self.distinct:
            return from_elements(mask_field(self.item, inside, hold_field(self.item, inside, stream)), lengths)
        elements, fewer = pick_apart(self.item, inside, lengths, stream)
        if fewer is not lengths:
            enough(fewer, self.low, self.path)
            inside = self.rows_of(rows, fewer)
        return from_elements(mask_field(self.item, inside, elements), fewer)

    def rows_of(self, rows: Rows, lengths: NDArray[np.int64]) -> Rows:
        """The items as rows: each has a number of its own, from its row's number and its place in the array."""
        owner = np.repeat(np.arange(len(rows)), lengths)
        starts = np.cumsum(lengths) - lengths
        place = (np.arange(len(owner)) - starts[owner]).astype(np.uint64)
        index = (rows.index[owner] << np.uint64(self.bits)) | place
        return Rows(index, (*rows.place, self.path), outer=rows, owner=owner)


def bind_inner(field: Field, scope: Scope, key: str) -> Sampler:
    """The sampler of a field inside another; its problems are named from the outer one down."""
    try:
        return bind_field(field, scope)
    except Problem as problem:
        raise problem.within(key) from None


def within(scope: Scope, path: str, names: Sequence[str], count: int, units: dict[Hashable, Any]) -> Scope:
    """What surrounds a field inside another; raises `Problem` where that is too deep."""
    if path.count(".") + path.count("[]") > DEEPEST:
        raise Problem("", f"objects and arrays nest deeper than {DEEPEST}.", "Nest less, or use several tables.")
    return Scope(
        scope.dataset,
        scope.seed,
        scope.build,
        path=path,
        names=names,
        count=count,
        as_of=scope.as_of,
        units=units,
        lookup=scope.lookup,
        inner=True,
    )

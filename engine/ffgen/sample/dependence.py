"""Fields that follow from others: formulas, values that rise, running totals."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream, stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.cases import families_of
from ffgen.sample.formula import Formula, dtype_of, visible
from ffgen.sample.steps import BLOCK, Given, Step, Steps
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import tidy

MICROSECONDS = 1_000_000

TAKES: dict[str, frozenset[str]] = {
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"timestamp", "date"}),
    "integer": frozenset({"integer", "number"}),
    "number": frozenset({"integer", "number"}),
    "time": frozenset({"time"}),
}
"""What a formula may give for a field of each type; text for all others."""
CASTS = {
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "integer": "INT",
    "number": "FLOAT",
    "time": "TIME",
}


class Derived(Sampler):
    """What the field's `derive` gives: a formula over other fields of the record, and of the records around it.

    Numbers are rounded to the field's `decimals`, halves away from zero; text is stripped. What can't be computed is
    null, and a row with null in a field that allows none is drawn again. There is nothing to set:
    `derive` alone says that a field is derived.
    """

    example: ClassVar[str] = """\
- {name: price, type: number, range: [1, 99], decimals: 2}
- {name: quantity, type: integer, range: [1, 9]}
- {name: total, type: number, decimals: 2, derive: "price * quantity * 1.19"}
"""
    serves: ClassVar[frozenset[str]] = frozenset(TAKES) | {"text", "enum", "email", "ipv4", "phone", "url", "uuid"}
    holds: ClassVar[frozenset[str]] = frozenset({"decimals"})

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if self.field.derive is None:
            raise Problem("derive", "a derived field needs `derive`.", "E.g. derive: price * quantity.")
        self.formula = Formula(self.field.derive, scope, "derive")
        given, wanted = self.formula.kind, TAKES.get(self.field.type, frozenset({"text"}))
        if given and given not in wanted | {"null"}:
            what = f"the formula gives {given}, and the field is of type {self.field.type or 'string'}."
            raise Problem("derive", what, f"Convert it: CAST(... AS {CASTS.get(self.field.type, 'TEXT')}).")
        picks = self.formula.expression.picks()
        fields = visible(scope)
        read = any(may_be_empty(fields[name]) for name in self.formula.reads)
        self.tidy = picks is not None and all(text and text == tidy(text) for text in picks) and not read

    @property
    def reads(self) -> Sequence[str]:
        return self.formula.reads

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        found = self.formula.values(rows)
        match self.field.type:
            case "integer":
                return _whole(found)
            case "number":
                return _rounded(found, self.field.decimals)
            case "datetime":
                return found.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
            case "boolean" | "date" | "time":
                return found.cast(self.kind.value_dtype())
        return found if self.tidy else _tidy(found, int(getattr(self.kind, "low", None) or 0))


def _whole(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Float64:
        values = values.round(0, mode="half_away_from_zero")
    return values.cast(pl.Int64, strict=False)


def _rounded(values: pl.Series, decimals: int | None) -> pl.Series:
    values = values.cast(pl.Float64)
    if decimals is not None:
        values = values.round(decimals, mode="half_away_from_zero")
    return values + 0.0


def may_be_empty(field: Field) -> bool:
    """Whether a field's text may be empty, or that of one inside."""
    least = field.length[0] if isinstance(field.length, list) and field.length else field.length
    return field.fields is not None or field.items is not None or least == 0


def _tidy(values: pl.Series, low: int) -> pl.Series:
    """Text as it is written: stripped, in NFC, null where it is empty and may not be; 25 ns a value."""
    values = values.cast(pl.String).str.strip_chars()
    if (values.str.len_bytes() != values.str.len_chars()).any():
        values = values.str.normalize("NFC")
    return values if not low else pl.select(pl.when(values != "").then(values)).to_series()


class Monotone(Sampler):
    """Numbers, dates or times that never fall: along the table, or within each parent's rows or each array.

    - `start`: the first value; 0, or the table's `as_of`, unless said. May name another field.
    - `step`: how much each is above the one before: a number, `{uniform: [1, 5]}` or `{exponential: 2}` (its mean).
      Days for dates, seconds for datetimes; 1 unless said.
    - `by`: begins again at `start` whenever this field changes from one row to the next. Only rows of one shard are
      seen: for groups that must be whole, give them a table of their own, and this one a `ref` to it.

    In a table whose rows are laid out under a parent (a `ref` with children per parent) each parent's rows begin at
    `start`; inside an array, each array. Elsewhere a value is a function of its row's number: every 65,536 rows rise
    by 65,536 mean steps exactly, so that any shard knows where it begins, and steps are as said in between.
    """

    example: ClassVar[str] = """\
- name: reading
  type: number
  decimals: 1
  generator: {name: monotone, start: 1200, step: {uniform: [0.5, 4]}}
"""
    gives: ClassVar[str] = "integer"
    serves: ClassVar[frozenset[str]] = frozenset({"number", "date", "datetime"})
    holds: ClassVar[frozenset[str]] = frozenset({"decimals"})

    start: Annotated[Any, Meta(description="The first value, or a field that has it.")] = None
    step: Given | Step = 1
    by: str | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.scale = 10**self.field.decimals if self.field.type == "number" and self.field.decimals is not None else 1
        exact = self.field.type != "number" or self.field.decimals is not None
        self.steps = Steps.of(self.step, self.scale, exact)
        fields = visible(scope)
        for key, name in (("by", self.by), ("start", self.start)):
            if key == "by" and name is not None and name not in fields:
                raise Problem(f"generator.{key}", f"there is no field `{name}`.", f"Fields: {', '.join(fields)}.")
        self.begins = self.start if isinstance(self.start, str) and self.start in fields else None
        self.first = 0 if self.begins is not None else self._first()
        self.alone = self.by is None and "[]" not in scope.path and not lays_out(scope.dataset)
        self.along = not self.alone
        vars(self)["grouped"] = self.along and "[]" not in scope.path
        if self.begins is None:
            self._check_range()

    def _first(self) -> int | float:
        """`start` in steps' units."""
        start: Any = self.start
        if self.field.type in ("date", "datetime"):
            start = (
                self.scope.as_of.isoformat()[: 10 if self.field.type == "date" else None] if start is None else start
            )
            parse: Any = self.kind.coerce
            try:
                moment = self.kind.settle([parse(str(start))])[0][0]
            except ValueError:
                what = f"`{str(start)[:40]}` is neither {self.kind.meaning} nor a field."
                raise Problem("generator.start", what, "E.g. start: 2024-01-01.") from None
            return int(pl.Series([moment], dtype=self.kind.value_dtype()).to_physical()[0])
        start = 0 if start is None else start
        if isinstance(start, bool) or not isinstance(start, int | float) or not math.isfinite(start):
            raise Problem("generator.start", f"`{str(start)[:40]}` is neither a number nor a field.", "E.g. start: 1.")
        if self.field.type == "integer" and start != int(start):
            raise Problem("generator.start", f"{start} is not a whole number.", "E.g. start: 1.")
        return start

    def _check_range(self) -> None:
        low, high = (getattr(self.kind, end, None) for end in ("low", "high"))
        if low is None or self.field.range is None:
            return
        ends = [low, high]
        if self.field.type in ("date", "datetime"):
            ends = pl.Series(ends, dtype=self.kind.value_dtype()).to_physical().to_list()
        last = self.first
        if self.alone:
            last += self._in_units(self.steps.mean * max(0, self.scope.count - 1))
        if self.first < ends[0] or last > ends[1]:
            each = f"{self.scope.count:,} rows rise by {self.steps.mean / self.scale:g} each, on average"
            what = f"the values go beyond the field's range: {each}."
            raise Problem("range", what, "Widen it, or choose another `start` or smaller steps.")

    @property
    def reads(self) -> Sequence[str]:
        return [name for name in (self.by, self.begins) if name is not None]

    @property
    def ranks(self) -> bool:
        """Whether no two rows of one parent, or items of one array, share a value."""
        rises = self.steps.constant is not None and self.steps.constant >= 1
        return self.along and rises and self.by is None and self.begins is None

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        first = None if self.alone else begins(rows, self.by)
        risen = self._along(rows.index) if first is None else self._within(rng, n, first)
        if self.begins is None:
            return self._value(self.first, risen)
        starts = rows[self.begins].cast(self.kind.value_dtype()).to_physical()
        if first is not None:
            starts = starts.gather(pl.Series(first))
        found = pl.Series(self._value(starts.fill_null(0).to_numpy(), risen))
        return pl.select(pl.when(starts.is_not_null()).then(found)).to_series()

    def _within(self, rng: Stream, n: int, first: NDArray[np.int64]) -> NDArray[Any]:
        """Steps added up from each group's first row, which takes none."""
        steps = self.steps.draw(rng, n)
        total = np.cumsum(steps)
        return np.asarray(total - total[first])

    def _along(self, index: NDArray[np.uint64]) -> NDArray[Any]:
        """Steps added up from the table's first row."""
        if self.steps.constant is not None:
            return np.asarray(index.astype(np.int64) * self.steps.constant)
        number = (index // BLOCK).astype(np.int64)
        place = (index % BLOCK).astype(np.int64)
        found = number * self.steps.span
        blocks = np.unique(number).tolist() if len(number) and number.min() != number.max() else number[:1].tolist()
        for block in blocks:
            here = slice(None) if len(blocks) == 1 else number == block
            rng = stream(self.scope.seed, self.scope.table, self.path, "block", block)
            found[here] += self.steps.block(rng)[place[here]]
        return np.asarray(found)

    def _in_units(self, risen: Any) -> Any:
        return risen * (MICROSECONDS if self.field.type == "datetime" else 1) / self.scale

    def _value(self, first: Any, risen: NDArray[Any]) -> Column:
        if self.field.type == "number":
            value = first + risen / self.scale
            if self.field.decimals is not None:
                value = np.round(value, self.field.decimals)
            return np.asarray(value + 0.0)
        whole = np.floor(risen).astype(np.int64) if risen.dtype.kind == "f" else risen
        whole = first + whole * (MICROSECONDS if self.field.type == "datetime" else 1)
        if self.field.type == "integer":
            return np.asarray(whole)
        # Days are 32 bits in polars.
        found = pl.Series(whole.astype(np.int32) if self.field.type == "date" else whole)
        return found.cast(self.kind.value_dtype())


class RunningTotal(Sampler):
    """The sum of another field so far, itself included: within the rows of each parent, or along an array.

    - `of`: the field that is added up. Null counts as 0.
    - `start`: what each total begins with, before the first row; 0 unless said.
    - `where`: a condition: rows that satisfy it are added, the others taken away, e.g. `kind = 'deposit'`.

    The table must be laid out under a parent: its `ref` says how many children a parent has. Sums are exact to the
    field's `decimals` (else to those of `of`, else to 6).
    """

    example: ClassVar[str] = """\
- name: bookings
  type: array
  items:
    type: object
    fields:
      - {name: amount, type: number, range: [-50, 100], decimals: 2}
      - {name: balance, type: number, decimals: 2, generator: {name: running_total, of: amount, start: 500}}
"""
    gives: ClassVar[str] = "number"
    serves: ClassVar[frozenset[str]] = frozenset({"integer"})
    holds: ClassVar[frozenset[str]] = frozenset({"decimals"})

    of: str
    start: float = 0.0
    where: str | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if "[]" not in scope.path and not lays_out(scope.dataset):
            what = "a running total goes along the rows of a parent, and no `ref` here says how many rows one has."
            raise Problem("generator", what, "E.g. ref: {to: accounts.id, mean: 12}; or put it in an array of objects.")
        self.places = self._places(scope)
        if self.field.type == "integer" and self.start != int(self.start):
            raise Problem("generator.start", f"{self.start:g} is not a whole number.", "E.g. start: 100.")
        self.condition = None if self.where is None else Formula(self.where, scope, "generator.where", "boolean")
        self.along = True
        vars(self)["grouped"] = "[]" not in scope.path

    def _places(self, scope: Scope) -> int:
        fields = visible(scope)
        if self.of not in fields:
            raise Problem("generator.of", f"there is no field `{self.of}`.", f"Fields: {', '.join(fields)}.")
        dtype = dtype_of(fields[self.of], scope)
        if dtype not in (None, pl.Int64, pl.Float64):
            raise Problem("generator.of", f"`{self.of}` is no number.", "Name an integer or a number.")
        if self.field.type == "integer":
            if dtype == pl.Float64:
                raise Problem("generator.of", f"`{self.of}` has fractions.", "Make the total's type number.")
            return 0
        if self.field.decimals is not None:
            return self.field.decimals
        given = fields[self.of].decimals
        return 0 if dtype == pl.Int64 else 6 if given is None else given

    @property
    def reads(self) -> Sequence[str]:
        return list(dict.fromkeys([self.of, *(self.condition.reads if self.condition is not None else ())]))

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        first = begins(rows, None)
        assert first is not None, "a running total needs rows laid out under a parent"
        amounts = rows[self.of].fill_null(0).to_numpy()
        if amounts.dtype.kind == "f" or self.places:
            amounts = self._in_units(amounts)
        if self.condition is not None:
            amounts = np.where(self.condition.holds(rows), amounts, -amounts)
        total = np.cumsum(amounts)
        sums = total - total[first] + amounts[first]
        if self.field.type == "integer":
            return np.asarray(sums + int(self.start))
        return np.asarray(np.round(sums / 10**self.places + self.start, self.places) + 0.0)

    def _in_units(self, amounts: NDArray[Any]) -> NDArray[Any]:
        """Whole numbers of the smallest decimal place, in which sums are exact; as they are where 64 bits won't do."""
        scaled = np.rint(amounts * float(10**self.places))
        return scaled.astype(np.int64) if float(np.abs(scaled).sum()) < 2.0**62 else scaled


def begins(rows: Rows, by: str | None) -> NDArray[np.int64] | None:
    """The position of the first row of each row's group: its array, its parent's rows, and rows alike in `by`. None
    where there are no groups."""
    changes = np.zeros(len(rows), dtype=np.bool_)
    ids = families_of(rows)
    if ids is None and by is None:
        return None
    changes[:1] = True
    if ids is not None:
        changes[1:] |= ids[1:] != ids[:-1]
    if by is not None:
        column = rows[by]
        changes |= pl.select(column.ne_missing(column.shift(1))).to_series().to_numpy()
    places = np.flatnonzero(changes)
    return np.repeat(places, np.diff(places, append=len(rows)))


def lays_out(dataset: Dataset) -> bool:
    """Whether the table's rows are laid out under a parent's."""
    refs = [field.reference for field in dataset.fields]
    return any(ref is not None and ref.counts_children for ref in refs)

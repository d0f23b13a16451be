"""Foreign keys: which parent a row has, and how many children a parent has."""

from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.errors import ShortfallError
from ffgen.expr import Expression, ExpressionError, check_types, first_failure, parse
from ffgen.rng import U64, Stream, key_of, permute
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.spec.model import Ref
from ffgen.spec.types import TYPES, Problem, ValueType
from ffgen.spec.types.base import Unfit

Counts = NDArray[np.int64]

MOST_PICKS = 1000
"""Picks for each row that fulfils a condition, after which there are taken to be none."""


class Lookup(Protocol):
    """What a foreign key asks of the tables around it."""

    def rows(self, table: str) -> int:
        """Rows of a table; 0 when there is none of that name."""

    def room(self, table: str, column: str) -> int | None:
        """Values that `value` knows, at least as many as rows; None when they are no function of the row number."""

    def value(self, table: str, column: str, index: U64) -> pl.Series:
        """A column's values in the rows with these numbers."""

    def schema(self, table: str) -> dict[str, Any]:
        """The polars types of a table's fields; a table that is made later has none yet."""


class Reference(Sampler):
    """The key of a row in another table: `ref: customers.id`, or with more to say, `ref: {to: customers.id, ...}`.

    Every key is there: a parent is chosen first, its key is taken then. All refs of a table to the same parent table
    (and the same `as`) follow one parent row, so composite keys and copied attributes agree.

    - `to`: table.field. A table may refer to itself: each row then refers to an earlier one, and the first, which
      has none, is null.
    - `min`, `max`, `mean`: children per parent. Rows are then laid out parent by parent, and the table's count
      follows (a `count` that is said is met exactly). Without them, each row picks any parent.
    - `skew`: 0 treats parents alike; about 1 gives a few of them most of the children.
    - `as`: tells two refs to one table apart, such as buyer and seller.
    - `orphans`: share of keys that no parent has; none unless asked for.
    - `where`: a condition over the parent's fields: only rows for which it holds are referred to, e.g.
      `status = 'active'`. Others are picked again, so that a condition which one row in a hundred fulfils costs a
      hundred picks.
    """

    example: ClassVar[str] = "- {name: id, type: integer, generator: sequence, unique: true}\n" + (
        "- {name: manager_id, nullable: true, ref: records.id}\n"
    )
    serves = frozenset(TYPES)
    holds = frozenset({"range", "values", "pattern", "length", "decimals", "format"})

    to: str
    role: str = ""
    min: Annotated[int, Meta(ge=0)] | None = None
    max: Annotated[int, Meta(ge=0)] | None = None
    mean: Annotated[float, Meta(ge=0)] | None = None
    skew: Annotated[float, Meta(ge=0, le=100)] = 0.0
    orphans: Annotated[float, Meta(ge=0, le=1)] = 0.0
    where: str | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.table, _, self.column = self.to.partition(".")
        self.lookup: Lookup = scope.lookup
        self.own = self.table == scope.table
        self.group = (self.table, self.role)
        if self.lookup is None:
            raise Problem("ref", "there are no other tables here.", "List them under `tables:`.")
        self.conditions: list[Expression] = scope.unit(("ref", "where", *self.group), list)
        # Fields of one parent row are drawn alone, too, for a table that needs them: each must pick the same row.
        self.skews: list[float] = scope.unit(("ref", "skew", *self.group), list)
        self.skews.append(self.skew)
        if self.where is not None:
            self.conditions.append(self._condition(self.where))
        self.spare = (self.lookup.room(self.table, self.column) or 0) - self.lookup.rows(self.table)
        if not self.own and scope.count and not self.lookup.rows(self.table):
            raise Problem(
                "ref", f"`{self.table}` has no rows to refer to.", "Give it some, or take the reference away."
            )
        if self.orphans:
            if self.spare <= 0:
                what = f"`{self.to}` has no values beyond those in use, so there can be no orphans."
                raise Problem(
                    "ref.orphans", what, "Take it away, or give the parent a key with room: a sequence, a uuid."
                )

    def _condition(self, text: str) -> Expression:
        """`where`, read and checked; raises `Problem`."""
        if self.own or not (self.min is None and self.max is None and self.mean is None):
            what = "goes with picked rows of another table: without children per parent, not within one table."
            raise Problem("ref.where", what, "Take one of them away.")
        schema = self.lookup.schema(self.table)
        try:
            expression = parse(text, schema)
            error = check_types(expression, schema)
        except ExpressionError as refused:
            error = refused
        if error is not None:
            raise Problem("ref.where", f"at character {error.column}: {error.what}", error.hint)
        return expression

    @property
    def asks(self) -> list[str]:
        """The parent's fields that are looked up."""
        return list(dict.fromkeys([self.column, *(name for each in self.conditions for name in sorted(each.columns))]))

    def room(self) -> int | None:
        if self.own or self.orphans or self.conditions or self.lookup.room(self.table, self.column) is None:
            return None
        return self.lookup.rows(self.table)

    def at(self, index: U64) -> Column:
        return self.lookup.value(self.table, self.column, index)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        laid = rows.parents.get(self.group)
        if laid is not None and laid.column is not None and not self.orphans:
            return laid.column(self.column).gather(laid.position)
        parent = laid.row if laid is not None else rows.shared(("ref", *self.group), lambda: self._pick(n, rows))
        if self.own:
            found = self.lookup.value(self.table, self.column, parent)
            return pl.select(pl.when(pl.Series(row_numbers(rows) > 0)).then(found)).to_series()
        if self.orphans:
            lost = rng.random(n) < self.orphans
            beyond = self.lookup.rows(self.table) + rows.index % np.uint64(self.spare)
            parent = np.where(lost, beyond, parent)
        return self.lookup.value(self.table, self.column, parent)

    def _pick(self, n: int, rows: Rows) -> U64:
        """The parent of each row, one that fulfils the conditions."""
        rng = rows.stream("ref", *self.group)
        if self.own:
            return (rng.random(n) * row_numbers(rows)).astype(np.uint64)
        if not self.conditions:
            return self._any(rng, n)
        found, picked, tried = [np.zeros(0, dtype=np.uint64)], 0, 0
        while picked < n:
            parent = self._any(rng, max(2 * (n - picked), 1024))
            found.append(parent[first_failure(self.conditions, self._asked(parent)).to_numpy() < 0])
            picked, tried = picked + len(found[-1]), tried + len(parent)
            if tried > MOST_PICKS * (picked + 1024):
                what = f"`{self.path}`: of {tried:,} rows of {self.table}, {picked:,} fulfil `where`."
                raise ShortfallError(what, hint="Loosen the condition, or make more such rows.")
        return np.concatenate(found)[:n]

    def _asked(self, parent: U64) -> pl.DataFrame:
        """What the conditions read of some parents."""
        names = dict.fromkeys(name for each in self.conditions for name in sorted(each.columns))
        return pl.DataFrame([self.lookup.value(self.table, name, parent).alias(name) for name in names])

    def _any(self, rng: Stream, n: int) -> U64:
        """Parents, any alike, or by Zipf's law over a permutation of them."""
        count = self.lookup.rows(self.table)
        skew = max(self.skews)
        if not skew:
            return rng.integers(0, count, n, dtype=np.uint64)
        rank = zipf_rank(rng.random(n), count, skew)
        return permute(rank, count, key_of(self.scope.seed, self.scope.table, "ref", *self.group))


class Total(Sampler):
    """A sum over the rows that another table has under this row: an order's total over its lines.

    - `of`: table.field of a table whose rows are laid out under this one (its `ref` says how many children).
    - `take`: sum (unless said), count, mean, min or max. A row without children has 0, or null where that is allowed;
      nulls among what is added up are left out, and rows that have nothing else are as without children.
    """

    gives = "number"
    serves = frozenset(TYPES)

    of: str
    take: Literal["sum", "count", "mean", "min", "max"] = "sum"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.table, _, self.column = self.of.partition(".")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        assert rows.children is not None
        frame, owner = rows.children(self.table, [self.column])
        if self.take != "count":
            there = frame[self.column].is_not_null()
            frame, owner = frame.filter(there), owner[there.to_numpy()]
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        parents = owner[first]
        found = pl.Series(self._taken(frame[self.column], first, len(owner)))
        place = np.searchsorted(parents, rows.index.astype(np.int64))
        known = place < len(parents)
        known[known] = parents[place[known]] == rows.index[known].astype(np.int64)
        column = found.gather(np.where(known, place, 0)) if len(found) else pl.Series([None] * n, dtype=pl.Float64)
        empty = None if self.field.may_be_null and self.take != "count" else 0
        return pl.select(pl.when(pl.lit(pl.Series(known))).then(pl.lit(column)).otherwise(empty)).to_series()

    def _taken(self, values: pl.Series, first: NDArray[np.int64], rows: int) -> NDArray[np.float64]:
        """What is taken of each run of values; the runs begin at `first`."""
        sizes = np.diff(first, append=rows)
        if self.take == "count" or not len(first):
            return sizes.astype(np.float64)
        given = values.cast(pl.Float64).to_numpy()
        if self.take in ("min", "max"):
            return np.asarray((np.minimum if self.take == "min" else np.maximum).reduceat(given, first))
        sums = np.add.reduceat(given, first)
        places = self.field.decimals if self.field.decimals is not None else 9
        return np.round(sums if self.take == "sum" else sums / sizes, places) + 0.0


class RowCount(Sampler):
    """How many rows a table has, the same in every row: for formulas that need it, such as a key spread over a table.

    - `of`: the table.
    """

    gives = "integer"
    serves = frozenset({"number"})
    holds = frozenset({"decimals"})

    of: str

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.lookup: Lookup = scope.lookup
        if self.lookup is None or not self.lookup.rows(self.of):
            raise Problem("generator.of", f"there is no table `{self.of[:40]}`.", "Name one of `tables:`.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return np.full(n, self.lookup.rows(self.of))


class Listed(Sampler):
    """The value that stands under the field's name in the table's own `rows:`; for small tables that are known.

    name: currencies
    rows: [{code: EUR, name: Euro}, {code: SEK, name: Swedish krona}]
    fields: [{name: code, unique: true}, {name: name}]
    """

    serves = frozenset(TYPES)
    holds = frozenset({"decimals"})
    numbered: ClassVar[bool] = True

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if scope.dataset.rows is None:
            raise Problem("generator", "the table has no `rows`.", "List them under the table, one mapping each.")
        given = [row.get(kind.field.name) for row in scope.dataset.rows]
        if not kind.field.may_be_null and None in given:
            raise Problem("nullable", f"row {given.index(None)} of `rows` has no value.", "Fill it in, or allow null.")
        try:
            coerced = [None if value is None else kind.coerce(value) for value in given]
        except Unfit as unfit:
            raise Problem("generator", f"a value in `rows` does not fit ({unfit.reason}).", "Correct it.") from None
        self.values = pl.Series(list(kind.settle(coerced)[0]), dtype=kind.value_dtype())

    def room(self) -> int | None:
        return len(self.values) if self.values.n_unique() == len(self.values) else None

    def keyed(self, index: U64, key: int) -> Column:
        return self.values.gather(index)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.values.gather(rows.index)


def row_numbers(rows: Rows) -> U64:
    """The table's row numbers, also of items inside an array."""
    if rows.outer is None:
        return rows.index
    outer = row_numbers(rows.outer)
    return outer if rows.owner is None else outer[rows.owner]


def zipf_rank(uniform: NDArray[np.float64], count: int, exponent: float) -> U64:
    """Ranks from 0 by Zipf's law with this exponent, through the inverse of its continuous distribution function."""
    top = count + 1.0
    if abs(exponent - 1) < 1e-9:
        position = top**uniform
    else:
        power = 1 - exponent
        position = (uniform * (top**power - 1) + 1) ** (1 / power)
    return np.clip(position.astype(np.int64) - 1, 0, count - 1).astype(np.uint64)


def children(ref: Ref, parents: int, rng: Stream) -> Counts:
    """How many children each of some parents has.

    Between `min` and `max` alike when no mean is said. With a mean and a maximum, binomial (with skew,
    beta-binomial) between the two; without a maximum, `min` plus a Poisson number (with skew, negative binomial).
    """
    low = ref.min or 0
    if ref.mean is None:
        high = ref.max if ref.max is not None else max(2 * low, low + 1)
        return rng.integers(low, high, parents, endpoint=True)
    if ref.max is not None:
        span = ref.max - low
        share = np.full(parents, min(max((ref.mean - low) / span, 0.0), 1.0) if span else 0.0)
        if ref.skew and parents and 0 < share[0] < 1:
            share = rng.beta(share / ref.skew, (1 - share) / ref.skew)
        return low + rng.binomial(span, share)
    rate = np.full(parents, max(ref.mean - low, 0.0), dtype=np.float64)
    if ref.skew:
        rate *= rng.gamma(1 / ref.skew, ref.skew, parents)
    return low + rng.poisson(rate)


def mean_children(ref: Ref) -> float:
    """Children a parent has on average."""
    low = ref.min or 0
    if ref.mean is not None:
        return float(ref.mean)
    high = ref.max if ref.max is not None else max(2 * low, low + 1)
    return (low + high) / 2


def fit(counts: Counts, total: int, ref: Ref, rng: Stream) -> Counts:
    """The same counts, changed by one here and there until they add up to `total`; bounds are kept.

    Parents are gone through in a random order, again and again while something is left to give or to take.
    ValueError when the bounds do not allow it.
    """
    counts = counts.copy()
    low = ref.min or 0
    order = rng.permutation(len(counts))
    while (left := total - int(counts.sum())) != 0:
        room = counts[order] - low if left < 0 else (ref.max if ref.max is not None else 2**62) - counts[order]
        chosen = order[room > 0][: abs(left)]
        if not len(chosen):
            raise ValueError(f"{len(counts)} parents can't have {total} children")
        rounds = max(1, min(abs(left) // len(chosen), int(room[room > 0].min())))
        counts[chosen] += rounds if left > 0 else -rounds
    return counts

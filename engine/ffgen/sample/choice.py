"""Values from a list: `choice`."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, permute, stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.weighted import PLAIN_TYPES, Pool, settled
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import shown


class Choice(Sampler):
    """One of the field's `values`, as often as its `weights` say.

    Without weights all values are equally likely; a weight of 0 takes a value out. The values may be of any type:
    text, numbers, dates, true and false.

    - `smoothing`: added to each weight, so that rare values come up a little more often. 1 is a good start.
    - `temperature`: above 1 evens the weights out, below 1 makes the frequent more frequent (weight ** (1/T)).
    - `pool_below`: values with a smaller share than this are drawn as `other`, together.
    - `other`: the value that stands for pooled ones; one of `values` (a weight of 0 is fine).

    Smoothing comes first, then temperature, then pooling.
    """

    gives: ClassVar[str] = "string"
    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = frozenset({"values", "range", "pattern", "length", "decimals", "format"})
    example: ClassVar[str] = """\
- name: status
  values: [active, inactive, pending, closed, other]
  weights: [70, 20, 8, 1, 1]
  generator: {name: choice, smoothing: 1, pool_below: 0.05, other: other}
"""

    smoothing: Annotated[float, Meta(ge=0, description="Added to each weight.")] = 0.0
    temperature: Annotated[float, Meta(gt=0, le=1000, description="Above 1: more even.")] = 1.0
    pool_below: Annotated[float, Meta(ge=0, lt=1, description="Values with a smaller share become `other`.")] = 0.0
    other: Annotated[Any, Meta(description="The value that stands for pooled ones.")] = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if kind.field.values is None:
            raise Problem("values", "a choice needs `values`.", "E.g. values: [active, inactive].")
        weights = self.pooled(self.tempered(self.listed()))
        values = pl.Series(list(weights), dtype=kind.value_dtype())
        self.pool = Pool(values, list(weights.values()))
        self.orders: dict[int, NDArray[np.intp]] = {}

    def listed(self) -> dict[Any, float]:
        """The field's values with their weights, smoothed; those that are written twice but are one are added up."""
        raw = self.field.values or []
        weights: dict[Any, float] = {}
        for value, weight in zip(raw, self.field.weights or [1.0] * len(raw), strict=True):
            if weight > 0:
                found = settled(self.kind, value, "values")
                weights[found] = weights.get(found, 0.0) + weight
        return {value: weight + self.smoothing for value, weight in weights.items()}

    def tempered(self, weights: dict[Any, float]) -> dict[Any, float]:
        """Shares after `temperature`."""
        given = np.array(list(weights.values()))
        # By logarithms, and from the largest: 1e300 ** 100 is too large for a float.
        shares = np.exp((np.log(given) - np.log(given.max())) / self.temperature)
        shares /= shares.sum()
        return dict(zip(weights, shares.tolist(), strict=True))

    def pooled(self, shares: dict[Any, float]) -> dict[Any, float]:
        """Shares with those under `pool_below` given to `other`."""
        if not self.pool_below:
            return {value: share for value, share in shares.items() if share > 0}
        other = self.checked_other()
        kept = {value: share for value, share in shares.items() if share >= self.pool_below or value == other}
        rest = sum(share for value, share in shares.items() if value not in kept)
        if rest:
            kept[other] = kept.get(other, 0.0) + rest
        return kept

    def checked_other(self) -> Any:
        """`other` as a value; raises `Problem` when it is not among the field's values."""
        if self.other is None:
            raise Problem("generator.other", "`pool_below` needs `other`.", "E.g. other: other, and list it in values.")
        found = next(self.kind.decoded([self.other]), None)
        if found is None or found not in self.kind.allowed:
            what = f"{shown(self.other)} is not one of the field's values."
            raise Problem("generator.other", what, "Add it to `values`; its weight may be 0.")
        return found

    def outcomes(self, field: Field) -> Sequence[Any] | None:
        """Every value it may give, as the spec writes it."""
        raw = field.values or []
        kept = [value for value, weight in zip(raw, field.weights or [1.0] * len(raw), strict=True) if weight > 0]
        return [*kept, self.other] if self.pool_below else kept

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.pool.draw(rng, n)

    def room(self) -> int | None:
        return len(self.pool) if self.pool.even or self.field.unique else None

    def at(self, index: U64) -> Column:
        return self.pool.at(index)

    def keyed(self, index: U64, key: int) -> Column:
        """Distinct values. With weights, those that N draws without putting back would give (Efraimidis and Spirakis,
        2006), in an order without pattern."""
        if self.pool.weights is None:
            return super().keyed(index, key)
        if key not in self.orders:
            chance = stream(key, "order").random(len(self.pool))
            self.orders[key] = np.argsort(np.log(chance) / np.asarray(self.pool.weights), kind="stable")[::-1]
        place = permute(index, max(self.scope.count, 1), key)
        return self.pool.values.gather(self.orders[key][place].astype(np.uint32))

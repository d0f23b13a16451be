"""Counts, ranks and chance."""

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from ffgen.rng import U64, Stream
from ffgen.sample.base import Column, Rows, Sampler
from ffgen.sample.grid import F64, Grid
from ffgen.sample.shaped import MOST_TABLED, Shaped, Weighted

LAST_BIT = 2.0**-53


class Poisson(Shaped):
    """How many of many independent events happen: calls an hour, items in a basket. Whole numbers from 0 up.

    - `mean`: 1
    - `clip`, `step`: as for `normal`
    """

    gives: ClassVar[str] = "integer"
    serves: ClassVar[frozenset[str]] = frozenset({"number"})
    example: ClassVar[str] = """
- {name: items, type: integer, range: [1, 40], generator: {name: poisson, mean: 3.2}}
"""
    mean: Annotated[float, Meta(gt=0, le=1e15)] = 1.0

    def raw(self, rng: Stream, n: int) -> F64:
        return rng.poisson(self.mean, n).astype(np.float64)

    def discrete(self) -> Weighted | None:
        # Beyond, there is less than a double's last bit.
        reach = 10 * math.sqrt(self.mean) + 40
        low, high = max(0, math.floor(self.mean - reach)), math.ceil(self.mean + reach)
        if high - low > MOST_TABLED:
            return None
        logs = [k * math.log(self.mean) - self.mean - math.lgamma(k + 1) for k in range(low, high + 1)]
        shares = np.exp(np.array(logs))
        return np.arange(low, high + 1, dtype=np.float64), shares / shares.sum()


class Zipf(Shaped):
    """Ranks: 1 is the most frequent, and number k comes 1 / k ** `exponent` times as often. Popularity, city sizes.

    - `exponent`: 1. At 0 all are alike
    - `most`: the last rank; the high end of the range; 1000 without one
    - `clip`, `step`: as for `normal`
    """

    gives: ClassVar[str] = "integer"
    serves: ClassVar[frozenset[str]] = frozenset({"number"})
    example: ClassVar[str] = """
- {name: product_rank, type: integer, range: [1, 5000], generator: {name: zipf, exponent: 1.1}}
"""
    exponent: Annotated[float, Meta(ge=0, le=50)] = 1.0
    most: Annotated[int, Meta(ge=1, le=10**15)] | None = None

    def fit(self, grid: Grid) -> None:
        self._most = self.most or min(max(math.floor(grid.span[1]) if grid.ranged else 1000, 1), 10**15)
        self._start = self._under(1.5) - 1.0
        self._end = self._under(self._most + 0.5)

    def _under(self, x: Any) -> Any:
        """The area under x ** -exponent from 1 to x."""
        rest = 1.0 - self.exponent
        return np.expm1(rest * np.log(x)) / rest if rest else np.log(x)

    def _upto(self, area: F64) -> F64:
        """The x up to which the area under the curve is this."""
        rest = 1.0 - self.exponent
        if not rest:
            return np.exp(area)
        # The last bit keeps the logarithm finite where the area of the tail is nothing beside 1.
        return np.exp(np.log1p(np.maximum(rest * area, LAST_BIT - 1.0)) / rest)

    def raw(self, rng: Stream, n: int) -> F64:
        """By rejection-inversion (Hörmann and Derflinger, 1996), which keeps at least two of three."""
        found = np.empty(n)
        done = 0
        while done < n:
            area = self._end + rng.random(n - done + 8) * (self._start - self._end)
            rank = np.clip(np.rint(self._upto(area)), 1.0, self._most)
            kept = rank[area >= self._under(rank + 0.5) - rank**-self.exponent][: n - done]
            found[done : done + len(kept)] = kept
            done += len(kept)
        return found

    def discrete(self) -> Weighted | None:
        if self._most > MOST_TABLED:
            return None
        ranks = np.arange(1, self._most + 1, dtype=np.float64)
        shares = ranks**-self.exponent
        return ranks, shares / shares.sum()


class Chance(Sampler):
    """true or false.

    - `share`: of true; 0.5
    """

    gives: ClassVar[str] = "boolean"
    example: ClassVar[str] = """
- {name: newsletter, type: boolean, generator: {name: boolean, share: 0.35}}
"""
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return rng.random(n) < self.share

    def room(self) -> int | None:
        return 2 if self.share == 0.5 else None

    def at(self, index: U64) -> Column:
        return np.equal(index, 1)

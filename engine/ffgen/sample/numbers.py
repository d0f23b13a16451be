"""Numbers by named distributions: uniform, bell-shaped, skewed, bounded."""

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream
from ffgen.sample.base import MOST_ROOM, Column, Rows
from ffgen.sample.grid import EXACT, F64, LARGEST, Grid, exact
from ffgen.sample.shaped import Shaped
from ffgen.spec.types import Problem
from ffgen.spec.types.number import INT64

Real = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Whole = Annotated[int, Meta(ge=INT64[0], le=INT64[1])]
Size = Annotated[float, Meta(gt=0, le=LARGEST)]


class Uniform(Shaped):
    """Any number of the range, all equally likely, both ends included.

    Without a range: 0 to 1, whole numbers 0 to 1000. With `decimals` every decimal in the range is equally likely.

    - `low`, `high`: ends within the field's range, or where it has none
    - `step`: only multiples of it
    """

    example: ClassVar[str] = """
- {name: discount, type: number, range: [0, 30], decimals: 1, generator: {name: uniform, step: 2.5}}
"""
    low: Whole | Real | None = None
    high: Whole | Real | None = None

    def fit(self, grid: Grid) -> None:
        if self.clip:
            raise Problem("generator.clip", "nothing is drawn beyond the range.", "Take it away.")
        low, high = grid.span
        low = low if self.low is None else exact(self.low)
        high = high if self.high is None else exact(self.high)
        self._use(grid.between(low, high))

    def _prepare(self) -> None:
        """What lies in the range, too, is all alike: nothing has to be drawn again, and no table is quicker."""
        if self.grid.ends is not None and self._cells.ends is not None:
            (low, high), (least, most) = self._cells.ends, self.grid.ends
            self._use(self.grid.between(max(low, least), min(high, most)))

    def _use(self, cells: Grid) -> None:
        if cells.empty:
            what = "no number that can be drawn lies between the ends."
            raise Problem("generator.low" if self.low is not None else "generator.high", what, "Widen them.")
        self._cells = cells

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        cells = self._cells
        return self._numbered(rng, n) if cells.numbered else cells.final(cells.clipped(cells.rounded(self.raw(rng, n))))

    def _numbered(self, rng: Stream, n: int) -> NDArray[Any]:
        assert self._cells.first is not None
        return self._cells.at(rng.integers(self._cells.first, self._cells.last, n, endpoint=True))

    def raw(self, rng: Stream, n: int) -> F64:
        if self._cells.numbered:
            return self._numbered(rng, n).astype(np.float64)
        share = rng.integers(0, EXACT, n, endpoint=True) / float(EXACT)
        # In this form, a difference of ends is nowhere too large for a double, and both ends are met.
        x = 1.0 - share
        x *= self._cells.low
        share *= self._cells.high
        x += share
        return self._cells.clipped(x)

    def cdf(self, x: F64) -> F64 | None:
        cells = self._cells
        if not cells.numbered or cells.unit is None or cells.first is None or not cells.count:
            return None
        reached: F64 = np.clip((np.floor(x / float(cells.unit)) - cells.first + 1) / cells.count, 0.0, 1.0)
        return reached

    def room(self) -> int | None:
        return min(self._cells.count or 0, MOST_ROOM) if self._cells.numbered else None

    def at(self, index: U64) -> Column:
        assert self._cells.first is not None
        return self._cells.at(index.astype(np.int64) + self._cells.first)


class Normal(Shaped):
    """The bell curve: most numbers near the mean, few far from it.

    Numbers outside the range are drawn again, which a range that holds less than 0.1% of them refuses.

    - `mean`: the middle of the range; 0 without one
    - `sd`: the standard deviation; a sixth of the range; 1 without one. Two thirds of all lie within one `sd`
    - `clip`: true moves numbers outside the range to its nearer end
    - `step`: rounds to multiples of it
    """

    example: ClassVar[str] = """
- {name: age, type: integer, range: [18, 80], generator: {name: normal, mean: 42, sd: 14}}
"""
    mean: Real | None = None
    sd: Size | None = None

    def fit(self, grid: Grid) -> None:
        low, high = map(float, grid.span)
        middle, sixth = (low / 2 + high / 2, high / 6 - low / 6) if grid.ranged else (0.0, 1.0)
        self._mean = middle if self.mean is None else self.mean
        self._sd = (sixth or 1.0) if self.sd is None else self.sd

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.standard_normal(n)
        x *= self._sd
        x += self._mean
        return x

    def cdf(self, x: F64) -> F64 | None:
        return normal_cdf((x - self._mean) / self._sd)


class Lognormal(Shaped):
    """Numbers above 0 whose logarithm is normal: amounts, incomes, durations, sizes. A few are very large.

    - `median`: half are below it; 1. Or `mu`, its natural logarithm
    - `sigma`: the standard deviation of the logarithm; 1. At 0.5 one in 40 exceeds 2.7 times the median, at 1, 7 times
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- {name: amount, type: number, decimals: 2, generator: {name: lognormal, median: 40, sigma: 0.9}}
"""
    median: Annotated[float, Meta(ge=1 / LARGEST, le=LARGEST)] | None = None
    mu: Annotated[float, Meta(ge=-400, le=400)] | None = None
    sigma: Annotated[float, Meta(gt=0, le=20)] = 1.0

    def fit(self, grid: Grid) -> None:
        if self.mu is not None and self.median is not None:
            raise Problem("generator.mu", "`mu` and `median` say the same.", "Give one of them.")
        self._mu = self.mu if self.mu is not None else math.log(self.median or 1.0)

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.standard_normal(n)
        x *= self.sigma
        x += self._mu
        return np.exp(x, out=x)

    def cdf(self, x: F64) -> F64 | None:
        logs = np.log(x, out=np.full(len(x), -np.inf), where=x > 0)
        return normal_cdf((logs - self._mu) / self.sigma)


class Exponential(Shaped):
    """Numbers from 0 up, ever fewer the larger they are: waiting times between independent events.

    - `mean`: 1
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- {name: wait_minutes, type: number, decimals: 1, range: [0, 240], generator: {name: exponential, mean: 12}}
"""
    mean: Size = 1.0

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.standard_exponential(n)
        x *= self.mean
        return x

    def cdf(self, x: F64) -> F64 | None:
        reached: F64 = -np.expm1(-np.maximum(x, 0.0) / self.mean)
        return reached


class Gamma(Shaped):
    """Numbers above 0 with one hump and a tail to the right: waiting for several events, rainfall, claims.

    The mean is `shape` times `scale`.

    - `shape`: 2. At 1 it is `exponential`; the larger, the more it looks like `normal`
    - `scale`: 1
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- {name: claim, type: number, decimals: 2, range: [1, 100000], generator: {name: gamma, shape: 1.8, scale: 900}}
"""
    shape: Annotated[float, Meta(ge=0.001, le=1e15)] = 2.0
    scale: Annotated[float, Meta(gt=0, le=1e180)] = 1.0

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.standard_gamma(self.shape, n)
        x *= self.scale
        return x


class Beta(Shaped):
    """Shares and ratings: from one end of the range to the other, with a hump, a slope or two heaps at the ends.

    Stretched over the range; without one, 0 to 1, whole numbers 0 to 1000. The mean lies at `a / (a + b)` of it.

    - `a`, `b`: 2 and 2, a hump in the middle. The larger `a`, the nearer to the high end; both below 1: heaps at
      both ends
    - `step`: rounds to multiples of it
    """

    example: ClassVar[str] = """
- {name: rating, type: number, decimals: 1, range: [1, 5], generator: {name: beta, a: 5, b: 1.6}}
"""
    a: Annotated[float, Meta(ge=0.001, le=1e9)] = 2.0
    b: Annotated[float, Meta(ge=0.001, le=1e9)] = 2.0

    def fit(self, grid: Grid) -> None:
        self._low, self._high = map(float, grid.span)

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.beta(self.a, self.b, n)
        return np.clip((1.0 - x) * self._low + x * self._high, self._low, self._high)


class Triangular(Shaped):
    """From `low` straight up to `mode` and straight down to `high`: what is known of a guess.

    - `low`, `high`: the ends of the range; without one, 0 to 1, whole numbers 0 to 1000
    - `mode`: the likeliest; the middle
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- {name: effort_days, type: number, decimals: 1, generator: {name: triangular, low: 2, mode: 5, high: 20}}
"""
    low: Real | None = None
    mode: Real | None = None
    high: Real | None = None

    def fit(self, grid: Grid) -> None:
        low, high = map(float, grid.span)
        self._low = low if self.low is None else self.low
        self._high = high if self.high is None else self.high
        self._mode = self._low / 2 + self._high / 2 if self.mode is None else self.mode
        if not (self._low <= self._mode <= self._high and self._low < self._high):
            what = f"`low` {self._low:g}, `mode` {self._mode:g} and `high` {self._high:g} do not rise."
            raise Problem("generator.mode" if self.mode is not None else "generator.low", what, "Put them in order.")

    def raw(self, rng: Stream, n: int) -> F64:
        return rng.triangular(self._low, self._mode, self._high, n)

    def cdf(self, x: F64) -> F64 | None:
        low, mode, high = self._low, self._mode, self._high
        x = np.clip(x, low, high)
        left = (x - low) ** 2 / ((high - low) * (mode - low)) if mode > low else np.zeros(len(x))
        right = 1 - (high - x) ** 2 / ((high - low) * (high - mode)) if mode < high else np.ones(len(x))
        reached: F64 = np.where(x < mode, left, right)
        return reached


def normal_cdf(z: F64) -> F64:
    """The share of the standard normal distribution up to each z; 100 ns each."""
    return np.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in z.tolist()])

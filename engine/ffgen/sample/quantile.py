"""Numbers by what is known of real ones: some quantiles, or a sample of them."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from ffgen.rng import Stream
from ffgen.sample.base import choose
from ffgen.sample.grid import F64, Grid
from ffgen.sample.numbers import Real, Size
from ffgen.sample.shaped import Shaped
from ffgen.spec.types import Problem

BISECTIONS = 60


class Quantiles(Shaped, kw_only=True):
    """Numbers with given quantiles, such as the median, joined by a smooth rising curve (monotone cubic, Fritsch
    and Carlson 1980).

    - `points`: pairs of a share and the number that this share of all lie below, both rising. The first share is 0
      and the last is 1; where one is left out, it is the end of the field's range
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- name: salary
  type: integer
  range: [18000, 400000]
  generator: {name: quantiles, points: [[0.1, 26000], [0.5, 48000], [0.9, 98000], [0.99, 210000]], step: 100}
"""
    points: Annotated[
        list[tuple[Annotated[float, Meta(ge=0, le=1)], Real]],
        Meta(min_length=1, max_length=1000, description="[share, number] pairs."),
    ]

    def fit(self, grid: Grid) -> None:
        points = self._completed(grid)
        self._shares = np.array([share for share, _ in points])
        values = np.array([value for _, value in points])
        if (np.diff(self._shares) <= 0).any() or (np.diff(values) < 0).any():
            what = "shares and numbers must rise from point to point."
            raise Problem("generator.points", what, "Put them in order, e.g. [[0, 18], [0.5, 40], [1, 95]].")
        self._cubics = cubics(self._shares, values)
        self._ends = self._shares[1:].copy()

    def _completed(self, grid: Grid) -> list[tuple[float, float]]:
        points = list(self.points)
        low, high = map(float, grid.span)
        for missing, where in ((points[0][0] > 0, 0), (points[-1][0] < 1, 1)):
            if missing and not grid.ranged:
                what = f"there is no number for the share {where}."
                raise Problem("generator.points", what, f"Add [{where}, ...], or give the field a range.")
        before = [(0.0, low)] if points[0][0] > 0 else []
        after = [(1.0, high)] if points[-1][0] < 1 else []
        return [*before, *points, *after]

    def raw(self, rng: Stream, n: int) -> F64:
        return self._evaluated(choose(rng, n, self._ends), rng.random(n))

    def _evaluated(self, piece: np.ndarray[tuple[int], np.dtype[np.int64]], part: F64) -> F64:
        """The curve in its pieces, each from 0 to 1."""
        cubic, square, line, start = self._cubics
        x = cubic.take(piece)
        for factor in (square, line, start):
            x *= part
            x += factor.take(piece)
        return x

    def cdf(self, x: F64) -> F64 | None:
        """Where the curve reaches x, by bisection: it only rises."""
        low, high = np.zeros(len(x)), np.ones(len(x))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            piece = np.clip(np.searchsorted(self._shares, middle, side="right") - 1, 0, len(self._ends) - 1)
            part = (middle - self._shares[piece]) / (self._ends[piece] - self._shares[piece])
            below = self._evaluated(piece, part) <= x
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        reached: F64 = np.where(low > 0.5, high, low)
        return reached


def cubics(x: F64, y: F64) -> tuple[F64, F64, F64, F64]:
    """Coefficients of the monotone cubic through some points, highest power first, an entry a piece.

    Each piece is a polynomial of its own 0 to 1. Slopes are the weighted harmonic means of Fritsch and Butland
    (1984), at the ends the three-point formula, cut so that the curve stays monotone.
    """
    width, rise = np.diff(x), np.diff(y)
    secant = rise / width
    slope = np.zeros(len(x))
    if len(x) == 2:
        slope[:] = secant[0]
    else:
        before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
        steep = (secant[:-1] > 0) & (secant[1:] > 0)
        with np.errstate(divide="ignore"):
            mean = (before + after) / (before / secant[:-1] + after / secant[1:])
        slope[1:-1] = np.where(steep, mean, 0.0)
        slope[0] = end_slope(width[0], width[1], secant[0], secant[1])
        slope[-1] = end_slope(width[-1], width[-2], secant[-1], secant[-2])
    start, end = slope[:-1] * width, slope[1:] * width
    return start + end - 2 * rise, 3 * rise - 2 * start - end, start, y[:-1].copy()


def end_slope(width: float, next_width: float, secant: float, next_secant: float) -> float:
    """The slope at an end, from the two pieces next to it: never falling, at most three times the secant."""
    slope = ((2 * width + next_width) * secant - width * next_secant) / (width + next_width)
    return min(max(slope, 0.0), 3 * secant)


class Kde(Shaped, kw_only=True):
    """Numbers like those of a sample: one of them, moved by a little normal noise (a Gaussian kernel density).

    - `data`: the sample
    - `bandwidth`: the standard deviation of the noise. Unless said, Silverman's rule: 0.9 times the standard
      deviation (or the middle half's width / 1.34, where that is less) over the fifth root of the sample's size
    - `clip`, `step`: as for `normal`
    """

    example: ClassVar[str] = """
- name: delivery_days
  type: number
  decimals: 1
  range: [0, 30]
  generator: {name: kde, data: [1.5, 2, 2.2, 2.8, 3, 3.1, 3.9, 4.5, 6, 9.5, 14]}
"""
    data: Annotated[list[Real], Meta(min_length=1, max_length=100_000)]
    bandwidth: Size | None = None

    def fit(self, grid: Grid) -> None:
        self._data = np.array(self.data)
        self._width = silverman(self._data) if self.bandwidth is None else self.bandwidth
        if not self._width:
            what = "there is no telling how far to move a sample of one value."
            raise Problem("generator.bandwidth", what, "Give it, e.g. bandwidth: 1, or add more values to `data`.")

    def raw(self, rng: Stream, n: int) -> F64:
        x = rng.standard_normal(n)
        x *= self._width
        x += self._data.take(rng.integers(0, len(self._data), n))
        return x


def silverman(data: F64) -> float:
    """Silverman's rule of thumb for the bandwidth (1986, formula 3.31); 0 for a sample of one value."""
    if len(data) < 2:
        return 0.0
    low, high = np.quantile(data, [0.25, 0.75])
    deviation = float(np.std(data, ddof=1))
    spread = min(deviation, float(high - low) / 1.34) or deviation
    return float(0.9 * spread * len(data) ** -0.2)

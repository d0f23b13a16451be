"""What samplers of numbers share: how what a distribution gives is fitted to its field."""

from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream, stream
from ffgen.sample.base import STEPS, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.grid import EXACT, F64, Grid
from ffgen.spec.types import Problem, ValueType

MOST_TABLED = STEPS // 8
"""Up to so many different values, their exact shares are tabled and values picked: about 7 ns each."""
LEAST_SHARE = 0.001
"""The least share of a distribution that must lie in the field's range."""
TRIED = 1 << 16
ROUNDS = 200
"""Rounds of drawing again. With the least share, the odds that they don't do are below 1e-300."""

Weighted = tuple[F64, F64]
"""Values that rise, and the share of each."""


class Shaped(Sampler):
    """A distribution of numbers, cut to the field's range, rounded to its decimals.

    A subclass gives `raw` numbers; its exact shares, where it knows them, make the draw a look-up when the field
    has few values.
    """

    gives: ClassVar[str] = "number"
    serves: ClassVar[frozenset[str]] = frozenset({"integer"})
    holds: ClassVar[frozenset[str]] = frozenset({"range", "decimals"})

    clip: Annotated[bool, Meta(description="Values beyond the range become its ends, in place of drawing again.")] = (
        False
    )
    step: Annotated[
        Annotated[float, Meta(gt=0, le=1e15)] | None, Meta(description="Values are rounded to multiples of this.")
    ] = None

    def fit(self, grid: Grid) -> None:
        """Settles parameters that depend on the field; raises `Problem` where they can't be. Called once, first."""

    def raw(self, rng: Stream, n: int) -> F64:
        """n numbers of the distribution itself, in an array of their own."""
        raise NotImplementedError

    def discrete(self) -> Weighted | None:
        """All values of the distribution; None where they are too many."""
        return None

    def cdf(self, x: F64) -> F64 | None:
        """The share of the distribution up to each x; None where no formula is at hand."""
        found = self.discrete()
        if found is None:
            return None
        values, shares = found
        reached: F64 = np.concatenate(([0.0], np.cumsum(shares)))
        return reached[np.searchsorted(values, x, side="right")]

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if self.clip and kind.field.range is None:
            raise Problem("generator.clip", "there is no range to clip to.", "Give the field a `range`.")
        self.grid = Grid.of(kind, self.step)
        self.fit(self.grid)
        self._values: NDArray[Any] | None = None
        self._prepare()

    def _prepare(self) -> None:
        found = self._tabled()
        if found is not None:
            self._keep(*found)
        elif self.grid.bounded and not self.clip:
            self._check_share()

    def _tabled(self) -> Weighted | None:
        """The field's values, rounded, with their shares, when they are few and known."""
        found = self.discrete()
        if found is not None:
            return self._merged(*found)
        grid = self.grid
        if not grid.numbered or not grid.count or grid.count > MOST_TABLED or abs(grid.first or 0) >= EXACT // 2:
            return None
        edges = grid.edges()
        values = grid.rounded(edges[:-1] + np.diff(edges) / 2)
        if self.clip:
            edges[0], edges[-1] = -np.inf, np.inf
        reached = self.cdf(edges)
        return None if reached is None else (values, np.maximum(np.diff(reached), 0.0))

    def _merged(self, values: F64, shares: F64) -> Weighted:
        rounded = self.grid.rounded(values.copy())
        if self.clip:
            self.grid.clipped(rounded)
        held = self.grid.inside(rounded)
        merged, place = np.unique(rounded[held], return_inverse=True)
        merged_shares: F64 = np.bincount(place, shares[held], len(merged)).astype(np.float64)
        return merged, merged_shares

    def _keep(self, values: F64, shares: F64) -> None:
        if shares.sum() < LEAST_SHARE:
            self._refuse_range()
        likely = shares > 0
        self._values = self.grid.final(values[likely])
        self._shares = cumulated(shares[likely].tolist())

    def _check_share(self) -> None:
        """Refuses a range in which next to nothing lies: looking for it could take forever."""
        rng = stream("share of a range")
        for size in (TRIED // 16, TRIED):
            found = np.count_nonzero(self.grid.inside(self.grid.rounded(self.raw(rng, size))))
            if found > LEAST_SHARE * TRIED:
                return
        self._refuse_range()

    def _refuse_range(self) -> None:
        if not self.grid.ranged:
            raise Problem("generator", "next to nothing that it draws fits 64 bits.", "Use smaller parameters.")
        what = f"less than {LEAST_SHARE:.1%} of what the generator draws lies in the range."
        raise Problem("range", what, "Move the range or the generator's parameters, or set `clip: true`.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self._values is not None:
            return self._values.take(choose(rng, n, self._shares))
        rounded = self.grid.rounded(self.raw(rng, n))
        if self.clip:
            self.grid.clipped(rounded)
        elif self.grid.bounded:
            self._draw_again(rng, rounded)
        return self.grid.final(rounded)

    def _draw_again(self, rng: Stream, rounded: F64) -> None:
        """Puts others in the place of numbers beyond the ends. As many are drawn at a time as the share of good
        ones so far asks for."""
        missing = np.flatnonzero(~self.grid.inside(rounded))
        drawn, good = len(rounded), len(rounded) - len(missing)
        for _ in range(ROUNDS):
            if not len(missing):
                return
            size = min(int(1.1 * len(missing) * drawn / (good + 1)) + 16, 1 << 20)
            more = self.grid.rounded(self.raw(rng, size))
            more = more[self.grid.inside(more)]
            rounded[missing[: len(more)]] = more[: len(missing)]
            drawn, good = drawn + size, good + len(more)
            missing = missing[len(more) :]
        rounded[missing] = self.grid.clipped(rounded[missing])

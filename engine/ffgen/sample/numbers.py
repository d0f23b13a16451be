"""Numbers by named distributions, mixtures of them, and chance."""

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from ffgen.rng import U64, Stream
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.build import convert
from ffgen.sample.grid import F64, LARGEST, Grid
from ffgen.sample.shaped import MOST_TABLED, Shaped, Weighted
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import shown

Real = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Size = Annotated[float, Meta(gt=0, le=LARGEST)]


class Uniform(Shaped):
    """Any number of the range, all equally likely, both ends included.

    Without a range: 0 to 1, whole numbers 0 to 1000. With `decimals`, all decimals in the range are equally likely.

    - `low`, `high`: ends inside the field's range, or in its place
    - `step`: only multiples of it
    """

    example: ClassVar[str] = """
- {name: discount, type: number, range: [0, 30], decimals: 1, generator: {name: uniform, step: 2.5}}
"""
    low: Real | None = None
    high: Real | None = None

    def fit(self, grid: Grid) -> None:
        if self.clip:
            raise Problem("generator.clip", "nothing is drawn beyond the range.", "Take it away.")
        self._grid = grid.between(*self._ends(grid))
        count = self._grid.count
        if count == 0 or self._grid.low > self._grid.high:
            what = "no number of the field lies between the ends."
            raise Problem("range" if self.low is self.high is None else "generator.low", what, "Widen them.")

    def _ends(self, grid: Grid) -> tuple[Any, Any]:
        """Exact ends: of the parameters and the field's range, the narrower."""
        low, high = grid.span
        if grid.ranged and hasattr(self, "kind"):
            low, high = getattr(self.kind, "low", low), getattr(self.kind, "high", high)
        if self.low is not None:
            low = max(low, self.low) if grid.ranged else self.low
        if self.high is not None:
            high = min(high, self.high) if grid.ranged else self.high
        return low, high

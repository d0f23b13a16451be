"""Numbers of several kinds."""

from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from ffgen.rng import Stream
from ffgen.sample.base import choose, cumulated
from ffgen.sample.build import convert
from ffgen.sample.grid import F64, LARGEST, Grid
from ffgen.sample.shaped import Shaped
from ffgen.spec.types import Problem
from ffgen.spec.types.base import shown


class Mixture(Shaped, kw_only=True):
    """Numbers of several kinds: each is drawn by one of a list of number generators, as often as its weight says.

    - `of`: generators, as they stand under `generator:`, each with a `weight` beside (1 unless said). Those without
      parameters of their own take the field's range as any other generator
    - `clip`, `step`: as for `normal`, for the mixture as a whole
    """

    example: ClassVar[str] = """
- name: response_ms
  type: integer
  range: [1, 30000]
  generator:
    name: mixture
    of:
      - {name: lognormal, median: 45, sigma: 0.4, weight: 95}
      - {name: normal, mean: 900, sd: 150, weight: 4}
      - {name: uniform, low: 30000, high: 30000, weight: 1}
"""
    of: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=100)]

    def fit(self, grid: Grid) -> None:
        pairs = [self._part(given, grid) for given in self.of]
        self._parts = [part for part, weight in pairs if weight]
        if not self._parts:
            raise Problem("generator.of", "all weights are 0.", "Give at least one a weight above 0.")
        weights = np.array([weight for _, weight in pairs if weight])
        self._weights: F64 = weights / weights.sum()
        self._shares = cumulated(self._weights.tolist())

    def _part(self, given: dict[str, Any], grid: Grid) -> tuple[Shaped, float]:
        rest = dict(given)
        name, weight = rest.pop("name", None), rest.pop("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= LARGEST:
            raise Problem("generator.of", f"the weight {shown(weight)} is no number from 0 up.", "E.g. weight: 3.")
        if not isinstance(name, str):
            raise Problem("generator.of", "each needs a `name`.", "E.g. {name: normal, mean: 40, sd: 12, weight: 3}.")
        try:
            part = convert(name, rest)
            if not isinstance(part, Shaped) or part.clip or part.step:
                what = "takes its clip and step from the mixture" if isinstance(part, Shaped) else "draws no numbers"
                raise Problem("generator.of", f"it {what}.", "See `ffgen types mixture`.")
            part.fit(grid)
        except Problem as problem:
            raise Problem("generator.of", f"`{name[:60]}`: {problem.what}", problem.hint) from None
        return part, float(weight)

    def raw(self, rng: Stream, n: int) -> F64:
        found = np.empty(n)
        picks = choose(rng, n, self._shares)
        for i, part in enumerate(self._parts):
            places = np.flatnonzero(picks == i)
            found[places] = part.raw(rng, len(places))
        return found

    def cdf(self, x: F64) -> F64 | None:
        reached = np.zeros(len(x))
        for part, weight in zip(self._parts, self._weights, strict=True):
            share = part.cdf(x)
            if share is None:
                return None
            reached += weight * share
        return reached

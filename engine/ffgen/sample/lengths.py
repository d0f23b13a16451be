"""How many items an array has."""

import math
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.sample.base import choose, cumulated
from ffgen.spec.types import Problem

MOST = 1 << 20
"""Items of one array, at most."""
KEY = "generator.lengths"


class NegativeBinomial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts that spread wider than Poisson's: the smaller `r`, the wider."""

    mean: Annotated[float, Meta(gt=0, le=MOST)]
    r: Annotated[float, Meta(gt=0, le=1e6)]


class Lengths(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many items arrays have: one of these. Poisson and negative binomial are cut to the field's `length`."""

    fixed: Annotated[int, Meta(ge=0, le=MOST)] | None = None
    uniform: Annotated[list[Annotated[int, Meta(ge=0, le=MOST)]], Meta(min_length=2, max_length=2)] | None = None
    poisson: Annotated[float, Meta(gt=0, le=MOST)] | None = None
    negative_binomial: NegativeBinomial | None = None
    empirical: (
        Annotated[dict[int | str, Annotated[float, Meta(ge=0)]], Meta(description="{length: weight}.", min_length=1)]
        | None
    ) = None

    def within(self, low: int, high: int) -> "Drawn":
        """Bound to the field's `length`; raises `Problem`."""
        said = [name for name, value in msgspec.structs.asdict(self).items() if value is not None]
        if len(said) != 1:
            raise Problem(KEY, f"needs one distribution, got {len(said)}.", "E.g. lengths: {poisson: 2.5}.")
        if self.fixed is not None:
            return Drawn(*_inside(self.fixed, self.fixed, low, high))
        if self.uniform is not None:
            if self.uniform[1] < self.uniform[0]:
                raise Problem(f"{KEY}.uniform", f"{self.uniform[1]} is below {self.uniform[0]}.", "Swap them.")
            return Drawn(*_inside(self.uniform[0], self.uniform[1], low, high))
        if self.empirical is not None:
            return _empirical(self.empirical, low, high)
        return self._counted(low, high)

    def _counted(self, low: int, high: int) -> "Drawn":
        if self.poisson is not None:
            mean, spread = self.poisson, self.poisson
        else:
            assert self.negative_binomial is not None
            mean = self.negative_binomial.mean
            spread = mean + mean * mean / self.negative_binomial.r
        high = max(low, min(high, math.ceil(mean + 60 * math.sqrt(spread) + 60)))
        logs = np.array([self._log_share(count) for count in range(low, high + 1)])
        return Drawn(low, high, np.exp(logs - logs.max()))

    def _log_share(self, count: int) -> float:
        if self.poisson is not None:
            return count * math.log(self.poisson) - math.lgamma(count + 1)
        assert self.negative_binomial is not None
        mean, r = self.negative_binomial.mean, self.negative_binomial.r
        return math.lgamma(count + r) - math.lgamma(count + 1) + count * math.log(mean / (mean + r))


class Drawn:
    """Lengths from `low` to `high`, alike or by weights. 3 to 6 ns a length."""

    def __init__(self, low: int, high: int, weights: NDArray[np.float64] | None = None) -> None:
        self.low, self.high = low, high
        self._shares = None if weights is None else cumulated(weights.tolist())

    def draw(self, rng: Stream, n: int) -> NDArray[np.int64]:
        """n lengths."""
        if self._shares is not None:
            return self.low + choose(rng, n, self._shares)
        if self.low == self.high:
            return np.full(n, self.low, dtype=np.int64)
        return rng.integers(self.low, self.high + 1, n, dtype=np.int64)


def _inside(least: int, most: int, low: int, high: int) -> tuple[int, int]:
    if least < low or most > high:
        said = f"{least}" if least == most else f"{least} to {most}"
        hint = f"Give the field `length: [{min(least, low)}, {max(most, high)}]`."
        raise Problem(KEY, f"{said} items; the field's `length` is {low} to {high}.", hint)
    return least, most


def _empirical(given: dict[int | str, float], low: int, high: int) -> Drawn:
    weights: dict[int, float] = {}
    for raw, weight in given.items():
        text: Any = str(raw)
        if not text.isascii() or not text.isdecimal() or int(text) > MOST:
            raise Problem(f"{KEY}.empirical", f"`{text[:40]}` is no length.", "E.g. {1: 0.5, 2: 0.3, 5: 0.2}.")
        if weight > 0:
            weights[int(text)] = weights.get(int(text), 0.0) + weight
    if not weights or not math.isfinite(sum(weights.values())):
        raise Problem(f"{KEY}.empirical", "no length has a weight.", "E.g. {1: 0.5, 2: 0.3, 5: 0.2}.")
    least, most = _inside(min(weights), max(weights), low, high)
    return Drawn(least, most, np.array([weights.get(length, 0.0) for length in range(least, most + 1)]))

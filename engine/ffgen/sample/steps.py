"""Steps of values that rise: drawn, and fitted to blocks whose sum is known beforehand."""

import math
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.spec.types import Problem

BLOCK = 65_536
"""Rows whose steps add up to as many mean steps exactly."""
KEY = "generator.step"

Given = Annotated[float, Meta(ge=0)]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A random step: one of these."""

    uniform: Annotated[list[Given], Meta(min_length=2, max_length=2)] | None = None
    exponential: Annotated[float, Meta(gt=0, description="Its mean.")] | None = None


class Steps:
    """Steps at or above 0, in units of the field's last decimal place: whole numbers where they can be, else floats."""

    def __init__(self, low: float, high: float | None, mean: float, whole: bool) -> None:
        self.whole = whole
        self.low: Any = int(low) if whole else low
        self.high: Any = int(high) if whole and high is not None else high
        self.mean = mean
        self.span: Any = round(mean * BLOCK) if whole else mean * BLOCK
        self.constant: Any = self.low if self.low == self.high else None

    @classmethod
    def of(cls, given: float | Step, scale: int, exact: bool) -> "Steps":
        """The steps that a spec asks for, times `scale`; raises `Problem`. `exact` takes whole ones as such."""
        if isinstance(given, Step):
            if (given.uniform is None) == (given.exponential is None):
                raise Problem(KEY, "needs one of `uniform` and `exponential`.", "E.g. step: {uniform: [1, 5]}.")
            if given.exponential is not None:
                return cls(0.0, None, _bounded(given.exponential) * scale, False)
        low, high = given.uniform or [0, 0] if isinstance(given, Step) else [given, given]
        if high < low:
            raise Problem(f"{KEY}.uniform", f"{high:g} is below {low:g}.", "Swap them.")
        # 0.29 * 100 is a little below 29.
        low, high = (round(_bounded(end) * scale, 9) for end in (low, high))
        whole = exact and low == math.floor(low) and high == math.floor(high)
        return cls(low, high, (low + high) / 2, whole)

    def draw(self, rng: Stream, n: int) -> NDArray[Any]:
        """n steps; 4 to 8 ns each."""
        if self.constant is not None:
            return np.full(n, self.constant, dtype=np.int64 if self.whole else np.float64)
        if self.high is None:
            return rng.standard_exponential(n) * self.mean
        if self.whole:
            return np.asarray(rng.integers(self.low, self.high + 1, n, dtype=np.int64))
        return np.asarray(self.low + rng.random(n) * (self.high - self.low))

    def block(self, rng: Stream) -> NDArray[Any]:
        """How far each of a block's rows is above its first, when the next block begins at `span`: about 1 ms."""
        steps = self.fitted(self.draw(rng, BLOCK))
        risen = np.cumsum(steps) - steps
        return np.asarray(risen) if self.whole else np.minimum(risen, self.span)

    def fitted(self, steps: NDArray[Any]) -> NDArray[Any]:
        """The steps, changed by so little that they add up to `span` and still are such steps: what is too much or
        too little is shared out among them by the room that each has."""
        excess = steps.sum() - self.span
        if self.high is None:
            return np.asarray(steps * (self.span / steps.sum()))
        room = steps - self.low if excess > 0 else self.high - steps
        whole_room = room.sum()
        if not excess or not whole_room:
            return steps
        share = abs(excess) / whole_room
        if not self.whole:
            return np.asarray(steps - np.sign(excess) * room * share)
        change = np.floor(room * share).astype(np.int64)
        left = int(abs(excess) - change.sum())
        # One more for some, evenly along the block.
        some = np.flatnonzero(room > change)
        change[some[np.arange(left) * len(some) // max(left, 1)]] += 1
        return np.asarray(steps - int(np.sign(excess)) * change)


def _bounded(step: float) -> float:
    if not step <= 1e12:
        raise Problem(KEY, f"{step:g} is too large a step.", "At most 1e12.")
    return step

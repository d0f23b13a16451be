"""Waiting times between events, so that any row's time can be found without those before it.

The gaps of a table are the leaves of a binary tree: a node knows how much time its rows take together, and a keyed
draw says which share of it the first half takes. For exponential and gamma gaps the shares follow a beta
distribution and what comes out is exactly the process of independent gaps (given the time of the far end); for
others the beta distribution has the right mean and variance. Below 65,536 rows gaps are drawn one by one and scaled
to the time of their block. Finding a block costs a draw a level, 40 at most.
"""

import math
from functools import lru_cache
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, stream
from ffgen.sample.noise import Floats

Law = Literal["exponential", "gamma", "lognormal", "constant"]

BLOCK = 1 << 16
ENDLESS = 1 << 40
"""Gaps of a table whose time has no end."""
SPREADS: dict[str, float] = {"exponential": 1.0, "gamma": 0.5, "lognormal": 1.0, "constant": 0.0}


class Gaps(msgspec.Struct, frozen=True):
    """The law of one gap: its mean is 1, its standard deviation `spread`."""

    law: Law
    spread: float

    def draw(self, rng: Stream, n: int) -> Floats:
        """Independent gaps."""
        match self.law:
            case "exponential":
                return rng.standard_exponential(n)
            case "gamma":
                return rng.standard_gamma(self.spread**-2, n) * self.spread**2
            case "lognormal":
                sigma = math.sqrt(math.log1p(self.spread**2))
                return rng.lognormal(-(sigma**2) / 2, sigma, n)
        return np.ones(n)


class Process(msgspec.Struct, frozen=True):
    """`gaps` events over `span` microseconds, the last at its end."""

    law: Gaps
    gaps: int
    span: float
    key: int

    def times(self, index: U64) -> NDArray[np.int64]:
        """Microseconds from the start to the events with these numbers, each below `gaps`; they never fall."""
        times = np.zeros(len(index), dtype=np.int64)
        blocks = index // np.uint64(BLOCK)
        for block in np.unique(blocks).tolist():
            inside = np.flatnonzero(blocks == block)
            times[inside] = _block(self, block)[index[inside] - np.uint64(block * BLOCK)]
        return times

    def begin(self, block: int) -> float:
        """When a block of 65,536 gaps begins."""
        first, gaps, begin, span = 0, self.gaps, 0.0, self.span
        if block * BLOCK >= gaps:
            return span
        while gaps > BLOCK:
            half = 1 << ((gaps - 1).bit_length() - 1)
            share = _share(self.key, self.law.spread, first, half, gaps)
            if block * BLOCK < first + half:
                gaps, span = half, span * share
            else:
                first, gaps, begin, span = first + half, gaps - half, begin + span * share, span * (1 - share)
        return begin


@lru_cache(maxsize=4096)
def _share(key: int, spread: float, first: int, half: int, gaps: int) -> float:
    """The share of its time that the first half of a node takes."""
    if not spread:
        return half / gaps
    weight = spread**-2
    return float(stream(key, "half", first, gaps).beta(half * weight, (gaps - half) * weight))


@lru_cache(maxsize=4)
def _block(process: Process, block: int) -> NDArray[np.int64]:
    """The times of one block, kept for shards that are smaller."""
    begin, end = process.begin(block), process.begin(block + 1)
    n = min(BLOCK, process.gaps - block * BLOCK)
    passed = np.cumsum(process.law.draw(stream(process.key, "block", block), n))
    passed *= (end - begin) / passed[-1]
    times = np.minimum(passed + begin, end).astype(np.int64)
    times.flags.writeable = False
    return times

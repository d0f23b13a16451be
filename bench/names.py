"""What ffgen and its peers draw alike: names and cities with their weights, those of ffgen's en_US, and the shape of
the week and the day. A peer that picks by weight does so from a table of 65,536 picks."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ffgen.sample.identity import known

PICKS = 1 << 16
FIRST_DAY, DAYS = 18_993, 1096
"""Days from 2022-01-01 to 2024-12-31, counted from 1970."""
WEEK = (5.0, 5.0, 5.0, 5.0, 6.0, 8.0, 7.0)
"""From Monday."""
HOURS = (*[0.0] * 9, 3.0, 6.0, 8.0, 9.0, 8.0, 7.0, 7.0, 9.0, 10.0, 8.0, 4.0, *[0.0] * 4)
"""From midnight: a shop's."""


class Names(Struct):
    """Texts, each with how often it comes."""

    first: list[str]
    first_weights: list[float]
    last: list[str]
    last_weights: list[float]
    city: list[str]
    city_weights: list[float]


@cache
def names() -> Names:
    """Read once a process."""
    data = known("en_US")
    people = [data["male"], data["female"]]
    return Names(
        [name for sex in people for name in sex["names"]],
        [weight for sex in people for weight in sex["weights"]],
        data["last"]["names"],
        data["last"]["weights"],
        data["cities"]["names"],
        data["cities"]["weights"],
    )


def day_weights() -> list[float]:
    """One a day of the range."""
    return [WEEK[(FIRST_DAY + day + 3) % 7] for day in range(DAYS)]


def picks(weights: Sequence[float]) -> NDArray[np.uint32]:
    """A table of 65,536 picks in which each number stands as often as its weight says."""
    ends = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(ends / ends[-1], (np.arange(PICKS) + 0.5) / PICKS, side="right").astype(np.uint32)

"""Ranges cut into parts, in words for a prompt."""

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from ffgen.spec.types import ValueType
from ffgen.spec.types.number import Boolean, Integer, Number
from ffgen.spec.types.time import Date, Datetime

FEWEST = 2
"""Whole numbers or days that a band has at least."""


def bands_of(kind: ValueType, parts: int) -> list[str]:
    """A field's range cut into `parts`, in words; empty when there is none, or too little of it."""
    if not isinstance(kind, Integer | Number | Date | Datetime) or kind.low is None or kind.field.values:
        return []
    low, high = kind.low, kind.high
    if isinstance(kind, Number):
        return _of_number(low, high, parts)
    if isinstance(kind, Integer):
        size = high - low + 1
        cuts = [low + size * band // parts for band in range(parts + 1)]
        return [f"{a} to {b - 1}" for a, b in pairwise(cuts)] if size >= FEWEST * parts else []
    days = (high - low).days + 1
    starts = [low + timedelta(days=days * band // parts) for band in range(parts)]
    ends = [*(start - timedelta(days=1) for start in starts[1:]), high]
    spans = zip(starts, ends, strict=True)
    return [f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" for first, last in spans] if days >= FEWEST * parts else []


def _of_number(low: float, high: float, parts: int) -> list[str]:
    """Ends have three digits of the width, so that they read like what a person would say."""
    width = high - low
    if width == 0 or not math.isfinite(width):
        return []
    places = 2 - math.floor(math.log10(width))
    edges = [f"{round(low + width * band / parts, places) + 0.0:.15g}" for band in range(parts + 1)]
    return [f"{first} to {last}" for first, last in pairwise(edges)]


def small_values(kind: ValueType) -> Sequence[Any]:
    """The values of a type that has few without listing them: yes and no, a rating from 1 to 5."""
    if isinstance(kind, Boolean):
        return [True, False]
    if isinstance(kind, Integer) and kind.low is not None and kind.high - kind.low < 20:
        return range(kind.low, kind.high + 1)
    return []

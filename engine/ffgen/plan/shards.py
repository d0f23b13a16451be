"""How a dataset is cut into shards: their sizes, seeds and slices of the space, all functions of the index.

An asked table is the first N admitted rows of an endless sequence of shards. The first ones are as many as a
perfect model would need; make-up shards follow, of a size fixed here, and what is beyond N is dropped.
"""

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import xxhash
from msgspec import Struct

from ffgen.spec.types import ValueType
from ffgen.spec.types.number import Integer, Number
from ffgen.spec.types.time import Date, Datetime

BATCH_SIZE = 32
LETTERS = "MARCSEJLTBDGKPHNVFOIW"
"""Initials that many names begin with, spread so that neighbours differ."""
BANDS = 6


class Shards(Struct, frozen=True):
    """The sequence of shards of one asked table."""

    count: int
    batch_size: int
    seed: int
    table: str

    @property
    def base(self) -> int:
        """Shards that a perfect model would need."""
        return -(-self.count // self.batch_size)

    @property
    def makeup_size(self) -> int:
        """Rows of a make-up shard: a whole batch, but no more than a quarter of a small table."""
        return max(1, min(self.batch_size, -(-self.count // 4)))

    def size(self, index: int) -> int:
        """Rows asked for in shard `index`."""
        if index < self.base - 1:
            return self.batch_size
        if index == self.base - 1:
            return self.count - self.batch_size * index
        return self.makeup_size

    def seed_of(self, index: int, attempt: int) -> int:
        """The model's seed for one ask: 31 bits, a function of seed, table, shard and attempt only."""
        text = f"{self.seed}/{self.table}/{index}/{attempt}".encode()
        return xxhash.xxh3_64_intdigest(text) >> 33


def slice_words(types: Sequence[ValueType], shards: Shards, index: int) -> str:
    """What sets shard `index` apart, in words for the prompt: a band of each range, an initial for the text.

    Neighbouring shards never share a slice of the same field. The bands of several fields are combined like the
    digits of a number, so that in 36 shards two fields go through all 36 pairs of bands.
    """
    parts = []
    offset = shards.seed_of(0, 0)
    banded = [(kind, bands) for kind in types if (bands := bands_of(kind))]
    for position, (kind, bands) in enumerate(banded):
        step = index + (index // BANDS**position if position else 0)
        parts.append(f"{kind.field.name} mostly {bands[(step + offset) % BANDS]}")
    free = next((kind for kind in [*filter(is_prose, types), *filter(is_open, types)]), None)
    if free is not None:
        first = LETTERS[(index + offset) % len(LETTERS)]
        # Another distance in each round of the alphabet, never 0: two letters, and not the same pair again.
        second = LETTERS[(index + offset + 1 + index // len(LETTERS) % (len(LETTERS) - 1)) % len(LETTERS)]
        both = f"{first} or {second}" if is_prose(free) else f"{first.lower()} or {second.lower()}"
        parts.append(f"{free.field.name} mostly starting with {both}")
    return "; ".join(parts)


def is_prose(kind: ValueType) -> bool:
    """Text that the model makes up: no list, no pattern."""
    return kind.field.type in ("string", "text") and not kind.field.values and not kind.field.pattern


def is_open(kind: ValueType) -> bool:
    """An address whose start the model makes up, in small letters."""
    return kind.field.type == "email" and not kind.field.values and (kind.field.pattern or "@").startswith("@")


def bands_of(kind: ValueType) -> list[str]:
    """A field's range cut into `BANDS` parts, in words; empty when there is none, or too little of it."""
    if not isinstance(kind, Integer | Number | Date | Datetime) or kind.low is None or kind.field.values:
        return []
    low, high = kind.low, kind.high
    if isinstance(kind, Number):
        return bands_of_number(low, high)
    if isinstance(kind, Integer):
        size = high - low + 1
        cuts = [low + size * band // BANDS for band in range(BANDS + 1)]
        return [f"{a} to {b - 1}" for a, b in pairwise(cuts)] if size >= 2 * BANDS else []
    days = (high - low).days + 1
    starts = [low + timedelta(days=days * band // BANDS) for band in range(BANDS)]
    ends = [*(start - timedelta(days=1) for start in starts[1:]), high]
    spans = zip(starts, ends, strict=True)
    return [f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" for first, last in spans] if days >= 2 * BANDS else []


def bands_of_number(low: float, high: float) -> list[str]:
    """See `bands_of`. Ends have three digits of the width, so that they read like what a person would say."""
    width = high - low
    if width == 0 or not math.isfinite(width):
        return []
    places = 2 - math.floor(math.log10(width))
    edges = [f"{round(low + width * band / BANDS, places) + 0.0:.15g}" for band in range(BANDS + 1)]
    return [f"{first} to {last}" for first, last in pairwise(edges)]

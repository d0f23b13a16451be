"""How a dataset is cut into shards: their sizes, seeds and slices of the space, all functions of the index.

An asked table is the first N admitted rows of an endless sequence of shards. The first ones are as many as a
perfect model would need; make-up shards follow, of a size fixed here, and what is beyond N is dropped.
"""

from datetime import date, datetime, timedelta
from typing import Any

import xxhash
from msgspec import Struct

from ffgen.spec.model import Field

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


def slice_words(fields: list[Field], shards: Shards, index: int) -> str:
    """What sets shard `index` apart, in words for the prompt: a band of each range, an initial for the text.

    Neighbouring shards never share a slice: strides are odd, so each field walks all its bands in turn.
    """
    parts = []
    offset = shards.seed_of(0, 0)
    for position, field in enumerate(fields):
        stride = index * (2 * position + 1) + offset
        if band := band_words(field, stride % BANDS):
            parts.append(f"{field.name} mostly {band}")
    free = next((field for field in fields if is_free_text(field)), None)
    if free is not None:
        first = LETTERS[(index + offset) % len(LETTERS)]
        second = LETTERS[(index // len(LETTERS) + offset + 7) % len(LETTERS)]
        parts.append(f"{free.name} mostly starting with {first} or {second}")
    return "; ".join(parts)


def is_free_text(field: Field) -> bool:
    """Text that the model makes up: no list, no pattern."""
    return field.type in ("string", "text") and not field.values and not field.pattern


def band_words(field: Field, band: int) -> str:
    """One of `BANDS` parts of a field's range, in words; empty when the range is too small to be cut."""
    if field.range is None or field.values:
        return ""
    low, high = field.range
    if field.type == "integer" and int(high) - int(low) >= 2 * BANDS:
        start, end = cut(int(low), int(high) + 1, band)
        return f"{int(start)} to {int(end) - 1}"
    if field.type == "number":
        start, end = cut(float(low), float(high), band)
        return f"{start:.4g} to {end:.4g}"
    if field.type in ("date", "datetime"):
        start, end = (datetime.fromisoformat(str(edge)) for edge in (low, high))
        if (end - start) >= timedelta(days=2 * BANDS):
            first, last = cut(start, end, band)
            return f"{as_date(first)} to {as_date(last)}"
    return ""


def cut(low: Any, high: Any, band: int) -> tuple[Any, Any]:
    """The ends of part `band` of `BANDS` equal parts."""
    width = (high - low) / BANDS
    return low + width * band, low + width * (band + 1)


def as_date(moment: datetime) -> date:
    """The day of a moment."""
    return moment.date()

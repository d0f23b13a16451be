"""How a dataset is cut into shards: their sizes and seeds, all functions of the index.

An asked table is the first N admitted rows of an endless sequence of shards. The first ones are as many as a
perfect model would need; make-up shards follow, of a size fixed here, and what is beyond N is dropped.
"""

import xxhash
from msgspec import Struct

BATCH_SIZE = 32
FARTHEST = 1024
"""How far steering looks back at most: as many requests as a run may have in flight."""

LARGER = 2
"""The step of steering from which make-up shards are larger."""


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

    @property
    def lag(self) -> int:
        """How far steering looks back: a make-up shard knows the verdicts of those so many before it, no later ones."""
        return max(4, min(self.base // 2, FARTHEST))

    def horizon(self, index: int) -> int:
        """Shards whose verdicts may bear on what shard `index` asks: all below this. Never falls with the index.

        The first ones look back as far as can be, so that one that hangs stops no other for long.
        """
        return max(0, index - (FARTHEST if index < self.base else self.lag))

    def size(self, index: int, step: int = 0) -> int:
        """Rows asked for in shard `index`; in the last step of steering a make-up shard has twice as many."""
        if index < self.base - 1:
            return self.batch_size
        if index == self.base - 1:
            return self.count - self.batch_size * index
        return self.makeup_size * (2 if step == LARGER else 1)

    def seed_of(self, index: int, attempt: int) -> int:
        """The model's seed for one ask: 31 bits, a function of seed, table, shard and attempt only."""
        text = f"{self.seed}/{self.table}/{index}/{attempt}".encode()
        return xxhash.xxh3_64_intdigest(text) >> 33

"""Rows that are made: which are held in memory, whose turn it is to be judged, what is on its way to the disk. Pure,
and changed by `state` alone.

Shards are judged in order, and what waits for its turn is held in so many bytes, whatever is slow.
"""

from collections.abc import Mapping

from ffgen.run.moves import Command, DropRows, JudgeShard, MakeShard
from ffgen.run.standing import Shard

WINDOW = 64 * 2**20
"""Bytes of made rows held in memory while an earlier shard is awaited; what is beyond waits on disk."""
UNWRITTEN = 16 * 2**20
"""Bytes on their way through gate and writer at which judging stops, and through the writer alone at which asking
stops: a slow disk slows the model down."""
MAKING = 8
"""Kept replies that are made again at once."""


class Bench:
    """`shards` are those under way, by number; `next` is the one whose turn it is. `held`, `judging` and `unwritten`
    are bytes of rows: in memory, of those at the gate, and beyond it."""

    def __init__(self, shards: Mapping[int, Shard]) -> None:
        self.shards = shards
        self.next = 0
        self.held = 0
        self.judging = 0
        self.unwritten = 0

    @property
    def is_full(self) -> bool:
        """Whether the writer has enough to do."""
        return self.unwritten >= UNWRITTEN

    def hold(self, index: int, size: int) -> list[Command]:
        """A shard's rows are made. Without room for them they are forgotten, unless it is their turn."""
        shard = self.shards[index]
        if self.held + size > WINDOW and index != self.next:
            shard.phase = "kept"
            return [DropRows(index)]
        shard.phase = "made"
        shard.bytes = size
        self.held += size
        return []

    def judge(self) -> list[Command]:
        """Those whose turn it is."""
        commands: list[Command] = []
        while self.judging + self.unwritten < UNWRITTEN:
            shard = self.shards.get(self.next)
            if shard is None or shard.phase != "made":
                break
            shard.phase = "judging"
            self.judging += shard.bytes
            commands.append(JudgeShard(self.next))
            self.next += 1
        return commands

    def judged(self, shard: Shard) -> None:
        """The verdict on a shard is there; its rows go to the writer."""
        self.held -= shard.bytes
        self.judging -= shard.bytes
        self.unwritten += shard.bytes

    def remake(self) -> list[Command]:
        """Kept replies nearest the head become rows again as room appears."""
        commands: list[Command] = []
        for index in range(self.next, self.next + MAKING):
            shard = self.shards.get(index)
            if shard is None or (self.held >= WINDOW // 2 and index != self.next):
                break
            if shard.phase == "kept":
                shard.phase = "making"
                commands.append(MakeShard(index, shard.attempt))
        return commands

"""What a run of given rows does next: as `run.state`, but every row of a shard is needed, and none is made up for.

A shard whose answers lack rows is asked again for those, at most `retries` times; so is one whose rows the judge
refuses. Shards are judged one at a time, in order, so a text that is there already is told from the rows before it
alone, whatever order the replies came in.
"""

from typing import Any

from ffgen.plan.shards import Shards
from ffgen.run.bench import WINDOW, Bench
from ffgen.run.moves import Command, Complete, Judged, JudgeShard, WriteShard
from ffgen.run.standing import Shard
from ffgen.run.state import State

AHEAD = 4096
"""Shards that may be under way while an earlier one is waited for."""


class OneByOne(Bench):
    """Every row is needed, so none is forgotten, and the next shard is judged when the one before is complete."""

    def hold(self, index: int, size: int) -> list[Command]:
        """See Bench."""
        shard = self.shards[index]
        shard.phase = "made"
        self.held += size - shard.bytes
        shard.bytes = size
        return []

    def judge(self) -> list[Command]:
        """See Bench."""
        shard = self.shards.get(self.next)
        if shard is None or shard.phase != "made" or self.is_full:
            return []
        shard.phase = "judging"
        return [JudgeShard(self.next)]

    def judged(self, shard: Shard) -> None:
        """See Bench."""
        self.next += 1
        self.held -= shard.bytes
        self.unwritten += shard.bytes


class Rowwise(State):
    """Decides a run of given rows."""

    def __init__(self, shards: Shards, *, max_asks: int, retries: int, **more: Any) -> None:
        # The budget is each shard's own: spent by whoever comes first, it would make bytes depend on load.
        tries = min(retries, max(0, max_asks // max(shards.base, 1) - 1))
        super().__init__(shards, max_asks=max(max_asks, shards.base * (tries + 1)), retries=tries, **more)
        self.bench = OneByOne(self.open)

    def lacks(self, shard: Shard, rows: int) -> bool:
        """See State."""
        return rows < shard.size

    def is_last_try(self, index: int) -> bool:
        """Whether a shard is not asked again, whatever becomes of it."""
        return self.open[index].attempt >= self.retries

    def _wants_more(self) -> bool:
        under_way = self.launched - self.bench.next
        return self.launched < self.shards.base and under_way < AHEAD and self.bench.held < WINDOW

    def _judged(self, event: Judged) -> list[Command]:
        shard = self.open[event.shard]
        if event.admitted < shard.size:
            self.counts.duplicates += shard.size - event.admitted
            self.counts.asks += 1
            shard.attempt += 1
            self._dispatch.queue(event.shard, float("-inf"))
            return []
        del self.open[event.shard]
        self.bench.judged(shard)
        self.counts.admitted += event.admitted
        commands: list[Command] = [WriteShard(event.shard, event.admitted)]
        if self.counts.admitted == self.shards.count:
            self.ended = True
            commands.append(Complete())
        return commands

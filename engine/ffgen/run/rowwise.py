"""What a run of given rows does next: as `run.state`, but every row of a shard is needed, and none is made up for.

A shard whose answers lack rows is asked again for those, at most `retries` times; so is one whose rows the judge
refuses. Shards are judged one at a time, in order, so a text that is there already is told from the rows before it
alone, whatever order the replies came in.
"""

from typing import Any

from ffgen.plan.shards import Shards
from ffgen.run.moves import Command, Complete, Judged, JudgeShard, WriteShard
from ffgen.run.standing import Shard
from ffgen.run.state import UNWRITTEN, WINDOW, State

AHEAD = 4096
"""Shards that may be under way while an earlier one is waited for."""


class Rowwise(State):
    """Decides a run of given rows."""

    at_judge = False

    def __init__(self, shards: Shards, *, max_asks: int, retries: int, **more: Any) -> None:
        # The budget is each shard's own: spent by whoever comes first, it would make bytes depend on load.
        tries = min(retries, max(0, max_asks // max(shards.base, 1) - 1))
        super().__init__(shards, max_asks=max(max_asks, shards.base * (tries + 1)), retries=tries, **more)

    def lacks(self, shard: Shard, rows: int) -> bool:
        """See State."""
        return rows < shard.size

    def is_last_try(self, index: int) -> bool:
        """Whether a shard is not asked again, whatever becomes of it."""
        return self.open[index].attempt >= self.retries

    def _hold(self, index: int, shard: Shard, size: int) -> list[Command]:
        shard.phase = "made"
        self.held += size - shard.bytes
        shard.bytes = size
        return []

    def _wants_more(self) -> bool:
        under_way = self.launched - self.judged_next
        return self.launched < self.shards.base and under_way < AHEAD and self.held < WINDOW

    def _judge(self) -> list[Command]:
        shard = self.open.get(self.judged_next)
        if self.at_judge or shard is None or shard.phase != "made" or self.unwritten >= UNWRITTEN:
            return []
        shard.phase = "judging"
        self.at_judge = True
        return [JudgeShard(self.judged_next)]

    def _judged(self, event: Judged) -> list[Command]:
        self.at_judge = False
        shard = self.open[event.shard]
        if event.admitted < shard.size:
            self.counts.duplicates += shard.size - event.admitted
            self.counts.asks += 1
            shard.attempt += 1
            self._dispatch.queue(event.shard, float("-inf"))
            return []
        del self.open[event.shard]
        self.judged_next += 1
        self.held -= shard.bytes
        self.counts.admitted += event.admitted
        self.unwritten += shard.bytes
        commands: list[Command] = [WriteShard(event.shard, event.admitted)]
        if self.counts.admitted == self.shards.count:
            self.ended = True
            commands.append(Complete())
        return commands

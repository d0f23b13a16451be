"""Which shard is asked for next, of whom, and when again: the queue, the endpoints, requests in flight. Pure, like
`state`, which alone changes it and decides what there is to ask for.
"""

import random
from collections.abc import Mapping
from typing import Literal

from ffgen.ask.limit import Permit
from ffgen.ask.retry import Budget, delay
from ffgen.run.calls import Calls
from ffgen.run.moves import AskShard, Failed, Outrun, Rephrased
from ffgen.run.servers import Servers
from ffgen.run.standing import Shard
from ffgen.run.waiting import Waiting

ELSEWHERE = 3
"""Failures of a shard after which it waits before it goes to another endpoint."""


class Dispatch:
    """Sends shards to endpoints. `shards` are those under way, by number; `now` as in `State`."""

    def __init__(
        self,
        shards: Mapping[int, Shard],
        endpoints: int,
        concurrency: int | Literal["auto"],
        patience: float,
        seed: int,
    ) -> None:
        self.shards = shards
        self.servers = Servers(endpoints, concurrency, patience)
        self.calls = Calls(self.servers)
        self.waiting = Waiting()
        self._budget = Budget()
        self._random = random.Random(seed)

    def queue(self, index: int, at: float) -> None:
        """A shard goes again, from this time on."""
        self.shards[index].phase = "queued"
        self.waiting.put(index, at)

    def find(self, now: float) -> tuple[int, Permit] | None:
        """A permit for what goes next: not where that has failed, if another endpoint has one."""
        index = self.waiting.first(now)
        return self.servers.take(now, -1 if index is None else self.shards[index].failed_at)

    def send(self, index: int, endpoint: int, permit: Permit) -> AskShard:
        """A shard is asked for."""
        shard = self.shards[index]
        shard.phase = "asked"
        self._budget.earn()
        self.calls.begin(index, shard.attempt, endpoint, permit)
        return AskShard(index, shard.attempt, endpoint, shard.steer)

    def double(self, now: float) -> list[AskShard]:
        """Requests that are late go to a second endpoint, each once. For when nothing else can be asked."""
        commands = []
        for index, endpoint, permit in self.calls.late(now):
            shard = self.shards[index]
            self.calls.begin_double(index, endpoint, permit)
            commands.append(AskShard(index, shard.attempt, endpoint, shard.steer, is_double=True))
        return commands

    def failed(self, event: Failed, now: float) -> bool:
        """A request brought no reply. Whether another for the shard is still in flight."""
        told = (event.kind, now, event.retry_after, event.what)
        self.shards[event.shard].failed_at, is_left = self.calls.fail(event.shard, event.endpoint, *told)
        return is_left

    def retry(self, event: Failed, now: float) -> None:
        """The shard of a failed request goes again, after a pause."""
        self.shards[event.shard].failures += 1
        self.queue(event.shard, now + self._pause(event, self.shards[event.shard], now))

    def _pause(self, event: Failed, shard: Shard, now: float) -> float:
        """Seconds until a failed request goes again: none where another endpoint takes it."""
        if shard.failures <= ELSEWHERE * len(self.servers) and self.servers.can_take(now, but=shard.failed_at):
            return 0.0
        if event.kind == "overloaded":
            return delay(1, event.retry_after, self._random.random())  # what it has too much of is no retry
        # A pause spares the endpoint, so one that answers others in between is not waited for ever longer.
        tries = min(shard.failures, self.servers[shard.failed_at].health.failures)
        share = self._random.random()
        return delay(tries, event.retry_after, share if self._budget.spend(now) else 1.0)

    def rephrased(self, event: Rephrased, now: float) -> None:
        """A request goes again in another form, unless its double is still in flight."""
        if not self.calls.take_back(event.shard, event.endpoint, now):
            self.queue(event.shard, now)

    def outrun(self, event: Outrun, now: float) -> None:
        """What came of a request that was overtaken."""
        self.calls.outrun(event.shard, event.attempt, event.endpoint, event.kind, now, event.retry_after)

    def opens_at(self, now: float) -> list[float]:
        """When something can be asked that can't be now: at the next retry, when an endpoint opens."""
        return [now + pause for pause in self.servers.opens(now)] + self.waiting.next_at(now)

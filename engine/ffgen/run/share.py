"""What one endpoint of a run was asked and what it gave. Figures for the report; no decision looks at them."""

import random
from collections import Counter

from msgspec import Struct, field

from ffgen.shard.made import Made

SAMPLES = 1000
"""Latencies that are kept of an endpoint: of more, a random thousand."""


class Share(Struct):
    """Added up as requests go out and come back. `busy` is slot-seconds."""

    requests: int = 0
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    busy: float = 0.0
    refused: str = ""
    """Why it was asked no more, in its words; empty for one that was."""
    failures: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    under_way: dict[tuple[int, int], float] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def send(self, shard: int, attempt: int, now: float) -> None:
        """A request leaves."""
        self.requests += 1
        self.under_way[shard, attempt] = now

    def reply(self, shard: int, attempt: int, made: Made, now: float) -> None:
        """A complete reply is here, used or not."""
        self.replies += 1
        self.tokens_in += made.tokens_in
        self.tokens_out += made.tokens_out
        since = self.under_way.pop((shard, attempt), None)
        if since is None:
            return
        if len(self.latencies) < SAMPLES:
            self.latencies.append(now - since)
        elif (place := self.chance.randrange(self.replies)) < SAMPLES:
            self.latencies[place] = now - since

    def fail(self, shard: int, attempt: int, kind: str, what: str) -> None:
        """A request brought nothing."""
        self.failures[kind] += 1
        self.under_way.pop((shard, attempt), None)
        if kind == "fatal":
            self.refused = what

    def latency(self, share: float) -> float | None:
        """Seconds within which this share of the replies came; None without any."""
        ranked = sorted(self.latencies)
        return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else None

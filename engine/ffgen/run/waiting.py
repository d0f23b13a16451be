"""Shards that wait to be asked for. Pure, like `state`, which alone changes it.

A worker has many shards in hand, and its death tells of none which it was. So those that several workers died with are
under suspicion: they go before all others, each alone, until a reply clears them.
"""

import heapq


class Waiting:
    """Shards by the time from which they may go; times are seconds of the state's clock."""

    def __init__(self) -> None:
        self.suspects: set[int] = set()
        self._others: list[tuple[float, int]] = []
        self._apart: list[tuple[float, int]] = []

    def put(self, index: int, at: float) -> None:
        """A shard goes again, from this time on."""
        heapq.heappush(self._apart if index in self.suspects else self._others, (at, index))

    def first(self, now: float) -> int | None:
        """What goes next of what may go now."""
        queue = self._in_turn
        return queue[0][1] if queue and queue[0][0] <= now else None

    def take(self) -> None:
        """The first one has gone."""
        heapq.heappop(self._in_turn)

    def next_at(self, now: float) -> list[float]:
        """When the next one may go that may not yet; nothing where one may."""
        queue = self._in_turn
        return [queue[0][0]] if queue and queue[0][0] > now else []

    @property
    def _in_turn(self) -> list[tuple[float, int]]:
        return self._apart if self.suspects else self._others

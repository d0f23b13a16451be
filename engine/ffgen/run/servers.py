"""The endpoints of a run, as decisions see them: who takes the next request, who is left alone, who is tried again.

Pure: no clock, no I/O. All endpoints serve one model, so who is asked changes when a reply comes and never what it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ffgen.ask.address import Kind
from ffgen.ask.limit import Health, Limit, Outcome, Pace, Permit

LATE = 3.0
"""A request is late when it has taken this many times as long as another endpoint usually takes."""

_OUTCOMES: dict[Kind, Outcome] = {"overloaded": "overloaded", "timeout": "timeout"}


@dataclass(slots=True)
class Server:
    """What is known of one endpoint. `dead`: it refuses for good; `why` in its words."""

    limit: Limit
    health: Health
    pace: Pace = field(default_factory=Pace)
    dead: bool = False
    why: str = ""


class Servers:
    """All endpoints. Changed by `take` and by what became of requests; `now` as in `State`."""

    def __init__(self, count: int, concurrency: int | Literal["auto"], patience: float) -> None:
        self.all = [Server(Limit.of(concurrency), Health(patience)) for _ in range(count)]

    def __getitem__(self, endpoint: int) -> Server:
        return self.all[endpoint]

    def __iter__(self) -> Iterator[Server]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return sum(server.limit.in_flight for server in self.all)

    @property
    def permits(self) -> int:
        """Requests that may be under way at once now."""
        usable = [s for i, s in self._numbered() if not (s.dead or (s.health.is_open and self._is_spared(i)))]
        return sum(server.limit.limit for server in usable)

    def take(self, now: float, avoid: int = -1) -> tuple[int, Permit] | None:
        """A permit at the endpoint that will have the reply soonest; at `avoid` only where there is no other."""
        for i in sorted(range(len(self.all)), key=lambda i: (i == avoid, *self._cost(i))):
            if permit := self._take_at(i, now):
                return i, permit
        return None

    def beside(self, now: float, endpoint: int, since: float) -> tuple[int, Permit] | None:
        """A permit at another endpoint for a request that is late where it is."""
        for i in sorted(range(len(self.all)), key=self._cost):
            usual = self.all[i].pace.usual
            if i != endpoint and usual is not None and now >= since + LATE * usual and (p := self._take_at(i, now)):
                return i, p
        return None

    def late_at(self, now: float, endpoint: int, since: float) -> float | None:
        """When a request will be late; None where no other endpoint could take it."""
        paces = [
            server.pace.usual
            for i, server in self._numbered()
            if i != endpoint and server.pace.usual is not None and self._may_take(i, now)
        ]
        return since + LATE * min(paces) if paces else None

    def can_take(self, now: float, but: int) -> bool:
        """Whether another endpoint than `but` takes requests, now or when one of its own is back."""
        others = (server for i, server in self._numbered() if i != but and not server.dead)
        return any(not server.health.is_open and server.limit.opens(now) == 0.0 for server in others)

    def answered(self, endpoint: int, permit: Permit, now: float) -> None:
        """A complete reply came."""
        server = self.all[endpoint]
        server.limit.finish(permit, "success", now)
        server.pace.add(now - permit.since)
        server.health.succeed(now)

    def failed(
        self, endpoint: int, permit: Permit, kind: Kind, now: float, retry_after: float | None = None, what: str = ""
    ) -> None:
        """A request brought no reply. One that will fail again just so is the last."""
        server = self.all[endpoint]
        server.limit.finish(permit, _OUTCOMES.get(kind, "failure"), now, retry_after)
        server.health.fail(now, kind, retry_after, permit.since)
        if kind == "fatal":
            server.dead, server.why = True, what

    def unused(self, endpoint: int, permit: Permit, now: float) -> None:
        """A permit comes back from which nothing is learnt."""
        self.all[endpoint].limit.finish(permit, "unused", now)

    def are_given_up(self, now: float) -> bool:
        """Whether none is worth waiting for. For just after a failure."""
        return all(server.dead or server.health.given_up(now) for server in self.all)

    def opens(self, now: float) -> list[float]:
        """Seconds until each closed endpoint may be asked again."""
        found = [
            max(server.limit.opens(now), server.health.opens(now, self._is_spared(i)))
            for i, server in self._numbered()
            if not server.dead
        ]
        return [pause for pause in found if pause > 0]

    def _numbered(self) -> Iterator[tuple[int, Server]]:
        return enumerate(self.all)

    def _is_spared(self, endpoint: int) -> bool:
        """Whether others do this one's work."""
        return any(i != endpoint and not s.dead and not s.health.is_open for i, s in self._numbered())

    def _may_take(self, endpoint: int, now: float) -> bool:
        server = self.all[endpoint]
        if server.dead or not server.health.may_ask(now, server.limit.in_flight, self._is_spared(endpoint)):
            return False
        return server.limit.in_flight < server.limit.limit and server.limit.opens(now) == 0.0

    def _take_at(self, endpoint: int, now: float) -> Permit | None:
        return self.all[endpoint].limit.take(now) if self._may_take(endpoint, now) else None

    def _cost(self, endpoint: int) -> tuple[float, float]:
        """Seconds until one more request would be answered, about; one that isn't known yet comes first."""
        server = self.all[endpoint]
        load = (server.limit.in_flight + 1) / server.limit.limit
        return (server.pace.usual or 0.0) * load, load

"""Requests in flight, by shard: one, or two when the first was late and another endpoint had nothing else to do.

Pure, like `servers`. The first complete reply of a shard counts; what comes of the other request only gives its permit
back. A shard has two at most once, so a slow endpoint never costs more than as many requests again as it had.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ffgen.ask.address import Kind
from ffgen.ask.limit import Permit
from ffgen.run.servers import Servers


@dataclass(slots=True)
class Call:
    """The requests of one attempt of a shard, by endpoint; `first` is where it was asked first."""

    attempt: int
    first: int
    permits: dict[int, Permit] = field(default_factory=dict)
    is_doubled: bool = False


class Calls:
    """Who is asked for what. An endpoint of None is the first that the shard was asked at."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._calls: dict[int, Call] = {}
        self._overtaken: dict[tuple[int, int, int], Permit] = {}

    def begin(self, shard: int, attempt: int, endpoint: int, permit: Permit) -> None:
        """A request goes out."""
        self._calls[shard] = Call(attempt, endpoint, {endpoint: permit})

    def begin_double(self, shard: int, endpoint: int, permit: Permit) -> None:
        """The same request goes to a second endpoint."""
        call = self._calls[shard]
        call.permits[endpoint] = permit
        call.is_doubled = True

    def await_reply(self, shard: int, attempt: int) -> bool:
        """Whether a request is in flight whose reply is of use."""
        call = self._calls.get(shard)
        return call is not None and call.attempt == attempt

    def end(self, shard: int, endpoint: int | None, now: float) -> None:
        """A reply is here; what is still in flight for the shard is overtaken."""
        call = self._calls.pop(shard)
        at = call.first if endpoint is None else endpoint
        self._servers.answered(at, call.permits.pop(at), now)
        self._overtaken |= {(shard, call.attempt, other): permit for other, permit in call.permits.items()}

    def fail(
        self, shard: int, endpoint: int | None, kind: Kind, now: float, retry_after: float | None, what: str
    ) -> tuple[int, bool]:
        """A request brought nothing: where it was, and whether another for the shard is still in flight."""
        call = self._calls[shard]
        at = call.first if endpoint is None else endpoint
        self._servers.failed(at, call.permits.pop(at), kind, now, retry_after, what)
        return at, self._is_left(shard, call)

    def take_back(self, shard: int, endpoint: int | None, now: float) -> bool:
        """A request ends of which nothing is learnt; whether another for the shard is still in flight."""
        call = self._calls[shard]
        at = call.first if endpoint is None else endpoint
        self._servers.unused(at, call.permits.pop(at), now)
        return self._is_left(shard, call)

    def _is_left(self, shard: int, call: Call) -> bool:
        if not call.permits:
            del self._calls[shard]
        return bool(call.permits)

    def drop(self, shard: int, now: float) -> None:
        """Nobody needs to be asked for the shard."""
        call = self._calls.pop(shard, None)
        for endpoint, permit in call.permits.items() if call is not None else ():
            self._servers.unused(endpoint, permit, now)

    def lose(self, shard: int, now: float) -> None:
        """All requests of a shard are gone, overtaken ones too, as who sent them is."""
        self.drop(shard, now)
        for key in [key for key in self._overtaken if key[0] == shard]:
            self._servers.unused(key[2], self._overtaken.pop(key), now)

    def outrun(
        self, shard: int, attempt: int, endpoint: int, kind: Kind | None, now: float, retry_after: float | None
    ) -> None:
        """What came of a request that was overtaken."""
        permit = self._overtaken.pop((shard, attempt, endpoint), None)
        if permit is not None and kind is None:
            self._servers.answered(endpoint, permit, now)
        elif permit is not None and kind is not None:
            self._servers.failed(endpoint, permit, kind, now, retry_after)

    def late(self, now: float) -> Iterator[tuple[int, int, Permit]]:
        """Requests that another endpoint may have, too, longest in flight first: shard, and a permit there."""
        for shard, endpoint, since in self._single():
            if found := self._servers.beside(now, endpoint, since):
                yield shard, *found

    def late_at(self, now: float) -> list[float]:
        """When requests will be late that aren't yet."""
        times = (self._servers.late_at(now, endpoint, since) for _, endpoint, since in self._single())
        return [at for at in times if at is not None and at > now]

    def _single(self) -> list[tuple[int, int, float]]:
        """Requests that were not doubled: shard, endpoint, since when."""
        if len(self._servers) == 1:
            return []
        found = []
        for shard, call in self._calls.items():
            if not call.is_doubled:
                found += [(shard, endpoint, permit.since) for endpoint, permit in call.permits.items()]
        return sorted(found, key=lambda one: one[2])

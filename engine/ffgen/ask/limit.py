"""How many requests one endpoint gets at once, and when it is given up.

Pure: no clock, no I/O, `now` is an argument in seconds of any monotonic clock. What is decided here moves requests
in time and between endpoints, and never changes what is asked.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from ffgen.ask.address import Kind
from ffgen.ask.retry import LONGEST_WAIT

COOLDOWN = 2.0
AUTO_START = 2
AUTO_CEILING = 256
_SHRINK = 0.75
_STEADY_SUCCESSES = 25
_RAMP_SUCCESSES = 8
_WINDOW = 20
_SLOW = 3.0
_RAMP_SLOW = 2.0
# Below this a mean is the noise of a machine, not the queue of a model.
_LEAST_LATENCY = 0.25
_EDGE_PATIENCE = (8, 64)
_FAILURES = 5
_REFUSALS = 3
# Ten failures in a row open: five come about once in 2,500 requests when a fifth of them fail, and empty all slots.
# Three do where nobody listens, or nothing comes in all the time that a request has.
_OPENING = 30
_STRIKES: dict[Kind, int] = {"refused": 10, "timeout": 10, "overloaded": 0}
_STRIKE = 3
_CALLS = 20
_CALLS_SECONDS = 30.0
_SICK = 0.5
PAUSES = (0.5, 5.0)
"""Seconds between tries of an endpoint that is all there is: the first pause, doubled up to the last."""
PROBES = (15.0, 120.0)
"""Seconds between tries of an endpoint whose work others do."""

Outcome = Literal["success", "overloaded", "timeout", "failure", "unused"]


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to have one request in flight. Give it back with `Limit.finish`, once."""

    generation: int
    since: float


class Limit:
    """Permits in flight for one endpoint: additive increase, multiplicative decrease.

    Starts at `start` and never goes above `ceiling`. An overload (429, 503) takes a quarter away, once for all
    requests that were admitted before it, and nothing new is admitted for as long as the server asked, else 2 s;
    25 straight successes give one back. With `ramp` it grows by one in 8 successes until the first decrease, while
    latency stays below twice its best. A mean over 20 replies of 3 times the best such mean takes a quarter away,
    once until it has come back; so do requests that timed out, once for all that were admitted before. Where overloads
    come at the same level again, going back up to it takes 8 times as many successes, and twice that each time: every
    try costs a cooldown. Failures that are no overload change nothing. One permit at least. O(1) a call.
    """

    def __init__(self, ceiling: int, start: int, ramp: bool = False) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = min(max(1, start), self.ceiling)
        self.in_flight = 0
        self._ramp = ramp
        self._generation = 0
        self._successes = 0
        self._closed_until = float("-inf")
        self._latencies: deque[float] = deque(maxlen=_WINDOW)
        self._best: float | None = None
        self._slow = False
        self._edge = self.ceiling + 1
        self._last_edge = 0
        self._edge_patience = 1

    @classmethod
    def of(cls, concurrency: int | Literal["auto"]) -> "Limit":
        """The limit that a spec's `concurrency` means."""
        if concurrency == "auto":
            return cls(AUTO_CEILING, AUTO_START, ramp=True)
        return cls(concurrency, concurrency)

    def take(self, now: float) -> Permit | None:
        """A permit, or None while all are out or the endpoint cools down."""
        if self.in_flight >= self.limit or now < self._closed_until:
            return None
        self.in_flight += 1
        return Permit(self._generation, now)

    def opens(self, now: float) -> float:
        """Seconds until the cooldown ends; 0 when there is none."""
        return max(0.0, self._closed_until - now)

    def finish(self, permit: Permit, outcome: Outcome, now: float, retry_after: float | None = None) -> None:
        """Takes a permit back with what became of its request. "failure" is all that is neither a reply nor a sign of
        overload; "unused" says nothing of the endpoint."""
        self.in_flight -= 1
        fresh = permit.generation == self._generation
        if outcome == "overloaded":
            self._overloaded(fresh, now, retry_after)
        elif outcome == "success" and fresh:
            self._succeeded(now - permit.since)
        elif outcome == "timeout" and fresh:
            self._lower()
        elif outcome in ("failure", "timeout"):
            self._successes = 0

    def _overloaded(self, fresh: bool, now: float, retry_after: float | None) -> None:
        if fresh:
            self._find_edge()
            self._lower()
        if fresh or retry_after is not None:
            wait = COOLDOWN if retry_after is None else retry_after
            self._closed_until = max(self._closed_until, now + wait)

    def _succeeded(self, seconds: float) -> None:
        self._latencies.append(seconds)
        mean = self._mean()
        if mean is not None and self._judge(mean):
            return
        self._successes += 1
        if self._ramp and not self._calm(mean):
            return
        if self._successes >= self._needed():
            self._successes = 0
            if self.limit + 1 >= self._edge:
                self._edge = self.ceiling + 1  # it is tried again, and found again where it still is
            self.limit = min(self.limit + 1, self.ceiling)

    def _needed(self) -> int:
        """Successes in a row that the next permit takes."""
        if self._ramp:
            return _RAMP_SUCCESSES
        return _STEADY_SUCCESSES * (self._edge_patience if self.limit + 1 >= self._edge else 1)

    def _find_edge(self) -> None:
        """Remembers the level at which the endpoint had too much, and how often it was found there."""
        least, most = _EDGE_PATIENCE
        again = self._last_edge == self.limit
        self._edge_patience = min(max(self._edge_patience * 2, least), most) if again else 1
        self._edge = self._last_edge = self.limit

    def _mean(self) -> float | None:
        """The mean of the last 20 latencies; None until there are 20."""
        return sum(self._latencies) / _WINDOW if len(self._latencies) == _WINDOW else None

    def _judge(self, mean: float) -> bool:
        """Whether this window's mean has just lowered the limit."""
        self._best = mean if self._best is None else min(self._best, mean)
        slow = mean > _SLOW * max(self._best, _LEAST_LATENCY)
        lower, self._slow = slow and not self._slow, slow
        if lower:
            self._lower()
        return lower

    def _calm(self, mean: float | None) -> bool:
        if mean is None or self._best is None:
            return True
        return mean <= _RAMP_SLOW * max(self._best, _LEAST_LATENCY)

    def _lower(self) -> None:
        self.limit = max(1, int(self.limit * _SHRINK))
        self._generation += 1
        self._successes = 0
        self._ramp = False
        self._latencies.clear()


class Pace:
    """How long an endpoint takes for a reply, usually: the median of its last 20."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_WINDOW)

    def add(self, seconds: float) -> None:
        """A reply came after so long."""
        self._last.append(seconds)

    @property
    def usual(self) -> float | None:
        """Seconds; None until there are 3 replies."""
        return sorted(self._last)[len(self._last) // 2] if len(self._last) >= 3 else None


class Health:
    """Whether an endpoint is worth asking.

    From the tenth failure in a row on (the third where nobody listens or nothing comes) it is open: one request at a
    time tries it, with pauses from 0.5 to 5 s between, from 15 s to 2 min while others do its work, until one succeeds.
    While others do its work, half of at least 20 requests in 30 s that fail open it, too. Overloads never do. Given up
    after 5 failures in a row, 3 where nobody listens, when those have lasted `patience` seconds; waiting that the
    server asked for does not count, up to 300 s.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.failures = 0
        self._since = 0.0
        self._last = 0.0
        self._told_until = 0.0
        self._kind: Kind = "server"
        self._strikes = 0
        self._sick = False
        self._calls: deque[tuple[float, bool]] = deque(maxlen=_CALLS)
        self._opened = 0.0
        self._tries = 0

    @property
    def is_open(self) -> bool:
        """Whether it fails so much that others should do its work."""
        return self._sick or self._is_down

    @property
    def _is_down(self) -> bool:
        return self._strikes >= _OPENING

    def succeed(self, now: float) -> None:
        """A complete reply came, whatever was in it."""
        if self.is_open:
            self._calls.clear()
        self.failures = self._strikes = 0
        self._sick = False
        self._calls.append((now, False))

    def fail(self, now: float, kind: Kind, retry_after: float | None = None, since: float | None = None) -> None:
        """A request brought no reply. `since` is when it was sent, `now` unless said."""
        if self.failures == 0:
            self._since = self._told_until = now
        self.failures += 1
        self._last = now
        self._kind = kind
        if retry_after is not None:
            self._told_until = max(self._told_until, now + retry_after)
        if kind != "overloaded":
            self._strike(now, kind, now if since is None else since)

    def _strike(self, now: float, kind: Kind, since: float) -> None:
        was_open = self.is_open
        self._strikes += _STRIKES.get(kind, _STRIKE)
        self._calls.append((now, True))
        if len(self._calls) == _CALLS and now - self._calls[0][0] <= _CALLS_SECONDS:
            self._sick = self._sick or sum(failed for _, failed in self._calls) >= _SICK * _CALLS
        if self.is_open and not was_open:
            self._opened, self._tries = now, 0
        elif was_open and since > self._opened:  # those that were in flight when it opened say nothing new
            self._tries += 1

    def given_up(self, now: float) -> bool:
        """Whether to stop asking this endpoint for good. For just after a failure: a try in flight may yet succeed."""
        if self.failures < (_REFUSALS if self._kind == "refused" else _FAILURES):
            return False
        return now - self._since >= self._patience + min(self._told_until - self._since, LONGEST_WAIT)

    def may_ask(self, now: float, in_flight: int, spared: bool = False) -> bool:
        """Whether one more request may go, with `in_flight` already there. `spared`: others do its work."""
        return not self._is_shut(spared) or (in_flight == 0 and self.opens(now, spared) == 0.0)

    def opens(self, now: float, spared: bool = False) -> float:
        """Seconds until the next try of an open endpoint; 0 when it may be asked."""
        if not self._is_shut(spared):
            return 0.0
        first, longest = PROBES if spared else PAUSES
        return max(0.0, self._last + min(first * 2.0 ** min(self._tries, 16), longest) - now)

    def _is_shut(self, spared: bool) -> bool:
        return self._is_down or (spared and self._sick)

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
_FAILURES = 5
_OPENING = 10  # five in a row come about once in 2,500 requests when a fifth of them fail, and empty all slots
_REFUSALS = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0

Outcome = Literal["success", "overloaded", "failure"]


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
    once until it has come back. Failures that are no overload change nothing. One permit at least. O(1) a call.
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
        """Takes a permit back with what became of its request; "failure" is all that is neither reply nor overload."""
        self.in_flight -= 1
        if outcome == "overloaded":
            self._overloaded(permit, now, retry_after)
        elif outcome == "success" and permit.generation == self._generation:
            self._succeeded(now - permit.since)
        elif outcome == "failure":
            self._successes = 0

    def _overloaded(self, permit: Permit, now: float, retry_after: float | None) -> None:
        fresh = permit.generation == self._generation
        if fresh:
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
        if self._successes >= (_RAMP_SUCCESSES if self._ramp else _STEADY_SUCCESSES):
            self._successes = 0
            self.limit = min(self.limit + 1, self.ceiling)

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


class Health:
    """Whether an endpoint is worth asking.

    From the tenth failure in a row on (open) one request at a time tries it, with pauses from 0.5 to 5 s between,
    until one succeeds. Given up after 5 failures in a row, 3 where nobody listens, when those have lasted `patience`
    seconds; waiting that the server asked for does not count, up to 300 s.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.failures = 0
        self._since = 0.0
        self._last = 0.0
        self._told_until = 0.0
        self._kind: Kind = "server"

    def succeed(self, now: float) -> None:
        """A complete reply came, whatever was in it."""
        self.failures = 0

    def fail(self, now: float, kind: Kind, retry_after: float | None = None) -> None:
        """A request brought no reply."""
        if self.failures == 0:
            self._since = self._told_until = now
        self.failures += 1
        self._last = now
        self._kind = kind
        if retry_after is not None:
            self._told_until = max(self._told_until, now + retry_after)

    def given_up(self, now: float) -> bool:
        """Whether to stop asking this endpoint for good. For just after a failure: a try in flight may yet succeed."""
        if self.failures < (_REFUSALS if self._kind == "refused" else _FAILURES):
            return False
        return now - self._since >= self._patience + min(self._told_until - self._since, LONGEST_WAIT)

    def may_ask(self, now: float, in_flight: int) -> bool:
        """Whether one more request may go, with `in_flight` already there."""
        return self.failures < _OPENING or (in_flight == 0 and self.opens(now) == 0.0)

    def opens(self, now: float) -> float:
        """Seconds until the next try of an open endpoint; 0 when it may be asked."""
        if self.failures < _OPENING:
            return 0.0
        pause = min(_FIRST_PAUSE * 2.0 ** min(self.failures - _OPENING, 16), _LONGEST_PAUSE)
        return max(0.0, self._last + pause - now)

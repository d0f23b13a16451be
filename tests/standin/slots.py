"""Who is served when: a fixed number of slots, first come first served, and the counters of what happened.

A request holds its slot from when it gets it until its answer is written (dripping and streaming included), or until
its client leaves; one that hangs holds it until then. Answers marked `is_free` need no slot.
"""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.standin.wire import Connection

End = Literal["keep", "close", "reset", "never"]


@dataclass(slots=True)
class Answer:
    """What to do for one request: wait `seconds`, write `parts` with `pause` between them, then `end`."""

    seed: int
    status: int
    parts: list[bytes]
    seconds: float = 0.0
    pause: float = 0.0
    end: End = "keep"
    fault: str | None = None
    tokens: int = 0
    is_free: bool = False
    is_reply: bool = False


@dataclass
class Counts:
    """What happened since the last reset. Only requests for text count, control requests and look-ups do not.

    `repeated`: requests whose very body had got a complete 200 before, so that it was paid for twice. A reply that
    is malformed or cut off is complete; one that stops without `done: true` is not. `cancelled`: the client left.
    """

    requests: int = 0
    replies: int = 0
    repeated: int = 0
    scripted: int = 0
    cancelled: int = 0
    output_tokens: int = 0
    connections_opened: int = 0
    connections_open: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    busy_slot_seconds: float = 0.0
    first_request_at: float | None = None
    last_reply_at: float | None = None
    by_status: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    tries: dict[int, int] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)

    def shown(self) -> dict[str, Any]:
        """As the stats page has it: without the bodies, with their number, the span and this process's CPU seconds."""
        hidden = ("tries", "answered")
        shown = {name: value for name, value in vars(self).items() if name not in hidden}
        first, last = self.first_request_at, self.last_reply_at
        span = 0.0 if first is None or last is None else last - first
        return shown | {"bodies": len(self.tries), "span_seconds": span, "cpu_seconds": time.process_time()}


class Slots:
    """The slots and the queue before them. `size` may change while requests wait."""

    def __init__(self, size: int, counts: Counts) -> None:
        self.size = size
        self.counts = counts
        self._visits: set[_Visit] = set()
        self._waiting: deque[_Visit] = deque()
        self._is_filling = False

    def enter(self, connection: Connection, answer: Answer) -> None:
        """Carries an answer out, at once or when a slot is free."""
        counts = self.counts
        counts.in_flight += 1
        counts.max_in_flight = max(counts.max_in_flight, counts.in_flight)
        visit = _Visit(self, connection, answer)
        connection.on_lost = visit.lost
        if answer.is_free:
            visit.serve()
        else:
            self._waiting.append(visit)
            self.fill()

    def fill(self) -> None:
        """Gives free slots to those who wait."""
        # Not nested: an answer that takes no time leaves, and fills, inside `serve`; a long queue of them is deep.
        if self._is_filling:
            return
        self._is_filling = True
        while self._waiting and len(self._visits) < self.size:
            visit = self._waiting.popleft()
            if not visit.is_over:
                self._visits.add(visit)
                visit.serve()
        self._is_filling = False

    def leave(self, visit: "_Visit", held: float) -> None:
        self.counts.in_flight -= 1
        self.counts.busy_slot_seconds += held
        self._visits.discard(visit)
        self.fill()

    def restart(self, counts: Counts) -> None:
        """Counts anew; those who are in the house stay, and count as in flight."""
        old = self.counts
        counts.in_flight, counts.connections_open = old.in_flight, old.connections_open
        counts.max_in_flight = counts.in_flight
        self.counts = counts
        for visit in self._visits:
            visit.began = time.monotonic()

    def busy_now(self) -> float:
        """Slot-seconds of those who hold a slot still."""
        now = time.monotonic()
        return sum(now - visit.began for visit in self._visits)


class _Visit:
    """One request in the house, from coming to leaving."""

    __slots__ = ("_answer", "_connection", "_number", "_slots", "_timer", "began", "is_over")

    def __init__(self, slots: Slots, connection: Connection, answer: Answer) -> None:
        self._slots = slots
        self._connection = connection
        self._answer = answer
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self.began = 0.0
        self.is_over = False

    def serve(self) -> None:
        self.began = time.monotonic()
        if self._answer.end == "never":
            return
        if self._answer.seconds > 0:
            self._timer = asyncio.get_running_loop().call_later(self._answer.seconds, self._write)
        else:
            self._write()

    def _write(self) -> None:
        answer = self._answer
        while self._number < len(answer.parts):
            self._connection.write(answer.parts[self._number])
            self._number += 1
            if answer.pause > 0 and self._number < len(answer.parts):
                self._timer = asyncio.get_running_loop().call_later(answer.pause, self._write)
                return
        self._count()
        self._leave()
        {"keep": self._connection.finish, "close": self._connection.close}.get(answer.end, self._connection.reset)()

    def _count(self) -> None:
        answer, counts = self._answer, self._slots.counts
        counts.by_status[str(answer.status)] += 1
        if answer.is_reply:
            counts.replies += 1
            counts.output_tokens += answer.tokens
            counts.answered.add(answer.seed)
            counts.last_reply_at = time.monotonic()

    def lost(self) -> None:
        """The client left before its answer was out."""
        if not self.is_over:
            self._slots.counts.cancelled += 1
            if self._timer:
                self._timer.cancel()
            self._leave()

    def _leave(self) -> None:
        self.is_over = True
        held = 0.0 if self._answer.is_free or not self.began else time.monotonic() - self.began
        self._slots.leave(self, held)

"""What a run does next: events in, commands out. No clock, no I/O, no processes; all decisions are here.

A shard goes through five phases: queued (waits for a permit), asked (in flight), kept (its reply is on disk),
made (its rows are in memory), judging (at the gate); then it is written and forgotten. Shards are judged in
order, so the output is a function of the replies alone, whatever order they came in.
"""

import heapq
import random
from dataclasses import dataclass, field
from typing import Literal

from ffgen.ask.limit import Health, Limit, Permit
from ffgen.ask.retry import delay
from ffgen.plan.shards import Shards
from ffgen.run.moves import (
    Arrived,
    AskShard,
    Command,
    Complete,
    DropRows,
    Event,
    Failed,
    GiveUp,
    Halted,
    Judged,
    JudgeShard,
    Lost,
    MakeShard,
    Reason,
    Rephrased,
    Replied,
    Started,
    Wake,
    Woken,
    WriteShard,
    Written,
)

WINDOW = 64 * 2**20
"""Bytes of made rows held in memory while an earlier shard is awaited; what is beyond waits on disk."""
UNWRITTEN = 16 * 2**20
"""Bytes on their way through gate and writer at which judging stops, and through the writer alone at which asking
stops: a slow disk slows the model down."""
PRIOR = 4
"""Shards of perfect rows that the yield estimate starts from."""
MAKING = 8
"""Kept replies that are made again at once."""
DEATHS = 2
"""Workers a shard may take down before the run ends with its name."""

Phase = Literal["queued", "asked", "kept", "making", "made", "judging", "starved"]


@dataclass(slots=True)
class Shard:
    """What is known of one shard under way."""

    phase: Phase
    size: int
    attempt: int = 0
    failures: int = 0
    deaths: int = 0
    rows: int = 0
    bytes: int = 0
    endpoint: int = 0
    permit: Permit | None = None


@dataclass(slots=True)
class Server:
    """What is known of one endpoint."""

    limit: Limit
    health: Health
    dead: bool = False


@dataclass(slots=True)
class Counts:
    """The figures of a run so far."""

    admitted: int = 0
    duplicates: int = 0
    beyond: int = 0
    asks: int = 0
    kept: int = 0
    bad_replies: int = 0
    retries: int = 0
    failures: dict[str, int] = field(default_factory=dict)


class State:
    """Decides a run. Changed by `handle` alone; `now` is seconds of any monotonic clock, never going back."""

    def __init__(
        self,
        shards: Shards,
        *,
        max_asks: int,
        retries: int,
        concurrency: int | Literal["auto"],
        patience: float,
        endpoints: int = 1,
    ) -> None:
        self.shards = shards
        self.max_asks = max_asks
        self.retries = retries
        self.servers = [Server(Limit.of(concurrency), Health(patience)) for _ in range(endpoints)]
        self.open: dict[int, Shard] = {}
        self.counts = Counts()
        self.launched = 0
        self.judged_next = 0
        self.due: list[tuple[float, int]] = []
        self.held = 0
        self.judging = 0
        self.unwritten = 0
        self.ended = False
        self.halted: Halted | None = None
        self._waiting = 0
        self._coming = 0
        self._asked_rows = self._valid_rows = PRIOR * shards.batch_size
        self._judged_rows = self._new_rows = PRIOR * shards.batch_size
        self._random = random.Random(shards.seed)

    @property
    def in_flight(self) -> int:
        """Requests at endpoints now."""
        return sum(server.limit.in_flight for server in self.servers)

    @property
    def permits(self) -> int:
        """Requests that may be in flight at once now."""
        return sum(server.limit.limit for server in self.servers if not server.dead)

    def handle(self, event: Event, now: float) -> list[Command]:
        """What to do about an event."""
        if self.ended:
            return []
        match event:
            case Arrived():
                commands = self._arrived(event, now)
            case Replied():
                commands = self._replied(event, now)
            case Judged():
                commands = self._judged(event)
            case Written():
                self.unwritten -= event.size
                commands = []
            case Failed():
                commands = self._failed(event, now)
            case Rephrased():
                commands = self._rephrased(event, now)
            case Lost():
                commands = self._lost(event, now)
            case Halted():
                self.halted = event
                commands = [Wake(event.until)]
            case Started() | Woken():
                commands = []
        return commands if self.ended else commands + self._advance(now)

    def expected(self) -> float:
        """Rows that the run will have admitted when all that is under way is judged, by the yield so far."""
        new = self._new_rows / self._judged_rows
        valid = self._valid_rows / self._asked_rows
        return self.counts.admitted + new * (self._waiting + valid * self._coming)

    # Events

    def _arrived(self, event: Arrived, now: float) -> list[Command]:
        shard = self.open[event.shard]
        self._release(shard, "success", now)
        self.servers[shard.endpoint].health.succeed(now)
        return []

    def _replied(self, event: Replied, now: float) -> list[Command]:
        shard = self.open[event.shard]
        if shard.phase == "making":
            return self._hold(event.shard, shard, event.size)
        self._release(shard, "success", now)
        self.servers[shard.endpoint].health.succeed(now)
        self.counts.kept += not event.asked
        if event.rows == 0:
            self.counts.bad_replies += 1
            if shard.attempt < self.retries:
                return self._ask_again(event.shard, shard, now)
        self._coming -= shard.size
        self._asked_rows += shard.size
        self._valid_rows += event.rows
        self._waiting += event.rows
        shard.rows = event.rows
        return self._hold(event.shard, shard, event.size)

    def _ask_again(self, index: int, shard: Shard, now: float) -> list[Command]:
        """A bad reply: the next attempt goes to the front of the queue, if the budget has room."""
        if self.counts.asks >= self.max_asks:
            shard.phase = "starved"
            return []
        self.counts.asks += 1
        shard.attempt += 1
        self._queue(index, shard, now)
        return []

    def _hold(self, index: int, shard: Shard, size: int) -> list[Command]:
        if self.held + size > WINDOW and index != self.judged_next:
            shard.phase = "kept"
            return [DropRows(index)]
        shard.phase = "made"
        shard.bytes = size
        self.held += size
        return []

    def _judged(self, event: Judged) -> list[Command]:
        shard = self.open.pop(event.shard)
        self._waiting -= shard.rows
        self._judged_rows += shard.rows
        self._new_rows += event.admitted
        self.held -= shard.bytes
        self.judging -= shard.bytes
        take = min(event.admitted, self.shards.count - self.counts.admitted)
        self.counts.admitted += take
        self.counts.duplicates += shard.rows - event.admitted
        self.counts.beyond += event.admitted - take
        self.unwritten += shard.bytes
        commands: list[Command] = [WriteShard(event.shard, take)]
        if self.counts.admitted == self.shards.count:
            self.ended = True
            commands.append(Complete())
        return commands

    def _failed(self, event: Failed, now: float) -> list[Command]:
        shard = self.open[event.shard]
        server = self.servers[shard.endpoint]
        self._release(shard, "overloaded" if event.kind == "overloaded" else "failure", now, event.retry_after)
        self.counts.failures[event.kind] = self.counts.failures.get(event.kind, 0) + 1
        server.health.fail(now, event.kind, event.retry_after)
        if event.kind == "fatal" or server.health.given_up(now):
            server.dead = True
            if all(each.dead for each in self.servers):
                return self._give_up("endpoint", event.what, event.hint)
        self.counts.retries += 1
        shard.failures += 1
        # A pause spares the endpoint, so one that answers others in between is not waited for ever longer.
        tries = min(shard.failures, server.health.failures)
        self._queue(event.shard, shard, now + delay(tries, event.retry_after, self._random.random()))
        return []

    def _rephrased(self, event: Rephrased, now: float) -> list[Command]:
        shard = self.open[event.shard]
        self._release(shard, "failure", now)
        self._queue(event.shard, shard, now)
        return []

    def _lost(self, event: Lost, now: float) -> list[Command]:
        for index in event.shards:
            shard = self.open.get(index)
            if shard is None or shard.phase not in ("asked", "making"):
                continue
            shard.deaths += 1
            if shard.deaths >= DEATHS:
                what = f"Shard {index} took down {DEATHS} worker processes (seed {self.shards.seed_of(index, 0)})."
                return self._give_up("bug", what, "Please report it with the spec.")
            if shard.phase == "making":
                shard.phase = "kept"
            else:
                self._release(shard, "failure", now)
                self._queue(index, shard, now)
        return []

    # What follows from where things stand

    def _advance(self, now: float) -> list[Command]:
        if self.halted is not None:
            if self.in_flight == 0 or now >= self.halted.until:
                return self._give_up(self.halted.reason)
            return []
        commands = self._judge()
        commands += self._remake()
        commands += self._ask(now)
        if not commands and self._is_stuck():
            return self._give_up("short")
        return commands

    def _judge(self) -> list[Command]:
        commands: list[Command] = []
        while self.judging + self.unwritten < UNWRITTEN:
            shard = self.open.get(self.judged_next)
            if shard is None or shard.phase != "made":
                break
            shard.phase = "judging"
            self.judging += shard.bytes
            commands.append(JudgeShard(self.judged_next))
            self.judged_next += 1
        return commands

    def _remake(self) -> list[Command]:
        """Kept replies nearest the head become rows again as room appears."""
        commands: list[Command] = []
        for index in range(self.judged_next, self.judged_next + MAKING):
            shard = self.open.get(index)
            if shard is None or (self.held >= WINDOW // 2 and index != self.judged_next):
                break
            if shard.phase == "kept":
                shard.phase = "making"
                commands.append(MakeShard(index, shard.attempt))
        return commands

    def _ask(self, now: float) -> list[Command]:
        commands: list[Command] = []
        while self.unwritten < UNWRITTEN and self._has_next(now) and (found := self._permit(now)) is not None:
            endpoint, permit = found
            index = self._next(now)
            shard = self.open[index]
            shard.phase, shard.endpoint, shard.permit = "asked", endpoint, permit
            commands.append(AskShard(index, shard.attempt, endpoint))
        return commands + self._wake(now)

    def _permit(self, now: float) -> tuple[int, Permit] | None:
        """A permit at the endpoint with the most room."""
        alive = [i for i, server in enumerate(self.servers) if not server.dead]
        alive.sort(key=lambda i: self.servers[i].limit.in_flight / self.servers[i].limit.limit)
        for i in alive:
            server = self.servers[i]
            if server.health.may_ask(now, server.limit.in_flight) and (permit := server.limit.take(now)):
                return i, permit
        return None

    def _has_next(self, now: float) -> bool:
        if self.due and self.due[0][0] <= now:
            return True
        return self.counts.asks < self.max_asks and self._wants_more()

    def _next(self, now: float) -> int:
        """The shard to ask for: what failed before comes first, then a new one."""
        if self.due and self.due[0][0] <= now:
            return heapq.heappop(self.due)[1]
        index = self.launched
        self.launched += 1
        self.counts.asks += 1
        size = self.shards.size(index)
        self.open[index] = Shard("queued", size)
        self._coming += size
        return index

    def _wants_more(self) -> bool:
        return self.launched < self.shards.base or self.expected() < self.shards.count

    def _wake(self, now: float) -> list[Command]:
        """When nothing can be asked now but will be: at the next retry, or when an endpoint opens."""
        opens = [max(s.limit.opens(now), s.health.opens(now)) for s in self.servers if not s.dead]
        times = [now + pause for pause in opens if pause > 0]
        if self.due and self.due[0][0] > now:
            times.append(self.due[0][0])
        return [Wake(min(times))] if times else []

    def _is_stuck(self) -> bool:
        """Nothing is under way that could bring the run forward, and the budget allows nothing new."""
        moving = any(shard.phase not in ("starved", "made", "kept") for shard in self.open.values())
        return not moving and self.unwritten < UNWRITTEN

    def _queue(self, index: int, shard: Shard, at: float) -> None:
        shard.phase = "queued"
        heapq.heappush(self.due, (at, index))

    def _release(
        self, shard: Shard, outcome: Literal["success", "overloaded", "failure"], now: float, after: float | None = None
    ) -> None:
        if shard.permit is not None:
            self.servers[shard.endpoint].limit.finish(shard.permit, outcome, now, after)
            shard.permit = None

    def _give_up(self, reason: Reason, what: str = "", hint: str = "") -> list[Command]:
        self.ended = True
        return [GiveUp(reason, what, hint)]

"""What a run does next: events in, commands out. No clock, no I/O, no processes; all decisions are here, and in three
parts: who is asked when (`dispatch`), whose rows are held and judged (`bench`), how many will come (`yields`).

A shard goes through five phases: queued (waits for a permit), asked (in flight), kept (its reply is on disk),
made (its rows are in memory), judging (at the gate); then it is written and forgotten. Shards are judged in
order, so the output is a function of the replies alone, whatever order they came in.
"""

from typing import Literal, Self

from ffgen.plan.compile import Plan
from ffgen.plan.shards import Shards
from ffgen.run.bench import Bench
from ffgen.run.dispatch import Dispatch
from ffgen.run.moves import (
    Arrived,
    Command,
    Complete,
    Event,
    Failed,
    GiveUp,
    Halted,
    Judged,
    Lost,
    MakeShard,
    NoteStep,
    Outrun,
    Reason,
    Rephrased,
    Replied,
    Started,
    Wake,
    Woken,
    WriteShard,
    Written,
)
from ffgen.run.standing import Counts, Shard
from ffgen.run.steering import Steering
from ffgen.run.yields import Yield
from ffgen.spec.duration import seconds

DEATHS = 3
"""Workers a shard may take down before the run ends with its name; the last one had nothing else in hand."""
IN_HAND = ("asked", "making")
"""Phases in which a worker has a shard."""


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
        steering: Steering | None = None,
    ) -> None:
        self.shards = shards
        self.steering = steering
        self.max_asks = max_asks
        self.retries = retries
        self.open: dict[int, Shard] = {}
        self.counts = Counts()
        self.launched = 0
        self.ended = False
        self.halted: Halted | None = None
        self._noted = 0
        self._has_asked = False
        self.bench = Bench(self.open)
        self._yield = Yield(shards.batch_size)
        self._dispatch = Dispatch(self.open, endpoints, concurrency, patience, shards.seed)
        self._calls = self._dispatch.calls
        self.servers = self._dispatch.servers
        self.waiting = self._dispatch.waiting

    @classmethod
    def of(cls, plan: Plan, endpoints: int, steering: Steering | None = None) -> Self:
        """The state of a plan's run before it begins."""
        model = plan.model
        return cls(
            plan.shards,
            max_asks=plan.max_asks,
            retries=model.retries,
            concurrency=model.concurrency,
            patience=seconds(model.patience),
            endpoints=endpoints,
            steering=steering,
        )

    @property
    def in_flight(self) -> int:
        """Requests at endpoints now."""
        return self.servers.in_flight

    @property
    def permits(self) -> int:
        """Requests that may be in flight at once now."""
        return self.servers.permits

    @property
    def is_replay(self) -> bool:
        """Whether all replies so far were kept from before."""
        return self.counts.kept > 0 and not self._has_asked

    def awaits(self, index: int, attempt: int) -> bool:
        """Whether a reply to this request is still of use; else its double was faster (`Outrun`)."""
        return self._calls.await_reply(index, attempt)

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
                self.bench.unwritten -= event.size
                commands = []
            case Failed():
                commands = self._failed(event, now)
            case Outrun():
                self._dispatch.outrun(event, now)
                commands = []
            case Rephrased():
                self._dispatch.rephrased(event, now)
                commands = []
            case Lost():
                commands = self._lost(event, now)
            case Halted():
                self.halted = event
                commands = []
            case Started() | Woken():
                commands = []
        return commands if self.ended else commands + self._advance(now)

    def lacks(self, shard: Shard, rows: int) -> bool:
        """Whether a shard of so many rows is asked for again."""
        return rows == 0

    def expected(self) -> float:
        """Rows that the run will have admitted when all that is under way is judged, by the yield so far."""
        return self.counts.admitted + self._yield.expected()

    # Events

    def _arrived(self, event: Arrived, now: float) -> list[Command]:
        self._has_asked = True
        self._calls.end(event.shard, event.endpoint, now)
        return []

    def _replied(self, event: Replied, now: float) -> list[Command]:
        shard = self.open[event.shard]
        shard.deaths = 0
        self.waiting.suspects.discard(event.shard)
        if shard.phase == "making":
            return self.bench.hold(event.shard, event.size)
        if not event.asked:
            self._calls.drop(event.shard, now)
        elif self._calls.await_reply(event.shard, shard.attempt):
            self._calls.end(event.shard, None, now)
        self.counts.kept += not event.asked
        if self.lacks(shard, event.rows):
            self.counts.bad_replies += event.rows == 0
            if shard.attempt < self.retries:
                return self._ask_again(event.shard, shard, now)
        self._yield.came(shard.size, event.rows)
        shard.rows = event.rows
        return self.bench.hold(event.shard, event.size)

    def _ask_again(self, index: int, shard: Shard, now: float) -> list[Command]:
        """A bad reply: the next attempt goes to the front of the queue, if the budget has room."""
        if self.counts.asks >= self.max_asks:
            shard.phase = "starved"
            return []
        self.counts.asks += 1
        shard.attempt += 1
        self._dispatch.queue(index, now)
        return []

    def _judged(self, event: Judged) -> list[Command]:
        shard = self.open.pop(event.shard)
        self._yield.judged(shard.rows, event.admitted)
        self.bench.judged(shard)
        if self.steering is not None:
            self.steering.judged(shard.rows, event.admitted, event.repeated)
        take = min(event.admitted, self.shards.count - self.counts.admitted)
        self.counts.admitted += take
        self.counts.duplicates += shard.rows - event.admitted
        self.counts.beyond += event.admitted - take
        commands: list[Command] = [WriteShard(event.shard, take)]
        if self.counts.admitted == self.shards.count:
            self.ended = True
            commands.append(Complete())
        return commands

    def _failed(self, event: Failed, now: float) -> list[Command]:
        is_left = self._dispatch.failed(event, now)
        self.counts.failures[event.kind] = self.counts.failures.get(event.kind, 0) + 1
        if self.servers.are_given_up(now):
            return self._give_up("endpoint", event.what, event.hint)
        if not is_left:
            self.counts.retries += 1
            self._dispatch.retry(event, now)
        return []

    def _lost(self, event: Lost, now: float) -> list[Command]:
        for index in event.shards:
            shard = self.open.get(index)
            is_lost = shard is not None and (shard.phase == "making" or self.awaits(index, shard.attempt))
            self._calls.lose(index, now)
            if shard is None or not is_lost:
                continue
            shard.deaths += 1
            if shard.deaths >= DEATHS:
                seed = self.shards.seed_of(index, 0)
                what = (
                    f"Shard {index} took down {DEATHS} worker processes, the last with nothing beside it (seed {seed})."
                )
                return self._give_up(
                    "bug", what, "If memory is short, give it more; else please report it with the spec."
                )
            if shard.deaths == DEATHS - 1:
                self.waiting.suspects.add(index)
            if shard.phase == "making":
                shard.phase = "kept"
            else:
                self._dispatch.queue(index, now)
        return []

    # What follows from where things stand

    def _advance(self, now: float) -> list[Command]:
        if self.halted is not None:
            if self.in_flight == 0 or now >= self.halted.until:
                return self._give_up(self.halted.reason)
            return [Wake(self.halted.until)]  # again: a timer may go off a moment early
        commands = self.bench.judge()
        commands += self._remake()
        commands += self._ask(now)
        if not commands and self._is_stuck():
            return self._give_up("short")
        return commands

    def _remake(self) -> list[Command]:
        return self._remake_alone() if self.waiting.suspects else self.bench.remake()

    def _remake_alone(self) -> list[Command]:
        kept = [index for index in sorted(self.waiting.suspects) if self.open[index].phase == "kept"]
        if not kept or not self._has_no_other():
            return []
        self.open[kept[0]].phase = "making"
        return [MakeShard(kept[0], self.open[kept[0]].attempt)]

    def _has_no_other(self) -> bool:
        """Whether no worker has any shard in hand."""
        return self.in_flight == 0 and not any(shard.phase in IN_HAND for shard in self.open.values())

    def _ask(self, now: float) -> list[Command]:
        commands: list[Command] = []
        while not self.bench.is_full and self._has_next(now):
            found = self._dispatch.find(now)
            if found is None:
                return commands + self._wake(now)
            index = self._next(now)
            commands += self._note()
            commands.append(self._dispatch.send(index, *found))
        if not self.bench.is_full:
            doubles = self._dispatch.double(now)
            self.counts.doubles += len(doubles)
            commands += doubles
        return commands + self._wake(now)

    def _has_next(self, now: float) -> bool:
        if self.waiting.suspects:
            return self.waiting.first(now) is not None and self._has_no_other()
        if self.waiting.first(now) is not None:
            return True
        return self.counts.asks < self.max_asks and self._wants_more() and self._is_known()

    def _is_known(self) -> bool:
        """Whether the verdicts are there that bear on what the next shard asks."""
        return self.steering is None or self.steering.is_ready(self.launched)

    def _next(self, now: float) -> int:
        """The shard to ask for: what failed before comes first, then a new one."""
        if (index := self.waiting.first(now)) is not None:
            self.waiting.take()
            return index
        index = self.launched
        self.launched += 1
        self.counts.asks += 1
        steer = None if self.steering is None else self.steering.steer(index)
        size = self.shards.size(index) if steer is None else steer.rows
        self.open[index] = Shard("queued", size, steer)
        self._yield.asked(size)
        return index

    def _note(self) -> list[Command]:
        """The step of steering that has just begun."""
        if self.steering is None or len(self.steering.began) == self._noted:
            return []
        self._noted += 1
        began = self.steering.began[-1]
        return [NoteStep(began.step, began.shard, began.why)]

    def _wants_more(self) -> bool:
        if self.launched >= self.shards.base and self.is_replay and self.open:
            return False  # one after the other, so that no more is asked than had to be the first time
        return self.launched < self.shards.base or self.expected() < self.shards.count

    def _wake(self, now: float) -> list[Command]:
        """When nothing can be asked now but will be: at the next retry, when an endpoint opens, when one is late."""
        times = self._dispatch.opens_at(now)
        if not self._has_next(now):
            times += self._calls.late_at(now)
        return [Wake(min(times))] if times else []

    def _is_stuck(self) -> bool:
        """Nothing is under way that could bring the run forward, and the budget allows nothing new."""
        moving = any(shard.phase not in ("starved", "made", "kept") for shard in self.open.values())
        return not moving and not self.bench.is_full

    def _give_up(self, reason: Reason, what: str = "", hint: str = "") -> list[Command]:
        self.ended = True
        return [GiveUp(reason, what, hint)]

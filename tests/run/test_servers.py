"""Several endpoints on a clock that the tests turn: work goes where it is done soonest, a dead one is left and taken
back, a slow one is not waited for. Endpoints here are functions of time; no process, no second is spent."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen.ask.address import Kind
from ffgen.ask.limit import PROBES
from ffgen.plan.shards import Shards
from ffgen.run.moves import (
    Arrived,
    AskShard,
    Command,
    Complete,
    Failed,
    GiveUp,
    Judged,
    JudgeShard,
    MakeShard,
    Outrun,
    Replied,
    Started,
    Wake,
    Woken,
    WriteShard,
    Written,
)
from ffgen.run.servers import LATE
from ffgen.run.state import State

Answer = tuple[float, Kind | None]
Endpoint = Callable[[float, int], Answer]
"""At this time, with so many requests there: how many seconds it takes, and what becomes of it."""


def steady(seconds: float, slots: int = 1000) -> Endpoint:
    """So long a request; what is beyond its slots waits."""
    return lambda now, there: (seconds * max(1.0, there / slots), None)


def strict(seconds: float, slots: int) -> Endpoint:
    """429 beyond its slots."""
    return lambda now, there: (0.01, "overloaded") if there > slots else (seconds, None)


def down(seconds: float, start: float, end: float, kind: Kind = "refused") -> Endpoint:
    """Nobody listens from `start` to `end`; what is in flight then is lost."""

    def answer(now: float, there: int) -> Answer:
        if start <= now < end:
            return 0.001, kind
        return (start - now, "reset") if now < start < now + seconds else (seconds, None)

    return answer


@dataclass
class World:
    """A run against some endpoints, on a clock of its own."""

    endpoints: list[Endpoint]
    state: State
    now: float = 0.0
    serial: int = 0
    queue: list[tuple[float, int, Any]] = field(default_factory=list)
    sent: list[tuple[float, AskShard]] = field(default_factory=list)
    there: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    ended: Command | None = None

    def later(self, seconds: float, what: Any) -> None:
        self.serial += 1
        heapq.heappush(self.queue, (self.now + seconds, self.serial, what))

    def feed(self, event: Any) -> None:
        for command in self.state.handle(event, self.now):
            self.do(command)

    def do(self, command: Command) -> None:
        match command:
            case AskShard():
                self.sent.append((self.now, command))
                self.there[command.endpoint] += 1
                seconds, kind = self.endpoints[command.endpoint](self.now, self.there[command.endpoint])
                self.later(seconds, (command, kind))
            case JudgeShard():
                self.later(0.0, Judged(command.shard, self.state.open[command.shard].rows))
            case WriteShard():
                self.later(0.0, Written(8))
            case Wake():
                self.later(max(0.0, command.at - self.now), Woken())
            case MakeShard():
                raise AssertionError("nothing is dropped here")
            case Complete() | GiveUp():
                self.ended = command

    def came(self, asked: AskShard, kind: Kind | None) -> None:
        self.there[asked.endpoint] -= 1
        if not self.state.awaits(asked.shard, asked.attempt):
            self.feed(Outrun(asked.shard, asked.attempt, asked.endpoint, kind))
        elif kind is not None:
            self.feed(Failed(asked.shard, kind, "it says no", endpoint=asked.endpoint))
        else:
            self.stored.append(asked.shard)
            self.feed(Arrived(asked.shard, asked.endpoint))
            self.feed(Replied(asked.shard, self.state.open[asked.shard].size, 8))

    def run(self) -> "World":
        self.there = [0] * len(self.endpoints)
        self.feed(Started())
        while self.ended is None:
            assert self.queue, "stuck"
            self.now, _, what = heapq.heappop(self.queue)
            if isinstance(what, tuple):
                self.came(*what)
            else:
                self.feed(what)
        return self

    def asked(self, endpoint: int) -> list[float]:
        """When an endpoint was asked."""
        return [at for at, command in self.sent if command.endpoint == endpoint]

    def doubles(self) -> list[float]:
        return [at for at, command in self.sent if command.is_double]


def world(*endpoints: Endpoint, shards: int = 200, concurrency: int = 4, patience: float = 30.0) -> World:
    state = State(
        Shards(shards * 8, 8, 7, "t"), max_asks=10_000, retries=3, concurrency=concurrency, patience=patience,
        endpoints=len(endpoints),
    )  # fmt: skip
    return World([*endpoints], state)


def test_load_follows_what_each_can_take() -> None:
    """Ten times slower, a tenth of the requests; the whole is as fast as both together."""
    made = world(steady(1.0), steady(10.0)).run()
    assert made.ended == Complete()
    assert len(made.asked(1)) == pytest.approx(200 / 11, abs=4)
    assert made.now <= 200 / 4.4 * 1.1 + LATE


def test_a_server_that_queues_gets_less() -> None:
    made = world(steady(1.0, slots=4), steady(1.0, slots=1)).run()
    assert len(made.asked(1)) == pytest.approx(200 / 5, abs=8)
    assert made.now <= 200 / 5 * 1.1 + 4


def test_a_server_that_refuses_beyond_its_slots_settles_there() -> None:
    made = world(steady(1.0), strict(1.0, 2), shards=600, concurrency=8).run()
    assert made.state.servers[1].limit.limit <= 3
    assert made.state.counts.failures["overloaded"] < 40
    assert made.now <= 600 / 10 * 1.25
    alone = world(strict(1.0, 2), shards=100, concurrency=8).run()
    assert alone.now <= 100 / 2 * 1.4


def test_the_last_requests_of_a_slow_one_go_to_another_too() -> None:
    made = world(steady(1.0), steady(30.0), shards=40).run()
    doubles = made.doubles()
    assert made.ended == Complete() and 1 <= len(doubles) <= 4
    assert made.now < 14, "and not 30"
    assert min(doubles) >= LATE, "none before it is late"
    last_new = max(at for at, command in made.sent if not command.is_double)
    assert min(doubles) >= last_new, "none while anything else can be asked"
    assert sorted(made.stored) == [*range(40)], "each reply counts once"
    assert made.state.counts.doubles == len(doubles)


def test_one_endpoint_alone_is_asked_nothing_twice() -> None:
    made = world(lambda now, there: (60.0 if now == 0 else 1.0, None), shards=20).run()
    assert made.doubles() == [] and len(made.sent) == 20


@given(st.lists(st.sampled_from([0.1, 1.0, 3.0, 20.0]), min_size=2, max_size=4), st.integers(1, 60), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_each_request_is_doubled_once_at_most_and_stored_once(
    paces: list[float], shards: int, concurrency: int
) -> None:
    made = world(*map(steady, paces), shards=shards, concurrency=concurrency).run()
    assert made.ended == Complete() and sorted(made.stored) == [*range(shards)]
    doubled = [command.shard for _, command in made.sent if command.is_double]
    assert len(set(doubled)) == len(doubled) and len(made.sent) == shards + len(doubled)


def test_requests_of_one_that_dies_go_to_the_others_at_once() -> None:
    made = world(steady(1.0), down(1.0, 10.5, float("inf"))).run()
    assert made.ended == Complete()
    lost = made.state.counts.failures["reset"]
    assert 1 <= lost <= 4
    after = [at for at in made.asked(1) if at > 10.5]
    assert len(after) <= 3 + 3, "three are refused, then it is probed only"
    again = [at for at, command in made.sent if at == 10.5 and command.endpoint == 0]
    assert not again or len(again) <= 4
    assert made.now <= 10.5 + (200 - 84 + 4) / 4 + 3


def test_one_that_died_is_probed_and_taken_back() -> None:
    back = 70.0
    made = world(steady(1.0), down(1.0, 10.5, back), shards=1000).run()
    assert made.ended == Complete()
    probes = [at for at in made.asked(1) if 11.0 < at < 130]
    first, longest = PROBES
    gaps = [b - a for a, b in zip(probes, probes[1:], strict=False)][:3]
    assert probes[0] == pytest.approx(10.5 + first, abs=1.0)
    assert gaps[0] == pytest.approx(2 * first, abs=1.0) and all(gap <= longest + 1 for gap in gaps)
    after = [at for at in made.asked(1) if at >= back]
    assert len(after) > 150, "it has half of the work again"
    assert max(after) > made.now - 5


def test_one_that_hangs_is_left_too() -> None:
    hung: Endpoint = lambda now, there: (20.0, "timeout")  # noqa: E731
    made = world(steady(1.0), hung, shards=400).run()
    assert made.ended == Complete() and len(made.asked(1)) < 20
    assert made.now < 140


@pytest.mark.parametrize("kind", ["fatal"])
def test_one_that_refuses_for_good_is_asked_no_more(kind: Kind) -> None:
    made = world(steady(1.0), lambda now, there: (0.1, kind)).run()
    assert made.ended == Complete() and len(made.asked(1)) == 4
    server = made.state.servers[1]
    assert server.dead and server.why == "it says no" and not made.state.servers[0].dead


def test_when_all_are_down_each_is_tried_until_patience_ends() -> None:
    made = world(down(1.0, 5, float("inf")), down(1.0, 8, float("inf")), patience=30.0).run()
    assert isinstance(made.ended, GiveUp) and made.ended.reason == "endpoint"
    assert 38 <= made.now < 50
    assert all(len([at for at in made.asked(i) if at > 30]) >= 1 for i in range(2)), "not with pauses of minutes"


def test_when_all_were_down_one_that_comes_back_does_the_rest() -> None:
    made = world(down(1.0, 5, float("inf")), down(1.0, 8, 25), patience=30.0).run()
    assert made.ended == Complete() and made.state.counts.admitted == 1600


def test_an_overload_moves_to_another_endpoint_at_once() -> None:
    made = world(strict(5.0, 2), steady(5.0), shards=6, concurrency=4).run()
    assert made.state.counts.failures == {"overloaded": 1}
    assert made.now == pytest.approx(5.0, abs=0.1), "without the two seconds that the first one cools down"


def test_past_the_budget_retries_wait_their_whole_pause() -> None:
    """A server that fails half of the time is not flooded, and still the run gets through."""
    calls = iter(range(10**9))
    flaky: Endpoint = lambda now, there: (0.05, "server" if next(calls) % 2 else None)  # noqa: E731
    made = world(flaky, shards=100, concurrency=8).run()
    assert made.ended == Complete()
    waits = made.now
    assert 1.0 < waits < 60

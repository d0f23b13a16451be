"""Decisions without a process: a simulated crew, in any order and with any misfortune, and the cases by hand."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ffgen.plan.shards import Shards
from ffgen.run import bench
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
    Outrun,
    Rephrased,
    Replied,
    Started,
    Wake,
    Woken,
    WriteShard,
    Written,
)
from ffgen.run.state import DEATHS, State

STEPS = 100_000


@dataclass(frozen=True)
class World:
    """What the crew and the endpoints are like, in shares of 1. What is `slow` happens when nothing else can."""

    good: float = 1.0
    new: float = 1.0
    failing: float = 0.0
    losing: float = 0.0
    most_deaths: int = 5
    kept: float = 0.0
    row_bytes: int = 10
    rephrases: bool = False
    stores: bool = False
    dead: frozenset[int] = frozenset()
    slow: str = ""


@dataclass
class Crew:
    """Plays everything around a State, and holds every command against the promises."""

    state: State
    world: World
    random: random.Random
    now: float = 0.0
    asked: list[AskShard] = field(default_factory=list)
    history: list[tuple[int, int]] = field(default_factory=list)
    storing: list[int] = field(default_factory=list)
    making: list[int] = field(default_factory=list)
    judging: list[int] = field(default_factory=list)
    writing: list[int] = field(default_factory=list)
    rows: dict[int, int] = field(default_factory=dict)
    in_memory: set[int] = field(default_factory=set)
    stored: set[int] = field(default_factory=set)
    plain: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    overtaken: int = 0
    wake: float | None = None
    judged: int = 0
    written: int = 0
    taken: int = 0
    deaths: int = 0
    most_held: int = 0
    ended: Command | None = None

    def feed(self, event: Event) -> None:
        for command in self.state.handle(event, self.now):
            self.do(command)
        self.hold()

    def hold(self) -> None:
        """The promises that hold after every event."""
        state = self.state
        assert state.counts.admitted == self.taken <= state.shards.count
        assert state.counts.asks <= state.max_asks
        assert all(server.limit.in_flight <= server.limit.ceiling for server in state.servers)
        assert state.ended or len(self.asked) == state.in_flight
        self.most_held = max(self.most_held, state.bench.held)

    def do(self, command: Command) -> None:
        assert self.ended is None
        match command:
            case AskShard():
                assert command.endpoint not in self.gone
                assert command.is_double or self.may_begin(command.shard)
                there = [a for a in self.asked if (a.shard, a.attempt) == (command.shard, command.attempt)]
                assert len(there) == command.is_double and command.shard not in self.storing
                if command.is_double:
                    assert command.shard not in self.doubled and command.endpoint != there[0].endpoint
                    self.doubled.add(command.shard)
                else:
                    self.doubled.discard(command.shard)
                self.asked.append(command)
                self.history.append((command.shard, command.attempt))
                at = sum(one.endpoint == command.endpoint for one in self.asked)
                assert at <= self.state.servers[command.endpoint].limit.limit
            case MakeShard():
                assert self.may_begin(command.shard)
                assert command.shard in self.stored and command.shard not in self.in_memory
                self.making.append(command.shard)
            case DropRows():
                self.in_memory.remove(command.shard)
            case JudgeShard():
                assert command.shard == self.judged and command.shard in self.in_memory
                self.judged += 1
                self.judging.append(command.shard)
            case WriteShard():
                assert command.shard == self.written
                self.written += 1
                self.in_memory.remove(command.shard)
                self.taken += command.take
                self.writing.append(self.rows[command.shard] * self.world.row_bytes)
            case Wake():
                self.wake = command.at if self.wake is None else min(self.wake, command.at)
            case GiveUp("bug"):
                assert not (self.asked or self.making or self.storing), "it was not alone"
                self.ended = command
            case Complete() | GiveUp():
                self.ended = command

    def may_begin(self, shard: int) -> bool:
        """Those that two workers died with go first, and alone."""
        suspects = self.state.waiting.suspects
        return not suspects or (shard in suspects and not (self.asked or self.making or self.storing))

    @property
    def gone(self) -> set[int]:
        return {number for number, server in enumerate(self.state.servers) if server.dead}

    def step(self) -> None:
        """One thing happens: any of those that can."""
        can = [name for name in ("asked", "storing", "making", "judging", "writing") if getattr(self, name)]
        if self.wake is not None:
            can.append("wake")
        assert can, "stuck: nothing is under way and nothing was ordered"
        ready = [name for name in can if name != self.world.slow] or can
        getattr(self, f"end_{self.random.choice(ready)}")()

    def end_asked(self) -> None:
        world = self.world
        one = self.asked.pop(self.random.randrange(len(self.asked)))
        self.now += self.random.random()
        if not self.state.awaits(one.shard, one.attempt):
            self.overtaken += 1
            kind: Any = self.random.choice([None, "reset", "overloaded"])
            self.feed(Outrun(one.shard, one.attempt, one.endpoint, kind))
        elif one.endpoint in world.dead:
            kind = self.random.choice(["refused", "reset", "timeout"])
            self.feed(Failed(one.shard, kind, "no", "look", endpoint=one.endpoint))
        elif world.rephrases and one.shard not in self.plain:
            self.plain.add(one.shard)
            self.feed(Rephrased(one.shard, one.endpoint))
        elif self.random.random() < world.failing:
            kind = self.random.choice(["overloaded", "server", "reset"])
            after = self.random.choice([None, 1.0]) if kind == "overloaded" else None
            self.feed(Failed(one.shard, kind, "no", retry_after=after, endpoint=one.endpoint))
        elif self.deaths < world.most_deaths and self.random.random() < world.losing:
            self.deaths += 1
            lost = {one.shard, *(each.shard for each in self.asked if self.random.random() < 0.5)}
            self.asked = [each for each in self.asked if each.shard not in lost]
            self.feed(Lost((*sorted(lost), *self.taken_along())))
        else:
            self.reply(one.shard, one.endpoint)

    def taken_along(self) -> list[int]:
        """What else the lost worker had in hand."""
        along, self.making = self.making[:1], self.making[1:]
        return along

    def reply(self, shard: int, endpoint: int) -> None:
        size = self.state.open[shard].size
        self.rows[shard] = self.random.randint(1, size) if self.random.random() < self.world.good else 0
        if self.random.random() < self.world.kept and shard not in self.doubled:
            self.made(shard, asked=False)
            return
        self.feed(Arrived(shard, endpoint))
        if self.world.stores:
            self.storing.append(shard)
        else:
            self.made(shard, asked=True)

    def end_storing(self) -> None:
        self.made(self.storing.pop(0), asked=True)

    def end_making(self) -> None:
        self.made(self.making.pop(self.random.randrange(len(self.making))), asked=False)

    def made(self, shard: int, asked: bool) -> None:
        self.in_memory.add(shard)
        self.stored.add(shard)
        before = self.state.open[shard].attempt
        self.feed(Replied(shard, self.rows[shard], self.rows[shard] * self.world.row_bytes, asked))
        if not self.ended and shard in self.state.open and self.state.open[shard].attempt > before:
            self.in_memory.discard(shard)  # a bad reply: another attempt comes in its place
            self.stored.discard(shard)

    def end_judging(self) -> None:
        shard = self.judging.pop(0)
        self.feed(Judged(shard, sum(self.random.random() < self.world.new for _ in range(self.rows[shard]))))

    def end_writing(self) -> None:
        self.feed(Written(self.writing.pop(0)))

    def end_wake(self) -> None:
        assert self.wake is not None
        self.now, self.wake = max(self.now, self.wake), None
        self.feed(Woken())

    def run(self) -> Command:
        """From the start to the end, which must come."""
        self.feed(Started())
        return self.run_on()

    def run_on(self) -> Command:
        for _ in range(STEPS):
            if self.ended is not None:
                return self.ended
            self.step()
        raise AssertionError(f"no end after {STEPS} steps")


def crew(
    count: int = 100,
    batch_size: int = 8,
    *,
    max_asks: int = 10_000,
    retries: int = 3,
    concurrency: Any = 4,
    patience: float = 30.0,
    endpoints: int = 1,
    seed: int = 0,
    world: World | None = None,
) -> Crew:
    shards = Shards(count, batch_size, 7, "t")
    made = State(
        shards,
        max_asks=max_asks,
        retries=retries,
        concurrency=concurrency,
        patience=patience,
        endpoints=endpoints,
    )
    return Crew(made, world or World(), random.Random(seed))


@contextmanager
def narrow(window: int = bench.WINDOW, unwritten: int = bench.UNWRITTEN) -> Iterator[None]:
    """Room for so many bytes only."""
    with patch.object(bench, "WINDOW", window), patch.object(bench, "UNWRITTEN", unwritten):
        yield


worlds = st.builds(
    World,
    good=st.sampled_from([0.3, 0.9, 1.0]),
    new=st.sampled_from([0.2, 0.7, 1.0]),
    failing=st.sampled_from([0.0, 0.1, 0.5]),
    losing=st.sampled_from([0.0, 0.05]),
    kept=st.sampled_from([0.0, 0.5, 1.0]),
    rephrases=st.booleans(),
    stores=st.booleans(),
    dead=st.sampled_from([frozenset(), frozenset({0}), frozenset({1})]),
    slow=st.sampled_from(["", "asked", "making", "judging", "writing", "wake"]),
)


@given(
    world=worlds,
    seed=st.integers(0, 2**32),
    count=st.integers(1, 300),
    batch_size=st.integers(1, 32),
    concurrency=st.sampled_from([1, 2, 8, "auto"]),
    endpoints=st.integers(1, 3),
    retries=st.integers(0, 3),
    factor=st.sampled_from([1.0, 2.0, 20.0]),
    window=st.sampled_from([700, 2000, bench.WINDOW]),
    unwritten=st.sampled_from([1, 500, bench.UNWRITTEN]),
)
@settings(max_examples=300, deadline=None)
@example(World(kept=1.0), 0, 1, 1, 1, 1, 0, 1.0, 700, 1)
def test_any_run_ends_and_keeps_every_promise(
    world: World,
    seed: int,
    count: int,
    batch_size: int,
    concurrency: Any,
    endpoints: int,
    retries: int,
    factor: float,
    window: int,
    unwritten: int,
) -> None:
    with narrow(window, unwritten):
        max_asks = round(-(-count // batch_size) * factor)
        played = crew(
            count,
            batch_size,
            max_asks=max_asks,
            retries=retries,
            concurrency=concurrency,
            endpoints=endpoints,
            seed=seed,
            world=world,
        )
        end = played.run()
        counts = played.state.counts
        match end:
            case Complete():
                assert played.taken == count
            case GiveUp("short"):
                assert played.taken < count and counts.asks == max_asks
            case GiveUp("endpoint"):
                assert played.state.servers.are_given_up(played.now)
            case GiveUp("bug"):
                assert played.deaths >= DEATHS
            case _:
                raise AssertionError(end)
        if window < bench.WINDOW:
            # The head is always let in, or else nothing would ever be judged; then it waits for the gate.
            assert played.most_held <= window + unwritten + 2 * batch_size * world.row_bytes


@given(st.integers(0, 2**32), st.sampled_from([1, 8]))
@settings(max_examples=25, deadline=None)
def test_bad_luck_does_not_keep_a_good_model_from_n(seed: int, concurrency: int) -> None:
    world = World(good=0.8, new=0.7, failing=0.2, losing=0.02)
    played = crew(200, 8, seed=seed, concurrency=concurrency, world=world)
    assert played.run() == Complete() or played.deaths >= DEATHS
    assert played.state.counts.beyond < 200


def test_make_up_shards_replace_what_was_refused_and_no_more_than_needed() -> None:
    played = crew(64, 8, concurrency=1, world=World(new=0.5), seed=3)
    assert played.run() == Complete()
    state = played.state
    assert state.launched > state.shards.base and state.counts.duplicates > 0
    assert {state.shards.size(i) for i in range(state.shards.base, state.launched)} == {state.shards.makeup_size}
    # One at a time, so that at most the last make-up shard goes past N.
    assert state.counts.beyond < state.shards.makeup_size


def test_a_perfect_model_is_asked_exactly_as_often_as_it_must_be() -> None:
    played = crew(100, 8)
    with patch.object(Crew, "reply", full_reply):
        assert played.run() == Complete()
    assert played.state.launched == played.state.counts.asks == 13
    assert played.state.counts.beyond == 0


def test_a_reply_on_its_way_to_the_disk_holds_no_permit() -> None:
    played = crew(count=100, concurrency=1, world=World(stores=True, slow="storing"))
    played.feed(Started())
    for _ in range(5):
        played.end_asked()
    assert len(played.storing) == 5 and len(played.asked) == 1 and played.state.counts.admitted == 0
    assert isinstance(played.run_on(), Complete)


def full_reply(self: Crew, shard: int, endpoint: int = 0) -> None:
    self.rows[shard] = self.state.shards.size(shard)
    self.made(shard, asked=True)


def hang_the_head(played: Crew, until: int) -> None:
    """All but the first request are answered, as long as others are asked."""
    for _ in range(until):
        others = [one for one in played.asked if one.shard != 0]
        if not others:
            return
        played.asked.remove(others[0])
        full_reply(played, others[0].shard)


def test_a_hung_first_request_does_not_stop_the_others() -> None:
    played = crew(400, 8, concurrency=2)
    played.feed(Started())
    hang_the_head(played, 49)
    assert played.state.launched == 50 and played.judged == 0


def test_rows_beyond_the_window_wait_on_disk_and_come_back() -> None:
    with narrow(window=400):
        played = crew(400, 8, concurrency=2)
        played.feed(Started())
        hang_the_head(played, 49)
        assert played.state.launched == 50 and played.judged == 0
        assert played.in_memory == {1, 2, 3, 4, 5} and played.state.bench.held == 400
        phases = [shard.phase for shard in played.state.open.values()]
        assert phases.count("kept") == 44
        full_reply(played, played.asked.pop().shard)
        with patch.object(Crew, "reply", full_reply):
            while played.ended is None:
                played.step()
    assert played.ended == Complete() and played.taken == 400
    assert played.state.counts.asks == 50, "nothing was asked twice"


def test_a_slow_writer_stops_asking_and_judging_until_it_is_through() -> None:
    with narrow(unwritten=100):
        played = crew(200, 8, concurrency=1)
        played.feed(Started())
        with patch.object(Crew, "reply", full_reply):
            while played.asked or played.judging:
                (played.end_judging if played.judging else played.end_asked)()
        assert played.ended is None and played.state.launched < 6
        asks = played.state.counts.asks
        played.end_writing()
        assert played.state.bench.unwritten < 100
        assert played.state.counts.asks == asks + 1


def test_bad_replies_are_asked_again_then_left_to_make_up_shards() -> None:
    played = crew(16, 8, retries=2, concurrency=1)
    played.feed(Started())
    attempts = []
    for _ in range(3):
        one = played.asked.pop()
        attempts.append((one.shard, one.attempt))
        played.rows[one.shard] = 0
        played.made(one.shard, asked=True)
    assert attempts == [(0, 0), (0, 1), (0, 2)]
    assert played.asked[0].shard == 1 and played.state.counts.bad_replies == 3
    with patch.object(Crew, "reply", full_reply):
        while played.ended is None:
            played.step()
    assert played.ended == Complete() and played.state.launched > 2


def test_a_transport_failure_asks_the_very_same_again() -> None:
    played = crew(16, 8, concurrency=1)
    played.feed(Started())
    played.feed(Failed(played.asked.pop().shard, "reset"))
    with patch.object(Crew, "reply", full_reply):
        while played.ended is None:
            played.step()
    assert sorted(played.history) == [(0, 0), (0, 0), (1, 0)]
    assert played.state.counts.retries == 1 and played.state.counts.asks == 2


def test_a_gate_that_stands_still_does_not_fill_the_memory() -> None:
    with narrow(window=400, unwritten=200):
        played = crew(4000, 8, world=World(slow="judging"))
        played.feed(Started())
        with patch.object(Crew, "reply", full_reply):
            while played.asked or played.making:
                (played.end_asked if played.asked else played.end_making)()
        assert played.judged < 10 and played.state.bench.held <= 400 + 200 + 80
        assert played.run_on() == Complete()


@pytest.mark.parametrize("reason", ["signal", "time"])
def test_halting_asks_nothing_more_and_waits_for_what_is_in_flight(reason: Any) -> None:
    played = crew(100, 8, concurrency=3)
    played.feed(Started())
    played.feed(Halted(reason, until=8.0))
    assert played.ended is None and played.wake == 8.0 and len(played.asked) == 3
    for one in list(played.asked):
        played.asked.remove(one)
        full_reply(played, one.shard)
    assert played.ended == GiveUp(reason) and played.asked == []


def test_halting_waits_no_longer_than_told() -> None:
    played = crew(100, 8)
    played.feed(Started())
    played.feed(Halted("time", until=8.0))
    played.end_wake()
    assert played.now == 8.0 and played.ended == GiveUp("time")


def test_a_dead_endpoint_ends_the_run_with_what_it_said() -> None:
    played = crew(100, 8, patience=5.0, world=World(dead=frozenset({0})))
    assert played.run() == GiveUp("endpoint", "no", "look")
    assert 5.0 <= played.now < 60.0


def test_a_fatal_refusal_ends_the_run_at_once() -> None:
    played = crew(100, 8)
    played.feed(Started())
    played.feed(Failed(played.asked.pop(0).shard, "fatal", "no such model", "pull it"))
    assert played.ended == GiveUp("endpoint", "no such model", "pull it")


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_of_two_endpoints_the_living_one_does_it_all(seed: int) -> None:
    world = World(dead=frozenset({1}))
    played = crew(400, 8, endpoints=2, patience=1.0, seed=seed, world=world)
    assert played.run() == Complete()
    assert 0 not in played.gone


def test_a_lost_workers_shards_are_asked_again() -> None:
    played = crew(100, 8, concurrency=3)
    played.feed(Started())
    lost = tuple(one.shard for one in played.asked)
    attempts = played.asked.copy()
    played.asked.clear()
    played.feed(Lost(lost))
    assert [(one.shard, one.attempt) for one in played.asked] == [(one.shard, one.attempt) for one in attempts]
    assert played.state.counts.asks == 3


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_shard_that_takes_down_three_workers_is_named_and_no_other(concurrency: int) -> None:
    """Whatever else its workers had in hand."""
    played = crew(100, 8, concurrency=concurrency)
    played.feed(Started())
    guilty = concurrency - 1
    while played.ended is None:
        held = tuple(one.shard for one in played.asked)
        if guilty in held:
            played.asked.clear()
            played.feed(Lost(held))
        else:
            played.end_asked()
    assert isinstance(played.ended, GiveUp) and played.ended.reason == "bug"
    assert f"Shard {guilty} " in played.ended.what and "seed" in played.ended.what


@given(st.integers(0, 2**32), st.sampled_from([1, 4, 9]), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_two_deaths_of_workers_are_nobodys_fault(seed: int, concurrency: int, endpoints: int) -> None:
    """Whatever they had in hand: it takes a third, of one alone."""
    world = World(good=0.8, new=0.8, failing=0.1, losing=0.1, kept=0.2, most_deaths=2)
    played = crew(400, 8, seed=seed, concurrency=concurrency, endpoints=endpoints, world=world)
    assert played.run() == Complete() and played.deaths == 2


@given(worlds, st.integers(0, 2**32), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_run_repeated_looks_at_no_shard_that_was_not_asked_for(world: World, seed: int, concurrency: int) -> None:
    """Whatever the order in which replies came the first time."""
    first = crew(100, 8, seed=seed, concurrency=concurrency, world=replace(world, kept=0.0, good=1.0, dead=frozenset()))
    new = {shard: chance.random() for chance in [random.Random(seed)] for shard in range(500)}

    def rows(self: Crew, shard: int, endpoint: int = 0) -> None:
        self.rows[shard] = self.state.open[shard].size
        if self is first:
            self.feed(Arrived(shard, endpoint))
        self.made(shard, asked=self is first)

    def judge(self: Crew) -> None:
        shard = self.judging.pop(0)
        self.feed(Judged(shard, int(self.rows[shard] * new[shard])))

    with patch.object(Crew, "reply", rows), patch.object(Crew, "end_judging", judge):
        if first.run() != Complete():
            return
        again = crew(100, 8, seed=seed + 1, concurrency=concurrency, world=World(slow=world.slow))
        assert again.run() == Complete()
    assert again.state.launched <= first.state.launched


def test_a_timer_that_goes_off_early_does_not_leave_a_halted_run_waiting() -> None:
    played = crew(100, 8)
    played.feed(Started())
    played.feed(Halted("time", until=8.0))
    played.now, played.wake = 7.9995, None
    played.feed(Woken())
    assert played.ended is None and played.wake == 8.0

"""What a drawn table does next, without a process: any order of events gives one file."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.run.drawing import Command, Drawing, DrawShard, Finish, GiveUp, JudgeShard, PlaceShard


def size_of(shard: int) -> int:
    return 100 + shard


class World:
    """Workers and a gate that answer in any order. `refuse` says how often the gate refuses rows of a shard."""

    def __init__(self, state: Drawing, seed: int, refuse: dict[int, int], crashes: int = 0) -> None:
        self.state = state
        self.random = random.Random(seed)
        self.refuse = dict(refuse)
        self.crashes = crashes
        self.waiting: list[Any] = []
        self.placed: dict[int, int] = {}
        self.judged: list[int] = []
        self.finish: Finish | None = None
        self.gave_up: GiveUp | None = None
        self.most_open = 0

    def run(self) -> "World":
        self.take(self.state.begin())
        while self.waiting:
            self.most_open = max(self.most_open, len(self.state.open))
            command = self.waiting.pop(self.random.randrange(len(self.waiting)))
            if self.crashes and self.random.random() < 0.2:
                self.crashes -= 1
                self.take(self.state.lost((command.shard,)))
            elif isinstance(command, PlaceShard):
                self.placed[command.shard] = command.offset
                self.take(self.state.put(command.shard))
            elif command.seal:
                self.take(self.state.sealed(command.shard, size_of(command.shard)))
            else:
                self.take(self.state.drawn(command.shard))
        return self

    def take(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case JudgeShard():
                    self.judged.append(command.shard)
                    refused = self.refuse.get(command.shard, 0) > 0
                    self.refuse[command.shard] = self.refuse.get(command.shard, 0) - 1
                    self.take(self.state.judged(command.shard, 3 if refused else 0))
                case Finish():
                    self.finish = command
                case GiveUp():
                    self.gave_up = command
                    self.waiting.clear()
                case _:
                    self.waiting.append(command)


@given(
    st.integers(0, 12), st.integers(1, 6), st.integers(0, 2**32), st.dictionaries(st.integers(0, 11), st.integers(1, 4))
)
def test_every_shard_has_its_place_whatever_the_order(
    shards: int, window: int, seed: int, refuse: dict[int, int]
) -> None:
    world = World(Drawing(shards, gated=bool(refuse), window=window, offset=7), seed, refuse).run()
    offset = 7
    for shard in range(shards):
        assert world.placed[shard] == offset
        offset += size_of(shard)
    assert world.finish == Finish(offset)
    assert world.most_open <= window
    if refuse:
        first = list(dict.fromkeys(world.judged))
        assert first == list(range(shards))
        assert all(world.judged.count(shard) == 1 + refuse.get(shard, 0) for shard in range(shards))


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_a_shard_is_drawn_again_when_its_worker_died_and_keeps_its_place(shards: int, seed: int) -> None:
    world = World(Drawing(shards, gated=True, window=4), seed, {0: 1}, crashes=1).run()
    assert world.gave_up is None and len(world.placed) == shards
    assert world.placed == {shard: sum(map(size_of, range(shard))) for shard in range(shards)}


def test_a_shard_that_kills_is_drawn_with_care_then_alone_then_named() -> None:
    state = Drawing(9, gated=False, window=3)
    assert state.begin() == [DrawShard(shard, True) for shard in range(3)]
    assert state.lost((1,)) == [DrawShard(1, True, care=1)]
    assert state.lost((1,)) == [], "others are being drawn"
    assert state.sealed(2, 10) == []
    assert state.sealed(0, 10) == [PlaceShard(0, 0)], "nor while one is written"
    assert state.put(0) == [DrawShard(1, True, care=2)], "nothing is drawn beside it"
    assert state.lost((1,)) == [GiveUp("crash", 1)]


def test_one_that_was_cleared_lets_the_others_go_on() -> None:
    state = Drawing(4, gated=False, window=2)
    state.begin()
    state.lost((0,))
    state.lost((0,))
    assert state.sealed(1, 10) == [DrawShard(0, True, care=2)]
    assert state.sealed(0, 10) == [PlaceShard(0, 0), PlaceShard(1, 10)]
    assert state.put(0) == [DrawShard(2, True)] and state.put(1) == [DrawShard(3, True)]


def test_of_two_that_a_worker_died_with_twice_the_one_that_kills_is_named() -> None:
    """Nothing is drawn while the other one, which is under suspicion as well, is still written."""
    state = Drawing(2, gated=False, window=2)
    state.begin()
    state.lost((0, 1))
    assert state.lost((0, 1)) == [DrawShard(0, True, care=2)]
    assert state.sealed(0, 10) == [PlaceShard(0, 0)]
    assert state.put(0) == [DrawShard(1, True, care=2)]
    assert state.lost((1,)) == [GiveUp("crash", 1)]


def test_what_a_dead_worker_had_made_already_is_not_to_blame() -> None:
    state = Drawing(3, gated=False, window=3)
    state.begin()
    state.sealed(1, 10)
    for care in (1, 2):
        assert DrawShard(0, True, care) in [*state.lost((0, 1)), *state.sealed(2, 10), *state.sealed(1, 10)]
    assert state.lost((1, 0)) == [GiveUp("crash", 0)]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32), st.booleans(), st.data())
def test_a_table_that_is_gone_on_with_ends_as_it_would_have(
    shards: int, window: int, seed: int, gated: bool, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, shards))
    offset = 7 + sum(size_of(shard) for shard in range(first))
    world = World(Drawing(shards, gated=gated, window=window, offset=offset, first=first), seed, {}, crashes=2).run()
    assert world.finish == Finish(7 + sum(size_of(shard) for shard in range(shards)))
    assert sorted(world.placed) == list(range(first, shards))


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32))
def test_what_stands_in_a_row_and_how_long_it_is(shards: int, window: int, seed: int) -> None:
    class Looking(World):
        def take(self, commands: list[Command]) -> None:
            end = next(shard for shard in range(shards + 1) if shard not in self.done)
            assert (self.state.standing, self.state.size) == (end, 7 + sum(map(size_of, range(end))))
            super().take(commands)

        @property
        def done(self) -> set[int]:
            return set(self.placed) - set(self.state.open)

    Looking(Drawing(shards, gated=False, window=window, offset=7), seed, {}, crashes=2).run()


def test_a_gate_that_never_lets_rows_in_ends_the_run() -> None:
    world = World(Drawing(1, gated=True, window=2), 0, {0: 10_000}).run()
    assert world.gave_up == GiveUp("full", 0) and world.finish is None


def test_no_rows_are_a_table_too() -> None:
    assert Drawing(0, gated=False, window=2, offset=3).begin() == [Finish(3)]


@pytest.mark.parametrize("gated", [False, True])
def test_rows_are_sealed_at_once_where_no_gate_is_asked(gated: bool) -> None:
    assert Drawing(1, gated=gated, window=1).begin() == [DrawShard(0, seal=not gated)]

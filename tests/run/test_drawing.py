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


def test_two_deaths_of_one_shard_end_the_run() -> None:
    state = Drawing(2, gated=False, window=2)
    assert state.begin() == [DrawShard(0, True), DrawShard(1, True)]
    assert state.lost((0,)) == [DrawShard(0, True)]
    assert state.lost((0,)) == [GiveUp("crash", 0)]


def test_a_gate_that_never_lets_rows_in_ends_the_run() -> None:
    world = World(Drawing(1, gated=True, window=2), 0, {0: 10_000}).run()
    assert world.gave_up == GiveUp("full", 0) and world.finish is None


def test_no_rows_are_a_table_too() -> None:
    assert Drawing(0, gated=False, window=2, offset=3).begin() == [Finish(3)]


@pytest.mark.parametrize("gated", [False, True])
def test_rows_are_sealed_at_once_where_no_gate_is_asked(gated: bool) -> None:
    assert Drawing(1, gated=gated, window=1).begin() == [DrawShard(0, seal=not gated)]

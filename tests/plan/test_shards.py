"""Shards: their sizes add up, their seeds differ, and how far steering looks back is fixed."""

from hypothesis import given
from hypothesis import strategies as st

from ffgen.plan.shards import FARTHEST, LARGER, Shards


@given(st.integers(1, 10**12), st.integers(1, 1000))
def test_sizes_of_the_first_shards_add_up_to_the_count(count: int, batch: int) -> None:
    shards = Shards(count, batch, 0, "t")
    assert (shards.base - 1) * batch + shards.size(shards.base - 1) == count
    assert 1 <= shards.size(shards.base - 1) <= batch and shards.size(0) <= batch
    assert shards.size(shards.base) == shards.size(shards.base + 7) == shards.makeup_size
    assert 1 <= shards.makeup_size <= batch and shards.makeup_size <= -(-count // 4)


def test_sizes_of_small_and_large_tables() -> None:
    small = Shards(25, 5, 0, "t")
    assert [small.size(i) for i in range(7)] == [5] * 7 and small.makeup_size == 5
    odd = Shards(70, 32, 0, "t")
    assert [odd.size(i) for i in range(5)] == [32, 32, 6, 18, 18]
    assert [Shards(1, 32, 0, "t").size(i) for i in range(2)] == [1, 1]


@given(st.integers(0, 2**63 - 1), st.text(max_size=9))
def test_seeds_differ_by_shard_and_attempt_and_fit_every_server(seed: int, table: str) -> None:
    shards = Shards(100, 10, seed, table)
    seeds = [shards.seed_of(index, attempt) for index in range(20) for attempt in range(4)]
    assert len(set(seeds)) == 80 and all(0 <= each < 2**31 for each in seeds)
    assert seeds[:4] == [Shards(7, 3, seed, table).seed_of(0, attempt) for attempt in range(4)]


def test_seeds_are_the_same_in_every_version() -> None:
    assert Shards(100, 10, 7, "customers").seed_of(3, 1) == 1431891786


@given(st.integers(1, 10**6), st.integers(1, 100))
def test_how_far_steering_looks_back_is_fixed_and_never_falls(count: int, batch: int) -> None:
    shards = Shards(count, batch, 0, "t")
    near = [*range(max(0, shards.base - 5), shards.base + 5), 0, 1, 10**7]
    assert all(0 <= shards.horizon(i) <= shards.horizon(i + 1) <= i for i in near)
    assert shards.horizon(min(shards.base, FARTHEST) - 1) == 0, "the first ones wait for nobody"
    assert shards.base + 50 - shards.horizon(shards.base + 50) == shards.lag <= FARTHEST


def test_larger_make_up_shards_are_twice_as_large() -> None:
    shards = Shards(70, 32, 0, "t")
    assert [shards.size(i, LARGER) for i in range(4)] == [32, 32, 6, 36]

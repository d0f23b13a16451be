"""Shards: their sizes add up, their seeds differ, and each gets its own slice of the space."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.plan.shards import BANDS, LETTERS, Shards, bands_of, slice_words
from ffgen.spec.model import Field
from ffgen.spec.types import ValueType, build_type, build_types


def types(*fields: dict[str, Any]) -> list[ValueType]:
    return build_types(msgspec.convert([{"name": f"f{i}"} | field for i, field in enumerate(fields)], list[Field]))


def bands(**field: Any) -> list[str]:
    return bands_of(build_type(msgspec.convert(field, Field)))


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


TYPES = types(
    {"type": "integer", "range": [18, 80]},
    {"type": "enum", "values": ["a"]},
    {"type": "number", "range": [0, 1]},
    {"type": "date", "range": ["2020-01-01", "2024-12-31"]},
    {"type": "string"},
)


@given(st.integers(0, 10**6), st.integers(0, 2**40))
def test_neighbours_share_no_slice_of_any_field(seed: int, index: int) -> None:
    shards = Shards(1000, 10, seed, "t")
    here, there = (slice_words(TYPES, shards, i).split("; ") for i in (index, index + 1))
    assert len(here) == len(there) == 4 and all(a != b for a, b in zip(here, there, strict=True))
    assert "; ".join(here) == slice_words(TYPES, Shards(5, 1, seed, "t"), index)


def test_two_fields_go_through_all_pairs_of_bands() -> None:
    shards = Shards(1000, 10, 3, "t")
    pairs = {tuple(slice_words(TYPES[:3], shards, i).split("; ")) for i in range(BANDS**2)}
    assert len(pairs) == BANDS**2
    triples = {tuple(slice_words(TYPES[:4], shards, i).split("; ")) for i in range(BANDS**3)}
    assert len(triples) == BANDS**3


def test_initials_are_two_and_come_round_with_other_partners() -> None:
    shards = Shards(1000, 10, 3, "t")
    said = [
        slice_words(types({}), shards, i).removeprefix("f0 mostly starting with ") for i in range(20 * len(LETTERS))
    ]
    assert all(len(set(each.split(" or "))) == 2 for each in said) and len(set(said)) == len(said)
    assert len(set(LETTERS)) == len(LETTERS)


def test_an_e_mail_is_steered_where_there_is_no_text() -> None:
    shards = Shards(10, 1, 0, "t")
    for pattern in (None, "@x[.]com$"):
        words = slice_words(types({"type": "email", "pattern": pattern}), shards, 0)
        assert words.startswith("f0 mostly starting with ") and words.islower()
    assert slice_words(types({"type": "email", "pattern": "^admin"}, {"pattern": "^a"}), shards, 0) == ""
    assert slice_words(types({"type": "email"}, {"type": "text"}), shards, 0).startswith("f1")


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ({"type": "integer", "range": [18, 80]}, "18 to 27", "70 to 80"),
        ({"type": "integer", "range": ["1", "12"]}, "1 to 2", "11 to 12"),
        ({"type": "integer", "range": [0, 2**63 - 1]}, f"0 to {2**63 // 6 - 1}", f"{2**63 * 5 // 6} to {2**63 - 1}"),
        ({"type": "number", "range": [0, 1e6]}, "0 to 170000", "830000 to 1000000"),
        ({"type": "number", "range": [0.5, 0.56]}, "0.5 to 0.51", "0.55 to 0.56"),
        ({"type": "number", "range": [-1, 1]}, "-1 to -0.67", "0.67 to 1"),
        (
            {"type": "date", "range": ["2024-01-01", "2024-01-12"]},
            "2024-01-01 to 2024-01-02",
            "2024-01-11 to 2024-01-12",
        ),
        (
            {"type": "datetime", "range": ["2024-01-01", "2024-12-30T12:00:00+02:00"]},
            "2024-01-01 to 2024-02-29",
            "2024-10-31 to 2024-12-30",
        ),
    ],
)
def test_bands(field: dict[str, Any], first: str, last: str) -> None:
    found = bands(**field)
    assert len(found) == BANDS and (found[0], found[-1]) == (first, last)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6))
def test_bands_of_integers_cover_the_range_and_touch(low: int, size: int) -> None:
    high = min(low + size, 2**63 - 1)
    found = [tuple(map(int, band.split(" to "))) for band in bands(type="integer", range=[low, high])]
    assert (found == []) == (high - low + 1 < 2 * BANDS)
    if found:
        assert found[0][0] == low and found[-1][1] == high
        assert all(a[1] + 1 == b[0] for a, b in pairwise(found))


@pytest.mark.parametrize(
    "field",
    [
        {"type": "integer"},
        {"type": "integer", "range": [1, 11]},
        {"type": "number", "range": [5, 5]},
        {"type": "number", "range": [-1.7e308, 1.7e308]},
        {"type": "date", "range": ["2024-01-01", "2024-01-11"]},
        {"type": "time", "range": ["08:00", "17:00"]},
        {"type": "integer", "range": [1, 99], "values": [5]},
    ],
)
def test_a_range_too_small_or_too_large_is_not_cut(field: dict[str, Any]) -> None:
    assert bands(**field) == []

"""Slices: each request gets its own, evenly, and no two in a row the same; all of it from the index alone."""

from collections import Counter
from itertools import combinations, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen.plan.facets import FACETS
from ffgen.plan.shards import Shards
from ffgen.plan.strata import CELLS, LETTERS, LONGEST, MOST, STEPS, Steer, Strata, cells_of, in_words
from ffgen.spec.model import Field
from ffgen.spec.types import ValueType, build_types

MANY = Shards(10_000, 10, 3, "t")
AGE = {"type": "integer", "range": [18, 80]}
THREE = {"type": "enum", "values": ["a", "b", "c"]}
RICH: list[dict[str, Any]] = [
    AGE, THREE, {"type": "boolean"}, {"type": "number", "range": [0, 1]}, {"type": "integer", "range": [1, 5]},
    {"type": "date", "range": ["2020-01-01", "2024-12-31"]}, {"type": "string"}, {"type": "text"},
]  # fmt: skip


def types(*fields: dict[str, Any]) -> list[ValueType]:
    return build_types(msgspec.convert([{"name": f"f{i}"} | field for i, field in enumerate(fields)], list[Field]))


def strata(*fields: dict[str, Any], shards: Shards = MANY, **said: Any) -> Strata:
    return Strata(types(*(fields or RICH)), shards, **said)


def slices(made: Strata, index: int, step: int = 0) -> str:
    return made.slices(index, Steer(8, step, made.picks(index, step)))


def cells(*fields: dict[str, Any], parts: int = CELLS) -> list[list[str]]:
    return cells_of(types(*fields)[0], parts)


# Cells of one field


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "boolean"}, [["true"], ["false"], ["true"], ["false"], ["true"], ["false"], []]),
        (THREE, [["a"], ["b"], ["c"], ["a"], ["b"], ["c"], []]),
        ({"type": "enum", "values": [1, 2, 3, 4]}, [["1"], ["2"], [], ["3"], [], ["4"], []]),
        ({"type": "enum", "values": ["a", "b"], "weights": [70, 30]}, [["a"]] * 5 + [["b"]] * 2),
        ({"type": "enum", "values": [*"abcdefgh"]}, [["a", "h"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ({"type": "enum", "values": [*"abcd"], "weights": [60, 25, 10, 5]},
         [["a"], ["b"], ["a"], ["c", "d"], ["a"], ["b"], ["a"]]),
        ({"type": "enum", "values": ["a", "b"], "weights": [1, 0]}, []),
        ({"type": "enum", "values": ["a", "b"], "weights": [99, 1]}, []),
        ({"type": "enum", "values": ["a", "b" * (LONGEST + 1)]}, []),
        ({"type": "integer", "range": [1, 1]}, []),
        ({"type": "string"}, []),
        ({"type": "integer"}, []),
    ],
)  # fmt: skip
def test_cells_whatever_their_order(field: dict[str, Any], expected: list[list[str]]) -> None:
    assert sorted(cells(field)) == sorted(expected)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=40), st.integers(2, CELLS))
def test_weighted_values_get_cells_as_their_weights_say(weights: list[int], parts: int) -> None:
    values = [f"v{i}" for i in range(len(weights))]
    made = cells({"type": "enum", "values": values, "weights": weights}, parts=parts)
    if not made:
        return
    assert len(made) == parts
    counts = Counter(name for cell in made for name in cell if len(cell) == 1)
    for value, weight in zip(values, weights, strict=True):
        share = weight / sum(weights) * parts
        assert counts[value] <= share + 1.01 or len(weights) <= parts
        assert counts[value] >= int(share) - 1


def test_a_cell_of_many_values_names_them_all_in_time() -> None:
    members = [f"v{i}" for i in range(20)]
    said = {word.strip(",") for turn in range(10) for word in in_words("f", members, turn).split()}
    assert set(members) <= said


# The order of requests


@given(st.integers(0, 10**6), st.integers(0, 2**40), st.integers(0, STEPS - 1))
def test_neighbours_share_no_slice_of_any_field(seed: int, index: int, step: int) -> None:
    fields = [field for field in RICH if field["type"] != "boolean"]  # two values can't do that and meet all others
    made = strata(*fields, shards=Shards(1000, 10, seed, "t"))
    here, there = ({part for part in slices(made, i, step).split("; ")} for i in (index, index + 1))
    assert not here & there
    assert made.voice(index, step) != made.voice(index + 1, step)


@given(st.integers(0, 10**6), st.integers(0, STEPS - 1), st.integers(1, 500), st.integers(0, 50))
@settings(max_examples=60)
def test_any_number_of_requests_covers_each_field_evenly(seed: int, step: int, many: int, block: int) -> None:
    made = strata(shards=Shards(1000, 10, seed, "t"))
    first = block * CELLS
    picks = [made.picks(i, step) for i in range(first, first + many)]
    for number, axis in enumerate(made.axes):
        counts = Counter({cell: 0 for cell in range(CELLS)})
        counts.update(pick[number] for pick in picks)
        assert max(counts.values()) - min(counts.values()) <= 1
        named = Counter({tuple(cell): 0 for cell in axis.cells if cell})
        named.update(tuple(axis.cells[pick[number]]) for pick in picks if axis.cells[pick[number]])
        assert max(named.values()) - min(named.values()) <= 1


@pytest.mark.parametrize("step", range(STEPS))
def test_every_two_of_six_fields_meet_in_all_pairs(step: int) -> None:
    made = strata()
    assert len(made.axes) == 6
    picks = [made.picks(i, step) for i in range(CELLS**2)]
    for a, b in combinations(range(6), 2):
        assert len({(pick[a], pick[b]) for pick in picks}) == CELLS**2


def test_more_fields_than_that_meet_later_and_past_a_dozen_are_left_free() -> None:
    made = strata(*[AGE] * (MOST + 3))
    assert len(made.axes) == MOST
    picks = [made.picks(i) for i in range(CELLS**3)]
    for a, b in combinations(range(MOST), 2):
        assert len({(pick[a], pick[b]) for pick in picks}) == CELLS**2


def test_each_step_has_an_order_of_its_own() -> None:
    made = strata()
    orders = {tuple(made.picks(i, step) for i in range(50)) for step in range(STEPS)}
    said = {tuple(slices(made, i, step) for i in range(50)) for step in range(STEPS)}
    assert len(orders) == len(said) == STEPS


@given(st.integers(0, 2**40), st.integers(0, STEPS - 1))
def test_a_slice_is_a_function_of_seed_table_index_and_step(index: int, step: int) -> None:
    one, other = strata(), strata(shards=Shards(20_000, 7, 3, "t"))
    assert slices(one, index, step) == slices(other, index, step), "also of a table of another size"
    assert one.voice(index, step) == other.voice(index, step)


def test_seeds_differ() -> None:
    seeds = {tuple(slices(strata(shards=Shards(10_000, 10, seed, "t")), i) for i in range(30)) for seed in range(9)}
    assert len(seeds) == 9


@pytest.mark.parametrize("base", range(2, CELLS))
def test_a_small_table_cuts_the_space_among_its_few_requests(base: int) -> None:
    made = strata(AGE, THREE, shards=Shards(base * 10, 10, 0, "t"))
    said = [slices(made, i).split("; ")[0].removeprefix("f0 mostly ").split(" to ") for i in range(base)]
    ends = sorted((int(low), int(high)) for low, high in said)
    assert ends[0][0] == 18 and ends[-1][1] == 80
    assert all(a[1] + 1 == b[0] for a, b in pairwise(ends))


def test_a_table_of_one_request_is_not_steered() -> None:
    made = strata(shards=Shards(8, 10, 0, "t"))
    assert slices(made, 0) == made.voice(0, 0) == ""
    assert slices(made, 1) and made.voice(1, 0)


def test_fields_that_a_condition_ties_are_not_steered_apart() -> None:
    made = strata(AGE, AGE, AGE, tied=[{"f0", "f1"}])
    assert [axis.name for axis in made.axes] == ["f0", "f2"]


# Texts


def test_initials_come_round_with_other_partners() -> None:
    made = strata({})
    for step in range(STEPS):
        said = [made.initials(i, step) for i in range(len(LETTERS) * (len(LETTERS) - 1))]
        assert len(set(said)) == len(said) and all(len(set(pair)) == 2 for pair in said)
    assert len(set(LETTERS)) == len(LETTERS)


def test_which_text_is_steered_by_its_initial() -> None:
    for pattern in (None, "@x[.]com$"):
        words = slices(strata({"type": "email", "pattern": pattern}), 0)
        assert words.startswith("f0 mostly starting with ") and words.islower()
    assert slices(strata({"type": "email", "pattern": "^admin"}, {"pattern": "^a"}), 0) == ""
    assert slices(strata({"type": "email"}, {"type": "string"}), 0).startswith("f1")
    long = strata({"type": "string", "length": [20, 400]})
    assert slices(long, 0) == "" and long.voice(0, 0)
    assert slices(long, 0, step=1).startswith("f0 mostly starting with ")


def test_no_voice_comes_back_in_fifteen_thousand_requests() -> None:
    made = strata({"type": "text"})
    voices = {made.voice(i, 0) for i in range(15_840)}
    assert len(voices) == 15_840
    sizes = [len(facet) for facet in FACETS]
    assert all(len(set(facet)) == len(facet) for facet in FACETS) and sizes == [5, 9, 32, 11]


def test_personas_of_the_spec_come_in_turn() -> None:
    made = strata({"type": "text"}, personas=["a\nnurse", "a diver", "a judge"])
    voices = [made.voice(i, 0) for i in range(9)]
    assert Counter(voices) == {"a nurse": 3, "a diver": 3, "a judge": 3}
    assert all(a != b for a, b in pairwise(voices))
    assert strata({}, personas=["a nurse"]).voice(1, 0) == "", "nobody writes a name"

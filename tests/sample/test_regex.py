"""Words of patterns, many at a time, against the automaton that says one at a time."""

import unicodedata
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.pattern.strategies import RICH
from tests.sample.drive import bound, drawn, drawn_table, keyed, series

from ffgen.pattern import Language
from ffgen.rng import U64
from ffgen.sample import resolve
from ffgen.sample.base import Sampler
from ffgen.sample.regex import Pattern, quotas
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

SMALL = [
    r"[A-C]{2}-\d",
    r"[a-d]{1,4}",
    "(foo|ba[rz]|quux)-[xy]{0,3}",
    "a|bb|ccc|[d-f]{2}",
    "(ab|cd|ef)(1|22|333)?z",
    "[äöü€]x?𝄞",
    "(A[0-9]{2}[1-9]|B[0-9]{3})-(X|YY)",
    "x",
    "a?b?c?",
    "^(yes|no)$",
]
LARGE = [
    r"[A-Z]{3}-\d{4}",
    "[a-z]+",
    "[a-z]{40}",
    "(x|yy)[a-z]{20}",
    r"(\d{4} ){3}\d{4}",
    "[^a-f]{3,30}",
    ".{1,60}",
    "(ab*c|[k-p]{9,30}|é+){1,3}",
]
TYPED: list[dict[str, Any]] = [
    {"type": "phone", "pattern": r"^\+4930"},
    {"type": "email", "pattern": r"^[a-z]{3,8}@corp[.]com$"},
    {"type": "url", "pattern": r"^https://shop[.]example[.]com/p/[0-9]{1,6}$"},
    {"type": "ipv4", "pattern": "^10[.]"},
    {"type": "uuid", "pattern": "^0{8}"},
    {"type": "uuid"},
    {"type": "text", "pattern": "[A-Z][a-z ]{5,30}[.]"},
    {"type": "string", "pattern": "[a-z]+", "length": [3, 5]},
    {"type": "string", "pattern": "[a-z]*", "length": [0, 2]},
]


def of(pattern: str, **field: Any) -> Sampler:
    return bound(**{"type": "string", "pattern": pattern, "generator": "pattern"} | field)


def at(sampler: Sampler, index: U64) -> list[str]:
    return series(sampler, sampler.at(index)).to_list()


def words(pattern: str) -> set[str]:
    language = Language.of(pattern, searched=False)
    assert language is not None
    lengths = [length for length in language.lengths(1) if length]
    return {language.word(index, each) for each in lengths for index in range(language.count(each, each) or 0)}


@pytest.mark.parametrize("pattern", SMALL)
def test_all_numbers_give_exactly_the_language(pattern: str) -> None:
    sampler, wanted = of(pattern), words(pattern)
    assert sampler.room() == len(wanted) > 0
    index = np.arange(len(wanted), dtype=np.uint64)
    assert sorted(at(sampler, index)) == sorted(wanted)
    assert sorted(keyed(len(wanted), sampler=of(pattern, count=len(wanted)))) == sorted(wanted)
    assert set(drawn(len(wanted) * 40, sampler=sampler)) == wanted


@pytest.mark.parametrize("pattern", LARGE)
def test_distinct_numbers_give_distinct_words(pattern: str) -> None:
    sampler = of(pattern)
    room = sampler.room()
    assert room is not None
    first = np.arange(min(room, 20_000), dtype=np.uint64)
    index: U64 = np.unique(np.concatenate([first, room - 1 - first, first * np.uint64(room // len(first))]))
    found = at(sampler, index)
    assert len(set(found)) == len(index)
    assert list(sampler.kind.refuse(found, making=True)) == []
    assert keyed(20_000, sampler=sampler).n_unique() == 20_000


@pytest.mark.parametrize("field", [*TYPED, *({"type": "string", "pattern": pattern} for pattern in LARGE)], ids=str)
def test_every_value_fits_its_field(field: dict[str, Any]) -> None:
    sampler = bound(generator="pattern", **field)
    count = min(sampler.room() or 0, 300)
    for column in (drawn(1000, sampler=sampler), keyed(count, sampler=sampler)):
        values = column.to_list()
        assert sampler.kind.settle(values)[1] == 0
        assert list(sampler.kind.refuse(values, making=True)) == []


@settings(max_examples=120, deadline=None)
@given(RICH, st.sampled_from([None, 3, [0, 4], [2, 40]]))
def test_any_pattern_is_drawn_or_refused(pattern: str, length: Any) -> None:
    try:
        sampler = of(pattern, length=length)
    except Problem as problem:
        assert problem.key == "pattern"
        assume(False)
    values = drawn(50, sampler=sampler).to_list()
    assert sampler.kind.settle(values)[1] == 0
    assert list(sampler.kind.refuse(values, making=True)) == []
    room = sampler.room() or 0
    index = np.arange(min(room, 500), dtype=np.uint64)
    assert len(set(at(sampler, index))) == len(index)
    assert keyed(len(index), sampler=sampler).n_unique() == len(index)
    if room <= 500:
        assert set(values) <= set(at(sampler, index))


@pytest.mark.parametrize("pattern", ["[A-C]{2}-[0-9]", "(foo|ba[rz])-[xy]{2}|abc-d[0-7]"])
def test_words_of_a_length_are_alike(pattern: str) -> None:
    wanted = words(pattern)
    for shares in (Counter(drawn(40_000, sampler=of(pattern))), Counter(drawn(40_000, seed=5, sampler=of(pattern)))):
        lengths = {len(word) for word in wanted}
        for length in lengths:
            words_of = [word for word in wanted if len(word) == length]
            expected = 40_000 / len(lengths) / len(words_of)
            squares = sum((shares[word] - expected) ** 2 / expected for word in words_of)
            assert squares < len(words_of) + 5 * (2 * len(words_of)) ** 0.5


@pytest.mark.parametrize("pattern", ["(x|yy)[a-z]{20}", "[a-z]{21}", "[a-z]{14,21}", "([a-m]{5}|[n-z]{5})[a-z]{13}"])
def test_letters_are_even_at_every_place_of_more_words_than_can_be_numbered(pattern: str) -> None:
    sampler = of(pattern)
    for column in (drawn(26_000, sampler=sampler), pl.Series(keyed(26_000, sampler=sampler))):
        ends = np.asarray([[ord(char) - 97 for char in word[-13:]] for word in column])
        for place in range(13):
            counts = np.bincount(ends[:, place], minlength=26)
            assert ((counts - 1000) ** 2 / 1000).sum() < 75  # 25 degrees of freedom: above once in 10**6


def test_letters_do_not_follow_each_other() -> None:
    column = drawn(52_000, sampler=of("(x|yy)[a-z]{20}"))
    ends = np.asarray([[ord(char) - 97 for char in word[-20:]] for word in column])
    for place in range(19):
        pairs = np.bincount(ends[:, place] * 26 + ends[:, place + 1], minlength=676)
        assert ((pairs - 52_000 / 676) ** 2 / (52_000 / 676)).sum() < 675 + 6 * (2 * 675) ** 0.5


def test_lengths_are_alike_or_get_rarer() -> None:
    lengths = Counter(map(len, drawn(50_000, sampler=of("[a-z]{2,6}"))))
    assert all(lengths[length] / 50_000 == pytest.approx(0.2, abs=0.01) for length in range(2, 7))
    lengths = Counter(map(len, drawn(50_000, sampler=of("[a-z]+"))))
    assert set(lengths) == set(range(1, 34))
    weights = {length: (8 / 9) ** length for length in range(1, 34)}
    for length, weight in weights.items():
        assert lengths[length] / 50_000 == pytest.approx(weight / sum(weights.values()), abs=0.008)


def test_a_unique_field_keeps_lengths_as_long_as_there_are_words() -> None:
    sampler = of("[A-Z]{1,4}", count=10_000)
    lengths = Counter(map(len, keyed(10_000, sampler=sampler)))
    assert lengths == {1: 26, 2: 676, 3: 4649, 4: 4649}
    more = keyed(30_000, sampler=sampler)
    assert more.n_unique() == 30_000
    assert more[:10_000].equals(keyed(10_000, sampler=sampler))
    assert Counter(map(len, more[:5000]))[2] == pytest.approx(338, abs=60)


def test_chance_comes_from_the_seed_alone() -> None:
    for pattern in (r"[A-Z]{3}-\d{4}", "[a-z]{1,8}", "[äöü]{4,6}"):
        field: dict[str, Any] = {"type": "string", "pattern": pattern, "generator": "pattern"}
        assert drawn(100, seed=1, **field).equals(drawn(100, seed=1, **field))
        assert not drawn(100, seed=1, **field).equals(drawn(100, seed=2, **field))
        assert keyed(100, seed=1, **field).equals(keyed(100, seed=1, **field))
        assert not keyed(100, seed=1, **field).equals(keyed(100, seed=2, **field))
        assert drawn(0, **field).to_list() == keyed(0, **field).to_list() == []


def test_the_example_draws() -> None:
    fields = msgspec.convert(yaml.safe_load(resolve("pattern").example), list[Field])
    assert drawn_table(50, fields)["sku"].str.contains(r"^[A-Z]{3}-\d{4}$").all()


def test_only_settled_text_is_drawn() -> None:
    assert at(of(" *a *"), np.arange(1, dtype=np.uint64)) == ["a"]
    assert of(" *a *").room() == 1
    assert set(drawn(200, sampler=of("[a\u0301é]{1,2}"))) == {"a", "é", "aa", "aé", "éa", "éé"}
    assert all(unicodedata.is_normalized("NFC", word) for word in drawn(500, sampler=of(r"[\u{C0}-\u{3FF}]{1,5}")))
    spaced = drawn(500, sampler=of("[ab ]{3}"))
    assert spaced.str.contains(" ").any()
    assert spaced.str.strip_chars().equals(spaced)


def test_phone_numbers_of_a_pattern_are_all_there() -> None:
    sampler = bound(type="phone", pattern=r"^\+4930[0-9]{3}$", generator="pattern")
    assert set(at(sampler, np.arange(1000, dtype=np.uint64))) == {f"+4930{number:03}" for number in range(1000)}


def test_quotas_add_up_and_keep_below_their_most() -> None:
    assert quotas(10, [1, 1, 1], [1, 20, 20]) == [1, 4, 5]
    assert quotas(41, [1, 1, 1], [1, 20, 20]) == [1, 20, 20]
    assert quotas(7, [5, 1], [1, 100]) == [1, 6]
    big = [9**32, 8**32, 1]
    assert sum(quotas(2**62, big, [2**62, 2**62, 3])) == 2**62


def test_many_lengths_and_states() -> None:
    sampler = of("(a{1,40}|b{2,60}c)[d-f]{1,50}", length=[1, 80])
    values = drawn(500, sampler=sampler).to_list()
    assert list(sampler.kind.refuse(values, making=True)) == []
    assert len({len(value) for value in values}) > 60


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("generator", {"type": "string"}),
        ("pattern", {"type": "string", "pattern": r"\bword\b"}),
        ("pattern", {"type": "string", "pattern": "[a-z]{3}", "length": 5}),
        ("pattern", {"type": "string", "pattern": " "}),
        ("pattern", {"type": "string", "pattern": "e\u0301"}),
        ("pattern", {"type": "phone", "pattern": "^[a-z]+$"}),
        ("generator", {"type": "integer"}),
    ],
)
def test_what_cannot_be_is_refused(key: str, field: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        bound(generator="pattern", **field)
    assert refused.value.key == key
    assert refused.value.hint


def test_it_holds_what_it_says() -> None:
    assert Pattern.holds == {"pattern", "length", "format"}

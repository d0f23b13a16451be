import random
import re
import time
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.pattern.strategies import RICH, SMALL, TEXTS

from ffgen.errors import InternalError
from ffgen.pattern import Language, matches


def language(pattern: str, *, searched: bool = False) -> Language:
    found = Language.of(pattern, searched=searched)
    assert found is not None
    return found


def python(pattern: str) -> "re.Pattern[str]":
    """Python's reading of the same pattern: its `$` also stands before a last line break, the Rust one's does not."""
    return re.compile(pattern.replace("$", r"\Z"), re.ASCII)


@settings(max_examples=150, deadline=None)
@given(RICH, TEXTS)
def test_membership_agrees_with_python_and_with_the_engine(pattern: str, texts: list[str]) -> None:
    whole, searched = language(pattern), language(pattern, searched=True)
    other = python(pattern)
    assert [searched.rank(text) is not None for text in texts] == [other.search(text) is not None for text in texts]
    assert [whole.rank(text) is not None for text in texts] == [other.fullmatch(text) is not None for text in texts]
    assert [searched.rank(text) is not None for text in texts] == matches(pattern, texts)


@settings(max_examples=100, deadline=None)
@given(SMALL)
def test_counts_agree_with_brute_force(pattern: str) -> None:
    found, other = language(pattern), python(pattern)
    for length in range(6):
        words = {"".join(word) for word in product("ab", repeat=length) if other.fullmatch("".join(word))}
        assert found.count(length, length) == found.allowed(length, length) == len(words)
        assert {found.word(index, length) for index in range(len(words))} == words


@settings(max_examples=100, deadline=None)
@given(RICH, st.integers(0, 4), st.data())
def test_numbers_and_words_are_a_bijection(pattern: str, length: int, data: st.DataObject) -> None:
    found = language(pattern)
    count = found.count(length, length)
    assume(count)
    assert count is not None
    index = data.draw(st.integers(0, count - 1))
    word = found.word(index, length)
    assert len(word) == length
    assert found.rank(word) == index


@settings(max_examples=100, deadline=None)
@given(RICH, st.integers(0, 2**32), st.integers(0, 5), st.one_of(st.none(), st.integers(5, 12)))
def test_a_drawn_word_matches_and_keeps_its_length(pattern: str, seed: int, low: int, high: int | None) -> None:
    found = language(pattern)
    word = found.draw(random.Random(seed), low, high)
    if word is None:
        assert not found.count(low, high if high is not None else low + 40)
        return
    assert matches(pattern, [word]) == [True]
    assert len(word) >= low and (high is None or len(word) <= high)
    assert word == language(pattern).draw(random.Random(seed), low, high)


@settings(max_examples=60, deadline=None)
@given(SMALL, SMALL)
def test_an_intersection_has_the_words_of_both(one: str, two: str) -> None:
    both = language(one).intersect(language(two, searched=True))
    assert both is not None
    for length in range(5):
        words = {"".join(word) for word in product("ab", repeat=length)}
        wanted = {word for word in words if python(one).fullmatch(word) and python(two).search(word)}
        assert {word for word in words if both.rank(word) is not None} == wanted
        assert both.count(length, length) == len(wanted)


@pytest.mark.parametrize(
    ("pattern", "count", "allowed"),
    [
        ("^(a|b|ab)(c|bc)$", 5, 5),
        (r"^[A-Z]{3}-\d{4}$", 26**3 * 10**4, 26**3 * 760**4),
        ("^[A-Z]{3}-[0-9]{4}$", 26**3 * 10**4, 26**3 * 10**4),
        ("^(red|green|)$", 3, 3),
        ("^.{0,2}$", 1 + 95 + 95**2, 1 + 1112063 + 1112063**2),
        ("^(?i)k$", 2, 3),
        ("^(?i:é)$", 2, 2),
        ("^[^a]$", 94, 0x110000 - 2048 - 1),
        ("^[a-d&&[^b]]$", 3, 3),
        ("^[[:digit:]]$", 10, 10),
        ("^x{1000}$", 1, 1),
        ("^$", 1, 1),
        ("a^b", 0, 0),
        ("^[a&&b]$", 0, 0),
        ("abc", None, None),
        ("^a+$", None, None),
    ],
)
def test_sizes(pattern: str, count: int | None, allowed: int | None) -> None:
    found = language(pattern, searched=True)
    assert (found.count(), found.allowed()) == (count, allowed)


def test_a_searched_pattern_is_finite_once_its_length_is() -> None:
    found = language("ab", searched=True)
    assert found.count(0, 3) == 1 + 95 + 95
    assert found.allowed(0, 3) == 1 + 2 * 1112064


@pytest.mark.parametrize("pattern", ["(?=a)b", "[", r"\bword", "(?m)^a$", "(?x) a", "(a|b)*a(a|b){14}"])
def test_what_is_not_known_is_none(pattern: str) -> None:
    assert Language.of(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|b)*a(a|b){14}",
        "(a+)+$",
        "x{1000}",
        "x{1000}{9}",
        "((a{20}){20}){20}",
        "^(a?){1000}$",
        "(){1000}{1000}",
        "((a*)*)*b",
        "(" * 39 + "a" + ")*" * 39,
        "(" * 200 + "a" + ")*" * 200,
        "|".join(f"{number:03}" for number in range(250)),
        "^.{0,5000}$",
        "^[a-z]{1,900}$",
    ],
)
def test_hard_patterns_end_soon(pattern: str) -> None:
    start = time.process_time()
    found = Language.of(pattern)
    if found is not None:
        found.count()
        found.allowed(0, 10**9)
        found.draw(random.Random(0), 0, 10**9)
    assert time.process_time() - start < 1.5


def test_shorthand_is_drawn_from_ascii_and_listed_characters_are_drawn() -> None:
    rng = random.Random(3)
    words = "".join(language(r"^[\w\s\D.]{20}$").draw(rng) or "" for _ in range(20))
    assert words.isascii() and words.isprintable()
    assert set("".join(language("^[éè]{20}$").draw(rng) or "" for _ in range(5))) == {"é", "è"}
    assert set(language(r"^\n{3}$").draw(rng) or "") == {"\n"}


def test_an_endless_word_is_eight_longer_than_the_shortest_on_average() -> None:
    found, rng = language("^abc[a-z]*$"), random.Random(1)
    lengths = [len(found.draw(rng) or "") - 3 for _ in range(2000)]
    assert 6 < sum(lengths) / len(lengths) < 8
    assert min(lengths) == 0 and max(lengths) <= 32


def test_words_of_one_length_are_drawn_alike() -> None:
    found, rng = language("^(aa|ab|[x-z]a)$"), random.Random(5)
    words = [found.draw(rng) for _ in range(2000)]
    assert set(words) == {"aa", "ab", "xa", "ya", "za"}
    assert all(300 < words.count(word) < 500 for word in set(words))


def test_a_numpy_generator_draws_too() -> None:
    found = language("^[a-z]{1,40}$")
    words = [found.draw(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert words[0] == words[1] != words[2]
    assert matches("^[a-z]{1,40}$", words) == [True] * 3


def test_no_word_of_a_length_is_none() -> None:
    found = language("^(ab)*$")
    assert found.draw(random.Random(0), 3, 3) is None
    assert found.draw(random.Random(0), 3, 4) == "abab"
    assert language("a^b").draw(random.Random(0)) is None


def test_numbers_outside_are_refused() -> None:
    found = language("^[ab]{2}$")
    with pytest.raises(InternalError, match="no word 4 of 2 characters"):
        found.word(4, 2)
    with pytest.raises(InternalError):
        found.word(-1, 2)
    with pytest.raises(InternalError):
        found.word(0, -1)
    assert found.rank("ac") is None
    assert found.rank("a") is None


def test_an_intersection_is_drawn_from_the_first_where_it_can_be() -> None:
    both = language(r"^\w+$").intersect(language("^[éa]{2}$"))
    assert both is not None
    assert (both.draw(random.Random(0)), both.count(), both.allowed()) == ("aa", 1, 4)
    accents = language(r"^\w+$").intersect(language("^é$"))
    assert accents is not None and accents.draw(random.Random(0)) == "é"
    nothing = language("^a$").intersect(language("^b$"))
    assert nothing is not None and (nothing.allowed(), nothing.draw(random.Random(0))) == (0, None)

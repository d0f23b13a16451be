"""Texts that look like examples."""

import unicodedata
from typing import Any

import msgspec
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table

from ffgen.sample.ngram import Ngram
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

TOWNS = "Ashford Ashton Bradford Bradley Burton Crawley Dartford Horton Milford Milton Norton Stratford".split()
LINES = [
    "the red fox jumps over the lazy dog",
    "the old dog sleeps near the red house",
    "a fox lives near the old house",
    "the lazy cat sleeps over the house",
]


def ngram(examples: list[str], **parameters: Any) -> dict[str, Any]:
    return {"name": "ngram", "examples": examples, **parameters}


def grams(tokens: Any, size: int) -> set[tuple[str, ...]]:
    padded = ["^"] * size + list(tokens) + ["$"]
    return {tuple(padded[i : i + size + 1]) for i in range(len(padded) - size)}


def test_the_example_draws_and_depends_on_the_seed_alone() -> None:
    made = msgspec.convert(yaml.safe_load(Ngram.example), list[Field])
    first, again, other = (drawn_table(500, made, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert drawn_table(0, made).height == 0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_letters_follow_each_other_as_in_the_examples(order: int) -> None:
    known = set().union(*(grams(town, order) for town in TOWNS))
    column = drawn(2000, generator=ngram(TOWNS, order=order))
    assert set().union(*(grams(text, order) for text in column.unique())) <= known
    assert (column.n_unique() > len(TOWNS)) == (order < 3)


def test_words_follow_each_other_as_in_the_examples() -> None:
    known = set().union(*(grams(line.split(), 2) for line in LINES))
    column = drawn(2000, type="text", generator=ngram(LINES, level="word"))
    assert set().union(*(grams(text.split(" "), 2) for text in column.unique())) <= known
    assert set(column.unique()) - set(LINES)


def test_what_follows_comes_as_often_as_in_the_examples() -> None:
    column = drawn(60_000, generator=ngram(["ab", "ab", "ab", "ac"]))
    assert (column == "ab").mean() == pytest.approx(0.75, abs=0.006)


@pytest.mark.parametrize("length", [[5, 6], [9, 9], [1, 4], [12, 30], [30, 31]])
@pytest.mark.parametrize(("level", "examples"), [("character", TOWNS), ("word", LINES)])
def test_every_text_has_the_length_of_its_field(length: list[int], level: str, examples: list[str]) -> None:
    try:
        column = drawn(1500, length=length, generator=ngram(examples, level=level, order=1))
    except Problem as problem:
        assert (problem.key, level, length[1] < 10) == ("length", "word", True)
        return
    sizes = column.str.len_chars()
    assert length[0] <= sizes.min() and sizes.max() <= length[1]  # type: ignore[operator]


def test_without_a_length_texts_end() -> None:
    sizes = drawn(3000, generator=ngram(["abababab", "ba"], order=1)).str.len_chars()
    assert 1 <= sizes.min() and sizes.max() <= 24  # type: ignore[operator]
    assert sizes.max() > 12  # type: ignore[operator]


def test_novel_texts_are_no_examples() -> None:
    column = drawn(5000, generator=ngram(TOWNS, order=2, novel=True))
    assert not set(column.unique()) & set(TOWNS)
    assert set(drawn(5000, generator=ngram(TOWNS, order=2)).unique()) & set(TOWNS)


def test_accents_stay_with_their_letters() -> None:
    names = ["Zoë", "José", "Łukasz", "Søren", "x\u0323\u0307y", "日本語", "😀é"]
    column = drawn(2000, length=[2, 5], generator=ngram(names, order=1))
    assert set("".join(column.unique())) <= set(unicodedata.normalize("NFC", "".join(names)))
    for text in column.unique():
        assert text == unicodedata.normalize("NFC", text.strip())
        assert 2 <= len(text) <= 5


def test_the_fields_own_examples_are_learned_from() -> None:
    column = drawn(300, generator="ngram", examples=["aaa", "bbb"])
    assert set("".join(column)) == {"a", "b"}


def test_large_columns_are_drawn_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ffgen.sample.ngram.AT_ONCE", 1)
    assert drawn(1000, generator=ngram(TOWNS)).len() == 1000


@pytest.mark.parametrize(
    ("field", "key", "says"),
    [
        ({"generator": "ngram"}, "generator.examples", "nothing to learn"),
        ({"generator": ngram([])}, "generator.examples", ""),
        ({"generator": ngram([" "])}, "generator.examples", "nothing to learn"),
        ({"generator": ngram(TOWNS, order=0)}, "generator.order", ""),
        ({"generator": ngram(TOWNS, level="letter")}, "generator.level", ""),
        ({"generator": ngram(["abc"], novel=True)}, "generator.novel", "0%"),
        ({"generator": ngram(["abc", "abd"]), "length": [4, 9]}, "length", "4 to 9"),
    ],
)
def test_what_cannot_be_learned_is_refused(field: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(**field)
    assert caught.value.key == key
    assert says in caught.value.what

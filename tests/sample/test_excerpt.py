"""Excerpts: pieces of a long text, anywhere, as long as is said."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.sample.drive import bound, drawn

from ffgen.rng import stream
from ffgen.sample.excerpt import Book
from ffgen.spec.types import Problem

RULES = {"start": {"<who> <does>.": 3, "<who>, <who> <does>!": 1}, "who": ["Ann", "the cat"], "does": ["sleeps", "ran"]}
EXCERPT: dict[str, Any] = {"name": "grammar", "rules": RULES, "excerpt": True}


def test_pieces_have_all_lengths_alike_and_no_space_at_their_ends() -> None:
    texts = drawn(20_000, generator=EXCERPT, length=[5, 24])
    lengths = texts.str.len_chars()
    assert (lengths.min(), lengths.max()) == (5, 24)
    counts = lengths.value_counts()["count"].to_numpy()
    assert len(counts) == 20 and float(((counts - 1000) ** 2 / 1000).sum()) < 300
    assert (texts.str.strip_chars() == texts).all()
    assert texts.n_unique() > 900


def test_they_are_cut_out_of_the_grammars_texts() -> None:
    words = {"Ann", "the", "cat", "sleeps", "ran"}
    for text in drawn(300, generator=EXCERPT, length=[30, 60]):
        whole = re.findall("[A-Za-z]+", text)[1:-1]
        assert whole and set(whole) <= words


def test_the_seed_decides() -> None:
    first, again, other = (drawn(200, seed=seed, generator=EXCERPT, length=[5, 24]) for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)
    assert len(drawn(0, generator=EXCERPT, length=[5, 24])) == 0


def test_one_length_is_kept_by_drawing_again() -> None:
    assert "length" not in bound(generator=EXCERPT, length=8).holds
    assert "length" in bound(generator=EXCERPT, length=[8, 9]).holds
    assert drawn(500, generator=EXCERPT, length=8).str.len_chars().max() == 8


def test_letters_beyond_ascii_are_never_cut_in_two() -> None:
    book = Book("größere Käfer  über\n dem Fluß " * 50)
    texts = book.cut(stream(3), 2000, 3, 9)
    assert texts.str.len_chars().is_between(3, 9).all() and (texts.str.strip_chars() == texts).all()
    assert all(text in book.text for text in texts)


def test_every_piece_can_come_up() -> None:
    book = Book("abcdefgh " * 3)
    found = set(book.cut(stream(1), 3000, 2, 3))
    assert {"ab", "gh", "h a", "abc"} <= found and not {"h ", " a"} & found


@pytest.mark.parametrize(("length", "key"), [(None, "generator.excerpt"), ([1, 20_000], "length")])
def test_a_length_is_needed(length: Any, key: str) -> None:
    with pytest.raises(Problem) as refused:
        bound(generator=EXCERPT, length=length)
    assert refused.value.key == key


def test_a_list_of_distinct_words_has_none_twice() -> None:
    generator = {"name": "words", "count": [2, 4], "words": {word: weight for weight, word in enumerate("abcdefgh", 1)}}
    texts = drawn(4000, generator={**generator, "distinct": True})
    parts = texts.str.split(" ")
    assert (parts.list.n_unique() == parts.list.len()).all()
    assert set(parts.list.len()) == {2, 3, 4}
    first = parts.list.first().value_counts(sort=True)
    np.testing.assert_allclose(first["count"][0] / 4000, 8 / 36, rtol=0.1)
    assert not (drawn(4000, generator=generator).str.split(" ").list.n_unique() == parts.list.len()).all()


def test_too_few_distinct_words_are_refused() -> None:
    with pytest.raises(Problem) as refused:
        bound(generator={"name": "words", "count": 3, "words": ["a", "b", "c", "d", "e"], "distinct": True})
    assert refused.value.key == "generator.words"


def test_sparse_numbers_use_the_first_of_every_lot() -> None:
    sampler = bound(type="integer", unique=True, generator={"name": "sequence", "sparse": [8, 32]})
    index = np.arange(40, dtype=np.uint64)
    wanted = [number for number in range(1, 200) if number % 32 < 8][:40]
    assert pl.Series(sampler.keyed(index, 0)).to_list() == wanted
    generator = {"name": "sequence", "sparse": [8, 32], "start": 101}
    sampler = bound(type="integer", generator=generator, range=[0, 400], count=50)
    numbers = pl.Series(sampler.keyed(np.arange(sampler.room() or 0, dtype=np.uint64), 0)).to_list()
    assert numbers == [number for number in range(101, 401) if number % 32 < 8]


@pytest.mark.parametrize(
    ("more", "key"),
    [({"sparse": [9, 8]}, "generator.sparse"), ({"step": 2}, "generator.step"), ({"start": 20}, "generator.start")],
)
def test_sparse_numbers_that_cannot_be_are_refused(more: dict[str, Any], key: str) -> None:
    with pytest.raises(Problem) as refused:
        bound(type="integer", generator={"name": "sequence", "sparse": [8, 32], **more})
    assert refused.value.key == key

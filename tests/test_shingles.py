"""Texts as sets of 4-grams: what counts as one text, and that the bands catch what they promise."""

import math

import numpy as np
import pytest

from ffgen.shingles import Digests, bands_for, digest, plain, room_of, shingles


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    shared = len(np.intersect1d(a, b))
    return shared / (len(a) + len(b) - shared)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Stra\u00dfe 5", "  STRASSE\n\t5 "),
        ("\u00c9clair", "e\u0301clair"),  # composed and decomposed
        ("\ufb01nal", "\ufb01nal"),
        ("", "  "),
    ],
)
def test_case_space_and_composition_make_no_difference(one: str, other: str) -> None:
    assert plain(one) == plain(other) and jaccard(one, other) == 1.0


def test_shingles_are_the_set_of_4_grams() -> None:
    assert len(shingles("abcdabcd")) == 4  # abcd bcda cdab dabc, and abcd again
    assert jaccard("abcdef", "abcdeg") == pytest.approx(2 / 4)
    assert jaccard("\U0001f600bcde", "\U0001f601bcde") == pytest.approx(1 / 3)
    assert len(shingles("ab")) == len(shingles("")) == len(shingles("\ud800")) == 1
    assert jaccard("ab", "abc") == jaccard("ab", "") == 0.0


@pytest.mark.parametrize("threshold", [0.2, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0])
def test_bands_catch_99_of_100_pairs_that_are_just_alike_enough(threshold: float) -> None:
    bands, rows = bands_for(threshold)
    assert bands * rows <= 64
    assert 1 - (1 - threshold**rows) ** bands >= 0.99
    if threshold < 1:
        longer = rows + 1
        needed = math.log(0.01) / math.log(1 - threshold**longer)
        assert math.ceil(needed) * longer > 64  # no longer bands would fit


def test_digests_survive_packing_and_being_cut() -> None:
    texts = ["one fine day", None, "", "another fine day", "x" * 700]
    made = digest(texts, 0.85)
    assert made.counts.tolist() == [9, 0, 1, 13, 1]
    back = Digests.unpack(made.pack())
    for name in ("bands", "bitmaps", "counts", "sets"):
        assert np.array_equal(getattr(made, name), getattr(back, name))
    cut = list(made.parts(2))
    assert [len(part) for part in cut] == [2, 2, 1]
    assert np.array_equal(np.concatenate([part.sets for part in cut]), made.sets)
    assert np.array_equal(np.concatenate([digest([text], 0.85).bands for text in texts]), made.bands)
    assert len(Digests.unpack(digest([], 0.85).pack())) == 0 and not list(digest([], 0.85).parts(2))


def test_room_is_reckoned_by_length_and_number() -> None:
    assert 0.8e6 < room_of(1000, 160, 0.85) < 1.2e6
    assert room_of(2000, 160, 0.85) == pytest.approx(2 * room_of(1000, 160, 0.85))

"""Near twins against brute force, in any batches, and no more memory than allowed."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ffgen.admit.gate import Gate
from ffgen.admit.near import NearSet
from ffgen.errors import ShortfallError
from ffgen.shingles import digest, room_of

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]


def corpus(count: int, seed: int = 0) -> list[str]:
    """Texts of 8 to 40 words; two in five are copies of an earlier one with some words changed."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    texts: list[str] = []
    for _ in range(count):
        if texts and chance.random() < 0.4:
            share = chance.choice([0.0, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5])
            copied = [
                chance.choice(words) if chance.random() < share else word for word in chance.choice(texts).split()
            ]
            if chance.random() < 0.3:
                copied.insert(chance.randrange(len(copied)), chance.choice(words))
            texts.append(" ".join(copied))
        else:
            texts.append(" ".join(chance.choices(words, k=chance.randint(8, 40))))
    return texts


def by_force(texts: Sequence[str], threshold: float) -> NDArray[np.bool_]:
    """Who enters when each text is compared with every one that entered before, by counting shared 4-grams."""
    numbers: dict[str, int] = {}
    sets = []
    for text in texts:
        found = {text[at : at + 4] for at in range(len(text) - 3)}
        sets.append(np.array([numbers.setdefault(gram, len(numbers)) for gram in found]))
    sizes = np.array([len(grams) for grams in sets])
    order = np.argsort(np.concatenate(sets), kind="stable")
    owners = np.repeat(np.arange(len(texts)), sizes)[order]
    ends = np.cumsum(np.bincount(np.concatenate(sets)))
    admitted = np.ones(len(texts), np.bool_)
    for row, grams in enumerate(sets):
        others = [owners[ends[gram - 1] if gram else 0 : ends[gram]] for gram in grams.tolist()]
        shared = np.bincount(np.concatenate(others), minlength=len(texts))[:row]
        alike = shared / (sizes[row] + sizes[:row] - shared) >= threshold
        admitted[row] = not (alike & admitted[:row]).any()
    return admitted


def compare(count: int, threshold: float) -> tuple[float, float, int]:
    """Recall and precision of what is refused, and how much that is."""
    texts = corpus(count)
    truth = ~by_force(texts, threshold)
    refused = ~NearSet(threshold, 64 << 20).judge(texts)
    both = int((truth & refused).sum())
    return both / int(truth.sum()), both / int(refused.sum()), int(truth.sum())


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85, 0.95])
def test_recall_and_precision_against_brute_force(threshold: float) -> None:
    recall, precision, refused = compare(2_000, threshold)
    assert recall >= 0.97 and precision >= 0.97 and refused > 100


@pytest.mark.soak
def test_recall_and_precision_on_20_000_texts() -> None:
    recall, precision, refused = compare(20_000, 0.85)
    assert recall >= 0.95 and precision >= 0.9 and refused > 2_000


def test_verdicts_do_not_depend_on_batches_and_the_first_stays() -> None:
    texts: list[str | None] = [*corpus(1_500), None, None]
    whole = NearSet(0.85).judge(texts)
    for size in (1, 7, 512):
        known = NearSet(0.85)
        cut = [known.judge(texts[at : at + size]) for at in range(0, len(texts), size)]
        assert np.array_equal(np.concatenate(cut), whole)
    assert whole[0] and whole[-2:].all()  # a null is nobody's twin
    again = NearSet(0.85)
    assert again.judge(texts[:1]).all() and not again.judge([str(texts[0]).upper()]).any()


def test_a_chain_of_twins_is_cut_where_the_admitted_one_is_too_far() -> None:
    """A row is compared with those that entered, not with those that were refused."""
    words = [f"{number:03d} of march" for number in range(40)]
    chain = [" ".join(words[:at] + [word.upper()[::-1] for word in words[at:]]) for at in range(0, 40, 2)]
    verdict = NearSet(0.85).judge(chain)
    assert np.array_equal(verdict, by_force([text.casefold() for text in chain], 0.85))
    assert 2 < verdict.sum() < len(chain)


def test_memory_is_kept_and_what_does_not_fit_is_refused() -> None:
    known = NearSet(0.85, memory=1 << 20, name="review")
    texts = corpus(4_000)
    with pytest.raises(ShortfallError, match="texts fill the 1.0 MiB in which near twins of `review`") as caught:
        for text in texts:
            known.judge([text])
    assert known.size <= 1 << 20 and "--dedup-memory" in caught.value.hint
    fitted = len(known)
    length = sum(map(len, texts[:fitted])) / fitted
    assert 0.5 < room_of(fitted, length, 0.85) / known.size < 1.5


# With the other key sets, at the gate


def test_a_row_enters_all_sets_or_none() -> None:
    """Against a plain reference: a row refused by its key leaves no text behind, and the other way round."""
    chance = random.Random(3)
    texts = corpus(1_200, seed=5)
    keys = np.array([[chance.randrange(1, 900)] for _ in texts], np.uint64)
    gate = Gate(1, 0, 8 << 20, near=[("text", 0.85)])
    found, twins = [], []
    for at in range(0, len(texts), 700):
        found.append(gate.judge(keys[at : at + 700], [digest(texts[at : at + 700], 0.85)]))
        twins.append(gate.twins)
    gate.close()
    taken: set[int] = set()
    known = NearSet(0.85)
    expected, alike = [], []
    for key, text in zip(keys[:, 0].tolist(), texts, strict=True):
        part = digest([text], 0.85)
        is_new = key not in taken
        is_twin = bool(known.meet(part)[0][0])
        expected.append(is_new and not is_twin)
        alike.append(is_new and is_twin)
        if expected[-1]:
            taken.add(key)
            known.add(part, np.array([True]))
    assert np.concatenate(found).tolist() == expected
    assert np.concatenate(twins).tolist() == alike and sum(alike) > 50

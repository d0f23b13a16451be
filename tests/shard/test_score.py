"""The score of a text that a model wrote for a row."""

import pytest

from ffgen.shard.score import score
from ffgen.spec.model import Field
from ffgen.spec.types import build_type

TEXT = build_type(Field(name="review", type="text"))
GOOD = "The pump works well and fits into my bag."


@pytest.mark.parametrize(
    ("text", "own", "others", "before", "wanted"),
    [
        (GOOD, ["Pump"], ["Saddle"], [], 1.0),
        ("Nice", [], [], [], 0.25),
        ("My saddle squeaks, what a pity.", ["Pump"], ["Saddle"], [], 0.0),
        ("This pump beats my old saddle bag.", ["Pump"], ["Saddle"], [], 0.5),
        ("Saddles are not what this is about.", ["Pump"], ["Saddle"], [], 1.0),
        ("My pump is one of five.", ["Pump"], ["ump", "one"], [], 1.0),
        (GOOD, [], [], [GOOD], 0.0),
        (GOOD, [], [], ["Something else entirely happened here today."], 1.0),
        ("so good so good so good so good so good so good so good so good", [], [], [], 0.375),
    ],
)
def test_the_worst_part_counts(text: str, own: list[str], others: list[str], before: list[str], wanted: float) -> None:
    assert score(text, TEXT, own, others, before) == pytest.approx(wanted)


def test_a_length_that_the_spec_sets_is_length_enough() -> None:
    assert score("Nice", build_type(Field(name="r", type="text", length=[2, 9])), [], [], []) == 1.0

"""Marks tell the rows of a request apart, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from ffgen.plan.hybrid import mark_of

ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from(["", "a", "b", "cc", "x" * 70]), min_size=width, max_size=width), max_size=9
    )
)


@given(ROWS)
def test_rows_that_differ_in_what_can_be_a_mark_have_different_marks(rows: list[list[str]]) -> None:
    marks = mark_of(rows)
    assert len(marks) == len(rows)
    columns = [column for column in zip(*rows, strict=True) if all(0 < len(text) <= 60 for text in column)]
    seen = [*zip(*columns, strict=True)]
    for first in range(len(seen)):
        for second in range(len(seen)):
            assert (marks[first] == marks[second]) == (seen[first] == seen[second])


def test_one_short_field_is_preferred() -> None:
    assert mark_of([["long name of it", "1"], ["another long name", "2"]]) == ["1", "2"]
    assert mark_of([["same"], ["same"]]) == ["same", "same"]
    assert mark_of([[], []]) == ["-", "-"]

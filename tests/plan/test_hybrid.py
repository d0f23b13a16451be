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
    seen = [[text[:40] or "-" for text in row] for row in rows]
    for first in range(len(seen)):
        for second in range(len(seen)):
            assert (marks[first] == marks[second]) == (seen[first] == seen[second])


def test_one_short_field_is_preferred() -> None:
    assert mark_of([["long name of it", "1"], ["another long name", "2"]]) == ["1", "2"]
    assert mark_of([["same"], ["same"]]) == ["same", "same"]
    assert mark_of([[], []]) == ["-", "-"] and mark_of([]) == []
    assert mark_of([["", "x"], ["a", "x"]]) == ["-", "a"]


def test_a_mark_is_no_longer_than_a_reply_may_say() -> None:
    rows = [[("a" if row == column else "b") * 40 for column in range(9)] for row in range(9)]
    marks = mark_of(rows)
    assert max(map(len, marks)) <= 200 and len(set(marks)) == 5
    long = mark_of([["The saddle came off on the first long ride of the year.", "x" * 30 + str(row)] for row in (1, 2)])
    assert long == ["x" * 30 + "1", "x" * 30 + "2"]

"""Lengths of time and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.errors import UsageError
from ffgen.spec.duration import seconds, size


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2min", 120),
        ("250ms", 0.25),
        (0.5, 0.5),
        ("1d", 86400),
    ],
)
def test_durations(text: str | float, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "5 s",
        "-5s",
        "s",
        "5x",
        "1h30",
        "0",
        "0s",
        0,
        -1,
        float("nan"),
        float("inf"),
        "9" * 400,
        "1e3",
        "11000d",
    ],
)
def test_durations_that_can_t_be(text: str | float) -> None:
    with pytest.raises(UsageError):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("64MiB", 2**26), ("1g", 2**30), (" 4096 ", 4096), ("1.5 k", 1536), (7, 7), ("2GB", 2**31), ("0", 0)],
)
def test_sizes(text: str | int, wanted: int) -> None:
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "much", "-5", "1tb", "1 2", "1e3"])
def test_sizes_that_can_t_be(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        size(text)


@given(st.text() | st.from_regex(r"\A[0-9.]{1,400}[a-zA-Z]{0,3}\Z"))
def test_no_text_is_another_error(text: str) -> None:
    for read in (seconds, size):
        try:
            assert 0 <= read(text) < 2**63
        except UsageError:
            continue

"""How values are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen_cli import kind


@pytest.mark.parametrize(
    ("written", "bytes_"), [("64MiB", 64 * 2**20), ("1GB", 10**9), ("512", 512), ("1.5 KiB", 1536), (4096, 4096)]
)
def test_sizes(written: object, bytes_: int) -> None:
    assert kind.SIZE.parse(written) == bytes_


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1.5h", 5400), (3, 3), ("250ms", 0.25)]
)
def test_durations(written: object, seconds: float) -> None:
    assert kind.DURATION.parse(written) == seconds


@pytest.mark.parametrize(
    ("parser", "value"),
    [
        (kind.SIZE, "64 MB MB"), (kind.SIZE, "-1"), (kind.SIZE, True), (kind.DURATION, "0s"), (kind.DURATION, "2y"),
        (kind.SWITCH, "maybe"), (kind.integer(0, 9), "10"), (kind.integer(0, 9), "1.0"), (kind.integer(0, 9), None),
        (kind.number_above(0), "nan"), (kind.number_above(0), "inf"), (kind.number_above(0), "x"),
        (kind.integer_or("auto", 1, 9), "car"), (kind.choice("a", "b"), "c"), (kind.URLS, ""), (kind.PATH, " "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(parser: kind.Kind, value: object) -> None:
    with pytest.raises(ValueError, match=r"^(a|one|true)\b"):
        parser.parse(value)


@given(st.text(max_size=20))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for parser in (kind.SIZE, kind.DURATION, kind.SWITCH, kind.URLS, kind.integer(0, 10**12), kind.number_above(0)):
        try:
            parser.parse(text)
        except ValueError as error:
            assert str(error)


@given(st.integers(1, 2**49))
def test_a_size_reads_back_as_it_was_written(size: int) -> None:
    assert kind.SIZE.parse(kind.written(kind.SIZE, size)) == size


@given(st.integers(1, 10**6).map(float))
def test_a_duration_reads_back_as_it_was_written(seconds: float) -> None:
    assert kind.DURATION.parse(kind.written(kind.DURATION, seconds)) == seconds

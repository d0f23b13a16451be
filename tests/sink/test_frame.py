"""JSON lines into typed columns."""

from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen.errors import DestinationError
from ffgen.sink.frame import frame_of

MOMENT = datetime(2024, 3, 17, 9, 26, 53, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-17T09:26:53Z",
        "2024-03-17T09:26:53",
        "2024-03-17 09:26:53.000",
        "2024-03-17T11:26:53+02:00",
        "2024-03-17T11:26:53+0200",
        "2024-03-17T06:56:53.000000-02:30",
    ],
)
def test_moments_with_and_without_offset(text: str) -> None:
    schema = {"utc": pl.Datetime("us", "UTC"), "naive": pl.Datetime("us"), "deep": pl.List(pl.Datetime("us", "UTC"))}
    frame = frame_of(msgspec.json.encode({"utc": text, "naive": text, "deep": [text, None]}) + b"\n", schema)
    assert frame.row(0) == (MOMENT, MOMENT.replace(tzinfo=None), [MOMENT, None])


def test_times_without_seconds_and_with_zone() -> None:
    lines = b'{"t":"09:26","d":"2024-03-17T09:26Z"}\n{"t":"09:26:00.5Z","d":"2024-03-17T11:26+02:00"}\n'
    frame = frame_of(lines, {"t": pl.Time(), "d": pl.Datetime("us", "UTC")})
    assert frame["t"].to_list() == [time(9, 26), time(9, 26, 0, 500_000)]
    assert frame["d"].to_list() == [MOMENT.replace(second=0)] * 2


def test_null_objects_stay_null_and_missing_is_null() -> None:
    schema = {"o": pl.Struct({"d": pl.Date(), "n": pl.Int64()}), "l": pl.List(pl.Struct({"d": pl.Date()}))}
    lines = b'{"o":null,"l":null}\n{}\n{"o":{"d":null},"l":[]}\n'
    lines += b'{"l":[{"d":"2024-01-02"},null],"o":{"d":"2024-01-01","n":1}}\n'
    frame = frame_of(lines, schema)
    assert frame["o"].to_list() == [None, None, {"d": None, "n": None}, {"d": date(2024, 1, 1), "n": 1}]
    assert frame["l"].to_list() == [None, None, [], [{"d": date(2024, 1, 2)}, None]]
    assert dict(frame.schema) == schema


def test_no_rows_still_have_their_types() -> None:
    schema = {"d": pl.Date(), "e": pl.Enum(["a", "b"]), "o": pl.Struct({"t": pl.Time()})}
    assert dict(frame_of(b"", schema).schema) == schema


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ({"a": pl.Int64()}, b'{"a":9223372036854775808}'),
        ({"a": pl.Struct({"b": pl.Int64()})}, b'{"a":{"b":-9223372036854775809}}'),
        ({"a": pl.List(pl.Int64())}, b'{"a":[99999999999999999999]}'),
        ({"a": pl.Date()}, b'{"a":"2024-02-30"}'),
        ({"a": pl.Datetime("us", "UTC")}, b'{"a":"soon"}'),
        ({"a": pl.Int64()}, b'{"a":"1"}'),
        ({"a": pl.Enum(["x"])}, b'{"a":"y"}'),
    ],
)
def test_what_does_not_fit_is_an_error_not_a_null(schema: dict[str, Any], line: bytes) -> None:
    with pytest.raises(DestinationError, match="does not fit"):
        frame_of(line + b"\n", schema)


ROW = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "d": st.none() | st.dates(),
        "m": st.none() | st.datetimes(timezones=st.just(UTC)),
        "t": st.none() | st.times(),
        "o": st.none() | st.fixed_dictionaries({"x": st.none() | st.dates(), "y": st.booleans()}),
        "l": st.none() | st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=5))
def test_values_survive(rows: list[dict[str, Any]]) -> None:
    schema: dict[str, Any] = {"i": pl.Int64(), "f": pl.Float64(), "s": pl.String(), "d": pl.Date()}
    schema |= {"m": pl.Datetime("us", "UTC"), "t": pl.Time(), "l": pl.List(pl.String())}
    schema |= {"o": pl.Struct({"x": pl.Date(), "y": pl.Boolean()})}
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    assert frame_of(lines, schema).to_dicts() == [{name: row[name] for name in schema} for row in rows]

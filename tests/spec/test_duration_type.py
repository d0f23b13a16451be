"""duration: ISO 8601 lengths of time in whole seconds, in one form."""

from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType, build_type
from ffgen.spec.types.base import Unfit
from ffgen.spec.types.duration import seconds, to_text
from ffgen.spec.types.nested import coerce_cell, describe


def make(**parts: Any) -> ValueType:
    return build_type(msgspec.convert({"name": "f", "type": "duration"} | parts, Field))


def taken(kind: ValueType, raw: Any, making: bool = True) -> Any:
    """The settled value, or the word of the refusal."""
    try:
        value = coerce_cell(kind, raw, making)
    except Unfit as unfit:
        return f"no: {unfit.reason}"
    return kind.settle([value])[0][0]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("PT1H30M", "PT1H30M"),
        ("PT90M", "PT1H30M"),
        (" pt5400s ", "PT1H30M"),
        ("P3D", "P3D"),
        ("P1W", "P7D"),
        ("P1W2DT25H", "P10DT1H"),
        ("PT0S", "PT0S"),
        ("P0D", "PT0S"),
        ("P0DT0H7M", "PT7M"),
    ],
)
def test_every_spelling_becomes_one(raw: str, value: str) -> None:
    assert taken(make(), raw) == value and make().settle([raw, None])[0] == [value, None]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (90, "type"),
        (None, "null"),
        ("", "format"),
        ("P", "format"),
        ("PT", "format"),
        ("P3DT", "format"),
        ("P1Y", "format"),
        ("P2M", "format"),
        ("PT1.5H", "format"),
        ("-PT5M", "format"),
        ("5 minutes", "format"),
        ("PT5\u017f", "format"),
        ("PT\u0663M", "format"),
    ],
)
def test_nothing_else_is_guessed(raw: Any, reason: str) -> None:
    assert taken(make(), raw) == f"no: {reason}"
    if raw is not None and reason == "format":
        assert list(make().refuse([raw, "PT1S", None], True)) == [(0, "format")]


@given(st.integers(0, 10**12))
def test_text_and_seconds_are_each_others_inverse(number: int) -> None:
    assert seconds(to_text(number)) == number and taken(make(), to_text(number)) == to_text(number)


def test_range_has_both_ends() -> None:
    kind = make(range=["PT5M", "PT2H"])
    assert [taken(kind, raw) for raw in ("PT300S", "PT2H")] == ["PT5M", "PT2H"]
    assert [taken(kind, raw) for raw in ("PT4M59S", "PT2H1S", "P1D")] == ["no: range"] * 3
    assert kind.capacity() == 6901 and make().capacity() is None
    assert make(values=["PT90M", "PT1H30M", "P1D"]).capacity() == 2
    assert (
        taken(make(values=["PT90M"]), "PT1H30M") == "PT1H30M" and taken(make(values=["PT9M"]), "PT1H") == "no: values"
    )


@pytest.mark.parametrize(
    ("parts", "key", "what"),
    [
        ({"range": ["PT2H", "PT5M"]}, "range", "high (PT5M) is below low (PT2H)"),
        ({"range": [5, 10]}, "range", "`5` is not a length of time like PT1H30M"),
        ({"range": ["PT5M", "P1Y"]}, "range", "`P1Y` is not a length of time"),
        ({"format": "%H"}, "format", "means nothing for type duration"),
        ({"pattern": "^PT"}, "pattern", "means nothing"),
    ],
)
def test_parameters_that_can_t_be(parts: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        make(**parts)
    assert caught.value.key == key and what in caught.value.what


def test_it_is_told_and_written_as_text() -> None:
    kind = make(range=["PT5M", "P1DT2H"])
    assert describe(kind) == "a length of time like PT1H30M, from PT5M to P1DT2H"
    assert [kind.sample(0), kind.sample(1)] == ["PT5M", "P1DT2H"] and make().sample(0) == "PT1H30M"
    assert kind.dtype() == kind.value_dtype() == pl.String and not kind.renders
    assert make(values=["PT5M", "P1D"]).schema() == {"enum": ["PT5M", "P1D"]}
    assert kind.settle(["PT90M", "PT5M", "soon"]) == (["PT1H30M", "PT5M", "soon"], 1)
    assert kind.conversions("PT90M", kind.coerce("PT90M")) and not kind.conversions("PT5M", kind.coerce("PT5M"))


@given(st.integers(0, 10**8))
def test_the_pattern_for_a_server_takes_what_is_written(number: int) -> None:
    pattern = make().schema()["pattern"]
    holds = build_type(Field(name="f", type="string", pattern=pattern))
    assert holds.fits(to_text(number)) and not any(map(holds.fits, ("P", "PT", "P1DT")))

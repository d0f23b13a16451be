"""Value types: what they take, what they convert, what they refuse, and how they are told to a model."""

import random
import sys
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from tests.spec.drawn import fields

from ffgen.spec.model import Field
from ffgen.spec.types import TYPES, Problem, ValueType, build_type
from ffgen.spec.types.base import Unfit, percent, shown
from ffgen.spec.types.nested import coerce_cell, describe, nullable_schema

ADDRESS = {"type": "object", "fields": [{"name": "street"}, {"name": "no", "type": "integer", "nullable": True}]}
ACTIVE = {"type": "enum", "values": ["active", "on hold"]}


def make(type: str | dict[str, Any], **parts: Any) -> ValueType:
    given = {"name": "f"} | (type if isinstance(type, dict) else {"type": type}) | parts
    return build_type(msgspec.convert(given, Field))


def taken(kind: ValueType, raw: Any, making: bool = True) -> Any:
    """The settled value, or the word of the refusal."""
    try:
        value = coerce_cell(kind, raw, making)
    except Unfit as unfit:
        return f"no: {unfit.reason}"
    return kind.settle([value])[0][0]


CONVERTED: list[tuple[Any, Any, Any]] = [
    ("integer", "34", 34),
    ("integer", " +7\n", 7),
    ("integer", 34.0, 34),
    ("number", "2.50", 2.5),
    ("number", 5, 5.0),
    ("number", "-1e3", -1000.0),
    ("boolean", "true", True),
    ("boolean", " False ", False),
    ("string", "  a b ", "a b"),
    ("string", "e\u0301", "é"),
    ("uuid", "3F0C9A52-7D1E-4B66-9A83-5E2F1C0D4B7A", "3f0c9a52-7d1e-4b66-9a83-5e2f1c0d4b7a"),
    ("date", " 2024-02-29 ", date(2024, 2, 29)),
    ("datetime", "2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ("datetime", "2024-02-29T23:30:00-01:00", datetime(2024, 3, 1, 0, 30, tzinfo=UTC)),
    ("datetime", "2024-02-29 10:00:00", datetime(2024, 2, 29, 10, tzinfo=UTC)),
    ("time", "09:30", time(9, 30)),
    ("time", "09:30:05Z", time(9, 30, 5)),
    ({"type": "date", "format": "%d.%m.%Y"}, "29.02.2024", date(2024, 2, 29)),
    ({"type": "time", "format": "%I:%M:%S %p"}, "03:04:05 PM", time(15, 4, 5)),
    ({"type": "enum", "values": [1, 2]}, "1", 1),
    ({"type": "enum", "values": [1, 2.5]}, "1", 1.0),
    ({"type": "enum", "values": ["a b"]}, " a b", "a b"),
    ({"type": "enum", "values": [True]}, "true", True),
    ({"type": "array", "items": {"type": "integer"}}, ["1", 2.0], [1, 2]),
]


@pytest.mark.parametrize(("given", "raw", "value"), CONVERTED)
def test_lossless_conversions_are_taken(given: Any, raw: Any, value: Any) -> None:
    found = taken(make(given), raw)
    assert found == value and type(found) is type(value)


REFUSED: list[tuple[Any, Any, str]] = [
    ("string", 34, "type"),
    ("string", True, "type"),
    ("string", None, "null"),
    ("string", "", "length"),
    ("string", "  ", "length"),
    ("string", "a\ud800", "encoding"),
    ("integer", True, "type"),
    ("integer", 3.5, "type"),
    ("integer", "3.0", "type"),
    ("integer", "1_000", "type"),
    ("integer", "1,000", "type"),
    ("integer", "३", "type"),
    ("integer", 2**63, "range"),
    ("integer", "9" * 60, "type"),
    ("integer", float("inf"), "type"),
    ("integer", [1], "type"),
    ("number", True, "type"),
    ("number", "nan", "type"),
    ("number", "1_0", "type"),
    ("number", "0x10", "type"),
    ("number", 10**400, "type"),
    ("number", float("nan"), "type"),
    ("number", "$5", "type"),
    ("boolean", 1, "type"),
    ("boolean", "yes", "type"),
    ("date", "29.02.2024", "format"),
    ("date", 20240229, "type"),
    ("date", "2023-02-29", "format"),
    ("date", "2024-02-29T00:00:00Z", "format"),
    ("date", "2024-W09-4", "format"),
    ("datetime", "0001-01-01T00:00:00+10:00", "format"),
    ("datetime", "soon", "format"),
    ("datetime", 1.5, "type"),
    ("time", "09:30:00+02:00", "format"),
    ("time", "25:00", "format"),
    ("email", "a@b", "format"),
    ("email", "a@corp.io", "reserved"),
    ("email", "a@notexample.com", "reserved"),
    ("url", "ftp://example.com", "format"),
    ("url", "https://real.io/x", "reserved"),
    ("url", "https://example.com@real.io/", "format"),
    ("phone", "+351912345678", "reserved"),
    ("phone", "12025550143", "format"),
    ("ipv4", "256.1.1.1", "format"),
    ("ipv4", "01.2.3.4", "format"),
    ("uuid", "3f0c9a52", "format"),
    (ACTIVE, "Active", "values"),
    ({"type": "enum", "values": [1, 2]}, True, "values"),
    ({"type": "enum", "values": ["1"]}, 1, "type"),
    ({"type": "enum", "values": [1, 2.5]}, 3, "values"),
    ({"type": "integer", "range": [1, 5]}, 0, "range"),
    ({"type": "integer", "range": [1, 5]}, 6, "range"),
    ({"type": "number", "decimals": 2}, 0.125, "decimals"),
    ({"type": "number", "range": [0, 1]}, 1.0001, "range"),
    ({"pattern": "^a+$"}, "ab", "pattern"),
    ({"length": 3}, "ab", "length"),
    ({"values": ["x"]}, "y", "values"),
    ({"type": "integer", "values": [1]}, 2, "values"),
    ({"type": "date", "range": ["2024-01-01", "2024-12-31"]}, "2025-01-01", "range"),
    ({"type": "date", "values": ["2024-01-01"]}, "2024-01-02", "values"),
    (ADDRESS, [], "type"),
    (ADDRESS, {"no": 5}, "street: null"),
    (ADDRESS, {"street": "a", "x": 1}, "unknown key"),
    (ADDRESS, {"street": "a", "no": "x"}, "no: type"),
    ({"type": "array", "items": {}}, "a", "type"),
    ({"type": "array", "items": {}, "length": 2}, ["a"], "length"),
    ({"type": "array", "items": {}}, [None], "items: null"),
    ({"type": "array", "items": ADDRESS}, [{"street": "a", "no": True}], "items: no: type"),
]


@pytest.mark.parametrize(("given", "raw", "reason"), REFUSED)
def test_nothing_else_is_guessed(given: Any, raw: Any, reason: str) -> None:
    assert taken(make(given), raw) == f"no: {reason}"


GOOD: list[tuple[Any, Any]] = [
    ({"type": "integer", "range": [1, 5]}, 1),
    ({"type": "integer", "range": [1, 5]}, 5),
    ("integer", 2**63 - 1),
    ({"type": "number", "decimals": 2}, 0.29),
    ({"type": "number", "decimals": 0}, 1e20),
    ({"length": [0, 3]}, ""),
    ({"length": 3}, "日本語"),
    ({"length": 1}, "😀"),
    ({"length": 1}, "e\u0301"),
    ({"length": 2}, "\u0958"),
    ("email", "Maria@Example.COM"),
    ("email", "o'neil+tag@shop.test"),
    ({"type": "email", "pattern": "@corp[.]io$"}, "a@corp.io"),
    ({"type": "phone", "pattern": "^[+]351"}, "+351912345678"),
    ("url", "http://shop.test:8080?q=1"),
    ({"type": "date", "range": ["2024-01-01", "2024-12-31"]}, "2024-12-31"),
    ({"nullable": True}, None),
    ({"type": "time", "range": ["08:00", "17:00"]}, "17:00:00"),
    (ADDRESS, {"street": "a"}),
    (ADDRESS, {"street": "a", "no": None}),
    ({"type": "array", "items": {"nullable": True}}, ["a", None]),
    ({"type": "array", "items": {}}, []),
]


@pytest.mark.parametrize(("given", "raw"), GOOD)
def test_good_values_are_taken(given: Any, raw: Any) -> None:
    assert not str(taken(make(given), raw)).startswith("no:")


@pytest.mark.parametrize(
    ("kind", "raw"), [("email", "a@corp.io"), ("url", "https://real.io"), ("phone", "+351912345678")]
)
def test_reserved_names_are_asked_of_invented_data_only(kind: str, raw: str) -> None:
    assert taken(make(kind), raw) == "no: reserved" and taken(make(kind), raw, making=False) == raw
    assert taken(make(kind, values=[raw]), raw) == raw


def test_a_weight_of_nothing_takes_a_value_out_of_what_is_made() -> None:
    kind = make(ACTIVE, weights=[1, 0])
    assert taken(kind, "on hold") == "no: values" and taken(kind, "on hold", making=False) == "on hold"
    assert kind.capacity() == 1 and kind.schema() == {"enum": ["active"]} and "hold" not in describe(kind)


PROBLEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "integer", "range": [5, 1]}, "range", "high (1) is below low (5)"),
    ({"type": "integer", "range": [1.5, 4]}, "range", "`1.5` is not a whole number"),
    ({"type": "integer", "range": [0, 2**63]}, "range", "does not fit 64 bits"),
    ({"type": "number", "range": ["a", 4]}, "range", "`a` is not a number"),
    ({"type": "number", "range": [0, 10**400]}, "range", "too large"),
    ({"type": "number", "range": [True, 4]}, "range", "is not a number"),
    ({"type": "date", "range": [2020, 2024]}, "range", "`2020` is not a date like 2024-03-17"),
    ({"type": "datetime", "range": ["0001-01-01T00:00:00+10:00", "2024-01-01"]}, "range", "is not a date and time"),
    ({"type": "time", "range": ["9am", "5pm"]}, "range", "is not a time of day like 09:26:53"),
    ({"type": "boolean", "range": [0, 1]}, "range", "means nothing for type boolean"),
    ({"type": "email", "length": [1, 5]}, "length", "means nothing for type email"),
    ({"type": "string", "decimals": 2}, "decimals", "means nothing"),
    ({"type": "string", "format": "%d"}, "format", "means nothing"),
    ({"type": "string", "fields": [{"name": "x"}]}, "fields", "means nothing"),
    (ADDRESS | {"values": [{}]}, "values", "means nothing for type object"),
    ({"type": "array", "items": {}, "weights": [1]}, "weights", "means nothing for type array"),
    ({"pattern": "(?=a)"}, "pattern", "look-around"),
    ({"length": [5, 2]}, "length", "high (2) is below low (5)"),
    ({"length": [1, 2, 3]}, "length", "needs [low, high]"),
    ({"weights": [1]}, "weights", "needs `values`"),
    (ACTIVE | {"weights": [1]}, "weights", "1 weights for 2 values"),
    (ACTIVE | {"weights": [0, 0]}, "weights", "all weights are 0"),
    ({"type": "enum"}, "values", "an enum needs `values`"),
    ({"type": "enum", "values": ["a", 1]}, "values", "mix text and numbers"),
    ({"type": "enum", "values": [True, 1]}, "values", "mix numbers and true/false"),
    ({"type": "enum", "values": ["a", None]}, "values", "null is no value"),
    ({"type": "enum", "values": [["a"]]}, "values", "text, numbers or true/false"),
    ({"type": "enum", "values": [1, 1.0]}, "values", "`1.0` is listed twice"),
    ({"type": "enum", "values": ["é", "e\u0301"]}, "values", "is listed twice"),
    ({"type": "enum", "values": [2**63]}, "values", "does not fit 64 bits"),
    ({"type": "date", "format": "%Y-%d-%m"}, "format", "reads as another value"),
    ({"type": "date", "format": ""}, "format", "nothing would be written"),
    ({"type": "object"}, "fields", "an object needs `fields`"),
    ({"type": "array"}, "items", "an array needs `items`"),
]


@pytest.mark.parametrize(("given", "key", "what"), PROBLEMS)
def test_parameters_that_can_t_be(given: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        make({"type": "string"} | given)
    assert caught.value.key == key and what in caught.value.what


@pytest.mark.parametrize(
    ("given", "key", "what", "severity"),
    [
        ({"pattern": "^[0-9]{3}$", "length": [5, 9]}, "pattern", "no text of 5 to 9 characters matches", "error"),
        ({"type": "email", "pattern": "@gmail$"}, "pattern", "no value of type email matches", "error"),
        ({"type": "uuid", "pattern": "^[A-F]"}, "pattern", "no value of type uuid matches", "error"),
        ({"type": "number", "range": [0.001, 0.002], "decimals": 2}, "range", "no number with 2 decimals", "error"),
        ({"type": "date", "format": "%d.%m."}, "format", "may look alike", "warning"),
        ({"type": "datetime", "format": "%Y-%m-%d"}, "format", "may look alike", "warning"),
    ],
)
def test_a_second_look_finds_what_can_t_be_met(given: dict[str, Any], key: str, what: str, severity: str) -> None:
    ((found_key, found_what, hint, found_severity),) = make({"type": "string"} | given).doubts()
    assert (found_key, found_severity) == (key, severity) and what in found_what and hint


@pytest.mark.parametrize(
    "given",
    [
        "string",
        "email",
        "date",
        {"type": "date", "format": "%d.%m.%y"},
        {"type": "number", "range": [0, 0.29], "decimals": 2},
        {"type": "email", "pattern": r"@(gmail|yahoo|outlook)\.com$"},
        {"pattern": "^[A-Z]{3}$", "length": 3},
    ],
)
def test_a_second_look_leaves_good_fields_alone(given: Any) -> None:
    assert list(make(given).doubts()) == []


CAPACITIES: list[tuple[Any, int | None]] = [
    ({"type": "integer", "range": [18, 80]}, 63),
    ("integer", None),
    ("number", None),
    ("string", None),
    ("text", None),
    ({"type": "number", "range": [0, 0.29], "decimals": 2}, 30),
    ({"type": "number", "range": [0, 1]}, None),
    ({"type": "number", "range": [-1.15, 1.15], "decimals": 1}, 23),
    ("boolean", 2),
    ({"type": "boolean", "values": [True]}, 1),
    (ACTIVE, 2),
    ({"values": ["a", "b ", "b"]}, 2),
    ({"type": "date", "range": ["2024-01-01", "2024-12-31"]}, 366),
    ({"type": "date", "values": ["2024-01-01", "2024-01-02"]}, 2),
    ("uuid", 16**32),
    ("ipv4", 256**4),
    ("phone", 80_000),
    ("email", None),
    ("url", None),
    ({"type": "ipv4", "pattern": r"^10\.0\.0\."}, 256),
    ({"type": "phone", "pattern": r"^\+3519[0-9]{8}$"}, 10**8),
    ({"pattern": "^[A-Z]{2}[0-9]?$"}, 676 * 11),
    ({"pattern": "[a-z]"}, None),
    ({"pattern": "^[a-z]*$", "length": [0, 2]}, 1 + 26 + 676),
    ({"type": "time", "range": ["08:00:00", "08:00:01"]}, 10**6 + 1),
    ({"type": "datetime", "range": ["2024-01-01", "2024-01-01"]}, 1),
    (ADDRESS, None),
    ({"type": "object", "fields": [{"name": "a", "type": "boolean", "nullable": True}, {"name": "b"} | ACTIVE]}, 6),
    ({"type": "array", "items": {"type": "boolean"}, "length": [0, 2]}, 7),
    ({"type": "array", "items": {}}, None),
]


@pytest.mark.parametrize(("given", "capacity"), CAPACITIES)
def test_capacity(given: Any, capacity: int | None) -> None:
    assert make(given).capacity() == capacity


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"length": [4, 40], "description": "first and\n last name"},
            "text of 4 to 40 characters (first and last name)",
        ),
        ({"length": 12}, "text of 12 characters"),
        ("string", "text"),
        ({"type": "text", "length": [20, 300]}, "prose of one or more sentences in 20 to 300 characters"),
        (
            {"pattern": "^[A-Z]{3}$", "length": 3, "unique": True},
            "text of 3 characters that matches the regular expression ^[A-Z]{3}$, never the same twice",
        ),
        ({"type": "email", "pattern": "@x[.]com$"}, "an e-mail address that matches the regular expression @x[.]com$"),
        ("email", "an e-mail address at example.com, example.org or example.net"),
        ("uuid", "a UUID"),
        ("phone", "a phone number in E.164 in the form +1AAA55501NN"),
        ("boolean", "true or false"),
        (
            {"type": "enum", "values": ["active", "x, y", ""], "weights": [70, 29.9, 0.1]},
            'one of active (about 70%), "x, y" (about 30%), "" (under 1%)',
        ),
        ({"type": "integer", "range": [18, 80], "nullable": True}, "a whole number from 18 to 80, or null"),
        (
            {"type": "number", "range": [0, 1234567.5], "decimals": 2},
            "a number from 0 to 1234567.5 with at most 2 decimals",
        ),
        (
            {"type": "date", "range": ["2020-01-01", "2024-12-31"]},
            "a date like 2024-03-17, from 2020-01-01 to 2024-12-31",
        ),
        ({"type": "integer", "values": [1, 2]}, "one of 1, 2"),
        ({"type": "boolean", "values": [True]}, "one of true"),
        (
            {"type": "array", "items": ACTIVE, "length": [1, 3]},
            "a JSON array of 1 to 3 items, each one of active, on hold",
        ),
        (ADDRESS, 'a JSON object {"street": text; "no": a whole number, or null}'),
    ],
)
def test_words_for_the_prompt(given: Any, words: str) -> None:
    assert describe(make(given)) == words


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        ({"length": [2, 9]}, {"type": "string", "minLength": 2, "maxLength": 9}),
        ({"length": 0}, {"type": "string", "minLength": 0, "maxLength": 0}),
        ({"length": [100, 200]}, {"type": "string", "minLength": 100, "maxLength": 200}),
        ({"nullable": True} | ACTIVE, {"enum": ["active", "on hold", None]}),
        ({"type": "integer", "nullable": True}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ({"type": "number", "range": [0, 1.5]}, {"type": "number", "minimum": 0.0, "maximum": 1.5}),
        (
            {"type": "array", "items": {"type": "boolean"}, "length": 2},
            {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2},
        ),
        (
            {"type": "object", "fields": [{"name": "b", "type": "boolean"}]},
            {
                "type": "object",
                "properties": {"b": {"type": "boolean"}},
                "required": ["b"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_schema_for_the_server(given: Any, schema: dict[str, Any]) -> None:
    assert nullable_schema(make(given)) == schema


@pytest.mark.parametrize("given", ["email", "phone", "url", "ipv4", "uuid", {"type": "email", "pattern": r"@x\.io$"}])
def test_patterns_sent_to_a_server_are_anchored(given: Any) -> None:
    pattern = make(given).schema()["pattern"]
    assert pattern.startswith("^") and pattern.endswith("$")


@settings(max_examples=150, deadline=None)
@given(fields())
def test_samples_are_values_of_their_field(drawn: Any) -> None:
    kind = build_type(msgspec.structs.replace(drawn[0], name="city"))
    for index in range(4):
        sample = kind.sample(index)
        assert sample is None or kind.fits(sample), sample


@pytest.mark.parametrize(
    ("given", "samples"),
    [
        ({"name": "full_name", "length": [4, 40]}, ["Maria Lopez", "John Okafor"]),
        ({"name": "title", "length": [1, 10]}, [None, None]),
        ({"examples": ["abc", "ab"], "length": 3}, ["abc", "abc"]),
        ({"type": "integer", "range": [0, 10]}, [3, 7]),
        ({"type": "number", "range": [0.001, 0.002]}, [0.001, 0.001]),
        ({"type": "email", "pattern": r"@(gmail|yahoo)\.com$"}, ["maria.lopez@gmail.com", "john.okafor@gmail.com"]),
        ({"type": "email", "examples": ["x@corp.io"]}, ["maria.lopez@example.com", "john.okafor@example.org"]),
        ({"pattern": "^[a-z]+$"}, [None, None]),
    ],
)
def test_samples(given: dict[str, Any], samples: list[Any]) -> None:
    kind = make({"type": "string"} | given)
    assert [kind.sample(index) for index in range(2)] == samples


def test_a_code_is_drawn_for_the_sample_the_same_everywhere() -> None:
    kind = make({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"})
    state = random.getstate()
    assert kind.sample(0) == make({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}).sample(0) != kind.sample(1)
    assert random.getstate() == state


def test_conversions_are_counted_once() -> None:
    text = make("string")
    assert text.settle(["a", " b", None, "e\u0301"]) == (["a", "b", None, "é"], 2)
    assert not text.conversions("a", text.coerce("a")) and text.conversions(" e\u0301", text.coerce(" e\u0301"))
    assert text.settle([text.coerce(" e\u0301")])[1] == 0
    number, moment = make("number"), make("datetime")
    assert number.conversions("1", 1.0) and not number.conversions(1, 1.0)
    assert moment.conversions("2024-01-01", moment.coerce("2024-01-01"))
    assert not moment.conversions("2024-01-01T00:00:00+02:00", moment.coerce("2024-01-01T00:00:00+02:00"))


@pytest.mark.parametrize(
    ("given", "value", "written"),
    [
        ({"type": "date", "format": "%d.%m.%Y"}, date(2024, 2, 9), "09.02.2024"),
        ({"type": "date", "format": "%%Y=%Y"}, date(33, 2, 9), "%Y=0033"),
        ({"type": "time", "format": "%H.%M"}, time(9, 5), "09.05"),
        ({"type": "array", "items": {"type": "date", "format": "%y"}}, [date(2024, 1, 1), None], ["24", None]),
        ("date", date(2024, 2, 9), date(2024, 2, 9)),
    ],
)
def test_format_writes(given: Any, value: Any, written: Any) -> None:
    kind = make(given)
    assert kind.render(value) == written and kind.renders == (written != value) and kind.render(None) is None


def test_columns_are_typed_before_and_after_format() -> None:
    kind = make("object", fields=[{"name": "d", "type": "date", "format": "%d.%m."}, {"name": "n", "type": "number"}])
    assert kind.dtype() == pl.Struct({"d": pl.String, "n": pl.Float64})
    assert kind.value_dtype() == pl.Struct({"d": pl.Date, "n": pl.Float64})
    dtypes = [make("enum", values=values).dtype() for values in (["a"], [1], [1, 2.5], [True])]
    assert dtypes == [pl.String, pl.Int64, pl.Float64, pl.Boolean]


def test_every_type_is_in_the_table_documented_and_described() -> None:
    assert list(TYPES) == sorted(TYPES)
    wanted = (
        "string text integer number boolean enum date datetime time duration uuid email phone url ipv4 object array"
    )
    assert set(TYPES) == set(wanted.split())
    for kind in TYPES.values():
        assert kind.__doc__ and kind.__doc__ != ValueType.__doc__ and kind.meaning
        assert kind.__module__ in sys.modules


def test_values_stand_bare_only_where_they_can_t_be_misread() -> None:
    assert [shown(value) for value in ["a-b c", "é", " a", "a,b", 'a"b', "a\nb", 5, True]] == [
        "a-b c",
        "é",
        '" a"',
        '"a,b"',
        '"a\\"b"',
        '"a\\nb"',
        "5",
        "true",
    ]
    assert [percent(share) for share in (1.0, 0.703, 0.01, 0.009)] == [
        "about 100%",
        "about 70%",
        "about 1%",
        "under 1%",
    ]

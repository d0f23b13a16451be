"""What the stand-in writes: it fits the schema, and rows are as unique as the settings say."""

import csv
import json
import re
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.standin import faults, pattern, replies
from tests.standin.cells import cell
from tests.standin.pattern import Unsupported
from tests.standin.settings import Settings

EMAIL = r"^[a-z][a-z0-9._-]{1,40}@(gmail|yahoo)\.com$"
ITEMS = {
    "type": "array",
    "prefixItems": [
        {"type": "string", "minLength": 1, "maxLength": 60},
        {"type": "string", "pattern": EMAIL},
        {"type": "integer", "minimum": 18, "maximum": 90},
        {"enum": ["active", "closed"]},
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    ],
}
WORDS = st.integers(0, 2**64 - 1)


def schema_of(items: dict[str, Any], fewest: int, most: int) -> bytes:
    rows = {"type": "array", "items": items, "minItems": fewest, "maxItems": most}
    return orjson.dumps({"type": "object", "properties": {"rows": rows}, "required": ["rows"]})


def rows_of(seed: int, settings: Settings, fault: str | None = None, count: int = 32) -> list[list[Any]]:
    order = replies.Order(schema_of(ITEMS, count, count), "", "", False)
    rows: list[list[Any]] = json.loads(replies.write(order, seed, fault, settings))["rows"]
    return rows


def is_valid(row: list[Any]) -> bool:
    name, email, age, status, day = row
    return (
        1 <= len(name) <= 60
        and re.search(EMAIL, email) is not None
        and 18 <= age <= 90
        and status in ("active", "closed")
        and (day is None or bool(date.fromisoformat(day)))
    )


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [
        (EMAIL, 0, None),
        (r"^[A-Z]{2}-\d{4}$", 0, None),
        (r"^\+[1-9][0-9]{6,14}$", 8, 16),
        (r"^.*(@(gmail|yahoo)\.com$).*$", 6, 40),
        (r"^.*(^SKU-\w+).*$", 0, 20),
        (r"^.*(foo|ba[rz]{2,}).*$", 3, 60),
        (r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$", 0, None),
        (r"^(?:Mr|Ms|Dr)\.? [A-Z][a-z]+( [A-Z][a-z]+)?$", 5, 30),
        (r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", 0, 254),
        (r'^"[^"\\]+"%s$', 0, None),
        (r"^[a-z ]{80,200}$", 100, 200),
        (r"colou?r", 0, None),
    ],
)
def test_pattern_is_matched_within_its_lengths(shape: str, low: int, high: int | None) -> None:
    write, _ = pattern.writer(shape, low, high)
    texts = {json.loads(write(word * 0x9E3779B97F4A7C15 % 2**64)) for word in range(300)}
    assert all(re.search(shape, text) for text in texts)
    assert all(low <= len(text) <= (high or 1000) for text in texts)
    assert len(texts) > 1


@pytest.mark.parametrize(
    ("shape", "low", "high"), [(r"(?=a)b", 0, None), (r"(a)\1", 0, None), (r"^abc$", 5, 9), ("(", 0, 9), (r"a$b", 0, 9)]
)
def test_pattern_that_cannot_be_written_is_refused(shape: str, low: int, high: int | None) -> None:
    with pytest.raises(Unsupported):
        pattern.writer(shape, low, high)


@given(WORDS)
def test_formats_parse(word: int) -> None:
    def made(**schema: Any) -> Any:
        return json.loads(cell({"type": "string", **schema}).write(word))

    assert date(1970, 1, 1) <= date.fromisoformat(made(format="date")) <= date(2030, 12, 31)
    ends = {"formatMinimum": "2024-01-01", "formatMaximum": "2024-01-03"}
    assert date(2024, 1, 1) <= date.fromisoformat(made(format="date", **ends)) <= date(2024, 1, 3)
    assert datetime.fromisoformat(made(format="date-time")).tzinfo
    assert time.fromisoformat(made(format="time")).tzinfo
    assert UUID(made(format="uuid")).version == 4
    assert re.fullmatch(r"[a-z0-9.]+@example\.(com|org|net)", made(format="email"))
    assert all(0 <= int(part) <= 255 for part in made(format="ipv4").split("."))
    assert urlsplit(made(format="uri")).hostname


@given(WORDS, st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.sampled_from([1, 3, 0.05, None]))
def test_numbers_stay_inside_their_range(word: int, low: int, span: int, step: float | None) -> None:
    ends: dict[str, Any] = {"minimum": low, "maximum": low + span}
    whole = json.loads(cell({"type": "integer", **ends}).write(word))
    assert isinstance(whole, int) and low <= whole <= low + span
    if step is not None and span > 6:
        ends["multipleOf"] = step
    value = json.loads(cell({"type": "number", **ends}).write(word))
    assert low <= value <= low + span
    if "multipleOf" in ends:
        assert round(value / ends["multipleOf"], 6) % 1 == 0


@given(WORDS, st.integers(0, 300), st.integers(0, 300))
def test_text_keeps_its_lengths(word: int, low: int, span: int) -> None:
    text = json.loads(cell({"type": "string", "minLength": low, "maxLength": low + span}).write(word))
    assert low <= len(text) <= low + span


@given(WORDS)
def test_nested_values_fit(word: int) -> None:
    inner = {"type": "object", "properties": {'say "%s"': {"type": "boolean"}, "n": {"type": ["integer", "null"]}}}
    nested = {"type": "array", "items": inner, "minItems": 1, "maxItems": 3}
    value = json.loads(cell({"properties": {"list": nested, "one": {"const": None}}}).write(word))
    assert 1 <= len(value["list"]) <= 3 and value["one"] is None
    assert all(set(one) == {'say "%s"', "n"} for one in value["list"])


@pytest.mark.parametrize(
    "schema", [{"$ref": "#/$defs/x"}, {"type": "set"}, {"type": "integer", "minimum": 3, "maximum": 2}]
)
def test_schema_that_cannot_be_written_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        cell(schema)


def test_rows_are_valid_and_distinct_over_requests() -> None:
    rows = [row for seed in range(200) for row in rows_of(seed * 2**32, Settings())]
    assert len(rows) == 6400 and all(map(is_valid, rows))
    assert len({row[0] for row in rows}) == len({row[1] for row in rows}) == 6400
    assert any(row[4] is None for row in rows)


def test_rows_are_objects_where_the_schema_says_so() -> None:
    items = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    order = replies.Order(schema_of(items, 3, 5), "", "", False)
    counts = set()
    for seed in range(30):
        rows = json.loads(replies.write(order, seed, None, Settings()))["rows"]
        assert all(list(row) == ["name", "age"] for row in rows)
        counts.add(len(rows))
    assert counts == {3, 4, 5}


def test_ready_rows_are_valid_and_distinct() -> None:
    rows = [row for seed in range(200) for row in rows_of(seed * 2**32, Settings(ready=True))]
    assert all(map(is_valid, rows))
    assert len({row[0] for row in rows}) == 6400
    assert len({row[1] for row in rows}) <= 1024


def test_ready_rows_are_made_in_full_where_nothing_has_room() -> None:
    order = replies.Order(schema_of({"prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, 4, 4), "", "", False)
    assert replies.write(order, 7, None, Settings(ready=True)) == replies.write(order, 7, None, Settings())


def test_pool_holds_only_so_many_records_whatever_the_number_asked_for() -> None:
    seen = {tuple(row) for seed in range(60) for row in rows_of(seed * 977, Settings(pool=20), count=1 + seed % 40)}
    assert len(seen) == 20


@pytest.mark.parametrize("ready", [False, True])
def test_duplicates_make_that_share_of_rows_repeat(ready: bool) -> None:
    settings = Settings(duplicates=0.3, ready=ready)
    rows = [tuple(row) for seed in range(200) for row in rows_of(seed * 2**32, settings)]
    repeated = len(rows) - len(set(rows))
    assert 0.25 < (repeated + replies.SHARED) / len(rows) < 0.35


def test_wrong_rows_have_the_shape_but_not_the_values() -> None:
    rows = rows_of(99, Settings(), "wrong")
    assert [is_shaped(row) and not is_fit(row) for row in rows] == [True, False] * 16
    assert len(rows_of(99, Settings(), "few")) == 16 and rows_of(99, Settings(), "empty") == []


def is_shaped(row: list[Any]) -> bool:
    return len(row) == 5 and all(isinstance(value, str) for value in (row[0], row[1], row[3])) and type(row[2]) is int


def is_fit(row: list[Any]) -> bool:
    try:
        return is_valid(row)
    except ValueError:
        return False


@pytest.mark.parametrize("seed", range(8))
def test_malformed_text_is_no_json_document(seed: int) -> None:
    text = json.dumps({"rows": [["a", 1], ["b", 2]]})
    with pytest.raises(ValueError):
        json.loads(faults.mangle(text, seed * 0x9E3779B9 + seed))


def test_csv_follows_the_hints_of_the_prompt() -> None:
    prompt = (
        "Columns: name, email, age, status, code, when, price, note\n"
        "1. name: text, 3 to 40 characters\n2. age: a whole number, from 18 to 90\n"
        "- status: one of a list, one of open (about 40%), closed\n- code: matches the regular expression ^[A-Z]{3}$\n"
        "- when: a date, from 2024-01-01 to 2024-01-31\n- price: a number, from 0.5 to 9.5\nWrite 2 rows."
    )
    lines = replies.write(
        replies.Order(b"", prompt, "Write 7 rows, not 9 rows.", False), 5, None, Settings()
    ).splitlines()
    assert len(lines) == 7
    for name, email, age, status, code, when, price, note in csv.reader(lines):
        assert 3 <= len(name) <= 40 and "@example." in email and 18 <= int(age) <= 90
        assert status in ("open", "closed") and re.fullmatch("[A-Z]{3}", code) and note
        assert date.fromisoformat(when).month == 1 and 0.5 <= float(price) <= 9.5


def test_other_schemas_get_one_document() -> None:
    schema = orjson.dumps({"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}})
    assert list(json.loads(replies.write(replies.Order(schema, "", "", False), 1, None, Settings()))) == ["name", "n"]
    assert list(json.loads(replies.write(replies.Order(b"", "hello", "hello", True), 1, None, Settings()))) == ["text"]

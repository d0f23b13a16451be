"""Replies: whatever a model says, complete rows are kept, nothing is raised, and it takes no longer than reading."""

import csv
import io
import json
import time
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen.ask.reply import MANY, Reader, csv_lines, salvage, unfenced
from ffgen.spec.model import Dataset, Field
from ffgen.spec.record import RecordType

FIELDS = [
    Field(name="name"),
    Field(name="age", type="integer", range=[0, 99]),
    Field(name="tags", type="array", items=Field(), nullable=True),
    Field(name="home", type="object", fields=[Field(name="city"), Field(name="zip", nullable=True)]),
]
RECORD = RecordType(Dataset(fields=FIELDS))
NAMES = RECORD.names
PLAIN = RecordType(
    Dataset(fields=[FIELDS[0], FIELDS[1], Field(name="note", nullable=True), Field(name="ok", type="boolean")])
)
Form = Literal["rows", "objects", "csv"]


def reader(form: Form = "rows") -> Reader:
    return Reader(PLAIN if form == "csv" else RECORD, form)


def cells(rows: list[Any]) -> list[Any]:
    """Typed cells as plain JSON values."""
    return [list(msgspec.to_builtins(row)) for row in rows]


def reply(form: Form, rows: list[list[Any]], indent: int | None = None) -> str:
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [["" if c is None else "true" if c is True else "false" if c is False else c for c in row] for row in rows]
        )
        return text.getvalue()
    made = rows if form == "rows" else [dict(zip(NAMES, row, strict=True)) for row in rows]
    return json.dumps({"rows": made}, ensure_ascii=False, indent=indent)


NAME = st.text(st.sampled_from('ab é,"\\\n[]{}:\u2028😀'), min_size=1, max_size=6).map(lambda text: f"x{text}x")
ROW = st.tuples(
    NAME,
    st.integers(0, 99),
    st.none() | st.lists(NAME, max_size=2),
    st.fixed_dictionaries({"city": NAME, "zip": st.none() | NAME}),
).map(list)
FLAT = st.tuples(
    NAME.map(lambda text: text.replace("\n", " ")), st.integers(0, 99), st.none() | NAME, st.booleans()
).map(list)
FORMS: list[Form] = ["rows", "objects"]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=80, deadline=None)
@given(rows=st.lists(ROW, max_size=4), where=st.floats(0, 1), indent=st.sampled_from([None, 1]))
def test_a_reply_cut_anywhere_keeps_its_complete_rows(
    form: Form, rows: list[Any], where: float, indent: int | None
) -> None:
    text = reply(form, rows, indent)
    cut = int(len(text) * where)
    kept = reader(form).read(text[:cut], truncated=True)
    assert cells(kept.cells) == [row for row, end in zip(rows, row_ends(text, len(rows)), strict=True) if end <= cut]
    assert sum(kept.refused.values()) <= 1  # a list and an object of the row that was cut may look like rows


def row_ends(text: str, count: int) -> list[int]:
    """Where each row's last bracket stands, found by a decoder of the standard library."""
    ends, position = [], text.index("[") + 1
    for _ in range(count):
        while text[position] in " \n,":
            position += 1
        position = json.JSONDecoder().raw_decode(text, position)[1]
        ends.append(position)
    return ends


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(FLAT, max_size=4), where=st.floats(0, 1))
def test_a_csv_reply_cut_anywhere_keeps_its_complete_lines(rows: list[Any], where: float) -> None:
    lines = [reply("csv", [row]) for row in rows]
    text = "".join(lines)
    cut = text[: int(len(text) * where)]
    whole = [row for i, row in enumerate(rows) if len("".join(lines[: i + 1])) <= len(cut)]
    kept = reader("csv").read(cut, truncated=True)
    assert cells(kept.cells) == whole and not kept.refused and kept.converted == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Sure! Here are your rows:\n\n{}\n\nEnjoy.",
        "```json\n{}\n```",
        "\ufeff{}",
        "{}\n{}",
        "[see {{1}}] {}",
        "{},",
    ],
)
@given(rows=st.lists(ROW, min_size=1, max_size=3))
def test_what_stands_around_a_reply_does_not_matter(form: Form, around: str, rows: list[Any]) -> None:
    read = reader(form).read(around.replace("{{", "{").replace("}}", "}").replace("{}", reply(form, rows)))
    assert cells(read.cells) == rows and read.broken == (around != "{}")


@pytest.mark.parametrize(
    "around", ["{}", "```csv\n{}```\nThat was it.", "Here:\n```\n{}```", "name,age,note,ok\n{}", "```CSV\n{}"]
)
@given(rows=st.lists(FLAT, min_size=1, max_size=3))
def test_fences_and_headers_of_csv(around: str, rows: list[Any]) -> None:
    assert cells(reader("csv").read(around.replace("{}", reply("csv", rows))).cells) == rows


GOOD = ["Ann", 30, ["a"], {"city": "Rome", "zip": None}]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (json.dumps([GOOD, GOOD]), 2),
        (json.dumps({"customers": [GOOD]}), 1),
        (json.dumps({"customers": [dict(zip(NAMES, GOOD, strict=True))], "total": 1}), 1),
        ("\n".join([json.dumps(dict(zip(NAMES, GOOD, strict=True)))] * 3), 3),
        ("\n".join([json.dumps(GOOD)] * 3), 3),
        (json.dumps({"rows": [GOOD, dict(zip(NAMES, GOOD, strict=True))]}), 2),
        (json.dumps({"rows": [GOOD, GOOD], "note": "done"}), 2),
        ('{"rows":[' + json.dumps(GOOD) + ',["Bob", 5 5, [], {}],' + json.dumps(GOOD) + "]}", 2),
        ('{"rows":[["Bob", "x"], ' + json.dumps(GOOD) + ", [1,", 1),
        ('{"rows":[["B", 1e999, [], {}],' + json.dumps(GOOD) + "]}", 1),
        ('{"rows":[["B", ' + "9" * 5000 + ", [], {}]," + json.dumps(GOOD) + "]}", 1),
        ('{"rows":[["\\ud800", 1, [], {"city":"a"}],' + json.dumps(GOOD) + "]}", 1),
        ('{"rows":[["B", NaN, [], {}],' + json.dumps(GOOD) + "]}", 1),
    ],
)
def test_other_shapes_of_the_same_rows(text: str, count: int) -> None:
    read = reader("objects").read(text)
    assert cells(read.cells) == [GOOD] * count


def test_rows_that_fit_after_a_conversion_are_kept_and_counted() -> None:
    rows = [[" Ann ", "30", None, {"city": "Rome"}], ["Bob", 31.0, [], {"city": "Oslo", "zip": "1"}], GOOD]
    read = reader().read(json.dumps({"rows": rows}))
    assert [row[:2] for row in cells(read.cells)] == [["Ann", 30], ["Bob", 31], ["Ann", 30]]
    assert read.converted == 2 and not read.broken and not read.refused


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        (["Ann", 30], ("", "shape")), (GOOD + [1], ("", "shape")), ("Ann", ("", "shape")), (None, ("", "shape")),
        ([5, 30, None, GOOD[3]], ("name", "type")), (["Ann", True, None, GOOD[3]], ("age", "type")),
        (["Ann", 100, None, GOOD[3]], ("age", "range")), ([None, 30, None, GOOD[3]], ("name", "null")),
        ({"name": "Ann", "age": 3, "home": GOOD[3], "mood": "x"}, ("", "unknown key")),
        ({"name": "Ann", "age": 3, "home": {"city": "a", "x": 1}}, ("home", "unknown key")),
        ({"name": "Ann", "home": GOOD[3]}, ("age", "null")), (["Ann", 3, None, {"city": 5}], ("home", "city: type")),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_reason_and_the_others_kept(row: Any, refusal: tuple[str, str]) -> None:
    read = reader().read(json.dumps({"rows": [GOOD, row, GOOD]}))
    assert read.refused == {refusal: 1} and cells(read.cells) == [GOOD, GOOD] and not read.broken


@pytest.mark.parametrize("form", ["rows", "objects", "csv"])
def test_rows_beyond_those_asked_for_are_dropped(form: Form) -> None:
    rows: list[list[Any]] = [["Ann", age, None, True if form == "csv" else GOOD[3]] for age in range(9)]
    text = reply(form, rows)
    for limit in (0, 1, 5, 9, 20):
        assert cells(reader(form).read(text, limit=limit).cells) == rows[:limit]
    assert cells(reader(form).read(text + "!", limit=2).cells) == rows[:2]


@pytest.mark.parametrize("form", ["rows", "objects", "csv"])
@given(text=st.text() | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")), truncated=st.booleans())
def test_no_text_is_an_error(form: Form, text: str, truncated: bool) -> None:
    read = reader(form).read(text, truncated)
    RECORD.check(read.cells) if form != "csv" else PLAIN.check(read.cells)


@pytest.mark.parametrize("form", ["rows", "objects", "csv"])
@given(st.data())
def test_no_spoilt_reply_is_an_error(form: Form, data: st.DataObject) -> None:
    text = reply(form, data.draw(st.lists(FLAT if form == "csv" else ROW, max_size=3)))
    at, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    spoilt = (
        text[:at]
        + data.draw(st.sampled_from(["", "[", "]}", '"', "\\", "\\ud800", "\0", "1e999", "NaN", "```", "\r"]))
        + text[end:]
    )
    read = reader(form).read(spoilt, data.draw(st.booleans()))
    checked = (PLAIN if form == "csv" else RECORD).check(read.cells)
    assert len(checked.batch.lines.splitlines()) == checked.batch.rows


MEGABYTES = 4
HOSTILE = {
    "brackets": "[" * (MEGABYTES << 20),
    "rows of brackets": '{"rows":' + "[" * (MEGABYTES << 20),
    "nesting": '{"rows":[' + "[" * 100_000 + "]" * 100_000 + "]}",
    "objects": '{"rows":' + '{"a":' * (MEGABYTES << 18),
    "open quote": '{"rows":[["' + "x" * (MEGABYTES << 20),
    "open quotes": '{"rows":[' + '["x],' * (MEGABYTES << 18),
    "broken rows": '{"rows":[' + "[1 2],[" * (MEGABYTES << 17),
    "digits": '{"rows":[[' + "9" * (MEGABYTES << 20) + "]]}",
    "commas": '{"rows":[' + "," * (MEGABYTES << 20),
    "quotes": '"' * (MEGABYTES << 20),
    "lines": "\n" * (MEGABYTES << 20),
    "cells": "a," * (MEGABYTES << 19),
    "many rows": '{"rows":[' + "[1]," * (MEGABYTES << 18) + "[1]]}",
    "many good rows": '{"rows":[' + '["a",1,null,{"city":"a","zip":null}],' * (MEGABYTES << 15) + "0]}",
    "many lines": "a,1,,true\n" * (MEGABYTES << 16),
    "escapes": '{"rows":[["' + "\\u" * (MEGABYTES << 19),
    "spaces": " " * (MEGABYTES << 20) + '{"rows":[]}',
    "fences": "```\n" * (MEGABYTES << 18),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_megabytes_are_read_within_a_second_or_two(name: str) -> None:
    for form in ("rows", "csv"):
        began = time.process_time()
        read = reader(form).read(HOSTILE[name], truncated=True, limit=32)
        assert time.process_time() - began < 3
        assert len(read.cells) <= 32 and sum(read.refused.values()) <= MANY


def test_salvage_steps_over_broken_rows_but_not_for_ever() -> None:
    assert list(salvage("[[1],[2 3],[4]]")) == [[1], [4]]
    assert list(salvage("no rows here")) == list(salvage("")) == []
    assert list(salvage("[[1 1]," * 1000 + "[2]]")) == []


def test_line_ends_and_spaces_of_csv() -> None:
    assert list(csv_lines('a, "b, c"\r\n\r\nd,e', False)) == [["a", "b, c"], ["d", "e"]]
    assert list(csv_lines("a\rb\n", False)) == [["a"], ["b"]]
    assert list(csv_lines('a,"x\ny"\n"b\nc', True)) == [["a", "x\ny"]]
    assert list(csv_lines("a,b", True)) == [] and unfenced("a```b") == "a```b"


def test_empty_cells_of_csv_are_null_where_null_is_allowed() -> None:
    read = reader("csv").read("Ann,3,,true\nBob,4,x,FALSE\n,5,x,true\nCleo,6,x")
    assert cells(read.cells) == [["Ann", 3, None, True], ["Bob", 4, "x", False]]
    assert read.refused == {("name", "length"): 1, ("", "shape"): 1}


def test_objects_and_arrays_in_csv_are_json() -> None:
    record = RecordType(Dataset(fields=FIELDS))
    text = 'Ann,3,"[""a""]","{""city"":""Rome""}"\nBob,4,,nothing\nCleo,5,[oops,"{}"\n'
    read = Reader(record, "csv").read(text)
    assert cells(read.cells) == [["Ann", 3, ["a"], {"city": "Rome", "zip": None}]]
    assert read.refused == {("home", "type"): 1, ("tags", "type"): 1}

"""Existing data, read in every format: rows with their numbers, bad lines as items, limits."""

import gzip
import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import pyzstd
from hypothesis import given, settings
from hypothesis import strategies as st

from ffgen import source
from ffgen.errors import DestinationError, UsageError
from ffgen.source import block, stream
from ffgen.source.csv import split
from ffgen.spec.model import Field

PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": pyzstd.compress}
ROWS: list[dict[str, Any]] = [{"a": 1, "b": "x\ny"}, {"a": None, "b": "東京"}, {"a": -3, "b": ""}]
TEXTS = {
    "jsonl": "\ufeff" + "\n".join(json.dumps(row) for row in ROWS),
    "ndjson": "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n",
    "json": json.dumps(ROWS, indent=1),
    "csv": '\ufeffa,b\r\n1,"x\ny"\r\n,東京\r\n-3,""\r\n',
}


def put(tmp_path: Path, name: str, data: bytes | str) -> str:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def items(path: str, *columns: Field, **options: Any) -> tuple[list[dict[str, Any]], list[int], list[tuple[int, str]]]:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    bad: list[tuple[int, str]] = []
    for found in source.read(path, columns, **options):
        assert 1 <= len(found.rows) + len(found.bad) <= 4096
        assert len(found.rows) == len(found.numbers)
        rows += found.rows
        numbers += found.numbers
        bad += [(item.line, item.what) for item in found.bad]
    return rows, numbers, bad


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("format", TEXTS)
def test_text_formats(tmp_path: Path, format: str, suffix: str) -> None:
    path = put(tmp_path, f"data.{format}{suffix}", PACK[suffix](TEXTS[format].encode()))
    rows, numbers, bad = items(path)
    expected = [{**row, "a": None if row["a"] is None else str(row["a"])} for row in ROWS] if format == "csv" else ROWS
    assert rows == expected
    assert numbers == {"jsonl": [1, 2, 3], "ndjson": [1, 3, 5], "json": [2, 6, 10], "csv": [2, 4, 5]}[format]
    assert bad == []


@pytest.mark.parametrize("suffix", PACK)
def test_parquet(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame(
        {
            "i": [1, None],
            "d": [date(2024, 2, 29), None],
            "m": [datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), None],
            "t": [time(1, 2), None],
            "o": [{"d": [date(2024, 1, 1)]}, None],
        }
    )
    packed = io.BytesIO()
    frame.write_parquet(packed)
    rows, numbers, bad = items(put(tmp_path, f"data.parquet{suffix}", PACK[suffix](packed.getvalue())))
    first = {"i": 1, "d": "2024-02-29", "m": "2024-02-29T01:02:03Z", "t": "01:02:00", "o": {"d": ["2024-01-01"]}}
    assert rows == [first, dict.fromkeys(first)]
    assert (numbers, bad) == ([1, 2], [])


def test_folder_of_parquet_parts_in_order(tmp_path: Path) -> None:
    for i in range(3):
        pl.DataFrame({"i": range(i * 5000, (i + 1) * 5000)}).write_parquet(tmp_path / f"part-0000{i}.parquet")
    rows, numbers, _ = items(f"{tmp_path}/")
    assert [row["i"] for row in rows] == list(range(15_000))
    assert numbers[-1] == 15_000
    (tmp_path / "empty").mkdir()
    with pytest.raises(DestinationError, match="no Parquet part"):
        items(str(tmp_path / "empty"))


@pytest.mark.parametrize("format", ["jsonl", "json", "csv"])
def test_blocks_of_4096(tmp_path: Path, format: str) -> None:
    records = [{"i": str(i)} for i in range(9000)]
    text = {
        "jsonl": "\n".join(map(json.dumps, records)),
        "json": json.dumps(records),
        "csv": "i\n" + "\n".join(row["i"] for row in records),
    }[format]
    blocks = list(source.read(put(tmp_path, f"d.{format}", text)))
    assert [len(found.rows) for found in blocks] == [4096, 4096, 808]
    assert [row for found in blocks for row in found.rows] == records


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "h.csv", "e.json"])
def test_no_rows(tmp_path: Path, name: str) -> None:
    assert items(put(tmp_path, name, {"h.csv": "a,b\n", "e.json": " [ ]\n"}.get(name, "")))[0] == []


def test_bad_lines_do_not_stop_jsonl(tmp_path: Path) -> None:
    deep = "[" * 100_000
    lines = ['{"a":1}', "{nope", "[1]", '{"a":NaN}', '{"a":"\\ud800"}', deep, '{"a":12345678901234567890123}', '"x"']
    data = "\n".join(lines).encode() + b'\n{"a":"\xff"}\n{"a":2}'
    rows, numbers, bad = items(put(tmp_path, "d.jsonl", data))
    assert rows[0] == {"a": 1} and rows[-1] == {"a": 2}
    assert {"a": 12345678901234567890123} in rows
    assert numbers[0] == 1 and numbers[-1] == 10
    lines_bad = [line for line, _ in bad]
    assert {2, 3, 4, 6, 8, 9} <= set(lines_bad) and 7 not in lines_bad
    assert dict(bad)[3] == "a record must be a JSON object, this is an array"
    assert dict(bad)[8].endswith("this is text")


def test_overlong_line_is_bad_and_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ffgen.source.jsonl.MAX_RECORD", 20)
    path = put(tmp_path, "d.jsonl", '{"a":1}\n{"a":"' + "x" * 50 + '"}\n{"a":2}\n')
    rows, numbers, bad = items(path)
    assert (rows, numbers) == ([{"a": 1}, {"a": 2}], [1, 3])
    assert bad[0][0] == 2 and "longer than" in bad[0][1]


def test_bad_elements_do_not_stop_json(tmp_path: Path) -> None:
    rows, numbers, bad = items(put(tmp_path, "d.json", '[{"a": "]},["},\n7,\n\n{"a" 1},,{"b":[{}]}]\n'))
    assert (rows, numbers) == ([{"a": "]},["}, {"b": [{}]}], [1, 4])
    assert [line for line, _ in bad] == [2, 4, 4]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[{"a":1},{"a":2', "cut off"),
        ('[{"a":1}, "x', "cut off"),
        ('[{"a":1}] tail', "after the end"),
        ("7", "not a JSON array"),
        ("", "not a JSON array"),
    ],
)
def test_broken_arrays(tmp_path: Path, text: str, what: str) -> None:
    rows, _, bad = items(put(tmp_path, "d.json", text))
    assert rows == ([{"a": 1}] if text.startswith("[") else [])
    assert what in bad[-1][1]


def test_json_lines_named_json(tmp_path: Path) -> None:
    assert items(put(tmp_path, "d.json", ' \n{"a":1}\n{"a":2}\n'))[:2] == ([{"a": 1}, {"a": 2}], [2, 3])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.dictionaries(st.text(max_size=3), st.text() | st.lists(st.integers()), max_size=3)))
def test_arrays_survive_any_reading_cuts(data: st.DataObject, rows: list[dict[str, Any]]) -> None:
    indent = data.draw(st.sampled_from([None, 1]))
    path = Path("/dev/shm") / f"ffgen-{os.getpid()}.json"
    path.write_text(json.dumps(rows, indent=indent))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ffgen.source.json._CHUNK", data.draw(st.integers(1, 9)))
            assert items(str(path))[0] == rows
    finally:
        path.unlink()


FIELDS = [
    Field(name="id", type="integer"),
    Field(name="a.b", type="string"),
    Field(name="tags", type="array", items=Field(type="string")),
    Field(name="note", type="string"),
    Field(
        name="at",
        type="object",
        nullable=True,
        fields=[Field(name="city"), Field(name="geo", type="object", fields=[Field(name="lat", nullable=True)])],
    ),
]


def test_csv_is_nested_by_the_fields(tmp_path: Path) -> None:
    text = 'id,a.b,tags,note,at.city,at.geo.lat,x.y\n1,dot,"[""p"",1]",[no],Ulm,48,z\n2,,[bad,"[""q""]",,,\n'
    rows, _, bad = items(put(tmp_path, "d.csv", text), *FIELDS)
    assert bad == []
    assert rows[0] == {
        "id": "1",
        "a.b": "dot",
        "tags": ["p", 1],
        "note": "[no]",
        "at": {"city": "Ulm", "geo": {"lat": "48"}},
        "x.y": "z",
    }
    assert rows[1]["tags"] == "[bad" and rows[1]["note"] == '["q"]'
    assert rows[1]["at"] == {"city": None, "geo": {"lat": None}}  # geo may not be null, so at is not all null


def test_csv_null_objects(tmp_path: Path) -> None:
    fields = [Field(name="o", type="object", nullable=True, fields=[Field(name="x"), Field(name="y")])]
    assert items(put(tmp_path, "d.csv", "o.x,o.y\n,\n1,\n"), *fields)[0] == [{"o": None}, {"o": {"x": "1", "y": None}}]


def test_csv_without_fields_is_nested_by_its_names(tmp_path: Path) -> None:
    rows, _, _ = items(put(tmp_path, "d.csv", 'a.x,a.y,b,b.c,d\n1,2,3,4,"[1]"\n,,,,[no]\n'))
    assert rows[0] == {"a": {"x": "1", "y": "2"}, "b": "3", "b.c": "4", "d": [1]}
    assert rows[1] == {"a": None, "b": None, "b.c": None, "d": "[no]"}


def test_csv_bad_records(tmp_path: Path) -> None:
    data = b'a,b\n1,2\n1\n1,2,3\n\n"x"y,2\n"\xff",2\n3,4\n"never,\n5,6\n'
    rows, numbers, bad = items(put(tmp_path, "d.csv", data))
    assert (rows, numbers) == ([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}], [2, 8])
    assert [line for line, _ in bad] == [3, 4, 6, 7, 9]
    assert bad[0][1] == "1 cells, the header has 2"
    assert "never closed" in bad[-1][1]


@pytest.mark.parametrize(("text", "what"), [("a,a\n1,2\n", "twice"), ('"a"x"",b\n', "do not match")])
def test_csv_bad_header(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(DestinationError, match=what):
        items(put(tmp_path, "d.csv", text))


def test_hostile_csv_record_is_quick() -> None:
    assert split('"' + '""' * 200_000 + '"x') is None
    assert split('a,"' + "b" * 1_000_000 + '"') == ["a", "b" * 1_000_000]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_bomb_is_refused(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FREE_BYTES", 1 << 20)
    small = put(tmp_path, f"small.jsonl{suffix}", PACK[suffix](b'{"a":1}\n' * 100_000))
    assert len(items(small)[0]) == 100_000
    bomb = put(tmp_path, f"bomb.jsonl{suffix}", PACK[suffix](b'{"a":1}\n' * 1_000_000))
    with pytest.raises(DestinationError, match="200 times"):
        items(bomb)
    with pytest.raises(DestinationError, match="more than 5000 bytes"):
        items(small, max_bytes=5000)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_damaged_compression(tmp_path: Path, suffix: str) -> None:
    whole = PACK[suffix](b"".join(b'{"a":%d}\n' % (i * 7919) for i in range(100_000)))
    with pytest.raises(DestinationError, match="cut off"):
        items(put(tmp_path, f"cut.jsonl{suffix}", whole[: len(whole) // 2]))
    with pytest.raises(DestinationError, match="damaged"):
        items(put(tmp_path, f"bad.jsonl{suffix}", whole[:3000] + b"\0" * 3000 + whole[6000:]))


def test_several_members_and_frames(tmp_path: Path) -> None:
    for suffix in (".gz", ".zst"):
        data = PACK[suffix](b'{"a":1}\n{"a"') + PACK[suffix](b":2}\n")
        assert items(put(tmp_path, f"d.jsonl{suffix}", data))[0] == [{"a": 1}, {"a": 2}]


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    put(tmp_path, "customers.jsonl", "")
    with pytest.raises(DestinationError, match=r"Did you mean .*/customers\.jsonl\?"):
        items(str(tmp_path / "custmers.jsonl"))
    with pytest.raises(DestinationError, match="There is no folder"):
        items(str(tmp_path / "none" / "x.csv"))


def test_what_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say a format"):
        items(put(tmp_path, "d.txt", "x"))
    with pytest.raises(UsageError, match="unknown"):
        items(put(tmp_path, "d.csv", "x"), format="xml")
    with pytest.raises(DestinationError, match="UTF-16"):
        items(put(tmp_path, "d.jsonl", '{"a":1}'.encode("utf-16")))
    with pytest.raises(DestinationError, match="as Parquet"):
        items(put(tmp_path, "d.parquet", "PAR1 not really"))
    assert items(put(tmp_path, "d.dat", "a\n1\n"), format="csv")[0] == [{"a": "1"}]


@pytest.mark.parametrize("format", ["jsonl", "json", "csv", "parquet"])
def test_standard_input_is_looked_at(tmp_path: Path, format: str) -> None:
    if format == "parquet":
        held = io.BytesIO()
        pl.DataFrame({"a": [1, 2]}).write_parquet(held)
        data = held.getvalue()
    else:
        data = {"jsonl": b'{"a":1}\n{"a":2}\n', "json": b'[{"a":1},{"a":2}]', "csv": b"a\n1\n2\n"}[format]
    code = """
        from ffgen import source
        print([int(row["a"]) for block in source.read("-") for row in block.rows])
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    for packed in (data, gzip.compress(data)):
        assert subprocess.run(command, input=packed, capture_output=True, check=True).stdout == b"[1, 2]\n"


def test_reading_may_be_given_up(tmp_path: Path) -> None:
    path = put(tmp_path, "d.jsonl", '{"a":1}\n' * (block.BLOCK_ITEMS * 2))
    blocks = source.read(path)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]

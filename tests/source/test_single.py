"""One record of a file, by its number."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from ffgen.errors import DestinationError, UsageError
from ffgen.source import single
from ffgen.source.single import record_at


def test_lines_are_found_wherever_a_chunk_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"n": i, "text": "é" * (i % 7)} for i in range(50)]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    for name, data in (("a.jsonl", text.encode()), ("b.jsonl.gz", gzip.compress(f"{text}\n".encode()))):
        (tmp_path / name).write_bytes(data)
        for chunk in (1, 7, 64, 1 << 20):
            monkeypatch.setattr(single, "_CHUNK", chunk)
            assert [record_at(str(tmp_path / name), "jsonl", i + 1) for i in range(50)] == rows
            with pytest.raises(UsageError, match="has 50 records, so none is number 51"):
                record_at(str(tmp_path / name), "jsonl", 51)


def test_records_of_a_csv_are_counted_past_quoted_newlines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny\n"\n2,\n')
    assert record_at(str(path), "csv", 1) == {"a": "1", "b": "x\ny\n"}
    assert record_at(str(path), "csv", 2) == {"a": "2", "b": None}
    with pytest.raises(UsageError, match="has 2 records"):
        record_at(str(path), "csv", 3)


def test_elements_of_an_array_and_rows_of_parquet_in_parts(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1},\n {"a": 2}]')
    assert record_at(str(tmp_path / "a.json"), "json", 2) == {"a": 2}
    parts = tmp_path / "parts"
    parts.mkdir()
    for part in range(3):
        pl.DataFrame({"a": range(part * 10, part * 10 + 10)}).write_parquet(parts / f"part-{part:05d}.parquet")
    assert [record_at(str(parts), "parquet", i) for i in (1, 10, 11, 30)] == [{"a": 0}, {"a": 9}, {"a": 10}, {"a": 29}]
    with pytest.raises(UsageError, match="has 30 records"):
        record_at(str(parts), "parquet", 31)


def test_what_is_no_record_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n[2]\n{"a":')
    for number, said in ((2, "a record must be a JSON object"), (3, "not JSON")):
        with pytest.raises(DestinationError, match=said):
            record_at(str(path), "jsonl", number)
    monkeypatch.setattr(single, "MAX_RECORD", 4)
    monkeypatch.setattr(single, "_CHUNK", 3)
    with pytest.raises(DestinationError, match="a line longer than"):
        record_at(str(path), "jsonl", 3)

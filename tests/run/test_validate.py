"""Existing data against a spec, in every format that is read."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.errors import DestinationError, SpecError, UsageError
from ffgen.run import validate as module

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer", "unique": True},
    {"name": "name", "length": [2, 20], "nullable": True},
    {"name": "born", "type": "date", "range": ["1950-01-01", "2005-12-31"], "format": "%d.%m.%Y"},
    {"name": "email", "type": "email"},
    {"name": "ok", "type": "boolean", "nullable": True},
]
SPEC = {"dataset": {"count": 4, "fields": FIELDS}}
ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "Ann", "born": "01.02.1980", "email": "ann@corp.io", "ok": True},
    {"id": 2, "name": None, "born": "03.02.1980", "email": "bob@corp.io", "ok": None},
    {"id": 3, "name": 'Żaneta, "Ż"', "born": "29.02.1980", "email": "z@corp.io", "ok": False},
    {"id": 4, "name": "Dee", "born": "31.12.2005", "email": "d@corp.io", "ok": None},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    frame = pl.DataFrame(rows, schema_overrides={"ok": pl.Boolean})
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".parquet":
            frame.write_parquet(path)
        case ".json":
            path.write_text(json.dumps(rows))
        case _:
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def problems(found: ffgen.Validity) -> list[tuple[str, str, int, int]]:
    return [(fault.field, fault.reason, fault.count, fault.first) for fault in found.problems]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_good_data_is_valid_in_every_format(tmp_path: Path, suffix: str) -> None:
    found = ffgen.validate(SPEC, write(tmp_path / f"data{suffix}", ROWS))
    assert problems(found) == []
    assert found.valid and (found.rows, found.wanted, found.duplicates) == (4, 4, 0)


@pytest.mark.parametrize(("suffix", "first"), [(".jsonl", 1), (".csv", 2), (".parquet", 1)])
def test_faults_are_counted_with_the_first_row_of_each(tmp_path: Path, suffix: str, first: int) -> None:
    rows = [
        ROWS[0],
        ROWS[1] | {"name": "B"},
        ROWS[2] | {"name": "C", "id": 9},
        ROWS[3] | {"born": "01.01.2006"},
        ROWS[0],
        ROWS[3] | {"email": "nobody"},
        ROWS[0] | {"name": "Other"},
    ]
    found = ffgen.validate(SPEC, write(tmp_path / f"data{suffix}", rows))
    assert not found.valid and (found.rows, found.wanted, found.duplicates) == (7, 4, 2)
    assert problems(found) == [
        ("name", "length", 2, first + 1),
        ("", "duplicate", 2, first + 4),
        ("born", "range", 1, first + 3),
        ("email", "format", 1, first + 5),
    ]


def test_lines_that_are_no_records_are_counted(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in ROWS]
    (tmp_path / "data.jsonl").write_text("\n".join([lines[0], "{oops", lines[1], "[1]", '{"id": "x"}', lines[2]]))
    found = ffgen.validate(SPEC, tmp_path / "data.jsonl")
    assert found.rows == 6 and not found.valid
    said = problems(found)
    assert ("id", "type", 1, 5) in said and sum(count for _, _, count, _ in said) == 3
    assert [first for _, reason, _, first in said if "JSON" in reason] == [2, 4]


def test_too_few_and_too_many_rows_are_not_valid(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", ROWS[:3])
    found = ffgen.validate(SPEC, path)
    assert not found.valid and found.problems == [] and (found.rows, found.wanted) == (3, 4)
    assert ffgen.validate(SPEC, path, assign={"dataset.count": 3}).valid
    assert not ffgen.validate(SPEC, path, assign={"dataset.count": 2}).valid


def test_columns_that_are_no_fields_are_named_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KINDS", 3)
    path = write(tmp_path / "data.jsonl", [row | {f"extra{i}": 1} for i, row in enumerate(ROWS * 2)])
    said = problems(ffgen.validate(SPEC, path))
    assert said == [
        ("", "other", 5, 4),
        ("extra0", "unknown", 1, 1),
        ("extra1", "unknown", 1, 2),
        ("extra2", "unknown", 1, 3),
    ]


def test_duplicates_are_found_across_blocks_and_unique_by_is_minded(tmp_path: Path) -> None:
    rows = [{"a": i, "b": i % 7} for i in range(9000)] + [{"a": 3, "b": 3}]
    path = write(tmp_path / "data.jsonl", rows)
    fields = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
    found = ffgen.validate({"dataset": {"count": 9001, "fields": fields}}, path)
    assert problems(found) == [("", "duplicate", 1, 9001)]
    found = ffgen.validate({"dataset": {"count": 9001, "fields": fields, "unique_by": ["b"]}}, path)
    assert found.duplicates == 9001 - 7 and problems(found) == [("", "duplicate", 8994, 8)]


def test_a_count_beyond_all_memory_costs_none(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", ROWS)
    assert ffgen.validate(SPEC, path, assign={"dataset.count": 10**12}).rows == 4


def test_a_spec_with_errors_is_refused_but_needs_no_model(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", ROWS)
    with pytest.raises(SpecError, match="unknown type"):
        ffgen.validate({"dataset": {"fields": [{"name": "a", "type": "x"}]}}, path)
    assert ffgen.validate(ffgen.load(SPEC | {"model": {"endpoint": "embedded"}}), path).valid


@pytest.mark.parametrize("name", ["none.jsonl", "folder.jsonl"])
def test_data_that_can_t_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DestinationError):
        ffgen.validate(SPEC, tmp_path / name)


def test_a_spec_that_nothing_draws_serves_to_look_at_data(tmp_path: Path) -> None:
    """A text field without a generator, and a condition that is held."""
    fields = [{"name": "remark", "type": "string"}, {"name": "size", "type": "integer"}]
    spec = {"dataset": {"count": 2, "fields": fields, "require": "size > 1"}}
    path = write(tmp_path / "data.jsonl", [{"remark": "a", "size": 1}, {"remark": "b", "size": 2}])
    assert problems(ffgen.validate(spec, path)) == [("require", "size > 1", 1, 1)]
    with pytest.raises(SpecError, match="no field width"):
        ffgen.validate(spec, path, assign={"dataset.require": "width > 1"})


def test_a_table_is_named_and_hidden_fields_are_not_looked_for(tmp_path: Path) -> None:
    number = {"name": "id", "type": "integer", "unique": True, "generator": "sequence"}
    weight = {"name": "weight", "type": "number", "range": [1, 2], "hidden": True}
    size = {"name": "size", "type": "integer", "range": [1, 5]}
    child = [{"name": "of", "ref": {"to": "a.id", "min": 2, "max": 2}}, weight, size]
    rules = ["weight > 0", "size > 1"]
    spec = {"tables": [{"name": "a", "count": 2, "fields": [number]}, {"name": "b", "fields": child, "require": rules}]}
    path = write(tmp_path / "b.jsonl", [{"of": 1 + i // 2, "size": 1 + i} for i in range(4)])
    found = ffgen.validate(spec, path, table="b")
    assert (found.wanted, problems(found)) == (4, [("require", "size > 1", 1, 1)])
    with pytest.raises(UsageError, match="2 tables"):
        ffgen.validate(spec, path)
    with pytest.raises(UsageError, match="no table c"):
        ffgen.validate(ffgen.load(spec), path, table="c")

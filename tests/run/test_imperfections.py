"""Imperfections in whole runs: what is in the files, the labels and the report, whatever the format and the workers."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen import failpoint
from ffgen.errors import DestinationError, SpecError, UsageError
from ffgen.run.labels import LabelFile
from ffgen.run.report import Report

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
    {"name": "name", "type": "string", "pattern": "[A-Z][a-z]{2,8}"},
    {"name": "age", "type": "integer", "range": [18, 80]},
    {"name": "amount", "type": "number", "range": [1, 5000], "decimals": 2},
    {"name": "born", "type": "date", "range": ["1950-01-01", "2005-01-01"]},
    {"name": "at", "type": "datetime", "range": ["2024-01-01T00:00:00Z", "2024-12-31T00:00:00Z"]},
]
ALL = {"nulls": 0.05, "duplicates": 0.013, "outliers": 0.02, "typos": 0.04, "drift": 0.06, "late": 0.02}
COUNT = 70_000
"""Two shards."""


def people(imperfections: Any = ALL, count: int = COUNT, **more: Any) -> dict[str, Any]:
    table = {"name": "people", "count": count, "fields": FIELDS, "imperfections": imperfections, **more}
    return {"seed": 5, "dataset": table}


def shop(**imperfections: Any) -> dict[str, Any]:
    """Customers and their orders; imperfections by table."""
    customers: dict[str, Any] = {
        "name": "customers",
        "count": 3000,
        "fields": [
            {"name": "id", "generator": "uuid4", "unique": True},
            {"name": "city", "type": "string", "pattern": "[A-Z][a-z]{4}"},
        ],
    }
    orders: dict[str, Any] = {
        "name": "orders",
        "fields": [
            {"name": "id", "generator": "sequence", "unique": True},
            {"name": "customer", "ref": {"to": "customers.id", "mean": 3}},
            {"name": "total", "type": "number", "range": [1, 100], "decimals": 2},
        ],
    }
    tables = [customers, orders]
    return {"tables": [{**each, "imperfections": imperfections.get(each["name"])} for each in tables]}


def run(source: dict[str, Any], to: Path | str, **settings: Any) -> Report:
    report = ffgen.run(source, str(to), **settings)
    assert isinstance(report, Report)
    return report


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """One run with all kinds, its labels, and the clean run of the same spec."""
    folder = tmp_path_factory.mktemp("made")
    run(people(None), folder / "clean.jsonl")
    report = run(people(), folder / "people.jsonl", labels=folder / "labels.jsonl")
    return folder, report


def test_the_report_counts_the_labels(made: tuple[Path, Report]) -> None:
    folder, report = made
    labels = lines(folder / "labels.jsonl")
    assert {label["table"] for label in labels} == {"people"}
    counted = Counter((label["field"], label["kind"]) for label in labels)
    assert counted == {(one.field, one.kind): one.count for one in report.imperfections}
    assert [one.kind for one in report.imperfections][:2] == ["duplicates", "late"]
    rows = [label["row"] for label in labels]
    assert rows == sorted(rows) and rows[0] >= 0 and rows[-1] < COUNT


def test_n_rows_and_as_many_copies_as_asked_for(made: tuple[Path, Report]) -> None:
    folder, report = made
    rows = lines(folder / "people.jsonl")
    assert len(rows) == report.records == COUNT
    assert len({row["id"] for row in rows}) == len({json.dumps(row) for row in rows}) == COUNT - round(COUNT * 0.013)
    assert sum(one.count for one in report.imperfections if one.kind == "duplicates") == round(COUNT * 0.013)


def test_shares_are_those_asked_for(made: tuple[Path, Report]) -> None:
    _, report = made
    falls_on = {"nulls": 5, "outliers": 4, "typos": 1, "drift": 3, "late": 1}
    for kind, fields in falls_on.items():
        counts = {one.field: one.count for one in report.imperfections if one.kind == kind}
        assert len(counts) == fields and "id" not in counts
        share: float = ALL[kind]
        for field, count in counts.items():
            # Copies carry the cells of their originals, which widens the bound a little.
            assert abs(count - share * COUNT) < 6 * (share * (1 - share) * COUNT) ** 0.5, (kind, field)
    late = [one.field for one in report.imperfections if one.kind == "late"]
    assert late == ["at"]


def test_labels_name_exactly_what_differs_from_a_clean_run(made: tuple[Path, Report]) -> None:
    folder, _ = made
    clean = {row["id"]: row for row in lines(folder / "clean.jsonl")}
    labels = lines(folder / "labels.jsonl")
    told = {(label["row"], label["field"]): label for label in labels if label["kind"] not in ("duplicates", "late")}
    assert len(told) == sum(label["kind"] not in ("duplicates", "late") for label in labels), "a cell is altered once"
    copied = {label["row"]: int(label["after"]) for label in labels if label["kind"] == "duplicates"}
    rows = lines(folder / "people.jsonl")
    for number, row in enumerate(rows):
        if number in copied:
            assert row == rows[copied[number]]
        for field, value in row.items():
            before = clean[row["id"]][field]
            label = told.pop((number, field), None)
            if label is None:
                assert value == before
            else:
                assert value != before
                assert label["after"] == (None if value is None else str(value)) and label["before"] == str(before)
    assert not told


def test_late_rows_stand_behind_some_that_follow_them(made: tuple[Path, Report]) -> None:
    folder, _ = made
    labels = lines(folder / "labels.jsonl")
    copied = {label["row"] for label in labels if label["kind"] == "duplicates"}
    late = {label["row"]: int(label["before"]) for label in labels if label["kind"] == "late"}
    ids = [row["id"] for row in lines(folder / "people.jsonl")]
    punctual = [id for row, id in enumerate(ids) if row not in late and row not in copied]
    assert punctual == sorted(punctual)
    for row, before in late.items():
        if row not in copied:
            assert ids[row] == 1 + before and row > before


@pytest.mark.parametrize(("name", "most"), [("people.jsonl", 2), ("people.csv.gz", 1), ("people.parquet", 2)])
def test_same_bytes_at_any_number_of_workers(name: str, most: int, tmp_path: Path) -> None:
    found = set()
    for workers in range(most + 1):
        folder = tmp_path / str(workers)
        run(people(), folder / name, labels=folder / "labels.jsonl.gz", workers=workers)
        found.add(((folder / name).read_bytes(), (folder / "labels.jsonl.gz").read_bytes()))
    assert len(found) == 1
    labels = gzip.decompress(found.pop()[1]).splitlines()
    assert len(labels) > 1000


def test_every_format_holds_the_same(made: tuple[Path, Report], tmp_path: Path) -> None:
    folder, _ = made
    labels = (folder / "labels.jsonl").read_bytes()
    rows = lines(folder / "people.jsonl")
    run(people(), tmp_path / "p.csv", labels=tmp_path / "csv.jsonl")
    run(people(), tmp_path / "p.parquet", labels=tmp_path / "parquet.jsonl")
    assert (tmp_path / "csv.jsonl").read_bytes() == (tmp_path / "parquet.jsonl").read_bytes() == labels
    with open(tmp_path / "p.csv", newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert cells == [{name: "" if v is None else str(v) for name, v in row.items()} for row in rows]
    frame = pl.read_parquet(tmp_path / "p.parquet")
    assert frame.schema["born"] == frame.schema["at"] == pl.String and frame.schema["age"] == pl.Int64
    assert frame.to_dicts() == rows


def test_frames_are_spoiled_too_and_say_so() -> None:
    frames = ffgen.run(people(count=5000))
    rows = [row for frame in frames for row in frame.to_dicts()]
    told = {one.kind: one.count for one in frames.report.imperfections} if frames.report else {}
    assert len({row["id"] for row in rows}) == 5000 - told["duplicates"] == 5000 - 65
    with pytest.raises(UsageError, match="labels"):
        ffgen.run(people(), labels="x.jsonl")


def test_a_spec_without_imperfections_has_no_labels(tmp_path: Path) -> None:
    report = run(people(None, 100), tmp_path / "p.jsonl", labels=tmp_path / "l.jsonl.gz")
    assert report.imperfections == []
    assert gzip.decompress((tmp_path / "l.jsonl.gz").read_bytes()) == b""


def test_a_number_that_drifts_is_text(tmp_path: Path) -> None:
    run(people({"drift": {"amount": 0.5}}, 100), tmp_path / "p.jsonl")
    values = [row["amount"] for row in lines(tmp_path / "p.jsonl")]
    assert all(isinstance(value, str) for value in values) and any("," in value for value in values)


def test_tables_are_spoiled_one_by_one_and_children_read_clean_parents(tmp_path: Path) -> None:
    lossy = {"nulls": {"customer": 0.2}, "duplicates": 0.1}
    source = shop(customers={"nulls": {"id": 0.1}, "typos": 0.2}, orders=lossy)
    for workers in (0, 2):
        run(source, f"{tmp_path}/{workers}/", labels=tmp_path / f"{workers}.jsonl", workers=workers)
    assert (tmp_path / "0.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    labels = lines(tmp_path / "0.jsonl")
    assert [name for name, _ in groups(labels)] == ["customers", "orders"]
    ids = {row["id"] for row in lines(tmp_path / "0" / "customers.jsonl")}
    lost = {label["before"] for label in labels if label["table"] == "customers" and label["field"] == "id"}
    assert None in ids and len(lost) > 200
    owners = {row["customer"] for row in lines(tmp_path / "0" / "orders.jsonl")}
    assert owners - ids and owners <= ids | lost | {None}
    run(source, tmp_path / "one.jsonl", table="orders", labels=tmp_path / "one.labels.jsonl")
    only = [label for label in labels if label["table"] == "orders"]
    assert lines(tmp_path / "one.labels.jsonl") == only


def groups(labels: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The tables of labels, in the order of the file, each as often as it begins."""
    names = [label["table"] for label in labels]
    return [(name, i) for i, name in enumerate(names) if i == 0 or names[i - 1] != name]


def test_labels_appear_with_the_records_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: LabelFile) -> None:
        raise RuntimeError("at the end")

    with monkeypatch.context() as patched:
        patched.setattr(LabelFile, "finish", fails)
        with pytest.raises(RuntimeError, match="at the end"):
            run(people(count=1000), tmp_path / "p.jsonl", labels=tmp_path / "l.jsonl")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "l.jsonl").write_text("old")
    with pytest.raises(UsageError, match="exists already"):
        run(people(count=1000), tmp_path / "p.jsonl", labels=tmp_path / "l.jsonl", clobber=False)
    assert [path.name for path in tmp_path.iterdir()] == ["l.jsonl"]


@pytest.mark.parametrize("labels", ["-", "{folder}/p.jsonl", "{folder}/"])
def test_labels_need_a_file_of_their_own(labels: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="[Ll]abels"):
        run(people(count=10), tmp_path / "p.jsonl", labels=labels.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["labels.part", "labels.append"])
def test_a_full_disk_is_told(place: str, tmp_path: Path) -> None:
    failpoint.arm(f"{place}:ENOSPC")
    try:
        with pytest.raises(DestinationError, match="Disk full"):
            run(people(count=1000), tmp_path / "p.jsonl", labels=tmp_path / "l.jsonl")
    finally:
        failpoint.arm("")
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_dies_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = shop(customers={"typos": 0.1, "nulls": {"id": 0.1}})
    source["tables"][0]["count"] = 7 * 16_384
    told = []
    for name, failpoints in (("calm", ""), ("deadly", "labels.part:kill@6")):
        monkeypatch.setenv("FFGEN_FAILPOINTS", failpoints)
        paths = tmp_path / f"{name}.jsonl", tmp_path / f"{name}.labels"
        report = run(source, paths[0], table="customers", labels=paths[1], workers=1)
        told.append((paths[0].read_bytes(), paths[1].read_bytes(), report.imperfections))
    assert told[0] == told[1] and caplog.text.count("worker replaced") == 1


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"nulls": 1.5}, "nulls", "must be <= 1"),
    ({"nulls": {"age": -1}}, "nulls.age", "must be >= 0"),
    ({"duplicates": 1}, "duplicates", "must be < 1"),
    ({"typo": 0.1}, "typo", "unknown key"),
    ({"quality": "worst"}, "quality", "one of"),
    ({"nulls": {"agee": 0.1}}, "nulls.agee", "no field is named `agee`"),
    ({"typos": {"age": 0.1}}, "typos.age", "an integer, which can't have typos"),
    ({"outliers": {"name": 0.1}}, "outliers.name", "a string, which can't have outliers"),
    ({"late": {"name": 0.1}}, "late.name", "rows are late by a date"),
    ({"late": {"at": 0.1, "born": 0.1}}, "late", "by one time"),
    ({"nulls": {"name.first": 0.1}}, "nulls[name.first]", "only whole fields"),
    ({"nulls": 0.5, "typos": 0.4, "drift": 0.2}, "nulls", "add up to 1.1"),
]


@pytest.mark.parametrize(("imperfections", "path", "what"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_wish_is_told_where_it_stands(imperfections: dict[str, Any], path: str, what: str) -> None:
    findings = ffgen.check(people(imperfections, 100))
    assert len(findings) == 1 and what in findings[0].what, findings
    assert findings[0].path.replace('"', "").endswith(path), findings[0].path


def test_a_table_that_others_refer_to_takes_no_copies() -> None:
    findings = ffgen.check(shop(customers={"duplicates": 0.1}))
    assert ["orders refers to `customers`" in finding.what for finding in findings] == [True]
    assert ffgen.check(shop(customers={"quality": "low"}, orders={"quality": "low"})) == []


def test_kinds_that_fall_on_no_field_are_told() -> None:
    only = [{"name": "id", "generator": "sequence", "unique": True}]
    wanted = {"typos": 0.1, "late": 0.1, "nulls": 0.1}
    found = [finding.what for finding in ffgen.check(people(wanted, 10, fields=only))]
    assert len(found) == 3 and "no field can have nulls" in found[0] and "none can be late" in found[2]
    assert ffgen.check(people({"quality": "low"}, 10, fields=only)) == []


def test_an_asked_table_has_none() -> None:
    source = {**people(count=10), "model": {"endpoint": "http://localhost:1", "name": "m"}}
    with pytest.raises(SpecError, match="drawn records"):
        ffgen.load(source)
    clean = {**people(None, 10), "model": {"endpoint": "http://localhost:1", "name": "m"}}
    with pytest.raises(UsageError, match="Labels"):
        ffgen.run(clean, "x.jsonl", labels="l.jsonl")

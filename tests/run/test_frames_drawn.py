"""Drawn tables as frames."""

import asyncio
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.errors import ShortfallError, SpecError, TimeLimitError, UsageError
from ffgen.run import frames as module

SHOP: dict[str, Any] = {
    "seed": 3,
    "tables": [
        {
            "name": "customers",
            "count": 700,
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "name", "generator": "person.full_name"},
                {"name": "since", "type": "date", "range": ["2020-01-01", "2024-12-31"], "format": "%d.%m.%Y"},
            ],
        },
        {
            "name": "orders",
            "fields": [
                {"name": "id", "generator": "sequence", "unique": True},
                {"name": "customer", "ref": {"to": "customers.id", "mean": 8}},
                {"name": "lines", "type": "array", "length": [1, 2], "items": {"type": "object", "fields": [
                    {"name": "price", "type": "number", "range": [1, 9], "decimals": 2}]}},
            ],
        },
    ],
}  # fmt: skip


def test_frames_are_of_one_table_and_hold_what_its_file_would(tmp_path: Path) -> None:
    frames = ffgen.run(SHOP, table="orders")
    assert isinstance(frames, ffgen.Frames) and frames.report is None
    made = list(frames)
    assert len(made) > 1 and all(len(frame) <= 4096 for frame in made)
    ffgen.run(SHOP, tmp_path / "{table}.parquet")
    assert pl.concat(made).equals(pl.read_parquet(tmp_path / "orders.parquet"))
    report = frames.report
    assert report is not None
    assert (report.dataset, report.output, report.records) == ("orders", "frames", sum(map(len, made)))
    assert report.records == report.wanted and report.requests == 0 and report.seconds > 0


def test_formats_are_applied() -> None:
    (frame,) = ffgen.run(SHOP, table="customers")
    assert frame.schema == {"id": pl.String, "name": pl.String, "since": pl.String}
    assert frame["since"].str.contains(r"^\d\d\.\d\d\.20\d\d$").all()


def test_of_several_tables_one_must_be_named() -> None:
    with pytest.raises(UsageError, match="2 tables") as caught:
        list(ffgen.run(SHOP))
    assert "table='customers'" in caught.value.hint
    with pytest.raises(UsageError, match="no table order"):
        list(ffgen.run(SHOP, table="order"))
    with pytest.raises(UsageError, match="no table order"):
        ffgen.run(SHOP, "out.jsonl", table="order")


def test_a_loop_that_is_running_already_is_no_hindrance(tmp_path: Path) -> None:
    async def cell() -> int:
        rows = sum(len(frame) for frame in ffgen.run(SHOP, table="customers"))
        report = ffgen.run(SHOP, f"{tmp_path}/out/")
        assert [each.table for each in report.tables] == ["customers", "orders"]
        return rows

    assert asyncio.run(cell()) == 700


def test_closing_early_stops_the_drawing() -> None:
    many = {"dataset": {"count": 10**9, "fields": [{"name": "id", "generator": "sequence"}]}}
    with ffgen.run(many) as frames:
        first = next(frames)
    assert first["id"].to_list() == list(range(1, 4097)) and frames.report is None
    assert next(frames, None) is None


def test_a_time_limit_holds_for_whoever_takes_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_ROWS", 100)
    seen: list[ffgen.Progress] = []
    with ffgen.run(SHOP, table="orders", watch=seen.append, timeout=0.3) as frames:
        next(frames)
        time.sleep(0.4)
        with pytest.raises(TimeLimitError, match="time limit of 0.3 s"):
            list(frames)
    assert seen[0].phase == "drawing" and seen[0].wanted > 5000


def test_errors_come_out_of_the_frames() -> None:
    with pytest.raises(SpecError, match="nothing here draws"):
        ffgen.run({"dataset": {"fields": [{"name": "smell"}]}})
    few = {"dataset": {"count": 50, "require": "a > 8", "unique_by": ["a"], "fields": [
        {"name": "a", "type": "integer", "range": [1, 40], "cases": [{"when": "b", "range": [41, 80]}]},
        {"name": "b", "type": "boolean"}]}}  # fmt: skip
    made = []
    with pytest.raises(ShortfallError):
        made += list(ffgen.run(few, assign={"dataset.count": 73}))
    assert made == []


def test_destinations_are_those_of_a_run(tmp_path: Path) -> None:
    made = ffgen.plan(SHOP)
    for to in ("out/", "x.csv", "{table}.jsonl"):
        named = ffgen.destinations(made, f"{tmp_path}/{to}")
        report = ffgen.run(made, f"{tmp_path}/{to}")
        assert named == {each.table: each.output for each in report.tables} and len(named) == 2
    assert ffgen.destinations(made, "-", table="orders") == {"orders": "-"}
    with pytest.raises(UsageError, match="standard output takes one"):
        ffgen.destinations(made, "-")

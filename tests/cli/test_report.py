"""Reports and tables as people read them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ffgen.run.report import ProcessUse, Refusal, Report
from ffgen_cli.report import aligned, amount, as_json, cell, duration, many, run_report, table
from ffgen_cli.terminal import UNSAFE


def report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "version": "0.1.0", "dataset": "customers", "output": "out/c.jsonl", "format": "jsonl", "seed": 0,
        "spec_hash": "0123456789abcdef", "model": "llama3.1:8b", "endpoints": ["http://localhost:11434"],
        "records": 25, "wanted": 25, "duplicates": 3, "refused": [Refusal(field="email", reason="pattern", count=2)],
        "converted": 0, "beyond": 7, "requests": 4, "replies": 3, "kept": 1, "bad_replies": 1, "retries": 2,
        "failures": {"timeout": 2}, "tokens_in": 1234, "tokens_out": 456, "tokens_per_record": 18.24, "money": 0.0123,
        "seconds": 2.0, "records_per_second": 12.5, "utilisation": 0.971, "workers": 1,
        "processes": [ProcessUse(role="coordinator", pid=1, cpu_seconds=0.31, peak_memory=80 * 2**20)],
    }  # fmt: skip
    return Report(**{**values, **changes})


def test_a_run_report_in_full() -> None:
    assert run_report(report()).splitlines() == [
        "25 of 25 records of customers written to out/c.jsonl",
        "  time        2.0 s, 12.5 records/s",
        "  refused     3 duplicates",
        "              2 email: pattern",
        "  requests    4 sent, 3 replies used, 1 kept from before, 1 bad reply, 2 retries (timeout 2)",
        "  tokens      1,234 in, 456 out, 18.2 out a record, cost 0.0123",
        "  model       llama3.1:8b at http://localhost:11434, slots 97% busy",
        "  processes   coordinator: 0.3 s of CPU, 80.0 MiB at most",
        "  made from   seed 0, spec 0123456789ab, jsonl, ffgen 0.1.0",
    ]


def test_a_clean_report_is_short() -> None:
    text = run_report(report(duplicates=0, refused=[], processes=[], money=None, output="-", retries=0, failures={}))
    assert "refused" not in text and "cost" not in text and "standard output" in text


def test_many_reasons_are_cut() -> None:
    refused = [Refusal(field=f"f{i}", reason="range", count=1) for i in range(9)]
    assert "and 4 more reasons" in run_report(report(refused=refused))


def test_json_reads_back() -> None:
    assert json.loads(as_json(report()))["schema_version"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (200 * 2**20, "200 MiB"), (5 * 2**40, "5.0 TiB")],
)
def test_amounts(size: int, text: str) -> None:
    assert amount(size) == text


def test_words() -> None:
    assert (many(1, "retry", "retries"), many(2000, "record")) == ("1 retry", "2,000 records")
    assert aligned([("a", "x\ny"), ("b", "")]) == "  a           x\n              y"


@given(st.lists(st.text(max_size=30), min_size=2, max_size=2), st.integers(40, 120))
def test_a_table_never_passes_the_width_or_control_characters(row: list[str], width: int) -> None:
    drawn = table(("name", "value"), [row], width, colored=False)
    assert all(cell_len(line) <= width for line in drawn.splitlines())
    assert not UNSAFE.search(drawn)


def test_cells() -> None:
    assert [cell(value) for value in (None, True, {"a": [1]}, "a\x1b\nb", 1.5, "x" * 300)] == [
        "-", "true", '{"a":[1]}', "a b", "1.5", "x" * 199 + "…",
    ]  # fmt: skip


def test_markup_in_data_is_shown_as_it_is() -> None:
    assert "[red]x[/red]" in table(("a",), [["[red]x[/red]"]], 80, colored=False)

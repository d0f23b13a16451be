"""Reports and tables as people read them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ffgen.run.report import EndpointUse, ProcessUse, Refusal, Report, Steered, together
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


def test_several_endpoints_have_a_line_each_and_steps_of_steering_too() -> None:
    servers = [
        EndpointUse(url="http://a:1", requests=9, replies=8, failures={"reset": 1}, tokens_out=1200, busy=61.0, p50=1.0,
                    p95=2.5),
        EndpointUse(url="http://b:1", note="HTTP 401: no key"),
    ]  # fmt: skip
    steps = [Steered(dataset="customers", step=1, shard=12, why="3 of 8 valid rows of shards 0 to 1 were new")]
    text = run_report(report(servers=servers, steering=steps, doubles=1))
    for line in (
        "  endpoints   http://a:1: 8 of 9 requests answered, reset 1, half in 1.0 s, 95% in 2.5 s, 1,200 tokens out, "
        "busy 1 min 1 s",
        "              http://b:1: not asked: HTTP 401: no key",
        "              1 late request asked of a second one, too",
        "  steered     other slices from shard 12: 3 of 8 valid rows of shards 0 to 1 were new",
    ):
        assert line in text.splitlines(), text
    assert "endpoints" not in run_report(report(servers=servers[:1])) + run_report(report(servers=servers, requests=0))


def test_what_several_runs_asked_of_an_endpoint_is_added_up() -> None:
    one = EndpointUse(url="http://a:1", requests=3, replies=2, failures={"reset": 1}, busy=1.0, p50=1.0, p95=2.0)
    two = EndpointUse(url="http://a:1", requests=9, replies=9, busy=2.0, p50=3.0, p95=4.0, note="gone")
    (both,) = together([one, two])
    assert (both.requests, both.replies, both.failures, both.busy) == (12, 11, {"reset": 1}, 3.0)
    assert (both.p50, both.p95, both.note) == (3.0, 4.0, "gone")
    whole = report().with_asked([report(servers=[one], doubles=2), report(servers=[two])])
    assert whole.servers == [both] and whole.doubles == 2


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
        (500_000, "6 days"),
        (2.35e8, "7 years"),
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

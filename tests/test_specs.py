"""Every spec in specs/ is good, teaches, is a template, and runs: against the stand-in, and its output is valid."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests import standin

import ffgen
from ffgen_cli import template

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
COUNT = 12
# The stand-in writes each cell for itself: a rule that ties two texts together never holds. See test_an_email_belongs.
UNTIED = {"orders": {"dataset.require": "COALESCE(shipped >= ordered, TRUE)"}}
MOMENTS = ("date", "datetime", "time")


def named(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def server() -> Any:
    with standin.start(api="both", any_model=True) as running:
        yield running


def reachable(path: Path, url: str) -> dict[str, Any]:
    """What has to be different for the stand-in: its address, few records, and what no JSON schema tells a server.

    That is a range of moments, and how many decimals a number has.
    """
    fields = ffgen.load(path).dataset.fields
    ranges = {f"dataset.fields.{field.name}.range": None for field in fields if field.type in MOMENTS and field.range}
    decimals = {f"dataset.fields.{field.name}.decimals": None for field in fields if field.decimals is not None}
    model = {"model.endpoint": url, "model.name": "standin"}
    return {"dataset.count": COUNT, **model, **ranges, **decimals, **UNTIED.get(path.stem, {})}


@pytest.mark.parametrize("path", SPECS, ids=named)
def test_it_has_no_finding_and_says_what_it_is(path: Path) -> None:
    assert ffgen.check(path) == []
    assert template.first_comment(path).endswith(".")
    assert template.templates()[path.stem] == path


@pytest.mark.parametrize("path", SPECS, ids=named)
def test_it_runs_and_what_comes_out_is_valid(
    path: Path, server: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-stand-in-takes-any")
    spec = ffgen.load(path, assign=reachable(path, server.url))
    assert spec.output is not None and spec.output.path is not None
    to = tmp_path / Path(spec.output.path).name
    report = ffgen.run(spec, to, cache_dir=str(tmp_path / "cache"), timeout=60)
    assert isinstance(report, ffgen.Report) and report.records == COUNT
    assert to.stat().st_size > 0
    validity = ffgen.validate(spec, to)
    assert validity.valid, validity.problems


def test_an_email_belongs_to_the_buyer(tmp_path: Path) -> None:
    """The rule of specs/orders.yaml that the stand-in can't keep, on two records written by hand."""
    emails = ["aiko.tanaka@example.com", "john.okafor@example.org"]
    rows = [
        {
            "order_id": f"G-00000{number}",
            "buyer": {"first_name": "Aiko", "last_name": "Tanaka", "email": email},
            "lines": [{"product": "Steel rake", "quantity": 1, "price": 9.5}],
            "ordered": "2025-02-01",
            "shipped": None,
        }
        for number, email in enumerate(emails)
    ]
    data = tmp_path / "orders.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    validity = ffgen.validate("specs/orders.yaml", data, assign={"dataset.count": 2})
    assert [(problem.count, problem.first) for problem in validity.problems] == [(1, 2)]
    assert "buyer.email" in validity.problems[0].reason

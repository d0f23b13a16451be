"""Every spec in specs/ is good, teaches, is a template, and runs: its output is valid, and what it says is so.

Drawn ones run for real and are opened in DuckDB; those that ask a model run against the stand-in.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests import standin

import ffgen
from ffgen.sample import SAMPLERS
from ffgen.spec.model import Dataset, Spec
from ffgen_cli import template

FOLDER = Path(__file__).parents[1] / "specs"
SPECS = sorted(FOLDER.glob("*.yaml"))
ASKED = [path for path in SPECS if template.asks(path)]
DRAWN = [path for path in SPECS if not template.asks(path)]
COUNT = 12
# The stand-in writes each cell for itself: a rule that ties two texts together never holds. See test_an_email_belongs.
UNTIED = {"orders": {"dataset.require": "COALESCE(shipped >= ordered, TRUE)"}}
MOMENTS = ("date", "datetime", "time")
FEWER = {"customers": {"dataset.count": 20_000}}

FACTS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "facts.yaml").read_text(encoding="utf-8"))
"""What holds in the data of each drawn spec."""


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", SPECS, ids=named)
def test_it_has_no_finding_and_says_what_it_is(path: Path) -> None:
    assert ffgen.check(path) == []
    assert template.first_comment(path).endswith(".")
    assert template.templates()[path.stem] == path


def test_every_generator_is_shown_by_one() -> None:
    shown: set[str] = set()

    def look(at: Any) -> None:
        if isinstance(at, dict):
            said = at.get("generator")
            shown.update(name for name in (said, at.get("name")) if isinstance(name, str))
        for each in at.values() if isinstance(at, dict) else at if isinstance(at, list) else []:
            look(each)

    for path in FOLDER.rglob("*.yaml"):
        look(yaml.safe_load(path.read_text(encoding="utf-8")))
        if path in DRAWN:
            view = ffgen.describe(ffgen.plan(path, assign=FEWER.get(path.stem)))
            shown.update(field.made_by for table in view.tables for field in table.fields)
    assert set(SAMPLERS) - shown == set()


# Drawn


class Data:
    """The tables of a drawn spec as DuckDB sees them, from Parquet files."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.spec: Spec = ffgen.load(path, assign=FEWER.get(path.stem))
        self.report = ffgen.run(self.spec, f"{folder}/", format="parquet", workers=0)
        self.counts = {table.table: table.records for table in self.report.tables}
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        for table in self.report.tables:
            self.database.execute(f"CREATE VIEW \"{table.table}\" AS FROM '{table.output}'")

    def count(self, query: str) -> int:
        """How many rows `SELECT 1 {query}` gives."""
        found = self.database.execute(f"SELECT count(*) FROM (SELECT 1 {query})").fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The data of a spec, made once."""
    made: dict[Path, Data] = {}

    def of(path: Path) -> Data:
        if path not in made:
            made[path] = Data(path, tmp_path_factory.mktemp(path.stem))
        return made[path]

    yield of
    for each in made.values():
        each.database.close()


def keys(table: Dataset) -> list[list[str]]:
    """What tells a table's rows apart."""
    unique = [[field.name] for field in table.fields if field.unique and not field.hidden]
    return [*unique, *([table.unique_by] if table.unique_by else [])]


@pytest.mark.parametrize("path", DRAWN, ids=named)
def test_drawn_counts_keys_and_references_are_right(path: Path, data: Any) -> None:
    found: Data = data(path)
    assert sum(found.counts.values()) == found.report.records
    for table in found.spec.datasets:
        name, rows = table.name, found.counts[table.name]
        assert found.count(f'FROM "{name}"') == rows
        assert not table.count or table.count == rows
        for key in keys(table):
            columns = ", ".join(f'"{column}"' for column in key)
            assert found.count(f'FROM "{name}" GROUP BY {columns}') == rows, (name, key)
        for field in table.fields:
            ref = field.reference
            if ref is None or field.hidden:
                continue
            lost = f'FROM "{name}" c ANTI JOIN "{ref.table}" p ON c."{field.name}" = p."{ref.column}"'
            assert found.count(f'{lost} WHERE c."{field.name}" IS NOT NULL') == 0, (name, field.name)


@pytest.mark.parametrize("path", DRAWN, ids=named)
def test_drawn_data_are_valid(path: Path, data: Any) -> None:
    found: Data = data(path)
    for table in found.report.tables:
        validity = ffgen.validate(found.spec, table.output, table=table.table)
        assert validity.valid, (table.table, validity.problems)


@pytest.mark.parametrize(("name", "fact"), [(name, fact) for name, facts in FACTS.items() for fact in facts])
def test_drawn_facts_hold(name: str, fact: str, data: Any) -> None:
    assert data(FOLDER / f"{name}.yaml").count(FACTS[name][fact]) == 0


def test_every_drawn_spec_has_facts_and_ten_have_linked_tables() -> None:
    assert {path.stem for path in DRAWN} == FACTS.keys()
    assert sum(len(ffgen.load(path).tables) > 2 for path in DRAWN if path.stem != "customers") >= 10


# Asked


@pytest.fixture(scope="module")
def server() -> Any:
    with standin.start(api="both", any_model=True) as running:
        yield running


def reachable(path: Path, url: str) -> dict[str, Any]:
    """What has to be different for the stand-in: its address, few records, and what no JSON schema tells a server.

    That is a range of moments, and how many decimals a number has.
    """
    dataset = ffgen.load(path).dataset
    assert dataset is not None
    fields = dataset.fields
    ranges = {f"dataset.fields.{field.name}.range": None for field in fields if field.type in MOMENTS and field.range}
    decimals = {f"dataset.fields.{field.name}.decimals": None for field in fields if field.decimals is not None}
    model = {"model.endpoint": url, "model.name": "standin"}
    return {"dataset.count": COUNT, **model, **ranges, **decimals, **UNTIED.get(path.stem, {})}


@pytest.mark.parametrize("path", ASKED, ids=named)
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

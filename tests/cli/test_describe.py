"""`ffgen describe`: a sentence becomes data, and a spec beside it that makes the same data again."""

import json
from pathlib import Path

import pytest

import ffgen
from ffgen_cli.command.describe import spec_beside
from ffgen_cli.main import enter

BIKES = "customers of a bike shop with names, emails, what they bought and how much they spent"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_data_and_a_spec_beside_it_that_makes_them_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["describe", BIKES, "-n", "500", "-o", "bikes.csv"]) == 0
    lines = (folder / "bikes.csv").read_text().splitlines()
    assert lines[0] == "customer_id,name,email,product,purchase_amount" and len(lines) == 501
    assert capsys.readouterr().out == ""
    assert enter(["run", "bikes.yaml", "-o", "again.csv"]) == 0
    assert (folder / "again.csv").read_bytes() == (folder / "bikes.csv").read_bytes()


def test_a_thousand_rows_and_a_name_unless_said(folder: Path) -> None:
    assert enter(["describe", BIKES]) == 0
    assert len((folder / "bike.csv").read_text().splitlines()) == 1001 and (folder / "bike.yaml").exists()


def test_several_tables_follow_the_rules_of_outputs(folder: Path) -> None:
    assert enter(["describe", "30 customers, each has 1 to 5 orders", "-o", "shop.csv"]) == 0
    assert len((folder / "shop.customers.csv").read_text().splitlines()) == 31
    assert (folder / "shop.orders.csv").exists() and (folder / "shop.yaml").exists()
    assert enter(["describe", "customers with their orders", "-n", "orders=40", "--table", "orders", "-o", "-"]) == 0


def test_the_spec_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["describe", BIKES, "--spec-only"]) == 0
    out, told = capsys.readouterr()
    (folder / "printed.yaml").write_text(out)
    assert not [one for one in ffgen.check("printed.yaml") if one.severity == "error"]
    assert "Understood" in told and "Assumed" in told and not list(folder.glob("*.csv"))
    assert enter(["describe", BIKES, "--spec-only", "-o", "kept.csv"]) == 0
    assert (folder / "kept.yaml").read_text() == out and not list(folder.glob("*.csv"))


def test_what_is_explained_and_what_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["describe", BIKES, "--spec-only", "--explain"]) == 0
    assert 'customers.purchase_amount  you said "how much they spent"' in " ".join(capsys.readouterr().err.split("\n"))
    assert enter(["describe", BIKES, "--json", "-n", "20", "-o", "x.csv"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["spec"]["dataset"]["count"] == 20 and document["report"]["records"] == 20
    assert document["questions"] == [] and document["spec_file"] == "x.yaml"


def test_an_edited_spec_is_not_lost(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bikes.yaml").write_text("dataset: {fields: [{name: id, type: uuid}]}\n")
    assert enter(["describe", BIKES, "-o", "bikes.csv"]) == 2
    assert "--force" in capsys.readouterr().err and not (folder / "bikes.csv").exists()
    assert enter(["describe", BIKES, "-o", "bikes.csv", "--force"]) == 0


@pytest.mark.parametrize("text", ["", "asdf qwer", "please make me some data"])
def test_what_nobody_understands_is_a_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["describe", text, "-o", "x.csv"]) == 2
    assert "customers with names" in capsys.readouterr().err and not Path("x.csv").exists()


def test_the_seed_changes_the_data(folder: Path) -> None:
    for seed in ("1", "2"):
        assert enter(["describe", BIKES, "-n", "50", "--seed", seed, "-o", f"{seed}.csv"]) == 0
    assert (folder / "1.csv").read_text() != (folder / "2.csv").read_text()


@pytest.mark.parametrize(
    ("data", "spec"),
    [("a.csv", "a.yaml"), ("d/a.jsonl.gz", "d/a.yaml"),
     ("out/", "out.yaml"), ("x.{table}.parquet", "x.yaml"), ("v1.2.csv", "v1.2.yaml")],
)  # fmt: skip
def test_where_a_spec_stands(data: str, spec: str) -> None:
    assert spec_beside(data) == Path(spec)

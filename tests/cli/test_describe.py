"""`ffgen describe`: a sentence becomes data, and a spec beside it that makes the same data again."""

import json
import sys
import types
from pathlib import Path

import pytest
from tests import standin

import ffgen
from ffgen.errors import UsageError
from ffgen_cli.command.describe import spec_beside
from ffgen_cli.main import enter
from ffgen_cli.session import api_key
from ffgen_cli.settings import resolve

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


def test_questions_are_listed_and_answered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["describe", "customers with their orders", "--explain", "--spec-only"]) == 0
    told = capsys.readouterr().err
    assert "--answer grain=..." in told and "linked tables | one table" in told
    flat = ["--answer", "grain=one table", "--answer", "count:customers=7", "-o", "flat.csv"]
    assert enter(["describe", "customers with their orders", *flat]) == 0
    lines = (folder / "flat.csv").read_text().splitlines()
    assert len(lines) == 8 and {"email", "order_date"} <= {*lines[0].split(",")}
    for wrong in ("grain", "=x", "size=3"):
        assert enter(["describe", "customers with their orders", "--answer", wrong, "--spec-only"]) == 2
        assert "answer" in capsys.readouterr().err or wrong == "size=3"


def test_a_provider_map_as_a_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "map.json").write_text('{"name": "person.fullName", "plan": ["free", "pro"]}')
    assert enter(["describe", "--from-map", "map.json", "-n", "9", "-o", "out.csv"]) == 0
    assert (folder / "out.csv").read_text().startswith("name,plan\n") and (folder / "out.yaml").exists()
    assert enter(["run", "map.json", "-n", "9", "-o", "run.csv", "--set", "dataset.name=map"]) == 0
    assert (folder / "run.csv").read_bytes() == (folder / "out.csv").read_bytes()
    assert enter(["check", "map.json"]) == 0
    (folder / "map.json").write_text('{\n"name": "person.fulName"}')
    capsys.readouterr()
    assert enter(["check", "map.json"]) == 1
    assert "map.json:2:9" in capsys.readouterr().out
    assert enter(["describe", "--from-map", "map.json"]) == 2 and enter(["describe"]) == 2
    assert enter(["describe", BIKES, "--from-map", "map.json"]) == 2


def test_a_model_drafts_only_where_one_is_set(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"tables": [{"name": "members", "fields": [{"name": "id", "type": "uuid"}]}]}
    monkeypatch.setenv("FFGEN_CACHE_DIR", str(folder / "cache"))
    with standin.start(api="openai", api_key="secret") as server:
        server.set(script=[{"text": json.dumps(answer)}])
        monkeypatch.setenv("FFGEN_LLM_BASE_URL", server.url)
        (folder / "key").write_text("secret\n")
        monkeypatch.setenv("FFGEN_API_KEY_FILE", str(folder / "key"))
        (folder / "key").chmod(0o644)
        assert enter(["describe", "members", "-n", "5", "-o", "a.csv"]) == 0
        told = capsys.readouterr().err
        assert "Drafted by  standin (1 call" in told and "chmod 600" in told
        (folder / "key").chmod(0o600)
        assert enter(["describe", "MEMBERS", "-n", "6", "-o", "b.csv"]) == 0
        told = capsys.readouterr().err
        assert "standin (kept, not asked)" in told and "chmod" not in told
        assert (folder / "b.csv").read_text().splitlines()[0] == "id"
        assert enter(["describe", "members", "--local-only", "-o", "c.csv"]) == 0
        assert "Drafted by" not in capsys.readouterr().err and server.stats()["requests"] == 1
        assert enter(["describe", "members", "--local-only", "--model", "standin"]) == 2
        assert "--local-only refuses" in capsys.readouterr().err
        assert enter(["describe", "members", "--fresh", "-n", "5", "-o", "a.csv"]) == 0
        assert server.stats()["requests"] == 2
        assert enter(["cache", "stats"]) == 0 and "drafts      1" in capsys.readouterr().out
        server.set(script=[{"text": "no"}])
        assert enter(["describe", "others with email", "-n", "5", "-o", "d.csv"]) == 0
        told = " ".join(capsys.readouterr().err.split())
        assert "Note standin made no spec" in told and "ffgen drafted this itself" in told
        assert enter(["describe", "others with email", "--model-only", "-o", "e.csv"]) == 2
        assert not (folder / "e.csv").exists()
    monkeypatch.delenv("FFGEN_LLM_BASE_URL")
    assert enter(["describe", "others", "--model-only", "-o", "e.csv"]) == 2
    assert "--endpoint URL" in capsys.readouterr().err


def test_a_key_comes_from_the_key_store(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = types.SimpleNamespace(KeyringError=RuntimeError)
    store = {("ffgen", "hosted"): "sk-1"}
    fake = types.SimpleNamespace(errors=errors, get_password=lambda service, name: store.get((service, name)))
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setenv("FFGEN_API_KEY", "sk-2")
    assert api_key(resolve({"api_key_keyring": "hosted"})) == "sk-1"
    with pytest.raises(UsageError, match="no key other") as caught:
        api_key(resolve({"api_key_keyring": "other"}))
    assert "keyring set ffgen other" in caught.value.hint
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError, match="needs the package keyring"):
        api_key(resolve({"api_key_keyring": "hosted"}))

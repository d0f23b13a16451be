"""`ffgen init`: never a question without a terminal, never a spec that `check` refuses."""

import json
import os
import pty
import select
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ffgen
from ffgen.errors import UsageError
from ffgen_cli.main import enter
from ffgen_cli.template import read_field, templates, write_spec


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def errors_in(source: str) -> list[str]:
    return [str(finding) for finding in ffgen.check(source) if finding.severity == "error"]


@pytest.mark.parametrize("name", templates())
def test_every_template_is_written_and_accepted(name: str, folder: Path) -> None:
    assert enter(["init", "--from-template", name]) == 0
    assert errors_in(str(folder / f"{name}.yaml")) == []


def test_templates_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["init", "--list-templates"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(templates())
    assert "customers" in templates()
    first = [name for name, path in templates().items() if ffgen.load(path).model is None]
    assert lines[0].startswith("customers ") and list(templates())[: len(first)] == first
    assert all(len(line.split()) > 1 for line in lines)


def test_nobody_is_asked_without_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["init"]) == 2
    said = capsys.readouterr().err
    assert "--from-template" in said and "--field" in said
    assert list(folder.iterdir()) == []


def test_flags_can_answer_everything(folder: Path) -> None:
    arguments = ["init", "--name", "orders", "--about", "orders: a shop's, no more", "-n", "50", "--no-input"]
    for field in ("id:uuid", "amount:number=1..500", "status:enum=new,no,1e3", "bought:date=2024-01-01..2024-12-31"):
        arguments += ["--field", field]
    assert enter(arguments) == 0
    assert errors_in("orders.yaml") == []
    spec = ffgen.load("orders.yaml")
    assert (spec.datasets[0].count, spec.datasets[0].domain) == (50, "orders: a shop's, no more")
    assert [field.type for field in spec.datasets[0].fields] == ["uuid", "number", "enum", "date"]
    assert spec.datasets[0].fields[2].values == ["new", "no", "1e3"]


def test_without_a_server_values_are_drawn_where_they_can_be(folder: Path) -> None:
    assert enter(["init", "--name", "people", "--field", "name", "--field", "age:integer=18..90"]) == 0
    assert ffgen.load("people.yaml").model is None
    assert enter(["init", "--name", "notes", "--field", "age:integer=18..90", "--field", "remark:string"]) == 0
    assert endpoint("notes.yaml") == "embedded"
    here = "http://localhost:11434"
    assert enter(["init", "--name", "asked", "--field", "name", "--endpoint", here, "--model", "m"]) == 0
    assert endpoint("asked.yaml") == here


def endpoint(path: str) -> object:
    model = ffgen.load(path).model
    assert model is not None
    return model.endpoint


def test_a_spec_that_check_refuses_is_not_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["init", "--name", "x", "--field", "age:integre=1..5"]) == 2
    assert "integer" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_file_is_kept_unless_forced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["init", "--name", "x", "--field", "name"]
    (folder / "x.yaml").write_text("mine")
    assert enter(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert (folder / "x.yaml").read_text() == "mine"
    assert enter([*arguments, "--force"]) == 0
    assert errors_in("x.yaml") == []


def test_a_folder_that_is_missing_is_exit_4(folder: Path) -> None:
    assert enter(["init", "--field", "name", "-o", "no/such/x.yaml"]) == 4


def test_an_unknown_template_names_those_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["init", "--from-template", "nope"]) == 2
    assert "There are: " in capsys.readouterr().err


def test_it_asks_on_a_terminal_and_writes_what_was_answered(folder: Path) -> None:
    answers = ["ships of a port", "ships", "30", "name", "age:integer=1..90", "", "", ""]
    child, master = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "ffgen_cli", "init"])
    seen, ended = b"", time.monotonic() + 30
    while time.monotonic() < ended and select.select([master], [], [], 30)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
        while answers and seen.endswith(b": "):
            seen += b"\n"
            os.write(master, f"{answers.pop(0)}\n".encode())
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen.decode()
    spec = ffgen.load(str(folder / "ships.yaml"))
    assert (spec.datasets[0].count, [field.name for field in spec.datasets[0].fields]) == (30, ["name", "age"])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("email", {"name": "email", "type": "email"}),
        ("note:text", {"name": "note", "type": "text"}),
        ("age:integer=18..90", {"name": "age", "type": "integer", "range": [18, 90]}),
        ("size=S, M", {"name": "size", "type": "enum", "values": ["S", "M"]}),
    ],
)
def test_fields(text: str, field: dict[str, object]) -> None:
    assert read_field(text) == field


@pytest.mark.parametrize("text", ["", ":integer", "a:b:c", "a:Integer"])
def test_what_is_no_field(text: str) -> None:
    with pytest.raises(UsageError, match="is no field"):
        read_field(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=20))
def test_any_text_is_written_so_that_the_spec_loader_reads_it_back(text: str) -> None:
    spec = {"dataset": {"domain": text, "fields": [{"name": "a", "type": "enum", "values": [text, "x" + text]}]}}
    path = Path("t.yaml")
    path.write_text(write_spec(spec), encoding="utf-8")
    loaded = ffgen.load(str(path), assign={"model.endpoint": "embedded", "dataset.count": 1})
    assert loaded.datasets[0].domain == text
    assert json.dumps(loaded.datasets[0].fields[0].values) == json.dumps([text, "x" + text])

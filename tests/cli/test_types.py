"""`ffgen types`: a list that fits the terminal, and a page for each name."""

import json

import pytest
from click.shell_completion import ShellComplete
from msgspec.structs import replace

import ffgen
from ffgen_cli.command.types import page, wrapped
from ffgen_cli.main import cli, enter


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert enter(["types", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_it_lists_everything_by_family(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = said(capsys).splitlines()
    named = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert named == {view.name for view in ffgen.types()}
    families = [line for line in lines if line and not line.startswith(" ")]
    assert families[:2] == ["types", "numbers"] and len(families) == len(set(families))
    assert max(map(len, lines)) <= min(int(columns), 100)


def test_a_page_has_the_manual_the_parameters_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "provider")
    assert text.startswith("provider: a generator (Faker) of string, ")
    assert "\n- `method`: " in text
    assert "\n  method              text of at most 100 characters, required\n" in text
    assert "\n  pool                integer from 1 to 100,000, 1000 unless said\n" in text
    assert "\nexample\n  - {name: role, " in text


def test_a_type_and_a_generator_of_one_name_are_both_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "boolean")
    assert "boolean: a type, drawn by boolean unless said" in text
    assert "boolean: a generator (numbers) of boolean" in text
    assert "\n  constraints         values, weights\n" in text


def test_json_is_the_library_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "--json"))
    assert told["schema_version"] == 1 and len(told["kinds"]) == len(ffgen.types())
    (uuid,) = json.loads(said(capsys, "uuid4", "--json"))["kinds"]
    assert uuid["name"] == "uuid4" and uuid["types"] == ["uuid", "string"]


def test_an_unknown_name_is_an_error_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["types", "lognromal"]) == 2
    assert "Did you mean lognormal?" in capsys.readouterr().err


def test_the_shell_completes_names() -> None:
    found = ShellComplete(cli, {}, "ffgen", "_FFGEN_COMPLETE").get_completions(["types"], "person.f")
    assert [item.value for item in found] == ["person.first_name", "person.full_name"]


def test_pages_flow_and_what_is_indented_stays() -> None:
    text = "One two three\nfour.\n\n- `a`: what it\n  means\n- `b`\n\n    kept   as\n    it is\n\nLast."
    assert wrapped(text, 20) == (
        "One two three four.\n\n- `a`: what it means\n- `b`\n\n    kept   as\n    it is\n\nLast."
    )
    assert wrapped("- `a`: one two three four", 14) == "- `a`: one two\n  three four"


def test_a_plugin_s_page_can_t_reach_the_terminal_s_controls() -> None:
    (view,) = ffgen.types("uuid4")
    shown = page(replace(view, page="a\x1b[2Jb", origin="x\x1b[31m", example="\x07"), 80)
    assert "\x1b[2J" not in shown and "\x1b[31m" not in shown and "\x07" not in shown

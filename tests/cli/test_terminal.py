"""Errors as people, programs and pull requests see them."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.errors import EndpointError, Finding, SpecError
from ffgen_cli import terminal
from ffgen_cli.terminal import Terminal, annotation, clean, columns, explain, wants_color

WRONG = Finding(
    path="dataset.fields[3].range",
    what="high (4) is below low (10).",
    hint="Swap them or raise high.",
    file="specs/shop.yaml",
    line=14,
    column=12,
    source="    range: [10, 4]",
)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def plain(text: str) -> str:
    """Without colour, as a pipe would get it."""
    return terminal.UNSAFE.sub("", text).replace("[31m", "").replace("[1m", "").replace("[0m", "").replace("[36m", "")


def test_a_finding_shows_where_what_the_line_and_what_to_do() -> None:
    assert plain(explain(WRONG, 80)).splitlines() == [
        "error: specs/shop.yaml:14:12 at dataset.fields[3].range",
        "  high (4) is below low (10).",
        "   14 |     range: [10, 4]",
        "      |            ^",
        "  help: Swap them or raise high.",
    ]


def test_long_text_wraps_at_the_width_and_the_caret_stays_in_sight() -> None:
    wide = Finding(path="a", what="word " * 60, hint="more " * 40, file="f", line=3, column=300,
                   source="x" * 299 + "!" + "y" * 300)  # fmt: skip
    lines = plain(explain(wide, 60)).splitlines()
    assert max(map(len, lines)) <= 60
    shown, caret = next((a, b) for a, b in zip(lines, lines[1:], strict=False) if b.endswith("^"))
    assert shown[len(caret) - 1] == "!"


def test_a_line_of_a_megabyte_is_shown_at_once() -> None:
    began = time.perf_counter()
    shown = explain(Finding("", "too deep", line=1, column=70, source="[" * 1_000_000), 80)
    assert time.perf_counter() - began < 5 and max(map(len, shown.splitlines())) < 120


def test_the_caret_stands_under_a_wide_character() -> None:
    one = Finding(path="a", what="w", file="f", line=1, column=9, source="name: 東京!")
    line, caret = plain(explain(one, 80)).splitlines()[2:4]
    assert columns(line[: line.index("!")]) == caret.index("^")


def test_a_finding_without_a_file_is_one_line() -> None:
    assert plain(explain(Finding(path="", what="Which spec?"), 80)) == "error: Which spec?"


@given(st.text(), st.text(), st.integers(0, 500), st.text(max_size=300))
def test_no_finding_reaches_the_terminal_with_control_characters(
    what: str, hint: str, column: int, source: str
) -> None:
    shown = explain(Finding(path="p", what=what, hint=hint, file="f", line=1, column=column, source=source), 80)
    for code in ("0", "1", "31", "33", "36"):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert not terminal.UNSAFE.search(shown)


def test_escapes_of_data_are_removed() -> None:
    assert clean("a\x1b[31mb\x9bc\x07d\u202ee\tf\n") == "a[31mbcde\tf\n"


def test_github_annotations_escape_what_would_end_them() -> None:
    found = annotation(Finding(path="a,b:c", what="50% is\nodd", file="s.yaml", line=2, column=3))
    assert found == "::error file=s.yaml,line=2,col=3,title=a%2Cb%3Ac::50%25 is%0Aodd"


def test_json_errors_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(errors="json").fail(SpecError([WRONG, WRONG]))
    told = json.loads(capsys.readouterr().err)
    assert (told["error"], told["exit_code"], len(told["findings"])) == ("SpecError", 2, 2)
    assert told["findings"][0]["path"] == WRONG.path


def test_errors_without_findings_say_what_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(quiet=True).fail(EndpointError("Nothing answers at http://localhost:1.", hint="Start the server."))
    said = capsys.readouterr()
    assert said.err.splitlines() == ["error: Nothing answers at http://localhost:1.", "  help: Start the server."]
    assert said.out == ""


def test_more_than_twenty_findings_are_counted() -> None:
    text = Terminal().findings([WRONG] * 23)
    assert text.count("at dataset") == 20
    assert text.endswith("and 3 more")


@pytest.mark.parametrize(
    ("choice", "environ", "stream", "colored"),
    [
        ("auto", {}, Tty(), True),
        ("auto", {}, io.StringIO(), False),
        ("auto", {"NO_COLOR": "1"}, Tty(), False),
        ("auto", {"NO_COLOR": ""}, Tty(), True),
        ("auto", {"TERM": "dumb"}, Tty(), False),
        ("auto", {"FORCE_COLOR": "1"}, io.StringIO(), True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, Tty(), False),
        ("always", {"NO_COLOR": "1"}, io.StringIO(), True),
        ("never", {"FORCE_COLOR": "1"}, Tty(), False),
    ],
)
def test_when_there_is_colour(choice: str, environ: dict[str, str], stream: io.StringIO, colored: bool) -> None:
    assert wants_color(choice, stream, environ) is colored


def test_quiet_hides_notes_and_not_results(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Terminal(quiet=True)
    quiet.note("done")
    quiet.say("data")
    assert capsys.readouterr() == ("data\n", "")

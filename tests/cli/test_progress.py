"""Progress: a bar, lines, JSON, or nothing; always on standard error."""

import io
import json
import sys

import pytest

from ffgen.run.report import Progress
from ffgen_cli.progress import Bar, Lines, Silent, display, figures, plain_line
from ffgen_cli.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def at(records: int, seconds: float = 4.0, **rest: object) -> Progress:
    values = {"phase": "asking", "wanted": 25, "asks": 2, "in_flight": 1, "limit": 2, "duplicates": 1, "refused": 3,
              "retries": 1, "tokens_out": 100} | rest  # fmt: skip
    return Progress(records=records, seconds=seconds, **values)  # type: ignore[arg-type]


def test_figures_say_what_a_waiting_person_wants_to_know() -> None:
    assert figures(at(12)) == "12/25 · 3.0/s · 1 of 2 in flight · 4 refused · 1 retry · 0:04"
    quiet = at(0, 0.0, limit=0, duplicates=0, refused=0, retries=0)
    assert figures(quiet) == "0/25 · 0.0/s · 0:00"


def test_figures_leave_out_what_does_not_fit() -> None:
    large = at(123_456, 723.0, wanted=400_000, refused=9999, retries=12)
    assert figures(large, 50) == "123,456/400,000 · 170.8/s · 12:03"
    assert figures(large, 10) == "123,456/400,000"
    assert all(len(figures(large, room)) <= room for room in range(15, 120))


def test_plain_lines_come_at_the_start_every_thirty_seconds_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with Lines(plain_line, 30.0, clock=lambda: now[0]) as watch:
        for tick in range(700):
            now[0] = tick / 10
            watch(at(tick // 28, now[0]))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" · ")[0] for line in lines] == [
        "ffgen: asking: 0/25", "ffgen: asking: 10/25", "ffgen: asking: 21/25", "ffgen: asking: 24/25",
    ]  # fmt: skip


def test_the_last_line_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(plain_line, 0.0) as watch:
        watch(at(25))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_json_lines_are_events(capsys: pytest.CaptureFixture[str]) -> None:
    with display("json", Terminal()) as watch:
        watch(at(12))
    said = capsys.readouterr()
    told = json.loads(said.err)
    assert said.out == ""
    assert (told["message_type"], told["schema_version"], told["records"], told["wanted"]) == ("progress", 1, 12, 25)


@pytest.mark.parametrize(
    ("choice", "terminal", "stream", "kind"),
    [
        ("auto", Terminal(), Tty(), Bar),
        ("auto", Terminal(environ={"TERM": "dumb"}), Tty(), Lines),
        ("auto", Terminal(), io.StringIO(), Lines),
        ("plain", Terminal(), Tty(), Lines),
        ("none", Terminal(), Tty(), Silent),
        ("auto", Terminal(quiet=True), Tty(), Silent),
        ("json", Terminal(quiet=True), Tty(), Silent),
    ],
)
def test_which_display(
    choice: str, terminal: Terminal, stream: io.StringIO, kind: type[Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert type(display(choice, terminal)) is kind


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_bar_fits_its_line_and_leaves_nothing_behind(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Tty()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    with Bar(Terminal(color="never")) as bar:
        first = screen.getvalue()
        bar(at(12, wanted=1_000_000_000, retries=1234567, duplicates=7654321))
        bar._bars.refresh()
    drawn = screen.getvalue()
    assert "starting" in first
    assert "12/1,000,000,000" in drawn or width == 40
    assert drawn.count("\n") == drawn.count("\x1b[1A"), "a line that wraps is not cleared"
    assert "\x1b[32m" not in drawn and drawn.endswith("\x1b[2K")

"""`ffgen chat` as it is installed: on a pipe, on a terminal, killed in the middle and gone on with."""

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import ffgen
from ffgen_cli.main import enter
from ffgen_cli.talking import change_lines, cut, wrapped
from ffgen_cli.terminal import columns

FFGEN = str(Path(sys.executable).with_name("ffgen"))
BIKES = "customers of a bike shop with names and emails"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "state"))
    return work


def piped(lines: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FFGEN, "chat", *arguments], input=lines, capture_output=True, text=True, timeout=60)


class Said:
    """The command in this process, lines on its standard input."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capsys = monkeypatch, capsys

    def __call__(self, lines: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        self._patch.setattr(sys, "stdin", io.StringIO(lines))
        code = enter(["chat", *arguments])
        out, err = self._capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> Said:
    return Said(monkeypatch, capsys)


def last_id() -> str:
    return ffgen.chats()[0].id


class OnTerminal:
    """The command on a terminal of its own, 80 columns wide."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self.child, self.master = pty.fork()
        if self.child == 0:
            os.environ |= {"TERM": "xterm", "COLUMNS": "80"}
            os.execv(FFGEN, [FFGEN, "chat", *arguments])

    def until(self, text: str, times: int = 1) -> None:
        ended = time.monotonic() + 40
        while self.seen.count(text) < times:
            assert time.monotonic() < ended and self._read(), f"no {text!r} in:\n{self.seen}"

    def say(self, line: str, prompts: int) -> None:
        os.write(self.master, f"{line}\n".encode())
        self.until("\n> ", prompts) if prompts else None

    def edits(self) -> None:
        """Waits until readline has the terminal: what is typed while it takes it is thrown away."""
        ended = time.monotonic() + 20
        while termios.tcgetattr(self.master)[3] & termios.ICANON:
            assert time.monotonic() < ended, "the line is never edited"
            time.sleep(0.01)

    def end(self) -> int:
        while self._read():
            pass
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 40)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def test_enter_alone_makes_valid_data(folder: Path) -> None:
    done = piped("\n" * 10)
    assert done.returncode == 0 and done.stdout == "", done.stderr
    assert ffgen.validate("customers.yaml", "customers.csv").valid
    assert len((folder / "customers.csv").read_text().splitlines()) == 1001
    assert not re.search(r"\x1b", done.stderr) and "> \n> " not in done.stderr


def test_a_pipe_says_what_is_wanted_and_each_line_is_shown_once(folder: Path) -> None:
    done = piped(f"{BIKES}\nmake it 40\nno phone\nonly Germany\ncall it bikes\ndone\nyes\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("> no phone\n") == 1 and done.stderr.count("  - phone") == 1
    spec = ffgen.load("bikes.yaml")
    assert (spec.datasets[0].count, spec.datasets[0].locale) == (40, "de_DE")
    head = (folder / "bikes.csv").read_text().splitlines()
    assert head[0] == "customer_id,name,email,city,join_date,loyalty_tier" and len(head) == 41
    talk = (
        done.stderr.split("# customers of")[0]
        + done.stderr.split("loyalty_tier, ")[-1].split("Make 40")[1].split("ffgen:")[0]
    )
    assert [line for line in talk.splitlines() if columns(line) > 80] == []
    assert ffgen.chats()[0].stage == "made"


def test_data_to_standard_output_and_the_talk_to_standard_error(folder: Path, said: Said) -> None:
    done = said("", BIKES, "-n", "7", "--yes", "-o", "-")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 8 and list(folder.iterdir()) == []


def test_input_that_ends_too_soon_makes_nothing_and_is_kept(folder: Path, said: Said) -> None:
    done = said(f"{BIKES}\n200\n")
    assert done.returncode == 2 and list(folder.iterdir()) == []
    assert f"--resume {last_id()}" in " ".join(done.stderr.split())
    assert said("").returncode == 2 and len(ffgen.chats()) == 1
    again = said("", "--resume", "--yes")
    assert again.returncode == 0, again.stderr
    assert len((folder / "bike.csv").read_text().splitlines()) == 201


def test_what_is_there_is_not_replaced_unasked(folder: Path, said: Said) -> None:
    (folder / "a.csv").write_text("mine")
    lines = f"{BIKES}\nmake it 5\ndone\n\n"
    assert said(f"{lines}3\nquit\n", "-o", "a.csv").returncode == 0
    assert (folder / "a.csv").read_text() == "mine"
    assert said(f"{lines}\n", "-o", "a.csv").returncode == 0
    assert (folder / "a.csv").read_text() == "mine" and len((folder / "a-2.csv").read_text().splitlines()) == 6
    assert said(lines, "-o", "a.csv").returncode == 2
    assert said(f"{lines}2\n", "-o", "a.csv").returncode == 0
    assert len((folder / "a.csv").read_text().splitlines()) == 6
    (folder / "b.yaml").write_text("dataset: {fields: [{name: id, type: uuid}]}\n")
    assert said(lines, "-o", "b.csv", "--yes").returncode == 2 and not (folder / "b.csv").exists()
    assert said(lines, "-o", "b.csv", "--yes", "--force").returncode == 0


def test_killed_in_the_middle_it_goes_on_where_it_was(folder: Path) -> None:
    child = subprocess.Popen([FFGEN, "chat"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    assert child.stdin is not None and child.stderr is not None
    for line in (BIKES, "no email", "make it 33"):
        child.stdin.write(f"{line}\n")
        child.stdin.flush()
    for line in child.stderr:
        if "1000 -> 33" in line:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stderr.close()
    done = piped("undo\nmake it 34\ndone\ny\n", "--resume", last_id()[:4], "-o", "x.csv")
    assert done.returncode == 0, done.stderr
    lines = (folder / "x.csv").read_text().splitlines()
    assert len(lines) == 35 and "email" not in lines[0]


def test_list_export_and_delete(folder: Path, said: Said) -> None:
    assert said(f"{BIKES}\nmake it 5\nquit\n").returncode == 0
    id = last_id()
    listed = said("", "--list")
    assert id in listed.stdout and BIKES in " ".join(listed.stdout.split())
    assert json.loads(said("", "--list", "--json").stdout)[0]["id"] == id
    exported = said("", "--export", id[:5])
    assert "# > make it 5" in exported.stdout
    assert said("", "--export", "-o", "kept.yaml").returncode == 0
    assert (folder / "kept.yaml").read_text() == exported.stdout
    assert ffgen.load("kept.yaml").datasets[0].count == 5
    assert said("", "--export", "-o", "kept.csv").returncode == 2
    assert said("", "--list", "--delete", id).returncode == 2
    assert said("", "--resume", "zzzzzz").returncode == 2
    assert said("", "--resume", id, "-n", "5").returncode == 2
    assert said("", "--delete", id).returncode == 0 and ffgen.chats() == []


def test_a_model_is_refused_where_none_may_be_asked(folder: Path, said: Said) -> None:
    done = said("", BIKES, "--local-only", "--endpoint", "http://localhost:9")
    assert done.returncode == 2 and "--local-only" in done.stderr


def test_on_a_terminal_lines_are_edited_recalled_and_shown_in_colour(folder: Path) -> None:
    talk = OnTerminal("-o", "t.csv")
    talk.until("> ")
    talk.say(BIKES, 2)
    assert "\x1b[32m" in talk.seen and "How many customers?" in talk.seen
    talk.say("no phoneX\x7f", 3)
    assert "- phone" in talk.seen.rsplit("no phone", 1)[1]
    talk.say("make it 12", 4)
    talk.say("undo", 5)
    talk.say("\x1b[A\x1b[A", 6)
    talk.say("done", 7)
    assert "Make 12 customers?" in talk.seen
    os.write(talk.master, b"\n")
    assert talk.end() == 0, talk.seen
    assert len((folder / "t.csv").read_text().splitlines()) == 13
    assert "phone" not in (folder / "t.csv").read_text().splitlines()[0]


def test_ctrl_c_and_ctrl_d_keep_the_conversation(folder: Path) -> None:
    talk = OnTerminal()
    talk.until("> ")
    talk.say(BIKES, 2)
    talk.edits()
    os.write(talk.master, b"make it ")
    talk.until("> make it ")
    time.sleep(0.1)  # a signal while readline takes in a letter waits for the next one
    os.write(talk.master, b"\x03")
    assert talk.end() == 130 and f"--resume {last_id()}" in " ".join(talk.seen.split())
    talk = OnTerminal("--resume")
    talk.until("> ")
    talk.edits()
    before = termios.tcgetattr(talk.master)[3]
    os.write(talk.master, b"\x04")
    assert talk.end() == 0 and "is kept as" in " ".join(talk.seen.split())
    assert not before & termios.ICANON, "readline edits the line"
    assert not list(folder.iterdir())


def test_lines_fit_and_are_clean() -> None:
    assert cut("x" * 100, 20) == "x" * 19 + "…" and cut("\x1b[31mred", 20) == "[31mred"
    assert wrapped("  twelve letters and more", 22) == ["  twelve letters and", "  more"]
    chat = ffgen.chat()
    lines = change_lines(chat.say(f"{BIKES}, each customer has 1 to 5 orders").parts[0].changes, 50)
    assert lines[0] == "\x1b[32m+ customers  count: 1000\x1b[0m" and "\x1b[32m+ orders\x1b[0m" in lines
    assert all(columns(re.sub(r"\x1b\[\d+m", "", line)) <= 50 for line in lines)


def test_the_transcript_of_the_manual_is_what_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "chat.md").read_text(encoding="utf-8")
    told = max(re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL), key=len)
    monkeypatch.setenv("COLUMNS", "80")
    typed = [line[2:] for line in told.splitlines() if re.match(r">( |$)", line)]
    done = piped("".join(f"{line}\n" for line in typed))
    assert done.returncode == 0, done.stderr
    said = re.sub(r"^(?:ffgen: |  (?:time|processes|made from)  ).*\n", "", done.stderr, flags=re.MULTILINE)
    assert said == told

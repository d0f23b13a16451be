"""Standard streams that are closed, full, gone or no terminal: the right code, a clear word, and never a trace."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import ROOT
from tests.run.scenes import KINDS, STANDIN, long
from tests.standin import Standin, start

BINARY = f"{sys.executable} -m ffgen_cli"
STREAMED = {"asked": "", "drawn": "--table products", "hybrid": ""}


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


class Shell:
    """A folder with a spec of each kind, and a shell in the repository."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environ = os.environ | {"FFGEN_CACHE_DIR": str(folder / "cache"), "HOME": str(folder), "NO_COLOR": ""}
        for kind in STREAMED:
            (folder / f"{kind}.json").write_text(json.dumps(KINDS[kind][0](url)))

    def __call__(self, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command.replace("ffgen ", f"{BINARY} ")],
            cwd=ROOT,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def run(self, kind: str, more: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """`ffgen run` of a kind's spec."""
        return self(f"ffgen run {self.folder}/{kind}.json {STREAMED[kind]} {more}", **environ)


@pytest.fixture
def shell(tmp_path: Path, server: Standin) -> Shell:
    return Shell(tmp_path, server.url)


@pytest.mark.parametrize(
    ("kind", "redirect"),
    [("drawn", ">&-"), ("asked", ">&-"), ("hybrid", "> /dev/full"), long("hybrid", ">&-"), long("drawn", "> /dev/full"),
     long("asked", "> /dev/full")],
)  # fmt: skip
def test_records_that_nobody_can_take_are_4(shell: Shell, kind: str, redirect: str) -> None:
    done = shell.run(kind, f"-o - {redirect}")
    assert done.returncode == 4, done
    assert "error: " in done.stderr and "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert "tandard output" in done.stderr or "<stdout>" in done.stderr


@pytest.mark.parametrize("kind", [long("asked"), long("drawn"), "hybrid"])
def test_a_reader_that_leaves_is_141_and_silent(shell: Shell, kind: str) -> None:
    count = {"asked": 3000, "drawn": 30_000, "hybrid": 1200}[kind]
    done = shell.run(kind, f"-n {count} -o - --progress none | head -n 1; echo ${{PIPESTATUS[0]}}")
    line, code = done.stdout.splitlines()
    assert json.loads(line) and code == "141" and done.stderr == "", done


@pytest.mark.parametrize(
    "redirect",
    ["<&-", ">&-", "<&- >&- 2>&-", "2> /dev/full", long("2>&-"), long("< /dev/null > /dev/null 2>&1")],
)
def test_a_file_needs_no_streams(shell: Shell, redirect: str) -> None:
    done = shell.run("drawn", f"-o {shell.folder}/out.csv {redirect}")
    assert done.returncode == 0, done
    assert len((shell.folder / "out.csv").read_text().splitlines()) == 41
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["--version", "--help", long("types"), "config"])
def test_what_only_prints_is_4_on_a_full_disk(shell: Shell, command: str) -> None:
    done = shell(f"ffgen {command} > /dev/full")
    assert done.returncode == 4 and "Traceback" not in done.stderr, done
    assert "tandard output" in done.stderr


def test_a_dumb_terminal_gets_no_control_sequences(shell: Shell) -> None:
    plain, fine = (on_a_terminal(shell, {"TERM": term}) for term in ("dumb", "xterm-256color"))
    assert b"\x1b" not in plain and b"records" in plain
    assert b"\x1b" in fine


def on_a_terminal(shell: Shell, environ: dict[str, str]) -> bytes:
    """What a run writes to a terminal."""
    ours, theirs = pty.openpty()
    arguments: list[Any] = [
        sys.executable,
        "-m",
        "ffgen_cli",
        "run",
        shell.folder / "drawn.json",
        "--table",
        "products",
    ]
    environ = {name: value for name, value in shell.environ.items() if name not in ("NO_COLOR", "CI")} | environ
    process = subprocess.Popen(
        [*arguments, "-o", shell.folder / "t.jsonl"], cwd=ROOT, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # so Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(30) == 0, said
    return said

"""The entry point, as a process: what it imports, what it says, what it ends with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ffgen_cli.main
from ffgen.errors import DestinationError
from ffgen_cli.command.help import EXIT_CODES
from ffgen_cli.main import COMMANDS, SHORT, enter

HEAVY = ("polars", "numpy", "aiohttp", "rich", "sqlglot", "msgspec", "orjson", "multiprocess", "psutil", "uvloop")


def call(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """ffgen in a process of its own, 80 columns wide, without this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FFGEN_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-m", "ffgen_cli", *arguments],
        capture_output=True, text=True, cwd=cwd, timeout=60, stdin=subprocess.DEVNULL,
        env={**kept, "COLUMNS": "80", "HOME": str(cwd or kept.get("HOME", "/")), **environ},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["rnu"], ["help", "exit-codes"], ["version"]])
def test_the_way_to_help_loads_nothing_heavy(arguments: list[str]) -> None:
    asked = f"import sys; from ffgen_cli.main import enter; enter({arguments!r}); sys.stdout = sys.stderr\n"
    asked += f"print('loaded', sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "loaded []"


def test_an_empty_call_is_short_help_and_exit_2() -> None:
    done = call()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == SHORT


def test_help_lists_every_command_and_the_exit_codes() -> None:
    done = call("--help")
    assert done.returncode == 0
    listed = done.stdout.split()
    assert all(name in listed for name in COMMANDS)
    assert "141" in EXIT_CODES and "Exit codes" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: ffgen {name}")
    assert max(map(len, text.splitlines())) <= 120


def test_every_flag_has_help() -> None:
    group = ffgen_cli.main.cli
    for name in COMMANDS:
        command = group.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None and command.help
        for param in command.params:
            assert param.param_type_name == "argument" or param.help, (name, param.name)


def test_the_nearest_command_and_flag_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["chekc", "x"]) == 2
    assert "Did you mean check?" in capsys.readouterr().err
    assert enter(["run", "--conut", "3"]) == 2
    assert "--count" in capsys.readouterr().err
    assert enter(["run", "--cou", "3"]) == 2


def test_usage_errors_obey_errors_json_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--errors", "json", "--nope"], ["--nope", "--errors=json"], ["--nope", "--json"]):
        assert enter(["check", *arguments]) == 2
        told = json.loads(capsys.readouterr().err)
        assert (told["message_type"], told["exit_code"]) == ("exit_error", 2)


def test_a_bug_leaves_a_file_without_secrets_and_no_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def burst(*_: object, **__: object) -> None:
        raise RuntimeError("seen with canary-key-123456")

    monkeypatch.setattr(ffgen_cli.main.cli, "main", burst)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("FFGEN_API_KEY", "canary-key-123456")
    assert enter(["run", "x"]) == 70
    said = capsys.readouterr().err
    (crash,) = (tmp_path / "ffgen").iterdir()
    assert "Traceback" not in said and crash.name in said.replace("\n        ", "")
    assert "Traceback" in crash.read_text() and "canary" not in crash.read_text()
    assert "canary" not in said
    assert crash.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "error: Stopped."),
        (BrokenPipeError(), 141, ""),
        (SystemExit(1), 141, ""),
        (DestinationError("The disk is full."), 4, "error: The disk is full."),
    ],
)
def test_every_end_has_its_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def burst(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ffgen_cli.main.cli, "main", burst)
    monkeypatch.setattr(ffgen_cli.main, "abandon_output", lambda: None)
    assert enter(["run", "x"]) == code
    assert capfd.readouterr().err.strip() == said


def test_a_reader_that_goes_away_is_141_and_silent() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "ffgen_cli", "config", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout and child.stderr
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert (child.wait(60), said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_standard_output_is_exit_4() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ffgen_cli", "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 4
    assert done.stderr.startswith("error: Standard output can't be written")


def test_version_tells_programs_what_bytes_depend_on(tmp_path: Path) -> None:
    assert call("--version").stdout == call("version").stdout
    told = json.loads(call("version", "--json").stdout)
    assert told["libraries"]["polars"]


def test_help_explains_commands_and_refuses_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["help", "exit-codes"]) == 0
    assert capsys.readouterr().out.strip() == EXIT_CODES
    assert enter(["help", "plan"]) == 0
    assert capsys.readouterr().out.startswith("Usage: ffgen plan")
    assert enter(["help", "everything"]) == 2

"""Processes side by side: they share the cores, and one that dies takes nobody with it."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from ffgen.errors import InternalError, Interrupted
from ffgen_cli import children
from ffgen_cli.children import Children
from ffgen_cli.fixtures import Fixture, anchored_environ

ECHO = (
    "import json, sys, os; told = json.loads(sys.stdin.readline()); os.path.exists('die') and os.kill(os.getpid(), 9);"
    "print(json.dumps({'outcome': 'made', 'reasons': [told['share']], 'outputs': [], 'records': 1, 'seconds': 0.1}))"
)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-c", ECHO])


def fixtures(folder: Path, count: int) -> list[Fixture]:
    return [Fixture(f"{number}.yaml", f"{number}", str(folder)) for number in range(count)]


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(("jobs", "cores", "count", "shares"), [(1, 4, 2, {None}), (2, 4, 2, {2}), (2, 2, 2, {0})])
def test_side_by_side_they_share_the_cores(tmp_path: Path, jobs: int, cores: int, count: int, shares: set[Any]) -> None:
    """None leaves it to the run, which knows best when it has the machine; 0 is one core without a process more."""
    given = fixtures(tmp_path, count)
    begun: list[str] = []
    with Children(jobs, cores) as crew:
        done = list(crew.make(given, {}, lambda one: begun.append(one.shown)))
    assert {one.shown for one in done} == set(begun) == {"0", "1"}
    first = next(one for one in given if one.shown == begun[0])
    assert {first.reasons[0]} == shares and crew.caught == 0


@pytest.mark.usefixtures("command")
def test_one_that_is_killed_is_a_failure_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "die").write_text("")
    given = [*fixtures(tmp_path, 1), *fixtures(tmp_path / "bad", 1), *fixtures(tmp_path / "none", 1)]
    with Children(2, 2) as crew:
        list(crew.make(given, {}, lambda one: None))
    assert given[0].outcome == "made"
    assert isinstance(given[1].error, InternalError) and "killed by signal 9" in given[1].error.what
    assert isinstance(given[2].error, InternalError) and "no process could be started" in given[2].error.what


@pytest.mark.usefixtures("command")
def test_a_signal_starts_no_more_and_the_handlers_come_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    given = fixtures(tmp_path, 3)
    with Children(1, 1) as crew:
        for _ in crew.make(given, {}, lambda one: os.kill(os.getpid(), signal.SIGTERM)):
            pass
    assert crew.caught == signal.SIGTERM and signal.getsignal(signal.SIGTERM) is before
    assert all(isinstance(one.error, Interrupted) and one.code == 143 for one in given[1:])


def test_relative_paths_of_the_environment_count_from_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = anchored_environ({"FFGEN_STATE_DIR": "state", "FFGEN_CACHE_DIR": "c", "FFGEN_SEED": "3", "X": "y"})
    assert environ == {
        "FFGEN_STATE_DIR": f"{tmp_path}/state", "FFGEN_CACHE_DIR": f"{tmp_path}/c", "FFGEN_SEED": "3", "X": "y",
    }  # fmt: skip

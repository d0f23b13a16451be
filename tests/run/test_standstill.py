"""Processes that stand still for a while, or are slow: nothing is lost, and nothing piles up meanwhile."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.run.cut import files, leftovers
from tests.run.drive import Run, Site, sites, wait_for
from tests.run.nursery import Nursery
from tests.run.scenes import EAGER, KINDS, STANDIN, Stage, long
from tests.standin import Standin, start

STANDS = [
    ("asked", "writer.write@2"),
    ("asked", "worker.reply@3"),
    ("asked", "gate.judge@2"),
    ("asked", "coordinator.verdict@2"),
    ("drawn", "drawer.placed@3"),
    ("drawn", "coordinator.saved@1"),
    ("hybrid", "worker.reply@5"),
    ("hybrid", "drawer.draw@2"),
]
ALWAYS = [("asked", "writer.write@2")]
GROWTH = 48 << 20
"""Bytes that a run may take more while a part of it stands still."""


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


def stood(run: Run) -> list[int]:
    """The processes of a run that are stopped."""
    found = []
    for process in [psutil.Process(run.pid), *run.children()]:
        try:
            if process.status() == psutil.STATUS_STOPPED:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def memory(run: Run) -> int:
    return sum(process.memory_info().rss for process in [psutil.Process(run.pid), *run.children()])


def stands_still(stage: Stage, point: str, seconds: float) -> None:
    make, to, said = KINDS[stage.kind]
    named = {name: str(stage.folder / value) if name == "labels" else value for name, value in said.items()}
    told: dict[str, Any] = {"workers": 1, "patch": EAGER, **named}
    with sites(stage.folder) as site:
        run = Site.start(site, make(stage.url), to, points=point.replace("@", ":stop@"), **told)
        assert wait_for(lambda: bool(stood(run)))
        before = memory(run)
        time.sleep(seconds)
        assert run.process.poll() is None and memory(run) < before + GROWTH
        for pid in stood(run):
            os.kill(pid, signal.SIGCONT)
        done = run.end()
    assert done.code == 0, done
    assert files(stage.folder) == stage.calm and leftovers(stage.folder) == []


@pytest.mark.parametrize(("kind", "point"), ALWAYS)
def test_a_process_that_stands_still_is_waited_for(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str
) -> None:
    stands_still(Stage(kind, tmp_path, server.url, nursery).rehearse(), point, 0.5)


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "point"), STANDS)
def test_a_process_that_stands_still_for_five_seconds(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str
) -> None:
    stands_still(Stage(kind, tmp_path, server.url, nursery).rehearse(), point, 5.0)


@pytest.mark.parametrize(
    ("kind", "point"),
    [("asked", "writer.write"), long("asked", "worker.reply"), long("asked", "gate.judge"),
     long("drawn", "drawer.draw"), long("drawn", "disk.write"), ("drawn", "disk.sync"),
     long("hybrid", "worker.reply"), ("hybrid", "replies.commit")],
)  # fmt: skip
def test_a_slow_part_changes_no_byte(tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str) -> None:
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    done = stage.play(f"{point}:slow@1+")
    assert done.code == 0 and done.passed[point] > 1, done
    assert files(stage.folder) == stage.calm

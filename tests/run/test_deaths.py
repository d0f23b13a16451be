"""Workers that die, of whatever: others take over with the same bytes, and what always kills is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.run.cut import files, leftovers
from tests.run.drive import KILLED
from tests.run.nursery import Nursery
from tests.run.scenes import STANDIN, Stage, long
from tests.standin import Standin, start

CASES = [(kind, point, action) for kind, point in (("asked", "worker.reply"), ("drawn", "drawer.sealed"),
                                                   ("hybrid", "worker.reply"), ("hybrid", "drawer.placed"))
         for action in ("crash", "exit", "memory")]  # fmt: skip
ALWAYS = [("asked", "worker.reply", "crash"), ("hybrid", "drawer.placed", "memory")]


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "point", "action"),
    [case if case in ALWAYS else long(*case) for case in CASES],
)
def test_another_worker_takes_over(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str, action: str
) -> None:
    """It dies at the last that it would do, so that the one after it does not get there."""
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    last = stage.play(f"{point}:kill@1000000").passed[point]
    stage.clear()
    done = stage.play(f"{point}:{action}@{last}", workers=1)
    assert done.code == 0, done
    assert files(stage.folder) == stage.calm and leftovers(stage.folder) == []
    stage.holds()


@pytest.mark.parametrize(("kind", "point"), [("asked", "worker.reply"), long("asked", "gate.judge"),
                                             ("asked", "writer.write"), ("drawn", "drawer.draw"),
                                             long("hybrid", "worker.reply")])  # fmt: skip
def test_a_bug_ends_the_run_with_its_name_though_it_cannot_be_pickled(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str
) -> None:
    """Nobody tries it three times, nor is a trace thrown at the user."""
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    done = stage.play(f"{point}:raise@3", workers=1)
    assert done.code == 70 and "A bug in ffgen" in done.error and "_Odd" in done.error, done
    assert "Traceback" not in done.said and stage.untouched()
    stage.recovers()


@pytest.mark.parametrize(
    ("kind", "point"),
    [("hybrid", "drawer.draw"), long("drawn", "drawer.sealed")],
)  # fmt: skip
def test_what_always_kills_is_named(tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str) -> None:
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    done = stage.play(f"{point}:crash", workers=1)
    assert done.code == 70 and "took down 3 worker" in done.error and "memory" in done.error, done
    assert stage.untouched()
    stage.recovers(workers=1)


@pytest.mark.parametrize(
    ("kind", "point", "workers"),
    [("drawn", "drawer.draw@5", 0), long("drawn", "drawer.draw@8", 1), ("asked", "worker.reply@5", 1)],
)
def test_a_library_that_panics_is_tried_again(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, point: str, workers: int
) -> None:
    """What is no `Exception` must be heard of, too, or a run would wait for ever."""
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    done = stage.play(point.replace("@", ":panic@"), workers=workers)
    assert done.code == 0 and files(stage.folder) == stage.calm, done


def test_a_panic_that_nobody_can_try_again_ends_the_run(tmp_path: Path, nursery: Nursery, server: Standin) -> None:
    stage = Stage("asked", tmp_path, server.url, nursery).rehearse()
    for workers in (0, 1):
        done = stage.play("gate.judge:panic@2", workers=workers)
        assert done.code == 70 and stage.untouched(), done
    stage.recovers()


def test_a_coordinator_that_crashes_leaves_nobody_behind(tmp_path: Path, nursery: Nursery, server: Standin) -> None:
    stage = Stage("asked", tmp_path, server.url, nursery).rehearse()
    assert stage.play("coordinator.verdict:crash@2", workers=1).code == -11 != KILLED
    assert stage.untouched()
    stage.recovers()

"""Every named place of the engine at which a test can make a run fail, and each time that a run passes it: whatever
happens there, the same command ends with the same bytes afterwards, and leaves nothing else.

A sample of these runs always, all of them behind `make soak`.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.run.drive import KILLED, ROOT
from tests.run.nursery import Nursery
from tests.run.scenes import KINDS, STANDIN, Stage
from tests.standin import Standin, start

DISK = {"answers.write", "disk.remove", "disk.rename", "disk.sync", "disk.sync_folder", "disk.truncate", "disk.write",
        "drawer.write", "gate.spill", "labels.append", "labels.part", "manifest.write", "place.exchange",
        "replies.commit", "sink.write", "store.keep"}  # fmt: skip
"""Before something is asked of a file system: it may be full, or broken."""
WORK = {"coordinator.verdict", "drawer.crowded", "drawer.draw", "drawer.sealed", "drawer.whole",
        "gate.judge", "gate.verdict", "worker.reply", "writer.write"}  # fmt: skip
"""Where a process works: it may have a bug."""
DONE = {"coordinator.publish", "coordinator.published", "coordinator.saved", "coordinator.stored", "disk.renamed",
        "disk.synced", "drawer.placed", "place.exchanged", "replies.committed", "writer.finished",
        "writer.written"}  # fmt: skip
"""When something is done, and nobody knows it yet: it may be killed there, and nothing else."""

ACTIONS = {**dict.fromkeys(DISK, ("kill", "EIO", "ENOSPC")), **dict.fromkeys(WORK, ("kill", "raise")),
           **dict.fromkeys(DONE, ("kill",))}  # fmt: skip
SAMPLE = 9
"""Failures of each kind of run that are tried always."""


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path, nursery: Nursery, server: Standin) -> Stage:
    return Stage(request.param, tmp_path, server.url, nursery).rehearse()


def named() -> set[str]:
    """The places in the engine's source; `write_at` is given the name of its own."""
    places = re.compile(r'(?:failpoint\.(?:hit|clip)\(|write_at\([^"\n]*)"([a-z_.]+)"')
    return {name for path in (ROOT / "engine").rglob("*.py") for name in places.findall(path.read_text())}


def test_no_place_is_forgotten() -> None:
    assert named() == set(ACTIONS)
    assert len(ACTIONS) == len(DISK) + len(WORK) + len(DONE)


def passes(stage: Stage) -> dict[str, int]:
    """How often an undisturbed run passes each place."""
    done = stage.play(",".join(f"{point}:kill@1000000" for point in ACTIONS))
    assert done.code == 0, done
    stage.clear()
    return done.passed


def fails(stage: Stage, point: str, action: str, n: int) -> bool:
    """A run that fails at the nth time that it passes a place, and the same command after it. False where it does not
    pass it so often."""
    done = stage.play(f"{point}:{action}@{n}")
    assert stage.untouched(), (point, action, n, done)
    if not done.reached(point, n):
        assert done.code == 0, (point, action, n, done)
    elif action == "kill":
        assert done.code == KILLED, (point, n, done)
    elif action == "raise":
        assert done.code == 70 and "bug" in done.error, (point, n, done)
    else:
        assert done.code in (0, 4), (point, action, n, done)
    assert "Traceback" not in done.said, done.said
    stage.recovers()
    stage.clear()
    return done.reached(point, n)


def test_wherever_a_run_fails_the_same_command_makes_the_same_bytes(stage: Stage) -> None:
    found = passes(stage)
    every = [(point, action) for point in sorted(found) for action in ACTIONS[point]]
    chance = random.Random(f"{stage.kind} 1")
    struck = [fails(stage, *one, chance.randint(1, found[one[0]])) for one in chance.sample(every, SAMPLE)]
    assert sum(struck) >= SAMPLE - 1, "commits go in groups, so there are not always as many"


def test_files_that_may_grow_no_further_are_exit_4(stage: Stage) -> None:
    """As on a full disk: whichever file meets it first is named."""
    done = stage.play(limits={"RLIMIT_FSIZE": 4096})
    assert done.code == 4 and str(stage.folder) in done.error, done
    assert stage.untouched() and "Traceback" not in done.said
    stage.recovers()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_wherever_and_whenever_a_run_fails(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """All places, all times, all ways to fail."""
    found = passes(stage)
    failures = 0
    for point in sorted(found):
        for action in ACTIONS[point]:
            n = 1
            while fails(stage, point, action, n):
                n += 1
            failures += n - 1
    with capsys.disabled():
        print(f"\n{stage.kind}: {failures} failures at {len(found)} places")


@pytest.mark.soak
def test_every_place_is_passed_by_some_run(tmp_path: Path, nursery: Nursery, server: Standin) -> None:
    found: set[str] = set()
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        found |= passes(Stage(kind, tmp_path / kind, server.url, nursery).rehearse()).keys()
    assert found == set(ACTIONS)

"""What may have happened to files between a run that was cut short and the same command, or another one, after it."""

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.run.cut import files, leftovers, often
from tests.run.drive import KILLED, Site
from tests.run.nursery import Nursery
from tests.run.scenes import EAGER, KINDS, OLD, STANDIN, Stage, long
from tests.run.test_bytes import MEASURES
from tests.standin import Standin, start

from ffgen.errors import DestinationError
from ffgen.place import Workspace
from ffgen.run.keeper import Keeper

CUTS = {"asked": "coordinator.verdict:kill@3", "parts": "coordinator.verdict:kill@3",
        "drawn": "coordinator.saved:kill@2", "hybrid": "drawer.placed:kill@2"}  # fmt: skip
"""Where each is cut short, with something to go on from."""


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


@pytest.fixture
def stage_of(tmp_path: Path, nursery: Nursery, server: Standin) -> Callable[[str], Stage]:
    return lambda kind: Stage(kind, tmp_path, server.url, nursery).rehearse()


def cut(stage: Stage) -> Path:
    """A run is killed; where its work is."""
    assert stage.play(CUTS[stage.kind]).code == KILLED
    return next(stage.folder.rglob(".*.ffgen"))


# What was touched


def garble(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


def edit(path: Path) -> None:
    """Bytes of the replies, and no others."""
    whole = bytearray(path.read_bytes())
    at = whole.find(b"\x28\xb5\x2f\xfd")
    assert at > 0
    while at >= 0:
        whole[at + 12 : at + 16] = b"\x00\x00\x00\x00"
        at = whole.find(b"\x28\xb5\x2f\xfd", at + 4)
    path.write_bytes(whole)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("kind", ["asked", long("hybrid")])
@pytest.mark.parametrize("harm", [garble, edit, long(shorten)])
def test_harmed_replies_are_named_and_nothing_is_made_of_them(
    stage_of: Callable[[str], Stage], kind: str, harm: Callable[[Path], None]
) -> None:
    stage = stage_of(kind)
    cut(stage)
    replies = stage.cache / "replies.sqlite3"
    with contextlib.closing(sqlite3.connect(replies)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(replies)
    done = stage.play()
    assert done.code == 4 and str(replies) in done.error, done
    assert "Move the file away" in done.error and stage.untouched()
    shutil.rmtree(stage.cache)
    stage.recovers()


@pytest.mark.parametrize("kind", [long("asked"), "hybrid"])
def test_replies_that_are_gone_are_asked_for_again(stage_of: Callable[[str], Stage], kind: str) -> None:
    stage = stage_of(kind)
    cut(stage)
    shutil.rmtree(stage.cache)
    assert stage.recovers().report["kept"] == 0


@pytest.mark.parametrize("kind", ["asked", long("parts"), long("hybrid")])
def test_work_in_place_of_which_a_link_lies_is_refused(stage_of: Callable[[str], Stage], kind: str) -> None:
    """Nobody writes where the link leads."""
    stage = stage_of(kind)
    work = cut(stage)
    elsewhere = stage.folder / "elsewhere"
    work.rename(elsewhere)
    before = sorted(path.name for path in elsewhere.iterdir())
    work.symlink_to(elsewhere)
    done = stage.play()
    assert done.code == 4 and str(work) in done.error and "Move it away" in done.error, done
    assert sorted(path.name for path in elsewhere.iterdir()) == before
    work.unlink()
    shutil.rmtree(elsewhere)
    stage.recovers()


@pytest.mark.parametrize("harm", [long(shorten), garble, long(Path.unlink)])
def test_a_hybrid_runs_work_that_was_touched_is_begun_anew(
    stage_of: Callable[[str], Stage], harm: Callable[[Path], None]
) -> None:
    """Its replies are kept all the same."""
    stage = stage_of("hybrid")
    harm(cut(stage) / "out.parquet")
    done = stage.recovers()
    assert done.report["resumed"] == 0 and done.report["requests"] == 0


@pytest.mark.parametrize("kind", [long("asked"), "parts", long("drawn"), "hybrid"])
@pytest.mark.parametrize("harm", [long(shorten), garble, long(Path.unlink)])
def test_a_finished_file_that_was_touched_is_made_again(
    stage_of: Callable[[str], Stage], kind: str, harm: Callable[[Path], None]
) -> None:
    stage = stage_of(kind)
    assert stage.play().code == 0
    for name in files(stage.folder):
        harm(stage.folder / name)
    done = stage.recovers()
    assert done.report["requests"] == 0


def test_a_link_is_followed_and_stays(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("asked")
    (stage.folder / "out.jsonl.gz").unlink()
    target = stage.folder / "elsewhere.gz"
    target.write_bytes(OLD)
    (stage.folder / "out.jsonl.gz").symlink_to(target)
    assert stage.play("coordinator.publish:kill").code == KILLED
    assert target.read_bytes() == OLD
    assert stage.play().code == 0
    assert (stage.folder / "out.jsonl.gz").is_symlink()
    assert target.read_bytes() == stage.calm["out.jsonl.gz"] and leftovers(stage.folder) == []


# What was changed


@pytest.mark.parametrize("kind", [long("asked"), "hybrid"])
@pytest.mark.parametrize(
    "change",
    [{"seed": 7}, long({"count": 33}), long({"batch_size": 4}), {"field": {"name": "extra", "type": "boolean"}}],
    ids=["seed", "count", "batch_size", "field"],
)
def test_another_spec_after_a_killed_run_makes_its_own_bytes(
    tmp_path: Path, nursery: Nursery, server: Standin, kind: str, change: dict[str, Any]
) -> None:
    stage = Stage(kind, tmp_path, server.url, nursery).rehearse()
    make, to, said = KINDS[kind]
    changed = changed_by(make(server.url), change)
    told: dict[str, Any] = {"workers": 0, "patch": EAGER, **said}
    calm = nursery.run(changed, str(tmp_path / f"calm-{to}"), cache_dir=str(tmp_path / "cold"), **told)
    assert calm.code == 0, calm
    cut(stage)
    done = nursery.run(changed, str(tmp_path / to), cache_dir=str(stage.cache), **told)
    assert done.code == 0 and done.report["resumed"] == 0, done
    assert (tmp_path / to).read_bytes() == (tmp_path / f"calm-{to}").read_bytes()
    assert (tmp_path / to).read_bytes() != stage.calm[to] and leftovers(tmp_path) == []


def changed_by(source: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A spec with one thing changed."""
    (what,) = change
    model, dataset = dict(source["model"]), dict(source["dataset"])
    if what == "count":
        dataset["count"] = change[what]
    elif what == "field":
        dataset["fields"] = [*dataset["fields"], change[what]]
    elif what == "batch_size":
        model["batch_size"] = change[what]
    return {"seed": change.get("seed", 0), "model": model, "dataset": dataset}


@pytest.mark.parametrize("kind", [long("drawn"), "hybrid"])
def test_another_ffgen_goes_on_from_nothing(stage_of: Callable[[str], Stage], kind: str) -> None:
    stage = stage_of(kind)
    cut(stage)
    done = stage.recovers(patch=EAGER | {"ffgen.run.basis.__version__": "99.0"})
    assert done.report["resumed"] == 0


@pytest.mark.parametrize("kind", ["drawn", long("hybrid")])
def test_fresh_goes_on_from_nothing(stage_of: Callable[[str], Stage], kind: str) -> None:
    stage = stage_of(kind)
    cut(stage)
    assert stage.recovers(fresh=True).report["resumed"] == 0


# Who else is there


@pytest.mark.parametrize("kind", [long("asked"), "parts", long("drawn"), "hybrid"])
def test_a_destination_that_another_holds_is_refused_and_left_alone(
    stage_of: Callable[[str], Stage], kind: str
) -> None:
    stage = stage_of(kind)
    name = {"drawn": "out/orders.jsonl"}.get(kind, stage.to)
    with Workspace.open(f"{stage.folder}/{name}") as other:
        work = Path(other.work_path())
        work.write_bytes(b"of another run")
        before = files(stage.folder)
        done = stage.play()
        assert done.code == 6 and f"process {os.getpid()}" in done.error, done
        assert work.read_bytes() == b"of another run" and files(stage.folder) == before
        assert done.report == {}
    stage.recovers()


@pytest.mark.parametrize("kind", ["asked", long("parts"), long("drawn"), "hybrid"])
def test_the_lock_of_a_dead_run_is_taken_over_whoever_has_its_number_now(
    stage_of: Callable[[str], Stage], kind: str
) -> None:
    stage = stage_of(kind)
    lock = next(path for path in cut(stage).iterdir() if path.is_file() and b'"pid"' in path.read_bytes()[:200])
    for change in ({"pid": os.getpid()}, {"host": "elsewhere"}, {"pid": 1, "started": "2001-01-01T00:00:00+00:00"}):
        lock.write_text(json.dumps(json.loads(lock.read_text()) | change))
    stage.recovers()


# What is still under way at the end


@pytest.mark.parametrize("fails", [False, True])
def test_a_checkpoint_that_outlasts_the_drawing_is_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It would write into a folder that is gone; and what it could not sync is not to be believed."""
    often(monkeypatch)
    commit = Keeper.commit

    def slowly(self: Keeper, *told: Any) -> None:
        time.sleep(0.3)
        if fails:
            raise OSError(errno.EIO, "the disk is broken")
        commit(self, *told)

    monkeypatch.setattr(Keeper, "commit", slowly)
    small = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 2000}}
    if fails:
        with pytest.raises(DestinationError, match="disk"):
            site.here(small, workers=0)
        assert not site.path().exists()
    else:
        site.here(small, workers=0)
    time.sleep(0.5)
    assert site.leftovers() == []

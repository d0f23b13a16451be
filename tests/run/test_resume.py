"""A drawn run that is cut short, by whatever, is gone on with by the same command, with the same bytes; or begun anew
where what is there is not what it left."""

import logging
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.run.cut import KINDS, PATCH, files, leftovers, often, options_of, put
from tests.run.drive import KILLED, OLD, Site, kill_one, sites, wait_for
from tests.run.test_bytes import MEASURES, SHOP
from tests.standin import Standin

import ffgen
from ffgen import failpoint
from ffgen.disk import LocalDisk
from ffgen.errors import DestinationError, FfgenError, InternalError, TimeLimitError
from ffgen.run.crew import Processes
from ffgen.run.drawer import DrawerRole
from ffgen.run.journal import read_kept
from ffgen.run.messages import Message, Place

STATES = ("disk.write", "disk.sync", "disk.synced", "disk.sync_folder")
"""In a checkpoint."""
PLACES = (*STATES, "drawer.draw", "drawer.sealed", "drawer.write", "drawer.placed", "disk.truncate", "disk.remove",
          "disk.rename", "disk.renamed", "coordinator.publish", "coordinator.published")  # fmt: skip


Made = dict[str, dict[str, bytes]]


@pytest.fixture(autouse=True)
def nothing_armed() -> Iterator[None]:
    yield
    failpoint.arm("")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process commit after every shard."""
    often(monkeypatch)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What undisturbed runs make."""
    made = {}
    with pytest.MonkeyPatch.context() as patched:
        put(patched, "ffgen.plan.tables.SHARD_ROWS", PATCH["ffgen.plan.tables.SHARD_ROWS"])
        for kind in KINDS:
            folder = tmp_path_factory.mktemp(kind)
            source, to, options = options_of(Site(folder), kind)
            Site(folder).here(source, to, workers=0, **options)
            made[kind] = files(folder)
    return made


def cut(site: Site, kind: str, points: str, workers: int = 0) -> int:
    """A run that ends early, in a process; its exit code."""
    source, to, options = options_of(site, kind)
    return site.run(source, to, points=points, workers=workers, patch=dict(PATCH), **options).code


def kept_rows(site: Site) -> int:
    """Rows that are committed in any work folder."""
    found = [read_kept(LocalDisk(), str(path)) for path in site.folder.rglob("journal")]
    return sum(kept.rows for kept in found if kept is not None)


def goes_on(site: Site, kind: str, calm: Made, workers: int = 0) -> ffgen.Report:
    """The same command ends well, with the same bytes."""
    source, to, options = options_of(site, kind)
    report = site.here(source, to, workers=workers, **options)
    assert files(site.folder) == calm[kind]
    assert leftovers(site.folder) == []
    return report


def long(*values: Any) -> Any:
    """A case that is run behind `make soak` only."""
    return pytest.param(*values, marks=pytest.mark.soak)


# Kills


@pytest.mark.parametrize("kind", ["jsonl", "gz", "labels", long("csv"), long("zst"), long("parquet"), long("tables")])
def test_a_killed_run_is_gone_on_with(site: Site, eager: None, calm: Made, kind: str) -> None:
    assert cut(site, kind, "coordinator.saved:kill@2") == KILLED
    rows = kept_rows(site)
    assert rows > 0 and not any(name.startswith("out") for name in files(site.folder))
    assert goes_on(site, kind, calm).resumed == rows


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("labels", "disk.sync:kill@25"),
        ("parquet", "disk.synced:kill@9"),
        ("tables", "disk.renamed:kill@2"),
        long("jsonl", "disk.write:kill@4"),
        long("zst", "coordinator.publish:kill"),
        long("labels", "disk.remove:kill@1"),
        long("tables", "coordinator.published:kill"),
    ],
)
def test_killed_while_it_commits_or_publishes(site: Site, eager: None, calm: Made, kind: str, point: str) -> None:
    assert cut(site, kind, point) == KILLED
    goes_on(site, kind, calm)


def test_killed_again_and_again_while_it_recovers(site: Site, eager: None, calm: Made) -> None:
    """Each gets a little further than the last, or not at all."""
    rows = [0]
    for points in ("coordinator.saved:kill@1", "disk.truncate:kill@1", "drawer.draw:kill", "coordinator.saved:kill@2"):
        assert cut(site, "labels", points) == KILLED
        rows.append(kept_rows(site))
    assert rows == sorted(rows) and rows[-1] > rows[1] > 0
    goes_on(site, "labels", calm)


def test_a_coordinator_killed_beside_its_workers(site: Site, eager: None, calm: Made) -> None:
    assert cut(site, "tables", "disk.synced:kill@12", workers=2) == KILLED
    assert kept_rows(site) > 0
    goes_on(site, "tables", calm, workers=2)


def killed_at_every(site: Site, calm: Made, kind: str, point: str) -> int:
    """The nth time that a place is passed, for every n up to ten and every tenth more from there on; each time killed
    once more while it recovers, where it gets as far as that. How many kills there were."""
    n, kills = 1, 0
    while True:
        code = cut(site, kind, f"{point}:kill@{n}")
        if code == 0:
            assert files(site.folder) == calm[kind] and kills
            return kills
        assert code == KILLED
        kills += 1 + (cut(site, kind, f"{point}:kill@{1 + n // 2}") == KILLED)
        goes_on(site, kind, calm)
        n += 1 + n // 10
        for name in files(site.folder):
            site.path(name).unlink()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("point", PLACES)
@pytest.mark.parametrize("kind", ["labels", "zst"])
def test_killed_at_every_place(
    site: Site,
    eager: None,
    calm: Made,
    kind: str,
    point: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kills = killed_at_every(site, calm, kind, point)
    with capsys.disabled():
        print(f"\n{kind} {point}: {kills} kills")


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_random_moments(
    site: Site, eager: None, calm: Made, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any process of a run, at any moment, until one gets through."""
    chance = random.Random(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    source, to, options = options_of(site, kind)
    kills = 0
    for _ in range(12):
        run = site.start(source, to, workers=chance.choice([0, 1, 2]), patch=dict(PATCH), **options)
        if wait_for(lambda run=run: run.process.poll() is not None, chance.uniform(0.4, 2.5)):  # type: ignore[misc]
            run.end()
            break
        victim = kill_one(run, chance)
        kills += 1
        # 70: a worker that dies while it starts ends the run.
        assert run.end().code in ((0, 70) if victim == "child" else (KILLED, 0))
    goes_on(site, kind, calm)
    with capsys.disabled():
        print(f"\n{kind}: {kills} kills")


# Signals and time


@pytest.mark.parametrize(("number", "code", "workers"), [(signal.SIGINT, 130, 2), long(signal.SIGTERM, 143, 0)])
def test_a_signal_commits_what_stands(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int, workers: int
) -> None:
    big = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 400_000, "unique_by": ["sensor", "hour", "value"]}}
    patch = PATCH | {"ffgen.run.saving.EVERY_SECONDS": 1000.0, "ffgen.plan.tables.SHARD_ROWS": 8192}
    run = site.start(big, workers=workers, patch=patch)
    assert wait_for(lambda: any(path.stat().st_size > 1 << 20 for path in site.folder.rglob("out.jsonl")))
    os.killpg(run.pid, number)
    began = time.monotonic()
    done = run.end()
    assert done.code == code and time.monotonic() - began < 5.0, done
    rows = kept_rows(site)
    assert rows > 0 and f"{rows:,} rows are kept: the same command goes on from there." in done.error
    (view,) = [each for each in ffgen.status() if each.destination == str(site.path())]
    assert (view.state, view.kept_rows) == ("stopped", rows)
    put(monkeypatch, "ffgen.plan.tables.SHARD_ROWS", 8192)
    assert site.here(big, workers=0).resumed == rows and leftovers(site.folder) == []
    site.here(big, "calm.jsonl", workers=0)
    assert site.digest() == site.digest("calm.jsonl")
    assert [each for each in ffgen.status() if each.destination == str(site.path())] == []


def test_out_of_time_goes_on_next_time(site: Site, eager: None, calm: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    place = DrawerRole._place

    def slowly(self: DrawerRole, message: Place) -> Message:
        time.sleep(0.06)
        return place(self, message)

    monkeypatch.setattr(DrawerRole, "_place", slowly)
    with pytest.raises(TimeLimitError) as caught:
        site.here(MEASURES, workers=0, timeout=0.6)
    said = str(caught.value)
    assert "rows are kept: the same command goes on from there" in said and "--timeout" in said
    assert goes_on(site, "jsonl", calm).resumed == kept(said) > 0


def kept(said: str) -> int:
    """The rows that an error says are kept."""
    found = re.search(r"([\d,]+) rows are kept", said)
    return int(found.group(1).replace(",", "")) if found else 0


def test_a_second_signal_does_not_wait_for_a_disk_that_hangs(site: Site) -> None:
    """What it was writing stays uncommitted; the next run takes over all the same."""
    big = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 400_000, "unique_by": ["sensor", "hour", "value"]}}
    patch = PATCH | {"ffgen.plan.tables.SHARD_ROWS": 8192, "ffgen.posix.sync_file": "hang"}
    run = site.start(big, workers=0, patch=patch)
    assert wait_for(lambda: any(path.stat().st_size > 1 << 20 for path in site.folder.rglob("out.jsonl")))
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.process.poll() is None, "it waits for the disk"
    again = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert run.end().code == 130 and time.monotonic() - again < 2.0


def test_what_was_soon_made_is_not_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does such a run sync anything but what it publishes."""
    put(monkeypatch, "ffgen.plan.tables.SHARD_ROWS", 1024)
    failpoint.arm("drawer.write:EIO@3,disk.sync:kill@1000")
    with pytest.raises(DestinationError) as caught:
        site.here(MEASURES, workers=0)
    assert failpoint._passed.get("disk.sync") is None and leftovers(site.folder) == []
    assert "kept" not in str(caught.value)
    failpoint.arm("disk.sync:kill@1000,disk.sync_folder:kill@1000")
    site.here(MEASURES, workers=0)
    assert failpoint._passed == {"disk.sync": 1, "disk.sync_folder": 1}
    failpoint.arm("")


def test_what_can_never_be_made_is_not_kept(site: Site, eager: None) -> None:
    """Nobody is helped by work that leads to the same end."""
    fields = [{"name": "a", "type": "integer", "range": [1, 5000]}, {"name": "b", "values": ["x"]}]
    source = {"dataset": {"name": "t", "count": 4000, "unique_by": ["a"], "require": "a > 2000", "fields": fields}}
    with pytest.raises(FfgenError) as caught:
        site.here(source, workers=0)
    assert caught.value.exit_code in (2, 3) and leftovers(site.folder) == []


# What is not as it was left


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder that a killed run of `MEASURES` left, with the destination `out`."""
    folder = tmp_path_factory.mktemp("killed")
    with sites(folder) as site:
        points = "coordinator.saved:kill@2"
        done = site.run(MEASURES, "out", points=points, workers=0, patch=dict(PATCH), format="jsonl")
        assert done.code == KILLED and kept_rows(site) > 0
    return folder / ".out.ffgen"


@pytest.fixture
def left(site: Site, killed: Path) -> Path:
    """The same folder here: what is in it says nothing of where it lies."""
    return Path(shutil.copytree(killed, site.path(".out.ffgen")))


def test_a_work_folder_may_be_moved_with_its_destination(site: Site, eager: None, calm: Made, left: Path) -> None:
    rows = kept_rows(site)
    assert site.here(MEASURES, "out", workers=0, format="jsonl").resumed == rows > 0
    assert site.path("out").read_bytes() == calm["jsonl"]["out.jsonl"] and leftovers(site.folder) == []


def shorten(path: Path) -> None:
    """To less than what is committed, which may be less than half of what was written."""
    kept = read_kept(LocalDisk(), str(path.parent / "journal"))
    assert kept is not None
    (table,) = kept.tables.values()
    assert table.file is not None
    os.truncate(path, table.file.size // 2)


def edit(path: Path) -> None:
    """Its last bytes that are committed."""
    kept = read_kept(LocalDisk(), str(path.parent / "journal"))
    assert kept is not None and kept.tables["measures"].file is not None
    with open(path, "r+b") as file:
        file.seek(kept.tables["measures"].file.size - 100)
        file.write(b"edited")


def link(path: Path) -> None:
    target = path.parents[1] / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("harm", "why"), [(shorten, "shorter"), (edit, "changed"), (Path.unlink, "gone"), (link, "gone")]
)
def test_work_that_was_touched_is_begun_anew_and_the_log_says_why(
    site: Site, eager: None, calm: Made, left: Path, caplog: pytest.LogCaptureFixture, harm: Any, why: str
) -> None:
    harm(left / "out")
    with caplog.at_level(logging.WARNING, "ffgen.run"):
        report = site.here(MEASURES, "out", workers=0, format="jsonl")
    (said,) = [each for each in caplog.records if each.message == "kept work can't be used"]
    assert why in said.why and str(left / "out") in said.why  # type: ignore[attr-defined]
    assert site.path("out").read_bytes() == calm["jsonl"]["out.jsonl"] and report.resumed == 0
    assert leftovers(site.folder) == []


def test_keys_that_were_touched_are_not_trusted(site: Site, eager: None, calm: Made, left: Path) -> None:
    (keys,) = (left / "store").glob("*.keys")
    os.truncate(keys, 100)
    assert site.here(MEASURES, "out", workers=0, format="jsonl").resumed == 0
    assert site.path("out").read_bytes() == calm["jsonl"]["out.jsonl"]


@pytest.mark.parametrize(
    ("change", "options", "why"),
    [
        ({"seed": 4}, {}, "seed"),
        long({"dataset": {**MEASURES["dataset"], "count": 19_000}}, {}, "spec"),
        long({}, {"format": "csv"}, "files"),
        ({}, {"labels": "{folder}/labels.jsonl"}, "labels"),
        long({"shards": 512}, {}, "shards"),
        ({}, {"fresh": True}, None),
    ],
)
def test_work_of_another_spec_is_begun_anew(
    site: Site,
    eager: None,
    left: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    options: dict[str, Any],
    why: str | None,
) -> None:
    patch = dict(PATCH)
    assert (
        site.run(MEASURES, "out", points="drawer.placed:kill@9", workers=0, patch=patch, format="jsonl").code == KILLED
    )
    assert kept_rows(site) > 0
    changed = {**MEASURES, **change}
    put(monkeypatch, "ffgen.plan.tables.SHARD_ROWS", changed.pop("shards", PATCH["ffgen.plan.tables.SHARD_ROWS"]))
    said = {"format": "jsonl"} | {key: value.format(folder=site.folder) if key == "labels" else value
                                  for key, value in options.items()}  # fmt: skip
    with caplog.at_level(logging.WARNING, "ffgen.run"):
        report = site.here(changed, "out", workers=0, **said)
    warned = [each.why for each in caplog.records if each.message == "kept work can't be used"]  # type: ignore[attr-defined]
    assert (why in warned[0] if why else warned == []) and report.resumed == 0
    made = site.path("out").read_bytes()
    put(monkeypatch, "ffgen.run.saving.FIRST_SECONDS", 1000.0)
    site.here(
        changed, "calm", workers=0, **(said | ({"labels": str(site.path("l2.jsonl"))} if "labels" in said else {}))
    )
    assert site.path("calm").read_bytes() == made and leftovers(site.folder) == []


def test_a_table_more_or_less_is_another_run(site: Site, eager: None, calm: Made) -> None:
    assert cut(site, "tables", "coordinator.saved:kill@2") == KILLED
    site.here(SHOP, "out/", table="products", workers=0)
    assert site.path("out/products.jsonl").read_bytes() == calm["tables"]["out/products.jsonl"]
    assert goes_on(site, "tables", calm).records == sum(len(each.splitlines()) for name, each in calm["tables"].items()
                                                         if name.endswith("jsonl"))  # fmt: skip


def test_published_files_are_known_again_and_changed_ones_made_again(site: Site, eager: None, calm: Made) -> None:
    assert cut(site, "tables", "disk.renamed:kill@2") == KILLED
    there = [name for name in files(site.folder) if name.endswith("jsonl")]
    assert len(there) == 2
    site.path(there[0]).write_bytes(OLD)
    assert goes_on(site, "tables", calm).resumed == 0
    assert cut(site, "tables", "disk.renamed:kill@2") == KILLED
    report = goes_on(site, "tables", calm)
    assert report.resumed == report.records


# Disks that fail


def failing(site: Site, kind: str, points: str, passed: str) -> tuple[FfgenError | None, bool]:
    """A run in this process with a fail point: what it raised, and whether the place was reached."""
    source, to, options = options_of(site, kind)
    failpoint.arm(points)
    try:
        site.here(source, to, workers=0, **options)
        return None, failpoint._passed.get(passed, 0) >= int(points.rpartition("@")[2].rstrip("+"))
    except FfgenError as error:
        return error, True
    finally:
        failpoint.arm("")


@pytest.mark.parametrize(
    ("point", "action"),
    [
        ("drawer.write", "ENOSPC"),
        long("disk.write", "EDQUOT"),
        ("disk.sync", "EIO"),
        long("disk.truncate", "EIO"),
        ("labels.append", "ENOSPC"),
        *(
            long(point, action)
            for point in ("drawer.write", "disk.write", "disk.sync", "disk.sync_folder", "labels.append", "labels.part")
            for action in ("ENOSPC", "EDQUOT", "EIO", "EFBIG")
        ),
    ],
)
def test_a_disk_that_fails_stops_the_run_and_it_goes_on(
    site: Site, eager: None, calm: Made, point: str, action: str
) -> None:
    """From the nth time on that a place is passed, for growing n, nothing goes any more; then all is well again."""
    n, failures = 3, 0
    while True:
        error, reached = failing(site, "labels", f"{point}:{action}@{n}+", point)
        if not reached:
            break
        assert isinstance(error, DestinationError), (n, error)
        failures += 1
        goes_on(site, "labels", calm)
        for name in files(site.folder):
            site.path(name).unlink()
        n = n * 30
    assert failures > 0


@pytest.mark.parametrize("point", ["drawer.write", "disk.write"])
def test_a_write_that_the_system_cuts_short_is_gone_on_with(site: Site, eager: None, calm: Made, point: str) -> None:
    failpoint.arm(f"{point}:short@2+")
    goes_on(site, "labels", calm)
    assert failpoint._passed[point] > 10
    failpoint.arm("")


def test_a_failed_sync_is_never_tried_again(site: Site, eager: None) -> None:
    failpoint.arm("disk.sync:EIO@5,disk.synced:kill@1000")
    with pytest.raises(DestinationError, match="Input/output error|disk failed"):
        site.here(MEASURES, workers=0)
    assert failpoint._passed == {"disk.sync": 5, "disk.synced": 4}
    failpoint.arm("")


def test_a_file_that_may_not_grow_further(site: Site, eager: None, calm: Made) -> None:
    """RLIMIT_FSIZE, as of `ulimit -f`."""
    source, to, _ = options_of(site, "csv")
    done = site.run(source, to, workers=0, patch=dict(PATCH), limits={"RLIMIT_FSIZE": 200_000})
    assert done.code == 4 and "ulimit -f" in done.error and kept(done.error) > 0, done
    assert goes_on(site, "csv", calm).resumed == kept(done.error)


@pytest.fixture
def tiny(site: Site) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = site.path("tiny")
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]).returncode:
        pytest.skip("needs root, to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("workers", [0, long(2)])
def test_a_full_disk_says_how_much_is_missing_and_goes_on_with_more(
    site: Site, eager: None, calm: Made, tiny: Path, workers: int
) -> None:
    for _ in range(2):
        with pytest.raises(DestinationError) as caught:
            site.here(MEASURES, "tiny/out.jsonl", workers=workers)
        said = str(caught.value)
        assert caught.value.exit_code == 4 and "more is needed at" in said and str(tiny) in said
        assert "Free space and run the same command again." in said and kept(said) > 1000
        (missing,) = re.findall(r"about ([\d.]+) KB more", said)
        assert 200 < float(missing) < 1000
    subprocess.run(["mount", "-o", "remount,size=4m", str(tiny)], check=True)
    report = site.here(MEASURES, "tiny/out.jsonl", workers=workers)
    assert report.resumed == kept(said) and (tiny / "out.jsonl").read_bytes() == calm["jsonl"]["out.jsonl"]
    assert leftovers(tiny) == []


def test_what_can_not_fit_is_refused_and_what_may_not_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(monkeypatch, "ffgen.posix.free_bytes", lambda path: 500_000)
    with pytest.raises(DestinationError, match=r"can't fit: it needs .* at the very least, and 500.0 KB are free"):
        site.here(MEASURES, workers=0)
    assert leftovers(site.folder) == []
    put(monkeypatch, "ffgen.posix.free_bytes", lambda path: 1_400_000)
    with caplog.at_level(logging.WARNING, "ffgen.run"):
        site.here(MEASURES, workers=0)
    (said,) = [each for each in caplog.records if each.message == "disk may be too small"]
    assert said.needed > said.free == 1_400_000  # type: ignore[attr-defined]
    put(monkeypatch, "ffgen.posix.free_bytes", lambda path: 5_000_000)
    caplog.clear()
    site.here(MEASURES, workers=0)
    assert caplog.records == []


# Memory


@pytest.mark.parametrize(
    ("point", "action"),
    [
        ("drawer.crowded", "memory"),
        long("drawer.whole", "kill"),
        long("drawer.crowded", "kill"),
        long("drawer.whole", "memory"),
    ],
)
def test_a_worker_without_memory_is_replaced_by_one_that_takes_care(
    site: Site, monkeypatch: pytest.MonkeyPatch, calm: Made, point: str, action: str
) -> None:
    """Every worker dies of it until it encodes in pieces, or until nothing else is drawn."""
    monkeypatch.setattr(Processes, "_too_many_deaths", lambda self: False)
    put(monkeypatch, "ffgen.plan.tables.SHARD_ROWS", 1024)
    small = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 2000}}
    site.here(small, "calm.csv.gz", workers=0)
    monkeypatch.setenv("FFGEN_FAILPOINTS", f"{point}:{action}@1+")
    report = site.here(small, "out.csv.gz", workers=2)
    assert report.records == 2000 and site.digest("out.csv.gz") == site.digest("calm.csv.gz")


def test_without_memory_in_one_process(site: Site, calm: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "ffgen.plan.tables.SHARD_ROWS", 1024)
    failpoint.arm("drawer.crowded:memory@3+")
    goes_on(site, "csv", calm)
    failpoint.arm("drawer.draw:memory@2+")
    with pytest.raises(InternalError, match="Shard 0 of measures took down 3 workers") as caught:
        site.here(MEASURES, workers=0)
    failpoint.arm("")
    assert "memory" in caught.value.hint


@pytest.mark.parametrize("shared", [long(False), long(True)])
def test_a_worker_that_may_have_no_more_memory(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shared: bool
) -> None:
    """Its address space is limited to what it has: the next large allocation aborts it. The others go on."""
    big = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 400_000, "unique_by": ["sensor", "hour", "value"]}}
    site.here(big, "calm.jsonl", workers=0)
    starved: list[int] = []

    def watch(progress: ffgen.Progress) -> None:
        workers = psutil.Process().children() if not starved and progress.records else []
        for worker in [each for each in workers if "spawn_main" in " ".join(each.cmdline())][: 1 + shared]:
            worker.rlimit(psutil.RLIMIT_AS, (worker.memory_info().vms, worker.memory_info().vms))
            starved.append(worker.pid)

    report = site.here(big, workers=2, watch=watch)
    assert report.records == 400_000 and site.digest() == site.digest("calm.jsonl")
    assert len(starved) == 1 + shared and "worker replaced" in caplog.messages


# What a model wrote


def test_a_hybrid_run_is_drawn_on_without_asking_and_only_from_the_same_answers(
    site: Site, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal knows the answers by a digest: other ones are other rows."""
    for name, value in (PATCH | {"ffgen.plan.tables.SHARD_ROWS": 32}).items():
        put(monkeypatch, name, value)
    server.set(mention=True)
    fields = [
        {"name": "price", "type": "number", "range": [1, 999], "decimals": 2},
        {"name": "kind", "type": "string", "source": "pool", "pool": {"size": 20}},
        {"name": "review", "type": "text", "length": [5, 200]},
    ]
    shape = {"name": "reviews", "mode": "hybrid", "count": 320, "fields": fields}
    source = {"model": {"endpoint": server.url, "concurrency": 8}, "dataset": shape}
    patch = PATCH | {"ffgen.plan.tables.SHARD_ROWS": 32}
    assert site.run(source, points="coordinator.saved:kill@2", workers=0, patch=patch).code == KILLED
    rows = kept_rows(site)
    kept_folder = shutil.copytree(site.path(".out.jsonl.ffgen"), site.path("aside"))
    asked = server.stats()["requests"]
    report = site.here(source, workers=0)
    assert report.resumed == rows > 0 and server.stats()["requests"] == asked
    digest = site.digest()
    site.here(source, "calm.jsonl", workers=0)
    assert site.digest("calm.jsonl") == digest
    shutil.move(kept_folder, site.path(".out.jsonl.ffgen"))
    site.cold()
    server.set(mention=False)
    assert site.here(source, workers=0).resumed == 0
    assert leftovers(site.folder) == []

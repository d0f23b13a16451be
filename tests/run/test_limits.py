"""A drawn run that is in nobody's way: slow readers, readers that leave, full disks, signals, time limits, locks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.run.drive import OLD, ROOT, Run, Site, wait_for

ROWS = 40_000_000
"""More than any of these runs gets to."""
SHORT = {"ffgen.run.saving.FIRST_SECONDS": 1000.0}
"""None of these runs is taken to be worth keeping; see `test_resume` for those that are."""

FIELDS = [
    {"name": "id", "type": "uuid", "unique": True},
    {"name": "full_name"},
    {"name": "amount", "type": "number", "decimals": 2, "generator": {"name": "lognormal", "median": 40, "sigma": 1}},
    {"name": "at", "type": "datetime", "range": ["2022-01-01", "2024-12-31"]},
]


def source(count: int = ROWS) -> dict[str, Any]:
    return {"dataset": {"name": "t", "count": count, "fields": FIELDS}}


def under_way(site: Site, workers: int, **options: Any) -> Run:
    """A run over an old file, some of whose rows are written."""
    site.path().write_bytes(OLD)
    run = site.start(source(), workers=workers, patch=SHORT, **options)
    assert wait_for(lambda: written(site) > 1_000_000)
    return run


def written(site: Site) -> int:
    """Bytes in work files."""
    files = [path for folder in site.folder.glob(".*") for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


def untouched(site: Site) -> bool:
    """Whether the run left nothing but what was there."""
    return site.path().read_bytes() == OLD and site.leftovers() == []


@pytest.mark.parametrize(("number", "code", "workers"), [(signal.SIGINT, 130, 0), (signal.SIGTERM, 143, 2)])
def test_a_signal_ends_it_and_leaves_nothing(site: Site, number: signal.Signals, code: int, workers: int) -> None:
    run = under_way(site, workers)
    began = time.monotonic()
    os.killpg(run.pid, number)
    done = run.end()
    assert done.code == code and time.monotonic() - began < 3.0, done
    assert f"of {ROWS:,} rows" in done.error and "Nothing was left behind" in done.error
    assert untouched(site)


@pytest.mark.parametrize("workers", [0, 2])
def test_out_of_time_is_3(site: Site, workers: int) -> None:
    site.path().write_bytes(OLD)
    done = site.run(source(), workers=workers, timeout=2.0, patch=SHORT)
    assert done.code == 3 and "--timeout" in done.error and done.seconds < 8
    assert untouched(site)


def test_a_second_run_on_the_same_destination_is_6(site: Site) -> None:
    run = under_way(site, 0)
    done = site.run(source(10), workers=0)
    assert done.code == 6 and str(site.path()) in done.error, done
    run.process.send_signal(signal.SIGINT)
    assert run.end().code == 130 and untouched(site)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_is_4(site: Site, workers: int) -> None:
    with open("/dev/full", "wb") as full:
        run = site.start(source(), "-", streams={"stdout": full}, workers=workers)
        done = run.end()
    assert done.code == 4 and "space" in done.error.lower(), done


@pytest.mark.parametrize("workers", [0, 2])
def test_a_reader_that_leaves_ends_it_quietly(site: Site, workers: int) -> None:
    path = site.path("spec.json")
    path.write_text(json.dumps(source()))
    command = f"{sys.executable} -m ffgen_cli run {path} -o - --workers {workers} --progress none"
    environ = os.environ | {"FFGEN_CACHE_DIR": str(site.cache), "HOME": str(site.folder)}
    command += " | head -n 1; echo ${PIPESTATUS[0]}"
    said = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30)
    line, code = said.stdout.splitlines()
    assert code == "141" and json.loads(line)["id"], said
    assert said.stderr == ""


def standing(run: Run) -> bool:
    """Whether neither the run nor its workers used the CPU in half a second."""
    processes = [psutil.Process(run.pid), *run.children()]
    before = sum(sum(process.cpu_times()[:2]) for process in processes)
    time.sleep(0.5)
    return sum(sum(process.cpu_times()[:2]) for process in processes) - before < 0.1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_reader_that_sleeps_stops_the_workers_and_bounds_the_memory(site: Site, workers: int) -> None:
    run = site.start(source(), "-", streams={"stdout": subprocess.PIPE}, workers=workers)
    assert run.process.stdout is not None
    assert run.process.stdout.read(1000)
    assert wait_for(lambda: standing(run))
    first = memory_of(run)
    for _ in range(200):
        assert len(run.process.stdout.read(100_000)) == 100_000
    assert wait_for(lambda: standing(run))
    assert memory_of(run) < first + 100
    assert psutil.Process(run.pid).memory_info().rss < 400 << 20
    # A signal gets through, though nobody reads.
    began = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert wait_for(lambda: run.process.poll() is not None, 3.0), "still there after three seconds"
    assert run.end().code == 130 and time.monotonic() - began < 3.0


def memory_of(run: Run) -> float:
    """MiB of the run and its workers."""
    return sum(process.memory_info().rss for process in [psutil.Process(run.pid), *run.children()]) / 2**20


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["plain", "gated", "parquet"])
def test_memory_does_not_grow_with_the_rows(site: Site, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    peaks = {}
    name = "out.parquet" if kind == "parquet" else "out.jsonl"
    for count in (1_000_000, 4_000_000):
        spec = source(count)
        if kind == "gated":
            spec["dataset"] |= {"fields": FIELDS[1:], "require": "amount > 1"}
        done = site.run(spec, name, workers=2)
        assert done.code == 0, done
        peaks[count] = done.report["memory"]
        Path(site.path(name)).unlink()
    with capsys.disabled():
        print(f"\n{kind}: peak MiB a process {[[peak >> 20 for peak in each] for each in peaks.values()]}")
    least, most = (max(peak) for peak in peaks.values())
    assert most < least * 1.1 + (64 << 20 if kind == "gated" else 8 << 20)

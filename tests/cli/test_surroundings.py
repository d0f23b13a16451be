"""Where and how a run is called changes none of its bytes: clocks, places, languages, limits, names of files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.run.cut import files, leftovers
from tests.run.drive import ROOT
from tests.run.scenes import KINDS, STANDIN, long
from tests.standin import Standin, start

ODD_CLOCK = """
import time
now, calls = time.time, [0]
def time_back():
    calls[0] += 1
    return now() - 3600 * calls[0]
time.time = time_back
"""
"""A `sitecustomize` for every process of a run: each time that somebody looks at the clock, it is an hour earlier."""
NAMES = [
    "with spaces and 'quotes'",
    "ünïcödé-数据-🙂",
    "new\nline\tand tab",
    "-dash",
    "per%cent$HOME*?[a]",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(**STANDIN) as made:
        yield made


Calm = Callable[[str], dict[str, bytes]]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, server: Standin) -> Calm:
    """What each kind of run makes where nothing is odd."""

    @cache
    def made(kind: str) -> dict[str, bytes]:
        folder = tmp_path_factory.mktemp(kind)
        done = run(kind, folder, server.url, more=("--workers", "0"))
        assert done.returncode == 0, done
        return files(folder / "to")

    return made


def run(
    kind: str,
    folder: Path,
    url: str,
    before: str = "",
    cwd: str | Path = ROOT,
    more: tuple[str, ...] = ("--workers", "1"),
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    """`ffgen run` into a folder of its own, called by a shell that has done something before."""
    (folder / "to").mkdir(exist_ok=True)
    spec = folder / "spec.json"
    spec.write_text(json.dumps(KINDS[kind][0](url)))
    to = f"{folder}/to/" if kind == "drawn" else f"{folder}/to/out.jsonl"
    home = {"FFGEN_CACHE_DIR": f"{folder}/cache", "FFGEN_STATE_DIR": f"{folder}/state", "HOME": str(folder)}
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        ["bash", "-c", f'{before} exec "$@"', "bash", sys.executable, "-m", "ffgen_cli", "run", spec, "-o", to, *more],
        cwd=cwd,
        env=os.environ | home | {"PYTHONPATH": path} | environ,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )


def same(kind: str, folder: Path, calm: Calm, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done
    assert files(folder / "to") == calm(kind) and leftovers(folder) == []
    assert "Traceback" not in done.stderr


def clock(folder: Path) -> dict[str, Any]:
    (folder / "sitecustomize.py").write_text(ODD_CLOCK)
    return {}


SURROUNDINGS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "a clock that goes backwards": clock,
    "far east": lambda folder: {"TZ": "Pacific/Kiritimati"},
    "a rule for summer time": lambda folder: {"TZ": "XYZ-13:45ABC,J60/2,J300/2"},
    "Turkish": lambda folder: {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "no language": lambda folder: {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII": lambda folder: {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
    "hashes of one kind": lambda folder: {"PYTHONHASHSEED": "1"},
    "hashes of another": lambda folder: {"PYTHONHASHSEED": "4294967295"},
    "for nobody else": lambda folder: {"before": "umask 077;"},
    "for everybody": lambda folder: {"before": "umask 000;"},
    "few files": lambda folder: {"before": "ulimit -n 48;"},
    "a folder that can't be written": lambda folder: {"cwd": "/proc"},
    "no home": lambda folder: {"HOME": "/nonexistent"},
    "threads": lambda folder: {"POLARS_MAX_THREADS": "3", "OMP_NUM_THREADS": "2"},
    "no optimisation": lambda folder: {"PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"},
}
ALWAYS = {("drawn", "a clock that goes backwards"), ("drawn", "few files"), ("drawn", "Turkish"),
          ("asked", "hashes of one kind")}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (kind, where) if (kind, where) in ALWAYS else long(kind, where)
        for kind in ("asked", "drawn", "hybrid")
        for where in SURROUNDINGS
    ],
)
def test_surroundings_change_no_byte(tmp_path: Path, server: Standin, calm: Calm, kind: str, where: str) -> None:
    same(kind, tmp_path, calm, run(kind, tmp_path, server.url, **SURROUNDINGS[where](tmp_path)))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name) if (kind, name) in {("drawn", NAMES[4]), ("asked", NAMES[2])} else long(kind, name)
        for kind in ("asked", "drawn", "hybrid")
        for name in NAMES
    ],
)
def test_any_name_of_a_folder_will_do(tmp_path: Path, server: Standin, calm: Calm, kind: str, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    same(kind, folder, calm, run(kind, folder, server.url, more=("--workers", "0")))


@pytest.mark.parametrize("limit", [16, long(24)])
def test_too_few_files_are_named(tmp_path: Path, server: Standin, limit: int) -> None:
    done = run("drawn", tmp_path, server.url, before=f"ulimit -Sn {limit}; ulimit -Hn {limit};")
    assert done.returncode == 4 and "oo many" in done.stderr and "Traceback" not in done.stderr, done
    assert files(tmp_path / "to") == {}


def test_a_folder_that_is_gone_is_named(tmp_path: Path, server: Standin) -> None:
    gone = f"mkdir '{tmp_path}/gone'; cd '{tmp_path}/gone'; rmdir '{tmp_path}/gone';"
    done = run("drawn", tmp_path, server.url, before=gone)
    assert done.returncode == 4 and "is gone" in done.stderr and "Traceback" not in done.stderr, done


def test_a_name_that_is_no_unicode_is_refused(tmp_path: Path, server: Standin) -> None:
    folder = tmp_path / os.fsdecode(b"no-unicode-\xff")
    folder.mkdir()
    done = run("drawn", folder, server.url)
    assert done.returncode == 2 and "output" in done.stderr and "Traceback" not in done.stderr, done


@pytest.mark.parametrize("kind", [long("asked"), "drawn"])
def test_who_may_read_a_new_file_follows_from_the_umask(tmp_path: Path, server: Standin, kind: str) -> None:
    assert run(kind, tmp_path, server.url, before="umask 027;", more=("--workers", "0")).returncode == 0
    made = [path.stat().st_mode & 0o777 for path in (tmp_path / "to").iterdir()]
    assert set(made) == {0o640}

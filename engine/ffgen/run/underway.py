"""Runs under way on this machine, and what runs that ended early left: a small file each in the state folder, written
when a run begins, every two seconds while it goes, and taken away when it ends well.

A file whose process is dead tells of a run that was killed. One that ended early itself is kept where replies were
paid for: the same command goes on from there.
"""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Literal

from ffgen import __version__
from ffgen.errors import FfgenError, LockedError, UsageError
from ffgen.place import work_folder
from ffgen.run.ledger import now, read_whole, state_folder, write_whole
from ffgen.run.options import STDOUT, Options, Watch, cache_folder
from ffgen.run.report import Progress

try:
    import psutil
except ImportError:
    psutil = None  # type: ignore[assignment]

EVERY = 2.0
_FOLDER = "live"
_NUMBERS = count()
_KEYS = {"pid", "born", "host", "destination", "folders", "cache", "ended", "heard"}
_SILENCE = 600.0
"""Seconds without a word after which a run on another host is taken for dead."""


class Underway:
    """A run's entry, from its begin to its end. Trouble with the state folder never stops a run."""

    def __init__(self, about: dict[str, Any], watch: Watch | None) -> None:
        self._path = os.path.join(state_folder(), _FOLDER, f"{os.getpid()}-{next(_NUMBERS)}.json")
        self._about = about
        self._watch = watch
        self._next = 0.0

    def __enter__(self) -> "Underway":
        with suppress(OSError, FfgenError):
            _forget(self._about)
            self._write()
        return self

    def watch(self, progress: Progress) -> None:
        """Notes where the run stands, seldom, and tells whoever watches."""
        if time.monotonic() >= self._next:
            self._about |= {"phase": progress.phase, "records": progress.records, "wanted": progress.wanted}
            with suppress(FfgenError):
                self._write()
        if self._watch is not None:
            self._watch(progress)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, FfgenError) and self._leaves_something(error):
            self._about |= {"ended": error.what}
            with suppress(FfgenError):
                self._write()
            return
        with suppress(OSError):
            os.unlink(self._path)

    def _leaves_something(self, error: FfgenError) -> bool:
        """Whether there may be replies or work files to go on from, and they are this run's."""
        if isinstance(error, LockedError | UsageError):
            return False
        return bool(self._about["asks"]) or any(map(os.path.isdir, self._about["folders"]))

    def _write(self) -> None:
        write_whole(self._path, {**self._about, "heard": now()})
        self._next = time.monotonic() + EVERY


def begin(
    options: Options, paths: Sequence[str], *, dataset: str, seed: int, wanted: int, needs: Sequence[str], name: str
) -> dict[str, Any]:
    """What the entry of a run says that begins now. `paths` are its files; `needs` are the fingerprints under which
    its replies are kept, none where it asks nobody; `name` is its spec's hash."""
    return {
        "pid": os.getpid(),
        "born": born(os.getpid()),
        "host": platform.node(),
        "version": __version__,
        "dataset": dataset,
        "destination": options.to if options.to == STDOUT else os.path.abspath(options.to) + _slash(options.to),
        "folders": [work_folder(path) for path in paths if path != STDOUT],
        "spec_hash": name,
        "seed": seed,
        "asks": bool(needs),
        "needs": list(needs),
        "cache": os.path.abspath(cache_folder(options.cache_dir)) if needs else "",
        "started": now(),
        "phase": "starting",
        "records": 0,
        "wanted": wanted,
        "ended": "",
    }


def _slash(path: str) -> str:
    return "/" if path.endswith("/") else ""


def uses_cache(folder: str) -> int:
    """The process of a run under way that keeps its replies in this folder; 0 when there is none."""
    for _, told in entries():
        if told.get("cache") == os.path.abspath(folder) and state_of(told) == "running":
            return int(told["pid"])
    return 0


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every entry that can be read, and where it is."""
    folder = os.path.join(state_folder(), _FOLDER)
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return
    for name in names:
        told = read_whole(os.path.join(folder, name))
        if _KEYS <= told.keys():
            yield os.path.join(folder, name), told


def state_of(told: dict[str, Any]) -> Literal["running", "stopped", "killed", "elsewhere"]:
    """`stopped` ended early by itself, `killed` did not get to, `elsewhere` has a process on another host."""
    if told["ended"]:
        return "stopped"
    if told["host"] != platform.node():
        return "elsewhere" if seconds_between(told["heard"], now()) < _SILENCE else "killed"
    return "running" if born(told["pid"]) == told["born"] else "killed"


def seconds_between(start: str, end: str) -> float:
    """Seconds from one moment of the ledger to another, never less than 0."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def born(pid: int) -> float:
    """A number that no other process with this pid has; 0 when there is none. Of Linux, it is one that stays when
    somebody sets the clock."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            told = file.read().rpartition(b")")[2].split()
        return 0.0 if told[0] in (b"Z", b"X") else float(told[19])
    except (OSError, IndexError):
        if os.path.exists("/proc/self/stat") or psutil is None:
            return 0.0
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _forget(about: dict[str, Any]) -> None:
    """Takes away what tells of runs that this one goes on from, or over."""
    for path, told in entries():
        same = all(told.get(key) == about[key] for key in ("spec_hash", "destination"))
        over = set(told["folders"]) & set(about["folders"])
        if (same or over) and state_of(told) in ("killed", "stopped"):
            os.unlink(path)

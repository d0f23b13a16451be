"""`python -m tests.run.drive JSON`: one `ffgen.run` in a process that may be killed; and what a test needs around it.

The process prints its report on standard error and ends with the error's exit code, as the command line does.
"""

import faulthandler
import importlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

import ffgen
from ffgen.errors import FfgenError

ROOT = Path(__file__).parents[2]
MARK = "FFGEN_TEST_MARK"
KILLED = -signal.SIGKILL
OLD = b"what was here before\n"
FIELDS = [
    {"name": "name", "type": "string", "length": [3, 40]},
    {"name": "age", "type": "integer", "range": [18, 90]},
    {"name": "status", "type": "enum", "values": ["new", "active", "closed"]},
]
FAULTS = {"malformed": 0.05, "wrong": 0.05, "http500": 0.03, "reset": 0.03, "half": 0.04}


def spec(url: str | list[str], count: int = 96, fields: Any = None, **model: Any) -> dict[str, Any]:
    """A small spec: batches of 8, 4 in flight unless said. Keys of `dataset` go in `dataset`, all others in `model`."""
    shape = {"name": "people", "count": count, "fields": fields or FIELDS, **model.pop("dataset", {})}
    return {"model": {"endpoint": url, "batch_size": 8, "concurrency": 4, **model}, "dataset": shape}


@dataclass(frozen=True)
class Done:
    """A run that ended: its exit code, and its report or its error."""

    code: int
    report: dict[str, Any]
    error: str
    seconds: float


class Run:
    """A run under way, in a session of its own."""

    def __init__(self, options: dict[str, Any], environ: dict[str, str], **streams: Any) -> None:
        self.mark = uuid.uuid4().hex
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.run.drive", json.dumps(options)],
            cwd=ROOT,
            env=os.environ | {MARK: self.mark} | environ,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **streams,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[psutil.Process]:
        """The processes that it started, those of theirs too."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def end(self, timeout: float = 40.0) -> Done:
        """Waits for the end; no process of the run may be left after it."""
        try:
            _, said = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.hung()) from None
        seconds = time.monotonic() - self.began
        left = wait_for(lambda: not marked(self.mark), 5.0)
        assert left, f"left behind: {marked(self.mark)}"
        text = said.decode()
        try:
            told = json.loads(text.splitlines()[-1]) if text else {}
        except json.JSONDecodeError:
            told = {"error": text}
        return Done(self.process.returncode, told, str(told.get("error", "")), seconds)

    def hung(self) -> str:
        """What a run that does not end is doing: its processes, and where the coordinator stands."""
        there = marked(self.mark)
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(0.5)
        self.process.kill()
        return "\n".join([*there, self.process.communicate()[1].decode()])

    def stop(self) -> None:
        """Kills what is left of it, for tests that failed."""
        self.process.kill()
        self.process.communicate()


def marked(mark: str) -> list[str]:
    """The processes with this mark in their environment."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid}: {' '.join(process.info['cmdline'] or [])}")
        except psutil.Error:
            continue
    return found


def wait_for(happened: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it happened in time."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Site:
    """A folder for runs: destinations, and a cache of its own unless said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.started: list[Run] = []

    def path(self, name: str = "out.jsonl") -> Path:
        return self.folder / name

    def cold(self) -> None:
        """From here on, no reply is kept."""
        self.cache = self.folder / f"cache-{uuid.uuid4().hex[:8]}"

    def start(
        self, source: dict[str, Any], to: str = "out.jsonl", points: str = "", streams: Any = None, **options: Any
    ) -> Run:
        """Starts a run in a process. `points` are fail points; `patch` maps dotted names of ffgen to values."""
        path = to if to == "-" else f"{self.folder}/{to}"
        told = {"source": source, "to": path, "cache_dir": str(self.cache), **options}
        run = Run(told, {"FFGEN_FAILPOINTS": points}, **(streams or {"stdout": subprocess.DEVNULL}))
        self.started.append(run)
        return run

    def run(self, source: dict[str, Any], to: str = "out.jsonl", points: str = "", **options: Any) -> Done:
        """A run in a process, to its end."""
        return self.start(source, to, points, **options).end()

    def here(self, source: dict[str, Any], to: str = "out.jsonl", **options: Any) -> ffgen.Report:
        """A run in this process, inline unless `workers` says else."""
        made = ffgen.run(source, self.path(to), cache_dir=str(self.cache), **options)
        assert isinstance(made, ffgen.Report)
        return made

    def digest(self, name: str = "out.jsonl") -> str:
        return sha256(self.path(name).read_bytes()).hexdigest()

    def leftovers(self) -> list[str]:
        """Work folders that are still there."""
        return [path.name for path in self.folder.iterdir() if path.name.startswith(".")]


@contextmanager
def sites(folder: Path) -> Iterator[Site]:
    """A site whose processes are gone afterwards."""
    site = Site(folder)
    try:
        yield site
    finally:
        for run in site.started:
            run.stop()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def kill_one(run: Run, chance: random.Random) -> str:
    """SIGKILL to the coordinator or to one of its processes, whichever chance picks."""
    victims = [run.pid, *(child.pid for child in run.children())]
    victim = chance.choice(victims)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return "nobody"
    return "coordinator" if victim == run.pid else "child"


def hang(*_: Any) -> None:
    """In place of what a disk that answers no more does."""
    time.sleep(3600)


def main(options: dict[str, Any]) -> int:
    """One run, as told; its exit code."""
    faulthandler.register(signal.SIGUSR1)
    for name, value in options.pop("patch", {}).items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, hang if value == "hang" else value)
    for name, value in options.pop("limits", {}).items():
        resource.setrlimit(getattr(resource, name), (value, value))
    try:
        report = ffgen.run(options.pop("source"), options.pop("to"), **options)
    except FfgenError as error:
        sys.stderr.write(json.dumps({"error": str(error), "kind": type(error).__name__}) + "\n")
        return error.exit_code
    assert isinstance(report, ffgen.Report)
    names = ("records", "requests", "kept", "replies", "retries", "workers", "resumed")
    told: dict[str, Any] = {name: getattr(report, name) for name in names}
    told["memory"] = [use.peak_memory for use in report.processes]
    sys.stderr.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))

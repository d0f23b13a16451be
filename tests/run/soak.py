"""`python -m tests.run.soak --minutes 10 --seed 1`: runs of every kind, and something happens to them each second.

A run is killed in part or whole, stopped and let go, told to end, given a full disk; its server fails, hangs and goes
away. Then the same command runs again, and again, at last undisturbed. It holds that the bytes are those of a calm run,
that no process and no temporary file is left, that the replies are sound, and that every exit code says what happened.
Prints a line a run and what came of all; ends with 1 when anything was not as it should be.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.run.cut import PATCH, files, leftovers
from tests.run.drive import Done, Run, Site
from tests.run.scenes import OLD, Stage, asked, hybrid
from tests.run.test_bytes import MEASURES, SHOP
from tests.standin import Standin, start

Source = dict[str, Any]
BASE = {"slots": 8, "latency": 0.08, "jitter": 0.08, "duplicates": 0.2, "mention": True, "drop": 0.05}
"""What the server always does; all of it follows from what is asked."""
MOODS: list[dict[str, Any]] = [
    {}, {}, {"http500": 0.3}, {"http503": 0.2}, {"http429": 0.3, "retry_after": 0.2}, {"reset": 0.3}, {"half": 0.3},
    {"hang": 0.1}, {"reject_over": 1, "retry_after": 0.1},
]  # fmt: skip
"""What it does for a while: nothing of it is a reply. (`drip` would be one, and another than `drop` makes of it.)"""
CALM: dict[str, Any] = {"http500": 0.0, "http503": 0.0, "http429": 0.0, "reset": 0.0, "half": 0.0, "hang": 0.0,
                        "reject_over": None}  # fmt: skip
GENTLE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TRIES = 6
"""Disturbed runs of one command at most."""


def larger(source: Source, count: int) -> Source:
    """A spec that takes some seconds."""
    model = {**source["model"], "concurrency": 4, "patience": "20s", "timeout": "2s"}
    return {**source, "model": model, "dataset": {**source["dataset"], "count": count}}


def shop() -> Source:
    """The shop, six times as large, with labels to write."""
    made: Source = json.loads(json.dumps(SHOP))
    products, customers, *_ = made["tables"]
    products["count"], customers["count"] = 4000, 9000
    customers["fields"][2]["range"] = [1, 9000]
    customers["imperfections"] = {"nulls": {"since": 0.1}}
    return made


def kinds(url: str) -> dict[str, tuple[Source, str, dict[str, Any]]]:
    """What is run: a spec, where its records go, and what else is said."""
    gated = {**MEASURES, "dataset": {**MEASURES["dataset"], "count": 150_000, "unique_by": ["sensor", "hour", "value"]}}
    return {
        "asked": (larger(asked(url), 500), "out.jsonl.zst", {}),
        "parts": (larger(asked(url), 400), "out/", {"format": "parquet"}),
        "drawn": (gated, "out.csv.gz", {}),
        "columns": (gated, "out.parquet", {}),
        "tables": (shop(), "out/{table}.csv", {"labels": "labels.jsonl"}),
        "hybrid": (larger(hybrid(url), 400), "out.parquet", {}),
    }


@dataclass
class Soak:
    """One soak: its chance, its server, its counts."""

    seed: int
    folder: Path
    server: Standin
    only: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)
    calm: dict[str, dict[str, bytes]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    sayings: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    cycles: int = 0
    failures: list[str] = field(default_factory=list)

    def go(self, seconds: float) -> None:
        """Cycles until the time is up."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.chance = random.Random(f"{self.seed} {self.cycles}")
            kind = self.chance.choice(self.only or sorted(kinds("")))
            try:
                self.cycle(kind, end)
            except AssertionError as error:
                self.failures.append(f"seed {self.seed}, cycle {self.cycles}, {kind}: {str(error)[:2000]}")
                say(f"FAILED {self.failures[-1]}")
            self.cycles += 1

    def cycle(self, kind: str, end: float) -> None:
        """One command, disturbed until it gets through, then once more in peace."""
        site = Site(self.folder / f"{self.cycles}-{kind}")
        source, to, options = self.placed(kind, site)
        told: list[str] = []
        for _ in range(self.chance.randint(1, TRIES)):
            run = site.start(source, to, workers=self.chance.choice([0, 1, 1, 2, 2]), patch=self.patch(), **options)
            happened = self.disturb(run)
            self.runs += 1
            done = run.end(90.0)
            self.server.set(**BASE, **CALM)
            self.hold(done, happened, site)
            self.codes[done.code] += 1
            told.append(f"{'+'.join(happened) or 'nothing'}={done.code}")
            if done.code == 70:
                self.sayings[re.sub(r"\d+", "N", done.error)] += 1
            if done.code == 0 or time.monotonic() > end:
                break
        done = site.run(source, to, workers=1, patch=self.patch(), **options)
        assert done.code == 0, (told, done)
        made, calm = files(site.folder), self.peace(kind)
        odd = [name for name in sorted(made.keys() | calm.keys()) if made.get(name) != calm.get(name)]
        assert not odd, f"{odd} in {self.kept(site)} after {told}"
        assert leftovers(site.folder) == [], f"{leftovers(site.folder)} in {self.kept(site)} after {told}"
        Stage(kind, site.folder, "", None).holds()  # type: ignore[arg-type]
        say(f"{self.cycles:4d} {kind:8s} {' '.join(told)}")

    def kept(self, site: Site) -> Path:
        """A folder that is to be looked at, out of the way of the broom."""
        there = Path(tempfile.mkdtemp(prefix="soaked-"))
        shutil.copytree(site.folder, there / site.folder.name, symlinks=True)
        calm = self.folder / f"calm-{site.folder.name.partition('-')[2]}"
        if calm.exists():
            shutil.copytree(calm, there / calm.name, symlinks=True)
        return there

    def placed(self, kind: str, site: Site) -> tuple[Source, str, dict[str, Any]]:
        """What to run, in a folder where something may be already."""
        site.folder.mkdir()
        source, to, options = kinds(self.server.url)[kind]
        if "/" in to:
            (site.folder / "out").mkdir()
        elif self.chance.random() < 0.5:
            site.path(to).write_bytes(OLD)
        return (
            source,
            to,
            {name: str(site.path(value)) if name == "labels" else value for name, value in options.items()},
        )

    def patch(self) -> dict[str, Any]:
        return {**PATCH, "ffgen.run.saving.SECONDS_APART": 0.2, "ffgen.plan.tables.SHARD_ROWS": 4096}

    def peace(self, kind: str) -> dict[str, bytes]:
        """What a calm run makes; made once."""
        if kind not in self.calm:
            site = Site(self.folder / f"calm-{kind}")
            source, to, options = self.placed(kind, site)
            done = site.run(source, to, workers=0, patch=self.patch(), **options)
            assert done.code == 0, done
            self.calm[kind] = files(site.folder)
        return self.calm[kind]

    def hold(self, done: Done, happened: list[str], site: Site) -> None:
        """An end that follows from what happened, and says so."""
        told = (happened, done)
        assert "Traceback" not in done.error or done.code < 0 or "KeyboardInterrupt" in done.error, told
        assert "bug" not in done.error.replace("Please report", ""), told
        allowed = {0}
        if any(each.startswith("kill") for each in happened):
            allowed |= {-signal.SIGKILL, 70}
        for number in GENTLE:
            if number.name in happened:
                allowed |= {128 + number, -number, 1}
        if "full" in happened:
            allowed |= {4}
        if any(each.startswith("server") for each in happened):
            allowed |= {5}
        assert done.code in allowed, told
        seen, whole = files(site.folder), None
        for name, content in seen.items():
            if content != OLD and name.startswith("out"):
                whole = whole or self.peace(site.folder.name.partition("-")[2])
                assert content == whole.get(name), (name, "is half there", told)

    def disturb(self, run: Run) -> list[str]:
        """Something each second, until the run is over."""
        happened: list[str] = []
        ways = [self.kill, self.kill, self.stand, self.signal, self.full, self.mood, self.mood, self.mood]
        self.server.set(**BASE, **CALM)
        pause = self.chance.uniform(0.4, 2.0)
        for _ in range(20):
            with contextlib.suppress(Exception):
                run.process.wait(pause)
            if run.process.poll() is not None:
                return happened
            with contextlib.suppress(psutil.Error, ProcessLookupError, IndexError):
                what = self.chance.choice(ways)(run)
                happened.append(what)
                self.faults[what] += 1
            pause = self.chance.uniform(0.6, 1.4)
        self.server.set(**BASE, **CALM)
        return happened

    def victim(self, run: Run) -> psutil.Process:
        return self.chance.choice([psutil.Process(run.pid), *run.children()])

    def kill(self, run: Run) -> str:
        victim = self.victim(run)
        victim.kill()
        return "kill" if victim.pid == run.pid else "kill-child"

    def stand(self, run: Run) -> str:
        """One process stands still for a while, or all."""
        whom = [self.victim(run)] if self.chance.random() < 0.7 else [psutil.Process(run.pid), *run.children()]
        for each in whom:
            each.suspend()
        time.sleep(self.chance.uniform(0.1, 2.0))
        for each in whom:
            with contextlib.suppress(psutil.Error):
                each.resume()
        return "stand"

    def signal(self, run: Run) -> str:
        number = self.chance.choice(GENTLE)
        send = self.chance.choice([os.kill, os.killpg])
        send(run.pid, number)
        return number.name

    def full(self, run: Run) -> str:
        """No file of any of its processes may grow beyond so much, as on a disk that is full."""
        limit = self.chance.choice([4096, 65_536, 1 << 20])
        for each in [psutil.Process(run.pid), *run.children()]:
            each.rlimit(psutil.RLIMIT_FSIZE, (limit, limit))
        return "full"

    def mood(self, run: Run) -> str:
        mood = self.chance.choice(MOODS)
        self.server.set(**BASE, **(CALM | mood))
        return f"server-{next(iter(mood), 'calm')}"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def soak(minutes: float, seed: int, only: list[str]) -> int:
    """Soaks; gives the exit code."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, start(**BASE) as server:
        os.environ["FFGEN_STATE_DIR"] = f"{folder}/state"
        made = Soak(seed, Path(folder), server, only)
        began = time.monotonic()
        made.go(minutes * 60)
        say(f"seed {seed}: {made.cycles} commands, {made.runs} disturbed runs in {time.monotonic() - began:.0f} s")
        say(f"faults {sum(made.faults.values())}: {dict(made.faults.most_common())}")
        say(f"exit codes {dict(made.codes.most_common())}")
        for what, times in made.sayings.most_common():
            say(f"70: {times} times: {what}")
        say(f"failures {len(made.failures)}")
        for failure in made.failures:
            say(failure)
        return 1 if made.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.run.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], choices=sorted(kinds("")), metavar="KIND")
    chosen = parser.parse_args()
    return soak(chosen.minutes, chosen.seed, chosen.only)


if __name__ == "__main__":
    sys.exit(main())

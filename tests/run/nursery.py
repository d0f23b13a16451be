"""`python -m tests.run.nursery`: runs of `tests.run.drive` that need not import everything first.

A process that has imported all that a run needs forks one for each run, in a session of its own, so a run that is
killed costs a tenth of a second. A line of JSON on standard input orders one, another answers what became of it.
"""

import contextlib
import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.run import drive
from tests.run.drive import ROOT, wait_for

from ffgen import failpoint

WARM = ["ffgen.api", "ffgen.run.draw", "ffgen.run.carry", "ffgen.run.complete", "ffgen.run.drawer", "ffgen.run.worker"]
PATIENCE = 60.0
"""Seconds after which a run hangs; it is asked where, and killed."""


@dataclass(frozen=True)
class Outcome:
    """A run that ended. `passed`: how often each armed fail point was, where the process lived to tell."""

    code: int
    error: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    said: str = ""

    def reached(self, point: str, n: int) -> bool:
        """Whether a fail point did what it was armed for at its nth time."""
        return self.code == drive.KILLED or self.passed.get(point, 0) >= n


class Nursery:
    """The other side of such a process."""

    def __init__(self) -> None:
        environ = os.environ | {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.run.nursery"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, source: dict[str, Any], to: str, points: str = "", **options: Any) -> Outcome:
        """One run to its end; no process of it is left after that."""
        order = {"source": source, "to": to, **options}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([order, points]).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        pid = answer.pop("pid")
        assert wait_for(lambda: not session(pid), 5.0), f"left behind: {session(pid)}"
        assert not answer.pop("hung"), answer["said"]
        return Outcome(**answer)

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@contextmanager
def nurseries() -> Iterator[Nursery]:
    """One that is gone afterwards."""
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


def session(pid: int) -> list[str]:
    """The processes of a session."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(each.pid) == pid and each.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{each.pid}: {' '.join(each.cmdline())}")
    return found


def bear(options: dict[str, Any], points: str) -> dict[str, Any]:
    """Forks a run, waits for its end, and says what became of it."""
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            live(options, points, said.fileno())
        end = time.monotonic() + PATIENCE
        status, hung = waited(pid), False
        while status is None:
            if not hung and time.monotonic() > end:
                hung, end = True, time.monotonic() + 1.0
                os.kill(pid, signal.SIGUSR1)
            elif hung and time.monotonic() > end:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(0.005)
            status = waited(pid)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return {"pid": pid, "hung": hung, "code": os.waitstatus_to_exitcode(status)} | understood(text)


def waited(pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    return status if done else None


def understood(text: str) -> dict[str, Any]:
    """What a run wrote on standard error, taken apart."""
    found: dict[str, Any] = {"said": text}
    for line in text.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            if "passed" in told:
                found["passed"] = told["passed"]
            elif "error" in told:
                found["error"] = told["error"]
            else:
                found["report"] = told
    return found


def live(options: dict[str, Any], points: str, said: int) -> None:
    """A run, in a process that has just been forked. Does not return."""
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(said, 2)
        os.environ["FFGEN_FAILPOINTS"] = points
        failpoint.arm(points)
        code = drive.main(options)
        os.write(2, json.dumps({"passed": failpoint._passed}).encode() + b"\n")
    except BaseException:
        faulthandler.dump_traceback()
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Orders in, outcomes out, until nobody orders any more."""
    for name in WARM:
        importlib.import_module(name)
    for line in sys.stdin:
        options, points = json.loads(line)
        sys.stdout.write(json.dumps(bear(options, points)) + "\n")
        sys.stdout.flush()


def entries(folder: Path, pattern: str) -> list[str]:
    """What lies below a folder, hidden or not, under such a name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(pattern))


if __name__ == "__main__":
    main()

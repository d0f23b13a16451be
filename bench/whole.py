"""Whole runs of the command, as a user starts them, in processes of their own; and what the kernel says they took."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.customers import ROWS, SPEC, WrongOutput, check

ROOT = Path(__file__).parents[1]
FFGEN = [sys.executable, "-m", "ffgen_cli"]
NOT_OURS = ("FFGEN_", "POLARS_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONSTARTUP")
"""Settings of whoever started the bench that a user does not have: without bytecode, start-up takes a third more."""
TOLD = 1_500
"""Characters of a failed command's last words that are shown."""


class Use(Struct, frozen=True):
    """What a process and all that it started and waited for took."""

    cpu_seconds: float
    wall_seconds: float


class Run(Struct, frozen=True):
    """A finished run, its report, and its use by the kernel's count (every process, start-up included)."""

    report: dict[str, Any]
    use: Use


def ffgen(url: str, count: int, folder: Path, *flags: str, concurrency: int = 8) -> Run:
    """Makes `count` customers with the server at `url`, from an empty store of replies, and checks every one."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        out, said = Path(made, "out.jsonl"), Path(made, "report.json")
        line = ["run", str(SPEC), "-n", str(count), "-o", str(out), "--endpoint", url, "--model", "standin"]
        line += ["--batch-size", str(ROWS), "--concurrency", str(concurrency), "--cache-dir", str(Path(made, "kept"))]
        line += ["--report", str(said), "--progress", "none", *flags]
        use = spend([*FFGEN, *line], made)
        check(out, count)
        return Run(msgspec.json.decode(said.read_bytes()), use)


def spend(line: list[str], folder: str, **settings: str) -> Use:
    """Runs a command to its end, away from the settings of whoever started the bench, but with these. WrongOutput when
    it fails."""
    own = environment() | settings
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(line, stdout=said, stderr=said, cwd=folder, env=own)
        # Not `wait`: only wait4 tells what this very child took, its own children with it.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        if process.returncode:
            said.seek(0)
            told = said.read().decode(errors="replace")[-TOLD:]
            raise WrongOutput(f"{' '.join(line)} ended with {process.returncode}: ...{told}")
    return Use(used.ru_utime + used.ru_stime, wall)


def environment() -> dict[str, str]:
    """What a command is started with: a user's settings, and this folder to import from."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
    own["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [own.get("PYTHONPATH")])])
    return own


def warm(folder: Path, size: int = 2 << 30) -> None:
    """Writes and removes a file, so that the system has memory at hand for files to come.

    A virtual machine gives free memory back to its host after seconds, and whoever writes next waits for it: up to
    2 us a 4 KiB page, four times what writing takes. A quarter of a second, or three when it was all gone.
    """
    path, block = folder / "warm", bytes(1 << 20)
    size = min(size, shutil.disk_usage(folder).free // 4)
    with path.open("wb", buffering=0) as file:
        for _ in range(size >> 20):
            file.write(block)
    path.unlink()

"""Do two workers make twice as much, and how long does a small run take from the first key stroke?

Rows a second by the wall, of 8 million rows of `reference.yaml` with one worker and with two, start-up included. To
Parquet: as JSON Lines they are 1.9 GB, and a slow disk would be what is measured. Where there is one core only, the
figure is left out.

A small run is one of 10,000 rows to a pipe, inline as ffgen itself decides: seconds to the first byte and to the end.
Beside them stands what `python -c "import polars"` takes in the same minute, for the ratio. Each is the best of some
tries, which take turns.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench import rounds, whole
from bench.compare import Figure
from bench.customers import WrongOutput
from bench.draw import SPEC
from ffgen.posix import cores

ROWS, QUICK_ROWS = 8_000_000, 2_000_000
SMALL = 10_000
TURNS = 3
TRIES = 7


def measure(folder: Path, quick: bool) -> list[Figure]:
    """All figures; about a minute."""
    return [*speed_up(folder, QUICK_ROWS if quick else ROWS, 1 if quick else TURNS), *small(3 if quick else TRIES)]


def speed_up(folder: Path, rows: int, turns: int) -> list[Figure]:
    """Rows a second of two workers over one's."""
    name, best = "parallel.two_workers", {1: float("inf"), 2: float("inf")}
    if cores() < 2:
        return [Figure(name=name, value=float("nan"), is_ratio=False, note="skipped: there is one core")]
    for _ in range(turns):
        for workers in best:
            path = folder / "rows.parquet"
            line = [*whole.FFGEN, "run", str(SPEC), "--local", "-n", str(rows), "-o", str(path)]
            use = whole.spend([*line, "--workers", str(workers), "--progress", "none", "--quiet"], str(folder))
            best[workers] = min(best[workers], use.wall_seconds)
            path.unlink()
    note = ", ".join(f"{workers}: {rows / seconds:,.0f} rows/s" for workers, seconds in best.items())
    return [Figure(name=name, value=best[1] / best[2], limit=1.6, note=note)]


def small(tries: int) -> list[Figure]:
    """Seconds of a small run, and how many times an import of polars that is."""
    first, last, bare = float("inf"), float("inf"), float("inf")
    for _ in range(tries):
        begun, done = small_run()
        first, last, bare = min(first, begun), min(last, done), min(bare, polars_import())
    note = f"importing polars {bare:.2f} s"
    return [
        Figure(name="parallel.first_byte", value=first, better="lower", limit=0.8, is_ratio=False, note=f"s; {note}"),
        Figure(name="parallel.small_run", value=last, better="lower", limit=1.2, is_ratio=False, note=f"s; {note}"),
        Figure(name="parallel.first_byte_over_import", value=first / bare, better="lower", note=note),
        Figure(name="parallel.small_run_over_import", value=last / bare, better="lower", note=note),
    ]


def small_run() -> tuple[float, float]:
    """Seconds to the first byte and to the end of a run to a pipe."""
    line = [*whole.FFGEN, "run", str(SPEC), "--local", "-n", str(SMALL), "-o", "-", "--progress", "none", "--quiet"]
    began = time.monotonic()
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=whole.environment(), cwd=whole.ROOT) as process:
        assert process.stdout is not None
        descriptor, rows = process.stdout.fileno(), 0
        rows += os.read(descriptor, 1 << 16).count(b"\n")
        first = time.monotonic() - began
        while data := os.read(descriptor, 1 << 20):
            rows += data.count(b"\n")
    last = time.monotonic() - began
    if process.returncode or rows != SMALL:
        raise WrongOutput(f"{' '.join(line)} ended with {process.returncode} after {rows} rows.")
    return first, last


def polars_import() -> float:
    """Seconds of the least that a program of polars takes."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import polars"], env=whole.environment(), check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(rounds.main({"parallel": measure}, about=__doc__))

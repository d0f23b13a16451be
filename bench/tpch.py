"""How fast is a table of TPC-H beside the fastest generator that there is of it?

`lineitem` as CSV from `specs/tpch/tpch.yaml`, one worker, over `tpchgen-cli` (Rust, made for these tables alone) with
one thread: rows per CPU second of the whole process tree, by the kernel's count (wait4), as the slope between two
scales, so that start-up is in neither.
"""

import sys
from pathlib import Path

from bench import rounds, whole
from bench.compare import Figure
from bench.customers import WrongOutput

SPEC = whole.ROOT / "specs" / "tpch" / "tpch.yaml"
PEER = Path(sys.executable).with_name("tpchgen-cli")
SIZES = (0.2, 1.0)
QUICK_SIZES = (0.1, 0.4)
LIMIT = 0.6
TABLES = {"supplier": 10_000, "part": 200_000, "customer": 150_000, "orders": 1_500_000}
"""Rows at scale 1 of the tables that say how many."""


def measure(folder: Path, quick: bool) -> list[Figure]:
    """The peer's CPU time a row over ours; about 20 seconds."""
    scales = QUICK_SIZES if quick else SIZES
    cost = {make.__name__: slope([make(scale, folder) for scale in scales]) for make in (theirs, ours)}
    note = f"{cost['ours']:.0f} ns a row, tpchgen-cli {cost['theirs']:.0f}"
    return [Figure(name="tpch.lineitem", value=cost["theirs"] / cost["ours"], limit=LIMIT, note=note)]


def ours(scale: float, folder: Path) -> tuple[int, float]:
    """Rows, and CPU seconds, of lineitem at a scale."""
    out = folder / "ours.csv"
    counts = [part for table, rows in TABLES.items() for part in ("-n", f"{table}={round(rows * scale)}")]
    line = [sys.executable, "-m", "ffgen_cli", "run", str(SPEC), "--table", "lineitem", "-o", str(out), *counts]
    used = whole.spend([*line, "--workers", "1", "--progress", "none"], str(folder))
    return counted(out, scale), used.cpu_seconds


def theirs(scale: float, folder: Path) -> tuple[int, float]:
    """The same of the peer."""
    out = folder / "theirs"
    line = [str(PEER), "csv", "-s", str(scale), "--tables", "lineitem", "--num-threads", "1", "--quiet"]
    used = whole.spend([*line, "--overwrite", "--output-dir", str(out)], str(folder))
    return counted(out / "lineitem.csv", scale), used.cpu_seconds


def counted(path: Path, scale: float) -> int:
    """Rows of a CSV file, which goes away; WrongOutput when they can't be lineitem's at this scale."""
    rows = -1
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            rows += piece.count(b"\n")
    path.unlink()
    if abs(rows / (6_001_215 * scale) - 1) > 0.01:
        raise WrongOutput(f"{path.name} has {rows} rows at scale {scale}")
    return rows


def slope(runs: list[tuple[int, float]]) -> float:
    """Nanoseconds of CPU that one more row takes."""
    (few, first), (many, last) = runs
    return (last - first) / (many - few) * 1e9


if __name__ == "__main__":
    sys.exit(rounds.main({"tpch": measure}, about=__doc__))

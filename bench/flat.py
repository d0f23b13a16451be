"""Does memory grow with the number of drawn rows?

Peak memory of all processes of the run (each one's own high-water mark, added up) at 20 million rows of
`reference.yaml` over that at 1 million, with one worker and to Parquet, whose footer grows with every row group. Once
more with a unique field that only the gate keeps apart, its set bounded by 8 MiB so that it goes to disk.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bench import rounds, whole
from bench.compare import Figure
from bench.draw import SPEC
from bench.memory import peaks

SIZES, QUICK_SIZES = (1_000_000, 20_000_000), (1_000_000, 4_000_000)
LIMIT = 1.1
GATED: dict[str, Any] = {
    "dataset": {
        "name": "gated",
        "count": 1,
        "fields": [{"name": "amount", "type": "number", "decimals": 9, "unique": True, "generator": "lognormal"}],
    }
}


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Two ratios; about two minutes."""
    gated = folder / "gated.yaml"
    gated.write_text(yaml.safe_dump(GATED))
    sizes = QUICK_SIZES if quick else SIZES
    return [growth("flat.growth", SPEC, sizes, folder), growth("flat.gated_growth", gated, sizes, folder)]


def growth(name: str, spec: Path, sizes: tuple[int, int], folder: Path) -> Figure:
    """The peak of a large run over that of a small one."""
    small, large = (peaks(run(spec, rows, folder)) for rows in sizes)
    note = ", ".join(f"{role} {small[role] >> 20} to {large[role] >> 20} MiB" for role in small)
    return Figure(name=name, value=sum(large.values()) / sum(small.values()), better="lower", limit=LIMIT, note=note)


def run(spec: Path, rows: int, folder: Path) -> whole.Run:
    """A run with its report."""
    out, said = folder / "rows.parquet", folder / "report.json"
    line = [*whole.FFGEN, "run", str(spec), "--local", "-n", str(rows), "-o", str(out), "--workers", "1"]
    line += ["--dedup-memory", "8MiB", "--report", str(said), "--progress", "none", "--quiet"]
    use = whole.spend(line, str(folder))
    out.unlink()
    return whole.Run(msgspec.json.decode(said.read_bytes()), use)


if __name__ == "__main__":
    sys.exit(rounds.main({"flat": measure}, about=__doc__))

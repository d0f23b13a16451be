"""Does memory grow with the number of records?

Peak memory of all processes of the run (each one's own high-water mark, added up) at 1,000,000 records over that at
100,000. What the gate's set takes is not taken off, though the promise would allow it: the set's bound is set to
8 MiB here, so that a million keys go past it and to disk.
"""

import sys
from pathlib import Path

from tests import standin

from bench import rounds, whole
from bench.compare import Figure

SIZES = (100_000, 1_000_000)
QUICK_SIZES = (20_000, 100_000)
BOUND = "8MiB"


def measure(folder: Path, quick: bool) -> list[Figure]:
    """The growth as a ratio; about a minute."""
    small, large = QUICK_SIZES if quick else SIZES
    with standin.start(slots=8, latency=0.001, ready=True) as server:
        first, second = (peaks(whole.ffgen(server.url, n, folder, "--dedup-memory", BOUND)) for n in (small, large))
    note = ", ".join(f"{role} {first[role] >> 20} to {second[role] >> 20} MiB" for role in first)
    return [
        Figure(
            name="memory.growth",
            value=sum(second.values()) / sum(first.values()),
            better="lower",
            limit=1.2,
            note=note,
        )
    ]


def peaks(run: whole.Run) -> dict[str, int]:
    """Bytes by role, workers added up."""
    found: dict[str, int] = {}
    for process in run.report["processes"]:
        found[process["role"]] = found.get(process["role"], 0) + process["peak_memory"]
    return found


if __name__ == "__main__":
    sys.exit(rounds.main({"memory": measure}, about=__doc__))

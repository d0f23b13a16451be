"""What does one more record cost, in CPU time of the whole process tree?

The slope between a run of 100,000 records and one of 400,000, at 32 a reply on a stand-in that answers from ready
rows after a millisecond, so that start-up (interpreters, imports) is not in it and HTTP, decoding, checks, hashes,
the gate, the store of replies and the writer are. By the kernel's count of the command and all it started (wait4).
The ratio is over what the bare loop, which only asks, takes for as many records in its one process.
"""

import sys
from pathlib import Path

from tests import standin

from bench import peer, rounds, whole
from bench.compare import Figure
from bench.customers import ROWS

SIZES = (100_000, 400_000)
QUICK_SIZES = (32_000, 128_000)
LIMIT = 20.0
"""Microseconds of CPU a record."""


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Microseconds a record, and the ratio to the bare loop; about half a minute."""
    small, large = QUICK_SIZES if quick else SIZES
    with standin.start(slots=8, latency=0.001, ready=True) as server:
        first = whole.ffgen(server.url, small, folder)
        bare = peer.loop(server.url, large // ROWS, folder)
        second = whole.ffgen(server.url, large, folder)
    cost = (second.use.cpu_seconds - first.use.cpu_seconds) / (large - small) * 1e6
    asking = bare.cpu_seconds / (bare.requests * ROWS) * 1e6
    roles = by_role(second.report, first.report, large - small)
    return [
        Figure(name="cpu.us_a_record", value=cost, better="lower", limit=LIMIT, is_ratio=False, note=roles),
        Figure(name="cpu.over_bare", value=cost / asking, better="lower", note=f"bare loop {asking:.2f} us a record"),
    ]


def by_role(large: dict[str, list[dict[str, float]]], small: dict[str, list[dict[str, float]]], rows: int) -> str:
    """Where the microseconds go, by the run's own report."""
    spent: dict[str, float] = {}
    for report, sign in ((large, 1), (small, -1)):
        for process in report["processes"]:
            role = str(process["role"])
            spent[role] = spent.get(role, 0.0) + sign * process["cpu_seconds"]
    return ", ".join(f"{role} {seconds / rows * 1e6:.1f}" for role, seconds in spent.items())


if __name__ == "__main__":
    sys.exit(rounds.main({"cpu": measure}, about=__doc__))

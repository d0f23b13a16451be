"""How much of the endpoint's time does ffgen use, when the endpoint has faults and when it has none?

The stand-in has 8 slots, each request holds one for 120 ms (short on purpose: gaps between requests weigh more than
at a model's pace), and counts by its own clock: seconds in which slots were held, over slots times the seconds from
the first request to the last reply. A slot spent on a reply that turns out malformed, or on an HTTP 500, counts as
used: the question is whether slots stand empty, and what was asked again shows in the number of requests beside it.
The figure is ffgen's share over that of the bare loop, which is given as many requests, none of which fails.
ffgen makes exactly N valid and unique records each time, which is checked line by line.
"""

import sys
from pathlib import Path

from tests import standin

from bench import peer, rounds, whole
from bench.compare import Figure
from bench.customers import ROWS

SLOTS = 8
LATENCY = 0.12
CASES: dict[str, tuple[dict[str, float], float]] = {
    "clean": ({}, 0.97),
    "malformed": ({"malformed": 0.2}, 0.95),
    "http500": ({"http500": 0.2}, 0.95),
}


def measure(folder: Path, quick: bool) -> list[Figure]:
    """A ratio for each case, from about two minutes; some 2,000 requests a run at least."""
    requests = 400 if quick else 2_000
    with standin.start(slots=SLOTS, latency=LATENCY, ready=True) as server:
        peer.loop(server.url, requests, folder, SLOTS)
        bare = busy_share(server)
        found = []
        for name, (faults, limit) in CASES.items():
            server.set(**{"malformed": 0, "http500": 0} | faults)
            server.reset()
            whole.ffgen(server.url, requests * ROWS, folder, concurrency=SLOTS)
            share = busy_share(server)
            note = f"{share:.4f} busy, bare loop {bare:.4f}; {server.stats()['requests']} requests"
            found.append(Figure(name=f"utilisation.{name}", value=share / bare, limit=limit, note=note))
    return found


def busy_share(server: standin.Standin) -> float:
    """Busy slot-seconds over slots times the wall span, as the stand-in saw it."""
    stats = server.stats()
    return float(stats["busy_slot_seconds"] / (SLOTS * stats["span_seconds"]))


if __name__ == "__main__":
    sys.exit(rounds.main({"utilisation": measure}, about=__doc__))

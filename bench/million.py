"""Does a million records with one model-written field cost a few hundred calls and a few minutes?

1,000,000 unique records of `specs/reviews.yaml`, whose `situation` is a pool that the model writes: through the
stand-in at 50 tokens/s a slot and 8 slots, from an empty store of replies, the pool included. Five figures: seconds
from the start of the command to its end, distinct values in the output, how often the most frequent value comes up
(over its fair share), requests, and the share of slots that were busy while the pool was made, by the stand-in's own
clock.
The output is read with polars: the right number of lines, all of them different, by their ids and as a whole.
"""

import sys
from pathlib import Path

import polars as pl
from tests import standin

from bench import rounds, whole
from bench.compare import Figure
from bench.customers import WrongOutput
from bench.utilisation import SLOTS, busy_share

SPEC = whole.ROOT / "specs" / "reviews.yaml"
FIELD = "situation"
ROWS, QUICK_ROWS = 1_000_000, 20_000
PACE, QUICK_PACE = 50.0, 2_000.0


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Five figures; two minutes, or ten seconds."""
    rows, pace = (QUICK_ROWS, QUICK_PACE) if quick else (ROWS, PACE)
    with standin.start(slots=SLOTS, pace=pace) as server:
        out = folder / "reviews.jsonl"
        seconds = run(server.url, rows, out, folder)
        stats, busy = server.stats(), busy_share(server)
    values, most = shares(out, rows)
    out.unlink()
    note = f"{rows:,} records, {stats['output_tokens']:,} tokens at {pace:g}/s in {SLOTS} slots"
    return [
        Figure(name="million.seconds", value=seconds, better="lower", limit=600, is_ratio=False, note=note),
        Figure(name="million.values", value=values, limit=5_000, is_ratio=False, note="distinct in the output"),
        Figure(name="million.most", value=most, better="lower", limit=3, is_ratio=False, note="over its fair share"),
        Figure(name="million.requests", value=stats["requests"], better="lower", limit=500, is_ratio=False),
        Figure(name="million.busy", value=busy, limit=0.95, is_ratio=False, note="of the slots, as the pool is made"),
    ]


def run(url: str, rows: int, out: Path, folder: Path) -> float:
    """Runs the command; how long it took, in seconds."""
    line = [*whole.FFGEN, "run", str(SPEC), "-n", str(rows), "-o", str(out), "--endpoint", url, "--model", "standin"]
    line += ["--concurrency", str(SLOTS), "--cache-dir", str(folder / "kept"), "--progress", "none", "--quiet"]
    return whole.spend(line, str(folder)).wall_seconds


def shares(out: Path, rows: int) -> tuple[int, float]:
    """How many values there are in the output, and how often the most frequent one comes up, over its fair share.
    Raises WrongOutput unless there are so many records, all different."""
    made = pl.read_ndjson(out)
    distinct = (made["id"].n_unique(), made.hash_rows(1).n_unique())
    if len(made) != rows or distinct != (rows, rows):
        raise WrongOutput(f"{rows} records were asked for; {len(made)} came, {distinct} distinct by id and in all")
    times = made[FIELD].value_counts()["count"]
    most = times.max()
    assert isinstance(most, int)
    return len(times), most * len(times) / rows


if __name__ == "__main__":
    sys.exit(rounds.main({"million": measure}, about=__doc__))

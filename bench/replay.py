"""What does a record cost once its reply is there? A run whose replies are all kept, in one process.

Store, decoding, checks, hashes, gate and writer, without HTTP and without other processes; also how fast a run that
was cut off comes back. The peer does the least that gives the same file when every reply is good: orjson, a Python
set, one file. Both start from what they have: ffgen from its store, the peer from bytes in memory.
"""

import asyncio
import sys
import time
from pathlib import Path

import orjson
from tests import standin

import ffgen
from bench import customers, peer, rounds
from bench.compare import Figure

COUNT = 32_000


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Seconds of the peer over ffgen's, by the wall; a small part of the two seconds that it takes."""
    return compared(folder, COUNT)


def compared(folder: Path, count: int) -> list[Figure]:
    """The same for a run of `count` records."""
    ours, theirs = folder / "ours.jsonl", folder / "theirs.jsonl"
    with standin.start(slots=8, ready=True) as server:
        maker = peer.maker(count)
        replies: list[bytes] = []
        bodies = [maker.body(index, 0) for index in range(maker.plan.shards.base)]
        asyncio.run(peer.ask(server.url, bodies, 8, replies.append))
        run(server.url, ours, folder, count)
        again = min(timed(run, server.url, ours, folder, count) for _ in range(3))
    least = min(timed(write, replies, maker.record.names, theirs) for _ in range(3))
    customers.check(ours, count)
    customers.check(theirs, count)
    note = f"{again / count * 1e6:.1f} us a record, peer {least / count * 1e6:.1f}"
    return [Figure(name="replay.speed", value=least / again, note=note)]


def run(url: str, out: Path, folder: Path, count: int) -> None:
    """The run, inline."""
    told = {"model.endpoint": url, "model.batch_size": customers.ROWS, "model.concurrency": 8, "dataset.count": count}
    ffgen.run(customers.SPEC, out, assign=told, workers=0, cache_dir=str(folder / "kept"))


def write(replies: list[bytes], names: list[str], out: Path) -> None:
    """The peer."""
    seen = set()
    with out.open("wb") as file:
        for reply in replies:
            for row in orjson.loads(orjson.loads(reply)["message"]["content"])["rows"]:
                line = orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
                if line not in seen:
                    seen.add(line)
                    file.write(line)


def timed(act, *given) -> float:  # type: ignore[no-untyped-def]
    """Seconds by the wall."""
    began = time.perf_counter()
    act(*given)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(rounds.main({"replay": measure}, about=__doc__))

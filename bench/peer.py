"""The peer: a bare aiohttp loop with kept-alive connections and ready bodies. It asks, reads, and throws away.

What nobody who asks with aiohttp can do better than; what ffgen takes above it is the price of its promises.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
import msgspec
import uvloop
from msgspec import Struct

import ffgen
from bench import customers
from bench.whole import spend
from ffgen.shard.asked import Maker

PATH = "/api/chat"


class Loop(Struct):
    """What the loop took, from its first request to its last reply; start-up is not in it."""

    requests: int
    cpu_seconds: float
    wall_seconds: float


def maker(count: int) -> Maker:
    """What makes the bodies of a run of `count` customers on the stand-in."""
    told = {"dataset.count": count, "model.batch_size": customers.ROWS, "model.endpoint": "http://127.0.0.1:1"}
    return Maker(ffgen.plan(ffgen.load(customers.SPEC, assign=told)), "ollama", "standin:latest")


async def ask(url: str, bodies: Sequence[bytes], concurrency: int, take: Callable[[bytes], object]) -> None:
    """Posts all bodies, `concurrency` at a time with no barrier; `take` gets each reply."""
    waiting = iter(bodies)
    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for body in waiting:
                async with session.post(url + PATH, data=body) as response:
                    take(await response.read())

        await asyncio.gather(*[work() for _ in range(concurrency)])


def loop(url: str, requests: int, folder: Path, concurrency: int = 8) -> Loop:
    """The loop, in a process of its own, with the bodies that ffgen would send."""
    made = maker(requests * customers.ROWS)
    given, found = folder / "bodies", folder / "loop.json"
    given.write_bytes(msgspec.msgpack.encode([made.body(index, 0) for index in range(requests)]))
    spend([sys.executable, "-m", "bench.peer", url, str(given), str(concurrency), str(found)], str(folder))
    return msgspec.json.decode(found.read_bytes(), type=Loop)


def main(url: str, given: str, concurrency: str, found: str) -> None:
    """The child's part of `loop`."""
    bodies = msgspec.msgpack.decode(Path(given).read_bytes(), type=list[bytes])
    cpu, wall = time.process_time(), time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask(url, bodies, int(concurrency), len))
    took = Loop(len(bodies), time.process_time() - cpu, time.monotonic() - wall)
    Path(found).write_bytes(msgspec.json.encode(took))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What does the service take, and what does it hold out?

A service of its own. A thousand rows of a description, from the connection to the last byte; the memory of the service
and its makers while it streams a million rows, over that of 200,000; fifty clients at once for a minute, each answer of
which must be the bytes that the same request got alone (`--quick`: five seconds); and the CPU time of a thousand rows
by the service over that of the library alone, in one process, without HTTP.

Seconds depend on the machine, and are held against their limits only.
"""

import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import psutil
from tests.serve.server import Server

from bench import rounds
from bench.compare import Figure
from bench.customers import WrongOutput

TEXT = "customers of a bike shop with names, emails and how much they spent"
ROWS = (200_000, 1_000_000)
CLIENTS, SECONDS, QUICK_SECONDS = 50, 60.0, 5.0
TURNS = 100
ALONE = """
import io, sys, time, ffgen
class Nowhere(io.RawIOBase):
    buffer = property(lambda self: self)
    def write(self, data): return len(data)
def make():
    made = ffgen.draft(sys.argv[1])
    ffgen.run(ffgen.plan(made.spec), "-", format="csv-safe", table=made.finest, workers=0)
told, sys.stdout = sys.stdout, Nowhere()
for _ in range(5): make()
began = time.process_time()
for _ in range(int(sys.argv[2])): make()
print(time.process_time() - began, file=told)
"""
"""What the service does for a request, without the service."""


def measure(folder: Path, quick: bool) -> list[Figure]:
    """All figures; about a minute and a half."""
    with Server(folder / "data", "--jobs", "0") as server:
        return asyncio.run(_measure(server, QUICK_SECONDS if quick else SECONDS))


async def _measure(server: Server, seconds: float) -> list[Figure]:
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=0)) as session:
        before = cpu(server)
        alone = sorted([(await ask(session, TEXT))[0] for _ in range(TURNS)])
        ratio = (cpu(server) - before) / cpu_alone()
        (small, _), (large, took) = [await streamed(server, session, rows) for rows in ROWS]
        times = sorted(await crowd(session, seconds))
    p99 = times[int(len(times) * 0.99)]
    half, rate = statistics.median(times), len(times) / seconds
    return [
        Figure(
            name="serve.thousand_rows_seconds",
            value=statistics.median(alone),
            better="lower",
            limit=1.0,
            is_ratio=False,
            note=f"{alone[0] * 1000:.0f} ms at best, {alone[int(TURNS * 0.99)] * 1000:.0f} at p99",
        ),
        Figure(
            name="serve.million_rows_memory",
            value=large / small,
            better="lower",
            limit=1.15,
            note=f"{small >> 20} MiB at {ROWS[0]:,} rows, {large >> 20} at {ROWS[1]:,}, which took {took:.1f} s",
        ),
        Figure(
            name="serve.p99_of_fifty_seconds",
            value=p99,
            better="lower",
            limit=5.0,
            is_ratio=False,
            note=f"{len(times):,} answers, all right, {rate:.0f} a second, half of them within {half:.2f} s",
        ),
        Figure(
            name="serve.cpu_over_library",
            value=ratio,
            better="lower",
            limit=2.0,
            note="a thousand rows of a description",
        ),
    ]


async def ask(session: aiohttp.ClientSession, text: str, rows: int = 1000) -> tuple[float, bytes]:
    """Seconds to the last byte, and a digest of them all."""
    began, digest = time.perf_counter(), hashlib.sha256()
    async with session.post("/generate", json={"description": text, "rows": rows}) as reply:
        if reply.status != 200:
            raise WrongOutput(f"The service said {reply.status}: {(await reply.text())[:300]}")
        async for piece in reply.content.iter_any():
            digest.update(piece)
    return time.perf_counter() - began, digest.digest()


async def streamed(server: Server, session: aiohttp.ClientSession, rows: int) -> tuple[int, float]:
    """The most memory of the service and all its makers while it streams, and how long that took."""
    answer = asyncio.create_task(ask(session, "customers with names, emails and a city", rows))
    most = 0
    while not answer.done():
        most = max(most, sum(process.memory_info().rss for process in family(server)))
        await asyncio.sleep(0.02)
    return most, (await answer)[0]


async def crowd(session: aiohttp.ClientSession, seconds: float) -> list[float]:
    """Fifty clients, one request after the other each, until the time is over."""
    texts = [f"{TEXT}, {number + 500} customers" for number in range(CLIENTS)]
    expected = [(await ask(session, text))[1] for text in texts]
    until = time.monotonic() + seconds
    took: list[float] = []

    async def client(number: int) -> None:
        while time.monotonic() < until:
            spent, digest = await ask(session, texts[number])
            if digest != expected[number]:
                raise WrongOutput(f"Client {number} got other bytes than the same request alone.")
            took.append(spent)

    await asyncio.gather(*map(client, range(CLIENTS)))
    return took


def family(server: Server) -> list[psutil.Process]:
    """The service and its makers."""
    service = psutil.Process(server.process.pid)
    return [service, *service.children(recursive=True)]


def cpu(server: Server) -> float:
    """CPU seconds that they have used."""
    return sum(sum(process.cpu_times()[:2]) for process in family(server))


def cpu_alone() -> float:
    """CPU seconds of as many answers by the library."""
    line = [sys.executable, "-c", ALONE, TEXT, str(TURNS)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(rounds.main({"serve": measure}, about=__doc__))

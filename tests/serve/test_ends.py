"""How a service and its processes end: silently, whole or visibly cut, and without leaving anything behind."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.serve.server import SECONDS, Server, wait_for

from ffgen.serve.frames import LENGTH
from ffgen.serve.jobs import About
from ffgen.serve.prepare import Errand, Kit
from ffgen.serve.runner import Runner
from ffgen.serve.store import Store
from ffgen.serve.wire import TablePlan

BODY = b'{"description": "customers with names", "rows": 1000000}'
ERRAND = Errand(do="make", description="customers with names", rows=1_000_000)


def streaming(server: Server) -> socket.socket:
    """A stream over HTTP/1.0, to which a closed connection is a good end; of which a little has been read."""
    where = urlsplit(server.url)
    sock = socket.create_connection((str(where.hostname), where.port), timeout=SECONDS)
    head = b"POST /generate HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sock.sendall(head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    assert sock.recv(1000)
    return sock


def test_a_client_that_leaves_and_a_second_signal_leave_nothing(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--makers", "1", "--streams", "1") as server:
        kept = os.listdir(tmp_path / "data" / "tmp")
        streaming(server).close()
        wait_for(lambda: os.listdir(tmp_path / "data" / "tmp") == kept)
        with contextlib.closing(streaming(server)) as sock:
            for _ in range(2):
                server.process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            assert server.process.wait(SECONDS) == 130
            with pytest.raises(ConnectionResetError):
                while sock.recv(1 << 20):
                    pass
        time.sleep(0.3)  # a maker would complain now
        assert server.log.read_text().count("\n") == 1, server.log.read_text()


def framed(message: object) -> bytes:
    data = msgspec.json.encode(message)
    return LENGTH.pack(len(data)) + data


@pytest.mark.parametrize("said", [b"", framed(Kit()), framed(Kit()) + framed(ERRAND)])
def test_a_maker_without_a_service_ends_silently(said: bytes) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ffgen.serve.maker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(said)
    process.stdin.flush()
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    with process.stderr:
        assert process.stderr.read() == b"" and process.wait(SECONDS) == 0


def test_a_runner_that_is_stopped_at_once_is_silent(tmp_path: Path) -> None:
    plan = TablePlan(name="t", rows=1)
    about = About(name="t", tables=[plan], table="t", format="csv", seed=0, spec_hash="", paths={"t": "t.csv"})

    async def stopped() -> None:
        store = await Store.open(str(tmp_path))
        await store.call(lambda jobs: jobs.add("anyone", about, {}, None, ""))
        await store.call(lambda jobs: jobs.claim())
        running = Runner(store, ["true"], 1, 60.0)
        await running.start()
        await running.stop()
        await store.close()
        gc.collect()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(stopped())
    assert [one for one in told if "never awaited" in str(one.message)] == []

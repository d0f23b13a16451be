"""What a request may cost: memory, connections; and the words with which each limit is told."""

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI, Response
from tests import standin
from tests.serve.server import BIKES, Server, wait_for
from uvicorn.server import ServerState

from ffgen.serve import makers, runner
from ffgen.serve.door import door, most_connections
from ffgen.serve.jobs import About
from ffgen.serve.makers import Maker
from ffgen.serve.problem import Refused
from ffgen.serve.runner import Runner
from ffgen.serve.store import Store
from ffgen.serve.wire import TablePlan

GROWS = "import time; memory = b'x' * (150 << 20); time.sleep(60)"
LIMIT = 100 << 20


def test_a_maker_that_grows_is_ended_and_the_request_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(makers, "MOST_MEMORY", LIMIT)

    async def waited() -> Refused:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", GROWS, stdin=pipe, stdout=pipe)
        maker = Maker(process)
        watch = asyncio.create_task(maker.watch())
        with pytest.raises(Refused) as refused:
            await maker.drain()
        await watch
        assert not maker.is_alive
        return refused.value

    began = time.monotonic()
    assert asyncio.run(waited()).kind == "too-large" and time.monotonic() - began < 30


def test_a_maker_that_was_just_killed_is_not_lent() -> None:
    async def looked_at() -> list[bool]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", GROWS, stdin=pipe, stdout=pipe)
        maker = Maker(process)
        seen = [maker.is_alive]
        os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.5)  # the loop stands still, so that it can't have heard of it
        seen += [process.returncode is None, maker.is_alive]
        await process.wait()
        return seen

    assert asyncio.run(looked_at()) == [True, True, False]


def test_a_job_that_grows_fails_and_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "MOST_JOB_MEMORY", LIMIT)
    plan = TablePlan(name="t", rows=1)
    about = About(name="t", tables=[plan], table="t", format="csv", seed=0, spec_hash="", paths={"t": "t.csv"})

    async def carried_out() -> Any:
        store = await Store.open(str(tmp_path))
        running = Runner(store, [sys.executable, "-c", GROWS], 1, 60.0)
        await running.start()
        job, _ = await store.call(lambda jobs: jobs.add("anyone", about, {}, None, ""))
        running.wake()
        async with asyncio.timeout(30):
            while job.state != "failed":
                await asyncio.sleep(0.05)
                job = await store.call(lambda jobs: jobs.page("anyone", None, None, 1)[0])
        await running.stop()
        await store.close()
        return job

    job = asyncio.run(carried_out())
    assert job.attempts == 1 and job.error.type == "urn:ffgen:problem:too-large"


async def connected(said: bytes, already: int = 0, most: int = 16, keep: int = 60) -> bytes:
    """What a connection hears that says something to a door with so many others; b"" where that is nothing, for 1 s."""
    config = uvicorn.Config(FastAPI(), log_config=None, ws="none", timeout_keep_alive=keep)
    state = ServerState()
    state.connections = {object() for _ in range(already)}  # type: ignore[misc]
    make = functools.partial(door(most), config, state, {})
    listener = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    writer.write(said)
    try:
        async with asyncio.timeout(0.5 if keep > 1 else 10):
            return await reader.read() or b"closed"
    except TimeoutError:
        return b""
    finally:
        writer.close()
        listener.close()


@pytest.mark.parametrize(("many", "is_in"), [(0, True), (15, True), (16, False), (900, False)])
def test_one_connection_too_many_is_told_to_come_again(many: int, is_in: bool) -> None:
    said = asyncio.run(connected(b"GET /hea", many))
    assert said == b"" if is_in else b" 503 " in said and b"Retry-After" in said and said.endswith(b"}")


async def read_slowly(piece: int) -> int:
    """How much comes of a whole answer of 24 MiB, of which a client reads a piece 50 times a second for a second."""
    listener = await listening(lambda: Response(bytes(24 << 20)))
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname(), limit=1 << 16)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    read = 0
    for _ in range(50):
        await asyncio.sleep(0.02)
        read += len(await reader.read(piece)) if piece else 0
    try:
        while more := await reader.read(1 << 20):
            read += len(more)
    except ConnectionResetError:
        pass
    writer.close()
    listener.close()
    return read


async def listening(answer: Callable[[], Response]) -> asyncio.Server:
    """A door that answers every request with the same."""
    app = FastAPI()
    app.add_api_route("/", answer, response_class=Response)
    config = uvicorn.Config(app, log_config=None, ws="none")
    make = functools.partial(door(16), config, ServerState(), {})
    return await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)


@pytest.mark.parametrize(("piece", "is_whole"), [(0, False), (1 << 17, True)])
def test_a_whole_answer_waits_for_its_client_in_bounds(
    piece: int, is_whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message, which uvicorn hands to its transport at once. Whoever reads, however slowly, gets it all."""
    monkeypatch.setattr("ffgen.serve.door.STALL", 0.4)
    assert (asyncio.run(read_slowly(piece)) > 24 << 20) is is_whole


@pytest.mark.parametrize("said", [b"", b"GET /hea"])
def test_a_connection_that_asks_nothing_is_closed(said: bytes) -> None:
    assert asyncio.run(connected(said, keep=1)) == b"closed"


def test_connections_leave_files_for_the_rest() -> None:
    assert (most_connections(0), most_connections(20_000), most_connections(1024), most_connections(8)) == (
        2000, 2000, 512, 16,
    )  # fmt: skip


def test_a_service_outlives_a_crowd(server: Server) -> None:
    where = urlsplit(server.url)
    crowd = [socket.create_connection((str(where.hostname), where.port), timeout=5) for _ in range(300)]
    try:
        for sock in crowd:
            sock.sendall(b"GET /hea")
        assert server.ask("GET", "/health").status == 200
    finally:
        for sock in crowd:
            sock.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"format": "xml"}, 'csv, jsonl, parquet, zip, got "xml"'),
        ({"seed": "x"}, "a whole number from 0"),
        ({"seed": None}, "got null"),
        ({"rows": None}, "got null"),
        ({"rows": True}, "got true"),
        ({"model": 7}, "operator's models"),
        ({"answers": "no"}, "ids of questions"),
        ({"description": ""}, "The description is empty"),
        ({"description": "x" * 4001}, "4,001 characters; 4,000"),
        ({"description": ["users"]}, "must be text"),
    ],
)
def test_what_a_key_must_be_is_said(server: Server, said: dict[str, Any], words: str) -> None:
    reply = server.generate(**{"description": BIKES, **said})
    assert reply.status == 422 and words in reply.json["detail"] and reply.json["hint"]
    assert reply.json["errors"][0]["pointer"] == f"#/{next(iter(said))}"


def test_what_goes_with_a_description_does_not_go_with_a_spec(server: Server) -> None:
    spec = {"dataset": {"fields": [{"name": "a", "type": "integer"}]}}
    for said in ({"answers": {"count:a": 1}}, {"model": "m"}):
        reply = server.generate(spec=spec, **said)
        assert reply.status == 422 and reply.json["errors"][0]["pointer"] == f"#/{next(iter(said))}"
    nothing: list[Any] = [[], {}]
    for body in nothing:
        assert server.ask("POST", "/generate", body).json["errors"][0]["pointer"] == "#"


def test_a_model_that_was_named_and_is_away_is_a_problem(tmp_path: Path) -> None:
    """Not another drafter's rows in its stead, and not a word of where it is."""
    with standin.start(models=("m",)) as model:
        model.set(script=[{"text": "no, thank you"}])
        named = f"away: {{endpoint: 'http://127.0.0.1:9', name: m}}\nmute: {{endpoint: '{model.url}', name: m}}\n"
        (tmp_path / "models.yaml").write_text(named)
        with Server(tmp_path / "data", "--makers", "1", "--models", str(tmp_path / "models.yaml")) as server:
            for path in ("/draft", "/generate", "/jobs"):
                away = server.ask("POST", path, {"description": BIKES, "model": "away"})
                assert away.status == 503 and away.json["type"].endswith(":model-away") and away.headers["Retry-After"]
                assert b"127.0.0.1:9" not in away.body
                told = [line for line in server.log.read_text().splitlines() if "errand failed" in line]
                assert f"request={away.json['instance'].rpartition(':')[2]}" in told[-1] and " error " in told[-1]
            mute = server.ask("POST", "/draft", {"description": BIKES, "model": "mute"})
            assert mute.status == 422 and "in 3 calls" in mute.json["detail"] and mute.json["hint"]
            assert server.ask("POST", "/draft", {"description": BIKES}).status == 200


HASTY = "from ffgen.serve import settings; settings.STALL = settings.BODY_SECONDS = 0.5"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that waits half a second for a client."""
    with Server(tmp_path_factory.mktemp("hasty") / "data", "--makers", "1", "--streams", "1", before=HASTY) as running:
        yield running


def heard(server: Server, said: bytes) -> socket.socket:
    where = urlsplit(server.url)
    sock = socket.create_connection((str(where.hostname), where.port), timeout=10)
    sock.sendall(said)
    return sock


def post(body: bytes, length: int = 0, more: bytes = b"") -> bytes:
    head = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return b"%s%sContent-Length: %d\r\n\r\n%s" % (head, more, length or len(body), body)


def figures(server: Server) -> str:
    return server.ask("GET", "/metrics").body.decode()


def test_a_client_that_takes_nothing_is_cut_off(hasty: Server) -> None:
    body = b'{"description": "customers with names", "rows": 1000000}'
    with contextlib.closing(heard(hasty, post(body))):
        wait_for(lambda: 'ffgen_makers_busy{lane="long"} 1' in figures(hasty))
        wait_for(lambda: "ffgen_answers_cut_total 1" in figures(hasty))
        wait_for(lambda: 'ffgen_makers_busy{lane="long"} 0' in figures(hasty))


def test_a_body_that_does_not_come_is_waited_for_in_bounds(hasty: Server) -> None:
    with contextlib.closing(heard(hasty, post(b"{", 10))) as sock:
        said = b"".join(iter(lambda: sock.recv(1000), b""))
    assert b" 408 " in said and b":timeout" in said


def test_whoever_goes_away_leaves_the_line(hasty: Server) -> None:
    """While it waits for a maker, or has not even said all: nothing is made for it, and nothing is wrong."""
    first = heard(hasty, post(b'{"description": "customers with names", "rows": 1000000}'))
    waiting = heard(hasty, post(b'{"description": "customers with names", "rows": 900000}'))
    half = heard(hasty, post(b"{", 10))
    wait_for(lambda: 'ffgen_requests_waiting{lane="long"} 1' in figures(hasty))
    for sock in (waiting, half, first):
        sock.close()
    wait_for(lambda: 'ffgen_requests_waiting{lane="long"} 0' in figures(hasty))
    wait_for(lambda: "ffgen_requests_in_flight 1\n" in figures(hasty))
    assert 'status="499"' in figures(hasty) and 'status="500"' not in figures(hasty)


def test_what_follows_a_refusal_is_not_taken_for_a_request(server: Server) -> None:
    """A body that nobody has read."""
    refused = post(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", more=b"Origin: https://stranger.example\r\n")
    told = b""
    with contextlib.closing(heard(server, refused + b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")) as sock:
        while told.count(b"HTTP/1.1 ") < 2:
            told += sock.recv(1000)
    assert told.startswith(b"HTTP/1.1 403") and b"HTTP/1.1 200" in told

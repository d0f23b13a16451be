"""What one reply of 32 rows costs in a worker and at the coordinator."""

import asyncio
from pathlib import Path

import pytest
from bench import peer
from bench.customers import ROWS
from pytest_benchmark.fixture import BenchmarkFixture
from tests import standin

from ffgen.ask.replies import Replies
from ffgen.shard.asked import Maker

MAKER = peer.maker(ROWS * 64)


@pytest.fixture(scope="module")
def replies() -> list[bytes]:
    """The stand-in's replies to the first asks of a run, the clean ones and, last, a malformed one."""
    found: list[bytes] = []
    bodies = [MAKER.body(index, 0) for index in range(64)]
    with standin.start(slots=8) as server:
        asyncio.run(peer.ask(server.url, bodies, 8, found.append))
        server.set(malformed=1.0)
        asyncio.run(peer.ask(server.url, bodies[:1], 1, found.append))
    return found


def test_body(benchmark: BenchmarkFixture) -> None:
    """Prompt, schema and seed of one shard, as JSON."""
    assert len(benchmark(MAKER.body, 7, 0)) > 1_000


def test_make(benchmark: BenchmarkFixture, replies: list[bytes]) -> None:
    """Decode, check, hash and encode 32 rows."""
    benchmark.extra_info["rows"] = ROWS
    assert benchmark(MAKER.make, 0, replies[0]).batch.rows == ROWS


def test_make_of_a_malformed_reply(benchmark: BenchmarkFixture, replies: list[bytes]) -> None:
    """The slow way: complete rows are found in broken JSON and read one by one."""
    assert benchmark(MAKER.make, 0, replies[-1]).broken


def test_first_shard(benchmark: BenchmarkFixture, replies: list[bytes]) -> None:
    """What every process pays once: decoders and checks built, one reply made."""

    def first() -> int:
        return Maker(MAKER.plan, "ollama", "standin:latest").make(0, replies[0]).batch.rows

    assert benchmark(first) == ROWS


def test_put(benchmark: BenchmarkFixture, replies: list[bytes], tmp_path: Path) -> None:
    """64 replies made durable, in as few transactions as the disk makes of them."""
    benchmark.extra_info["replies"] = 64
    with Replies.open(str(tmp_path / "replies.sqlite3")) as store:

        def put() -> None:
            for reply in replies[:64]:
                store.put(Replies.key("ollama", "standin", None, reply), reply, lambda failure: None)
            store.flush()

        benchmark(put)


def test_get(benchmark: BenchmarkFixture, replies: list[bytes], tmp_path: Path) -> None:
    key = Replies.key("ollama", "standin", None, b"asked")
    with Replies.open(str(tmp_path / "replies.sqlite3")) as store:
        store.put(key, replies[0], lambda failure: None)
        store.flush()
        assert benchmark(store.get, key) == replies[0]

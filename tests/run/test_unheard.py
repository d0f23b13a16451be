"""What goes wrong where nobody waits for it, in a callback of the loop, ends the run, which would wait for ever."""

import asyncio
import importlib.metadata
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from multiprocess import Pipe
from tests.run.drive import spec
from tests.standin import Standin, start

import ffgen
from ffgen.errors import DestinationError, InternalError, UsageError
from ffgen.run import basis
from ffgen.run.audit import Audit
from ffgen.run.channel import Channel
from ffgen.run.crew import Member, Processes
from ffgen.run.endpoints import Endpoints
from ffgen.run.messages import Missed
from ffgen.run.records import WholeRecords
from ffgen.run.requests import Requests


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(slots=4) as made:
        yield made


class Panic(BaseException):
    """As polars panics."""


@pytest.mark.parametrize("failure", [DestinationError("The audit can't be written."), ValueError("x"), Panic("y")])
def test_a_reply_that_can_t_be_used_ends_the_run(
    server: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def answered(*_: object) -> None:
        raise failure

    monkeypatch.setattr(Audit, "answered", answered)
    wanted = DestinationError if isinstance(failure, DestinationError) else InternalError
    with pytest.raises(wanted):
        ffgen.run(spec(server.url), tmp_path / "o.jsonl", cache_dir=tmp_path, workers=0, timeout=10)


def test_a_panic_in_an_event_ends_the_run(server: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(*_: object) -> None:
        raise Panic("the pool of threads can't be made")

    monkeypatch.setattr(WholeRecords, "judge", judge)
    with pytest.raises(InternalError, match="the pool of threads"):
        ffgen.run(spec(server.url), tmp_path / "o.jsonl", cache_dir=tmp_path, workers=0, timeout=10)


def test_an_embedded_server_that_can_t_be_started_ends_the_run(
    server: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def url(*_: object) -> str:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Endpoints, "url", url)
    monkeypatch.setattr(Requests, "url_of", lambda *_: "embedded")
    with pytest.raises(InternalError, match="temporarily unavailable"):
        ffgen.run(spec(server.url), tmp_path / "o.jsonl", cache_dir=tmp_path, workers=0, timeout=10)


def test_a_message_that_can_t_be_sent_closes_its_channel() -> None:
    async def talk() -> tuple[bool, list[Any]]:
        ours, theirs = Pipe(duplex=True)
        lost = asyncio.Event()
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: told.append(about["exception"]))
        channel = await Channel.open(ours, lambda _: None, lost.set)
        channel.send(Missed(0, 0, "reset", 0, None, "\udcff", ""))
        async with asyncio.timeout(5):
            await lost.wait()
        theirs.close()
        return lost.is_set(), told

    is_lost, told = asyncio.run(talk())
    assert is_lost and isinstance(told[0], UnicodeEncodeError)


@pytest.mark.skipif(os.name != "posix", reason="paths are text elsewhere")
def test_a_path_that_is_no_text_is_refused_before_processes_start(tmp_path: Path) -> None:
    fields = [{"name": "id", "type": "uuid"}]
    made = {"dataset": {"name": "d", "count": 10, "fields": fields}}
    path = os.path.join(tmp_path, os.fsdecode(b"\xff.jsonl"))
    with pytest.raises(UsageError, match=r"\\udcff.jsonl' is not valid UTF-8"):
        ffgen.run(made, path, workers=1)
    assert ffgen.run(made, path, workers=0).records == 10


def test_a_worker_that_can_t_be_replaced_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def spawn(*_: object) -> Member:
        raise RuntimeError("can't start new thread")

    async def replace() -> list[Exception]:
        crew, told = Processes(1), list[Exception]()
        monkeypatch.setattr(crew, "_spawn", spawn)
        crew._listener = SimpleNamespace(broke=told.append)
        member = Member("worker", None)
        crew._members = [member]
        await crew._replace(member)
        return told

    (error,) = asyncio.run(replace())
    assert "can't start new thread" in str(error)


def test_other_packages_are_another_basis(monkeypatch: pytest.MonkeyPatch) -> None:
    point = SimpleNamespace(dist=SimpleNamespace(name="acme-samplers", version="2.1"))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2.3")
    assert basis.packages() == ["acme-samplers 2.1", "faker 1.2.3"]

"""The client and both dialects against the stand-in, which another hand wrote from the same contract."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from tests import standin

from ffgen.ask.client import AskFailed, Client
from ffgen.ask.dialect import Answer, Dialect, Prompt
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.ask.probe import Endpoint, recognise
from ffgen.errors import EndpointError

SCHEMA = {
    "type": "object",
    "properties": {"rows": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "integer"}}},
    "required": ["rows"],
}
PROMPT = Prompt([("user", "Three numbers as JSON.")], SCHEMA, 256)
DIALECTS: list[Dialect] = [Ollama(model="standin"), OpenAI(model="standin")]


@pytest.fixture(scope="module")
def house() -> Iterator[standin.Standin]:
    with standin.start(api="both") as server:
        yield server


@pytest.fixture
def server(house: standin.Standin) -> Iterator[standin.Standin]:
    """A stand-in as it was made, whatever the test before set."""
    before = house.set()
    house.reset()
    yield house
    house.set(**{name: value for name, value in before.items() if name not in ("host", "port")})


def ask(server: standin.Standin, dialect: Dialect, timeout: float = 5.0) -> Answer:
    """One reply."""

    async def main() -> Answer:
        async with Client(1) as client:
            return dialect.read(await client.send(server.url, dialect.path, dialect.body(PROMPT, 7), None, timeout))

    return asyncio.run(main())


def find(server: standin.Standin, name: str | None, api: Any = "auto") -> Endpoint:
    async def main() -> Endpoint:
        async with Client(1) as client:
            return await recognise(client, server.url, name, api, None)

    return asyncio.run(main())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_reply_holds_what_the_schema_asks(server: standin.Standin, dialect: Dialect) -> None:
    found = ask(server, dialect)
    assert found.problem == "" and found.complete and not found.truncated
    assert found.tokens_in > 0 and found.tokens_out > 0
    assert len(orjson.loads(found.text)["rows"]) == 3
    assert ask(server, dialect) == found


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("http429", "overloaded"),
        ("http503", "overloaded"),
        ("http500", "server"),
        ("reset", "reset"),
        ("half", "reset"),
    ],
)
def test_each_fault_has_its_kind(server: standin.Standin, dialect: Dialect, fault: str, kind: str) -> None:
    server.set(**{fault: 1.0})
    with pytest.raises(AskFailed) as caught:
        ask(server, dialect)
    assert caught.value.kind == kind
    if fault == "http429":
        assert caught.value.retry_after == 1.0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_hang_is_a_timeout(server: standin.Standin, dialect: Dialect) -> None:
    server.set(hang=1.0)
    with pytest.raises(AskFailed) as caught:
        ask(server, dialect, timeout=0.3)
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_cut_off_reply_is_truncated(server: standin.Standin, dialect: Dialect) -> None:
    server.set(cut=1.0)
    found = ask(server, dialect)
    assert found.truncated and found.problem == ""


def test_a_reply_without_done_is_a_problem(server: standin.Standin) -> None:
    server.set(nodone=1.0)
    assert "done: true" in ask(server, DIALECTS[0]).problem


def test_it_is_recognised_in_both_dialects(server: standin.Standin) -> None:
    found = find(server, "standin")
    assert (found.api, found.model) == ("ollama", "standin:latest") and found.digest
    assert find(server, None) == found
    assert find(server, None, "openai").api == "openai"


def test_a_model_that_it_lacks(server: standin.Standin) -> None:
    with pytest.raises(EndpointError, match="standin"):
        find(server, "llama3.1:8b")
    with pytest.raises(AskFailed) as caught:
        ask(server, Ollama(model="llama3.1:8b"))
    assert (caught.value.kind, caught.value.status) == ("fatal", 404)

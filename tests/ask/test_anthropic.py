"""Anthropic's dialect by itself, and against its stand-in."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from tests import standin

from ffgen.ask.anthropic import Anthropic
from ffgen.ask.client import AskFailed, Client
from ffgen.ask.dialect import Answer, Prompt
from ffgen.errors import UsageError

SCHEMA = {"type": "object", "properties": {"city": {"enum": ["Oslo"]}}, "required": ["city"]}
PROMPT = Prompt(
    [("system", "You write JSON."), ("user", "A city."), ("assistant", "{"), ("user", "Go on.")], SCHEMA, 99
)
DIALECT = Anthropic(model="standin", temperature=0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[standin.Standin]:
    with standin.start(api="anthropic", api_key="s3cret") as house:
        yield house


def ask(server: standin.Standin, key: str | None = "s3cret", dialect: Anthropic = DIALECT) -> Answer:
    async def main() -> Answer:
        async with Client(1) as client:
            body = dialect.body(PROMPT, 7)
            return dialect.read(await client.send(server.url, dialect.path, body, key, 5.0, dialect.auth))

    return asyncio.run(main())


def body_of(dialect: Anthropic, prompt: Prompt = PROMPT) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(dialect.body(prompt, 7))
    return found


def test_it_is_asked_as_its_api_wants() -> None:
    body = body_of(DIALECT)
    assert body["system"] == "You write JSON." and [one["role"] for one in body["messages"]] == [
        "user",
        "assistant",
        "user",
    ]
    assert body["max_tokens"] == 99 and body["temperature"] == 0.0 and "seed" not in body
    assert body["tools"][0]["input_schema"] == SCHEMA
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    plain = body_of(Anthropic(model="m", options={"temperature": None}), Prompt([("user", "x")]))
    assert {"tools", "tool_choice", "system", "temperature", "top_p"}.isdisjoint(plain)
    with pytest.raises(UsageError, match=r"options\.system"):
        Anthropic(model="m", options={"system": "other"})


def test_the_same_prompt_is_the_same_bytes_whatever_the_seed() -> None:
    assert DIALECT.body(PROMPT, 7) == DIALECT.body(PROMPT, 8)


def test_the_stand_in_answers_with_the_tool(server: standin.Standin) -> None:
    assert orjson.loads(ask(server).text) == {"city": "Oslo"}
    assert ask(server).complete and ask(server).tokens_in > 0


@pytest.mark.parametrize(
    ("turn", "kind", "said"),
    [
        ({"status": 429}, "overloaded", "429"),
        ({"status": 529}, "overloaded", "529"),
        ({"status": 500}, "server", "500"),
    ],
)
def test_errors_say_whether_to_come_again(server: standin.Standin, turn: Any, kind: str, said: str) -> None:
    server.set(script=[turn])
    with pytest.raises(AskFailed, match=said) as caught:
        ask(server)
    assert caught.value.kind == kind
    server.set(script=[])


def test_keys_and_models_that_are_wrong(server: standin.Standin) -> None:
    with pytest.raises(AskFailed, match="invalid x-api-key") as caught:
        ask(server, key="sk-wrong")
    assert caught.value.kind == "fatal" and "sk-wrong" not in str(caught.value)
    with pytest.raises(AskFailed, match="404"):
        ask(server, dialect=Anthropic(model="other"))


def test_a_cut_off_answer_is_truncated(server: standin.Standin) -> None:
    server.set(script=[{"text": '{"city": "O', "cut": True}])
    answer = ask(server)
    assert answer.truncated and answer.text == '{"city": "O' and not answer.problem
    server.set(script=[])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>", "not a message"),
        (b'{"type":"error","error":{"type":"x","message":"Overloaded"}}', "Overloaded"),
        (b'{"content":[{"type":"text","text":"a"}]}', "stop_reason"),
        (b'{"content":[],"stop_reason":"refusal"}', "refused"),
        (b'{"content":3}', "not a message"),
        (b"[]", "not a message"),
    ],
)
def test_what_says_nothing_is_a_problem(body: bytes, problem: str) -> None:
    assert problem in DIALECT.read(body).problem

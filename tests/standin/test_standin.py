"""The stand-in over HTTP: both APIs to their contracts, every fault, slots, counters, and the process it lives in."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit

import msgspec
import ollama
import pytest
from tests.standin import FAULTS, Settings, Standin, start

ITEMS = {
    "type": "array",
    "prefixItems": [{"type": "string"}, {"type": "integer", "minimum": 18, "maximum": 90}],
    "minItems": 2,
    "maxItems": 2,
}
ROWS = {"type": "array", "items": ITEMS, "minItems": 8, "maxItems": 8}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"rows": ROWS}, "required": ["rows"]}
PATTERN = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]{9}$"}}}


class Got(NamedTuple):
    status: int
    headers: HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture(scope="module")
def running() -> Iterator[Standin]:
    with start(api="both") as server:
        yield server


@pytest.fixture
def server(running: Standin) -> Standin:
    plain = msgspec.structs.asdict(Settings(api="both"))
    running.set(**{name: value for name, value in plain.items() if name not in ("port", "host")})
    running.reset()
    return running


def call(
    server: Standin,
    method: str,
    path: str,
    body: Any = None,
    *,
    timeout: float = 20,
    headers: dict[str, str] | None = None,
) -> Got:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)
    try:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, headers or {})
        response = connection.getresponse()
        return Got(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def chat(seed: int, schema: Any = SCHEMA, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "You write records."}, {"role": "user", "content": "Write 8 rows."}]
    body = {"model": "standin", "messages": messages, "stream": False, "format": schema, "options": {"seed": seed}}
    return body | more


def completion(seed: int, **more: Any) -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": "rows", "schema": SCHEMA}}
    return {"model": "standin", "messages": [{"role": "user", "content": "Go."}], "seed": seed} | (
        {"response_format": wanted} | more
    )


def content(got: Got) -> str:
    return str(got.json["message"]["content"])


# --- Ollama's native API ---


def test_ollama_look_ups(server: Standin) -> None:
    server.set(models=["llama3.2", "org/qwen:7b"])
    assert call(server, "GET", "/").text == "Ollama is running"
    assert isinstance(call(server, "GET", "/api/version").json["version"], str)
    assert [one["name"] for one in call(server, "GET", "/api/tags").json["models"]] == [
        "llama3.2:latest",
        "org/qwen:7b",
    ]
    assert call(server, "GET", "/api/ps").json["models"][0]["expires_at"]
    assert call(server, "POST", "/api/show", {"model": "llama3.2:latest"}).json["capabilities"] == ["completion"]
    head = call(server, "HEAD", "/api/version")
    assert (head.status, head.text) == (200, "") and int(head.headers["Content-Length"]) > 0


def test_ollama_chat_is_one_object(server: Standin) -> None:
    got = call(server, "POST", "/api/chat", chat(1))
    assert got.status == 200 and got.headers["Content-Type"].startswith("application/json")
    assert (got.json["done"], got.json["done_reason"], got.json["message"]["role"]) == (True, "stop", "assistant")
    assert got.json["eval_count"] > 0 and "load_duration" not in got.json
    rows = json.loads(content(got))["rows"]
    assert len(rows) == 8 and all(isinstance(name, str) and 18 <= age <= 90 for name, age in rows)


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_ollama_streams_lines_unless_told_not_to(server: Standin, path: str) -> None:
    body = chat(1, prompt="Go.")
    del body["stream"]
    got = call(server, "POST", path, body)
    lines = [json.loads(line) for line in got.text.splitlines()]
    assert got.headers["Content-Type"] == "application/x-ndjson"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True] and len(lines) > 2
    text = "".join(line["message"]["content"] if path == "/api/chat" else line["response"] for line in lines)
    assert len(json.loads(text)["rows"]) == 8


def test_ollama_generate_and_load(server: Standin) -> None:
    got = call(server, "POST", "/api/generate", chat(1, prompt="Go.")).json
    assert len(json.loads(got["response"])["rows"]) == 8
    assert call(server, "POST", "/api/chat", chat(1, messages=[])).json["done_reason"] == "load"
    assert call(server, "POST", "/api/generate", chat(1, keep_alive=0)).json["done_reason"] == "unload"


def test_ollama_limit_of_tokens_cuts(server: Standin) -> None:
    got = call(server, "POST", "/api/chat", chat(1, options={"num_predict": 10}))
    assert got.json["done_reason"] == "length" and len(content(got)) == 40


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/chat", b"", 400, "missing request body"),
        ("/api/chat", b"{", 400, "unexpected end of data"),
        ("/api/chat", {"messages": []}, 400, "model is required"),
        ("/api/chat", chat(1, model="nope"), 404, "model 'nope' not found"),
        ("/api/show", {"model": "nope"}, 404, "model 'nope' not found"),
        ("/api/chat", chat(1, schema="xml"), 500, 'invalid format: "xml"; expected "json" or a valid JSON Schema'),
        ("/api/chat", chat(1, options={"seed": "1"}), 500, 'option "seed" must be of type integer'),
        ("/api/chat", chat(1, options={"stop": "x"}), 500, 'option "stop" must be of type array'),
        ("/api/chat", chat(1, think=True), 400, '"standin" does not support thinking'),
        ("/api/chat", chat(1, think="a lot"), 400, "invalid think value"),
        ("/api/chat", chat(1, schema={"$ref": "#"}), 400, "the stand-in can't write this: $ref in a schema"),
    ],
)
def test_ollama_errors_are_strings(server: Standin, path: str, body: Any, status: int, words: str) -> None:
    got = call(server, "POST", path, body)
    assert got.status == status and words in got.json["error"]


def test_ollama_unknown_paths_and_methods_are_text(server: Standin) -> None:
    for method, path, status in (("GET", "/api/nope", 404), ("GET", "/api/chat", 405), ("POST", "/api/tags", 405)):
        got = call(server, method, path)
        assert got.status == status and got.headers["Content-Type"] == "text/plain"


def test_official_ollama_client_agrees(server: Standin) -> None:
    server.set(api="ollama", models=["llama3.2"])
    client = ollama.Client(host=server.url)
    try:
        assert [one.model for one in client.list().models] == ["llama3.2:latest"]
        assert client.show("llama3.2").capabilities == ["completion"]
        messages = [{"role": "user", "content": "Write 8 rows."}]
        whole = client.chat("llama3.2", messages, format=SCHEMA, options={"seed": 3})
        assert whole.done and whole.done_reason == "stop"
        assert len(json.loads(whole.message.content or "")["rows"]) == 8
        parts = list(client.chat("llama3.2", messages, format=SCHEMA, stream=True))
        assert len(json.loads("".join(part.message.content or "" for part in parts))["rows"]) == 8
        with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as caught:
            client.chat("nope", messages)
        assert caught.value.status_code == 404
    finally:
        client.close()  # type: ignore[no-untyped-call]


# --- OpenAI's API ---


def test_openai_look_ups(server: Standin) -> None:
    assert [one["id"] for one in call(server, "GET", "/v1/models").json["data"]] == ["standin"]
    assert call(server, "GET", "/health").json == {"status": "ok"}


def test_openai_chat_completion(server: Standin) -> None:
    got = call(server, "POST", "/v1/chat/completions", completion(1)).json
    assert got["choices"][0]["finish_reason"] == "stop"
    assert len(json.loads(got["choices"][0]["message"]["content"])["rows"]) == 8
    assert got["usage"]["total_tokens"] == got["usage"]["prompt_tokens"] + got["usage"]["completion_tokens"]
    short = call(server, "POST", "/v1/chat/completions", completion(1, max_tokens=5)).json["choices"][0]
    assert (short["finish_reason"], len(short["message"]["content"])) == ("length", 20)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "could not parse the JSON body"),
        ({"model": "standin"}, 400, "'messages' must be an array"),
        (completion(1, model="nope"), 404, "The model `nope` does not exist"),
        (completion(1, stream=True), 400, "does not stream"),
        (completion(1, response_format={"type": "json_schema"}), 400, "needs a `schema` object"),
        (completion(1, response_format={"type": "xml"}), 400, "response_format type must be"),
    ],
)
def test_openai_errors_are_objects(server: Standin, body: Any, status: int, words: str) -> None:
    got = call(server, "POST", "/v1/chat/completions", body)
    assert got.status == status and words in got.json["error"]["message"]


def test_openai_alone_is_not_taken_for_ollama(server: Standin) -> None:
    server.set(api="openai", any_model=True)
    got = call(server, "GET", "/api/version")
    assert got.status == 404 and got.json["error"]["message"] == "File Not Found"
    assert call(server, "POST", "/v1/chat/completions", completion(1, model="anything")).json["model"] == "anything"


def test_ollama_alone_has_no_openai_paths(server: Standin) -> None:
    server.set(api="ollama")
    assert call(server, "GET", "/v1/models").status == 404


def test_key_is_asked_for(server: Standin) -> None:
    server.set(api_key="s3cret")
    assert call(server, "GET", "/v1/models").json["error"]["message"] == "Invalid API Key"
    assert call(server, "POST", "/api/chat", chat(1), headers={"Authorization": "Bearer wrong"}).json == {
        "error": "unauthorized"
    }
    assert call(server, "POST", "/api/chat", chat(1), headers={"Authorization": "Bearer s3cret"}).status == 200
    assert call(server, "GET", "/health").status == 200


# --- A function of the body ---


def test_replies_and_faults_do_not_depend_on_order_or_process(server: Standin) -> None:
    settings = {"malformed": 0.2, "http500": 0.2, "cut": 0.1, "duplicates": 0.3}
    server.set(**settings)
    bodies = [chat(seed) for seed in range(40)]

    def answers(one: Standin, order: list[int]) -> dict[tuple[int, int], tuple[int, str]]:
        got = {(number, turn): call(one, "POST", "/api/chat", bodies[number]) for turn in (0, 1) for number in order}
        return {key: (one.status, content(one) if one.status == 200 else one.text) for key, one in got.items()}

    first = answers(server, list(range(40)))
    assert {status for status, _ in first.values()} == {200, 500}
    server.reset()
    assert answers(server, list(reversed(range(40)))) == first
    with start(latency=0.001, jitter=0.002, slots=1, **settings) as other:
        assert answers(other, list(range(40))) == first


def test_faults_end_after_the_tries_they_are_for(server: Standin) -> None:
    server.set(http500=1.0, fault_tries=2)
    assert [call(server, "POST", "/api/chat", chat(1)).status for _ in range(4)] == [500, 500, 200, 200]


def test_fault_shares_are_kept_and_independent(server: Standin) -> None:
    server.set(http500=0.3)
    first = [call(server, "POST", "/api/chat", chat(seed)).status for seed in range(300)]
    server.reset()
    server.set(http503=0.3)
    second = [call(server, "POST", "/api/chat", chat(seed)).status for seed in range(300)]
    assert 60 < first.count(500) < 120 and 60 < second.count(503) < 120
    assert all(status in (before, 503) for before, status in zip(first, second, strict=True))


# --- Faults ---


def test_faults_of_status(server: Standin) -> None:
    server.set(http429=1.0, retry_after=7)
    got = call(server, "POST", "/api/chat", chat(1))
    assert (got.status, got.headers["Retry-After"]) == (429, "7") and isinstance(got.json["error"], str)
    server.set(http429=0, http503=1.0)
    got = call(server, "POST", "/v1/chat/completions", completion(1))
    assert (got.status, got.headers["Retry-After"]) == (503, None) and "busy" in got.json["error"]["message"]
    server.set(http503=0, http500=1.0)
    assert "unexpectedly stopped" in call(server, "POST", "/api/chat", chat(1)).json["error"]
    assert server.stats()["faults"] == {"http429": 1, "http503": 1, "http500": 1}


def test_fault_noschema_refuses_patterns_only(server: Standin) -> None:
    server.set(noschema=1.0)
    got = call(server, "POST", "/api/chat", chat(1, schema=PATTERN))
    assert got.status == 400 and "Pattern must start with" in got.json["error"]
    assert call(server, "POST", "/api/chat", chat(1)).status == 200


def test_fault_malformed(server: Standin) -> None:
    server.set(malformed=1.0)
    for seed in range(8):
        got = call(server, "POST", "/api/chat", chat(seed))
        assert got.json["done_reason"] == "stop"
        with pytest.raises(ValueError):
            json.loads(content(got))


def test_fault_cut(server: Standin) -> None:
    server.set(cut=1.0)
    got = call(server, "POST", "/api/chat", chat(1))
    assert got.json["done_reason"] == "length" and content(got).startswith('{"rows":[[')
    choice = call(server, "POST", "/v1/chat/completions", completion(1)).json["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(ValueError):
        json.loads(choice["message"]["content"])


def test_fault_nodone(server: Standin) -> None:
    server.set(nodone=1.0)
    got = call(server, "POST", "/api/chat", chat(1)).json
    assert got["done"] is False and "eval_count" not in got and "done_reason" not in got
    lines = call(server, "POST", "/api/chat", chat(1, stream=True)).text.splitlines()
    assert lines and not any(json.loads(line)["done"] for line in lines)
    assert server.stats()["repeated"] == 0


@pytest.mark.parametrize(("fault", "count"), [("empty", 0), ("few", 4), ("wrong", 8)])
def test_faults_of_rows(server: Standin, fault: str, count: int) -> None:
    server.set(**{fault: 1.0})
    rows = json.loads(content(call(server, "POST", "/api/chat", chat(1))))["rows"]
    assert len(rows) == count
    assert any(not 18 <= age <= 90 for _, age in rows) == (fault == "wrong")


def given_rows(count: int) -> dict[str, Any]:
    """A schema of given rows: each with its own number and mark."""
    keys = [[{"const": number}, {"const": f"mark {number}"}] for number in range(1, count + 1)]
    items = [{"type": "array", "prefixItems": [*key, {"type": "string", "maxLength": 80}]} for key in keys]
    table = {"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"rows": table}, "required": ["rows"]}


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [("", [1, 2, 3, 4]), ("drop", [2, 3]), ("swap", [2, 1, 4, 3]), ("repeat", [1, 1, 2, 2, 3, 3, 4, 4])],
)
def test_faults_of_given_rows(server: Standin, fault: str, numbers: list[int]) -> None:
    server.set(mention=True, **({fault: 1.0} if fault else {}))
    body = chat(1, given_rows(4))
    for _ in range(2):  # a slip is the model's own: the same at each try
        rows = json.loads(content(call(server, "POST", "/api/chat", body)))["rows"]
        assert [number for number, *_ in rows] == numbers
        belongs = [mark == f"mark {number}" for number, mark, _ in rows]
        assert all(belongs) == (fault != "swap")
        assert all(text.startswith(f"{mark}: ") for _, mark, text in rows if text != "said again")


@pytest.mark.parametrize("stream", [False, True])
def test_fault_half_ends_inside_the_body(server: Standin, stream: bool) -> None:
    server.set(half=1.0)
    with pytest.raises(http.client.IncompleteRead):
        call(server, "POST", "/api/chat", chat(1, stream=stream))


def test_fault_reset_breaks_the_connection(server: Standin) -> None:
    server.set(reset=1.0, latency=0.02)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        call(server, "POST", "/api/chat", chat(1))
    stats = server.stats()
    assert (stats["replies"], stats["in_flight"], stats["connections_open"]) == (0, 0, 0)


def test_fault_hang_holds_its_slot_until_the_client_leaves(server: Standin) -> None:
    server.set(hang=1.0, fault_tries=1, slots=1)
    with pytest.raises(TimeoutError):
        call(server, "POST", "/api/chat", chat(1), timeout=0.3)
    assert call(server, "POST", "/api/chat", chat(1)).status == 200
    stats = server.stats()
    assert stats["cancelled"] == 1 and stats["busy_slot_seconds"] > 0.1 and stats["repeated"] == 0


def test_fault_drip_is_slow_and_complete(server: Standin) -> None:
    quick = call(server, "POST", "/api/chat", chat(1)).text
    server.set(drip=1.0, drip_rate=5000)
    began = time.monotonic()
    assert call(server, "POST", "/api/chat", chat(1)).text == quick
    assert time.monotonic() - began > 0.5 * len(quick) / 5000


def test_every_fault_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if f"{name}=1.0" not in source and f'("{name}", ' not in source] == []


# --- Slots and counters ---


def at_once(server: Standin, bodies: list[Any]) -> list[Got]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: call(server, "POST", "/api/chat", body), bodies))


def test_requests_beyond_the_slots_wait(server: Standin) -> None:
    server.set(slots=2, latency=0.1)
    assert [got.status for got in at_once(server, [chat(seed) for seed in range(6)])] == [200] * 6
    stats = server.stats()
    assert stats["max_in_flight"] > 2 and stats["in_flight"] == 0
    # Timers have a grain of a millisecond, so that a hold may be that much short.
    assert stats["busy_slot_seconds"] >= 0.6 - 6 * 0.001 and stats["span_seconds"] >= 0.3
    assert stats["busy_slot_seconds"] <= 2 * stats["span_seconds"] + 0.01


def test_full_house_rejects_where_told_to(server: Standin) -> None:
    server.set(slots=1, latency=0.5, reject_over=2)
    statuses = sorted(got.status for got in at_once(server, [chat(seed) for seed in range(5)]))
    assert statuses == [200, 200, 429, 429, 429]
    assert server.stats()["by_status"] == {"200": 2, "429": 3}


def test_long_queue_of_instant_replies_is_served(server: Standin) -> None:
    server.set(slots=1, hang=1.0, fault_tries=1)
    with ThreadPoolExecutor(1) as pool:
        hung = pool.submit(call, server, "POST", "/api/chat", chat(0), timeout=0.5)
        while not server.stats()["in_flight"]:
            pass
        server.set(hang=0.0)
        waiting = [http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20) for _ in range(300)]
        for number, connection in enumerate(waiting):
            connection.request("POST", "/api/chat", json.dumps(chat(number)).encode())
        assert isinstance(hung.exception(), TimeoutError)
    for connection in waiting:
        assert connection.getresponse().read()
        connection.close()
    assert server.stats()["replies"] == 300


def test_pace_and_jitter_follow_from_the_reply(server: Standin) -> None:
    server.set(pace=2000, jitter=0.05)
    whole = call(server, "POST", "/api/chat", chat(1)).json
    assert 0 <= whole["total_duration"] / 1e9 - whole["eval_count"] / 2000 <= 0.05
    assert server.stats()["busy_slot_seconds"] >= whole["total_duration"] / 1e9 - 0.002
    assert len(call(server, "POST", "/api/chat", chat(1, stream=True)).text.splitlines()) > 2


def test_counters_tell_what_was_paid_twice(server: Standin) -> None:
    for seed in (1, 1, 2, 1):
        call(server, "POST", "/api/chat", chat(seed))
    call(server, "POST", "/api/chat", chat(1, model="nope"))
    stats = server.stats()
    assert (stats["requests"], stats["replies"], stats["repeated"], stats["bodies"]) == (5, 4, 2, 2)
    assert stats["by_status"] == {"200": 4, "404": 1} and stats["by_path"] == {"/api/chat": 5}
    assert stats["output_tokens"] > 0 and stats["last_reply_at"] >= stats["first_request_at"]
    server.reset()
    assert server.stats()["requests"] == server.stats()["bodies"] == 0


def test_connections_are_counted_but_not_those_of_control(server: Standin) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    for seed in range(3):
        connection.request("POST", "/api/chat", json.dumps(chat(seed)).encode())
        assert connection.getresponse().read()
    stats = server.stats()
    assert (stats["connections_opened"], stats["connections_open"], stats["max_in_flight"]) == (1, 1, 1)
    connection.close()
    call(server, "GET", "/api/tags")
    assert server.stats()["connections_opened"] == 2


def test_request_that_is_not_understood_is_400(server: Standin) -> None:
    assert call(server, "POST", "/api/chat", b"", headers={"Transfer-Encoding": "chunked"}).status == 400


# --- The process ---


@pytest.mark.parametrize("changes", [{"slots": 0}, {"malformed": 1.5}, {"nonsense": 1}, {"port": 1}, {"latency": "x"}])
def test_wrong_settings_are_refused_and_change_nothing(server: Standin, changes: dict[str, Any]) -> None:
    before = server.set()
    with pytest.raises(HTTPError) as caught:
        server.set(**changes)
    with caught.value as refused:
        assert refused.code == 400
    assert server.set() == before


def test_wrong_settings_are_refused_before_a_process_starts() -> None:
    with pytest.raises(msgspec.ValidationError, match="slots"):
        start(slots=0)


def run(*flags: str) -> "subprocess.Popen[bytes]":
    line = [sys.executable, "-m", "tests.standin", *flags]
    root = Path(__file__).parents[2]
    return subprocess.Popen(line, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("end", ["stdin", "stop", "SIGTERM"])
def test_process_says_where_it_listens_and_stops_when_told(end: str) -> None:
    flags = ["--port", "0", "--api", "ollama", "--slots", "2", "--ready", "--models", "a,b:7b", "--reject-over", "9"]
    with run("--with-stdin", *flags) as process:
        assert process.stdin and process.stdout and process.stderr
        said = json.loads(process.stdout.readline())
        server = Standin(process, said["url"])
        shown = server.set()
        assert said["pid"] == process.pid and shown["models"] == ["a", "b:7b"] and shown["ready"] is True
        stops: dict[str, Callable[[], object]] = {
            "stdin": process.stdin.close,
            "stop": lambda: call(server, "POST", "/standin/stop", {}),
            "SIGTERM": process.terminate,
        }
        stops[end]()
        assert process.wait(5) == 0 and process.stderr.read() == b""


def test_process_that_cannot_listen_says_so(server: Standin) -> None:
    with run("--port", str(urlsplit(server.url).port)) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode != 0 and b"address already in use" in errors


@pytest.mark.parametrize("flags", [["--slots", "none"], ["--malformed", "2"], ["--nope"]])
def test_wrong_flags_are_named(flags: list[str]) -> None:
    with run(*flags) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2 and flags[0].strip("-").encode() in errors

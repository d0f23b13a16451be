"""The client against every way a server can fail to answer."""

import asyncio
import gzip
import pickle
import socket
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
from tests.ask.wire import CLOSE, RESET, Reply, Request, Wire, http, wire

from ffgen.ask import client as client_module
from ffgen.ask.address import base_url, error_message, printable
from ffgen.ask.client import AskFailed, Client
from ffgen.errors import EndpointError, UsageError

OK = {"done": True}


def ask(
    answer: Callable[[Request], Reply], key: str | None = None, timeout: float = 5.0, body: bytes = b"{}"
) -> tuple[bytes | AskFailed, Wire]:
    """One request to a server that answers so: its reply or its failure, and what the server saw."""

    async def main() -> tuple[bytes | AskFailed, Wire]:
        async with wire(answer) as server, Client(2) as client:
            try:
                return await client.send(server.url, "/api/chat", body, key, timeout), server
            except AskFailed as failure:
                return failure, server

    return asyncio.run(main())


def failure(answer: Reply, key: str | None = None, timeout: float = 5.0) -> AskFailed:
    """How one request to a server that answers so fails."""
    found, _ = ask(lambda _: answer, key, timeout)
    assert isinstance(found, AskFailed), found
    return found


def test_a_complete_200_is_its_body() -> None:
    found, server = ask(lambda request: http(request.body), body=b'{"a": 1}')
    assert found == b'{"a": 1}'
    (request,) = server.requests
    assert request.line == "POST /api/chat HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("root", ["", "/v1", "/api/v1"])
def test_a_root_that_ends_in_v1_is_not_doubled(root: str) -> None:
    async def main() -> str:
        async with wire(lambda _: http(OK)) as server, Client(1) as client:
            await client.send(server.url + root, "/v1/chat/completions", b"{}", None, 5)
            return server.requests[0].path

    assert asyncio.run(main()) == root.removesuffix("/v1") + "/v1/chat/completions"


def test_connections_are_kept_and_limited() -> None:
    async def main() -> Wire:
        async with wire(lambda _: http(OK)) as server, Client(3) as client:
            await asyncio.gather(*[client.send(server.url, "/x", b"{}", None, 5) for _ in range(60)])
            return server

    server = asyncio.run(main())
    assert len(server.requests) == 60
    assert 1 <= server.connections <= 3


def test_the_key_goes_into_the_header_and_nowhere_else() -> None:
    found, server = ask(lambda _: http({"error": "bad key sk-secret!"}, 401), key="sk-secret")
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret"
    assert isinstance(found, AskFailed)
    assert found.kind == "fatal" and found.status == 401
    assert "sk-secret" not in str(found) and "***" in found.what
    assert "FFGEN_API_KEY" in found.hint


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel", "a\x00"])
def test_a_key_that_no_header_can_carry_is_a_usage_error_without_the_key(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(lambda _: http(OK), key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(408, "server"), (429, "overloaded"), (500, "server"), (502, "server"), (503, "overloaded"), (504, "server")]
    + [(code, "fatal") for code in (204, 301, 302, 307, 400, 401, 403, 404, 405, 413, 422, 499, 501)],
)
def test_each_status_has_its_kind(status: int, kind: str) -> None:
    found = failure(http(b"" if status == 204 else OK, status))
    assert (found.kind, found.status) == (kind, status)
    assert f"HTTP {status}" in found.what


def test_a_redirect_is_named_and_not_followed() -> None:
    found, server = ask(lambda _: http(b"", 302, {"Location": "http://elsewhere.test/"}))
    assert isinstance(found, AskFailed) and found.kind == "fatal"
    assert "http://elsewhere.test/" in found.what
    assert len(server.requests) == 1


def test_cookies_are_not_kept() -> None:
    async def main() -> Wire:
        async with wire(lambda _: http(OK, headers={"Set-Cookie": "a=b; Path=/"})) as server, Client(1) as client:
            for _ in range(2):
                await client.send(server.url, "/x", b"{}", None, 5)
            return server

    assert all("cookie" not in request.headers for request in asyncio.run(main()).requests)


def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(lambda _: http(OK))[0] == b'{"done":true}'


@pytest.mark.parametrize(
    "reply",
    [
        http(OK, length=500) + CLOSE,
        http(OK, length=500) + RESET,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + CLOSE,
        b"HTTP/1.1 200 OK\r\n\r\n" + b'{"message": {"con' + CLOSE,
        b"HTTP/1.1 200 OK\r\nContent-Le" + CLOSE,
        b"SSH-2.0-OpenSSH_9.6\r\n" + CLOSE,
        http(b"not gzip at all", headers={"Content-Encoding": "gzip"}),
        CLOSE,
        RESET,
    ],
)
def test_half_a_reply_is_a_reset(reply: bytes) -> None:
    assert failure(reply).kind == "reset"


def test_a_complete_body_that_the_end_of_the_connection_ends() -> None:
    assert ask(lambda _: b'HTTP/1.1 200 OK\r\n\r\n{"done": true}\n' + CLOSE)[0] == b'{"done": true}\n'


def test_a_compressed_body_is_unpacked() -> None:
    assert ask(lambda _: http(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}))[0] == b'{"a": 1}'


def test_silence_is_a_timeout() -> None:
    started = time.monotonic()
    found = failure(None, timeout=0.2)
    assert found.kind == "timeout" and "0.2 s" in found.what
    assert time.monotonic() - started < 2


def test_a_reply_that_stops_in_the_middle_is_a_timeout() -> None:
    assert failure(http(OK, length=500), timeout=0.2).kind == "timeout"


def test_nobody_there_is_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

        async def main() -> None:
            async with Client(1) as client:
                await client.send(url, "/x", b"", None, 5)

        with pytest.raises(AskFailed) as caught:
            asyncio.run(main())
    assert caught.value.kind == "refused" and url in caught.value.what
    assert isinstance(caught.value, EndpointError) and caught.value.exit_code == 5


def test_a_link_local_address_is_not_asked_even_by_a_name_that_resolves_to_it() -> None:
    async def main() -> None:
        async with Client(1) as client:
            await client.send("http://169.254.169.254", "/latest/meta-data", b"", None, 5)

    with pytest.raises(AskFailed, match="link-local"):
        asyncio.run(main())


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_reply_is_fatal(declared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST_REPLY", 1 << 20)
    body = b'"' + b"x" * (2 << 20) + b'"'
    packed = http(gzip.compress(body), headers={"Content-Encoding": "gzip"})
    found = failure(http(body) if declared else packed)
    assert found.kind == "fatal" and "1 MiB" in found.what


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "99999"}, 300.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        ({"Retry-After": formatdate(1_000_030, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0.0),
    ],
)
def test_retry_after_is_read_against_the_servers_clock(headers: dict[str, str], expected: float | None) -> None:
    found = failure(http({"error": "slow down"}, 429, headers))
    assert found.kind == "overloaded" and found.retry_after == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "model \'x\' not found"}', "model 'x' not found"),
        (b'{"error": {"code": 400, "message": "too long"}}', "too long"),
        (b'{"object": "error", "message": "no such model"}', "no such model"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b"404 page not found", "404 page not found"),
        (b'"just text"', "just text"),
        (b'{"error": 5}', ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_what_a_server_says_is_found(body: bytes, said: str) -> None:
    assert error_message(body) == said
    assert said in failure(http(body, 400)).what


def test_an_html_page_is_not_quoted() -> None:
    found = failure(http(b"<html>nginx</html>", 400, {"Content-Type": "text/html"}))
    assert found.what.endswith("answered HTTP 400.")


def test_what_a_server_says_is_safe_to_print() -> None:
    found = failure(http({"error": "a\x1b[31mb\r\n\u202ec" + "y" * 1000}, 400))
    said = found.what.partition("HTTP 400: ")[2]
    assert said.startswith("a [31mb c") and len(said) == 300
    assert printable("ok") == "ok"


def test_an_error_whose_body_breaks_off_keeps_its_status() -> None:
    assert failure(http(b"oh", 503, length=100) + CLOSE).kind == "overloaded"


def test_a_connection_is_good_again_after_an_error() -> None:
    async def main() -> bytes:
        replies = [http({"error": "x"}, 500), http(OK, length=99) + CLOSE, http(OK)]
        async with wire(lambda _: replies.pop(0)) as server, Client(1) as client:
            for _ in range(2):
                with pytest.raises(AskFailed):
                    await client.send(server.url, "/x", b"{}", None, 5)
            return await client.send(server.url, "/x", b"{}", None, 5)

    assert asyncio.run(main()) == b'{"done":true}'


def test_a_failure_crosses_processes_whole() -> None:
    found = failure(http({"error": "slow down"}, 429, {"Retry-After": "3"}))
    copy = pickle.loads(pickle.dumps(found))
    assert isinstance(copy, AskFailed)
    assert (copy.kind, copy.status, copy.retry_after, str(copy)) == ("overloaded", 429, 3.0, str(found))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://localhost:11434", "http://localhost:11434"),
        ("localhost:11434", "http://localhost:11434"),
        (" http://LocalHost:11434/ ", "http://localhost:11434"),
        ("http://h/v1", "http://h"),
        ("http://h/v1/", "http://h"),
        ("http://h/api", "http://h"),
        ("http://h/v1/chat/completions", "http://h"),
        ("http://h:1/api/chat", "http://h:1"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_endpoint_is_normalised_once_and_for_all(written: str, meant: str) -> None:
    assert base_url(written) == meant
    assert base_url(meant) == meant


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "file:///etc/passwd",
        "http://",
        "",
        "http://h:99999",
        "http://h:0",
        "http://h/?a=b",
        "http://h/#x",
        "http://h h/",
        "http://[::1",
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
def test_what_is_no_endpoint_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        base_url(url)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        base_url("http://me:hunter2@h/")
    assert "hunter2" not in str(caught.value)

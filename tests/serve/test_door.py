"""Who is let in: tokens, host names, pages of other origins, how often; and what a service refuses to be."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection
from tests.serve.server import BIKES, Server

from ffgen.errors import UsageError
from ffgen.serve.guard import Guard, Rate, check_safe
from ffgen.serve.problem import Refused
from ffgen.serve.settings import Settings

TOKEN, OTHER = "a-token-of-the-operator", "another-token-for-others"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Tokens, one origin, one name, a handful of requests a minute."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "tokens").write_text(f"# for the tests\n{OTHER}\n")
    flags = ["--token-file", str(folder / "tokens"), "--cors", "https://app.example.com", "--rate", "20"]
    more = ["--allow-host", "data.example.com", "--makers", "1", "--jobs", "0"]
    with Server(folder / "data", *flags, *more, FFGEN_SERVE_TOKEN=TOKEN) as running:
        yield running


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_needed_but_for_health(guarded: Server) -> None:
    reply = guarded.ask("GET", "/jobs")
    assert reply.status == 401 and reply.headers["WWW-Authenticate"].startswith("Bearer")
    for wrong in ("", "x", TOKEN[:-1], f"{TOKEN}x"):
        assert guarded.ask("GET", "/jobs", headers=bearer(wrong)).status == 401
    assert guarded.ask("GET", "/jobs", headers={"Authorization": f"Basic {TOKEN}"}).status == 401
    for token in (TOKEN, OTHER):
        assert guarded.ask("GET", "/jobs", headers=bearer(token)).status == 200
    assert guarded.ask("GET", "/health").status == guarded.ask("GET", "/ready").status == 200
    assert guarded.ask("GET", "/openapi.json", headers=bearer()).json["components"]["securitySchemes"]
    assert TOKEN not in guarded.log.read_text() and OTHER not in guarded.log.read_text()


def test_jobs_belong_to_their_token(guarded: Server) -> None:
    job = guarded.ask("POST", "/jobs", {"description": BIKES}, bearer(OTHER)).json["id"]
    assert guarded.ask("GET", f"/jobs/{job}", headers=bearer(OTHER)).status == 200
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/download"), ("POST", "/cancel"), ("DELETE", "")):
        assert guarded.ask(method, f"/jobs/{job}{path}", headers=bearer()).status == 404
    assert guarded.ask("GET", "/jobs", headers=bearer()).json["jobs"] == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:1", 200), ("[::1]:8765", 200), ("10.1.2.3", 200), ("app.localhost", 200),
        ("data.example.com", 200), ("DATA.example.com.:443", 200), ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421), ("data.example.com@evil.example", 421),
    ],
)  # fmt: skip
def test_a_name_that_leads_here_is_not_enough(guarded: Server, host: str, status: int) -> None:
    """DNS rebinding."""
    assert guarded.ask("GET", "/health", headers={"Host": host}).status == status


def test_pages_of_other_origins_are_kept_out(guarded: Server) -> None:
    app, evil = {"Origin": "https://app.example.com"}, {"Origin": "https://evil.example"}
    asked = {"Access-Control-Request-Method": "POST"}
    allowed = guarded.ask("OPTIONS", "/generate", headers={**app, **asked})
    assert allowed.status == 204 and allowed.headers["Access-Control-Allow-Origin"] == app["Origin"]
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    refused = guarded.ask("OPTIONS", "/generate", headers={**evil, **asked})
    assert refused.status == 403 and "Access-Control-Allow-Origin" not in refused.headers
    reply = guarded.ask("POST", "/validate", {"spec": {}}, {**bearer(), **app})
    assert reply.status == 200 and reply.headers["Access-Control-Allow-Origin"] == app["Origin"]
    assert "Content-Disposition" in reply.headers["Access-Control-Expose-Headers"] and reply.headers["Vary"] == "Origin"
    assert guarded.ask("POST", "/validate", {"spec": {}}, {**bearer(), **evil}).status == 403
    own = {"Origin": guarded.url, "Host": guarded.url.removeprefix("http://")}
    assert guarded.ask("POST", "/validate", {"spec": {}}, {**bearer(), **own}).status == 200
    assert "Access-Control-Allow-Origin" not in guarded.ask("GET", "/jobs", headers={**bearer(), **evil}).headers


def test_a_page_without_cors_may_do_nothing(server: Server) -> None:
    reply = server.ask("POST", "/validate", {"spec": {}}, {"Origin": "https://app.example.com"})
    assert reply.status == 403 and "--cors" in reply.json["hint"]


def test_too_many_requests_are_told_when_to_come_again(guarded: Server) -> None:
    replies = [guarded.ask("POST", "/validate", {"spec": {}}, bearer(OTHER)) for _ in range(30)]
    refused = [reply for reply in replies if reply.status == 429]
    assert refused and int(refused[-1].headers["Retry-After"]) in range(1, 5)
    assert guarded.ask("GET", "/jobs", headers=bearer(OTHER)).status == 429
    for path in ("/health", "/ready", "/metrics"):
        assert guarded.ask("GET", path, headers=bearer(OTHER)).status == 200


def test_wrong_tokens_are_counted_and_right_ones_hide_among_them() -> None:
    guard = Guard(Settings(data="", run=[], tokens=[TOKEN], rate=30))
    said = [asked(guard, f"bad{i}") for i in range(60)]
    assert [one.kind for one in said if one] == ["unauthorized"] * 30 + ["rate"] * 30
    assert said[-1] and int(said[-1].headers["Retry-After"]) > 0
    assert refused_as(asked(guard, TOKEN)) == "rate"  # or guessing could go on
    assert asked(guard, TOKEN, address="10.0.0.2") is None


def test_right_tokens_of_one_address_do_not_share_its_rate() -> None:
    guard = Guard(Settings(data="", run=[], tokens=[TOKEN, OTHER], rate=30))
    assert not any(asked(guard, token) for token in (TOKEN, OTHER) for _ in range(30))
    assert refused_as(asked(guard, TOKEN)) == "rate"


def asked(guard: Guard, token: str, address: str = "10.0.0.1") -> Refused | None:
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/metrics" if "bad" in token else "/jobs", "headers": headers}
    try:
        guard.admit(HTTPConnection({**scope, "client": (address, 1)}))
    except Refused as refused:
        return refused
    return None


def refused_as(refused: Refused | None) -> str:
    return refused.kind if refused else ""


def test_what_a_browser_asks_ahead_is_let_in_and_noted_as_all_else(guarded: Server) -> None:
    ahead = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "X-Request-Id": "ahead"}
    allowed = guarded.ask("OPTIONS", "/jobs", headers=ahead)
    assert allowed.status == 204 and allowed.headers["X-Request-Id"] == "ahead"
    rebound = guarded.ask("OPTIONS", "/jobs", headers={**ahead, "Host": "evil.example"})
    assert rebound.status == 421 and "Access-Control-Allow-Origin" not in rebound.headers
    stranger = guarded.ask("OPTIONS", "/jobs", headers={**ahead, "Origin": "https://evil.example"})
    assert stranger.status == 403 and stranger.json["instance"].endswith(":ahead")
    unknown = guarded.ask("GET", "/jobs", headers={"Origin": ahead["Origin"]})
    assert unknown.status == 401 and unknown.headers["Access-Control-Allow-Origin"] == ahead["Origin"]
    assert b'method="OPTIONS"' in guarded.ask("GET", "/metrics", headers=bearer()).body
    statuses = [guarded.ask("OPTIONS", "/jobs", headers=ahead).status for _ in range(25)]
    assert {*statuses} == {204, 429}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://127.0.0.1:8801/health", b"200"), (b"http://localhost/jobs?limit=1", b"200"),
        (b"HTTP://localhost", b"200"),
        (b"http://evil.example/health", b"421"), (b"http://u@localhost/health", b"421"),
        (b"ftp://localhost/health", b"404"), (b"http://[/health", b"404"),
    ],
)  # fmt: skip
def test_a_request_may_name_a_whole_url(server: Server, target: bytes, status: bytes) -> None:
    """Whose host goes before the header's."""
    where = urlsplit(server.url)
    with socket.create_connection((str(where.hostname), where.port), timeout=10) as sock:
        sock.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(1000).split()[1] == status


def test_the_rate_is_that_of_each_client() -> None:
    clock = [0.0]
    rate = Rate(60, lambda: clock[0])
    for _ in range(60):
        rate.take("a")
    with pytest.raises(Refused, match="60 requests"):
        rate.take("a")
    rate.take("b")
    clock[0] = 1.5
    rate.take("a")
    with pytest.raises(Refused):
        rate.take("a")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"host": "0.0.0.0"}, "no token"),
        ({"host": "::"}, "no token"),
        ({"host": "example.com"}, "no token"),
        ({"tokens": ["short"]}, "16"),
        ({"tokens": ["with a space in the middle"]}, "space"),
        ({"cors": ["app.example.com"]}, "origin"),
        ({"cors": ["https://app.example.com/"]}, "origin"),
    ],
)
def test_a_service_that_strangers_could_use_by_mistake_is_none(said: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_safe(Settings(data="", run=[], **said))  # type: ignore[arg-type]


def test_a_service_may_be_open_when_that_is_said() -> None:
    check_safe(Settings(data="", run=[], host="0.0.0.0", no_auth=True))
    check_safe(Settings(data="", run=[], host="0.0.0.0", tokens=[TOKEN]))
    check_safe(Settings(data="", run=[], host="::1"))


def test_the_command_refuses_with_exit_2(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "ffgen_cli", "serve", "--host", "0.0.0.0", "--data-dir", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--no-auth" in done.stderr and "Traceback" not in done.stderr


WITHOUT = "import sys; sys.modules['uvicorn'] = None; from ffgen_cli.main import main; main()"
LOADED = "import sys, ffgen.serve.maker; print({'fastapi', 'pydantic', 'starlette', 'uvicorn'} & {*sys.modules})"


def test_the_command_without_its_extra_says_what_installs_it(tmp_path: Path) -> None:
    line = [sys.executable, "-c", WITHOUT, "serve", "--data-dir", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "pip install 'ffgen[serve]'" in done.stderr and "Traceback" not in done.stderr


def test_a_maker_needs_nothing_of_the_extra() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_what_is_no_http_is_refused_and_not_logged(server: Server) -> None:
    where = urlsplit(server.url)
    for said in (
        b"BAD\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((str(where.hostname), where.port), timeout=10) as sock:
            sock.sendall(said)
            assert b" 400 " in sock.recv(1000)
    assert "Traceback" not in server.log.read_text()

"""`POST /generate` and what stands beside it: the data, the headers, the limits."""

import csv
import http.client
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import psutil
import pytest
from tests import standin
from tests.serve.server import BIKES, ORDERS, Server, opened, wait_for

import ffgen

PLAIN = {"dataset": {"name": "parts", "fields": [{"name": "id", "type": "integer", "unique": True}]}}


def rows_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def test_a_description_is_a_csv(server: Server) -> None:
    reply = server.generate(description=BIKES)
    rows = rows_of(reply.body)
    assert reply.status == 200 and len(rows) == 1000
    assert len({row["email"] for row in rows}) == 1000 and all(float(row["purchase_amount"]) > 0 for row in rows)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="bike.csv"'
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert reply.headers["X-Ffgen-Rows"] == "1000" and reply.headers["X-Ffgen-Tables"] == "customers;rows=1000"


def test_the_bytes_are_those_of_the_command_line(server: Server, tmp_path: Path) -> None:
    drafted = ffgen.draft(BIKES, rows=300, seed=7)
    for format in ("csv", "jsonl", "parquet"):
        ffgen.run(drafted.spec, tmp_path / f"a.{format}")
        reply = server.generate(description=BIKES, rows=300, seed=7, format=format)
        assert reply.body == (tmp_path / f"a.{format}").read_bytes() and reply.headers["X-Ffgen-Seed"] == "7"


def test_the_finest_table_is_sent_and_all_in_a_zip(server: Server) -> None:
    reply = server.generate(description=ORDERS, rows=500)
    orders = rows_of(reply.body)
    assert len(orders) == 500 and reply.headers["X-Ffgen-Table"] == "orders"
    tables = dict(one.split(";rows=") for one in reply.headers["X-Ffgen-Tables"].split(", "))
    assert tables["orders"] == "500" and list(tables) == ["customers", "orders"]
    packed = server.generate(description=ORDERS, rows=500, format="zip")
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        assert archive.testzip() is None and archive.namelist() == ["customers.csv", "orders.csv"]
        assert rows_of(archive.read("orders.csv")) == orders
        customers = {row["customer_id"] for row in rows_of(archive.read("customers.csv"))}
    assert {row["customer_id"] for row in orders} <= customers and len(customers) == int(tables["customers"])
    assert packed.headers["Content-Type"] == "application/zip"
    assert server.generate(description=ORDERS, rows=500, format="zip").body == packed.body


def test_rows_are_as_said(server: Server) -> None:
    assert len(rows_of(server.generate(description="50 customers with names").body)) == 50
    assert len(rows_of(server.generate(description="50 customers with names", rows=7).body)) == 7
    assert len(rows_of(server.generate(description=ORDERS).body)) == 1000
    assert len(rows_of(server.generate(spec=PLAIN).body)) == 1000
    assert len(rows_of(server.generate(spec=PLAIN, rows=3.0).body)) == 3


@pytest.mark.parametrize("rows", [0, -1, 1_000_001, 10**30, 1.5, "5", None, True])
def test_rows_out_of_range_say_so(server: Server, rows: Any) -> None:
    reply = server.generate(description=BIKES, rows=rows)
    assert (reply.status, reply.json["type"]) == (422, "urn:ffgen:problem:rows-out-of-range")
    assert reply.json["errors"][0]["pointer"] == "#/rows" and "1,000,000" in reply.json["detail"]
    assert ("POST /jobs" in reply.json["hint"]) == (rows in (1_000_001, 10**30))


def test_a_description_that_asks_for_more_names_jobs(server: Server) -> None:
    reply = server.generate(description="2000000 customers with names")
    assert reply.status == 422 and "POST /jobs" in reply.json["hint"] and "2,000,000" in reply.json["detail"]


def test_a_large_answer_is_streamed_and_right(server: Server) -> None:
    reply = server.generate(description="customers with names and emails", rows=120_000)
    frame = pl.read_csv(reply.body)
    assert len(frame) == 120_000 and frame["email"].n_unique() == 120_000
    assert reply.headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        ({}, 422, "body", "neither"),
        ({"description": "x", "spec": PLAIN}, 422, "body", "both"),
        ({"spec": PLAIN, "model": "m"}, 422, "body", "`model`"),
        ({"description": ""}, 422, "description", "empty"),
        ({"description": "x" * 4001}, 422, "description", "4,001"),
        ({"description": "  "}, 422, "description", "empty"),
        ({"description": "lorem ipsum"}, 422, "description", "says"),
        ({"description": 5}, 422, "body", "text, got 5"),
        ({"description": BIKES, "format": "xml"}, 422, "body", "xml"),
        ({"description": BIKES, "seed": -1}, 422, "body", "from 0"),
        ({"description": BIKES, "colour": 1}, 422, "body", "`colour`"),
        ([], 422, "body", "object"),
        ({"spec": {}}, 422, "spec", ""),
        ({"spec": {"dataset": {"fields": [{"name": "a", "type": "strng"}]}}}, 422, "spec", "strng"),
        (
            {"spec": {"dataset": {"fields": [{"name": "b", "type": "boolean", "unique": True}]}}},
            422,
            "spec",
            "2 distinct",
        ),
        ({"spec": {**PLAIN, "output": {"path": "/etc/passwd"}}}, 422, "forbidden-in-spec", "files"),
        ({"spec": {**PLAIN, "output": None}}, 422, "forbidden-in-spec", "files"),
        ({"spec": {**PLAIN, "plugins": ["x.py"]}}, 422, "forbidden-in-spec", "plugins"),
        ({"spec": {**PLAIN, "plugins": "x.py"}}, 422, "forbidden-in-spec", "plugins"),
        ({"spec": {**PLAIN, "model": {"endpoint": "http://169.254.169.254/"}}}, 422, "forbidden-in-spec", "operator"),
        ({"spec": {**PLAIN, "model": {"name": "m", "key": {"file": "/etc/passwd"}}}}, 422, "forbidden-in-spec", "m"),
        ({"spec": {**PLAIN, "model": "m"}}, 422, "forbidden-in-spec", "operator"),
        ({"spec": {**PLAIN, "model": [1]}}, 422, "forbidden-in-spec", "operator"),
    ],
)
def test_what_is_wrong_is_said(server: Server, body: Any, status: int, kind: str, words: str) -> None:
    reply = server.ask("POST", "/generate", body)
    problem = reply.json
    assert (reply.status, problem["type"]) == (status, f"urn:ffgen:problem:{kind}"), problem
    assert reply.headers["Content-Type"] == "application/problem+json" and problem["status"] == status
    assert words in problem["detail"] and problem["hint"] and "Traceback" not in reply.body.decode()
    assert problem["instance"] == f"urn:ffgen:request:{reply.headers['X-Request-Id']}"


def test_errors_of_a_spec_have_pointers(server: Server) -> None:
    spec = {"dataset": {"fields": [{"name": "a", "type": "strng"}, {"name": "b", "type": "integer", "range": [5, 1]}]}}
    slips = server.generate(spec=spec).json["errors"]
    assert [slip["pointer"] for slip in slips] == ["#/spec/dataset/fields/0/type", "#/spec/dataset/fields/1/range"]
    reply = server.ask("POST", "/validate", {"spec": spec})
    assert reply.status == 200 and not reply.json["valid"] and reply.json["findings"] == slips


def test_validate_and_draft(server: Server) -> None:
    good = server.ask("POST", "/validate", {"spec": PLAIN}).json
    assert good["valid"] and good["tables"] == [{"name": "parts", "rows": 1000}] and not good["asks_model"]
    drafted = server.ask("POST", "/draft", {"description": ORDERS, "rows": 5, "seed": 3}).json
    assert drafted["finest"] == "orders" and drafted["spec"]["seed"] == 3 and "orders" in drafted["text"]
    assert server.generate(spec=drafted["spec"]).headers["X-Ffgen-Rows"] == "5"


def test_formulas_are_escaped_in_csv_alone(server: Server) -> None:
    texts = ["=1+1", "@x", "+1x", "-x", "-5", "+15550100", "plain"]
    fields = [
        {"name": "text", "type": "enum", "values": texts},
        {"name": "number", "type": "integer", "range": [-9, -1]},
        {"name": "=head", "type": "integer", "unique": True},
    ]
    spec = {"dataset": {"name": "d", "count": 300, "fields": fields}}
    rows = rows_of(server.generate(spec=spec).body)
    assert {row["text"] for row in rows} == {"'=1+1", "'@x", "'+1x", "'-x", "-5", "+15550100", "plain"}
    assert {row["number"] for row in rows} == {str(number) for number in range(-9, 0)} and "'=head" in rows[0]
    lines = server.generate(spec=spec, format="jsonl").lines
    assert {json.loads(line)["text"] for line in lines} == set(texts)


def test_names_of_any_kind_are_fit_for_headers(server: Server) -> None:
    spec = {"dataset": {"name": "Kunden\r\nX: é/東京", "count": 3, "fields": PLAIN["dataset"]["fields"]}}
    reply = server.generate(spec=spec)
    assert reply.status == 200 and "X" not in reply.headers
    assert "filename*=UTF-8''Kunden" in reply.headers["Content-Disposition"]


def test_bodies_that_are_not_json(server: Server) -> None:
    cases: list[tuple[bytes, dict[str, str], int, str]] = [
        (b"{", {}, 400, "syntax"),
        (b"\xff", {}, 400, "syntax"),
        (b"[" * 100_000, {}, 400, "syntax"),
        (b'{"spec":' + b"[" * 100_000, {}, 400, "syntax"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "media-type"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "media-type"),
        (b'{"description": "' + b"x" * (1 << 20) + b'"}', {}, 413, "too-long"),
    ]
    for raw, headers, status, kind in cases:
        reply = server.ask("POST", "/generate", headers=headers, raw=raw)
        assert (reply.status, reply.json["type"]) == (status, f"urn:ffgen:problem:{kind}")


def test_routes_and_methods_that_are_not(server: Server) -> None:
    assert server.ask("GET", "/nothing").json["type"] == "urn:ffgen:problem:not-found"
    reply = server.ask("PUT", "/generate")
    assert reply.status == 405 and reply.headers["Allow"] == "POST"
    assert server.ask("GET", "/jobs/..%2f..%2fetc").status == 404


def test_it_says_how_it_is(server: Server) -> None:
    for path in ("/health", "/healthz", "/ready", "/readyz"):
        assert server.ask("GET", path).json["status"] == "ok"
        assert server.ask("HEAD", path).body == b""
    assert server.ask("GET", "/").json["name"] == "ffgen"
    assert server.ask("GET", "/schema").json == ffgen.schema()
    server.generate(description=BIKES)
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'ffgen_requests_total{method="POST",route="/generate",status="200"}' in metrics
    assert 'ffgen_makers{lane="quick"} 1' in metrics


def drawing(server: Server) -> bool:
    """Whether a large answer is being made."""
    return 'ffgen_makers_busy{lane="long"} 1' in server.ask("GET", "/metrics").body.decode()


def test_a_client_that_goes_away_stops_the_work(server: Server) -> None:
    with opened(server, {"description": "customers with names", "rows": 1_000_000}) as stream:
        assert stream.status == 200 and stream.read(10)
        assert drawing(server)
    wait_for(lambda: not drawing(server), 10)
    assert len(server.generate(description="customers with names", rows=20_000).lines) == 20_001


def kill_makers(server: Server) -> None:
    """As for want of memory."""
    for maker in psutil.Process(server.process.pid).children():
        maker.kill()


def test_a_stream_that_fails_is_cut_off(server: Server) -> None:
    with opened(server, {"description": "customers with names", "rows": 1_000_000}) as stream:
        assert stream.read(10)
        kill_makers(server)
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            while stream.read(1 << 20):
                pass
    wait_for(lambda: not drawing(server), 10)
    assert server.generate(description=BIKES).status == 200
    assert "ffgen_answers_cut_total 0" not in server.ask("GET", "/metrics").body.decode()


def test_an_old_client_never_takes_a_part_for_the_whole(server: Server) -> None:
    """HTTP/1.0 has no chunks: a large answer that fails must end by a reset."""
    where = urlsplit(server.url)
    body = json.dumps({"description": "customers with names", "rows": 1_000_000}).encode()
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((str(where.hostname), where.port), timeout=30) as sock:
        sock.sendall(b"POST /generate HTTP/1.0\r\n" + head + body)
        assert sock.recv(15).endswith(b" 200 OK")
        kill_makers(server)
        with pytest.raises(ConnectionResetError):
            while sock.recv(1 << 20):
                pass
    wait_for(lambda: not drawing(server), 10)


@pytest.fixture(scope="module")
def models() -> Iterator[str]:
    with standin.start(models=("m",), slots=4) as model:
        yield model.url


ASKED = {
    "dataset": {
        "name": "notes",
        "count": 8,
        "mode": "records",
        "fields": [{"name": "id", "type": "integer", "unique": True}, {"name": "note", "type": "string"}],
    }
}


def test_models_are_the_operator_s(models: str, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(
        f"fast: {{endpoint: '{models}', name: m}}\naway: {{endpoint: 'http://127.0.0.1:9', name: m}}\n"
    )
    with Server(tmp_path / "data", "--makers", "1", "--models", str(tmp_path / "models.yaml")) as server:
        reply = server.generate(spec={**ASKED, "model": {"name": "fast", "temperature": 0.1}}, format="jsonl")
        assert reply.status == 200 and len(reply.lines) == 8
        many = server.generate(spec={**ASKED, "model": "fast"}, rows=1001)
        assert many.status == 422 and "POST /jobs" in many.json["hint"] and "model" in many.json["detail"]
        away = server.generate(spec={**ASKED, "model": {"name": "away"}})
        assert (
            away.status == 503 and away.json["type"] == "urn:ffgen:problem:model-away" and away.headers["Retry-After"]
        )
        assert "127.0.0.1:9" not in away.body.decode()
        other = server.generate(spec={**ASKED, "model": {"name": "fast", "options": {}}})
        assert other.status == 422 and other.json["errors"][0]["pointer"] == "#/spec/model/options"
        said = {"spec": {**ASKED, "model": {"name": "fast", "temperature": 0.1}}, "format": "jsonl"}
        job = server.ask("POST", "/jobs", said).json
        assert server.finished(job["id"])["state"] == "done"
        assert server.ask("GET", f"/jobs/{job['id']}/download").body == reply.body


def test_a_model_drafts_and_is_asked_once(tmp_path: Path) -> None:
    fields = [
        {"name": "id", "type": "integer", "unique": True, "generator": "sequence"},
        {"name": "plan", "type": "enum", "values": ["gold", "silver"]},
    ]
    turn = {"text": json.dumps({"tables": [{"name": "members", "fields": fields}]})}
    with standin.start(models=("m",), slots=4) as model:
        model.set(script=[turn])
        (tmp_path / "models.yaml").write_text(f"fast: {{endpoint: '{model.url}', name: m}}\n")
        flags = ["--makers", "1", "--streams", "2", "--models", str(tmp_path / "models.yaml")]
        with Server(tmp_path / "data", *flags) as server:
            said = {"description": "members of a gym and their plan", "model": "fast"}
            with ThreadPoolExecutor(8) as many:
                drafts = list(many.map(lambda _: server.ask("POST", "/draft", said), range(8)))
            assert {reply.status for reply in drafts} == {200} and drafts[0].json["author"] == "m:latest"
            assert model.stats()["requests"] == 1 and sum(not reply.json["kept"] for reply in drafts) == 1
            reply = server.generate(**said, rows=20)
            assert len(rows_of(reply.body)) == 20 and reply.headers["X-Ffgen-Author"] == "m%3Alatest"
            server.kill()
            server.start()
            assert server.generate(**said, rows=20).body == reply.body and model.stats()["requests"] == 1
            unknown = server.generate(description=BIKES, model="slow")
            assert unknown.status == 422 and "fast" in unknown.json["hint"]

"""Jobs: queued, run by `ffgen run`, followed, cancelled, kept; and what is left of them when processes are killed."""

import contextlib
import http.client
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.serve.server import BIKES, ORDERS, Server, opened, wait_for

import ffgen

MANY = "customers with names, emails and orders"


def submitted(server: Server, key: str = "", **said: Any) -> Any:
    reply = server.ask("POST", "/jobs", said, {"Idempotency-Key": key} if key else {})
    assert reply.status == 202, reply.body
    assert reply.headers["Location"] == f"/jobs/{reply.json['id']}"
    return reply.json


def test_a_job_is_what_the_command_line_makes(server: Server, tmp_path: Path) -> None:
    job = submitted(server, description=BIKES, rows=2000, seed=5)
    assert job["state"] == "queued" and job["tables"] == [{"name": "customers", "rows": 2000}]
    done = server.finished(job["id"])
    assert done["state"] == "done" and done["files"][0]["table"] == "customers" and done["error"] is None
    reply = server.ask("GET", f"/jobs/{job['id']}/download")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="bike.csv"'
    ffgen.run(ffgen.draft(BIKES, rows=2000, seed=5).spec, tmp_path / "a.csv")
    assert reply.body == (tmp_path / "a.csv").read_bytes()
    assert server.generate(description=BIKES, rows=2000, seed=5).body == reply.body
    part = server.ask("GET", f"/jobs/{job['id']}/download", headers={"Range": "bytes=10-19"})
    assert part.status == 206 and part.body == reply.body[10:20]
    assert server.ask("GET", f"/jobs/{job['id']}/download", headers={"Range": "bytes=999999999-"}).status == 416


@pytest.mark.parametrize(
    ("said", "status", "part"),
    [
        ({"Range": "bytes=0-0,99999999-"}, 206, slice(0, 1)),
        ({"Range": "Bytes=0-3"}, 206, slice(0, 4)),
        ({"Range": "bytes=-5"}, 206, slice(-5, None)),
        ({"Range": "bytes=7-, ,"}, 206, slice(7, None)),
        ({"Range": f"bytes=3-{'9' * 30}"}, 206, slice(3, None)),
        ({"Range": "items=0-3"}, 200, slice(None)),
        ({"Range": "bytes=99999999-", "If-Range": '"old"'}, 200, slice(None)),
        ({"Range": "bytes=99999999-"}, 416, None),
        ({"Range": "bytes=-0"}, 416, None),
        ({"Range": "bytes=5-2"}, 416, None),
        ({"Range": "bytes=-"}, 416, None),
        ({"Range": "bytes=0-1,x"}, 416, None),
    ],
)
def test_parts_of_a_file(server: Server, made: str, said: dict[str, str], status: int, part: slice | None) -> None:
    """RFC 9110, 14."""
    whole = server.ask("GET", f"/jobs/{made}/download")
    reply = server.ask("GET", f"/jobs/{made}/download", headers=said)
    assert reply.status == status
    if part is None:
        assert reply.json["type"].endswith(":range") and reply.headers["Content-Range"] == f"bytes */{len(whole.body)}"
    else:
        assert reply.body == whole.body[part]
    fresh = server.ask("GET", f"/jobs/{made}/download", headers={**said, "If-Range": whole.headers["ETag"]})
    assert fresh.status == status or "If-Range" in said


@pytest.fixture(scope="module")
def made(server: Server) -> str:
    """A job that is done."""
    job: str = submitted(server, description=BIKES, rows=20)["id"]
    assert server.finished(job)["state"] == "done"
    return job


def test_several_tables_come_alone_or_together(server: Server) -> None:
    job = submitted(server, description=ORDERS, rows=300, format="zip")
    done = server.finished(job["id"])
    assert [file["table"] for file in done["files"]] == ["customers", "orders"]
    packed = server.ask("GET", f"/jobs/{job['id']}/download")
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        for file in done["files"]:
            assert server.ask("GET", file["href"]).body == archive.read(file["name"])
    assert server.ask("GET", f"/jobs/{job['id']}/download?table=nothing").status == 404


def test_generate_makes_a_job_where_that_is_preferred(server: Server) -> None:
    said = {"description": BIKES, "rows": 10}
    reply = server.ask("POST", "/generate", said, {"Prefer": "respond-async, wait=10"})
    assert reply.status == 202 and reply.headers["Preference-Applied"] == "respond-async"
    assert server.finished(reply.json["id"])["state"] == "done"


def test_events_tell_of_a_job_to_its_end(server: Server) -> None:
    job = submitted(server, description=MANY, rows=100_000)
    reply = server.ask("GET", f"/jobs/{job['id']}/events")
    assert reply.headers["Content-Type"] == "text/event-stream"
    events = [dict(line.split(": ", 1) for line in text.split("\n")) for text in reply.body.decode().split("\n\n")[:-1]]
    assert events[-1]["event"] == "end" and json.loads(events[-1]["data"])["state"] == "done"
    seen = [json.loads(event["data"]) for event in events if event["event"] == "progress"]
    assert seen and seen[-1]["records"] == seen[-1]["wanted"] > 100_000
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(ids)
    again = server.ask("GET", f"/jobs/{job['id']}/events", headers={"Last-Event-ID": str(ids[-1])})
    assert b"event: progress" not in again.body and b"event: end" in again.body


def test_jobs_are_listed_by_pages(server: Server) -> None:
    made = [submitted(server, description=BIKES, rows=1)["id"] for _ in range(3)]
    page = server.ask("GET", "/jobs?limit=2").json
    assert [job["id"] for job in page["jobs"]] == made[:0:-1]
    assert server.ask("GET", page["next"]).json["jobs"][0]["id"] == made[0]
    assert server.ask("GET", "/jobs?state=failed").json["jobs"] == []
    for wrong in ("limit=0", "limit=x", "before=-1", "state=gone", "limit=1&limit=2", "limit=%C2%B2"):
        assert server.ask("GET", f"/jobs?{wrong}").status == 400


def test_a_job_that_fails_says_why(server: Server) -> None:
    fields = [
        {"name": "a", "type": "integer", "range": [1, 9]},
        {"name": "b", "type": "integer", "range": [1, 9]},
        {"name": "id", "type": "integer", "unique": True},
    ]
    spec = {"dataset": {"name": "d", "count": 5, "fields": fields, "require": "a > b + 8"}}
    done = server.finished(submitted(server, spec=spec)["id"])
    assert done["state"] == "failed" and done["error"]["type"] == "urn:ffgen:problem:shortfall" and done["files"] == []
    reply = server.ask("GET", f"/jobs/{done['id']}/download")
    assert reply.status == 409 and "failed" in reply.json["detail"]


def test_fifty_of_one_key_are_one_job(server: Server) -> None:
    """Row 20 of the fault matrix."""
    with ThreadPoolExecutor(50) as many:
        made = list(many.map(lambda _: submitted(server, key="one", description=BIKES, rows=9), range(50)))
    assert len({job["id"] for job in made}) == 1
    other = server.ask("POST", "/jobs", {"description": BIKES, "rows": 10}, {"Idempotency-Key": "one"})
    assert other.status == 422 and other.json["type"] == "urn:ffgen:problem:idempotency-key"
    replayed = server.ask("POST", "/jobs", {"rows": 9.0, "description": BIKES}, {"Idempotency-Key": '"one"'})
    assert replayed.headers["Idempotency-Replayed"] == "true" and replayed.json["id"] == made[0]["id"]
    for wrong in ("", "a b", "x" * 256):
        assert server.ask("POST", "/jobs", {"description": BIKES}, {"Idempotency-Key": wrong}).status == 400


def test_cancelling_and_removing(server: Server) -> None:
    job, after = (submitted(server, description=MANY, rows=2_000_000)["id"] for _ in range(2))
    wait_for(lambda: server.job(job)["state"] == "running")
    assert server.ask("DELETE", f"/jobs/{job}").status == 409
    assert server.ask("POST", f"/jobs/{after}/cancel").json["state"] == "cancelled"
    assert server.ask("POST", f"/jobs/{job}/cancel").json["state"] == "cancelling"
    assert server.finished(job)["state"] == "cancelled" and not (server.folder / "jobs" / job / "out").exists()
    assert server.ask("POST", f"/jobs/{job}/cancel").status == 409
    assert server.ask("DELETE", f"/jobs/{job}").status == 204 and not (server.folder / "jobs" / job).exists()
    assert server.ask("GET", f"/jobs/{job}").status == 404


def test_what_would_not_fit_is_refused(server: Server) -> None:
    assert server.ask("POST", "/jobs", {"description": BIKES, "rows": 100_000_001}).status == 422
    wide = [{"name": f"t{i}", "type": "enum", "values": ["x" * 9000, "y" * 9000]} for i in range(20)]
    ident = {"name": "id", "type": "integer", "generator": "sequence"}
    reply = server.ask("POST", "/jobs", {"spec": {"dataset": {"name": "d", "fields": [*wide, ident]}}, "rows": 10**8})
    assert reply.status == 422 and "bytes" in reply.json["detail"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A service that a test may kill."""
    with Server(tmp_path / "data", "--makers", "1", "--grace", "1s") as running:
        yield running


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Server]:
    """One whose jobs stand still just before they publish, until they are let go on."""
    with Server(tmp_path / "data", "--makers", "1", FFGEN_FAILPOINTS="coordinator.publish:stop") as running:
        yield running


def processes(server: Server) -> list[psutil.Process]:
    """Of `ffgen run`, for jobs of this service."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = process.info["cmdline"] or []
        if "spec.json" in line and str(server.folder) in str(process.info["cwd"]):
            found.append(process)
    return found


def standing(server: Server) -> psutil.Process:
    """The process of a job that has come to the point where it stands still."""

    def found() -> psutil.Process | None:
        failed = server.ask("GET", "/jobs?state=failed").json["jobs"]
        assert not failed, [(server.folder / "jobs" / job["id"] / "events.jsonl").read_text() for job in failed]
        return next((one for one in processes(server) if status_of(one) == psutil.STATUS_STOPPED), None)

    process: psutil.Process = wait_for(found)
    return process


def status_of(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        return str(process.status())
    return "gone"


def rows_of(server: Server, job: Any) -> dict[str, bytes]:
    return {file["table"]: server.ask("GET", file["href"]).body for file in job["files"]}


def test_a_killed_service_finds_its_jobs_again(held: Server) -> None:
    """The one that runs goes on while nobody is there, the one that waits is run, nothing is made twice, and the bytes
    are those of jobs that nobody disturbed."""
    first = submitted(held, description=ORDERS, rows=200, key="a")["id"]
    second = submitted(held, description=BIKES, rows=100)["id"]
    running = standing(held)
    held.kill()
    held.start()
    assert held.job(first)["state"] == "running" and [one.pid for one in processes(held)] == [running.pid]
    assert submitted(held, description=ORDERS, rows=200, key="a")["id"] == first
    running.resume()
    done = held.finished(first)
    assert done["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(held.generate(description=ORDERS, rows=200, format="zip").body)) as archive:
        assert rows_of(held, done) == {name.removesuffix(".csv"): archive.read(name) for name in archive.namelist()}
    standing(held).resume()
    assert held.finished(second)["state"] == "done"


@pytest.mark.soak
def test_everything_is_killed_and_the_job_is_done_once(held: Server) -> None:
    """As when the machine goes down: the job is run again, and gives the same bytes."""
    job = submitted(held, description=BIKES, rows=200)["id"]
    running = standing(held)
    held.kill()
    running.kill()
    wait_for(lambda: not processes(held))
    held.start()
    standing(held).resume()
    done = held.finished(job)
    assert done["state"] == "done"
    assert rows_of(held, done) == {"customers": held.generate(description=BIKES, rows=200).body}


@pytest.mark.soak
def test_a_job_that_ends_while_nobody_is_there_is_done(held: Server) -> None:
    job = submitted(held, description=BIKES, rows=100)["id"]
    running = standing(held)
    held.kill()
    running.resume()
    wait_for(lambda: not processes(held))
    held.start()
    assert held.finished(job)["state"] == "done" and held.job(job)["files"]


@pytest.mark.soak
def test_a_process_that_always_dies_is_given_up(held: Server) -> None:
    job = submitted(held, description=BIKES, rows=100)["id"]
    for _ in range(3):
        running = standing(held)
        running.kill()
        running.wait()
    done = held.finished(job)
    assert done["state"] == "failed" and "died 3 times" in done["error"]["detail"]
    assert not (held.folder / "jobs" / job / "out").exists()


@pytest.mark.parametrize(
    "point", [pytest.param("coordinator.publish", marks=pytest.mark.soak), "coordinator.published"]
)
def test_a_cancel_while_it_is_published_leaves_nothing_half(point: str, tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--makers", "1", FFGEN_FAILPOINTS=f"{point}:stop") as server:
        job = submitted(server, description=ORDERS, rows=100)["id"]
        running = standing(server)
        server.ask("POST", f"/jobs/{job}/cancel")
        time.sleep(0.3)  # until it has been told
        running.resume()
        done = server.finished(job)
        out = server.folder / "jobs" / job / "out"
        assert (done["state"], len(done["files"]), out.exists()) in [("cancelled", 0, False), ("done", 2, True)]


def test_a_stop_waits_for_answers_and_leaves_jobs_alone(held: Server) -> None:
    job = submitted(held, description=BIKES, rows=100)["id"]
    running = standing(held)
    with ThreadPoolExecutor(2) as threads:
        answer = threads.submit(lambda: held.generate(description="customers with names", rows=200_000))
        events = threads.submit(lambda: held.ask("GET", f"/jobs/{job}/events"))
        wait_for(lambda: "ffgen_requests_in_flight 3" in held.ask("GET", "/metrics").body.decode())
        assert held.stop() == 0
    assert len(answer.result().lines) == 200_001 and events.result().status == 200
    held.start()
    running.resume()
    assert held.finished(job)["state"] == "done"


@pytest.mark.soak
def test_a_stop_does_not_wait_for_ever(own: Server) -> None:
    with opened(own, {"description": "customers with names", "rows": 1_000_000}) as stream:
        assert stream.read(10)
        began = time.monotonic()
        assert own.stop() == 0
        assert time.monotonic() - began < 10
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            while stream.read(1 << 20):
                pass


def test_a_second_service_can_not_have_the_folder(server: Server) -> None:
    with pytest.raises(AssertionError, match="Another service has the data folder"):
        Server(server.folder, "--makers", "1")
    assert server.ask("GET", "/ready").status == 200


@pytest.mark.soak
def test_old_jobs_are_forgotten(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--makers", "1", "--keep", "1ms") as server:
        job = submitted(server, description=BIKES, rows=1)["id"]
        server.finished(job)
        server.kill()
        server.start()
        wait_for(lambda: server.ask("GET", f"/jobs/{job}").status == 404)
        assert os.listdir(server.folder / "jobs") == []

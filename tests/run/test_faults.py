"""What a server and a network can do to a run: it gets its N, or says which endpoint it gave up and why."""

import itertools
import socket
import time
from typing import Any

import pytest
from tests.run.drive import OLD, Site, spec, wait_for
from tests.standin import Standin, start

from ffgen.errors import EndpointError

COUNT = 64


@pytest.fixture
def calm(site: Site, server: Standin) -> str:
    """The hash of what a run without faults makes; the cache is cold again, and the counters are at 0."""
    site.here(spec(server.url, COUNT))
    site.cold()
    server.reset()
    return site.digest()


@pytest.mark.parametrize(
    ("workers", "faults"),
    [
        (0, {"http429": 0.3, "retry_after": 0.2}),
        (0, {"http503": 0.2}),
        (0, {"http500": 0.3}),
        (0, {"reset": 0.3}),
        (0, {"half": 0.3}),
        (0, {"drip": 0.3, "drip_rate": 20_000}),
        (1, {"http500": 0.1, "reset": 0.1, "half": 0.1, "http429": 0.1, "retry_after": 0.1}),
    ],
    ids=lambda told: "+".join(told) if isinstance(told, dict) else str(told),
)
def test_faults_of_the_wire_change_no_byte(
    site: Site, server: Standin, calm: str, faults: dict[str, Any], workers: int
) -> None:
    server.set(**faults)
    report = site.here(spec(server.url, COUNT), workers=workers)
    assert report.records == COUNT and site.digest() == calm
    stats = server.stats()
    struck = sum(stats["faults"].values())
    assert struck > 0 and report.requests == stats["requests"]
    if "drip" not in faults:
        assert report.retries == struck == sum(report.failures.values())
    assert stats["max_in_flight"] <= 4 and stats["repeated"] == 0


def test_retry_after_is_obeyed(site: Site, server: Standin) -> None:
    server.set(http429=1.0, fault_tries=1, retry_after=0.5)
    began = time.monotonic()
    report = site.here(spec(server.url, 8, concurrency=1))
    assert report.records == 8 and report.failures == {"overloaded": 1}
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize(("says", "least", "most"), [("date", 1.0, 6.0), ("soon", 2.0, 7.0), ("9" * 400, 2.0, 7.0)])
def test_other_forms_of_retry_after(site: Site, server: Standin, says: str, least: float, most: float) -> None:
    """A date by the server's own clock, which is a year behind; what says nothing is two seconds."""
    server.set(http429=1.0, fault_tries=1, retry_after=2.0, retry_says=says)
    began = time.monotonic()
    report = site.here(spec(server.url, 8, concurrency=1))
    assert report.records == 8 and report.failures == {"overloaded": 1}
    assert least <= time.monotonic() - began < most


def test_a_huge_retry_after_leaves_the_work_to_another_endpoint(site: Site, server: Standin, calm: str) -> None:
    with start(http429=1.0, retry_says="99999") as other:
        report = site.here(spec([other.url, server.url], COUNT))
        assert other.stats()["requests"] <= 4 and report.seconds < 5.0
    assert site.digest() == calm


def test_a_clock_that_jumps_changes_nothing(
    site: Site, server: Standin, calm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.set(http429=0.3, retry_after=0.1, http500=0.1, latency=0.02)
    jumps = itertools.cycle([0.0, 1e6, -1e6, 86_400.0])
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    report = site.here(spec(server.url, COUNT))
    assert report.seconds < 20 and site.digest() == calm and report.retries > 0


def test_requests_that_hang_are_given_up_and_sent_again(site: Site, server: Standin, calm: str) -> None:
    server.set(hang=0.3, fault_tries=1)
    report = site.here(spec(server.url, COUNT, timeout=0.5))
    assert report.records == COUNT and site.digest() == calm
    hung = server.stats()["faults"]["hang"]
    assert report.failures == {"timeout": hung} and hung > 0
    assert server.stats()["cancelled"] == hung


def test_a_slow_drip_is_bounded_by_the_timeout_of_a_request(site: Site, server: Standin) -> None:
    server.set(drip=1.0, fault_tries=1, drip_rate=100)
    report = site.here(spec(server.url, 16, timeout=0.5))
    assert report.records == 16 and report.failures == {"timeout": 2}


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_replies_of_every_kind_still_make_n(site: Site, server: Standin, workers: int) -> None:
    server.set(malformed=0.15, cut=0.15, nodone=0.1, wrong=0.15, empty=0.1, few=0.1, duplicates=0.2)
    report = site.here(spec(server.url, COUNT), workers=workers)
    assert report.records == COUNT and report.retries == 0
    assert report.refused and report.duplicates > 0


def test_nobody_listens(site: Site) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    site.path().write_bytes(OLD)
    began = time.monotonic()
    with pytest.raises(EndpointError, match=url) as caught:
        site.here(spec(url, COUNT, patience=1.0))
    assert time.monotonic() - began < 5.0 and caught.value.exit_code == 5
    assert caught.value.hint
    assert site.path().read_bytes() == OLD and site.leftovers() == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_server_that_dies_is_given_up_and_the_run_goes_on_when_it_is_back(site: Site, workers: int) -> None:
    port = free_port()
    site.path().write_bytes(OLD)
    with start(port=port, latency=0.1) as server:
        source = spec(server.url, COUNT, patience=1.0)
        run = site.start(source, workers=workers)
        assert wait_for(lambda: server.stats()["replies"] >= 3)
    died = time.monotonic()
    done = run.end()
    assert done.code == 5 and f"127.0.0.1:{port}" in done.error and "the same command" in done.error, done
    assert 1.0 <= time.monotonic() - died < 8.0
    assert site.path().read_bytes() == OLD and site.leftovers() == []
    with start(port=port) as server:
        report = site.here(source)
        assert report.kept >= 3 and server.stats()["requests"] == report.requests <= 6


def test_a_server_that_restarts_in_time_is_not_given_up(site: Site) -> None:
    port = free_port()
    with start(port=port, latency=0.1) as server:
        source = spec(server.url, COUNT, patience=20.0)
        run = site.start(source)
        assert wait_for(lambda: server.stats()["replies"] >= 3)
    time.sleep(0.3)
    with start(port=port):
        done = run.end()
    assert done.code == 0 and done.report["retries"] > 0


def test_a_server_that_only_fails_is_given_up_with_its_words(site: Site, server: Standin) -> None:
    server.set(http500=1.0)
    began = time.monotonic()
    with pytest.raises(EndpointError, match=r"unexpectedly stopped") as caught:
        site.here(spec(server.url, COUNT, patience=1.0))
    assert server.url.removeprefix("http://") in str(caught.value)
    assert 1.0 <= time.monotonic() - began < 8.0


def test_of_two_endpoints_the_one_that_dies_is_left_out(site: Site, server: Standin, calm: str) -> None:
    server.set(latency=0.05)
    with start(latency=0.05) as other:
        source = spec([server.url, other.url], COUNT, patience=1.0, concurrency=2)
        run = site.start(source)
        assert wait_for(lambda: other.stats()["replies"] >= 1)
    done = run.end()
    assert done.code == 0, done
    assert site.digest() == calm and server.stats()["replies"] > 0


def test_of_two_endpoints_the_one_that_is_absent_is_left_out(site: Site, server: Standin, calm: str) -> None:
    report = site.here(spec([f"http://127.0.0.1:{free_port()}", server.url], COUNT))
    assert report.records == COUNT and site.digest() == calm


def test_it_is_remembered_that_a_server_refuses_patterns(site: Site, server: Standin) -> None:
    server.set(noschema=1.0)
    fields = [{"name": "name", "type": "string", "length": [3, 40], "pattern": "[a-z]"}]
    source = spec(server.url, COUNT, fields)
    report = site.here(source)
    assert report.records == COUNT
    digest, stats = site.digest(), server.stats()
    # Those in flight when the first was refused are refused, too; none after.
    assert 0 < stats["faults"]["noschema"] <= 4
    again = site.run(source)
    assert again.code == 0 and again.report["requests"] == 0
    assert server.stats()["requests"] == stats["requests"] and site.digest() == digest

"""Signals and the time limit: asking stops, what is paid for is kept, and the same command goes on from there."""

import os
import signal
import time
from typing import Any

import pytest
from tests.run.drive import OLD, Run, Site, spec, wait_for
from tests.standin import Standin

COUNT = 160


@pytest.fixture
def source(server: Standin) -> dict[str, Any]:
    """A run of two seconds or so, once it asks."""
    server.set(latency=0.2, jitter=0.2)
    return spec(server.url, COUNT)


def under_way(site: Site, server: Standin, source: dict[str, Any], replies: int = 3, **options: Any) -> Run:
    """A run that has got some replies and has others in flight."""
    site.path().write_bytes(OLD)
    run = site.start(source, **options)
    assert wait_for(lambda: server.stats()["replies"] >= replies)
    return run


def goes_on(site: Site, server: Standin, source: dict[str, Any]) -> None:
    """The same command ends well, and pays for nothing twice."""
    assert site.path().read_bytes() == OLD and site.leftovers() == []
    server.set(latency=0, jitter=0, hang=0)
    report = site.here(source)
    assert report.kept > 0 and report.requests > 0
    assert server.stats()["repeated"] == 0
    digest = site.digest()
    site.cold()
    site.here(source)
    assert site.digest() == digest


@pytest.mark.parametrize(
    ("number", "code", "workers"), [(signal.SIGINT, 130, 0), (signal.SIGTERM, 143, 1), (signal.SIGHUP, 129, 0)]
)
def test_a_signal_ends_the_run_in_order(
    site: Site, server: Standin, source: dict[str, Any], number: signal.Signals, code: int, workers: int
) -> None:
    run = under_way(site, server, source, workers=workers)
    asked_at = time.monotonic()
    os.kill(run.pid, number)
    done = run.end()
    assert done.code == code, done
    assert time.monotonic() - asked_at < 3.0
    assert f"of {COUNT} records" in done.error and "the same command" in done.error
    goes_on(site, server, source)


def test_a_signal_to_the_whole_group_is_the_coordinators(site: Site, server: Standin, source: dict[str, Any]) -> None:
    """As a terminal's Ctrl-C."""
    run = under_way(site, server, source, workers=1)
    os.killpg(run.pid, signal.SIGINT)
    assert run.end().code == 130
    goes_on(site, server, source)


@pytest.mark.parametrize(("started", "number"), [(1, signal.SIGTERM), (4, signal.SIGHUP)])
def test_a_signal_while_the_processes_start(
    site: Site, source: dict[str, Any], started: int, number: signal.Signals
) -> None:
    """Those that have only just been made, and have no handlers yet, don't die of it on their own."""
    site.path().write_bytes(OLD)
    run = site.start(source, workers=2)
    assert wait_for(lambda: len(run.children()) >= started)
    at = time.monotonic()
    os.killpg(run.pid, number)
    done = run.end()
    assert done.code == 128 + number, done
    assert time.monotonic() - at < 5.0 and site.path().read_bytes() == OLD and site.leftovers() == []


@pytest.mark.parametrize("workers", [0, 1])
def test_a_second_signal_ends_it_at_once(site: Site, server: Standin, source: dict[str, Any], workers: int) -> None:
    run = under_way(site, server, source, workers=workers)
    server.set(hang=1.0)
    assert wait_for(lambda: server.stats()["faults"].get("hang", 0) > 0)
    os.kill(run.pid, signal.SIGINT)
    time.sleep(0.3)
    assert run.process.poll() is None, "a hung request is waited for, it may yet come"
    second = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    done = run.end()
    assert done.code == 130 and time.monotonic() - second < 1.5
    goes_on(site, server, source)


def test_hung_requests_hold_a_signal_up_for_ten_seconds_at_most(
    site: Site, server: Standin, source: dict[str, Any]
) -> None:
    run = under_way(site, server, source, workers=1)
    server.set(hang=1.0)
    assert wait_for(lambda: server.stats()["faults"].get("hang", 0) > 0)
    first = time.monotonic()
    os.kill(run.pid, signal.SIGTERM)
    done = run.end()
    assert done.code == 143 and time.monotonic() - first < 10.0
    goes_on(site, server, source)


@pytest.mark.parametrize("workers", [0, 1])
def test_out_of_time_says_so_and_goes_on_next_time(
    site: Site, server: Standin, source: dict[str, Any], workers: int
) -> None:
    site.path().write_bytes(OLD)
    done = site.run(source, workers=workers, timeout=0.8 if workers == 0 else 2.0)
    assert done.code == 3 and "time limit" in done.error and f"of {COUNT} records" in done.error, done
    assert "--timeout" in done.error
    if workers == 0:
        goes_on(site, server, source)


def test_a_caller_gets_its_signal_handlers_back(site: Site, server: Standin) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    site.here(spec(server.url, 16))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

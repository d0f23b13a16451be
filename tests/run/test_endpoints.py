"""Several endpoints of one model, as processes that die, come back, dawdle and refuse: the bytes are those of one."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.run.drive import Site, spec, wait_for
from tests.run.test_faults import free_port
from tests.standin import Standin, start

import ffgen
from ffgen.errors import EndpointError
from ffgen_cli.report import run_report

COUNT = 240
"""Thirty requests."""
SLOW = {"ffgen.ask.limit.PROBES": [0.3, 1.0]}
"""Pauses between probes that a test can wait for."""


@pytest.fixture
def calm(site: Site, server: Standin) -> str:
    """The hash of a run with one endpoint; the cache is cold again, and the counters are at 0."""
    site.here(spec(server.url, COUNT))
    site.cold()
    server.reset()
    return site.digest()


@pytest.fixture
def others() -> Iterator[Any]:
    """Starts stand-ins that end with the test."""
    with ExitStack() as held:
        yield lambda **said: held.enter_context(start(**said))


def used(report: ffgen.Report, server: Standin) -> Any:
    return next(each for each in report.servers if each.url == server.url)


@pytest.mark.parametrize("workers", [0, 1])
def test_one_that_is_far_slower_gets_less_and_is_not_waited_for(
    site: Site, server: Standin, calm: str, others: Any, workers: int
) -> None:
    server.set(latency=0.1)
    slow = others(latency=30.0)
    report = site.here(spec([server.url, slow.url], COUNT), workers=workers)
    assert site.digest() == calm
    fast, late = used(report, server), used(report, slow)
    assert fast.requests > 2 * late.requests > 0
    assert report.doubles > 0 and report.requests == 30 + report.doubles
    # Thirty requests at four a tenth of a second are 0.75 s; a reply of the slow one comes after half a minute.
    assert report.seconds < 20.0 and fast.p50 is not None and fast.p50 >= 0.1
    assert server.stats()["repeated"] == slow.stats()["repeated"] == 0
    again = site.here(spec([server.url, slow.url], COUNT))
    assert again.requests == 0 and again.kept == 30, "each reply was stored, once"


def test_one_that_is_killed_leaves_its_requests_to_the_others(
    site: Site, server: Standin, calm: str, others: Any
) -> None:
    server.set(latency=0.05)
    dying, third = others(latency=0.05), others(latency=0.05)
    run = site.start(spec([server.url, dying.url, third.url], COUNT, concurrency=1), workers=0)
    assert wait_for(lambda: dying.stats()["replies"] >= 2)
    os.kill(dying.pid, signal.SIGKILL)
    died = time.monotonic()
    done = run.end()
    assert done.code == 0 and site.digest() == calm, done
    assert time.monotonic() - died < 5.0 and done.report["retries"] <= 6
    assert server.stats()["replies"] + third.stats()["replies"] >= 15


def test_one_that_comes_back_is_taken_back(site: Site, server: Standin, others: Any) -> None:
    site.here(spec(server.url, 800))
    calm = site.digest()
    site.cold()
    server.reset()
    server.set(latency=0.1)
    port = free_port()
    with start(port=port, latency=0.1) as first:
        source = spec([server.url, first.url], 800, concurrency=1)
        run = site.start(source, workers=0, patch=SLOW)
        assert wait_for(lambda: first.stats()["replies"] >= 2)
    back = others(port=port, latency=0.1)
    assert wait_for(lambda: back.stats()["replies"] >= 5)
    done = run.end()
    assert done.code == 0 and site.digest() == calm, done


def test_one_that_answers_429_beyond_two_is_given_what_it_takes(
    site: Site, server: Standin, calm: str, others: Any
) -> None:
    server.set(latency=0.05)
    strict = others(latency=0.05, slots=2, reject_over=2, retry_after=0.2)
    report = site.here(spec([server.url, strict.url], COUNT))
    assert site.digest() == calm
    told = used(report, strict)
    assert 1 <= told.failures["overloaded"] <= 10 and told.replies >= 3
    assert strict.stats()["max_in_flight"] <= 5


def test_one_that_refuses_the_key_is_named_and_asked_no_more(
    site: Site, server: Standin, calm: str, others: Any
) -> None:
    other = others()
    run = site.start(spec([server.url, other.url], COUNT, concurrency=1), workers=0, patch={})
    assert run.end().code == 0
    site.cold()
    server.reset()
    server.set(latency=0.03)
    strict = others(latency=0.03)
    source = spec([server.url, strict.url], COUNT, concurrency=2)

    def refuse(progress: ffgen.Progress) -> None:
        if progress.records and not refused:
            refused.append(strict.set(api_key="secret"))

    refused: list[Any] = []
    report = site.here(source, watch=refuse)
    assert site.digest() == calm and refused
    told = used(report, strict)
    assert told.failures["fatal"] <= 2 and "401" in told.note and told.requests <= 14
    shown = run_report(report)
    assert "endpoints" in shown and f"{strict.url}: " in shown and "not asked: " in shown and "401" in shown


def test_one_that_is_absent_from_the_start_is_named(site: Site, server: Standin, calm: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    report = site.here(spec([url, server.url], COUNT))
    assert site.digest() == calm
    absent = next(each for each in report.servers if each.url == url)
    assert absent.requests == 0 and url in absent.note
    assert f"{url}: not asked: " in run_report(report)


def test_all_that_are_dead_are_exit_5(site: Site, server: Standin, others: Any) -> None:
    other = others(http500=1.0)
    server.set(http500=1.0)
    with pytest.raises(EndpointError, match="unexpectedly stopped"):
        site.here(spec([server.url, other.url], COUNT, patience=0.5))


def test_figures_of_one_endpoint_stay_out_of_the_summary(site: Site, server: Standin) -> None:
    report = site.here(spec(server.url, 64))
    (only,) = report.servers
    assert (only.requests, only.replies, only.failures) == (8, 8, {}) and only.tokens_out == report.tokens_out > 0
    assert only.busy > 0 and only.p50 is not None and only.p95 is not None and only.p50 <= only.p95
    assert "endpoints" not in run_report(report)


def test_bytes_are_the_same_in_all_of_this_at_once(site: Site, server: Standin, calm: str, others: Any) -> None:
    server.set(latency=0.02, http500=0.1, reset=0.1)
    slow, strict = others(latency=0.3, half=0.1), others(latency=0.02, slots=2, reject_over=2, retry_after=0.1)
    report = site.here(spec([server.url, slow.url, strict.url], COUNT), workers=1)
    assert site.digest() == calm and report.retries > 0
    assert sum(each.replies for each in report.servers) >= 30

"""Hybrid runs that die: the same command ends with the same bytes, and what was answered is not asked again."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import KILLED, OLD, Site, wait_for
from tests.standin import Standin, start

COUNT = 160
IN_FLIGHT = 4


@dataclass(frozen=True)
class Calm:
    """What an undisturbed run makes, and the server that it asked."""

    server: Standin
    source: dict[str, Any]
    digest: str
    requests: int


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Rows are lost and exchanged at the first try of a request."""
    with start(
        slots=8, latency=0.05, jitter=0.05, mention=True, swap=0.2, drop=0.2, reset=0.1, fault_tries=1
    ) as server:
        site = Site(tmp_path_factory.mktemp("calm"))
        fields = [
            {"name": "id", "type": "uuid", "unique": True},
            {"name": "price", "type": "number", "range": [1, 999], "decimals": 2},
            {"name": "review", "type": "text", "length": [5, 200]},
            {"name": "size", "type": "integer", "derive": "LENGTH(review)"},
        ]
        shape = {"name": "reviews", "mode": "hybrid", "count": COUNT, "fields": fields}
        model = {"endpoint": server.url, "batch_size": 8, "concurrency": IN_FLIGHT, "retries": 9}
        source = {"model": model, "dataset": shape}
        done = site.run(source, workers=1)
        assert done.code == 0, done
        yield Calm(server, source, site.digest(), done.report["replies"])


@pytest.fixture
def old(site: Site, calm: Calm) -> Path:
    calm.server.reset()
    site.path().write_bytes(OLD)
    return site.path()


def recovers(site: Site, calm: Calm, kills: int = 1, workers: int = 1) -> None:
    done = site.run(calm.source, workers=workers)
    assert done.code == 0, done
    assert site.digest() == calm.digest and site.leftovers() == []
    assert calm.server.stats()["repeated"] <= kills * IN_FLIGHT + done.report["retries"] + 30


@pytest.mark.parametrize("place", [pytest.param("stored@1", marks=pytest.mark.soak), "stored@9", "publish"])
def test_a_killed_coordinator(site: Site, calm: Calm, old: Path, place: str) -> None:
    done = site.run(calm.source, points=f"coordinator.{place.replace('@', ':kill@')}", workers=1)
    assert done.code == KILLED and old.read_bytes() == OLD
    before = calm.server.stats()["requests"]
    recovers(site, calm)
    if place == "publish":
        assert calm.server.stats()["requests"] == before, "all replies were there"


def test_a_coordinator_that_is_killed_twice(site: Site, calm: Calm, old: Path) -> None:
    for place in ("stored:kill@4", "stored:kill@6"):
        assert site.run(calm.source, points=f"coordinator.{place}", workers=1).code == KILLED
    assert old.read_bytes() == OLD
    recovers(site, calm, kills=2, workers=0)


@pytest.mark.parametrize(
    "place",
    ["worker.reply:kill@5", pytest.param("drawer.sealed:kill@1", marks=pytest.mark.soak), "drawer.placed:kill@1"],
)
def test_a_killed_worker_is_replaced(site: Site, calm: Calm, old: Path, place: str) -> None:
    run = site.start(calm.source, points=place, workers=1)
    done = run.end()
    if done.code != 0:  # each new worker has the same fail point
        assert done.code == 70 and old.read_bytes() == OLD
        recovers(site, calm)
    assert site.digest() == calm.digest and site.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)])
def test_a_signal_while_the_model_is_asked(site: Site, calm: Calm, old: Path, number: int) -> None:
    run = site.start(calm.source, workers=1)
    assert wait_for(lambda: calm.server.stats()["replies"] > 4)
    os.kill(run.pid, number)
    done = run.end()
    assert done.code == 128 + number and "the same command goes on" in done.error
    assert old.read_bytes() == OLD and site.leftovers() == []
    before = calm.server.stats()["requests"]
    recovers(site, calm)
    assert calm.server.stats()["requests"] > before

"""Hybrid runs that die: the same command ends with the same bytes, and what was answered is not asked again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.run.calm import IN_FLIGHT, Calm, calm_run
from tests.run.drive import OLD, Site, wait_for

FIELDS = [
    {"name": "id", "type": "uuid", "unique": True},
    {"name": "price", "type": "number", "range": [1, 999], "decimals": 2},
    {"name": "review", "type": "text", "length": [5, 200]},
    {"name": "size", "type": "integer", "derive": "LENGTH(review)"},
]


def reviews(url: str) -> dict[str, Any]:
    model = {"endpoint": url, "batch_size": 8, "concurrency": IN_FLIGHT, "retries": 9}
    return {"model": model, "dataset": {"name": "reviews", "mode": "hybrid", "count": 160, "fields": FIELDS}}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    """Rows are lost and exchanged at the first try of a request."""
    faults = {"mention": True, "swap": 0.2, "drop": 0.2, "reset": 0.1}
    with calm_run(tmp_path_factory.mktemp("calm"), reviews, spare=30, **faults) as made:
        yield made


@pytest.mark.parametrize("place", [pytest.param("stored@1", marks=pytest.mark.soak), "stored@9", "publish"])
def test_a_killed_coordinator(site: Site, calm: Calm, old: Path, place: str) -> None:
    calm.dies(site, place.replace("@", ":kill@"))
    if place == "publish":
        calm.has_all_replies(site)
    else:
        calm.recovers(site, workers=1)


def test_a_coordinator_that_is_killed_twice(site: Site, calm: Calm, old: Path) -> None:
    for place in ("stored:kill@4", "stored:kill@6"):
        calm.dies(site, place)
    calm.recovers(site, kills=2)


@pytest.mark.parametrize(
    "place",
    ["worker.reply:kill@5", pytest.param("drawer.sealed:kill@1", marks=pytest.mark.soak), "drawer.placed:kill@1"],
)
def test_a_killed_worker_is_replaced(site: Site, calm: Calm, old: Path, place: str) -> None:
    run = site.start(calm.source, points=place, workers=1)
    done = run.end()
    if done.code != 0:  # each new worker has the same fail point
        assert done.code == 70 and old.read_bytes() == OLD
        calm.recovers(site, workers=1)
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
    calm.recovers(site, workers=1)
    assert calm.server.stats()["requests"] > before

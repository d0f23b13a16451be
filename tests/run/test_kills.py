"""kill -9 of any process at any moment: nothing is orphaned, the destination is as it was, and the same command
finishes with the same bytes, asking again only what was in flight.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.run.calm import IN_FLIGHT, Calm, calm_run
from tests.run.drive import KILLED, OLD, Run, Site, kill_one, spec, wait_for
from tests.standin import Standin

from ffgen.errors import InternalError
from ffgen.run.crew import Member, Processes
from ffgen.run.messages import Message

COUNT = 96


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    """Some requests fail, at their first try only."""

    def make(url: str) -> dict[str, Any]:
        return spec(url, COUNT, concurrency=IN_FLIGHT)

    with calm_run(tmp_path_factory.mktemp("calm"), make, duplicates=0.2, http500=0.05, reset=0.05) as made:
        yield made


@pytest.mark.parametrize("place", ["stored@1", "verdict@4", "publish"])
def test_a_killed_coordinator_leaves_the_destination_alone(site: Site, calm: Calm, old: Path, place: str) -> None:
    calm.dies(site, place.replace("@", ":kill@"))
    if place == "publish":
        calm.has_all_replies(site)
    else:
        calm.recovers(site)


def test_a_coordinator_killed_after_the_rename_has_published(site: Site, calm: Calm, old: Path) -> None:
    done = site.run(calm.source, points="coordinator.published:kill", workers=1)
    assert done.code == KILLED and site.digest() == calm.digest
    calm.has_all_replies(site)


@pytest.mark.parametrize("place", ["gate.verdict@3", "writer.written@4", "writer.finished@1"])
def test_a_lost_gate_or_writer_ends_the_run_resumably(site: Site, calm: Calm, old: Path, place: str) -> None:
    done = site.run(calm.source, points=place.replace("@", ":kill@"), workers=1)
    assert done.code == 70 and old.read_bytes() == OLD
    assert f"The {place.partition('.')[0]} process" in done.error and "the same command" in done.error
    assert site.leftovers() == []
    calm.recovers(site)


def test_a_lost_worker_is_replaced_and_the_run_goes_on(site: Site, calm: Calm, old: Path) -> None:
    run = site.start(calm.source, workers=2)
    assert wait_for(lambda: calm.server.stats()["replies"] >= 3)
    worker_of(run).kill()
    done = run.end()
    assert done.code == 0, done
    assert site.digest() == calm.digest and site.leftovers() == []
    assert calm.server.stats()["repeated"] <= IN_FLIGHT


def worker_of(run: Run) -> psutil.Process:
    """A worker: of the run's processes, one that is connected to the server."""
    for child in run.children():
        if any(link.status == psutil.CONN_ESTABLISHED and link.type.name == "SOCK_STREAM" for link in tcp_of(child)):
            return child
    raise AssertionError("no worker is connected")


def tcp_of(process: psutil.Process) -> list[Any]:
    try:
        return process.net_connections("tcp")
    except psutil.Error:
        return []


def test_the_only_worker_may_die_again_and_again(site: Site, calm: Calm, old: Path) -> None:
    done = site.run(calm.source, points="worker.reply:kill@6", workers=1)
    assert done.code == 0, done
    assert site.digest() == calm.digest and calm.server.stats()["repeated"] >= 2


@pytest.mark.parametrize("role", ["gate", "worker"])
def test_a_process_that_dies_while_others_start_is_missed(
    site: Site, server: Standin, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Ready, and dead before the others are ready: nobody waits for it."""
    received = Processes._received

    def receive(self: Processes, member: Member, messages: list[Message]) -> None:
        if member.role == role and not self._started and not member.ready.done():
            received(self, member, messages)
            member.process.kill()
            member.process.join()
        elif self._started:
            received(self, member, messages)
        else:  # the others are slower
            asyncio.get_running_loop().call_later(0.5, received, self, member, messages)

    monkeypatch.setattr(Processes, "_received", receive)
    source = spec(server.url, 40)
    if role == "worker":
        report = site.here(source, workers=1)
        assert report.records == 40
        return
    with pytest.raises(InternalError, match="The gate process .* died"):
        site.here(source, workers=1)
    assert site.leftovers() == []


@pytest.mark.parametrize(("role", "times"), [("worker", 2), ("worker", 99), ("gate", 1)])
def test_a_process_that_dies_before_it_is_ready(
    site: Site, calm: Calm, old: Path, monkeypatch: pytest.MonkeyPatch, role: str, times: int
) -> None:
    """A worker is replaced, so often and no more; the others end the run."""
    spawn, left = Processes._spawn, iter(range(times))

    async def killing(self: Processes, kind: str) -> Member:
        member = await spawn(self, kind)
        if kind == role and next(left, None) is not None:
            member.process.kill()
        return member

    monkeypatch.setattr(Processes, "_spawn", killing)
    if times == 2:
        assert site.here(calm.source, workers=1).records == COUNT and site.digest() == calm.digest
        return
    with pytest.raises(InternalError, match=f"The {role} process died while it started"):
        site.here(calm.source, workers=1)
    assert old.read_bytes() == OLD and site.leftovers() == []


@pytest.mark.parametrize(
    "action", ["kill", *(pytest.param(each, marks=pytest.mark.soak) for each in ("crash", "exit", "memory"))]
)
def test_a_shard_that_takes_three_workers_down_ends_the_run_by_name(
    site: Site, calm: Calm, old: Path, action: str
) -> None:
    source = calm.source | {"model": calm.source["model"] | {"concurrency": 1}}
    done = site.run(source, points=f"worker.reply:{action}", workers=1)
    assert done.code == 70 and "Shard 0 took down 3 worker processes, the last with nothing beside it" in done.error
    assert old.read_bytes() == OLD and site.leftovers() == []


def test_a_run_killed_while_it_recovers_recovers(site: Site, calm: Calm, old: Path) -> None:
    """One after the other on one destination, each a little further than the last."""
    places = ["stored:kill@2", "verdict:kill@6", "publish:kill"]
    for place in places:
        calm.dies(site, place, workers=0)
    calm.recovers(site, kills=len(places))


def killed_at_random(site: Site, calm: Calm, seed: int, kills: int) -> None:
    """So many kills, one run after the other, then the run that is left alone."""
    chance = random.Random(seed)
    published = False
    for number in range(kills):
        workers = chance.choice([0, 1, 1, 2])
        run = site.start(calm.source, workers=workers)
        if wait_for(lambda run=run: run.process.poll() is not None, chance.uniform(0.3, calm.seconds)):  # type: ignore[misc]
            victim = "nobody"
        else:
            victim = kill_one(run, chance)
        done = run.end()
        told = (seed, number, workers, victim, done)
        assert done.code in ({KILLED, 0} if victim == "coordinator" else {0, 70}), told
        assert "bug" not in done.error, told
        # One killed after the rename has published, too.
        published = published or site.path().read_bytes() != OLD
        assert site.digest() == calm.digest if published else done.code != 0, told
    calm.recovers(site, kills=kills, workers=2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kills_at_random_moments(site: Site, calm: Calm, old: Path, seed: int) -> None:
    killed_at_random(site, calm, seed, kills=5)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10, 30))
def test_many_kills_at_random_moments(site: Site, calm: Calm, old: Path, seed: int) -> None:
    killed_at_random(site, calm, seed, kills=5)


@pytest.mark.model
def test_the_embedded_server_dies_with_its_run(site: Site) -> None:
    source = spec("embedded", 40, temperature=0.9, batch_size=5, concurrency=2)
    run = site.start(source, workers=1)
    assert wait_for(lambda: any(listens(child) for child in run.children()), 60.0)
    run.process.kill()
    # `end` holds that no process is left, the server included: its mark is in its environment, too.
    assert run.end().code == KILLED
    assert site.run(source | {"dataset": source["dataset"] | {"count": 2}}, workers=0).code == 0


def listens(process: psutil.Process) -> bool:
    return any(link.status == psutil.CONN_LISTEN for link in tcp_of(process))

"""One run a destination: a second one is refused, and the first does not notice."""

import json

import pytest
from tests.run.drive import KILLED, Site, spec, wait_for
from tests.standin import Standin

from ffgen.errors import LockedError


def test_a_second_run_on_the_same_destination_is_refused(site: Site, server: Standin) -> None:
    server.set(latency=0.5)
    source = spec(server.url, 96, concurrency=1)
    run = site.start(source)
    assert wait_for(lambda: server.stats()["requests"] > 0)
    with pytest.raises(LockedError, match=f"{run.pid}.*{site.path()}") as caught:
        site.here(source)
    assert caught.value.exit_code == 6
    second = site.run(source)
    assert second.code == 6 and "Another run" in second.error
    link = site.path("link.jsonl")
    link.symlink_to(site.path())
    with pytest.raises(LockedError):
        site.here(source, "link.jsonl")
    server.set(latency=0)
    first = run.end()
    assert first.code == 0 and first.report["records"] == 96
    assert len(site.path().read_bytes().splitlines()) == 96
    assert site.leftovers() == []
    site.here(source)


def test_another_destination_is_free_and_shares_the_replies(site: Site, server: Standin) -> None:
    server.set(latency=0.1)
    source = spec(server.url, 96)
    run = site.start(source)
    assert wait_for(lambda: server.stats()["requests"] > 0)
    site.here(source, "other.jsonl")
    assert run.end().code == 0
    assert site.digest() == site.digest("other.jsonl")


def test_a_dead_runs_hold_is_taken_over(site: Site, server: Standin) -> None:
    source = spec(server.url, 40)
    assert site.run(source, points="coordinator.publish:kill").code == KILLED
    assert site.leftovers() == [".out.jsonl.ffgen"]
    site.here(source)
    assert site.leftovers() == []
    assert all(json.loads(line) for line in site.path().read_bytes().splitlines())

"""Runs under way are listed, and so is what killed and stopped ones left; the kept replies are counted and let go."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import KILLED, Site, spec
from tests.standin import Standin

import ffgen
from ffgen.errors import LockedError, TimeLimitError
from ffgen.run import ledger, underway
from ffgen.run.options import Options

FIELDS = [{"name": "id", "type": "integer", "unique": True, "generator": "sequence"}]
DRAWN: dict[str, Any] = {"dataset": {"name": "numbers", "count": 500, "fields": FIELDS}}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "live"


def test_a_run_is_listed_while_it_goes(site: Site, state: Path) -> None:
    seen: list[ffgen.RunView] = []
    site.here(DRAWN, watch=lambda progress: seen.extend(ffgen.status()))
    one = seen[-1]
    assert (one.state, one.pid, one.destination, one.dataset) == ("running", os.getpid(), str(site.path()), "numbers")
    assert (one.wanted, one.asks, one.kept_replies, one.left_bytes, one.ended) == (500, False, 0, 0, "")
    assert ffgen.status() == [] and list(state.iterdir()) == []


@pytest.mark.parametrize(("every", "known"), [(0.0, [1, 2]), (60.0, [0, 0])])
def test_its_records_are_told_now_and_then(
    state: Path, monkeypatch: pytest.MonkeyPatch, every: float, known: list[int]
) -> None:
    monkeypatch.setattr(underway, "EVERY", every)
    about = underway.begin(Options(to="x.jsonl"), ["x.jsonl"], dataset="d", seed=0, wanted=9, needs=[], name="h")
    told: list[int] = []
    with underway.Underway(about, lambda progress: told.append(progress.records)) as entry:
        for records in (1, 2):
            entry.watch(ffgen.Progress.of_drawn("drawing", records, 9, 0.0))
            (one,) = ffgen.status()
            assert one.records == known[records - 1]
    assert told == [1, 2]


def test_what_a_killed_run_left_is_listed_until_the_next_takes_it_over(site: Site) -> None:
    assert site.run(DRAWN, points="coordinator.publish:kill").code == KILLED
    (one,) = ffgen.status()
    assert (one.state, one.destination, one.kept_replies) == ("killed", str(site.path()), 0)
    assert one.left_bytes > 500 and ffgen.status() == [one]
    site.here(DRAWN)
    assert ffgen.status() == [] and site.leftovers() == []


def test_a_killed_run_that_left_nothing_is_not_listed(site: Site, state: Path) -> None:
    assert site.run(DRAWN, "-", points="coordinator.publish:kill").code == KILLED
    assert len(list(state.iterdir())) == 1
    assert ffgen.status() == [] and list(state.iterdir()) == []


def test_a_stopped_run_is_listed_with_its_kept_replies(site: Site, server: Standin) -> None:
    source = spec(server.url, 96, concurrency=1)
    server.set(latency=0.15)
    with pytest.raises(TimeLimitError):
        site.here(source, timeout=0.8)
    (one,) = ffgen.status()
    assert (one.state, one.asks, one.wanted) == ("stopped", True, 96)
    assert one.kept_replies > 0 and "time limit" in one.ended
    server.set(latency=0)
    report = site.here(source)
    assert report.kept == one.kept_replies and ffgen.status() == []


def test_a_run_that_is_refused_leaves_the_other_s_entry_alone(site: Site) -> None:
    seen: list[ffgen.RunView] = []

    def watch(progress: ffgen.Progress) -> None:
        if not seen:
            assert site.run(DRAWN).code == LockedError.exit_code
            seen.extend(ffgen.status())

    site.here(DRAWN, watch=watch)
    assert [one.pid for one in seen] == [os.getpid()] and ffgen.status() == []


def entry(state: Path, **changed: Any) -> None:
    options = Options(to=str(state / "x.jsonl"))
    about = underway.begin(options, [options.to], dataset="d", seed=0, wanted=9, needs=[], name="h")
    ledger.write_whole(str(state / "1-1.json"), {**about, "heard": ledger.now(), **changed})


def test_a_number_that_is_another_process_s_by_now_is_no_live_run(state: Path) -> None:
    entry(state)
    assert [one.state for one in ffgen.status()] == ["running"]
    entry(state, born=1.0)
    assert ffgen.status() == []
    entry(state, host="far")
    assert [one.state for one in ffgen.status()] == ["elsewhere"]
    entry(state, host="far", heard="2020-01-01T00:00:00Z")
    assert ffgen.status() == []


def test_a_damaged_entry_is_passed_over(state: Path) -> None:
    entry(state)
    (state / "0.json").write_text("{")
    (state / "2.json").write_text(json.dumps({"pid": "x"}))
    assert len(ffgen.status()) == 1


def test_kept_replies_are_counted_and_let_go(site: Site, server: Standin, state: Path) -> None:
    assert ffgen.measure_cache(site.cache).replies == ffgen.purge_cache(site.cache) == 0
    assert not site.cache.exists(), "looking makes nothing"
    site.here(spec(server.url, 16))
    found = ffgen.measure_cache(site.cache)
    assert found.replies == 2 and found.bytes > 0 and found.unfinished == 0
    assert found.oldest is not None and time.time() - 60 < found.oldest <= time.time()
    assert ffgen.purge_cache(site.cache, older_than=3600) == 0
    assert ffgen.purge_cache(site.cache, older_than=1e-6) == 2
    site.here(spec(server.url, 16))
    entry(state, cache=str(site.cache))
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        ffgen.purge_cache(site.cache)
    entry(state, cache="/elsewhere")
    assert ffgen.purge_cache(site.cache) == 2
    assert site.here(spec(server.url, 16)).kept == 0


def test_replies_that_an_unfinished_run_needs_outlive_their_age(site: Site, server: Standin) -> None:
    server.set(latency=0.15)
    with pytest.raises(TimeLimitError):
        site.here(spec(server.url, 96, concurrency=1), timeout=0.8)
    kept = ffgen.measure_cache(site.cache)
    assert kept.unfinished == 1 and ffgen.purge_cache(site.cache, older_than=1e-6) == 0
    assert ffgen.purge_cache(site.cache) == kept.replies

"""Same bytes, whatever the workers, the concurrency, the latencies and the faults of the wire."""

from typing import Any

import pytest
from tests.run.drive import FAULTS, Site, records, spec
from tests.standin import Standin

import ffgen

RICH = [
    {"name": "email", "type": "email", "unique": True},
    {"name": "low", "type": "integer", "range": [0, 999]},
    {"name": "high", "type": "integer", "range": [0, 999]},
    {"name": "note", "type": "string", "length": [1, 20], "nullable": True},
]


@pytest.fixture
def unruly(server: Standin) -> Standin:
    """Random latencies, 30% duplicates, 20% faults."""
    server.set(jitter=0.05, duplicates=0.3, **FAULTS)
    return server


def digests(
    server: Standin, site: Site, name: str, source: dict[str, Any], ways: list[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """The output's hash for each (workers, concurrency), each with a cold cache and a server that counts anew."""
    found = {}
    for workers, concurrency in ways:
        site.cold()
        server.reset()
        told = source | {"model": source["model"] | {"concurrency": concurrency}}
        report = site.here(told, name, workers=workers)
        assert report.records == report.wanted == source["dataset"]["count"] and report.kept == 0
        assert report.workers == workers
        found[workers, concurrency] = site.digest(name)
    return found


def test_workers_and_concurrency_never_change_a_byte(site: Site, unruly: Standin) -> None:
    ways = [(0, 1), (0, 8), (1, 8), (2, 1), (4, 8)]
    source = spec(unruly.url, 200)
    found = digests(unruly, site, "out.jsonl", source, ways)
    assert len(set(found.values())) == 1, found
    rows = records(site.path())
    assert len({tuple(row.values()) for row in rows}) == 200
    assert sum(unruly.stats()["faults"].values()) >= 3


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.jsonl.zst", "out.csv.gz"])
def test_every_format_alike_with_keys_and_conditions(site: Site, unruly: Standin, name: str) -> None:
    source = spec(unruly.url, 80, RICH, dataset={"require": "low <= high"})
    ways = [(0, 1), (0, 8), *([(1, 8)] if name != "out.csv.gz" else [])]
    found = digests(unruly, site, name, source, ways)
    assert len(set(found.values())) == 1, found
    if name == "out.jsonl":
        rows = records(site.path())
        assert len({row["email"] for row in rows}) == 80 and all(row["low"] <= row["high"] for row in rows)


def test_frames_hold_what_the_file_holds(site: Site, unruly: Standin) -> None:
    source = spec(unruly.url, 60)
    site.here(source)
    site.cold()
    unruly.reset()
    frames = ffgen.run(source, cache_dir=str(site.cache))
    assert not isinstance(frames, ffgen.Report)
    made = [row for frame in frames for row in frame.to_dicts()]
    assert made == records(site.path())


def test_order_of_arrival_is_not_order_of_output(site: Site, server: Standin) -> None:
    """The first reply comes last, and yet its rows are the first."""
    source = spec(server.url, 64, concurrency=8)
    site.here(source)
    calm = site.digest()
    for jitter in (0.3, 0.5):
        server.set(jitter=jitter)
        site.cold()
        site.here(source)
        assert site.digest() == calm


def test_another_seed_is_another_output(site: Site, server: Standin) -> None:
    source = spec(server.url, 40)
    site.here(source)
    first = site.digest()
    site.here(source | {"seed": 1})
    assert site.digest() != first

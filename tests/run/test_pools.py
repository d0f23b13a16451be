"""Pools: the model writes some values once, a great many rows draw from them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import standin

import ffgen
from ffgen.errors import SpecError

MODEL = "standin:latest"
REVIEW = {
    "name": "review",
    "type": "text",
    "source": "pool",
    "pool": {"size": 120, "by": "kind"},
    "description": "what the customer says",
}


def spec_of(url: str, count: int = 5000, **review: Any) -> dict[str, Any]:
    fields = [
        {"name": "id", "type": "uuid", "unique": True},
        {"name": "kind", "values": ["bike", "helmet"], "weights": [3, 1]},
        REVIEW | review,
    ]
    return {
        "model": {"endpoint": url, "name": MODEL, "concurrency": 4},
        "dataset": {"name": "reviews", "domain": "Reviews of a bike shop", "count": count, "fields": fields},
    }


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with standin.start(slots=4, latency=0.001) as server:
        yield server.url


def test_rows_draw_what_the_model_wrote_group_by_group(url: str, tmp_path: Path) -> None:
    report = ffgen.run(spec_of(url), tmp_path / "r.jsonl", cache_dir=tmp_path)
    rows = pl.read_ndjson(tmp_path / "r.jsonl")
    assert len(rows) == 5000 and report.records == 5000
    groups = rows.group_by("kind").agg(pl.col("review").n_unique().alias("texts"), pl.len().alias("rows"))
    for group in groups.iter_rows(named=True):
        # 1,250 rows or more draw from 120 texts: a text is missed by chance once in 30,000 times.
        assert 118 <= group["texts"] <= 120
    assert 8 <= report.requests <= 40 and report.tokens_out > 0 and report.model == MODEL
    most = rows.group_by("kind", "review").len("times").filter(pl.col("kind") == "helmet")["times"].max()
    assert isinstance(most, int) and most <= 30


def test_a_pool_is_paid_for_once_and_bytes_do_not_depend_on_workers(url: str, tmp_path: Path) -> None:
    made = []
    for workers, count in ((0, 140_000), (2, 140_000)):
        report = ffgen.run(spec_of(url, count), tmp_path / f"{workers}.jsonl", workers=workers, cache_dir=tmp_path)
        made.append((tmp_path / f"{workers}.jsonl").read_bytes())
    assert made[0] == made[1]
    assert report.requests == 0 and report.kept == report.replies > 0


def test_frames_and_one_pool_without_groups(url: str, tmp_path: Path) -> None:
    frames = ffgen.run(spec_of(url, 400, pool={"size": 20}), cache_dir=tmp_path)
    rows = pl.concat(list(frames))
    assert rows["review"].n_unique() == 20 and frames.report is not None and frames.report.replies > 0


def test_the_plan_says_what_pools_cost_and_asks_nobody() -> None:
    view = ffgen.describe(ffgen.plan(spec_of("http://127.0.0.1:9", 1_000_000)))
    assert view.mode == "hybrid" and view.requests == 8 and view.endpoints == ["http://127.0.0.1:9"]
    assert view.tables[0].count == 1_000_000 and view.tables[0].fields[2].made_by == "pool"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pool": {"by": "knd"}}, "`knd` is no field with a list of text values"),
        ({"type": "integer"}, "a pool is for text"),
        ({"values": ["a"]}, "a pool is for text"),
        ({"pool": {"size": 0}}, "1"),
    ],
)
def test_what_can_t_be_a_pool_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        ffgen.plan(spec_of("http://127.0.0.1:9", **changes))
    assert any(said in finding.what for finding in caught.value.findings)


def test_local_means_that_nobody_is_asked() -> None:
    findings = ffgen.check(spec_of("http://127.0.0.1:9"), assign={"dataset.mode": "local"})
    assert [finding.path for finding in findings] == ["dataset.fields[2].source"]


def test_a_pool_needs_a_model() -> None:
    spec = spec_of("http://127.0.0.1:9")
    del spec["model"]
    assert any("no model is named" in finding.what for finding in ffgen.check(spec))

"""Pools: the model writes some values once, a great many rows draw from them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import standin

import ffgen
from ffgen.errors import ShortfallError, SpecError, TimeLimitError
from ffgen.plan.pools import pools_of

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
    assert view.mode == "hybrid" and view.requests == 16 and view.endpoints == ["http://127.0.0.1:9"]
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


# What a pool is made of


def pool_of(url: str, size: int, **field: Any) -> dict[str, Any]:
    """100 rows over one pool."""
    pool = {"size": size} | field.pop("pool", {})
    spec = spec_of(url, 100, pool=pool, **field)
    spec["dataset"]["name"] = "lines"
    return spec


def values_of(spec: dict[str, Any], folder: Path, **settings: Any) -> set[str]:
    """The values that rows drew."""
    rows = pl.concat(list(ffgen.run(spec, cache_dir=folder, **settings)))
    return set(rows["review"].to_list())


def test_near_twins_are_left_out_of_a_pool(url: str, tmp_path: Path) -> None:
    names = "amber|birch|cedar|dogwood|elder|fir|ginkgo|hazel|ivy|juniper|larch|maple"
    pattern = f"^({names}) by the old harbor road, seen at dusk on day [0-9]{{3}}$"
    for near, is_refused in ((0.85, True), (0, False), (None, False)):  # a pattern is no open text
        spec = pool_of(url, 8, pattern=pattern, pool={"near": near})
        report = ffgen.run(spec, tmp_path / "r.jsonl", cache_dir=tmp_path)
        texts = set(pl.read_ndjson(tmp_path / "r.jsonl")["review"].to_list())
        assert (report.duplicates > 0) == is_refused, near
        assert not is_refused or (len({text.split()[0] for text in texts}) == len(texts) == 8)


@pytest.mark.parametrize(
    ("field", "threshold"),
    [
        ({}, 0.85),
        ({"pool": {"near": 0.7}}, 0.7),
        ({"pool": {"near": 0}}, None),
        ({"unique": True}, None),
        ({"unique": {"near": 0.9}}, 0.9),
        ({"pattern": "^[a-z]{8}$"}, None),
        ({"pool": {"size": 500_000}}, None),  # more than is sure to fit into memory
    ],
)
def test_from_which_similarity_on_values_are_twins(field: dict[str, Any], threshold: float | None) -> None:
    spec = ffgen.load(spec_of("http://127.0.0.1:9", 50, **({"pool": {"size": 60}} | field)))
    (pool,) = pools_of(spec)
    (asked,) = pool.spec.datasets[0].fields
    assert asked.near == threshold and asked.unique


def test_rows_that_take_each_value_once_have_no_near_twins(url: str, tmp_path: Path) -> None:
    spec = pool_of(url, 120, length=[60, 200], unique={"near": 0.85})
    assert len(values_of(spec, tmp_path)) == 100


def test_each_request_for_a_pool_has_a_slice_of_its_own_and_later_ones_seek_rarer_values(
    url: str, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    ffgen.run(pool_of(url, 400), tmp_path / "r.jsonl", cache_dir=tmp_path / "c", audit_prompts=prompts)
    words = r"review starts with (.*?); each review is one that comes to mind less than 1 time in ([0-9,]*[0-9])"
    said = re.findall(words, prompts.read_text())
    assert len(said) == 25 and len({cut for cut, _ in said}) == 25
    assert {rare for _, rare in said} == {"10", "100", "1,000"}


# Limits hold for the whole run


def test_the_time_limit_counts_over_all_pools_and_the_drawing(tmp_path: Path) -> None:
    """Two pools of four requests each, a slot and 0.25 s a request: each would do alone, both together do not."""
    with standin.start(slots=1, latency=0.25) as server:
        spec = spec_of(server.url, 100, pool={"size": 64, "by": "kind"})
        spec["model"]["concurrency"] = 1
        with pytest.raises(TimeLimitError, match=r"time limit of 1.5 s passed while the pool of reviews.review"):
            ffgen.run(spec, tmp_path / "r.jsonl", cache_dir=tmp_path, timeout=1.5)
        assert server.stats()["requests"] < 10
        report = ffgen.run(spec, tmp_path / "r.jsonl", cache_dir=tmp_path, timeout=30)
    assert report.kept >= 4 and report.records == 100


@pytest.mark.parametrize(("factor", "most"), [(1, 4), (3, 12)])
def test_max_asks_holds_for_each_pool(factor: int, most: int, tmp_path: Path) -> None:
    with standin.start(slots=4, pool=5) as server:
        with pytest.raises(ShortfallError, match="5 distinct records of 64"):
            ffgen.run(pool_of(server.url, 64), tmp_path / "r.jsonl", cache_dir=tmp_path, max_asks=factor)
        assert server.stats()["replies"] == most
    view = ffgen.describe(ffgen.plan(pool_of("http://127.0.0.1:9", 64), max_asks=factor))
    assert (view.requests, view.max_asks) == (4, most)


def test_the_report_adds_up_what_all_pools_took(url: str, tmp_path: Path) -> None:
    with standin.start(slots=4, empty=0.3) as server:
        report = ffgen.run(spec_of(server.url, 1000), tmp_path / "r.jsonl", cache_dir=tmp_path)
        stats = server.stats()
    chats = stats["replies"]
    assert report.requests == report.replies == chats and report.bad_replies > 0
    assert report.tokens_out == pytest.approx(stats["output_tokens"], rel=0.2)
    assert 0 < report.utilisation <= 1 and report.tokens_per_record == pytest.approx(report.tokens_out / 1000)

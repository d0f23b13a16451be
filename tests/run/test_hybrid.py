"""Hybrid rows: the engine draws, the model writes what needs language, and every text belongs to its row."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests import standin
from tests.standin import Settings

import ffgen
from ffgen.errors import EndpointError, ShortfallError, SpecError
from ffgen.plan.recipes import Recipes
from ffgen.run.judging import Judge

MODEL = "standin:latest"
ID = {"name": "id", "type": "uuid", "unique": True}
PRODUCT = {"name": "product", "type": "enum", "values": ["Trail bike", "City bike", "Helmet", "Pump", "Lock"]}
PRICE = {"name": "price", "type": "number", "range": [5, 900], "decimals": 2}
REVIEW = {"name": "review", "type": "text", "length": [5, 300]}
PLAIN = {name: value for name, value in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True)}


def spec_of(url: str, *fields: dict[str, Any], count: int = 100, **more: Any) -> dict[str, Any]:
    shape = {
        "name": "reviews",
        "mode": "hybrid",
        "count": count,
        "fields": list(fields or (ID, PRODUCT, PRICE, REVIEW)),
    }
    model = {"endpoint": url, "name": MODEL, "concurrency": 4, **more.pop("model", {})}
    return {"model": model, "dataset": shape | more}


@pytest.fixture(scope="module")
def one() -> Iterator[standin.Standin]:
    with standin.start(slots=8) as server:
        yield server


@pytest.fixture
def server(one: standin.Standin) -> standin.Standin:
    one.set(
        **{name: value for name, value in PLAIN.items() if name not in ("port", "host")} | {"slots": 8, "mention": True}
    )
    one.reset()
    return one


def made(spec: Any, path: Path, **options: Any) -> tuple[pl.DataFrame, ffgen.Report]:
    if not isinstance(spec, ffgen.Plan):
        options.setdefault("max_asks", 30)
    report = ffgen.run(spec, path / "o.jsonl", cache_dir=options.pop("cache", path / "cache"), **options)
    return pl.read_ndjson(path / "o.jsonl", infer_schema_length=None), report


def paired(rows: pl.DataFrame, field: str = "review") -> bool:
    """Whether each text names the price of its own row, by which the stand-in was told rows apart."""
    return all(
        text.startswith(f"{json.dumps(price)}: ") for text, price in zip(rows[field], rows["price"], strict=True)
    )


def test_the_model_writes_only_what_needs_language(server: standin.Standin, tmp_path: Path) -> None:
    rows, report = made(spec_of(server.url), tmp_path)
    assert len(rows) == 100 and rows.columns == ["id", "product", "price", "review"]
    assert paired(rows)
    assert report.requests == 7 and report.made == {"reviews.review": {"ask": 100}}
    assert report.tokens_per_record < 15


def test_the_drawn_part_is_what_it_is_without_a_model(server: standin.Standin, tmp_path: Path) -> None:
    rows, _ = made(spec_of(server.url), tmp_path)
    local = spec_of(server.url, ID, PRODUCT, PRICE)
    del local["model"], local["dataset"]["mode"]
    drawn, _ = made(local, tmp_path)
    assert rows.drop("review").equals(drawn)


@pytest.mark.parametrize("fault", ["drop", "swap", "repeat", "few", "malformed", "cut", "wrong", "http500"])
def test_a_wrong_pairing_is_never_admitted(server: standin.Standin, tmp_path: Path, fault: str) -> None:
    clean, _ = made(spec_of(server.url), tmp_path)
    server.set(**{fault: 0.6})
    rows, report = made(spec_of(server.url, model={"retries": 12}), tmp_path, cache=tmp_path / "other")
    assert paired(rows) and len(rows) == 100
    assert rows.drop("review").equals(clean.drop("review"))
    if fault == "repeat":  # the first of two counts
        assert report.requests == 7 and {refusal.reason for refusal in report.refused} == {"said before"}
    else:
        assert report.requests > 7


def test_rows_that_are_always_exchanged_end_the_run(server: standin.Standin, tmp_path: Path) -> None:
    server.set(swap=1.0)
    with pytest.raises(ShortfallError, match="`review` of row 1 in 4 asks.*another row's"):
        made(spec_of(server.url, count=16), tmp_path)
    assert not (tmp_path / "o.jsonl").exists()


def test_bytes_do_not_depend_on_workers_load_or_what_was_kept(server: standin.Standin, tmp_path: Path) -> None:
    server.set(latency=0.002, jitter=0.01, swap=0.2, drop=0.2, http500=0.1)
    found = []
    for workers, concurrency, cache in ((0, 1, "a"), (1, 8, "b"), (2, 3, "c"), (0, 8, "a")):
        spec = spec_of(server.url, count=300, model={"concurrency": concurrency, "retries": 8})
        server.reset()
        _, report = made(spec, tmp_path, workers=workers, cache=tmp_path / cache)
        found.append((tmp_path / "o.jsonl").read_bytes())
    assert len(set(found)) == 1
    assert report.requests == 0 and report.kept == report.replies > 19


def test_several_fields_of_a_row_go_in_one_call(server: standin.Standin, tmp_path: Path) -> None:
    title = {"name": "title", "type": "string", "length": [3, 90], "style": "dry"}
    rows, report = made(spec_of(server.url, ID, PRICE, title, REVIEW, count=48), tmp_path)
    assert report.requests == 3 and paired(rows) and paired(rows, "title")
    assert not rows["title"].equals(rows["review"])


def test_what_follows_from_a_text_follows_and_what_is_required_holds(server: standin.Standin, tmp_path: Path) -> None:
    length = {"name": "size", "type": "integer", "derive": "LENGTH(review)"}
    spec = spec_of(
        server.url, ID, PRICE, REVIEW, length, require="NOT (review LIKE '%ba%') OR price < 600", model={"retries": 15}
    )
    rows, report = made(spec, tmp_path)
    assert (rows["size"] == rows["review"].str.len_chars()).all() and paired(rows)
    assert rows.filter(pl.col("review").str.contains("ba") & (pl.col("price") >= 600)).is_empty()
    assert any("breaks: NOT (review LIKE" in refusal.reason for refusal in report.refused)


def test_rows_without_a_value_are_not_asked_for(server: standin.Standin, tmp_path: Path) -> None:
    rare = REVIEW | {"when": "price > 800"}
    rows, report = made(spec_of(server.url, ID, PRICE, rare, count=400), tmp_path)
    asked = rows.filter(pl.col("review").is_not_null())
    assert asked["price"].min() > 800 and rows.filter(pl.col("price") > 800)["review"].null_count() == 0  # type: ignore[operator]
    assert paired(asked) and report.requests == -(-len(asked) // 16)
    share = REVIEW | {"nullable": 0.5}
    rows, report = made(spec_of(server.url, ID, PRICE, share, count=400), tmp_path)
    assert 140 < rows["review"].null_count() < 260 and report.requests < 18


def test_a_unique_text_is_asked_for_until_it_is(server: standin.Standin, tmp_path: Path) -> None:
    server.set(mention=False, pool=40)
    unique = REVIEW | {"unique": True}
    spec = spec_of(server.url, ID, PRODUCT, unique, count=24, batch=1, model={"retries": 20, "batch_size": 1})
    del spec["dataset"]["batch"]
    rows, report = made(spec, tmp_path)
    assert rows["review"].n_unique() == 24
    assert any(refusal.reason == "said in an earlier row" for refusal in report.refused)
    with pytest.raises(ShortfallError, match="said in an earlier row"):
        made(spec_of(server.url, ID, unique, count=60, model={"batch_size": 1}), tmp_path)


def test_whole_records_without_a_key_are_unique(server: standin.Standin, tmp_path: Path) -> None:
    server.set(mention=False, pool=6)
    spec = spec_of(server.url, PRODUCT, REVIEW, count=20, model={"batch_size": 1, "retries": 20})
    rows, _ = made(spec, tmp_path)
    assert rows.n_unique() == 20 and rows["review"].n_unique() < 20


def test_fallbacks_make_what_the_model_can_t(server: standin.Standin, tmp_path: Path) -> None:
    server.set(wrong=1.0)
    falls = [{"name": "template", "text": "A {product} for {price}."}, "words"]
    rows, report = made(spec_of(server.url, ID, PRODUCT, PRICE, REVIEW | {"fallback": falls}, count=40), tmp_path)
    assert report.made == {"reviews.review": {"template": 40}}
    told = [f"A {product} for {json.dumps(price)}." for product, price in rows.select("product", "price").iter_rows()]
    assert (
        rows["review"].str.starts_with("A ").all() and rows["review"][0].split(" for ")[0] == told[0].split(" for ")[0]
    )


def test_the_cascade_goes_on_until_a_value_is_good(server: standin.Standin, tmp_path: Path) -> None:
    server.set(wrong=1.0)
    falls = ["words", {"name": "pattern", "pattern": "[a-z]{40,60}"}]
    field = REVIEW | {"length": [30, 300], "unique": True, "fallback": [falls[1], falls[1]]}
    rows, report = made(spec_of(server.url, ID, field, count=20), tmp_path)
    assert rows["review"].n_unique() == 20 and report.made["reviews.review"] == {"pattern": 20}


def test_an_endpoint_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9"
    model = {"patience": 0.2, "api": "ollama"}
    with pytest.raises(EndpointError) as caught:
        made(spec_of(url, model=model, count=10), tmp_path)
    assert "--local" not in caught.value.hint
    fallback = REVIEW | {"fallback": [{"name": "pattern", "pattern": "[a-z]{20}"}]}
    with pytest.raises(EndpointError) as caught:
        made(spec_of(url, ID, fallback, model=model, count=10), tmp_path)
    assert "--local: the fallbacks make the values" in caught.value.hint


def test_local_takes_the_fallback(tmp_path: Path) -> None:
    fallback = REVIEW | {"fallback": [{"name": "pattern", "pattern": "[a-z]{20}"}]}
    spec = spec_of("http://127.0.0.1:9", ID, fallback, count=10)
    assert [finding.severity for finding in ffgen.check(spec, assign={"dataset.mode": "local"})] == []
    plan = ffgen.plan(spec, assign={"dataset.mode": "local"})
    report = ffgen.run(plan, tmp_path / "o.jsonl")
    assert report.requests == 0 and pl.read_ndjson(tmp_path / "o.jsonl")["review"].str.len_chars().eq(20).all()


def test_the_model_dies_in_the_middle_and_the_fallback_goes_on(tmp_path: Path) -> None:
    fallback = REVIEW | {"fallback": [{"name": "pattern", "pattern": "[a-z]{20}"}]}
    with standin.start(slots=2, latency=0.02, mention=True) as server:
        spec = spec_of(server.url, ID, PRICE, fallback, count=400, model={"patience": 0.3, "concurrency": 2})

        alive = [True]

        def watch(progress: ffgen.Progress) -> None:
            if progress.records >= 64 and alive:
                os.kill(server.pid, signal.SIGKILL)
                alive.clear()

        report = ffgen.run(spec, tmp_path / "o.jsonl", cache_dir=tmp_path, watch=watch)
    counts = report.made["reviews.review"]
    assert counts["ask"] >= 64 and counts["pattern"] >= 1 and sum(counts.values()) == 400
    assert pl.read_ndjson(tmp_path / "o.jsonl").height == 400


def test_forbidden_words_and_scores_are_asked_for_again(server: standin.Standin, tmp_path: Path) -> None:
    clean, _ = made(spec_of(server.url, ID, PRODUCT, PRICE, REVIEW, count=30), tmp_path)
    word = clean["review"][3].split()[1]
    field = REVIEW | {"forbidden_words": [word.upper()], "min_score": 0.2}
    rows, _ = made(spec_of(server.url, ID, PRODUCT, PRICE, field, count=30), tmp_path)
    assert not rows["review"].str.contains(word).any() and paired(rows)


def test_linked_tables_have_asked_fields_of_their_own(server: standin.Standin, tmp_path: Path) -> None:
    server.set(mention=False)
    spec = {
        "model": {"endpoint": server.url, "name": MODEL, "concurrency": 4},
        "tables": [
            {"name": "products", "mode": "hybrid", "count": 20, "fields": [
                {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
                {"name": "kind", "values": ["bike", "lock"]},
                {"name": "pitch", "type": "text", "length": [10, 200]}]},
            {"name": "orders", "fields": [
                {"name": "product_id", "ref": {"to": "products.id", "mean": 3}},
                {"name": "pitch", "ref": "products.pitch"},
                {"name": "note", "type": "text", "source": "ask", "length": [5, 100]},
                {"name": "number", "type": "integer", "generator": "sequence", "unique": True}]},
        ],
    }  # fmt: skip
    reports = [ffgen.run(spec, f"{tmp_path}/{workers}/", cache_dir=tmp_path, workers=workers) for workers in (0, 2)]
    products = pl.read_ndjson(tmp_path / "0" / "products.jsonl")
    orders = pl.read_ndjson(tmp_path / "0" / "orders.jsonl")
    assert products["pitch"].n_unique() == 20 and orders["note"].null_count() == 0 and len(orders) > 30
    joined = orders.join(products, left_on="product_id", right_on="id")
    assert (joined["pitch"] == joined["pitch_right"]).all()
    assert (tmp_path / "0" / "orders.jsonl").read_bytes() == (tmp_path / "2" / "orders.jsonl").read_bytes()
    assert set(reports[0].made) == {"products.pitch", "orders.note"} and reports[1].requests == 0


def test_more_rows_than_a_file_of_answers_holds(server: standin.Standin, tmp_path: Path) -> None:
    server.set(ready=False)
    rare = REVIEW | {"when": "price > 899"}
    rows, report = made(
        spec_of(server.url, ID, PRICE, rare, count=150_000, model={"batch_size": 64}), tmp_path, workers=1
    )
    asked = rows.filter(pl.col("review").is_not_null())
    assert paired(asked) and len(asked) == rows.filter(pl.col("price") > 899).height > 100
    assert rows["id"].n_unique() == 150_000 and report.made == {"reviews.review": {"ask": len(asked)}}


def test_frames_previews_and_other_formats(server: standin.Standin, tmp_path: Path) -> None:
    rows, _ = made(spec_of(server.url), tmp_path)
    frames = pl.concat(list(ffgen.run(spec_of(server.url), cache_dir=tmp_path / "cache")))
    assert frames["review"].equals(rows["review"])
    ffgen.run(spec_of(server.url), tmp_path / "o.parquet", cache_dir=tmp_path / "cache")
    assert pl.read_parquet(tmp_path / "o.parquet")["review"].equals(rows["review"])


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"derive": "1"}, "its `derive` is not used"),
        ({"fallback": ["no such"]}, "there is no generator `no such`"),
        ({"fallback": [{"name": "template", "text": "{nobody}"}]}, "nobody"),
        ({"type": "integer", "length": None, "style": "dry"}, "`style` is for text"),
        ({"source": "draw", "min_score": 0.5, "generator": "words"}, "`min_score` is for a field"),
    ],
)
def test_what_can_t_be_asked_is_said(field: dict[str, Any], said: str) -> None:
    spec = spec_of("http://127.0.0.1:9", ID, REVIEW | {"source": "ask"} | field)
    with pytest.raises(SpecError) as caught:
        ffgen.plan(spec)
    assert any(said in finding.what for finding in caught.value.findings)


def test_the_plan_shows_the_three_ways_side_by_side(tmp_path: Path) -> None:
    spec = spec_of("http://127.0.0.1:9", count=1_000_000)
    view = ffgen.describe(ffgen.plan(spec))
    ways = {way.mode: way for way in view.ways}
    assert list(ways) == ["records", "hybrid", "pool"] and ways["hybrid"].chosen
    assert ways["hybrid"].requests == view.requests == 62_500 and ways["records"].requests == 31_250
    assert ways["pool"].requests < 500 and ways["pool"].tokens_out * 50 < ways["hybrid"].tokens_out
    assert ways["hybrid"].tokens_out < ways["records"].tokens_out
    assert view.tables[0].fields[3].made_by == "model"


def test_a_pool_that_can_t_be_filled_falls_back(server: standin.Standin, tmp_path: Path) -> None:
    server.set(empty=1.0)
    pool = {"source": "pool", "pool": {"size": 30}, "fallback": [{"name": "template", "text": "A {product}, as ever."}]}
    rows, report = made(spec_of(server.url, ID, PRODUCT, REVIEW | pool, count=50), tmp_path)
    assert (rows["review"] == "A " + rows["product"] + ", as ever.").all()
    assert report.made == {"reviews.review": {"template": 50}}
    server.set(empty=0.0)
    server.reset()
    rows, report = made(spec_of(server.url, ID, PRODUCT, REVIEW | pool, count=50), tmp_path, cache=tmp_path / "other")
    assert report.made == {"reviews.review": {"pool": 50}} and not rows["review"].str.starts_with("A ").all()


def test_near_twins_of_earlier_rows_are_refused(tmp_path: Path) -> None:
    near = REVIEW | {"unique": {"near": 0.7}}
    plan = ffgen.plan(spec_of("http://127.0.0.1:9", ID, near, count=10))
    recipe = Recipes(plan.spec, plan.layouts).recipes["reviews"]
    judge = Judge(recipe, 8 << 20, str(tmp_path))
    texts = ["The saddle came off on the first long ride.", "A pump that does what it says, no more.",
             "The saddle came off on the first long ride!!", "The saddle came off on the first long ride."]  # fmt: skip
    frame = pl.DataFrame({"id": ["a", "b", "c", "d"], "review": texts})
    said = judge.judge(np.arange(4, dtype=np.uint64), frame)
    judge.close()
    assert said == ["", "", "too much like an earlier row", "said in an earlier row"]

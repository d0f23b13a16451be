"""Hybrid rows: every type of value, several tables of which one is wanted, limits, and what a model is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import standin
from tests.run.test_hybrid import ID, MODEL, PLAIN, PRICE, PRODUCT, REVIEW, made, paired, spec_of

import ffgen
from ffgen.errors import ShortfallError, TimeLimitError, UsageError
from ffgen.plan.hybrid import known_of, paired_plan
from ffgen.plan.recipes import Recipes
from ffgen.run.hand import Hand


@pytest.fixture(scope="module")
def one() -> Iterator[standin.Standin]:
    with standin.start(slots=8) as server:
        yield server


@pytest.fixture
def server(one: standin.Standin) -> standin.Standin:
    one.set(**{name: value for name, value in PLAIN.items() if name not in ("port", "host")} | {"slots": 8})
    one.reset()
    return one


TYPES: list[dict[str, Any]] = [
    {"name": "stars", "type": "integer", "range": [1, 5]},
    {"name": "colour", "type": "enum", "values": ["red", "green"]},
    {"name": "day", "type": "date", "format": "%d/%m/%Y"},
    {"name": "at", "type": "datetime"},
    {"name": "hour", "type": "time"},
    {"name": "long", "type": "duration"},
    {"name": "yes", "type": "boolean"},
    {"name": "share", "type": "number", "range": [0, 1], "decimals": 2},
    {"name": "tags", "type": "array", "length": [1, 3], "items": {"type": "string", "length": [2, 9]}},
    {"name": "box", "type": "object", "fields": [
        {"name": "x", "type": "integer", "range": [1, 5]}, {"name": "when", "type": "date", "nullable": True}]},
    {"name": "mail", "type": "email"},
    {"name": "maybe", "type": "string", "length": [2, 9], "nullable": 0.4},
    {"name": "some", "type": "array", "length": [1, 2], "items": {"type": "integer", "range": [1, 9]},
     "when": "price > 400"},
]  # fmt: skip


def test_a_model_writes_values_of_every_type(server: standin.Standin, tmp_path: Path) -> None:
    spec = spec_of(server.url, ID, PRICE, *({**each, "source": "ask"} for each in TYPES), count=33)
    for path in ("o.jsonl", "o.csv", "o.parquet"):
        report = ffgen.run(spec, tmp_path / path, cache_dir=tmp_path)
        assert ffgen.validate(spec, tmp_path / path).valid
    rows = pl.read_ndjson(tmp_path / "o.jsonl")
    assert all(rows[name].null_count() == 0 for name in ("tags", "box", "stars", "yes", "long", "hour"))
    assert rows["tags"].list.len().min() == 1 and rows["box"].struct.field("x").null_count() == 0
    assert (rows["some"].is_not_null() == (rows["price"] > 400)).all() and 0 < rows["maybe"].null_count() < 33
    assert report.made["reviews.tags"] == {"ask": 33}
    assert report.made["reviews.some"] == {"ask": rows["some"].len() - rows["some"].null_count()}


SHOP: list[dict[str, Any]] = [
    {"name": "customers", "count": 20, "fields": [
        {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
        {"name": "words", "type": "integer", "generator": {"name": "total", "of": "orders.words"}},
        {"name": "bio", "type": "text", "length": [5, 90], "source": "ask"}]},
    {"name": "orders", "fields": [
        {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
        {"name": "customer_id", "ref": {"to": "customers.id", "min": 1, "max": 4}},
        {"name": "note", "type": "text", "length": [5, 90], "source": "ask"},
        {"name": "words", "type": "integer", "derive": "LENGTH(note)"}]},
    {"name": "towns", "count": 20, "fields": [
        {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
        {"name": "about", "type": "text", "length": [5, 90], "source": "ask"}]},
]  # fmt: skip


def test_one_table_is_what_it_is_among_all(server: standin.Standin, tmp_path: Path) -> None:
    spec = {"model": {"endpoint": server.url, "name": MODEL}, "tables": SHOP}
    ffgen.run(spec, f"{tmp_path}/all/", cache_dir=tmp_path)
    customers, orders = (pl.read_ndjson(tmp_path / "all" / f"{name}.jsonl") for name in ("customers", "orders"))
    totals = orders.group_by("customer_id").agg(pl.col("note").str.len_chars().sum())
    joined = customers.join(totals, left_on="id", right_on="customer_id")
    assert len(joined) == 20 and (joined["words"] == joined["note"]).all()
    for name, asked in (("customers", {"customers.bio", "orders.note"}), ("towns", {"towns.about"})):
        report = ffgen.run(spec, tmp_path / "one.jsonl", table=name, cache_dir=tmp_path / name)
        assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "all" / f"{name}.jsonl").read_bytes()
        assert set(report.made) == asked
        assert ffgen.explain(tmp_path / "one.jsonl", 3, cache_dir=tmp_path / name).agrees


def test_a_table_without_rows_asks_for_none(server: standin.Standin, tmp_path: Path) -> None:
    orders = SHOP[1] | {
        "fields": [{"name": "customer_id", "ref": {"to": "customers.id", "max": 0}}, *SHOP[1]["fields"][2:]]
    }
    spec = {"model": {"endpoint": server.url, "name": MODEL}, "tables": [SHOP[0], orders]}
    report = ffgen.run(spec, f"{tmp_path}/all/", cache_dir=tmp_path)
    assert (tmp_path / "all" / "orders.jsonl").read_bytes() == b"" and report.records == 20


def test_the_context_has_room_for_what_is_given(server: standin.Standin, tmp_path: Path) -> None:
    wide = {"type": "string", "pattern": "^[a-z]{390}$"}
    plan = ffgen.plan(spec_of(server.url, ID, *(wide | {"name": f"about{i}"} for i in range(4)), REVIEW))
    recipe = Recipes(plan.spec, plan.layouts).recipes["reviews"]
    first = next(Hand(plan, 1 << 20, str(tmp_path)).shards(plan.layouts[0]))
    assert paired_plan(plan, recipe, 100, first).context > 16 * 4 * 390 / 3 + 2048
    assert ffgen.run(plan, tmp_path / "o.jsonl", cache_dir=tmp_path).requests == 7


def test_what_is_told_leaves_out_what_is_not_known(server: standin.Standin) -> None:
    number = {"name": "number", "type": "integer", "generator": "sequence"}
    size = {"name": "size", "type": "integer", "derive": "LENGTH(review)"}
    price = PRICE | {"description": "in  euros"}
    rules = ["review LIKE '%a%' OR price < 9", "size > 4", "price > 2"]
    plan = ffgen.plan(spec_of(server.url, ID, number, PRODUCT, price, REVIEW, size, require=rules))
    known = known_of(Recipes(plan.spec, plan.layouts).recipes["reviews"])
    assert known.fields == ["product", "price (in euros)"] and known.rules == rules[:1]


def test_a_plan_reckons_with_rows_that_have_no_value() -> None:
    priced = {"price": {"input": 1.0, "output": 10.0}}
    every, half, both = (
        ffgen.describe(ffgen.plan(spec_of("http://127.0.0.1:9", ID, PRICE, *fields, count=3200, model=priced)))
        for fields in (
            [REVIEW],
            [REVIEW | {"nullable": 0.5}],
            [REVIEW | {"nullable": 0.5}, TYPES[11] | {"source": "ask"}],
        )
    )
    assert (every.requests, half.requests, both.requests) == (200, 100, 160)
    assert [way.requests for way in half.ways if way.chosen] == [100]
    assert half.money == pytest.approx(half.tokens_in / 1e6 + half.tokens_out / 1e5)


def test_csv_comes_back_by_rows_too(server: standin.Standin, tmp_path: Path) -> None:
    spec = spec_of(server.url, PRODUCT, REVIEW, count=3, unique_by=["review"], model={"reply": "csv", "concurrency": 1})
    alike = spec_of(server.url, PRODUCT, REVIEW, count=3, unique_by=["review"])
    kept, _ = made(alike, tmp_path, cache=tmp_path / "other")
    marks = kept["product"].to_list()
    lines = [f'{number},{mark},"well, {number}"' for number, mark in enumerate(marks, start=1)]
    server.set(script=[{"text": "\n".join(lines[:2]) + "\n"}, {"text": f"row,echo,review\n{lines[2]}\n"}])
    rows, report = made(spec, tmp_path)
    assert rows["review"].to_list() == ["well, 1", "well, 2", "well, 3"] and report.requests == 2


def test_a_model_is_told_what_is_taken(server: standin.Standin, tmp_path: Path) -> None:
    server.set(pool=1)
    spec = spec_of(server.url, ID, PRODUCT, REVIEW | {"unique": True}, count=2, model={"batch_size": 1, "retries": 1})
    with pytest.raises(ShortfallError, match=r"row 2 in 2 asks: said in an earlier row \(1\)") as caught:
        made(spec, tmp_path, audit_prompts=tmp_path / "prompts")
    assert "--fresh asks anew" in caught.value.hint
    asked = [json.loads(line) for line in (tmp_path / "prompts").read_text().splitlines()]
    last = json.loads([each["body"] for each in asked if each["event"] == "asked"][-1])["messages"][-1]["content"]
    text = json.loads([each["body"] for each in asked if each["event"] == "answered"][0])["message"]["content"]
    assert f"Taken already, so not to be used again: {json.dumps(json.loads(text)['rows'][0][2])}." in last


def test_the_budget_of_asks_is_named_where_it_ends_a_run(server: standin.Standin, tmp_path: Path) -> None:
    server.set(wrong=1.0)
    plan = ffgen.plan(spec_of(server.url, count=40, model={"retries": 20}), max_asks=1)
    with pytest.raises(ShortfallError, match=r"row 1 in 1 ask") as caught:
        made(plan, tmp_path)
    assert "with more --max-asks the run goes on" in caught.value.hint


def test_texts_that_can_t_be_remembered_are_refused_unasked(server: standin.Standin, tmp_path: Path) -> None:
    spec = spec_of(server.url, ID, REVIEW | {"unique": {"near": 0.6}}, count=200_000)
    with pytest.raises(UsageError, match="too many to find near twins in"):
        made(spec, tmp_path, dedup_memory=1 << 20)
    assert server.stats()["requests"] == 0
    how = ffgen.describe(ffgen.plan(spec)).tables[0].unique["review"]
    assert "asked for again: texts alike by 0.6 or more" in how


def test_a_run_that_ends_early_says_so_and_is_listed(server: standin.Standin, tmp_path: Path) -> None:
    server.set(latency=0.3, mention=True)
    spec = spec_of(server.url, count=400, model={"concurrency": 2})
    with pytest.raises(TimeLimitError, match=r"^The time limit of 1\.5 s passed"):
        made(spec, tmp_path, timeout=1.5)
    (left,) = [each for each in ffgen.status() if each.destination == str(tmp_path / "o.jsonl")]
    assert left.state == "stopped" and left.kept_replies > 0
    server.set(latency=0.0)
    rows, report = made(spec, tmp_path)
    assert paired(rows) and report.kept >= left.kept_replies
    assert not [each for each in ffgen.status() if each.destination == str(tmp_path / "o.jsonl")]


def test_the_time_limit_is_heard_while_rows_are_counted(tmp_path: Path) -> None:
    spec = spec_of("http://127.0.0.1:9", ID, PRICE, REVIEW | {"nullable": 0.5}, count=50_000_000)
    with pytest.raises(TimeLimitError, match="while rows of reviews were drawn"):
        made(spec, tmp_path, timeout=0.2)


def test_a_pool_of_unique_values_may_be_as_large_as_its_table(server: standin.Standin, tmp_path: Path) -> None:
    code = {"name": "code", "type": "string", "pattern": "^[A-Z]{4}[0-9]{4}$", "unique": True, "source": "pool"}
    rows, _ = made(spec_of(server.url, code | {"pool": {"size": 1100}}, PRICE, count=1100), tmp_path)
    assert rows["code"].n_unique() == 1100

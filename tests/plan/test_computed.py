"""Tables that read each other: what follows from the row number, picked parents, totals, keys by construction."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import ffgen
from ffgen.errors import ShortfallError
from ffgen.plan import recipes
from ffgen.plan.recipes import Recipes

SHOP = """
seed: 5
tables:
  - name: part
    count: 300
    fields:
      - {name: id, type: integer, unique: true, generator: {name: sequence, start: 1}}
      - {name: price, type: number, decimals: 2, derive: (100 + id % 37) / 4}
  - name: offer
    fields:
      - {name: part_id, ref: {to: part.id, min: 3, max: 3}}
      - {name: number, type: integer, unique: true, generator: {name: sequence, start: 0}}
      - {name: price, ref: part.price}
      - {name: parts, type: integer, generator: {name: row_count, of: part}}
      - {name: shelf, type: integer, derive: (part_id + number % 3 * parts) % 7}
  - name: orders
    count: 20000
    fields:
      - {name: id, type: integer, unique: true, generator: sequence}
      - {name: day, type: date, range: ['2024-01-01', '2024-12-31']}
      - {name: worth, type: number, decimals: 2, generator: {name: total, of: line.worth}}
      - {name: late, type: integer, generator: {name: total, of: line.late}}
      - {name: state, type: string, derive: CASE WHEN late > 0 THEN 'open' ELSE 'closed' END}
  - name: line
    unique_by: [order_id, position]
    fields:
      - {name: order_id, ref: {to: orders.id, min: 1, max: 5}}
      - {name: position, type: integer, generator: {name: monotone, start: 1}}
      - {name: part_id, ref: offer.part_id}
      - {name: price, ref: offer.price}
      - {name: shelf, ref: offer.shelf}
      - {name: quantity, type: integer, range: [1, 9]}
      - {name: worth, type: number, decimals: 2, derive: quantity * price}
      - {name: day, ref: orders.day}
      - {name: takes, type: integer, range: [1, 40]}
      - {name: sent, type: date, derive: day + takes}
      - {name: late, type: integer, derive: "CASE WHEN sent > DATE '2024-12-31' THEN 1 ELSE 0 END"}
"""


def frame(spec: Any, table: str) -> pl.DataFrame:
    return pl.concat(list(ffgen.run(spec, table=table)))


def spec_of(text: str, **changes: Any) -> Any:
    return ffgen.load(yaml.safe_load(text), assign=changes)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("shop")
    ffgen.run(spec_of(SHOP), f"{folder}/", format="parquet", workers=0)
    return {table: pl.read_parquet(folder / f"{table}.parquet") for table in ("part", "offer", "orders", "line")}


def test_what_follows_from_the_row_number_is_the_same_in_every_table(shop: dict[str, pl.DataFrame]) -> None:
    prices = shop["part"].select(part_id="id", wanted="price")
    for table in ("offer", "line"):
        joined = shop[table].join(prices, on="part_id")
        assert len(joined) == len(shop[table]) and (joined["price"] == joined["wanted"]).all()
    offers = shop["offer"].select("part_id", "shelf").unique()
    assert shop["line"].join(offers, on=["part_id", "shelf"], how="anti").is_empty()
    assert shop["offer"]["parts"].unique().to_list() == [300]


def test_it_need_not_be_kept_and_large_tables_compute_it_row_by_row(
    shop: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ffgen.plan(spec_of(SHOP))
    assert Recipes(plan.spec, plan.layouts).wanted == set()
    monkeypatch.setattr(recipes, "TABLED", 0)
    assert frame(spec_of(SHOP), "line").equals(shop["line"])


def test_a_table_alone_is_what_it_is_among_the_others(shop: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    for table in ("line", "orders"):
        ffgen.run(spec_of(SHOP), tmp_path / f"{table}.parquet", table=table)
        assert pl.read_parquet(tmp_path / f"{table}.parquet").equals(shop[table])


def test_totals_are_of_rows_that_read_their_parent(shop: dict[str, pl.DataFrame]) -> None:
    sums = shop["line"].group_by("order_id").agg(pl.col("worth").sum().round(2), pl.col("late").sum())
    joined = shop["orders"].join(sums, left_on="id", right_on="order_id", suffix="_below")
    assert len(joined) == 20_000
    assert (joined["worth"] == joined["worth_below"]).all() and (joined["late"] == joined["late_below"]).all()
    assert (joined["state"] == pl.Series(["closed", "open"]).gather((joined["late"] > 0).cast(pl.UInt32))).all()


def test_a_total_that_breaks_its_field_ends_the_run_at_once() -> None:
    spec = spec_of(SHOP, **{"tables.orders.fields.worth.range": [0, 100]})
    with pytest.raises(ShortfallError, match="do not add up to what holds `range` of `worth`"):
        frame(spec, "orders")
    spec = spec_of(SHOP, **{"tables.orders.require": ["worth < 100"]})
    with pytest.raises(ShortfallError, match="`worth < 100`"):
        frame(spec, "orders")


def test_a_parents_key_and_a_place_among_its_rows_are_a_key(shop: dict[str, pl.DataFrame]) -> None:
    plan = ffgen.plan(spec_of(SHOP))
    line = Recipes(plan.spec, plan.layouts).recipes["line"]
    assert line.gated == [] and line.apart == []
    assert "`position` the rows of each" in line.how["order_id, position"]
    assert not shop["line"].select("order_id", "position").is_duplicated().any()


@pytest.mark.parametrize("generator", ["{name: monotone, step: 0}", "{name: monotone, step: {uniform: [0, 2]}}"])
def test_places_that_may_be_alike_are_none(generator: str) -> None:
    plan = ffgen.plan(spec_of(SHOP, **{"tables.line.fields.position.generator": yaml.safe_load(generator)}))
    line = Recipes(plan.spec, plan.layouts).recipes["line"]
    assert line.apart or line.gated


PICKED = """
tables:
  - name: customer
    count: 1000
    fields:
      - {name: id, type: integer, unique: true, generator: sequence}
      - {name: status, type: string, values: [active, closed], weights: [1, 4]}
      - {name: name, type: string, generator: person.last_name}
  - name: orders
    count: 30000
    fields:
      - {name: id, type: integer, unique: true, generator: sequence}
      - {name: customer_id, ref: {to: customer.id, where: "status = 'active' AND id % 3 <> 0"}}
      - {name: name, ref: customer.name}
"""


def test_only_parents_that_fulfil_a_condition_are_picked_all_alike(tmp_path: Path) -> None:
    ffgen.run(spec_of(PICKED), f"{tmp_path}/", format="parquet")
    customers, orders = (pl.read_parquet(tmp_path / f"{table}.parquet") for table in ("customer", "orders"))
    active = customers.filter((pl.col("status") == "active") & (pl.col("id") % 3 != 0))
    counts = orders["customer_id"].value_counts()
    assert set(counts["customer_id"]) == set(active["id"])
    expected = len(orders) / len(active)
    assert float((counts["count"] - expected).pow(2).sum()) / expected < len(active) + 5 * (2 * len(active)) ** 0.5
    joined = orders.join(customers, left_on="customer_id", right_on="id")
    assert (joined["name"] == joined["name_right"]).all()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"where": "stat = 'a'"}, "no field"),
        ({"where": "id + 1"}, "not boolean"),
        ({"where": "id > 1", "mean": 2}, "children per parent"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(changes: dict[str, Any], what: str) -> None:
    spec = yaml.safe_load(PICKED)
    spec["tables"][1]["fields"][1]["ref"] = {"to": "customer.id", **changes}
    del spec["tables"][1]["count"]
    (finding,) = [each for each in ffgen.check(spec) if each.severity == "error"]
    assert finding.path == "tables[1].fields[1].ref.where"
    assert what in finding.what + finding.hint


def test_a_condition_that_nothing_fulfils_ends_the_run() -> None:
    spec = spec_of(PICKED, **{"tables.orders.fields.customer_id.ref.where": "id < 0"})
    with pytest.raises(ShortfallError, match="0 fulfil `where`"):
        frame(spec, "orders")


def test_the_size_of_a_table_that_there_is_not_is_refused() -> None:
    spec = yaml.safe_load(SHOP)
    spec["tables"][1]["fields"][3]["generator"]["of"] = "parcel"
    (finding,) = [each for each in ffgen.check(spec) if each.severity == "error"]
    assert finding.path == "tables[1].fields[3].generator.of" and "no table `parcel`" in finding.what

"""Keys of other tables: which parent, which of its fields, and totals over children."""

from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.errors import ShortfallError
from ffgen.rng import stream
from ffgen.sample.reference import children
from ffgen.spec.model import Ref

ID: dict[str, Any] = {"name": "id", "type": "integer", "generator": "sequence", "unique": True}
CUSTOMERS: dict[str, Any] = {
    "name": "customers",
    "count": 50,
    "fields": [ID, {"name": "code", "type": "uuid", "unique": True}, {"name": "city", "type": "string"}],
}


def drawn(name: str, *tables: dict[str, Any]) -> pl.DataFrame:
    with ffgen.run({"tables": list(tables)}, table=name) as frames:
        return pl.concat(frames)


@pytest.mark.parametrize(
    "options",
    [{"code": {"unique": True}}, {"unique_by": ["code", "day"]}, {"unique_by": ["id"], "customer": {"nullable": 0.3}}],
    ids=["two unique keys", "one in a key of several", "one that may be null"],
)
def test_all_keys_of_one_parent_are_of_the_same_row(options: dict[str, Any]) -> None:
    options = dict(options)
    fields = [
        ID,
        {"name": "code", "ref": "customers.code", **options.pop("code", {})},
        {"name": "customer", "ref": "customers.id", "unique": True, **options.pop("customer", {})},
        {"name": "city", "ref": "customers.city"},
        {"name": "day", "type": "integer", "range": [1, 5]},
    ]
    profiles = {"name": "profiles", "count": 30, "fields": fields, **options}
    found = drawn("profiles", CUSTOMERS, profiles)
    joined = found.join(drawn("customers", CUSTOMERS), left_on="customer", right_on="id")
    assert len(found) == 30 and len(joined) == 30 - found["customer"].null_count() > 10
    assert (joined["code"] == joined["code_right"]).all() and (joined["city"] == joined["city_right"]).all()
    assert joined["customer"].n_unique() == len(joined)


def test_a_unique_key_of_a_column_that_repeats_is_kept_apart() -> None:
    """Neither `a` nor `b` tells pairs apart, only both together do."""
    pair = [{"name": name, "type": "integer", "range": [1, 40]} for name in "ab"]
    pairs = {"name": "pairs", "count": 900, "fields": pair}
    fields = [{"name": "a", "ref": "pairs.a", "unique": True}]
    assert drawn("kids", pairs, {"name": "kids", "count": 20, "fields": fields})["a"].n_unique() == 20
    with pytest.raises(ShortfallError):
        drawn("kids", pairs, {"name": "kids", "count": 41, "fields": fields})


@pytest.mark.parametrize(("high", "count"), [(150, 1000), (70_000, 100_000)])
def test_orphans_are_beyond_all_parents_even_where_there_is_little_beyond(high: int, count: int) -> None:
    parents = {
        "name": "parents",
        "count": 100,
        "fields": [{"name": "id", "type": "integer", "range": [1, high], "unique": True}],
    }
    kids = {"name": "kids", "count": count, "fields": [ID, {"name": "of", "ref": {"to": "parents.id", "orphans": 0.5}}]}
    known = drawn("parents", parents)["id"]
    keys = drawn("kids", parents, kids)["of"]
    lost = (~keys.is_in(known.implode())).mean()
    assert isinstance(lost, float) and abs(lost - 0.5) < 0.06
    assert set(known) >= set(keys.filter(keys.is_in(known.implode()))) and keys.is_between(1, high).all()


def test_a_total_leaves_nulls_out() -> None:
    take = [
        {"name": each, "type": "number", "decimals": 2, "generator": {"name": "total", "of": "lines.x", "take": each}}
        for each in ("sum", "count", "mean", "min", "max")
    ]
    orders = {"name": "orders", "count": 200, "fields": [ID, *take]}
    lines = {
        "name": "lines",
        "fields": [
            {"name": "of", "ref": {"to": "orders.id", "min": 1, "max": 3}},
            {"name": "x", "type": "number", "range": [10, 20], "decimals": 2, "nullable": 0.4},
        ],
    }
    x = pl.col("x")
    wanted = (
        drawn("lines", orders, lines)
        .group_by("of")
        .agg(sum=x.sum(), count=pl.len(), mean=x.mean(), min=x.min(), max=x.max())
    )
    both = drawn("orders", orders, lines).join(wanted, left_on="id", right_on="of")
    assert len(both) == 200 and both["mean_right"].null_count() > 3
    for each in ("sum", "count", "mean", "min", "max"):
        assert ((both[each] - both[f"{each}_right"].fill_null(0)).abs() < 0.006).all(), each


def test_records_are_still_found_where_a_formula_refuses_most_pairs() -> None:
    """Without a key, values that only go together may not be a function of the row number when rows are refused."""
    fields = [
        {"name": "a", "type": "integer", "range": [1, 100]},
        {"name": "b", "type": "integer", "range": [1, 100]},
        {"name": "c", "type": "integer", "derive": "a + b", "range": [1, 90]},
    ]
    with ffgen.run({"dataset": {"count": 500, "mode": "local", "fields": fields}}) as frames:
        found = pl.concat(frames)
    assert found.n_unique() == 500 and found["c"].max() <= 90  # type: ignore[operator]


@pytest.mark.parametrize(
    "ref", [Ref(to="a.b", mean=2, max=5, skew=0.5), Ref(to="a.b", mean=2, skew=1), Ref(to="a.b", min=1)]
)
def test_no_parents_have_no_children(ref: Ref) -> None:
    assert len(children(ref, 0, stream(1))) == 0

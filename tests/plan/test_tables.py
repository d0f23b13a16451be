"""Tables in circles, beside each other and above each other: in which order they are made, and how they are cut."""

from typing import Any

import numpy as np
import polars as pl
import pytest

import ffgen
from ffgen.errors import SpecError
from ffgen.plan.recipes import Recipes
from ffgen.rng import stream
from ffgen.sample.reference import fit
from ffgen.spec.model import Ref

ID: dict[str, Any] = {"name": "id", "type": "integer", "generator": "sequence", "unique": True}


def table(name: str, *fields: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"name": name, "fields": list(fields), **options}


def under(parent: str, **counts: Any) -> dict[str, Any]:
    return {"name": parent, "ref": {"to": f"{parent}.id", **counts}}


def drawn(spec: dict[str, Any], name: str) -> pl.DataFrame:
    with ffgen.run(spec, table=name) as frames:
        return pl.concat(frames)


@pytest.mark.parametrize("turned", [False, True])
def test_a_circle_is_never_broken_above_laid_out_rows(turned: bool) -> None:
    """Departments have a manager among the employees, who are counted by department."""
    departments = table("departments", ID, {"name": "manager", "nullable": 0.2, "ref": "employees.id"}, count=5)
    employees = table("employees", ID, under("departments", min=2, max=6))
    spec = {"tables": [employees, departments] if turned else [departments, employees]}
    found = drawn(spec, "employees")
    assert 10 <= len(found) <= 30 and found["departments"].n_unique() == 5
    assert set(drawn(spec, "departments")["manager"].drop_nulls()) <= set(found["id"])


def test_tables_that_count_each_other_are_refused() -> None:
    spec = {"tables": [table("a", ID, under("b", mean=2)), table("b", ID, under("a", mean=2))]}
    with pytest.raises(SpecError, match="the rows of a are counted by those of a table that they count in turn"):
        ffgen.load(spec)


def test_children_can_be_counted_by_one_parent_only() -> None:
    tables = [table("a", ID), table("b", ID), table("c", ID, under("a", mean=2), under("b", min=3, max=3))]
    with pytest.raises(SpecError, match=r"tables\[2\].fields\[2\].ref: rows are laid out under `a` already"):
        ffgen.load({"tables": tables})


@pytest.mark.parametrize("deep", [False, True])
def test_what_a_total_adds_up_is_made_before_it(deep: bool) -> None:
    """Prices that stand in a table listed last, under lines that orders add up (which customers add up in turn)."""
    lines = table(
        "lines",
        under("orders", min=1, max=4),
        {"name": "price", "ref": "products.price"},
        {"name": "amount", "type": "number", "decimals": 2, "derive": "price * 2"},
    )
    total = {"name": "total", "type": "number", "decimals": 2, "generator": {"name": "total", "of": "lines.amount"}}
    orders = table("orders", ID, total, count=30)
    products = table("products", ID, {"name": "price", "type": "number", "range": [1, 99], "decimals": 2}, count=10)
    tables = [orders, lines, products]
    if deep:
        orders = table("orders", ID, under("customers", min=1, max=2), total)
        spent = {**total, "name": "spent", "generator": {"name": "total", "of": "orders.total"}}
        tables = [table("customers", ID, spent, count=9), orders, lines, products]
    spec = {"tables": tables}
    sums = drawn(spec, "lines").group_by("orders").agg(pl.col("amount").sum())
    joined = drawn(spec, "orders").join(sums, left_on="id", right_on="orders")
    assert len(joined) >= 9 and ((joined["total"] - joined["amount"]).abs() < 1e-6).all()
    if deep:
        sums = joined.group_by("customers").agg(pl.col("total").sum())
        both = drawn(spec, "customers").join(sums, left_on="id", right_on="customers")
        assert len(both) == 9 and ((both["spent"] - both["total"]).abs() < 1e-6).all()


def test_what_a_total_adds_up_can_t_hang_on_rows_made_after_it() -> None:
    of = {"name": "total", "type": "number", "generator": {"name": "total", "of": "lines.discount"}}
    lines = table("lines", under("orders", mean=2), {"name": "discount", "ref": "offers.discount"})
    offers = table(
        "offers", ID, {"name": "discount", "type": "number", "range": [0, 1]}, {**under("orders"), "name": "o"}
    )
    with pytest.raises(SpecError, match=r"`offers.discount` is not known from the row number alone"):
        ffgen.load({"tables": [table("orders", ID, of), lines, offers]})


def test_a_parent_may_have_more_children_than_a_shard_has_rows() -> None:
    spec = {"tables": [table("company", ID, count=2), table("staff", ID, under("company", min=1), count=150_000)]}
    plan = ffgen.plan(spec)
    staff = Recipes(plan.spec, plan.layouts).laid["staff"]
    assert staff.shards == 2 and staff.count == 150_000 and min(staff.span(0)[1], staff.span(1)[1]) > 0


@pytest.mark.parametrize(
    ("total", "ref"), [(1_000_000, Ref(to="a.id")), (23, Ref(to="a.id", max=8)), (5, Ref(to="a.id", min=1))]
)
def test_counts_are_corrected_step_by_step_or_at_once_alike(total: int, ref: Ref) -> None:
    counts = np.array([3, 1, 8, 2], dtype=np.int64)
    found = fit(counts, total, ref, stream(0))
    assert found.sum() == total and found.min() >= (ref.min or 0) and found.max() <= (ref.max or 2**62)
    if total == 1_000_000:
        assert (found - counts).max() - (found - counts).min() <= 1


def test_wide_rows_come_in_smaller_shards() -> None:
    """Or a shard of them would not fit into memory."""
    sizes = {}
    for name, width in (("short", 100), ("page", 5000), ("book", 900_000)):
        fields = [{"name": "id", "type": "integer", "generator": "sequence"}, {"name": "text", "values": ["x" * width]}]
        source = {"dataset": {"name": "t", "count": 100_000, "fields": fields}}
        sizes[name] = ffgen.plan(source).layouts[0].size
    assert sizes["short"] == 65_536
    assert sizes["short"] > sizes["page"] > sizes["book"] >= 64
    assert all(width * sizes[name] <= 128 << 20 for name, width in (("page", 5000), ("book", 900_000)))

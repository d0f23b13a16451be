"""Fields that are copied from one parent row agree with its key, however and for whomever they are drawn."""

from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.errors import SpecError

NUMBER: dict[str, Any] = {"name": "id", "type": "integer", "unique": True, "generator": "sequence"}
ITEMS: dict[str, Any] = {
    "name": "items",
    "count": 60,
    "fields": [
        NUMBER,
        {"name": "price", "type": "number", "range": [1, 9], "decimals": 2},
        {"name": "kind", "type": "enum", "values": ["a", "b"]},
    ],
}


def frame(spec: dict[str, Any], table: str) -> pl.DataFrame:
    with ffgen.run(spec, table=table) as frames:
        return pl.concat(frames)


def orders(*lines: dict[str, Any]) -> dict[str, Any]:
    """Orders of one to three lines each, with the sum of the lines' prices."""
    total = {"name": "total", "type": "number", "decimals": 2, "generator": {"name": "total", "of": "lines.price"}}
    of = {"name": "order", "ref": {"to": "orders.id", "min": 1, "max": 3, "mean": 2}}
    tables = [
        ITEMS,
        {"name": "orders", "count": 20, "fields": [NUMBER, total]},
        {"name": "lines", "fields": [of, *lines]},
    ]
    return {"tables": tables}


@pytest.mark.parametrize(
    "key",
    [{"ref": {"to": "items.id", "skew": 1.5}}, {"ref": "items.id", "unique": True}],
    ids=["by Zipf's law", "by number"],
)
def test_a_copy_agrees_with_its_key_wherever_it_is_drawn(key: dict[str, Any]) -> None:
    """The copy stands before the key, and the total over it is drawn without the key."""
    spec = orders({"name": "price", "ref": "items.price"}, {"name": "item", **key})
    lines = frame(spec, "lines")
    joined = lines.join(frame(spec, "items"), left_on="item", right_on="id")
    assert len(joined) == len(lines) and (joined["price"] == joined["price_right"]).all()
    sums = lines.group_by("order").agg(pl.col("price").sum())
    both = frame(spec, "orders").join(sums, left_on="id", right_on="order")
    assert len(both) == 20 and ((both["total"] - both["price"]).abs() < 0.001).all()


def test_a_key_of_an_enum_needs_no_values() -> None:
    spec = orders({"name": "price", "ref": "items.price"}, {"name": "kind", "ref": "items.kind"})
    assert set(frame(spec, "lines")["kind"]) == {"a", "b"}


def test_a_table_s_locale_is_looked_at_before_the_run() -> None:
    people = {"name": "people", "locale": "xx_XX", "fields": [{"name": "city", "type": "string"}]}
    with pytest.raises(SpecError, match="no names of `xx_XX`"):
        ffgen.load({"dataset": people})

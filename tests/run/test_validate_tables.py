"""Data of several tables held against their spec: each table by itself, the keys between them, and conditions."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.errors import DestinationError, UsageError
from ffgen.run import validate as module

SHOP: dict[str, Any] = {
    "tables": [
        {
            "name": "orders",
            "fields": [
                {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
                {"name": "city", "ref": {"to": "customers.city", "min": 0, "max": 4}},
                {"name": "number", "ref": {"to": "customers.number", "min": 0, "max": 4}},
                {"name": "before", "ref": "orders.id", "nullable": True},
                {"name": "gift", "ref": {"to": "products.id", "as": "gift", "orphans": 0.5}},
                {"name": "product", "ref": {"to": "products.id", "where": "live"}},
            ],
        },
        {
            "name": "customers",
            "count": 40,
            "unique_by": ["city", "number"],
            "fields": [
                {"name": "city", "values": ["Lyon", "Porto"]},
                {"name": "number", "type": "integer", "range": [1, 500]},
                {"name": "luck", "type": "integer", "range": [1, 6], "hidden": True},
                {"name": "prize", "type": "integer", "range": [10, 20], "when": "luck = 6"},
            ],
        },
        {
            "name": "products",
            "count": 9,
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "live", "type": "boolean", "generator": {"name": "boolean", "share": 0.7}},
            ],
        },
    ]
}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def faults(found: ffgen.Validity) -> list[tuple[str, str, int]]:
    return [(fault.field, fault.reason, fault.count) for fault in found.problems]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    ffgen.run(SHOP, f"{tmp_path}/shop/")
    return tmp_path / "shop"


@pytest.mark.parametrize("to", ["out/", "x.csv", "{table}-1.parquet", "x.jsonl.zst"])
def test_what_a_run_wrote_is_valid_by_the_same_name(tmp_path: Path, to: str) -> None:
    ffgen.run(SHOP, f"{tmp_path}/{to}")
    found = ffgen.validate(SHOP, f"{tmp_path}/{to}")
    assert faults(found) == [] and found.valid
    assert [(each.table, each.valid) for each in found.tables] == [
        (name, True) for name in ("orders", "customers", "products")
    ]
    assert found.rows == found.wanted == sum(each.rows for each in found.tables) > 49


def test_keys_without_a_parent_are_counted_whole_keys_and_own_keys_too(shop: Path) -> None:
    orders, customers, products = (rows(shop / f"{name}.jsonl") for name in ("orders", "customers", "products"))
    pairs = {(row["city"], row["number"]) for row in customers}
    city = next(name for name in ("Lyon", "Porto") if (name, orders[3]["number"]) not in pairs)
    orders[3]["city"] = city
    orders[5]["before"] = 10**6
    orders[7]["product"] = next(row["id"] for row in products if not row["live"])
    orders[8]["gift"] = "00000000-0000-4000-8000-000000000000"
    write(shop / "orders.jsonl", orders)
    found = ffgen.validate(SHOP, shop)
    assert sorted(faults(found)) == [
        ("orders.before", "no such orders.id", 1),
        ("orders.city, number", "no such customers.city, customers.number", 1),
        ("orders.product", "no such products.id where live", 1),
    ]
    assert [each.first for each in sorted(found.problems, key=lambda each: each.field)] == [6, 4, 8]
    assert not found.valid and [each.valid for each in found.tables] == [False, True, True]


def test_one_table_alone_is_held_against_itself(shop: Path) -> None:
    assert ffgen.validate(SHOP, shop / "orders.jsonl", table="orders").tables == []
    orders = rows(shop / "orders.jsonl")
    write(shop / "orders.jsonl", [{**row, "before": -1} if i == 4 else row for i, row in enumerate(orders)])
    assert faults(ffgen.validate(SHOP, shop, table="orders")) == [("before", "no such orders.id", 1)]
    with pytest.raises(UsageError, match="no table order"):
        ffgen.validate(SHOP, shop, table="order")


def test_a_parent_that_is_missing_a_row_is_told_by_its_children(shop: Path) -> None:
    orders, products = rows(shop / "orders.jsonl"), rows(shop / "products.jsonl")
    gone = orders[0]["product"]
    write(shop / "products.jsonl", [row for row in products if row["id"] != gone])
    found = ffgen.validate(SHOP, shop)
    lost = sum(row["product"] == gone for row in orders)
    assert faults(found) == [("orders.product", "no such products.id where live", lost)]
    assert [(each.rows, each.wanted) for each in found.tables if each.table == "products"] == [(8, 9)]


def test_keys_past_their_memory_are_still_known(shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = {
        "tables": [
            {"name": "a", "count": 30_000, "fields": [{"name": "id", "type": "uuid"}]},
            {
                "name": "b",
                "fields": [{"name": "n", "generator": "sequence"}, {"name": "a", "ref": "a.id"}],
                "count": 5000,
            },
        ]
    }
    ffgen.run(spec, f"{tmp_path}/{{table}}.jsonl")
    monkeypatch.setattr(module, "GATE_MEMORY", 1 << 16)
    assert ffgen.validate(spec, f"{tmp_path}/{{table}}.jsonl").valid


def test_files_are_found_by_manifest_or_name_and_what_can_t_be_told_is_said(shop: Path) -> None:
    (shop / "orders.jsonl").rename(shop / "renamed.jsonl")
    manifest = json.loads((shop / "ffgen-manifest.json").read_text())
    (each,) = [each for each in manifest["tables"] if each["table"] == "orders"]
    each["file"] = "/elsewhere/renamed.jsonl"  # it speaks of its own folder only
    (shop / "ffgen-manifest.json").write_text(json.dumps(manifest))
    assert ffgen.validate(SHOP, shop).valid and ffgen.validate(SHOP, shop / "ffgen-manifest.json").valid
    (shop / "ffgen-manifest.json").write_text("[]")
    with pytest.raises(DestinationError, match="is no manifest"):
        ffgen.validate(SHOP, shop)
    (shop / "ffgen-manifest.json").unlink()
    with pytest.raises(DestinationError, match="no file for the table orders"):
        ffgen.validate(SHOP, shop)
    for name in ("orders.csv", "orders.jsonl"):
        (shop / name).write_text("")
    with pytest.raises(UsageError, match="several files for the table orders"):
        ffgen.validate(SHOP, shop)
    with pytest.raises(UsageError, match="the data of one"):
        ffgen.validate(SHOP, shop / "products.jsonl")


def test_conditional_values_go_with_their_conditions(tmp_path: Path) -> None:
    spec = {
        "dataset": {
            "count": 400,
            "fields": [
                {"name": "id", "generator": "sequence"},
                {"name": "kind", "values": ["card", "cash", "wire"]},
                {"name": "card", "pattern": "[0-9]{4}", "when": "kind = 'card'"},
                {"name": "note", "values": ["a", "b"], "when": "kind <> 'card'", "nullable": 0.3},
                {
                    "name": "fee",
                    "type": "number",
                    "range": [0, 10],
                    "decimals": 2,
                    "cases": [
                        {"when": "kind = 'card'", "range": [2, 3]},
                        {"when": "kind = 'wire'", "values": [5, 10]},
                    ],
                },
            ],
        }
    }
    path = tmp_path / "p.jsonl"
    ffgen.run(spec, path)
    assert faults(ffgen.validate(spec, path)) == []
    records = rows(path)
    by_kind = {kind: [i for i, row in enumerate(records) if row["kind"] == kind] for kind in ("card", "cash", "wire")}
    records[by_kind["cash"][0]]["card"] = "1234"
    records[by_kind["card"][0]]["card"] = None
    records[by_kind["card"][1]]["note"] = "a"
    records[by_kind["card"][2]]["fee"] = 0.5
    records[by_kind["cash"][1]]["fee"] = 10.5
    records[by_kind["wire"][0]]["fee"] = 7
    records[by_kind["wire"][1]]["fee"] = 70
    write(path, records)
    assert sorted(faults(ffgen.validate(spec, path))) == [
        ("card", "null", 1), ("card", "when", 1), ("fee", "range", 3), ("fee", "values", 1), ("note", "when", 1),
    ]  # fmt: skip


def test_hidden_fields_are_not_expected(shop: Path) -> None:
    assert "luck" not in rows(shop / "customers.jsonl")[0]
    frame = pl.read_ndjson(shop / "customers.jsonl").with_columns(luck=1)
    frame.write_ndjson(shop / "customers.jsonl")
    assert ("customers.luck", "unknown", 40) in faults(ffgen.validate(SHOP, shop))

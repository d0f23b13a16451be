"""Foreign keys: every one resolves, as many are null or lost as was said, and parents have the children they should."""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.run.drive import Site

import ffgen
from ffgen.errors import SpecError

SPEC: dict[str, Any] = {
    "seed": 11,
    "tables": [
        {"name": "sites", "count": 30, "fields": [{"name": "id", "generator": "sequence", "unique": True}]},
        {
            "name": "products",
            "count": 1000,
            "fields": [{"name": "sku", "pattern": "[A-Z]{3}-[0-9]{4}", "unique": True}],
        },
        {
            "name": "stock",
            "unique_by": ["sku", "site"],
            "fields": [
                {"name": "sku", "ref": {"to": "products.sku", "min": 1, "max": 5}},
                {"name": "site", "ref": "sites.id"},
                {"name": "pieces", "type": "integer", "range": [0, 500]},
            ],
        },
        {
            "name": "staff",
            "count": 4000,
            "fields": [
                {"name": "id", "type": "integer", "generator": "sequence", "unique": True},
                {"name": "manager", "ref": "staff.id", "nullable": 0.1},
            ],
        },
        {"name": "customers", "count": 12_000, "fields": [{"name": "id", "type": "uuid", "unique": True}]},
        {
            "name": "orders",
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "customer", "ref": {"to": "customers.id", "min": 0, "max": 12, "mean": 4}},
                {"name": "clerk", "ref": "staff.id", "nullable": 0.2},
                {"name": "second", "ref": {"to": "staff.id", "as": "second", "orphans": 0.03}},
            ],
        },
        {
            "name": "lines",
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "order_id", "ref": {"to": "orders.id", "min": 1, "max": 7}},
                {"name": "sku", "ref": "stock.sku"},
                {"name": "site", "ref": "stock.site"},
                {"name": "buyer", "ref": {"to": "customers.id", "skew": 1.0}},
            ],
        },
        {
            "name": "visits",
            "count": 50_000,
            "fields": [
                {"name": "id", "type": "uuid", "unique": True},
                {"name": "customer", "ref": {"to": "customers.id", "min": 1, "max": 9, "mean": 4, "skew": 0.4}},
            ],
        },
        {"name": "courses", "count": 40, "fields": [{"name": "code", "pattern": "[A-Z]{2}[0-9]{2}", "unique": True}]},
        {
            "name": "enrolments",
            "fields": [
                {"name": "person", "ref": {"to": "staff.id", "min": 0, "max": 8}},
                {"name": "course", "ref": "courses.code"},
            ],
        },
    ],
}
KEYS = [
    ("stock", "sku", "products", "sku"),
    ("stock", "site", "sites", "id"),
    ("orders", "customer", "customers", "id"),
    ("lines", "order_id", "orders", "id"),
    ("lines", "buyer", "customers", "id"),
    ("visits", "customer", "customers", "id"),
    ("enrolments", "person", "staff", "id"),
    ("enrolments", "course", "courses", "code"),
    ("staff", "manager", "staff", "id"),
    ("orders", "clerk", "staff", "id"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All tables, in DuckDB."""
    folder = tmp_path_factory.mktemp("keys")
    ffgen.run(SPEC, f"{folder}/", format="parquet", workers=0)
    with opened(folder) as connection:
        yield connection


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """The files of a folder as tables."""
    connection = duckdb.connect()
    for path in folder.glob("*.parquet"):
        connection.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")
    return connection


def one(base: duckdb.DuckDBPyConnection, query: str) -> Any:
    """The only cell of an answer."""
    return base.sql(query).fetchall()[0][0]


def lost(base: duckdb.DuckDBPyConnection, child: str, key: str, parent: str, of: str) -> int:
    """Keys that no parent has."""
    return int(
        one(base, f"SELECT COUNT(*) FROM {child} c ANTI JOIN {parent} p ON c.{key} = p.{of} WHERE {key} NOTNULL")
    )


def near(share: float, wanted: float, count: int) -> bool:
    """Whether a share of so many is one that chance would give: within five standard deviations."""
    return abs(share - wanted) <= 5 * math.sqrt(wanted * (1 - wanted) / count)


def families(base: duckdb.DuckDBPyConnection, child: str, key: str, parent: str, of: str) -> Any:
    """How many children each parent has."""
    counts = base.sql(
        f"SELECT COUNT(c.{key}) AS n FROM {parent} p LEFT JOIN {child} c ON c.{key} = p.{of} GROUP BY p.{of}"
    )
    return counts.fetchnumpy()["n"]


def test_there_are_enough_of_them(base: duckdb.DuckDBPyConnection) -> None:
    assert 180_000 < one(base, "SELECT COUNT(*) FROM lines") < 210_000


@pytest.mark.parametrize(("child", "key", "parent", "of"), KEYS)
def test_every_key_resolves(base: duckdb.DuckDBPyConnection, child: str, key: str, parent: str, of: str) -> None:
    assert lost(base, child, key, parent, of) == 0


def test_composite_keys_resolve_together(base: duckdb.DuckDBPyConnection) -> None:
    assert one(base, "SELECT COUNT(*) FROM lines ANTI JOIN stock USING (sku, site)") == 0
    assert one(base, "SELECT COUNT(DISTINCT (sku, site)) FROM lines") > 0.95 * one(base, "SELECT COUNT(*) FROM stock")


def test_nulls_and_orphans_are_as_many_as_said(base: duckdb.DuckDBPyConnection) -> None:
    orders = one(base, "SELECT COUNT(*) FROM orders")
    assert near(one(base, "SELECT AVG((clerk IS NULL)::INT) FROM orders"), 0.2, orders)
    assert near(one(base, "SELECT AVG((manager IS NULL)::INT) FROM staff WHERE id > 1"), 0.1, 3999)
    assert near(lost(base, "orders", "second", "staff", "id") / orders, 0.03, orders)


def test_nobody_is_above_himself(base: duckdb.DuckDBPyConnection) -> None:
    assert one(base, "SELECT COUNT(*) FROM staff WHERE manager >= id") == 0
    assert one(base, "SELECT manager IS NULL FROM staff WHERE id = 1")
    depth = """WITH RECURSIVE up AS (
        SELECT id, 0 AS depth FROM staff WHERE manager IS NULL
        UNION ALL SELECT staff.id, depth + 1 FROM staff JOIN up ON manager = up.id
    ) SELECT COUNT(*) = 4000 AND MAX(depth) > 3 FROM up"""
    assert one(base, depth)


def test_a_pair_comes_once(base: duckdb.DuckDBPyConnection) -> None:
    for table, pair in (("enrolments", "person, course"), ("stock", "sku, site")):
        assert one(base, f"SELECT COUNT(*) - COUNT(DISTINCT ({pair})) FROM {table}") == 0
    how = {table.name: table.unique for table in ffgen.describe(ffgen.plan(SPEC)).tables}
    assert how["enrolments"]["record"].startswith("within its shard") and "sku, site" in how["stock"]


def test_children_per_parent_without_a_mean_are_alike(base: duckdb.DuckDBPyConnection) -> None:
    counts = np.bincount(families(base, "lines", "order_id", "orders", "id"))
    assert counts[0] == 0 and len(counts) == 8
    assert stats.chisquare(counts[1:]).pvalue > 1e-4


def test_children_per_parent_have_their_mean_and_their_bounds(base: duckdb.DuckDBPyConnection) -> None:
    counts = families(base, "orders", "customer", "customers", "id")
    assert counts.min() == 0 and counts.max() <= 12
    assert abs(counts.mean() - 4) < 5 * counts.std() / math.sqrt(len(counts))
    found, expected = np.bincount(counts, minlength=13), stats.binom.pmf(range(13), 12, 1 / 3) * len(counts)
    few = expected < 5
    pairs = [(*found[~few], found[few].sum()), (*expected[~few], expected[few].sum())]
    assert stats.chisquare(*pairs).pvalue > 1e-4


def test_a_stated_count_is_met_and_skew_spreads(base: duckdb.DuckDBPyConnection) -> None:
    counts = families(base, "visits", "customer", "customers", "id")
    assert counts.sum() == 50_000 and counts.min() == 1 and counts.max() == 9
    assert counts.var() > 1.5 * stats.binom.var(8, 3 / 8)


def test_a_skewed_key_picks_few_parents_often(base: duckdb.DuckDBPyConnection) -> None:
    counts = np.sort(families(base, "lines", "buyer", "customers", "id"))[::-1]
    top = counts[:120].sum() / counts.sum()
    # The first hundredth of 12,000 by Zipf's law with exponent 1: ln(121) / ln(12001).
    assert abs(top - math.log(121) / math.log(12_001)) < 0.05
    assert np.corrcoef(np.arange(len(counts)), counts)[0, 1] < 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 12}, "10 rows of parents have 20 to 40 children, not 12"),
        ({"count": 41}, "10 rows of parents have 20 to 40 children, not 41"),
        ({"to": "parent.id"}, "there is no table `parent`"),
        ({"to": "parents.key"}, "`parents` has no field `key`"),
    ],
)
def test_what_can_t_be_is_a_finding(change: dict[str, Any], said: str) -> None:
    ref = {"to": change.get("to", "parents.id"), "min": 2, "max": 4}
    parents = {"name": "parents", "count": 10, "fields": [{"name": "id", "generator": "sequence", "unique": True}]}
    child: dict[str, Any] = {"name": "child", "fields": [{"name": "parent", "ref": ref}, {"name": "x", "type": "uuid"}]}
    if "count" in change:
        child["count"] = change["count"]
    with pytest.raises(SpecError, match=said):
        ffgen.plan({"tables": [parents, child]})


def test_a_total_is_refused_where_the_gate_may_still_change_what_it_sums() -> None:
    number = {"name": "n", "type": "integer", "derive": "code * 2"}
    lines = [{"name": "code", "ref": {"to": "orders.code", "min": 1, "max": 3}}, number]
    total = {"name": "total", "type": "number", "generator": {"name": "total", "of": "lines.n"}}
    code = {"name": "code", "type": "integer", "range": [0, 600]}
    orders: dict[str, Any] = {"name": "orders", "count": 100, "require": "code % 3 <> 1", "fields": [code, total]}
    with pytest.raises(SpecError, match="rows of `lines` may be drawn again"):
        ffgen.plan({"tables": [orders, {"name": "lines", "fields": lines}]})
    orders["fields"] = [{**code, "unique": True}, total]
    del orders["require"]
    ffgen.plan({"tables": [orders, {"name": "lines", "fields": lines}]})
    orders["require"] = "code % 3 <> 1"
    with pytest.raises(SpecError, match="rows of `orders` may be drawn again"):
        ffgen.plan({"tables": [orders, {"name": "lines", "fields": lines}]})


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_every_key_of_ten_million_rows_resolves(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """In two processes; says what it took."""
    tables = [table for table in SPEC["tables"] if table["name"] not in ("visits", "enrolments", "courses")]
    tables = [{**table, "count": 630_000} if table["name"] == "customers" else table for table in tables]
    site.path("big").mkdir()
    began = time.monotonic()
    done = site.run({**SPEC, "tables": tables}, "big/", format="parquet", workers=2)
    seconds = time.monotonic() - began
    assert done.code == 0, done
    with opened(site.path("big")) as base:
        rows = one(base, "SELECT COUNT(*) FROM lines")
        assert rows > 10_000_000
        for child, key, parent, of in KEYS:
            if child not in ("visits", "enrolments"):
                assert lost(base, child, key, parent, of) == 0, (child, key)
        assert one(base, "SELECT COUNT(*) FROM lines ANTI JOIN stock USING (sku, site)") == 0
    peaks = [memory >> 20 for memory in done.report["memory"]]
    with capsys.disabled():
        print(f"\n{rows:,} lines in {seconds:.1f} s; peak MiB a process: {peaks}")
    assert max(peaks) < 1000

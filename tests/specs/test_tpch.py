"""specs/tpch/ follows the rules of TPC-H, and queries of the benchmark answer as they do over tpchgen's data."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest

import ffgen

SPEC = Path(__file__).parents[2] / "specs" / "tpch" / "tpch.yaml"
TPCHGEN = Path(sys.executable).with_name("tpchgen-cli")
AT_ONE = {"supplier": 10_000, "part": 200_000, "customer": 150_000, "orders": 1_500_000}
TABLES = ["region", "nation", *AT_ONE, "partsupp", "lineitem"]
# Not duckdb.DuckDBPyConnection: generics that hold it outlive duckdb, which then tells of leaks.
Connection: TypeAlias = Any
SMALL = 0.01
WHOLE = 0.1

REVENUE = "l_extendedprice * (1 - l_discount)"
QUERIES = {
    # Group columns, what is added up (one value a line), from where. Top-N queries without their limit.
    "Q1": (
        "l_returnflag, l_linestatus",
        ["l_quantity", "l_extendedprice", REVENUE, f"{REVENUE} * (1 + l_tax)", "l_discount"],
        "lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY",
    ),
    "Q3": (
        "'all'",
        [REVENUE],
        """customer, orders, lineitem WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey
        AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'""",
    ),
    "Q5": (
        "n_name",
        [REVENUE],
        """customer, orders, lineitem, supplier, nation, region WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
        AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey
        AND n_regionkey = r_regionkey AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01'
        AND o_orderdate < DATE '1995-01-01'""",
    ),
    "Q6": (
        "'all'",
        ["l_extendedprice * l_discount"],
        """lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
        AND l_discount BETWEEN 0.045 AND 0.075 AND l_quantity < 24""",
    ),
    "Q10": (
        "'all'",
        [REVENUE],
        """customer, orders, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey
        AND o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1994-01-01' AND l_returnflag = 'R'
        AND c_nationkey = n_nationkey""",
    ),
}
GROUPS = {"Q3": "l_orderkey", "Q10": "c_custkey"}
"""What a top-N query has a row for."""


def opened(folder: Path, of: Callable[[str], Path]) -> Connection:
    """The eight tables as views."""
    found = duckdb.connect(config={"threads": 2})
    for table in TABLES:
        found.execute(f"CREATE VIEW {table} AS SELECT * FROM '{of(table)}'")
    return found


def made(scale: float, folder: Path) -> Connection:
    """Ours at a scale."""
    counts = {f"tables.{table}.count": round(rows * scale) for table, rows in AT_ONE.items()}
    ffgen.run(ffgen.load(SPEC, assign=counts), f"{folder}/", format="parquet", workers=0)
    return opened(folder, lambda table: folder / f"{table}.parquet")


def peer(scale: float, folder: Path) -> Connection:
    """tpchgen's at a scale."""
    subprocess.run([TPCHGEN, "parquet", "-s", str(scale), "--quiet", "--output-dir", folder], check=True)
    return opened(folder, lambda table: folder / f"{table}.parquet")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with made(SMALL, tmp_path_factory.mktemp("ours")) as data:
        yield data


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with peer(SMALL, tmp_path_factory.mktemp("theirs")) as data:
        yield data


def columns(data: Connection, table: str) -> list[str]:
    return [str(row[0]) for row in data.execute(f"DESCRIBE {table}").fetchall()]


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_the_columns_and_rows_of_the_benchmark(ours: Connection, theirs: Connection, table: str) -> None:
    assert columns(ours, table) == columns(theirs, table)
    rows, wanted = (int(one(data, f"SELECT count(*) FROM {table}")) for data in (ours, theirs))
    assert rows == wanted or (table == "lineitem" and abs(rows / wanted - 1) < 0.02)


def one(data: Connection, query: str) -> float:
    found = data.execute(query).fetchone()
    assert found is not None
    return float(found[0])


RULES = {
    "order keys are the first 8 of 32": "SELECT * FROM orders WHERE o_orderkey % 32 >= 8",
    "order keys have no other gaps": "SELECT 1 WHERE (SELECT max(o_orderkey) FROM orders) <> 60_000",
    "a third of the customers have no orders": "SELECT * FROM orders WHERE o_custkey % 3 = 0",
    "customers are there": "SELECT * FROM orders ANTI JOIN customer ON o_custkey = c_custkey",
    "orders lie in their years": """SELECT * FROM orders
        WHERE o_orderdate NOT BETWEEN DATE '1992-01-01' AND DATE '1998-08-02'""",
    "lines are numbered from 1 to 7 at most": """SELECT l_orderkey FROM lineitem GROUP BY l_orderkey
        HAVING min(l_linenumber) <> 1 OR max(l_linenumber) <> count(*) OR count(*) > 7
        OR count(DISTINCT l_linenumber) <> count(*)""",
    "every order has lines": "SELECT * FROM orders ANTI JOIN lineitem ON l_orderkey = o_orderkey",
    "dates follow the order's": """SELECT * FROM lineitem JOIN orders ON l_orderkey = o_orderkey
        WHERE l_shipdate - o_orderdate NOT BETWEEN 1 AND 121 OR l_commitdate - o_orderdate NOT BETWEEN 30 AND 90
        OR l_receiptdate - l_shipdate NOT BETWEEN 1 AND 30""",
    "flags follow the dates": """SELECT * FROM lineitem
        WHERE (l_returnflag = 'N') <> (l_receiptdate > DATE '1995-06-17') OR l_returnflag NOT IN ('A', 'N', 'R')
        OR l_linestatus <> CASE WHEN l_shipdate > DATE '1995-06-17' THEN 'O' ELSE 'F' END""",
    "a line's part has that supplier": """SELECT * FROM lineitem
        ANTI JOIN partsupp ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey""",
    "a line's price is its part's": """SELECT * FROM lineitem JOIN part ON l_partkey = p_partkey
        WHERE abs(l_extendedprice - l_quantity * p_retailprice) > 0.005""",
    "a part's price follows from its key": """SELECT * FROM part
        WHERE abs(p_retailprice * 100 - (90000 + p_partkey // 10 % 20001 + 100 * (p_partkey % 1000))) > 0.005""",
    "four suppliers a part": """SELECT ps_partkey FROM partsupp GROUP BY ps_partkey
        HAVING count(DISTINCT ps_suppkey) <> 4 OR count(*) <> 4""",
    "suppliers follow from the part": """SELECT ps_partkey FROM partsupp, (SELECT count(*) AS s FROM supplier)
        GROUP BY ps_partkey, s HAVING list(ps_suppkey ORDER BY ps_suppkey) <> list_sort(
        [(ps_partkey + i * (s // 4 + (ps_partkey - 1) // s)) % s + 1 FOR i IN range(4)])""",
    "totals add up": """SELECT o_orderkey FROM orders JOIN lineitem ON l_orderkey = o_orderkey
        GROUP BY o_orderkey, o_totalprice
        HAVING abs(o_totalprice - sum(l_extendedprice * (1 + l_tax) * (1 - l_discount))) > 0.15""",
    "status follows the lines'": """SELECT o_orderkey FROM orders JOIN lineitem ON l_orderkey = o_orderkey
        GROUP BY o_orderkey, o_orderstatus HAVING o_orderstatus <> CASE WHEN min(l_linestatus) = 'O' THEN 'O'
        WHEN max(l_linestatus) = 'F' THEN 'F' ELSE 'P' END""",
    "clerks are a tenth of the suppliers": """SELECT * FROM orders
        WHERE NOT regexp_full_match(o_clerk, 'Clerk#00000000[0-9]|Clerk#000000010') OR o_clerk = 'Clerk#000000000'""",
    "phones begin with the country": """SELECT * FROM (SELECT c_phone AS phone, c_nationkey AS nation FROM customer
        UNION ALL SELECT s_phone, s_nationkey FROM supplier)
        WHERE NOT regexp_full_match(phone, (nation + 10) || '-[1-9][0-9]{2}-[1-9][0-9]{2}-[1-9][0-9]{3}')""",
    "names hold their keys": """SELECT c_name FROM customer WHERE c_name <> 'Customer#' || lpad(c_custkey::TEXT, 9, '0')
        UNION ALL SELECT s_name FROM supplier WHERE s_name <> 'Supplier#' || lpad(s_suppkey::TEXT, 9, '0')""",
    "parts have five colours": """SELECT * FROM part WHERE len(list_distinct(string_split(p_name, ' '))) <> 5""",
    "brands are of their maker": """SELECT * FROM part
        WHERE NOT regexp_full_match(p_brand, 'Brand#' || right(p_mfgr, 1) || '[1-5]')""",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_of_the_benchmark_hold(ours: Connection, rule: str) -> None:
    assert ours.execute(RULES[rule]).fetchall()[:3] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "clerks are a tenth of the suppliers"])
def test_and_they_are_those_that_tpchgen_keeps(theirs: Connection, rule: str) -> None:
    assert theirs.execute(RULES[rule]).fetchall()[:3] == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("nation", "n_comment"),
        ("supplier", "s_address"),
        ("supplier", "s_comment"),
        ("customer", "c_address"),
        ("customer", "c_comment"),
        ("part", "p_comment"),
        ("partsupp", "ps_comment"),
        ("orders", "o_comment"),
        ("lineitem", "l_comment"),
    ],
)
def test_texts_are_as_long_and_of_the_same_words(ours: Connection, theirs: Connection, table: str, column: str) -> None:
    lengths = [
        data.execute(
            f"SELECT min(length({column})), max(length({column})), avg(length({column})) FROM {table}"
        ).fetchone()
        for data in (ours, theirs)
    ]
    (low, high, mean), (least, most, usual) = (length or (0, 0, 0.0) for length in lengths)
    assert mean == pytest.approx(usual, rel=0.02 if table in ("partsupp", "orders", "lineitem") else 0.1)
    assert low >= least - (3 if table != "nation" else 100) and high <= most + (3 if table != "nation" else 100)


def test_comments_have_the_words_of_the_benchmark_as_often(ours: Connection, theirs: Connection) -> None:
    words = "SELECT unnest(string_split_regex(lower(l_comment), '[^a-z]+')) AS word FROM lineitem"
    counted = f"SELECT word, count(*) FROM ({words}) WHERE length(word) > 6 GROUP BY word"
    often, wanted = (dict(data.execute(counted).fetchall()) for data in (ours, theirs))
    ratio = sum(often.values()) / sum(wanted.values())
    common = [word for word, count in wanted.items() if count > 300]
    assert len(common) > 25
    for word in common:
        assert often[word] / wanted[word] == pytest.approx(ratio, rel=0.25), word


def answers(data: Connection, name: str) -> dict[tuple[object, ...], list[tuple[float, float, float]]]:
    """For each group: sum, mean, and the sum's relative standard error, of each thing that is added up."""
    group, values, rest = QUERIES[name]
    each = ", ".join(f"sum({value}), avg({value}), stddev_pop({value})" for value in values)
    found = {}
    for row in data.execute(f"SELECT {group}, count(*), {each} FROM {rest} GROUP BY {group}").fetchall():
        width = len(group.split(","))
        count, figures = row[width], row[width + 1 :]
        found[row[:width]] = [
            (float(total), float(mean), math.sqrt((1 + (float(spread) / float(mean)) ** 2) / count))
            for total, mean, spread in zip(figures[::3], figures[1::3], figures[2::3], strict=True)
        ]
    return found


def around(data: Connection, name: str) -> float:
    """Relative variance that the tables around bring in: a nation has 40 suppliers at scale 0.1, more or fewer; 53 of
    China's are in tpchgen's data."""
    of = {"Q5": ["25 / (SELECT count(*) FROM supplier)", "40 / (SELECT count(*) FROM customer)"]}
    of["Q3"] = ["6 / (SELECT count(*) FROM customer)", "20 / (SELECT count(*) FROM orders)"]
    return sum(one(data, f"SELECT {each}") for each in of.get(name, []))


def compare(
    ours: Connection, theirs: Connection, allowance: float = 4.0, names: Iterable[str] = tuple(QUERIES)
) -> None:
    """Every sum within 2 %, or within what chance explains (4 standard errors) where groups are small; means, too."""
    for name in names:
        mine, wanted = answers(ours, name), answers(theirs, name)
        assert mine.keys() == wanted.keys()
        for group, figures in wanted.items():
            for (total, mean, error), (other, usual, noise) in zip(mine[group], figures, strict=True):
                chance = allowance * math.sqrt(error**2 + noise**2 + 2 * around(ours, name))
                assert total == pytest.approx(other, rel=max(0.02, chance)), (name, group)
                assert mean == pytest.approx(usual, rel=max(0.02, chance)), (name, group)
    for name in GROUPS.keys() & set(names):
        counts = [
            one(data, f"SELECT count(DISTINCT {GROUPS[name]}) FROM {QUERIES[name][2]}") for data in (ours, theirs)
        ]
        assert counts[0] == pytest.approx(counts[1], rel=max(0.02, allowance * math.sqrt(2 / counts[1]))), name


def test_queries_answer_as_over_the_data_of_tpchgen(ours: Connection, theirs: Connection) -> None:
    compare(ours, theirs)


@pytest.mark.soak
def test_queries_answer_so_at_scale_a_tenth(tmp_path: Path) -> None:
    """Q1, Q6 and Q10 within 2 % without allowance, for the seed that the spec names; Q3 and Q5 add up so few orders and
    suppliers there that tpchgen's own answers are 9 and 20 % from a tenth of those at scale 1."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    with made(WHOLE, tmp_path / "ours") as mine, peer(WHOLE, tmp_path / "theirs") as wanted:
        compare(mine, wanted)
        compare(mine, wanted, allowance=0.0, names=("Q1", "Q6", "Q10"))

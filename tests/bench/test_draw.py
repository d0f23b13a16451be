import importlib.util
import math
from pathlib import Path

import polars as pl
import pytest
from bench import draw, handwritten, rivals, rounds
from bench.compare import judge
from bench.customers import WrongOutput
from bench.names import PICKS, picks

COST = {
    ("ffgen", "jsonl"): 500e-9,
    ("ffgen", "parquet"): 550e-9,
    ("ffgen", "jsonl.zst"): 1000e-9,
    ("handwritten", "jsonl"): 400e-9,
    ("handwritten", "parquet"): 500e-9,
    ("duckdb", "jsonl"): 1000e-9,
    ("duckdb", "parquet"): 1100e-9,
    ("mimesis", "jsonl"): 15e-6,
    ("faker", "jsonl"): 120e-6,
}


def values(cost: dict[tuple[str, str], float]) -> dict[str, float]:
    return {figure.name: figure.value for figure in draw.figures(cost)}


def test_each_promise_has_its_ratio() -> None:
    assert values(COST) == {
        "draw.jsonl_over_handwritten": pytest.approx(1.25),
        "draw.parquet_over_handwritten": pytest.approx(1.1),
        "draw.jsonl_against_duckdb": pytest.approx(2.0),
        "draw.parquet_against_duckdb": pytest.approx(2.0),
        "draw.jsonl_against_mimesis": pytest.approx(30.0),
        "draw.jsonl_against_faker": pytest.approx(240.0),
        "draw.zstd_over_plain": pytest.approx(0.5),
    }


def test_a_slower_ffgen_misses_every_limit() -> None:
    slow = {key: spent * (4 if key[0] == "ffgen" else 1) for key, spent in COST.items()}
    slow["ffgen", "jsonl.zst"] = 20 * COST["ffgen", "jsonl.zst"]
    assert all(judge(figure, {}).complaint for figure in draw.figures(slow))


def test_a_peer_that_is_not_installed_is_left_out_without_complaint(tmp_path: Path) -> None:
    found = draw.figures({key: spent for key, spent in COST.items() if key[0] != "faker"})
    (missing,) = (figure for figure in found if math.isnan(figure.value))
    assert missing.name == "draw.jsonl_against_faker"
    assert "faker is not installed" in missing.note and not judge(missing, {missing.name: 200.0}).complaint
    path = tmp_path / "baseline.json"
    assert rounds.main({"q": lambda *_: [missing]}, ["--save", "--rounds", "2", "--baseline", str(path)]) == 0
    assert path.read_bytes() == b"{}\n"


def test_only_those_that_are_installed_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert {maker.name for maker in draw.makers(quick=True)} == {"ffgen", "handwritten"}


def test_the_slope_is_of_the_best_times_and_without_start_up() -> None:
    maker = draw.Maker("m", "jsonl", draw.ours, (1000, 3000))
    assert draw.slope(maker, {("m", "jsonl", 1000): 1.5, ("m", "jsonl", 3000): 2.5}) == pytest.approx(0.0005)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_the_peers_make_the_reference(tmp_path: Path, suffix: str) -> None:
    hand, duck = tmp_path / f"hand.{suffix}", tmp_path / f"duck.{suffix}"
    handwritten.main("70000", str(hand))
    draw.check(hand, 70_000)
    rivals.main("duckdb", "20000", str(duck))
    draw.check(duck, 20_000)


@pytest.mark.parametrize("name", ["mimesis", "faker"])
def test_the_slow_peers_make_the_reference(tmp_path: Path, name: str) -> None:
    pytest.importorskip(name)
    rivals.main(name, "2000", str(tmp_path / "rows.jsonl"))
    draw.check(tmp_path / "rows.jsonl", 2000)


@pytest.mark.parametrize(
    "spoil, what",
    [
        (pl.col("id").first().alias("id"), "id"),
        (pl.lit("ann.smith@example.com").alias("email"), "email"),
        ((pl.col("age") + 20).alias("age"), "age"),
        (pl.lit("active").alias("status"), "status"),
        (pl.lit("ABC-12").alias("sku"), "sku"),
        (pl.lit(1.0).alias("amount"), "amount"),
    ],
)
def test_wrong_rows_are_noticed(tmp_path: Path, spoil: pl.Expr, what: str) -> None:
    frame = next(handwritten.chunks(5000, text=True))
    frame.with_columns(spoil).write_ndjson(tmp_path / "rows.jsonl")
    with pytest.raises(WrongOutput, match=f": {what} is not"):
        draw.check(tmp_path / "rows.jsonl", 5000)
    frame.write_ndjson(tmp_path / "rows.jsonl")
    draw.check(tmp_path / "rows.jsonl", 5000)
    with pytest.raises(WrongOutput, match="has 5000 rows"):
        draw.check(tmp_path / "rows.jsonl", 5001)


def test_picks_are_as_frequent_as_their_weights() -> None:
    found = picks([1, 0, 3])
    assert [int((found == code).sum()) for code in range(3)] == [PICKS // 4, 0, 3 * PICKS // 4]

"""Imperfections of one shard: what is asked for and nothing else, every change told."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ffgen
from ffgen.plan.compile import compile_plan
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.rng import stream
from ffgen.shard.damage import another, drift, outliers, typos
from ffgen.shard.drawn import Drawer
from ffgen.shard.spoil import LABELS, LATEST, copies, delayed, replaced, spoil, written

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer", "unique": True, "range": [1, 10**9]},
    {"name": "name", "type": "string", "pattern": "[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}"},
    {"name": "age", "type": "integer", "range": [18, 80]},
    {"name": "amount", "type": "number", "range": [1, 5000], "decimals": 2},
    {"name": "born", "type": "date", "range": ["1950-01-01", "2005-01-01"], "format": "%d/%m/%Y"},
    {"name": "at", "type": "datetime", "range": ["2024-01-01T00:00:00Z", "2024-12-31T00:00:00Z"]},
    {"name": "ok", "type": "boolean"},
    {"name": "note", "type": "string", "pattern": "[a-z]{2,9} [a-z]{2,9}", "nullable": 0.5},
    {"name": "tags", "type": "array", "length": [0, 3], "items": {"type": "string", "values": ["a", "b"]}},
    {"name": "spot", "type": "object", "fields": [{"name": "x", "type": "integer", "range": [1, 9]}]},
]


def recipe_of(imperfections: dict[str, Any], count: int = 3000, seed: int = 1) -> tuple[Recipe, pl.DataFrame]:
    """The recipe of one table, and the clean rows of its first shard."""
    table = {"name": "people", "count": count, "fields": FIELDS, "imperfections": imperfections}
    plan = compile_plan(ffgen.load({"seed": seed, "dataset": table}))
    recipes = Recipes(plan.spec, plan.layouts)
    assert not recipes.recipes["people"].problems
    return recipes.recipes["people"], Drawer(recipes, seed).draw("people", 0)


def as_text(recipe: Recipe, frame: pl.DataFrame) -> dict[str, list[str | None]]:
    """Every cell as it is written."""
    fields = {each.name: each for each in recipe.dataset.fields}
    return {name: written(frame[name], fields[name]).to_list() for name in frame.columns}


ALL = {"quality": "low", "drift": {"name": 0.1, "born": 0.2, "at": 0.1, "age": 0.1, "amount": 0.1, "ok": 0.1}}


def test_labels_undo_it_all() -> None:
    """Put back what they say, and the clean rows are there: they name every change and nothing else."""
    recipe, clean = recipe_of(ALL)
    spoiled, labels = spoil(recipe, 0, 0, clean)
    assert labels.schema == pl.Schema(LABELS) and labels["row"].is_sorted()
    assert set(labels["kind"]) == {"nulls", "outliers", "typos", "drift", "duplicates", "late"}
    cells, expected = as_text(recipe, spoiled), as_text(recipe, clean)
    assert not any((labels["before"] == labels["after"]).fill_null(False))
    order = clean_rows(labels, len(clean))
    sources = dict(labels.filter(kind="duplicates").select("row", "after").cast(pl.Int64).iter_rows())
    changes = {(row, field): (old, new) for row, field, kind, old, new in labels.iter_rows() if kind not in ROWS}
    for row in range(len(clean)):
        place = order[sources.get(row, row)]
        for name, values in cells.items():
            before, after = changes.get((row, name), (expected[name][place],) * 2)
            assert (values[row], expected[name][place]) == (after, before), (row, name)


ROWS = ("duplicates", "late")


def clean_rows(labels: pl.DataFrame, n: int) -> list[int]:
    """The clean row's number for each row of the output, by what is told of late ones."""
    late = dict(labels.filter(kind="late").select("row", "before").cast(pl.Int64).iter_rows())
    punctual: Iterator[int] = iter(sorted(set(range(n)) - set(late.values())))
    return [late[row] if row in late else next(punctual) for row in range(n)]


def test_shares_are_those_asked_for_and_keys_are_left_alone() -> None:
    shares = {"nulls": 0.3, "outliers": 0.2, "typos": 0.25, "drift": 0.2}
    recipe, clean = recipe_of(shares, 20_000)
    _, labels = spoil(recipe, 0, 0, clean)
    counts = {(kind, field): count for kind, field, count in labels.group_by("kind", "field").len().iter_rows()}
    falls_on = {
        "nulls": {"name", "age", "amount", "born", "at", "ok", "note", "tags", "spot"},
        "outliers": {"age", "amount", "born", "at"},
        "typos": {"name", "note"},
        "drift": {"name", "born", "at", "note"},
    }
    assert counts.keys() == {(kind, name) for kind, names in falls_on.items() for name in names}
    for (kind, name), count in counts.items():
        n, share = len(clean) - clean[name].null_count(), shares[kind]
        assert abs(count - n * share) < 5 * np.sqrt(n * share * (1 - share)), (kind, name)


def test_a_named_key_is_spoiled_and_others_are_not() -> None:
    recipe, clean = recipe_of({"nulls": {"id": 0.5}})
    spoiled, labels = spoil(recipe, 0, 0, clean)
    assert set(labels["field"]) == {"id"} and 0 < spoiled["id"].null_count() == len(labels)
    assert spoiled.drop("id").equals(clean.drop("id"))


def test_a_single_kind_overrules_the_level() -> None:
    recipe, clean = recipe_of({"quality": "medium", "nulls": {"age": 0.1}, "drift": 0, "late": 0})
    _, labels = spoil(recipe, 0, 0, clean)
    assert set(labels["kind"]) == {"nulls", "outliers", "typos", "duplicates"}
    assert set(labels.filter(kind="nulls")["field"]) == {"age"}


def test_outliers_lie_beyond_the_fence_and_keep_their_type() -> None:
    recipe, clean = recipe_of({"outliers": 0.05})
    spoiled, labels = spoil(recipe, 0, 0, clean)
    assert spoiled.schema == clean.schema
    rows = labels.filter(field="age")["row"].to_list()
    values = spoiled["age"].gather(rows).to_numpy()
    assert len(values) and ((values > 150) | (values < -50)).all()
    assert set(values > 0) == {True, False}
    amounts = spoiled["amount"].gather(labels.filter(field="amount")["row"].to_list())
    assert amounts.equals(amounts.round(2)) and (np.abs(amounts.to_numpy()) > 5000).all()


def test_a_date_that_drifts_makes_its_column_text_in_every_shard() -> None:
    recipe, clean = recipe_of({"drift": {"born": 0.5, "age": 0.5, "at": 0.5, "ok": 0.5}})
    types = {**dict(clean.schema), "born": pl.String(), "age": pl.String(), "at": pl.String(), "ok": pl.String()}
    spoiled, _ = spoil(recipe, 0, 0, clean)
    assert dict(spoiled.schema) == types
    assert dict(spoil(recipe, 1, 9, clean.head(0))[0].schema) == types
    nulls = clean.with_columns(born=pl.lit(None, dtype=pl.Date))
    assert spoil(recipe, 1, 9, nulls)[0]["born"].null_count() == len(nulls)


def test_same_bytes_for_a_seed_and_others_for_another() -> None:
    recipe, clean = recipe_of(ALL)
    one, two = spoil(recipe, 0, 0, clean), spoil(recipe, 0, 0, clean)
    assert one[0].equals(two[0]) and one[1].equals(two[1])
    assert not spoil(recipe, 1, 3000, clean)[0].equals(one[0])
    recipe.seed = 2
    assert not spoil(recipe, 0, 0, clean)[0].equals(one[0])


def test_nothing_asked_for_is_nothing_done() -> None:
    recipe, clean = recipe_of({})
    spoiled, labels = spoil(recipe, 0, 0, clean)
    assert spoiled.equals(clean) and not len(labels)


@given(st.floats(0, 0.999), st.lists(st.integers(1, 500), min_size=1, max_size=9), st.integers(0, 9))
def test_copies_add_up_over_shards(share: float, sizes: list[int], seed: int) -> None:
    first = made = owed = 0
    for shard, size in enumerate(sizes):
        source = copies(share, first, size, stream(seed, shard))
        copied = source != np.arange(size)
        assert (source[source] == source).all(), "a copy is of a row that stays"
        owed += max(0, round((first + size) * share) - round(first * share) - (size - 1))
        made += int(copied.sum())
        first += size
    assert made == round(first * share) - owed


@given(st.floats(0.01, 1), st.integers(0, 400), st.integers(0, 9))
def test_late_rows_stand_further_down_and_others_keep_their_order(share: float, n: int, seed: int) -> None:
    found = delayed(share, n, stream(seed))
    if found is None:
        return
    order, late = found
    assert sorted(order) == list(range(n))
    punctual = order[~late[order]]
    assert (np.diff(punctual) > 0).all()
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    assert late.any() and (place[late] > np.flatnonzero(late)).all()
    assert (place[late] - np.flatnonzero(late) <= LATEST + late.sum()).all()


def test_late_rows_have_their_share() -> None:
    found = delayed(0.1, 50_000, stream(3))
    assert found is not None and abs(found[1].sum() - 5000) < 5 * np.sqrt(4500)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=20), st.integers(0, 99))
def test_a_typo_is_one_slip(texts: list[str], seed: int) -> None:
    made = typos(pl.Series("t", texts), stream(seed)).to_list()
    for before, after in zip(texts, made, strict=True):
        assert after is not None and after != before and after != ""
        assert abs(len(after) - len(before)) <= 1
        if len(after) == len(before):
            assert sum(a != b for a, b in zip(before, after, strict=True)) <= 2


LATIN = st.text(st.characters(max_codepoint=0xFF), min_size=1, max_size=12)


@given(st.lists(LATIN, min_size=1, max_size=20), st.integers(0, 99))
def test_a_drifted_text_is_in_another_form(texts: list[str], seed: int) -> None:
    column = pl.Series("t", texts)
    for text, after in zip(texts, drift(column, column, stream(seed)).to_list(), strict=True):
        forms = {text.upper(), text.lower(), f" {text}", f"{text} ", text.replace(" ", "  ", 1)}
        assert after != text and after in forms


def test_numbers_drift_into_forms_that_people_write() -> None:
    column = pl.Series("n", [1234567.5, -1234.0, 5.25, 1e16])
    texts = pl.Series("n", ["1234567.5", "-1234.0", "5.25", "1e16"])
    seen: list[set[str]] = [set() for _ in texts]
    for seed in range(60):
        for found, text in zip(seen, drift(column, texts, stream(seed)).to_list(), strict=True):
            found.add(text)
    assert {"1,234,567.5", "1.234.567,5", "1234567,5", " 1234567.5"} <= seen[0]
    assert {"-1,234.0", "-1.234,0"} <= seen[1]
    assert "5,25" in seen[2] and seen[3] == {" 1e16", "1e16 "}


def test_moments_and_booleans_drift_into_other_forms() -> None:
    cases: list[tuple[pl.Series, str, set[str]]] = [
        (pl.Series([date(2024, 3, 17)]), "2024-03-17", {"03/17/2024", "17.03.2024", "17 Mar 2024", "20240317"}),
        (pl.Series([time(15, 4, 5)]), "15:04:05", {"03:04 PM", "15.04", "150405", "15h04"}),
        (pl.Series([True]), "true", {"yes", "Y", "1", "TRUE"}),
        (
            pl.Series([datetime(2024, 3, 7, 15, 4, 5, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")),
            "2024-03-07T15:04:05Z",
            {"03/07/2024 15:04", "07.03.2024 15:04:05", "2024-03-07 15:04:05", "20240307T150405", "1709823845"},
        ),
    ]
    for values, text, forms in cases:
        found = {drift(values, pl.Series([text]), stream(seed)).item() for seed in range(60)}
        assert found == forms


def test_outliers_of_a_column_without_spread() -> None:
    for column in (pl.Series([7] * 9), pl.Series([0.0] * 9), pl.Series([date(2024, 1, 1)] * 9)):
        made = outliers(column, column, None, stream(1))
        assert made.dtype == column.dtype and (made != column).all()


def test_outliers_stay_in_what_can_be_written() -> None:
    for column in (
        pl.Series([-(2**53), 2**53]),
        pl.Series([-1e308, 1e308]),
        pl.Series([date(1, 1, 1), date(9999, 12, 31)]),
        pl.Series([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")),
    ):
        made = outliers(column, column, 2, stream(1))
        assert len(made.to_list()) == 2
        assert made.is_finite().all() if made.dtype == pl.Float64 else made.is_not_null().all()


@pytest.mark.parametrize("name", ["tags", "spot", "name", "at"])
def test_some_values_are_replaced_and_the_column_is_left_as_it_was(name: str) -> None:
    _, clean = recipe_of({}, 10)
    column, before = clean[name], clean[name].to_list()
    made = replaced(column, np.array([2, 5]), column.gather([0, 1])).to_list()
    assert made[2] == before[0] and made[5] == before[1]
    assert [v for i, v in enumerate(made) if i not in (2, 5)] == [v for i, v in enumerate(before) if i not in (2, 5)]
    assert column.to_list() == before


def test_a_text_without_another_form_stays() -> None:
    texts = pl.Series("t", ["a"])
    assert another(texts, [texts, pl.Series("t", [None], dtype=pl.String)], stream(0)).to_list() == ["a"]

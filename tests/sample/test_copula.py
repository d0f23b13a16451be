"""Fields that rise and fall together."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ffgen.rng import stream
from ffgen.sample.copula import check_matrix, correlate, lower, matrix_of, nearest
from ffgen.spec.model import Correlation, Field
from ffgen.spec.types import Problem, build_type

N = 65_536


def columns(n: int = N, seed: int = 0) -> dict[str, pl.Series]:
    """Three columns of different kinds, drawn independently."""
    rng = stream(seed, "columns")
    days = pl.Series("day", rng.integers(18_000, 20_000, n).astype(np.int32)).cast(pl.Date)
    amount = pl.Series("amount", np.round(rng.lognormal(3, 1, n), 2))
    return {"day": days, "amount": amount, "age": pl.Series("age", rng.integers(18, 80, n))}


def ranks(column: pl.Series) -> NDArray[np.float64]:
    """Mean ranks."""
    return column.to_physical().rank().to_numpy()


def spearman(left: pl.Series, right: pl.Series) -> float:
    """The rank correlation."""
    return float(np.corrcoef(ranks(left), ranks(right))[0, 1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ranks_go_together_as_asked(seed: int) -> None:
    matrix = np.array([[1, 0.7, -0.3], [0.7, 1, 0.2], [-0.3, 0.2, 1]])
    given = columns(seed=seed)
    found = list(correlate(given, matrix, stream(seed, "copula")).values())
    for i in range(3):
        for j in range(i):
            wanted = 6 / math.pi * math.asin(matrix[i, j] / 2)
            assert spearman(found[i], found[j]) == pytest.approx(wanted, abs=0.01)


def test_every_column_keeps_its_values_its_type_and_its_name() -> None:
    given = columns()
    found = correlate(given, matrix_of(Correlation(fields=list(given), r=0.5)), stream(1))
    for name, column in given.items():
        assert found[name].sort().equals(column.sort())
        assert (found[name].name, found[name].dtype) == (name, column.dtype)
        assert not found[name].equals(column)


def test_nulls_stay_in_their_rows() -> None:
    given = columns()
    given["age"] = pl.select(pl.when(given["amount"] > 20).then(given["age"]).alias("age")).to_series()
    found = correlate(given, matrix_of(Correlation(fields=list(given), r=0.6)), stream(1))
    assert found["age"].is_null().equals(given["age"].is_null())
    assert found["age"].sort().equals(given["age"].sort())
    there = found["age"].is_not_null()
    wanted = 6 / math.pi * math.asin(0.3)
    assert spearman(found["age"].filter(there), found["day"].filter(there)) == pytest.approx(wanted, abs=0.02)


def test_the_same_seed_gives_the_same_and_another_something_else() -> None:
    given, matrix = columns(1000), np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
    first, again, other = (correlate(given, matrix, stream(seed)) for seed in (1, 1, 2))
    assert all(first[name].equals(again[name]) for name in given)
    assert not any(first[name].equals(other[name]) for name in given)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 70])
def test_a_few_rows_do(n: int) -> None:
    given = columns(n)
    found = correlate(given, matrix_of(Correlation(fields=list(given), r=0.9)), stream(1))
    assert all(found[name].sort().equals(given[name].sort()) for name in given)


def test_a_column_of_nulls_stays_one() -> None:
    given = {"a": pl.Series("a", [None] * 5, dtype=pl.Float64), "b": pl.Series("b", [1, 2, 3, 4, 5])}
    assert correlate(given, np.array([[1, 0.5], [0.5, 1]]), stream(1))["a"].null_count() == 5


def test_complete_agreement_is_one_order() -> None:
    given = {"a": columns()["amount"].alias("a"), "b": columns(seed=5)["amount"].alias("b")}
    found = correlate(given, np.array([[1.0, -1.0], [-1.0, 1.0]]), stream(1))
    assert spearman(found["a"], found["b"]) < -0.9999


def test_the_factor_gives_the_matrix_back_even_on_the_edge() -> None:
    matrix = np.array([[1, 0.6, 0.6], [0.6, 1, 1], [0.6, 1, 1]])
    assert np.allclose(lower(matrix) @ lower(matrix).T, matrix)


KINDS: dict[str, Any] = {
    "a": {"type": "integer"},
    "b": {"type": "number"},
    "c": {"type": "date"},
    "text": {"type": "string"},
    "id": {"type": "integer", "unique": True},
}


@pytest.mark.parametrize(
    ("correlation", "key", "what"),
    [
        ({"fields": ["a", "x"], "r": 0.5}, "fields.1", "no field `x`"),
        ({"fields": ["a", "a"], "r": 0.5}, "fields.1", "listed twice"),
        ({"fields": ["a", "text"], "r": 0.5}, "fields.1", "no order"),
        ({"fields": ["id", "a"], "r": 0.5}, "fields.0", "can't be moved"),
        ({"fields": ["a", "b"]}, "", "one of `r` and `matrix`"),
        ({"fields": ["a", "b"], "r": 0.5, "matrix": [[1, 0], [0, 1]]}, "", "one of `r` and `matrix`"),
        ({"fields": ["a", "b"], "matrix": [[1, 0]]}, "matrix", "2 rows of 2"),
        ({"fields": ["a", "b"], "matrix": [[1, 2], [2, 1]]}, "matrix", "between -1 and 1"),
        ({"fields": ["a", "b"], "matrix": [[1, 0.5], [0.4, 1]]}, "matrix", "symmetric"),
        ({"fields": ["a", "b"], "matrix": [[0.5, 0.5], [0.5, 1]]}, "matrix", "with itself"),
        ({"fields": ["a", "b", "c"], "r": -0.6}, "r", "3 fields can't all have -0.6"),
        ({"fields": ["a", "b", "c"], "matrix": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]}, "matrix", "at once"),
    ],
)
def test_correlations_that_cannot_be_are_refused(correlation: dict[str, Any], key: str, what: str) -> None:
    kinds = {name: build_type(Field(name=name, **field)) for name, field in KINDS.items()}
    with pytest.raises(Problem) as caught:
        check_matrix(Correlation(**correlation), kinds)
    assert caught.value.key == key
    assert what in caught.value.what


def test_the_matrix_that_is_offered_instead_can_be() -> None:
    asked = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    offered = np.round(nearest(asked), 3)
    assert np.linalg.eigvalsh(offered).min() > 0
    assert np.abs(offered - asked).max() < 0.5
    kinds = {name: build_type(Field(name=name, **KINDS[name])) for name in "abc"}
    check_matrix(Correlation(fields=["a", "b", "c"], matrix=offered.tolist()), kinds)

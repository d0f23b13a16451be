"""Fields that rise and fall together: a Gaussian copula laid over columns that are drawn already.

Iman and Conover (1982): each column keeps its values, only their order among the rows changes, so that its ranks
follow those of a correlated normal score. Distributions stay what they were to the last value.
"""

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.spec.model import Correlation
from ffgen.spec.types import Problem, ValueType

Matrix = NDArray[np.float64]

ORDERED = (pl.Int64, pl.Float64, pl.Date, pl.Datetime, pl.Time)
TOLERANCE = 1e-9
FEW = 32
"""Rows for each column from which the scores' own chance correlation is taken out of them."""


def matrix_of(correlation: Correlation) -> Matrix:
    """The correlations between all fields, as a symmetric matrix; raises `Problem` where it is none."""
    size = len(correlation.fields)
    if (correlation.r is None) == (correlation.matrix is None):
        raise Problem("", "needs one of `r` and `matrix`.", "E.g. r: 0.6.")
    if correlation.matrix is None:
        assert correlation.r is not None
        return np.where(np.eye(size) > 0, 1.0, correlation.r)
    rows = correlation.matrix
    if len(rows) != size or any(len(row) != size for row in rows):
        raise Problem("matrix", f"needs {size} rows of {size} numbers, one a field.", "E.g. [[1, 0.6], [0.6, 1]].")
    found = np.array(rows, dtype=np.float64)
    if not np.isfinite(found).all() or (np.abs(found) > 1).any():
        raise Problem("matrix", "a correlation lies between -1 and 1.", "E.g. [[1, 0.6], [0.6, 1]].")
    if (np.abs(np.diag(found) - 1) > TOLERANCE).any():
        raise Problem("matrix", "a field's correlation with itself is 1.", "Put 1 on the diagonal.")
    if (np.abs(found - found.T) > TOLERANCE).any():
        raise Problem("matrix", "is not symmetric.", "The correlation of a with b is that of b with a.")
    return (found + found.T) / 2


def check_matrix(correlation: Correlation, kinds: Mapping[str, ValueType]) -> None:
    """Raises `Problem` for fields that have no order, and for correlations that can't all be at once."""
    for i, name in enumerate(correlation.fields):
        if name not in kinds:
            raise Problem(f"fields.{i}", f"there is no field `{name}`.", f"Fields: {', '.join(kinds)}.")
        if name in correlation.fields[:i]:
            raise Problem(f"fields.{i}", f"`{name}` is listed twice.", "Take one out.")
        kind = kinds[name]
        if kind.value_dtype() not in ORDERED:
            what = f"`{name}` is of type {kind.field.type}, which has no order."
            raise Problem(f"fields.{i}", what, "Correlate numbers, dates and times.")
        if kind.field.unique or kind.field.derive is not None or kind.field.ref is not None:
            what = f"the values of `{name}` belong to their rows (unique, derived or a key) and can't be moved."
            raise Problem(f"fields.{i}", what, "Correlate fields that are drawn freely.")
    matrix = matrix_of(correlation)
    if np.linalg.eigvalsh(matrix).min() >= -TOLERANCE:
        return
    size = len(correlation.fields)
    if correlation.r is not None:
        what = f"{size} fields can't all have {correlation.r:g} with each other."
        raise Problem("r", what, f"It goes down to {-1 / (size - 1):.3g} for {size} fields.")
    near = ", ".join(f"[{', '.join(f'{cell:.3g}' for cell in row)}]" for row in nearest(matrix))
    raise Problem("matrix", "these correlations can't all be at once.", f"The nearest that can: [{near}].")


def nearest(matrix: Matrix) -> Matrix:
    """The nearest matrix of correlations that can be, a little inside (alternating projections; Higham, 2002)."""
    found, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(200):
        shifted = found - correction
        values, vectors = np.linalg.eigh(shifted)
        inside = (vectors * np.maximum(values, 1e-3)) @ vectors.T
        correction = inside - shifted
        found = inside.copy()
        np.fill_diagonal(found, 1.0)
    # What is rounded for a message must still be one.
    return np.where(np.eye(len(found)) > 0, 1.0, found * 0.99)


def correlate(columns: Mapping[str, pl.Series], matrix: Matrix, rng: Stream) -> dict[str, pl.Series]:
    """The columns, each in another order, so that their ranks go together as those of normal variables with this
    correlation matrix do: Spearman's rank correlation is 6 / pi * asin(r / 2). Nulls stay in their rows.

    About 30 ns a value, most of it for sorting. The same on every machine: no linear algebra library has a say.
    """
    rows = len(next(iter(columns.values())))
    scores = normal_scores(rng, rows, matrix)
    return {name: reordered(column, score) for (name, column), score in zip(columns.items(), scores, strict=True)}


def normal_scores(rng: Stream, rows: int, matrix: Matrix) -> list[Matrix]:
    """Correlated standard normal columns. Where there are enough rows, exactly as correlated as the matrix says."""
    size = len(matrix)
    columns = [rng.standard_normal(rows) for _ in range(size)]
    factor = lower(matrix)
    if rows >= FEW * size:
        columns = [column - column.mean() for column in columns]
        sample = np.array([[_mean(a, b) for b in columns] for a in columns])
        factor = _times(factor, _inverse(lower(sample)))
    return [_sum(factor[i], columns[: i + 1]) for i in range(size)]


def reordered(column: pl.Series, score: Matrix) -> pl.Series:
    """The column's values in the order of the scores; nulls stay."""
    given = column.to_physical()
    if not given.null_count():
        found = np.empty_like(given.to_numpy())
        found[np.argsort(score)] = np.sort(given.to_numpy())
        return pl.Series(column.name, found, dtype=given.dtype).cast(column.dtype)
    places = np.flatnonzero(column.is_not_null().to_numpy())
    inner = reordered(column.gather(pl.Series(places)), score[places])
    back = np.zeros(len(column), dtype=np.uint32)
    back[places] = np.arange(len(places), dtype=np.uint32)
    index = pl.select(pl.when(column.is_not_null()).then(pl.Series(back))).to_series()
    return inner.gather(index).alias(column.name)


def lower(matrix: Matrix) -> Matrix:
    """The lower triangle whose product with its transpose the matrix is (Cholesky), also of one on the edge: a column
    that the others determine gets none of its own."""
    size = len(matrix)
    found = np.zeros_like(matrix)
    for i in range(size):
        for j in range(i + 1):
            rest = float(matrix[i, j]) - math.fsum(float(found[i, k] * found[j, k]) for k in range(j))
            if i == j:
                found[i, i] = math.sqrt(rest) if rest > TOLERANCE else 0.0
            elif found[j, j]:
                found[i, j] = rest / found[j, j]
    return found


def _mean(left: Matrix, right: Matrix) -> float:
    return float((left * right).sum()) / len(left)


def _sum(weights: Matrix, columns: list[Matrix]) -> Matrix:
    total = np.zeros_like(columns[0])
    for weight, column in zip(weights, columns, strict=False):
        if weight:
            total += float(weight) * column
    return total


def _times(left: Matrix, right: Matrix) -> Matrix:
    size = len(left)
    cells = [
        [math.fsum(float(left[i, k] * right[k, j]) for k in range(size)) for j in range(size)] for i in range(size)
    ]
    return np.array(cells)


def _inverse(triangle: Matrix) -> Matrix:
    """The inverse of a lower triangle."""
    size = len(triangle)
    found = np.zeros_like(triangle)
    for i in range(size):
        found[i, i] = 1.0 / triangle[i, i]
        for j in range(i):
            found[i, j] = -math.fsum(float(triangle[i, k] * found[k, j]) for k in range(j, i)) * found[i, i]
    return found

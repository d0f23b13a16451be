"""Constraints as expressions over a column: what is held against drawn values that do not hold it by themselves."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.errors import ShortfallError
from ffgen.sample.base import Sampler
from ffgen.spec.types import ValueType
from ffgen.spec.types.text import Grammar, Text, any_word

ATTEMPTS = 100
"""Draws of one value after which its constraints are taken to be impossible."""

Positions = NDArray[np.int64]


def checks_of(kind: ValueType, holds: frozenset[str]) -> list[tuple[str, pl.Expr]]:
    """The constraints of a field that its sampler does not hold, as expressions over its column: a word and a test
    each. Null where the value is."""
    column = pl.col(kind.field.name)
    found: list[tuple[str, pl.Expr]] = []
    low, high = getattr(kind, "low", None), getattr(kind, "high", None)
    if kind.field.range is not None and "range" not in holds:
        found.append(("range", column.is_between(pl.lit(low), pl.lit(high))))
    if kind.field.values is not None and "values" not in holds:
        found.append(("values", column.is_in(pl.Series(sorted(kind.wanted), dtype=kind.value_dtype()).implode())))
    if kind.field.decimals is not None and "decimals" not in holds:
        found.append(("decimals", column.round(kind.field.decimals) == column))
    if isinstance(kind, Text):
        if "length" not in holds and kind.field.length is not None:
            length = column.str.len_chars()
            most = length <= high if high is not None else pl.lit(True)
            found.append(("length", (length >= (low or 0)) & most))
        if kind.field.pattern is not None and "pattern" not in holds:
            found.append(("pattern", column.str.contains(kind.field.pattern)))
        if kind.field.forbidden_words:
            found.append(("forbidden word", ~column.str.contains(any_word(kind.field.forbidden_words))))
    if isinstance(kind, Grammar) and "format" not in holds:
        found.append(("format", column.str.contains(kind.grammar)))
        if kind.reserved and kind.is_free:
            found.append(("reserved", column.str.contains(kind.reserved)))
    return found


def unheld(sampler: Sampler) -> list[tuple[str, pl.Expr]]:
    """What must be held against each of a sampler's values. A formula's null fails where none may be; others pass."""
    kind = sampler.kind
    if kind.field.type in ("object", "array"):
        return []
    found = [(reason, test.fill_null(True)) for reason, test in checks_of(kind, sampler.holds)]
    if kind.field.derive is not None and not kind.field.may_be_null:
        found.append(("null", pl.col(kind.field.name).is_not_null()))
    return found


def draw_held(
    frame: pl.DataFrame,
    tests: Sequence[pl.Expr],
    again: Callable[[Positions, int], pl.DataFrame],
    path: str,
    families: NDArray[Any] | None = None,
) -> pl.DataFrame:
    """The frame with those rows that fail a test drawn again, each at its place, until all hold.

    `again` draws the rows at some positions, for the second to the hundredth time; then `ShortfallError`. Rows of one
    family (the same number in `families`) are drawn again together.
    """
    if not tests or not len(frame):
        return frame
    held = pl.all_horizontal(tests)
    bad = failing(frame, held)
    attempt = 0
    while len(bad):
        attempt += 1
        if attempt > ATTEMPTS:
            what = f"`{path}`: in {ATTEMPTS} draws no value was found that holds its constraints."
            raise ShortfallError(what, hint="Widen what it is drawn from, or take a constraint away.")
        if families is not None:
            bad = np.flatnonzero(np.isin(families, np.unique(families[bad])))
        drawn = again(bad, attempt)
        frame = put(frame, bad, drawn)
        bad = bad[failing(drawn, held)]
    return frame


def failing(frame: pl.DataFrame, held: pl.Expr) -> Positions:
    """The rows that fail a test."""
    found = frame.select(held.alias("held")).to_series().to_numpy()
    return np.flatnonzero(~found)


def put(frame: pl.DataFrame, positions: Positions, rows: pl.DataFrame) -> pl.DataFrame:
    """The frame with other rows at some places."""
    order = np.arange(len(frame))
    order[positions] = np.arange(len(frame), len(frame) + len(positions))
    return pl.concat([frame, rows])[order]

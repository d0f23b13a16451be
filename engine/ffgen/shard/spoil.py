"""Imperfections on order: a finished shard, spoiled as the spec asks, and a list of all that was done.

Pure: the same recipe, shard and rows give the same result. Cells are spoiled first, each by one kind at most; then
some rows give way to copies of others, spoiled cells included; then late rows move down. What other tables refer to
is read from the clean rows.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.batch import json_texts
from ffgen.plan.imperfections import Spoils
from ffgen.plan.recipe import Recipe
from ffgen.rng import Stream, stream
from ffgen.shard.damage import drift, outliers, typos
from ffgen.sink.moments import Writer, writer_of
from ffgen.spec.model import Field

LABELS: dict[str, Any] = {
    "row": pl.Int64,
    "field": pl.String,
    "kind": pl.String,
    "before": pl.String,
    "after": pl.String,
}
"""An altered cell: the row's number in the output, from 0; the field; what was done; the cell before and after, as
it is written. A copied row has no field, and the number of the row that it copies in `after`; a late one has its
time's field, and its numbers before and after."""
LATEST = 1000
"""Rows that a late one is late by at most."""

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


def spoil(recipe: Recipe, shard: int, first: int, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The shard's written fields, spoiled, and the labels of what was altered, by row. `first` is the number of the
    shard's first row in its table. Costs about 3 ns a cell, and 15 more where rows are copied or moved."""
    spoils = recipe.spoils
    if spoils is None:
        return frame, no_labels()
    place = (recipe.seed, recipe.dataset.name, "imperfections")
    source = copies(spoils.duplicates, first, len(frame), stream(*place, "duplicates", shard))
    own = source == np.arange(len(frame))
    columns, labels = [], []
    for rank, (column, field) in enumerate(zip(frame, written_fields(recipe, frame), strict=True)):
        spoiled, found = spoil_cells(column, field, spoils, own, stream(*place, "field", field.name, shard))
        columns.append(spoiled)
        labels += [label.with_columns(rank=pl.lit(rank)) for label in found]
    order = delayed(spoils.late, len(frame), stream(*place, "late", shard))
    whole = pl.DataFrame(columns)
    if not own.all() or order is not None:
        whole = whole[source if order is None else source[order[0]]]
    return whole, gathered(labels, source, order, first, spoils.time)


def no_labels() -> pl.DataFrame:
    """Nothing was done."""
    return pl.DataFrame(schema=LABELS)


def written_fields(recipe: Recipe, frame: pl.DataFrame) -> list[Field]:
    """The fields of the frame's columns."""
    fields = {each.name: each for each in recipe.dataset.fields}
    return [fields[name] for name in frame.columns]


def spoil_cells(
    column: pl.Series, field: Field, spoils: Spoils, own: Flags, rng: Stream
) -> tuple[pl.Series, list[pl.DataFrame]]:
    """A column with some cells spoiled, and their labels; `own` marks rows that are no copies. One number from 0 to 1
    a cell decides: the kinds have stretches of it, one after the other, as long as their shares."""
    shares = spoils.cells[field.name]
    clean = written(column, field) if field.name in spoils.texts else column
    if not shares or column.null_count() == len(column):
        return clean, []
    chance = rng.random(len(column))
    there = own & column.is_not_null().to_numpy()
    places, values, labels = [], [], []
    low = 0.0
    for kind, share in shares.items():
        at = np.flatnonzero((chance >= low) & (chance < low + share) & there)
        low += share
        if not len(at):
            continue
        before = clean.gather(at)
        after = damaged(kind, column.gather(at), column, field, rng)
        after = written(after, field) if clean.dtype == pl.String else after.cast(clean.dtype)
        labels.append(label(at, field, kind, before, after))
        places.append(at)
        values.append(after)
    if not places:
        return clean, []
    return replaced(clean, np.concatenate(places), pl.concat(values)), labels


def damaged(kind: str, values: pl.Series, column: pl.Series, field: Field, rng: Stream) -> pl.Series:
    """These values of a column, spoiled."""
    if kind == "nulls":
        return pl.repeat(None, len(values), dtype=values.dtype, eager=True).alias(values.name)
    if kind == "outliers":
        return outliers(values, column, field.decimals, rng)
    return typos(values, rng) if kind == "typos" else drift(values, written(values, field), rng)


def label(at: Places, field: Field, kind: str, before: pl.Series, after: pl.Series) -> pl.DataFrame:
    """A label for each cell that differs."""
    texts = {"row": at, "field": field.name, "kind": kind, "before": written(before, field)}
    found = pl.DataFrame(texts | {"after": written(after, field)}, schema=LABELS)
    return found.filter(found["before"].ne_missing(found["after"]))


def replaced(column: pl.Series, places: Places, values: pl.Series) -> pl.Series:
    """The column with other values at some places."""
    if not column.dtype.is_nested():
        return column.clone().scatter(places, values)
    order = np.arange(len(column))
    order[places] = np.arange(len(column), len(column) + len(places))
    return pl.concat([column, values]).gather(order)


def written(column: pl.Series, field: Field) -> pl.Series:
    """Values as they stand in the output, as text; null stays null."""
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if dtype.is_temporal():
        return _writer(dtype, field.name, field.format)(column)
    if dtype == pl.Float64:
        return column.cast(pl.String).str.replace("e+", "e", literal=True)
    return column.cast(pl.String) if dtype in (pl.Int64, pl.Boolean) else json_texts(column)


@lru_cache(maxsize=256)
def _writer(dtype: Any, name: str, format: str | None) -> Writer:
    write = writer_of(dtype, {} if format is None else {name: format}, name, iso=True)
    assert write is not None
    return write


def copies(share: float, first: int, n: int, rng: Stream) -> Places:
    """For each row the one that stands there: itself, or one that it is a copy of. So many copies that, over all
    shards, they are this share of the rows to the last one; at least one row of a shard is its own."""
    source = np.arange(n)
    count = min(round((first + n) * share) - round(first * share), n - 1)
    if count > 0:
        spread = rng.permutation(n)
        source[spread[:count]] = spread[count:][rng.integers(0, n - count, count)]
    return source


def delayed(share: float, n: int, rng: Stream) -> tuple[Places, Flags] | None:
    """The rows in the order in which they come, and which of them are late; None when none is."""
    if not share or n < 2:
        return None
    index = np.arange(n)
    late = rng.random(n) < share
    behind = np.minimum(index + rng.integers(1, min(n, LATEST) + 1, n), n - 1)
    # One that no punctual row would overtake is not late.
    punctual = np.cumsum(~late)
    late &= punctual[behind] > punctual
    if not late.any():
        return None
    return np.argsort(np.where(late, behind + 0.5, index), kind="stable"), late


def gathered(
    labels: list[pl.DataFrame], source: Places, order: tuple[Places, Flags] | None, first: int, time: str
) -> pl.DataFrame:
    """All labels, with rows by their numbers in the output, in their order; a copy has the labels of its cells, too."""
    index = np.arange(len(source))
    stands = index if order is None else np.empty_like(index)
    if order is not None:
        stands[order[0]] = index
    stands = stands + first
    copied = np.flatnonzero(source != index)
    cells = pl.concat(labels) if labels else no_labels().with_columns(rank=pl.lit(0))
    if len(copied) and len(cells):
        again = pl.DataFrame({"row": source[copied], "copy": copied})
        again = cells.join(again, on="row", maintain_order="left_right").drop("row").rename({"copy": "row"})
        cells = pl.concat([cells, again.select(cells.columns)])
    cells = cells.with_columns(row=pl.Series(stands[cells["row"].to_numpy()]))
    rows = [cells]
    if len(copied):
        rows.append(row_label(stands[copied], None, "duplicates", None, stands[source[copied]], -2))
    if order is not None:
        late = np.flatnonzero(order[1])
        rows.append(row_label(stands[late], time, "late", late + first, stands[late], -1))
    whole = pl.concat(rows)
    return whole.sort("row", "rank", maintain_order=True).drop("rank")


def row_label(
    rows: Places, field: str | None, kind: str, before: Places | None, after: Places, rank: int
) -> pl.DataFrame:
    """Labels of whole rows, which go before those of their cells."""
    found = pl.DataFrame({"row": rows, "field": field, "kind": kind, "before": before, "after": after}, strict=False)
    return found.cast(LABELS).with_columns(rank=pl.lit(rank, dtype=pl.Int32))

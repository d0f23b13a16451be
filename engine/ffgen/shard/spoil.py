"""Imperfections on order: a finished shard, spoiled as the spec asks, and a list of all that was done.

Pure: the same recipe, shard and rows give the same result. Cells are spoiled first, each by one kind at most; then
some rows give way to copies of others, spoiled cells included; then late rows move down. What other tables refer to
is read from the clean rows.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.batch import json_texts
from ffgen.plan.imperfections import CELLS, Spoils
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


class Touched(NamedTuple):
    """The spoiled cells of one field: where, by which kind (its place in `CELLS`), before and after, as text."""

    field: str
    places: Places
    kinds: Places
    before: pl.Series
    after: pl.Series


def spoil(recipe: Recipe, shard: int, first: int, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The shard's written fields, spoiled, and the labels of what was altered, by row. `first` is the number of the
    shard's first row in its table. Costs about 10 ns a cell, and 25 a row where rows are copied or moved."""
    spoils = recipe.spoils
    if spoils is None:
        return frame, no_labels()
    fields = {each.name: each for each in recipe.dataset.fields}
    place = (recipe.seed, recipe.dataset.name, "imperfections")
    source = copies(spoils.duplicates, first, len(frame), stream(*place, "duplicates", shard))
    own = source == np.arange(len(frame))
    columns, touched = [], []
    for column in frame:
        rng = stream(*place, "field", column.name, shard)
        spoiled, found = spoil_cells(column, fields[column.name], spoils, own, rng)
        columns.append(spoiled)
        touched += [] if found is None else [found]
    order = delayed(spoils.late, len(frame), stream(*place, "late", shard))
    whole = pl.DataFrame(columns)
    if not own.all() or order is not None:
        whole = whole[source if order is None else source[order[0]]]
    return whole, labels_of(touched, source, order, first, spoils.time)


def no_labels() -> pl.DataFrame:
    """Nothing was done."""
    return pl.DataFrame(schema=LABELS)


def spoil_cells(
    column: pl.Series, field: Field, spoils: Spoils, own: Flags, rng: Stream
) -> tuple[pl.Series, Touched | None]:
    """A column with some cells spoiled, and which; `own` marks rows that are no copies. One number from 0 to 1 a cell
    decides: the kinds have stretches of it, one after the other, as long as their shares."""
    shares = spoils.cells[field.name]
    clean = written(column, field) if field.name in spoils.texts else column
    if not shares or column.null_count() == len(column):
        return clean, None
    chance = rng.random(len(column))
    hit = np.flatnonzero(chance < sum(shares.values()))
    hit = hit[own[hit] & column.gather(hit).is_not_null().to_numpy()]
    places, values = [hit[:0]], [clean.head(0)]
    low = 0.0
    for kind, share in shares.items():
        at = hit[(chance[hit] >= low) & (chance[hit] < low + share)]
        low += share
        after = damaged(kind, column.gather(at), column, field, rng) if len(at) else column.head(0)
        places.append(at)
        values.append(written(after, field) if clean.dtype == pl.String else after.cast(clean.dtype))
    at, after = np.concatenate(places), pl.concat(values)
    kinds = np.repeat([CELLS.index(kind) for kind in shares], [len(each) for each in places[1:]])
    touched = Touched(field.name, at, kinds, written(clean.gather(at), field), written(after, field))
    return replaced(clean, at, after), touched


def damaged(kind: str, values: pl.Series, column: pl.Series, field: Field, rng: Stream) -> pl.Series:
    """These values of a column, spoiled."""
    if kind == "nulls":
        return pl.repeat(None, len(values), dtype=values.dtype, eager=True).alias(values.name)
    if kind == "outliers":
        return outliers(values, column, field.decimals, rng)
    return typos(values, rng) if kind == "typos" else drift(values, written(values, field), rng)


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
    late = rng.random(n) < share
    wanted = np.minimum(np.arange(n) + rng.integers(1, LATEST + 1, n), n - 1)
    while late.any():
        rows = np.flatnonzero(late)
        rows = rows[np.argsort(wanted[rows], kind="stable")]
        places = apart(wanted[rows], n)
        stuck = rows[places <= rows]
        if not len(stuck):
            order = np.empty(n, dtype=np.int64)
            taken = np.zeros(n, dtype=np.bool_)
            order[places], taken[places] = rows, True
            order[~taken] = np.flatnonzero(~late)
            return order, late
        # At the end of a shard there is no place behind: these are not late after all.
        late[stuck] = False
    return None


def apart(places: Places, n: int) -> Places:
    """Rising places, each at or behind the wanted one where there are enough of them below n, no two the same."""
    rank = np.arange(len(places))
    shifted: Places = np.minimum(np.maximum.accumulate(places - rank), n - len(places)) + rank
    return shifted


def labels_of(
    touched: list[Touched], source: Places, order: tuple[Places, Flags] | None, first: int, time: str
) -> pl.DataFrame:
    """All labels, with rows by their numbers in the output, in their order; a copy has the labels of its cells, too."""
    index = np.arange(len(source))
    stands = index if order is None else np.empty_like(index)
    if order is not None:
        stands[order[0]] = index
    stands = stands + first
    copied = np.flatnonzero(source != index)
    cells = cell_labels(touched)
    if len(copied) and len(cells):
        again = pl.DataFrame({"row": source[copied], "copy": copied})
        again = cells.join(again, on="row", maintain_order="left_right").with_columns(row="copy").drop("copy")
        cells = pl.concat([cells, again])
    parts = [cells.with_columns(row=pl.Series(stands[cells["row"].to_numpy()]))]
    if len(copied):
        parts.insert(0, row_labels(stands[copied], None, "duplicates", None, stands[source[copied]]))
    if order is not None:
        late = np.flatnonzero(order[1])
        parts.insert(-1, row_labels(stands[late], time, "late", late + first, stands[late]))
    return pl.concat(parts).sort("row", maintain_order=True)


def cell_labels(touched: list[Touched]) -> pl.DataFrame:
    """A label for each cell that differs, field by field."""
    if not touched:
        return no_labels()
    fields = pl.Series([each.field for each in touched]).gather(
        np.repeat(np.arange(len(touched)), [len(each.places) for each in touched])
    )
    found = {
        "row": np.concatenate([each.places for each in touched]),
        "field": fields,
        "kind": pl.Series(CELLS).gather(np.concatenate([each.kinds for each in touched])),
        "before": pl.concat([each.before.alias("before") for each in touched]),
        "after": pl.concat([each.after.alias("after") for each in touched]),
    }
    return pl.DataFrame(found, schema=LABELS).filter(pl.col("before").ne_missing(pl.col("after")))


def row_labels(rows: Places, field: str | None, kind: str, before: Places | None, after: Places) -> pl.DataFrame:
    """Labels of whole rows."""
    found = pl.DataFrame({"row": rows, "field": field, "kind": kind, "before": before, "after": after}, strict=False)
    return found.cast(pl.Schema(LABELS))

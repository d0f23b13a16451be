"""Values that a model wrote for the rows of a drawn table, looked up by row number."""

from typing import Any

import polars as pl

from ffgen.rng import Stream
from ffgen.sample.base import Column, Rows, Sampler

EVERY = frozenset({"range", "values", "pattern", "length", "decimals", "format"})


class Kept(Sampler):
    """An asked field, around what the model wrote. Not named in specs.

    Its values are held to every constraint before they are kept. While they are still being asked for, each is a
    placeholder, so that it shows which rows have none.
    """

    def bind(self, kind: Any, scope: Any) -> None:
        super().bind(kind, scope)
        vars(self)["holds"] = EVERY

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        found = self.scope.lookup.kept(self.scope.table, self.field.name, rows.index)
        return placeholder(self.kind.value_dtype(), n) if found is None else found


def placeholder(dtype: Any, n: int) -> pl.Series:
    """n equal values of a type that are not null: a dash where it is text, else its zero, or nothing in a list."""
    return pl.Series([plain(dtype)], dtype=dtype).new_from_index(0, n) if n else pl.Series([], dtype=dtype)


def plain(dtype: Any) -> Any:
    """One value of a type that is not null; parts of an object may be."""
    if dtype == pl.String:
        return "-"
    if isinstance(dtype, pl.Struct):
        return {each.name: None for each in dtype.fields}
    return [] if isinstance(dtype, pl.List) else pl.Series([0]).cast(dtype)[0]

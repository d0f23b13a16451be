"""Values that a model wrote for the rows of a drawn table, looked up by row number."""

from typing import Any

import numpy as np
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
    """n values of a type that are not null: a dash where it is text. Null where a type has no plain value."""
    if dtype == pl.String:
        return pl.Series(["-"]).new_from_index(0, n) if n else pl.Series([], dtype=dtype)
    if isinstance(dtype, pl.List | pl.Struct | pl.Array) or dtype in (pl.List, pl.Struct):
        return pl.Series([None] * n, dtype=dtype)
    return pl.Series(np.zeros(n, dtype=np.int64)).cast(dtype)

"""Columns of drawn tables that other tables look up and that are no function of the row number: one Arrow file a
shard in the work folder, memory-mapped by every worker that reads them."""

import os

import numpy as np
import polars as pl

from ffgen import failpoint
from ffgen.errors import InternalError
from ffgen.place import destination_error
from ffgen.plan.recipes import Recipes
from ffgen.rng import U64
from ffgen.run.journal import stored_path


class Store:
    """Keeps what `Recipes.wanted` names when a shard is sealed; looks values up by row number afterwards."""

    def __init__(self, folder: str, recipes: Recipes) -> None:
        self._folder = folder
        self._recipes = recipes
        self._columns: dict[tuple[str, str], pl.Series] = {}

    def keep(self, table: str, shard: int, frame: pl.DataFrame) -> None:
        """Writes the wanted columns of a finished shard."""
        names = sorted(column for name, column in self._recipes.wanted if name == table)
        if not names:
            return
        path = stored_path(self._folder, table, shard)
        try:
            frame.select(names).write_ipc(f"{path}.{os.getpid()}", compression="uncompressed")
            failpoint.hit("store.keep")
            os.replace(f"{path}.{os.getpid()}", path)
        except OSError as error:
            raise destination_error(error, path) from error

    def value(self, table: str, column: str, index: U64) -> pl.Series:
        """A column's values in the rows with these numbers; the table must be finished."""
        if (table, column) not in self._columns:
            self._columns[table, column] = self._read(table, column)
        return self._columns[table, column].gather(index.astype(np.uint32))

    def close(self) -> None:
        """Lets go of the files."""
        self._columns = {}

    def _read(self, table: str, column: str) -> pl.Series:
        shards = range(self._recipes.laid[table].shards)
        try:
            paths = [stored_path(self._folder, table, shard) for shard in shards]
            parts = [pl.scan_ipc(path, glob=False).select(column).collect() for path in paths]
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InternalError(f"The column {table}.{column} can't be read back: {error}.") from error
        return pl.concat(parts, rechunk=False)[column]

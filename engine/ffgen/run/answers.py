"""What a model wrote for the rows of drawn tables: Arrow files in a folder, memory-mapped by every worker.

One file holds 65,536 rows of a table; rows that were not asked for are null. Beside each field stand who made it
(`ask`, or a fallback's name) and, for all fields of a row, the key of the last reply, so that a row can explain itself.
"""

import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl
import xxhash

from ffgen import failpoint
from ffgen.place import destination_error
from ffgen.rng import U64

BLOCK = 1 << 16
KEY = "\x00key"
MAKER = "\x00maker\x00"
"""Columns beside the fields': no field's name holds such a character."""


class AnswerWriter:
    """Takes rows of one table, each once, in order; those left out are null."""

    def __init__(self, folder: str, table: str, schema: Mapping[str, Any]) -> None:
        self.folder = folder
        self.table = table
        makers = {MAKER + name: pl.String() for name in schema}
        self.schema = {**schema, **makers, KEY: pl.String()}
        self.names = list(self.schema)
        self.next = 0
        self.parts: list[pl.DataFrame] = []
        self.hash = xxhash.xxh3_64()

    def put(self, index: np.ndarray[Any, np.dtype[np.uint64]], rows: pl.DataFrame) -> None:
        """Rows with these rising numbers."""
        start = 0
        while start < len(index):
            block = int(index[start]) // BLOCK
            self._fill(block * BLOCK)
            stop = int(np.searchsorted(index, (block + 1) * BLOCK))
            part = rows[start:stop]
            place = index[start:stop].astype(np.int64)
            self._gap(place, part)
            start = stop

    def close(self, count: int) -> str:
        """All `count` rows of the table are there; a hash of what was written."""
        self._fill(count)
        if self.parts:
            self._flush()
        return self.hash.hexdigest()

    def _gap(self, place: np.ndarray[Any, np.dtype[np.int64]], part: pl.DataFrame) -> None:
        first, last = int(place[0]), int(place[-1])
        self._fill(first)
        if last - first + 1 == len(place):
            self._add(part)
            return
        whole = np.full(last - first + 1, len(part), dtype=np.int64)
        whole[place - first] = np.arange(len(part))
        self._add(pl.concat([part, self._nulls(1)])[whole])

    def _nulls(self, count: int) -> pl.DataFrame:
        return pl.DataFrame({name: [None] * count for name in self.schema}, schema=self.schema)

    def _fill(self, until: int) -> None:
        """Nulls up to a row; full blocks go to the disk."""
        while self.next < until:
            self._add(self._nulls(min(until, (self.next // BLOCK + 1) * BLOCK) - self.next))

    def _add(self, part: pl.DataFrame) -> None:
        self.parts.append(part if part.columns == self.names else part.select(self.names))
        self.next += len(part)
        if self.next % BLOCK == 0:
            self._flush()

    def _flush(self) -> None:
        whole = pl.concat(self.parts).rechunk()
        self.parts = []
        path = path_of(self.folder, self.table, (self.next - 1) // BLOCK)
        for name in whole.columns:
            if not name.startswith("\x00"):
                self.hash.update(whole[name].hash(1).to_numpy().tobytes())
        try:
            failpoint.hit("answers.write")
            whole.write_ipc(path, compression="uncompressed")
        except OSError as error:
            raise destination_error(error, path) from error


class Answers:
    """Looks up what was written, by row number; in `tables` alone, where not all of them are finished."""

    def __init__(self, folder: str, tables: Collection[str] | None = None) -> None:
        self.folder = folder
        self.tables = tables
        self._columns: dict[tuple[str, str], pl.Series] = {}

    def value(self, table: str, column: str, index: U64) -> pl.Series:
        """A column's values in some rows; KeyError where the table has none."""
        here = (table, column)
        if here not in self._columns:
            self._columns[here] = self._read(table, column)
        return self._columns[here].gather(index.astype(np.uint32))

    def get(self, table: str, column: str, index: U64) -> pl.Series | None:
        """The same, None where nothing is there for a table."""
        if self.tables is not None and table not in self.tables:
            return None
        return self.value(table, column, index) if os.path.exists(path_of(self.folder, table, 0)) else None

    def _read(self, table: str, column: str) -> pl.Series:
        parts: list[pl.DataFrame] = []
        while os.path.exists(path := path_of(self.folder, table, len(parts))):
            parts.append(pl.scan_ipc(path, glob=False).select(column).collect())
        return pl.concat(parts, rechunk=False)[column]


def path_of(folder: str, table: str, block: int) -> str:
    """The file of a block of a table, whose name may hold what no file's can."""
    return os.path.join(folder, f"{xxhash.xxh3_64_hexdigest(table.encode())}.{block:07d}.answers")

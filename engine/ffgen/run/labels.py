"""The labels of what was spoiled: a part a shard, written by the worker that spoiled it, put together in order.

JSON Lines: `{"table": ..., "row": ..., "field": ..., "kind": ..., "before": ..., "after": ...}`.
"""

import io
import os
from collections import Counter
from typing import Self

import polars as pl

from ffgen import failpoint
from ffgen.disk import LocalDisk
from ffgen.place import destination_error
from ffgen.plan.imperfections import CELLS, ROWS
from ffgen.rng import key_of
from ffgen.run.report import Imperfection
from ffgen.sink.block import packer

Spoiled = Counter[tuple[str, str | None, str]]
"""Cells and rows by table, field and kind."""


def counts_of(labels: pl.DataFrame) -> list[tuple[str | None, str, int]]:
    """How many labels there are for each field and kind."""
    found = labels.group_by("field", "kind", maintain_order=True).len()
    return [(field, kind, int(count)) for field, kind, count in found.iter_rows()]


def part_path(folder: str, table: str, shard: int) -> str:
    """Where the labels of a shard wait. A table's name may hold what a file's can't."""
    return os.path.join(folder, f"{key_of(table):016x}.{shard:07d}.labels")


def keep_part(folder: str, table: str, shard: int, labels: pl.DataFrame, compression: str) -> None:
    """Writes the labels of a shard, as they will stand in the file. A second time the same bytes replace the first."""
    path = part_path(folder, table, shard)
    partial = f"{path}.{os.getpid()}"
    data = b""
    if len(labels):
        lines = io.BytesIO()
        labels.select(pl.lit(table).alias("table"), pl.all()).write_ndjson(lines)
        data = packer(compression)(lines.getvalue())
    try:
        with open(partial, "wb") as file:
            file.write(data)
        failpoint.hit("labels.part")
        os.replace(partial, path)
    except OSError as error:
        raise destination_error(error, path) from error


class LabelFile:
    """The work file of all labels. Parts go in by shard, as soon as those before them have, and are gone then.

    `kept` are the bytes of a file that is there already, and gone on with.
    """

    def __init__(self, path: str, compression: str, kept: int = 0) -> None:
        self.path = path
        self.compression = compression
        self.written = kept
        self._next = 0
        self._ready: set[int] = set()
        try:
            self._file = LocalDisk().open(path, create=True)
            self._file.truncate(kept)
        except OSError as error:
            raise destination_error(error, path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self, first: int = 0) -> None:
        """The next table, from this shard on."""
        self._next, self._ready = first, set()

    def add(self, folder: str, table: str, shard: int) -> None:
        """A shard of the table stands; its part is in the folder."""
        self._ready.add(shard)
        while self._next in self._ready:
            self._ready.remove(self._next)
            self._append(part_path(folder, table, self._next))
            self._next += 1

    def finish(self) -> None:
        """The file is complete. Compressed nothing is not nothing: an empty file is no gzip file."""
        if not self.written:
            self._write(packer(self.compression)(b""))
        self._file.close()

    def _append(self, part: str) -> None:
        try:
            with open(part, "rb") as file:
                data = file.read()
            os.unlink(part)
        except OSError as error:
            raise destination_error(error, part) from error
        self._write(data)

    def _write(self, data: bytes) -> None:
        try:
            failpoint.hit("labels.append")
            self._file.write_at(self.written, data)
        except OSError as error:
            raise destination_error(error, self.path) from error
        self.written += len(data)


def tell(spoiled: Spoiled, table: str, counts: list[tuple[str | None, str, int]]) -> None:
    """Adds what was spoiled in a shard."""
    for field, kind, count in counts:
        spoiled[table, field, kind] += count


def summed(counts: Spoiled) -> list[Imperfection]:
    """What was spoiled, in order: by table as they were made, then by kind, then by field."""
    tables = list(dict.fromkeys(table for table, _, _ in counts))
    known = [*ROWS, *CELLS]
    keys = sorted(counts, key=lambda key: (tables.index(key[0]), known.index(key[2]), key[1] or ""))
    return [Imperfection(table=key[0], kind=key[2], field=key[1], count=counts[key]) for key in keys]

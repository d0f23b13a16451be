"""One record of a file, by its number: what stands there, without reading what comes after it."""

import glob
import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import polars as pl

from ffgen.errors import DestinationError, UsageError
from ffgen.source import csv, json
from ffgen.source.block import MAX_RECORD, Item, decode_record
from ffgen.source.stream import Stream
from ffgen.spec.model import Field

_CHUNK = 1 << 20

Row = dict[str, Any]


def record_at(path: str, format: str, number: int, columns: Sequence[Field] = ()) -> Row:
    """Record `number` (from 1) of a file: values as in JSON, those of a CSV as text.

    UsageError when there are fewer, DestinationError when it can't be read. Lines of JSON are counted at 2 GB/s, and
    only the one is decoded. Records of a CSV or of a JSON array cost some microseconds each; a quoted newline ends
    none. Parquet is read at the row.
    """
    found: Row | str | None
    if format == "parquet":
        found, seen = _of_parquet(path, number)
    else:
        with Stream(path) as stream:
            if format == "jsonl":
                found, seen = _of_lines(stream, number)
            else:
                items = csv.read(stream, columns) if format == "csv" else json.read(stream, columns)
                found, seen = _of_items(items, number)
    if found is None:
        raise UsageError(f"{path} has {seen:,} records, so none is number {number:,}.", hint="Name an earlier one.")
    if isinstance(found, str):
        raise DestinationError(f"Record {number:,} of {path} can't be read: {found}.", hint="Somebody changed it.")
    return found


def csv_row(header: bytes, record: bytes, columns: Sequence[Field]) -> Row:
    """One record of CSV text as `record_at` gives it."""
    names, cells = (csv.split(text.decode().removesuffix("\n")) or [] for text in (header, record))
    return csv.builder([name or "" for name in names], columns)(cells)


def _of_lines(stream: Stream, number: int) -> tuple[Row | str | None, int]:
    seen, rest = 0, b""
    while chunk := stream.read(_CHUNK):
        ends = chunk.count(b"\n")
        if seen + ends >= number:
            return decode_record((rest + chunk).split(b"\n")[number - seen - 1]), number
        # Of what is passed over, only the line that the next chunk goes on with is kept.
        rest = chunk[chunk.rfind(b"\n") + 1 :] if ends else rest + chunk
        if len(rest) > MAX_RECORD:
            return f"a line longer than {MAX_RECORD >> 20} MiB", seen
        seen += ends
    seen += bool(rest)
    return decode_record(rest) if rest and seen == number else None, seen


def _of_items(items: Iterable[Item], number: int) -> tuple[Row | str | None, int]:
    seen = 0
    for _, found in items:
        seen += 1
        if seen == number:
            return found, seen
    return None, seen


def _of_parquet(path: str, number: int) -> tuple[Row | None, int]:
    parts = [path]
    if os.path.isdir(path):
        parts = sorted(glob.glob(os.path.join(glob.escape(path), "*.parquet")))
    try:
        whole = pl.scan_parquet(parts, glob=False)
        frame = whole.slice(number - 1, 1).collect()
        seen = number if len(frame) else int(whole.select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DestinationError(f"{path} can't be read as Parquet: {what}.", hint="Check the file.") from error
    return plain_row(frame) if len(frame) else None, seen


def plain_row(frame: pl.DataFrame) -> Row:
    """The first row of a frame, its moments as ISO text."""
    plain: Row = msgspec.to_builtins(frame.row(0, named=True))
    return plain

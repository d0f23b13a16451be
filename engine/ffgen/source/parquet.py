"""Parquet: a file, or a folder of parts."""

import glob
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ffgen.errors import DestinationError
from ffgen.source.block import BLOCK_ITEMS, Item
from ffgen.source.stream import Stream
from ffgen.spec.model import Field


def read(source: Stream | str, columns: Sequence[Field]) -> Iterator[Item]:
    """One item a row, numbered from 1. Values are as JSON Lines would have them: dates and times are ISO text.

    Compressed files and standard input are unpacked to a temporary file first, since Parquet is read from its end.
    """
    if isinstance(source, str):
        parts = sorted(glob.glob(os.path.join(glob.escape(source), "*.parquet")))
        if not parts:
            raise DestinationError(f"The folder {source} holds no Parquet part.", hint="Name a file.")
        yield from _rows(parts, source)
    elif source.path == "-" or source.packed:
        with tempfile.NamedTemporaryFile(prefix="ffgen-", suffix=".parquet") as file:
            while data := source.read(1 << 20):
                file.write(data)
            file.flush()
            yield from _rows([file.name], source.name)
    else:
        yield from _rows([source.path], source.name)


def _rows(paths: list[str], name: str) -> Iterator[Item]:
    number = 0
    try:
        frames = pl.scan_parquet(paths, glob=False).collect_batches(chunk_size=BLOCK_ITEMS, maintain_order=True)
        for frame in frames:
            plain = _plain if any(_is_special(dtype) for dtype in frame.dtypes) else None
            for row in frame.iter_rows(named=True):
                number += 1
                yield number, {key: plain(value) for key, value in row.items()} if plain else row
    except (OSError, pl.exceptions.PolarsError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DestinationError(f"{name} can't be read as Parquet: {what}.", hint="Check the file.") from error


def _is_special(dtype: Any) -> bool:
    return bool(not (dtype.is_integer() or dtype.is_float() or dtype in (pl.String, pl.Boolean, pl.Null)))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case date() | datetime() | time():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.decode("utf-8", "replace")
    return value

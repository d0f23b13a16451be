"""Drawn rows as finished pieces of a file: a shard's frame becomes one block, encoded and compressed where it was
drawn. A file is `header()`, the blocks in shard order, then `footer()`.

The rows are those that `sink.jsonl`, `sink.csv` and `sink.parquet` write from JSON lines, byte for byte in text
formats; only the compression is faster.
"""

import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import polars as pl
import pyzstd

from ffgen.errors import InternalError, UsageError
from ffgen.sink import parquet_join
from ffgen.sink.compress import gzip_member
from ffgen.sink.csv import Csv, SafeCsv
from ffgen.sink.formula import escaped_column
from ffgen.sink.moments import Writer, writer_of, written_type

MEMBER = 1 << 20
"""Bytes of text a gzip member."""
FRAME = 1 << 22
"""Bytes of text a zstd frame: 8 % faster than at 1 MiB, and still several to a shard for readers with threads."""
GZIP_LEVEL = 1
"""187 MB/s and 0.299 of the size, against 72 MB/s and 0.236 at level 6; 142 and 0.265 at level 3."""
ZSTD: dict[int, int] = {
    pyzstd.CParameter.compressionLevel: 1,
    pyzstd.CParameter.hashLog: 12,
    pyzstd.CParameter.minMatch: 7,
}
"""Level 1 with a table that stays in the nearest cache: 726 MB/s and 0.317 of the size, against 620 MB/s and 0.295
of level 1 itself, 408 MB/s at level 3; 697 and 0.411 at level -1."""
LARGE = 1e16
"""From here on polars writes 1e+16, and msgspec 1e16."""

_GZIP_HEADER = gzip_member(b"")[:10]
_LEVELS = {"none": None, "gzip": 2, "zstd": 1}
"""Parquet's levels: zstd 1 is 1.5 times faster than 3 and no larger, gzip 2 1.7 times faster than 6 and 6 % larger."""
_CODECS: Any = {"none": "uncompressed", "gzip": "gzip", "zstd": "zstd"}

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines

Schema = Mapping[str, pl.DataType]
"""Fields in order, each with the type of its drawn values."""


class Block(msgspec.Struct, frozen=True):
    """A shard's rows as they stand in the file, in pieces as they were made: 15 MB of text are joined for nobody.
    `footer` is what Parquet's footer will say of them, else empty."""

    pieces: tuple[bytes, ...]
    rows: int
    footer: bytes = b""

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return sum(map(len, self.pieces))

    @property
    def data(self) -> bytes:
        """All of it in one piece."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


class Encoder(Protocol):
    """What turns shards into blocks of one format. Made once a process; a block depends on its frame alone.

    `formats` maps the path of a date, datetime or time (`born`, `address.since`; an item of an array has the path
    of its array) to a strftime format, for those that have one.
    """

    def __init__(self, schema: Schema, formats: Mapping[str, str], compression: str) -> None: ...

    def header(self) -> bytes:
        """What stands before the first block."""

    def encode(self, frame: pl.DataFrame) -> Block:
        """The block of a frame that has all columns of the schema, in any order."""

    def footer(self, blocks: Sequence[parquet_join.Part]) -> bytes:
        """What stands after the last block. For each block in order: where it begins, its `footer`, its rows."""


class Pieces(io.BytesIO):
    """A file in memory that keeps what it is given as it is. polars writes some 5 MB at a time, for which a BytesIO
    grows and moves all that it has: 40 ns a row, and as much again for memory that is asked for anew."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def packed(self, pack: Callable[[bytes], bytes]) -> tuple[bytes, ...]:
        """All of it: compressed as one, or in its pieces where it is not."""
        return tuple(self._pieces) if pack is bytes else (pack(b"".join(self._pieces)),)


class JsonlBlocks:
    """JSON Lines: as msgspec writes each row. 255 ns for a row of ten columns, of which 238 are polars' own."""

    def __init__(self, schema: Schema, formats: Mapping[str, str], compression: str) -> None:
        self._columns = Columns(schema, formats, iso=True)
        self._pack = packer(compression)

    def header(self) -> bytes:
        return b""

    def encode(self, frame: pl.DataFrame) -> Block:
        if frame.is_empty():
            return Block((), 0)
        lines, written = Pieces(), self._columns.written(frame)
        if any(has_large(column) for column in written):
            lines.write(_encode_lines(written.to_dicts()))
        else:
            written.write_ndjson(lines)
        return Block(lines.packed(self._pack), len(frame))

    def footer(self, blocks: Sequence[parquet_join.Part]) -> bytes:
        # Compressed nothing is not nothing: an empty file is no gzip file.
        return b"" if any(rows for _, _, rows in blocks) else self._pack(b"")


class CsvBlocks:
    """CSV, as `sink.csv` writes it. 160 ns for a row of ten columns; an array costs 40 ns, a float from 1e16 more."""

    sink: type[Csv] = Csv

    def __init__(self, schema: Schema, formats: Mapping[str, str], compression: str) -> None:
        self._columns = Columns(schema, formats, iso=True)
        self._pack = packer(compression)
        head = io.BytesIO()
        self.sink(head, dict(schema), "none").open()
        self._header = head.getvalue()

    def header(self) -> bytes:
        return self._pack(self._header)

    def encode(self, frame: pl.DataFrame) -> Block:
        if frame.is_empty():
            return Block((), 0)
        cells = [cell for column in self._columns.written(frame) for cell in flat(column)]
        if self.sink.is_safe:
            cells = [escaped_column(cell) for cell in cells]
        lines = Pieces()
        pl.DataFrame([cell.alias(f"{i}") for i, cell in enumerate(cells)]).write_csv(lines, include_header=False)
        return Block(lines.packed(self._pack), len(frame))

    def footer(self, blocks: Sequence[parquet_join.Part]) -> bytes:
        return b""


class SafeCsvBlocks(CsvBlocks):
    """CSV without formulas, as `sink.csv` writes `csv-safe`."""

    sink = SafeCsv


class ParquetBlocks:
    """Parquet: a block is a row group, with statistics and without page indexes. 330 ns for a row of ten columns."""

    def __init__(self, schema: Schema, formats: Mapping[str, str], compression: str) -> None:
        if compression not in _CODECS:
            raise _unknown(compression)
        self._columns = Columns(schema, formats, iso=False)
        self._compression = compression
        types = {name: written_type(dtype, formats, name) for name, dtype in schema.items()}
        self._frame = parquet_join.Frame(self._file(pl.DataFrame(schema=types)))

    def header(self) -> bytes:
        return parquet_join.MAGIC

    def encode(self, frame: pl.DataFrame) -> Block:
        if frame.is_empty():
            return Block((), 0)
        data, group = self._frame.split(self._file(self._columns.written(frame)))
        return Block((data,), len(frame), group)

    def _file(self, frame: pl.DataFrame) -> bytes:
        file = io.BytesIO()
        codec, level = _CODECS[self._compression], _LEVELS[self._compression]
        frame.write_parquet(file, compression=codec, compression_level=level, row_group_size=max(len(frame), 1))
        return file.getvalue()

    def footer(self, blocks: Sequence[parquet_join.Part]) -> bytes:
        return self._frame.join(blocks)


BLOCKS: dict[str, type[Encoder]] = {
    "csv": CsvBlocks,
    "csv-safe": SafeCsvBlocks,
    "jsonl": JsonlBlocks,
    "parquet": ParquetBlocks,
}


def encoder(format: str, schema: Schema, formats: Mapping[str, str], compression: str) -> Encoder:
    """The encoder of a format. UsageError for an unknown compression."""
    return BLOCKS[format](schema, formats, compression)


class Columns:
    """A frame's columns in the schema's order and as they are written: moments as text, or all but those with a
    format in their own type (`iso` False)."""

    def __init__(self, schema: Schema, formats: Mapping[str, str], *, iso: bool) -> None:
        self._types = dict(schema)
        found = {name: writer_of(dtype, formats, name, iso=iso) for name, dtype in schema.items()}
        self._writers: dict[str, Writer] = {name: write for name, write in found.items() if write is not None}

    def written(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame as it is written. InternalError when it has other types than the schema."""
        columns = [frame[name] for name in self._types]
        for column in columns:
            if column.dtype != self._types[column.name]:
                expected = self._types[column.name]
                raise InternalError(f"Column {column.name} was drawn as {column.dtype}, not as {expected}.")
        return pl.DataFrame([self._writers.get(c.name, _as_it_is)(c) for c in columns])


def _as_it_is(column: pl.Series) -> pl.Series:
    return column


def has_large(column: pl.Series) -> bool:
    """Whether a float that polars writes in another way than msgspec is anywhere in a column."""
    if isinstance(column.dtype, pl.Struct):
        return any(has_large(column.struct.field(name)) for name in column.struct.fields)
    if isinstance(column.dtype, pl.List):
        return _has_float(column.dtype.inner) and has_large(column.explode(empty_as_null=False, keep_nulls=False))
    if column.dtype != pl.Float64:
        return False
    low, high = column.min(), column.max()
    return isinstance(low, float) and isinstance(high, float) and max(-low, high) >= LARGE


def _has_float(dtype: Any) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_has_float(field.dtype) for field in dtype.fields)
    return _has_float(dtype.inner) if isinstance(dtype, pl.List) else dtype == pl.Float64


def flat(column: pl.Series) -> list[pl.Series]:
    """The CSV cells of a column: the members of an object each, an array as JSON text."""
    if isinstance(column.dtype, pl.Struct):
        return [cell for name in column.struct.fields for cell in flat(column.struct.field(name))]
    if isinstance(column.dtype, pl.List):
        return [_array_text(column)]
    if has_large(column):
        return [column.cast(pl.String).str.replace("e+", "e", literal=True)]
    return [column]


def _array_text(column: pl.Series) -> pl.Series:
    if has_large(column):
        return pl.Series([None if v is None else _encode(v).decode() for v in column.to_list()], dtype=pl.String)
    # Only structs can be encoded: each array goes into one, and what this writes around it is cut off again.
    wrapped = column.alias("v").to_frame().to_struct().struct.json_encode()
    text = wrapped.str.head(-1).str.slice(5)
    return text.zip_with(column.is_not_null(), pl.repeat(None, len(text), dtype=pl.String, eager=True))


def packer(compression: str) -> Callable[[bytes], bytes]:
    """What compresses text into independent members or frames, always the same ones for the same text."""
    if compression == "none":
        return bytes
    if compression == "gzip":
        return lambda text: _pieces(text, MEMBER, _member)
    if compression == "zstd":
        return lambda text: _pieces(text, FRAME, lambda piece: pyzstd.compress(piece, ZSTD))
    raise _unknown(compression)


def _pieces(text: bytes, size: int, pack: Callable[[memoryview], bytes]) -> bytes:
    whole = memoryview(text)
    return b"".join(pack(whole[at : at + size]) for at in range(0, max(len(text), 1), size))


def _member(text: memoryview) -> bytes:
    squeeze = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeeze.compress(text) + squeeze.flush()
    return b"".join((_GZIP_HEADER, body, zlib.crc32(text).to_bytes(4, "little"), len(text).to_bytes(4, "little")))


def _unknown(compression: str) -> UsageError:
    return UsageError(f"Compression {compression} is unknown.", hint=f"Known: {', '.join(_LEVELS)}.")

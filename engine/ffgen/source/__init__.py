"""Reading real data, streaming: one file a format, resolved on use."""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence

from ffgen.errors import UsageError
from ffgen.place import split_compression
from ffgen.source.block import Bad, Block, Item, gather
from ffgen.source.stream import MAX_BYTES, Stream
from ffgen.spec.model import Field

SOURCES: dict[str, str] = {
    "csv": "ffgen.source.csv:read",
    "json": "ffgen.source.json:read",
    "jsonl": "ffgen.source.jsonl:read",
    "parquet": "ffgen.source.parquet:read",
}

SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def read(
    path: str, columns: Sequence[Field] = (), *, format: str | None = None, max_bytes: int = MAX_BYTES
) -> Iterator[Block]:
    """The rows of a file in blocks of at most 4,096; `-` is standard input.

    The name's suffix says the format (standard input is looked at), its first bytes the compression. A line that
    is no record becomes an item of `Block.bad` and reading goes on. `columns` are the fields of the spec: CSV
    cells are nested and arrays parsed by them; its values stay text. DestinationError when the file can't be read,
    is cut off, unpacks to more than `max_bytes`, or to more than 200 times its size.
    """
    kind = _format(path, format)
    if kind == "parquet" and os.path.isdir(path):
        yield from gather(_reader(kind)(path, columns))
        return
    with Stream(path, max_bytes) as stream:
        reader = _reader(kind or _guess(stream.peek(64)))
        yield from gather(reader(stream, columns))


def _reader(kind: str) -> Callable[[Stream | str, Sequence[Field]], Iterator[Item]]:
    module, _, name = SOURCES[kind].partition(":")
    reader: Callable[[Stream | str, Sequence[Field]], Iterator[Item]] = getattr(importlib.import_module(module), name)
    return reader


def _format(path: str, said: str | None) -> str | None:
    if said is not None:
        if said not in SOURCES:
            raise UsageError(f"Format {said} is unknown.", hint=f"Known: {', '.join(SOURCES)}.")
        return said
    if path == "-":
        return None
    if os.path.isdir(path):
        return "parquet"
    suffix = os.path.splitext(split_compression(path)[0])[1].lower()
    if suffix not in SUFFIXES:
        hint = f"Known: {' '.join(SUFFIXES)}, each also .gz or .zst. Or pipe it: ffgen validate SPEC --data - < FILE."
        raise UsageError(f"{path}: the name does not say a format that ffgen reads.", hint=hint)
    return SUFFIXES[suffix]


def _guess(head: bytes) -> str:
    """The format of data without a name."""
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"[": "json", b"{": "jsonl"}.get(start, "csv")


__all__ = ["SOURCES", "SUFFIXES", "Bad", "Block", "read"]

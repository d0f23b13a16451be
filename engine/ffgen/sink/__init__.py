"""Writing: one file a format, resolved on use.

A sink is made as `Sink(target, schema, compression)` and used by one writer in one process:

- `open()` once, before anything else.
- `write(lines, rows)` any number of times: whole JSON lines, each ended by a newline, in final order. What comes
  out depends on the concatenation of all `lines` only, never on how it was cut.
- `close()` once. With `complete=False` (the run failed) what is open is let go, nothing more is written to a
  file, and no second error is raised; a stream still gets its whole rows if `close()` is called plainly.

`target` is a path inside a `place.Workspace` (for Parquet, one that ends with `/` is a folder of parts), or an
open binary stream such as standard output. `schema` maps each field in order to its polars type.
"""

import importlib
import os
from typing import Any, BinaryIO, Protocol

from ffgen.errors import UsageError
from ffgen.place import split_compression

SINKS: dict[str, str] = {
    "csv": "ffgen.sink.csv:Csv",
    "csv-safe": "ffgen.sink.csv:SafeCsv",
    "jsonl": "ffgen.sink.jsonl:Jsonl",
    "parquet": "ffgen.sink.parquet:Parquet",
}

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

SUFFIX = {name: suffix for suffix, name in reversed(SUFFIXES.items())} | {"csv-safe": ".csv"}
"""What a file of each format is called."""

_KNOWN = "Known: .jsonl .ndjson .csv (each also .gz or .zst) and .parquet."


class Sink(Protocol):
    """What writes one format; see the module for who calls what."""

    def __init__(self, target: BinaryIO | str, schema: dict[str, Any] | None, compression: str) -> None: ...

    def open(self) -> None:
        """Start: make the file, write what stands before the first row."""

    def write(self, lines: bytes, rows: int) -> None:
        """Take whole rows. DestinationError when they can't be written, ReaderGone when a stream's reader left."""

    def close(self, *, complete: bool = True) -> None:
        """End: write what is still held, then close what `open` opened."""


def resolve(format: str) -> type[Sink]:
    """The class of a format. Only now are its libraries imported."""
    if format not in SINKS:
        raise _unknown(format)
    module, _, name = SINKS[format].partition(":")
    kind: type[Sink] = getattr(importlib.import_module(module), name)
    return kind


def format_of(path: str, format: str | None = None, compression: str | None = None) -> tuple[str, str]:
    """Format and compression of an output, from its name and from what was said; `-` is standard output, JSONL.

    What was said goes before the suffix, but not against it: a name that lies is a UsageError. Parquet compresses
    inside (zstd unless said), so it has no suffix for that.
    """
    stem, by_name = split_compression(path)
    suffix = os.path.splitext(stem)[1].lower()
    format = _format(path, suffix, format)
    if format == "parquet" and by_name != "none":
        raise UsageError(f"{path}: Parquet compresses inside.", hint=f"Name it {stem} and say --compression {by_name}.")
    if path.endswith("/") and format != "parquet":
        raise UsageError(f"{path} is a folder, and {format} is one file.", hint=f"Name a file: {path}records.{format}")
    if compression is None:
        compression = "zstd" if format == "parquet" else by_name
    elif by_name not in ("none", compression):
        raise UsageError(f"{path} says {by_name}, but {compression} was asked.", hint="Change one of the two.")
    return format, compression


def _format(path: str, suffix: str, said: str | None) -> str:
    by_name = SUFFIXES.get(suffix)
    if said is not None:
        if said not in SINKS:
            raise _unknown(said)
        if by_name not in (None, said) and SUFFIX[said] != suffix:
            raise UsageError(f"{path} ends with {suffix}, but {said} was asked.", hint="Change one of the two.")
        return said
    if by_name is not None:
        return by_name
    if path == "-":
        return "jsonl"
    if path.endswith("/"):
        return "parquet"
    what = f"{suffix} is not a format that ffgen writes" if suffix else "the name does not say the format"
    raise UsageError(f"{path}: {what}.", hint=f"{_KNOWN} Or say --format.")


def _unknown(format: str) -> UsageError:
    return UsageError(f"Format {format} is unknown.", hint=f"Known: {', '.join(SINKS)}.")

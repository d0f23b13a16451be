"""Parquet."""

import io
import math
import os
import re
import shutil
import tempfile
from typing import Any, BinaryIO, Literal

import polars as pl

from ffgen.errors import DestinationError, InternalError, UsageError
from ffgen.place import destination_error
from ffgen.sink.frame import frame_of
from ffgen.sink.target import Target

GROUP_ROWS = 65_536
GROUP_BYTES = 64 << 20
"""A row group ends at this many rows or at this many bytes of JSON lines, whichever comes first."""

_CODECS: dict[str, Literal["uncompressed", "gzip", "zstd"]] = {
    "none": "uncompressed",
    "gzip": "gzip",
    "zstd": "zstd",
}
_OS_ERROR = re.compile(r"os error (\d+)")


class Parquet:
    """Parquet (`.parquet`): typed columns, compressed inside with zstd (gzip or none when said).

    Objects are structs, arrays are lists, dates and times their own types (moments in UTC). Row groups hold
    65,536 rows, or 64 MiB of JSON lines. A path that ends with `/` is a folder of parts, one row group each:
    `part-00000.parquet` and on, in order. An integer beyond 64 bits is an error. Memory holds one row group,
    whatever the number of rows; a single file of several groups takes its size twice on disk while it is put
    together. On a stream it arrives whole at the end.
    """

    def __init__(self, target: BinaryIO | str, schema: dict[str, Any] | None, compression: str) -> None:
        if schema is None:
            raise InternalError("The Parquet sink was made without a schema.")
        if compression not in _CODECS:
            raise UsageError(f"Compression {compression} is unknown.", hint=f"Known: {', '.join(_CODECS)}.")
        self._target, self._schema, self._codec = target, schema, _CODECS[compression]
        self._held: list[bytes] = []
        self._held_rows = self._held_bytes = 0
        self._parts: list[str] = []
        self._part_rows: list[int] = []

    def open(self) -> None:
        try:
            if not isinstance(self._target, str):
                self._folder = tempfile.mkdtemp(prefix="ffgen-")
                return
            self._folder = self._target if self._target.endswith("/") else f"{self._target}.parts"
            os.mkdir(self._folder)
        except OSError as error:
            raise destination_error(error, error.filename or str(self._target)) from error

    def write(self, lines: bytes, rows: int) -> None:
        if self._held_rows + rows <= GROUP_ROWS and self._held_bytes + len(lines) <= GROUP_BYTES:
            self._hold(lines, rows)
            return
        for line in lines.splitlines(keepends=True):
            if self._held_rows == GROUP_ROWS or (self._held and self._held_bytes + len(line) > GROUP_BYTES):
                self._write_part()
            self._hold(line, 1)

    def close(self, *, complete: bool = True) -> None:
        try:
            if complete:
                self._finish()
        finally:
            if not isinstance(self._target, str):
                shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self) -> None:
        if self._held or not self._parts:
            self._write_part()
        if isinstance(self._target, str) and self._target.endswith("/"):
            return
        whole = self._join() if len(self._parts) > 1 else self._parts[0]
        try:
            if isinstance(self._target, str):
                os.replace(whole, self._target)
                shutil.rmtree(self._folder)
            else:
                _copy(whole, Target(self._target))
        except OSError as error:
            raise destination_error(error, error.filename or self._folder) from error

    def _hold(self, lines: bytes, rows: int) -> None:
        self._held.append(lines)
        self._held_rows += rows
        self._held_bytes += len(lines)

    def _write_part(self) -> None:
        self._part_rows.append(self._held_rows)
        lines, self._held = b"".join(self._held), []
        self._held_rows = self._held_bytes = 0
        packed = io.BytesIO()
        # Statistics and dictionaries are chosen from the rows alone, so a part is a function of its lines.
        frame_of(lines, self._schema).write_parquet(packed, compression=self._codec, row_group_size=GROUP_ROWS)
        part = os.path.join(self._folder, f"part-{len(self._parts):05d}.parquet")
        target = Target(part)
        try:
            target.write(packed.getbuffer())
        except BaseException:
            target.close(complete=False)
            raise
        target.close()
        self._parts.append(part)

    def _join(self) -> str:
        """One file of all parts, streamed: a few row groups in memory.

        Where parts ended by bytes, groups have as many rows as parts have on average: 64 MiB of lines, about.
        """
        full = min(self._part_rows[:-1]) == GROUP_ROWS
        group = GROUP_ROWS if full else math.ceil(sum(self._part_rows) / len(self._part_rows))
        whole = os.path.join(self._folder, "whole")
        parts = pl.scan_parquet(self._parts, glob=False)
        try:
            parts.sink_parquet(whole, compression=self._codec, row_group_size=group, maintain_order=True)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _mapped(error, whole) from error
        return whole


def _copy(path: str, target: Target) -> None:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            target.write(block)


def _mapped(error: Exception, path: str) -> DestinationError:
    """polars gives the system's number in an OSError, or only in the words of its own error."""
    if isinstance(error, OSError) and error.errno:
        return destination_error(error, path)
    number = _OS_ERROR.search(str(error))
    code = int(number.group(1)) if number else 0
    return destination_error(OSError(code, os.strerror(code) if code else str(error).splitlines()[0]), path)

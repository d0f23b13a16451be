"""Sinks whose target fails: a full disk, a limit, a reader that left, a slow pipe."""

import fcntl
import io
import os
import resource
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ffgen import sink
from ffgen.errors import DestinationError, InternalError, ReaderGone, UsageError
from ffgen.sink import parquet

SCHEMA: dict[str, Any] = {"id": pl.Int64()}
LINE = b'{"id":1}\n'


def made(format: str, target: Any, compression: str = "none", schema: Any = SCHEMA) -> sink.Sink:
    out = sink.resolve(format)(target, schema, compression)
    out.open()
    return out


def write_until_failure(out: sink.Sink) -> None:
    try:
        for _ in range(4):
            out.write(LINE * 200_000, 200_000)
        out.close()
    finally:
        out.close(complete=False)  # raises no second error


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_full_disk(format: str) -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(DestinationError, match="Disk full at /dev/full"):
        write_until_failure(made(format, full))


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_file_size_limit(tmp_path: Path, format: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    schema = {"id": pl.Int64(), "name": pl.String()}
    out = made(format, str(tmp_path / "out"), schema=schema)
    lines = b"".join(b'{"id":%d,"name":"%d"}\n' % (i, i * 7919 % 1_000_003) for i in range(140_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(DestinationError, match="past the size allowed"):
            out.write(lines, 140_000)
            out.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        out.close(complete=False)


def test_putting_parquet_together_can_fail_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 20_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    out = made("parquet", str(tmp_path / "out"))
    for i in range(8):
        out.write(
            b"".join(b'{"id":%d}\n' % (j * 7919 % 1_000_003) for j in range(i * 10_000, i * 10_000 + 10_000)), 10_000
        )
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(DestinationError, match="past the size allowed"):
            out.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out").exists()


def test_reader_that_left() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as stream:
        out = made("jsonl", stream)
        with pytest.raises(ReaderGone):
            out.write(LINE, 1)
        out.close(complete=False)


def test_slow_reader_that_does_not_block_gets_every_byte() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
    parts: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb") as stream:
            parts.append(stream.read())

    thread = threading.Thread(target=read)
    thread.start()
    with os.fdopen(writer, "wb", buffering=0) as stream:
        out = made("jsonl", stream)
        out.write(LINE * 100_000, 100_000)
        out.close()
    thread.join()
    assert parts == [LINE * 100_000]


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_a_stream_gets_rows_at_each_write(format: str) -> None:
    stream = io.BytesIO()
    out = made(format, stream)
    out.write(LINE, 1)
    assert stream.getvalue() == {"jsonl": LINE, "csv": b"id\n1\n"}[format]
    out.close()
    assert not stream.closed


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_incomplete_close_writes_nothing_more(tmp_path: Path, format: str) -> None:
    out = made(format, str(tmp_path / "out"))
    out.write(LINE, 1)
    out.close(complete=False)
    assert not (tmp_path / "out").exists() or (tmp_path / "out").read_bytes() == b""


def test_integer_beyond_64_bits(tmp_path: Path) -> None:
    out = made("parquet", str(tmp_path / "out"))
    out.write(b'{"id":9223372036854775808}\n', 1)
    with pytest.raises(DestinationError, match="9223372036854775808"):
        out.close()


def test_what_can_not_be_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lz4"):
        made("jsonl", io.BytesIO(), "lz4")
    with pytest.raises(UsageError, match="lz4"):
        made("parquet", io.BytesIO(), "lz4")
    for format in ("csv", "parquet"):
        with pytest.raises(InternalError, match="schema"):
            made(format, io.BytesIO(), schema=None)
    with pytest.raises(DestinationError, match="does not exist"):
        made("jsonl", str(tmp_path / "none" / "out"))
    out = made("csv", io.BytesIO())
    with pytest.raises(InternalError, match="not JSON objects"):
        out.write(b"[1]\n", 1)


def test_jsonl_needs_no_polars() -> None:
    code = """
        import sys
        from ffgen import sink
        sink.format_of("a.csv"), sink.resolve("jsonl")
        sys.exit("polars" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode == 0

"""A file or standard input as unpacked bytes, under limits."""

import difflib
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import pyzstd

from ffgen.errors import DestinationError
from ffgen.place import destination_error

MAX_BYTES = 1 << 40
"""Unpacked bytes read from one file unless said: 1 TiB."""
MAX_RATIO = 200
FREE_BYTES = 64 << 20
"""Up to here a file may unpack by any ratio."""

_CHUNK = 1 << 18
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Stream:
    """The bytes of `path` (`-`: standard input), unpacked when its first bytes say gzip or zstd.

    A context manager; every failure to read is a DestinationError, a file that unpacks beyond the limits too.
    """

    def __init__(self, path: str, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.name = "standard input" if path == "-" else path
        self._max_bytes = max_bytes
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening, mapped(self.name):
            packed = _Packed(self._raw(opening))
            head = packed.head(4)
            inner: _Readable = packed
            if head.startswith(_GZIP):
                inner = opening.enter_context(gzip.GzipFile(fileobj=io.BufferedReader(packed, _CHUNK)))
            elif head.startswith(_ZSTD):
                inner = opening.enter_context(pyzstd.ZstdFile(io.BufferedReader(packed, _CHUNK)))
            elif head.startswith(_WIDE):
                raise DestinationError(
                    f"{self.name} is UTF-16.", hint="Make it UTF-8: iconv -f UTF-16 -t UTF-8 IN > OUT."
                )
            self.packed = inner is not packed
            unpacked = _Unpacked(inner, packed, self.name, self._max_bytes)
            self._buffer = opening.enter_context(io.BufferedReader(unpacked, _CHUNK))
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def peek(self, size: int) -> bytes:
        """Some of the next bytes, at least one unless the end is reached, without taking them."""
        return self._buffer.peek(size)[:size]

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end only."""
        return self._buffer.read(size)

    def lines(self, limit: int) -> Iterator[tuple[int, bytes | None]]:
        """Each line with its number from 1 and its newline, without a byte order mark; None for one beyond `limit`."""
        if self.peek(3) == b"\xef\xbb\xbf":
            self.read(3)
        number = 0
        while line := self._buffer.readline(limit):
            number += 1
            if len(line) < limit or line.endswith(b"\n"):
                yield number, line
                continue
            while (rest := self._buffer.readline(limit)) and not rest.endswith(b"\n"):
                pass
            yield number, None

    def _raw(self, opening: ExitStack) -> io.RawIOBase:
        if self.path == "-":
            return opening.enter_context(io.FileIO(0, closefd=False))
        try:
            return opening.enter_context(io.FileIO(self.path))
        except FileNotFoundError as error:
            raise DestinationError(f"{self.path} does not exist.", hint=_nearest(self.path)) from error


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


class _Packed(io.RawIOBase):
    """Bytes as they lie on disk, counted. `head` looks at the first ones."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw, self._ahead, self.count = raw, b"", 0

    def readable(self) -> bool:
        return True

    def head(self, size: int) -> bytes:
        while len(self._ahead) < size and (more := self._raw.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if self._ahead:
            taken = min(len(self._ahead), len(view))
            view[:taken] = self._ahead[:taken]
            self._ahead = self._ahead[taken:]
        else:
            taken = self._raw.readinto(view) or 0
        self.count += taken
        return taken


class _Unpacked(io.RawIOBase):
    """Bytes after unpacking. Stops a file that unpacks to more than it may."""

    def __init__(self, inner: _Readable, packed: _Packed, name: str, max_bytes: int) -> None:
        self._inner, self._packed, self._name, self._max_bytes = inner, packed, name, max_bytes
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        with mapped(self._name):
            data = self._inner.read(len(view)) or b""
        view[: len(data)] = data
        self._count += len(data)
        if self._count > self._max_bytes:
            raise DestinationError(f"{self._name} holds more than {self._max_bytes} bytes.", hint="Split it.")
        if self._count > FREE_BYTES and self._count > MAX_RATIO * self._packed.count:
            raise DestinationError(
                f"{self._name} unpacks to more than {MAX_RATIO} times its size.", hint="If that is right, unpack it."
            )
        return len(data)


@contextmanager
def mapped(name: str) -> Iterator[None]:
    """Failures to read and to unpack as errors of ours."""
    try:
        yield
    except EOFError as error:
        raise DestinationError(f"{name} is cut off: its compressed data ends early.", hint="Copy it again.") from error
    except (gzip.BadGzipFile, zlib.error, pyzstd.ZstdError) as error:
        raise DestinationError(f"{name} is damaged: {error}.", hint="Copy it again.") from error
    except OSError as error:
        raise destination_error(error, name) from error


def _nearest(path: str) -> str:
    folder, name = os.path.split(path)
    try:
        near = difflib.get_close_matches(name, os.listdir(folder or "."), n=1)
    except OSError:
        return f"There is no folder {folder}."
    return f"Did you mean {os.path.join(folder, near[0])}?" if near else "Check the path."

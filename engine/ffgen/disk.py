"""The few things that publishing and checkpoints do to a file system, each of which a test may make fail or forget.

Whatever must hold after a power cut is written against `Disk`, and is tested on one that loses, tears and reorders all
that was not synced (tests/run/simdisk.py). What is synced: the bytes of a file by `File.sync`; its name, where it is
new, renamed or removed, by `sync_folder` of the folder that it is in. A sync that failed is never tried again: the
kernel may have forgotten what it could not write, and would say that all is well.
"""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ffgen import failpoint, posix

_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_READ = 1 << 20


class File(Protocol):
    """An open file. Everything raises OSError, or a DestinationError, when the disk can't."""

    def size(self) -> int:
        """Bytes in it."""

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes from there, fewer at its end."""

    def write_at(self, offset: int, data: bytes) -> None:
        """All of the data, from there on."""

    def truncate(self, size: int) -> None:
        """Cuts off what is beyond."""

    def sync(self) -> None:
        """Its bytes and its size are on the disk when this returns."""

    def close(self) -> None:
        """Lets go of it. A second call does nothing."""


class Disk(Protocol):
    """A file system. Paths are whole; a link in the place of a file is not followed."""

    def open(self, path: str, *, create: bool = False) -> File:
        """A file to read and write; made where it is not there, if told to. OSError when it is no file."""

    def size(self, path: str) -> int:
        """Bytes in a file, -1 where there is none."""

    def rename(self, source: str, target: str) -> None:
        """`target` is what `source` was, without a moment in between."""

    def remove(self, path: str) -> None:
        """Removes a file, if it is there."""

    def sync_folder(self, path: str) -> None:
        """The names in a folder are on the disk when this returns."""


class LocalFile:
    """See `File`."""

    def __init__(self, path: str, create: bool) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | _BINARY | _NO_LINK | (os.O_CREAT if create else 0), 0o666)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            raise FileNotFoundError(2, "not a regular file", path)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        pieces = []
        while size and (piece := _read_at(self._descriptor, min(size, _READ), offset)):
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def write_at(self, offset: int, data: bytes) -> None:
        write_at(self._descriptor, [data], offset, "disk.write")

    def truncate(self, size: int) -> None:
        failpoint.hit("disk.truncate")
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        failpoint.hit("disk.sync")
        posix.sync_file(self._descriptor, Path(self._path))
        failpoint.hit("disk.synced")

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with suppress(OSError):
                os.close(descriptor)


class LocalDisk:
    """The file systems of this machine."""

    def open(self, path: str, *, create: bool = False) -> File:
        return LocalFile(path, create)

    def size(self, path: str) -> int:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return -1
        return found.st_size if stat.S_ISREG(found.st_mode) else -1

    def rename(self, source: str, target: str) -> None:
        failpoint.hit("disk.rename")
        posix.replace(Path(source), Path(target))
        failpoint.hit("disk.renamed")

    def remove(self, path: str) -> None:
        failpoint.hit("disk.remove")
        with suppress(FileNotFoundError):
            os.unlink(path)

    def sync_folder(self, path: str) -> None:
        failpoint.hit("disk.sync_folder")
        posix.sync_directory(Path(path))


def publish_file(disk: Disk, work: str, target: str) -> None:
    """The finished file takes its place, on the disk when this returns; cut short, the old one is there or the new."""
    file = disk.open(work)
    try:
        file.sync()
    finally:
        file.close()
    disk.rename(work, target)
    disk.sync_folder(os.path.dirname(target))


def forget(disk: Disk, path: str) -> None:
    """Removes a file, if it is there, so that no power cut brings it back."""
    if disk.size(path) >= 0:
        disk.remove(path)
        disk.sync_folder(os.path.dirname(path))


def write_at(descriptor: int, pieces: Sequence[bytes], offset: int, point: str) -> None:
    """All pieces, one after the other, from an offset on: a write that the system cuts short is gone on with."""
    for piece in pieces:
        left = memoryview(piece)
        while left:
            written = _write_at(descriptor, left[: failpoint.clip(point, len(left))], offset)
            left, offset = left[written:], offset + written


def _read_at(descriptor: int, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def _write_at(descriptor: int, data: memoryview, offset: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)

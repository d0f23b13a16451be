"""What the gate was asked about a drawn table, in order: asked again, it knows what it knew."""

import os
from collections.abc import Iterator
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from ffgen.disk import LocalDisk
from ffgen.errors import InternalError
from ffgen.place import destination_error

_SIZE = Layout("<Q")


class Judged(Struct, frozen=True, array_like=True):
    """One question to the gate: keys (u64) and packed digests of texts, as workers send them."""

    keys: bytes
    near: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Judged).decode


class KeyLog:
    """An append-only file of questions: 8 bytes a row and key set, as much again for each row that was refused.
    Begins at `kept` bytes, which are there already."""

    def __init__(self, path: str, kept: int = 0) -> None:
        self.path = path
        self.size = kept
        try:
            self._file = LocalDisk().open(path, create=True)
            self._file.truncate(kept)
        except OSError as error:
            raise destination_error(error, path) from error

    def add(self, judged: Judged) -> None:
        """One more question."""
        data = _encode(judged)
        try:
            self._file.write_at(self.size, _SIZE.pack(len(data)) + data)
        except OSError as error:
            raise destination_error(error, self.path) from error
        self.size += _SIZE.size + len(data)

    def __iter__(self) -> Iterator[Judged]:
        """All of them, as far as they are kept."""
        at, end = 0, self.size
        try:
            while at < end:
                (length,) = _SIZE.unpack(self._file.read_at(at, _SIZE.size))
                yield _decode(self._file.read_at(at + _SIZE.size, length))
                at += _SIZE.size + length
        except OSError as error:
            raise destination_error(error, self.path) from error
        except Exception as error:
            what = f"{self.path} can't be read back."
            raise InternalError(what, hint=f"Begin anew: --fresh, or remove {os.path.dirname(self.path)}.") from error

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

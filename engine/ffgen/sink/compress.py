"""Bytes on their way out: gathered into fixed blocks, compressed block by block."""

import zlib
from collections.abc import Callable
from typing import BinaryIO

import pyzstd

from ffgen.errors import UsageError
from ffgen.sink.target import Target

BLOCK = 1 << 20
"""Bytes of input a block. Independent gzip members of 1 MiB cost nothing in size, zstd frames 5 %."""

# RFC 1952: deflate, no name, no time, no word on the compressor, system unknown. The same bytes on every machine.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def gzip_member(data: bytes) -> bytes:
    """One independent gzip member, level 6, without time or name."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    return b"".join((_GZIP_HEADER, body, zlib.crc32(data).to_bytes(4, "little"), len(data).to_bytes(4, "little")))


def zstd_frame(data: bytes) -> bytes:
    """One independent zstd frame, level 3, with its size in the header."""
    return pyzstd.compress(data, 3)


COMPRESSORS: dict[str, Callable[[bytes], bytes] | None] = {"none": None, "gzip": gzip_member, "zstd": zstd_frame}


class Output:
    """A target behind a compressor. The bytes that come out depend on the stream of bytes put in, not on its cuts.

    Holds one block. Without compression a stream gets each write at once; with it, block by block. An empty
    stream is still one valid member or frame.
    """

    def __init__(self, where: BinaryIO | str, compression: str) -> None:
        if compression not in COMPRESSORS:
            raise UsageError(f"Compression {compression} is unknown.", hint=f"Known: {', '.join(COMPRESSORS)}.")
        self._compress = COMPRESSORS[compression]
        self._target = Target(where)
        self._at_once = self._compress is None and self._target.is_stream
        self._held = bytearray()
        self._empty = True

    def write(self, data: bytes) -> None:
        """Take bytes; full blocks go out."""
        if self._at_once:
            self._target.write(data)
            return
        self._held += data
        while len(self._held) >= BLOCK:
            block = bytes(self._held[:BLOCK])
            del self._held[:BLOCK]
            self._emit(block)

    def close(self, *, complete: bool = True) -> None:
        """Let the last block out, then close. An incomplete file is closed as it is."""
        try:
            if complete and (self._held or (self._empty and self._compress is not None)):
                block, self._held = bytes(self._held), bytearray()
                self._emit(block)
        except BaseException:
            self._target.close(complete=False)
            raise
        self._target.close(complete=complete)

    def _emit(self, block: bytes) -> None:
        self._empty = False
        self._target.write(block if self._compress is None else self._compress(block))

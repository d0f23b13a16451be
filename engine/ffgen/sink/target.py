"""Where a sink's bytes go: a file of its own, or a stream that someone else opened."""

import errno
import io
import os
import select
from typing import BinaryIO

from ffgen import failpoint
from ffgen.errors import DestinationError, ReaderGone
from ffgen.place import destination_error

_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Target:
    """An open file or stream that takes all bytes given, or fails with one of our errors.

    Writes go straight to the descriptor, so that nothing lingers in a buffer of Python's and fails again at exit.
    A stream is never closed here: it belongs to its caller. With `go_on`, what is in a file stays: `seek` is next.
    """

    def __init__(self, where: BinaryIO | str, *, go_on: bool = False) -> None:
        self.name = where if isinstance(where, str) else str(getattr(where, "name", "the stream"))
        self.is_stream = not isinstance(where, str)
        self._object: BinaryIO | None = None
        if isinstance(where, str):
            try:
                self._descriptor = os.open(where, _FLAGS | (0 if go_on else os.O_TRUNC), 0o666)
            except OSError as error:
                raise destination_error(error, where) from error
            return
        try:
            where.flush()
            self._descriptor = where.fileno()
        except io.UnsupportedOperation:
            self._descriptor, self._object = -1, where
        except OSError as error:
            raise self._failed(error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it: partial writes go on, a stream that is not ready is waited for."""
        try:
            if self._object is not None:
                self._object.write(data)
                return
            left = memoryview(data)
            while left:
                try:
                    some = left[: failpoint.clip("sink.write", len(left))]
                    left = left[os.write(self._descriptor, some) :]
                except BlockingIOError:
                    select.select([], [self._descriptor], [])
        except OSError as error:
            raise self._failed(error) from error

    def seek(self, offset: int) -> None:
        """Go on writing at this offset of a file."""
        os.lseek(self._descriptor, offset, os.SEEK_SET)

    def close(self, *, complete: bool = True) -> None:
        """Close a file of ours. An incomplete one is closed without a second error."""
        if self.is_stream or self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
        except OSError as error:
            if complete:
                raise self._failed(error) from error

    def _failed(self, error: OSError) -> DestinationError | ReaderGone:
        if self.is_stream and error.errno in (errno.EPIPE, errno.ECONNRESET):
            return ReaderGone("The reader of the output went away.")
        return destination_error(error, self.name)

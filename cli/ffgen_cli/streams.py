"""The standard streams, whatever the caller made of them: closed, full, or gone.

The number of one that is closed would be given to the next file that is opened, and messages would end among records.
So each is filled at the start: nothing comes from it, nothing goes into standard output, and messages go nowhere.
"""

import io
import os
import sys
from typing import Any, TextIO

from ffgen.errors import DestinationError


class _Output(io.FileIO):
    """Standard output. What can't be written is an error of ours; a reader that left is not."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            hint = "Write to a file: -o FILE, or > FILE."
            raise DestinationError(f"Standard output can't be written: {error.strerror}.", hint=hint) from error


class _Messages(io.FileIO):
    """Standard error. What can't be said is left unsaid: the exit code still is."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def claim() -> None:
    """Makes all three usable, before anything is opened. For a process of our own only."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            made = os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)  # the lowest number that is free
            os.set_inheritable(made, True)  # or it would be free again in each worker
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout, "<stdout>")
    sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr, "<stderr>")


def _text(raw: io.FileIO, before: TextIO | None, name: str) -> TextIO:
    raw.name = name
    encoding = "utf-8" if before is None else before.encoding
    errors = "backslashreplace" if before is None or before.errors is None else before.errors
    line = raw.isatty() or name == "<stderr>"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=line)

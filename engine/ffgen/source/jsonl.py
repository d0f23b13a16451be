"""JSON Lines."""

from collections.abc import Iterator, Sequence

from ffgen.source.block import MAX_RECORD, Item, decode_record
from ffgen.source.stream import Stream
from ffgen.spec.model import Field


def read(stream: Stream, columns: Sequence[Field]) -> Iterator[Item]:
    """One item a line; blank lines are skipped."""
    for number, line in stream.lines(MAX_RECORD):
        if line is None:
            yield number, f"a line longer than {MAX_RECORD >> 20} MiB"
        elif text := line.strip():
            yield number, decode_record(text)

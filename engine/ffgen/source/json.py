"""A JSON array of records, one record in memory at a time."""

import re
from collections.abc import Iterator, Sequence

from ffgen.source import jsonl
from ffgen.source.block import MAX_RECORD, Item, decode_record
from ffgen.source.stream import Stream
from ffgen.spec.model import Field

_CHUNK = 1 << 20

# What decides where an element ends: whole strings (which may hold brackets), brackets, commas; last, a quote whose
# string goes on past the bytes at hand. Possessive, so that a hostile file costs linear time.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]|"', re.DOTALL)


def read(stream: Stream, columns: Sequence[Field]) -> Iterator[Item]:
    """One item an element, numbered by the line on which it begins. A file of JSON Lines in disguise is read too."""
    head = stream.peek(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"{"):
        return jsonl.read(stream, columns)
    return _Array(stream).items()


class _Array:
    """A walk over the elements of one array. `_text` holds what was read and not dropped, `_start` is where the
    element at hand begins, `_line` the line of that place."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._text = b""
        self._start = self._scanned = 0
        self._line = 1

    def items(self) -> Iterator[Item]:
        if not self._begin():
            yield self._line, "not a JSON array of records"
            return
        depth = elements = 0
        while depth >= 0:
            token = self._token()
            if token is None:
                yield self._line, f"the array is cut off, or a record is longer than {MAX_RECORD >> 20} MiB"
                return
            mark = token.group()
            if mark in (b"[", b"{"):
                depth += 1
            elif mark in (b"]", b"}"):
                depth -= 1
            if depth < 0 or (depth == 0 and mark == b","):
                yield from self._element(token.start(), optional=depth < 0 and elements == 0)
                elements += 1
                self._advance(token.end())
        yield from self._rest()

    def _begin(self) -> bool:
        """Go past the opening bracket, if that is what the text begins with."""
        while not (begun := self._text.removeprefix(b"\xef\xbb\xbf").lstrip()) and self._more():
            pass
        if not begun.startswith(b"["):
            return False
        self._advance(self._text.index(b"[") + 1)
        return True

    def _token(self) -> re.Match[bytes] | None:
        """The next token that is whole; None when the text ends, or the element is too long."""
        while True:
            token = _TOKEN.search(self._text, self._scanned)
            if token is not None and token.group() != b'"':
                self._scanned = token.end()
                return token
            self._scanned = len(self._text) if token is None else token.start()
            if len(self._text) - self._start > MAX_RECORD or not self._more():
                return None

    def _element(self, end: int, *, optional: bool) -> Iterator[Item]:
        text = self._text[self._start : end]
        line = self._line + text.count(b"\n", 0, len(text) - len(text.lstrip()))
        if text.strip():
            yield line, decode_record(text.strip())
        elif not optional:
            yield line, "a record is missing beside a comma"

    def _rest(self) -> Iterator[Item]:
        while not self._text[self._start :].strip():
            self._advance(len(self._text))
            if not self._more():
                return
        yield self._line, "text after the end of the array"

    def _more(self) -> bool:
        """Read on, as much again as the element at hand, so that a long one costs linear time."""
        held = self._text[self._start :]
        data = self._stream.read(max(_CHUNK, len(held)))
        self._text = held + data
        self._scanned -= self._start
        self._start = 0
        return bool(data)

    def _advance(self, start: int) -> None:
        self._line += self._text.count(b"\n", self._start, start)
        self._start = self._scanned = start

"""CSV."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec
import polars as pl

from ffgen.errors import InternalError, UsageError
from ffgen.sink.compress import Output
from ffgen.sink.formula import escaped

_Row = dict[str, msgspec.Raw]
_OBJECT = msgspec.json.Decoder(_Row)
_TEXT = msgspec.json.Decoder(str)


class Csv:
    """CSV (`.csv`): one header line, UTF-8, commas, lines ended by a newline, quotes only where needed.

    An object becomes one column a member, named with a dot (`address.city`); an array is one cell of JSON text.
    Null is an empty cell and empty text is `""`, so the two differ. Numbers, booleans, dates and times are
    written exactly as in JSON Lines. Cells are not escaped against spreadsheet formulas: what was generated is
    what stands there (`csv-safe` escapes them). 4 to 10 microseconds a row of eight columns.
    """

    is_safe = False

    def __init__(self, target: BinaryIO | str, schema: dict[str, Any] | None, compression: str) -> None:
        if schema is None:
            raise InternalError("The CSV sink was made without a schema.")
        self._target, self._compression = target, compression
        self._columns = tuple(Column(name, dtype) for name, dtype in schema.items())
        self._header = _header(self._columns, self.is_safe)

    def open(self) -> None:
        self._output = Output(self._target, self._compression)
        self._output.write(self._header)

    def write(self, lines: bytes, rows: int) -> None:
        try:
            cells = flatten(_OBJECT.decode_lines(lines), self._columns, self.is_safe)
        except msgspec.MsgspecError as error:
            raise InternalError(f"Rows on their way to CSV are not JSON objects: {error}.") from error
        frame = pl.DataFrame([pl.Series(f"{i}", texts, dtype=pl.String) for i, texts in enumerate(cells)])
        self._output.write(frame.write_csv(include_header=False).encode())

    def close(self, *, complete: bool = True) -> None:
        self._output.close(complete=complete)


class SafeCsv(Csv):
    """CSV that a spreadsheet can open without running what it holds (`csv-safe`, in a file called `.csv`).

    As `csv`, but text that starts with `=`, `@`, a tab or a carriage return gets an apostrophe before it, and so does
    text that starts with `+` or `-` and is neither a number nor an E.164 phone number. Columns of numbers never do.
    """

    is_safe = True


class Column:
    """One field of the schema: a cell, or the members of an object."""

    def __init__(self, name: str, dtype: Any) -> None:
        self.name = name
        self.members: tuple[Column, ...] | None = None
        if isinstance(dtype, pl.Struct):
            self.members = tuple(Column(field.name, field.dtype) for field in dtype.fields)

    def names(self) -> list[str]:
        """The dotted names of the cells below this field, in order."""
        if self.members is None:
            return [self.name]
        return [f"{self.name}.{inner}" for member in self.members for inner in member.names()]


def flatten(rows: Sequence[_Row | None], columns: Sequence[Column], safe: bool = False) -> list[list[str | None]]:
    """The cells of each flat column as text: the JSON token itself, but for strings, which are unquoted; `safe`
    escapes formulas in those."""
    flat: list[list[str | None]] = []
    for column in columns:
        cells = [None if row is None else row.get(column.name) for row in rows]
        if column.members is None:
            flat.append([_safe_text(cell) for cell in cells] if safe else [_text(cell) for cell in cells])
        else:
            flat += flatten([_object(cell) for cell in cells], column.members, safe)
    return flat


def _object(cell: msgspec.Raw | None) -> _Row | None:
    return None if cell is None or bytes(cell) == b"null" else _OBJECT.decode(cell)


def _text(cell: msgspec.Raw | None) -> str | None:
    if cell is None:
        return None
    token = bytes(cell)
    if token.startswith(b'"'):
        return _TEXT.decode(token) if b"\\" in token else token[1:-1].decode()
    return None if token == b"null" else token.decode()


def _safe_text(cell: msgspec.Raw | None) -> str | None:
    text = _text(cell)
    return escaped(text) if text is not None and cell is not None and bytes(cell).startswith(b'"') else text


def _header(columns: Sequence[Column], safe: bool) -> bytes:
    names = [name for column in columns for name in column.names()]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UsageError(f"Two fields would share the CSV column {twice}.", hint="Rename one, or write JSON Lines.")
    heads = map(escaped, names) if safe else names
    return pl.DataFrame(schema=dict.fromkeys(heads, pl.String)).write_csv().encode()

"""CSV, with nulls told from empty text and nested fields put together again."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ffgen.errors import DestinationError
from ffgen.source.block import MAX_RECORD, Item
from ffgen.source.stream import Stream
from ffgen.spec.model import Field

_Cells = list[str | None]

# One cell and what ends it. Possessive, so that a hostile record costs linear time. The standard library's reader
# is not used: it can't tell an empty cell from `""`, and limits a cell by a setting of the whole process.
_CELL = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",]*+))(,|\Z)')
_DECODE = msgspec.json.Decoder().decode


def read(stream: Stream, columns: Sequence[Field]) -> Iterator[Item]:
    """One item a record, numbered by the line on which it begins.

    Values are text; an empty cell is null, `""` is empty text. Cells of `array` and `object` fields are parsed as
    JSON, and stay text when they are not; without `columns`, those in brackets that parse.
    """
    records = _records(stream)
    header = next(records, None)
    if header is None:
        return
    names = _header(stream, header[1])
    build = builder(names, columns)
    for number, text in records:
        if text is None:
            yield number, f"a quote is never closed, or a record is longer than {MAX_RECORD >> 20} MiB"
            return
        try:
            record = text.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            yield number, f"not UTF-8: {error}"
            continue
        if not record and len(names) > 1:
            continue
        cells = split(record)
        if cells is None:
            yield number, "text beside a quoted cell, or a quote inside a bare one"
        elif len(cells) != len(names):
            yield number, f"{len(cells)} cells, the header has {len(names)}"
        else:
            yield number, build(cells)


def split(record: str) -> _Cells | None:
    """The cells of one record without its newline; None when its quotes are wrong."""
    if '"' not in record:
        return [cell or None for cell in record.split(",")]
    cells: _Cells = []
    at = 0
    while True:
        match = _CELL.match(record, at)
        if match is None:
            return None
        quoted, bare, end = match.groups()
        cells.append(quoted.replace('""', '"') if quoted is not None else bare or None)
        if not end:
            return cells
        at = match.end()


def builder(names: Sequence[str], columns: Sequence[Field]) -> Callable[[_Cells], dict[str, Any]]:
    """What makes a row of cells, decided once for the file."""
    known = dict(_leaves(columns, ()))
    objects = dict(_objects(columns, ()))
    paths = [known[name][0] if name in known else _split_name(name, names, objects, columns) for name in names]
    parse = [known[name][1] in ("array", "object") if name in known else not columns for name in names]
    parsed = [i for i, wanted in enumerate(parse) if wanted]
    nested = any(len(path) > 1 for path in paths)
    inner = sorted({path[:depth] for path in paths for depth in range(1, len(path))}, key=len, reverse=True)
    absent = [path for path in inner if objects.get(path, True)]
    flat = [path[0] for path in paths]

    def build(cells: _Cells) -> dict[str, Any]:
        values: list[Any] = list(cells)
        for i in parsed:
            values[i] = _parse(values[i])
        if not nested:
            return dict(zip(flat, values, strict=True))
        row = _nest(paths, values)
        for path in absent:
            _drop_empty(row, path)
        return row

    return build


def _records(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Whole records with the line on which each begins; None for one whose quotes never close."""
    held: list[bytes] = []
    begun = size = 0
    odd = False
    for number, line in stream.lines(MAX_RECORD):
        begun = begun if held else number
        size += MAX_RECORD if line is None else len(line)
        if line is None or size > MAX_RECORD:
            yield begun, None
            return
        held.append(line)
        odd ^= bool(line.count(b'"') % 2)
        if not odd:
            yield begun, b"".join(held)
            held, size = [], 0
    if held:
        yield begun, None


def _header(stream: Stream, text: bytes | None) -> list[str]:
    try:
        cells = None if text is None else split(text.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError as error:
        raise DestinationError(f"{stream.name} is not UTF-8: {error}.", hint="Convert it to UTF-8.") from error
    if cells is None:
        raise DestinationError(f"The header of {stream.name} has quotes that do not match.", hint="Mend line 1.")
    names = [cell or "" for cell in cells]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise DestinationError(f"{stream.name} has the column {twice!r} twice.", hint="Rename one in line 1.")
    return names


def _leaves(fields: Sequence[Field], above: tuple[str, ...]) -> Iterator[tuple[str, tuple[tuple[str, ...], str]]]:
    """Each column's dotted name, the path of keys that it stands for, and the field's type."""
    for field in fields:
        path = (*above, field.name)
        yield ".".join(path), (path, field.type)
        yield from _leaves(field.fields or (), path)


def _objects(fields: Sequence[Field], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The path of each object, and whether it may be null."""
    for field in fields:
        if field.fields:
            path = (*above, field.name)
            yield path, field.may_be_null
            yield from _objects(field.fields, path)


def _split_name(
    name: str, names: Sequence[str], objects: dict[tuple[str, ...], bool], columns: Sequence[Field]
) -> tuple[str, ...]:
    """The path of a column that no field has: nested where nothing speaks against it."""
    path = tuple(name.split("."))
    clash = any(".".join(path[:depth]) in names for depth in range(1, len(path)))
    if clash or not all(path) or (columns and path[:1] not in objects):
        return (name,)
    return path


def _parse(cell: str | None) -> Any:
    if cell is None or cell[:1] + cell[-1:] not in ("[]", "{}"):
        return cell
    try:
        return _DECODE(cell)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return cell


def _nest(paths: Sequence[tuple[str, ...]], values: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        place = row
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return row


def _drop_empty(row: dict[str, Any], path: tuple[str, ...]) -> None:
    """An object of nothing but nulls is null: CSV can't tell the two."""
    place = row
    for key in path[:-1]:
        place = place[key]
    if all(value is None for value in place[path[-1]].values()):
        place[path[-1]] = None

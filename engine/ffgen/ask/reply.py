"""A model's text, as typed rows. Complete rows of a broken or cut-off reply are kept.

A good reply is decoded whole by a typed decoder. When that refuses, rows are read one by one with lossless
conversions; when the text is not even JSON, complete rows are found in what there is.
"""

import csv
import io
import json
import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ffgen.spec.record import Cells, Misfit, RecordType, Refusals


class Rows(Struct):
    """The rows of one reply: typed cells in the spec's order, and what did not become a row."""

    cells: list[Cells]
    refused: Refusals
    converted: int = 0
    broken: bool = False
    """The text was not the document asked for; what is here was salvaged."""


class Reader:
    """Reads the replies of one dataset. Built once a process."""

    def __init__(self, record: RecordType, form: Literal["rows", "objects", "csv"]) -> None:
        self.record = record
        self.form = form
        row = record.row if form == "rows" else record.entry
        envelope = msgspec.defstruct("envelope", [("rows", list[row])], gc=False)  # type: ignore[valid-type]
        self.decode = msgspec.json.Decoder(envelope).decode

    def read(self, text: str, truncated: bool = False) -> Rows:
        """The rows of a reply. Never raises: what can't be read is counted as refused or broken."""
        if self.form == "csv":
            return self._read_csv(text, truncated)
        try:
            envelope: Any = self.decode(text)
        except msgspec.ValidationError:
            return self._read_rows(*self._raw_rows(text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._read_rows(salvage(text), broken=True)
        except RecursionError:
            return Rows([], Refusals({("", "nesting"): 1}), broken=True)
        return Rows([msgspec.structs.astuple(row) for row in envelope.rows], Refusals())

    def _raw_rows(self, text: str) -> tuple[list[Any], bool]:
        document = msgspec.json.decode(text)
        rows = document.get("rows") if isinstance(document, dict) else document
        if isinstance(rows, list):
            return rows, not isinstance(document, dict)
        return [], True

    def _read_rows(self, raw_rows: list[Any], broken: bool = False) -> Rows:
        rows = Rows([], Refusals(), broken=broken)
        for raw in raw_rows:
            try:
                cells, converted = self.record.coerce(raw)
            except Misfit as misfit:
                rows.refused[misfit.field, misfit.reason] += 1
                continue
            rows.cells.append(cells)
            rows.converted += converted
        return rows

    def _read_csv(self, text: str, truncated: bool) -> Rows:
        text = re.sub(r"^```[a-z]*\n|\n```\s*$", "", text.strip())
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
        if truncated:
            lines = lines[:-1]
        if lines and [cell.strip() for cell in lines[0]] == self.record.names:
            lines = lines[1:]
        return self._read_rows([from_text(self.record, line) for line in lines], broken=truncated)


def from_text(record: RecordType, line: list[str]) -> list[Any]:
    """CSV cells as raw values: empty is null where null is allowed, objects and arrays are JSON text."""
    if len(line) != len(record.types):
        return line
    cells: list[Any] = []
    for text, kind in zip(line, record.types, strict=True):
        if text == "" and kind.field.nullable:
            cells.append(None)
        elif kind.field.type in ("object", "array"):
            cells.append(loads_or_none(text))
        else:
            cells.append(text)
    return cells


def loads_or_none(text: str) -> Any:
    """JSON text as a value; None when it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


START = re.compile(r'"rows"\s*:\s*\[|\[\s*(?=[\[{])')
STRICT = json.JSONDecoder()


def salvage(text: str) -> list[Any]:
    """The complete rows at the head of a table in broken JSON: prose around it, a missing end, a bad row.

    >>> salvage('Sure! {"rows": [[1, "a"], [2, "b"], [3, "c')
    [[1, 'a'], [2, 'b']]
    """
    found = START.search(text)
    if found is None:
        return []
    rows: list[Any] = []
    position = found.end()
    while (start := next_row(text, position)) >= 0:
        try:
            row, position = STRICT.raw_decode(text, start)
        except (ValueError, RecursionError):
            return rows
        rows.append(row)
    return rows


def next_row(text: str, position: int) -> int:
    """Where the next row starts, past white space and commas; -1 at the table's end."""
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position if position < len(text) and text[position] in "[{" else -1

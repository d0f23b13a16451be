"""A model's text, as typed rows. Complete rows of a broken or cut-off reply are kept.

A good reply is decoded whole by a typed decoder. When that refuses, rows are read one by one with lossless
conversions; when the text is not even JSON, complete rows are found in what there is.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ffgen.spec.record import UNKNOWN, Cells, Misfit, RecordType, Refusals
from ffgen.spec.types.nested import Array, Object

MANY = 10_000
"""Rows of a reply that are looked at; what a model says beyond is not read."""
MENDS = 32
"""Broken rows of a reply that are stepped over. Each may cost a look through the rest of the text."""


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

    def read(self, text: str, truncated: bool = False, limit: int = MANY) -> Rows:
        """The first `limit` rows of a reply. Never raises: what can't be read is counted as refused or broken.

        `truncated`: the text is known to be the start of a longer one. Linear in the text.
        """
        if self.form == "csv":
            return self._read_csv(text, truncated, limit)
        try:
            envelope: Any = self.decode(text)
        except msgspec.ValidationError:
            return self._read_document(text, limit)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return self._read_rows(salvage(text), limit, broken=True)
        return Rows([msgspec.structs.astuple(row) for row in envelope.rows[:limit]], Refusals())

    def _read_document(self, text: str, limit: int) -> Rows:
        """A document whose values don't all fit. The first of them may stand before a place that is no JSON at all."""
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return self._read_rows(salvage(text), limit, broken=True)
        rows = document.get("rows") if isinstance(document, dict) else document
        if not isinstance(rows, list):
            return self._read_rows(salvage(text), limit, broken=True)
        return self._read_rows(rows, limit, broken=not isinstance(document, dict))

    def _read_rows(self, raw_rows: Iterable[Any], limit: int, broken: bool = False) -> Rows:
        rows = Rows([], Refusals(), broken=broken)
        for looked_at, raw in enumerate(raw_rows):
            if len(rows.cells) == limit or looked_at == MANY:
                break
            try:
                cells, converted = self.record.coerce(raw)
            except Misfit as misfit:
                # What a model calls its keys is no text for a report: there is no end to them.
                known = ("", "unknown key") if misfit.reason == UNKNOWN else (misfit.field, misfit.reason)
                rows.refused[known] += 1
                continue
            rows.cells.append(cells)
            rows.converted += converted
        return rows

    def _read_csv(self, text: str, truncated: bool, limit: int) -> Rows:
        lines = csv_lines(unfenced(text), truncated)
        rows = self._read_rows(without_header(lines, self.record), limit, broken=truncated)
        rows.converted = 0  # all cells are text here, so a number read from text is no slip of the model's
        return rows


def unfenced(text: str) -> str:
    """What stands in the first code fence; all of it when there is none.

    >>> unfenced("Here you are:\\n```csv\\n1,a\\n```\\nEnjoy!")
    '1,a\\n'
    """
    opening = re.search(r"^```[a-zA-Z]*[ \t]*\r?\n", text, re.MULTILINE)
    if opening is None:
        return text
    closing = re.compile(r"^```", re.MULTILINE).search(text, opening.end())
    return text[opening.end() : closing.start() if closing else len(text)]


def csv_lines(text: str, truncated: bool) -> Iterator[list[str]]:
    """The records of a CSV text; of a truncated one, those whose line end is there."""
    if truncated:
        # A line end counts outside of quotes only.
        ends = [found.end() for found in re.finditer(r'"[^"]*+("|\Z)|\n', text) if found[0] == "\n"]
        text = text[: ends[-1]] if ends else ""
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        yield from (line for line in reader if line)
    except csv.Error:  # a cell of more than 128 KiB, from a quote that is never closed
        return


def without_header(lines: Iterator[list[str]], record: RecordType) -> Iterator[list[Any]]:
    """Raw rows; a first line that names the fields is none."""
    for number, line in enumerate(lines):
        if number > 0 or [cell.strip() for cell in line] != record.names:
            yield from_text(record, line)


def from_text(record: RecordType, line: list[str]) -> list[Any]:
    """CSV cells as raw values: empty is null where null is allowed, objects and arrays are JSON text."""
    if len(line) != len(record.types):
        return line
    cells: list[Any] = []
    for text, kind in zip(line, record.types, strict=True):
        if text.strip() == "" and kind.field.may_be_null:
            cells.append(None)
        elif isinstance(kind, Object | Array):
            cells.append(json_or_text(text))
        else:
            cells.append(text)
    return cells


def json_or_text(text: str) -> Any:
    """JSON text as a value; the text itself, which is neither object nor array, when it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return text


STARTS = [re.compile(start) for start in (r'"rows"\s*:\s*\[', r"\[\s*(?=[\[{])", r"(?=[\[{])")]
"""Where a table's rows begin, surest sign first: its name, a list of lists or objects, rows without a list."""
NEXT_ROW = re.compile(r"[\]}]\s*,\s*(?=[\[{])")
STRICT = json.JSONDecoder()


def salvage(text: str) -> Iterator[Any]:
    """The complete rows of a table in broken JSON: prose around it, a missing end, broken rows between.

    >>> list(salvage('Sure! {"rows": [[1, "a"], [2, "b"], [3, "c'))
    [[1, 'a'], [2, 'b']]
    """
    position = next((found.end() for start in STARTS if (found := start.search(text))), len(text))
    mends = 0
    while True:
        if (start := next_row(text, position)) >= 0:
            try:
                row, position = STRICT.raw_decode(text, start)
                yield row
                continue
            except (ValueError, RecursionError):
                position = start
        elif mends == 0:
            return
        # Past the broken row, or, where it held lists itself, past a part of it, which is refused as a row.
        mends += 1
        after = NEXT_ROW.search(text, position) if mends <= MENDS else None
        if after is None:
            return
        position = after.end()


def next_row(text: str, position: int) -> int:
    """Where the next row starts, past white space and commas; -1 at the table's end."""
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position if position < len(text) and text[position] in "[{" else -1

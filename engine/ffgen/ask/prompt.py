"""What a model is told: the shared part first and byte-identical, what sets a shard apart last.

Servers keep the state of a shared prefix (461 of 468 tokens reused, prompt time 4139 ms to 59 ms on llama.cpp),
so everything that does not change from ask to ask stands in the first messages.
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from ffgen.ask.dialect import Prompt
from ffgen.spec.model import Dataset
from ffgen.spec.record import requirements
from ffgen.spec.types import ValueType
from ffgen.spec.types.nested import describe, nullable_schema, one_line

MOST_ROOM = 16_384
CHARS_PER_TOKEN = 3.0
"""A low figure on purpose: an estimate that is too high costs nothing, one too low cuts replies off."""


class Prompts:
    """Writes the prompts of one dataset. Built once a process; a prompt costs a few microseconds."""

    def __init__(self, dataset: Dataset, types: list[ValueType], reply: str, max_tokens: int | None) -> None:
        self.dataset = dataset
        self.types = types
        self.names = [field.name for field in dataset.fields]
        self.reply = reply
        self.max_tokens = max_tokens
        self.samples = [row for row in (self._sample(0), self._sample(1)) if row is not None]
        self.shared = self._shared()
        self.schemas: dict[int, dict[str, Any] | None] = {}

    def prompt(self, rows: int, slices: str = "", voice: str = "", taken: str = "", room: int | None = None) -> Prompt:
        """The prompt for one shard of `rows` rows: the part of the space that it is for, who writes, what to leave
        alone. `room` is the room of the reply in tokens where it is not that of so many rows."""
        if rows not in self.schemas:
            self.schemas[rows] = self._schema(rows)
        last = f"Write {rows} rows. Every row differs from all others."
        last += f" In these rows: {slices}." if slices else ""
        last += f" Written by {voice}." if voice else ""
        last += f" Taken already, so not to be used again: {taken}." if taken else ""
        return Prompt([*self.shared, ("user", last)], self.schemas[rows], self.room(rows) if room is None else room)

    def room(self, rows: int) -> int:
        """Tokens a reply of `rows` rows may take, the longest ones included, unless the spec says; at most 16384."""
        if self.max_tokens:
            return self.max_tokens
        most = self._chars(1) / CHARS_PER_TOKEN
        return min(int(rows * max(3 * self.tokens_per_row(), most + 4)) + 128, MOST_ROOM)

    def tokens_per_row(self) -> float:
        """Estimated tokens of one usual row of a reply."""
        return self._chars(0) / CHARS_PER_TOKEN + 2

    def _chars(self, which: int) -> int:
        """Characters of one row of a reply: a usual one (0), or the longest (1)."""
        names = sum(len(name) + 4 for name in self.names) if self.reply == "objects" else 0
        return names + sum(kind.widths()[which] + 1 for kind in self.types)

    def bytes_per_row(self) -> float:
        """Estimated bytes of one JSON line of the output."""
        return 3 + sum(len(name) + 4 + kind.widths()[0] for name, kind in zip(self.names, self.types, strict=True))

    def tokens_of_prompt(self) -> int:
        """Estimated tokens of one whole prompt."""
        return int(sum(len(text) for _, text in self.shared) / CHARS_PER_TOKEN) + 80

    def _shared(self) -> list[tuple[str, str]]:
        lines = ["You write synthetic test data. People, companies and facts are invented."]
        if domain := one_line(self.dataset.domain or ""):
            lines.append(f"Domain: {domain}")
        lines.append("A row has these values, in this order:")
        pairs = enumerate(zip(self.names, self.types, strict=True), start=1)
        lines += [f"{i}. {name}: {describe(kind)}" for i, (name, kind) in pairs]
        if rules := requirements(self.dataset):
            lines.append("In every row this is true: " + " AND ".join(f"({one_line(rule)})" for rule in rules))
        if keys := self.dataset.unique_by:
            lines.append(f"No two rows have the same {' and '.join(dict.fromkeys(keys))}.")
        lines.append("Rows are varied and realistic; no two are alike; values of one row agree with each other.")
        lines.append(self._form())
        messages = [("system", "\n".join(lines))]
        if self.samples:
            messages += [("user", f"Write {len(self.samples)} rows."), ("assistant", self._reply_text(self.samples))]
        return messages

    def _form(self) -> str:
        if self.reply == "csv":
            return f"Answer with CSV only, a line per row, no header.\nColumns: {csv_line(self.names)}"
        if self.reply == "objects":
            return 'Answer with compact JSON on one line, no spaces: {"rows":[{...},{...}]}, one object per row.'
        cells = ",".join(self.names)
        return f'Answer with compact JSON on one line, no spaces: {{"rows":[[{cells}],...]}}, one array per row.'

    def _schema(self, rows: int) -> dict[str, Any] | None:
        if self.reply == "csv":
            return None
        cells = [nullable_schema(kind) for kind in self.types]
        row: dict[str, Any]
        if self.reply == "rows":
            width = len(cells)
            row = {"type": "array", "prefixItems": cells, "minItems": width, "maxItems": width}
        else:
            properties = dict(zip(self.names, cells, strict=True))
            row = {"type": "object", "properties": properties, "required": self.names, "additionalProperties": False}
        table = {"type": "array", "items": row, "minItems": rows, "maxItems": rows}
        return {"type": "object", "properties": {"rows": table}, "required": ["rows"], "additionalProperties": False}

    def _sample(self, index: int) -> list[Any] | None:
        cells = []
        for kind in self.types:
            cell = kind.sample(index)
            if cell is None and not kind.field.may_be_null:
                return None
            cells.append(cell)
        return cells

    def _row_text(self, row: list[Any]) -> str:
        if self.reply == "csv":
            return csv_line(row)
        return compact(dict(zip(self.names, row, strict=True)) if self.reply == "objects" else row)

    def _reply_text(self, rows: list[list[Any]]) -> str:
        texts = [self._row_text(row) for row in rows]
        return "\n".join(texts) if self.reply == "csv" else '{"rows":[' + ",".join(texts) + "]}"


def compact(value: Any) -> str:
    """JSON without spaces; integers of any size."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def csv_line(cells: Sequence[Any]) -> str:
    """Cells as a line of CSV, the way `ask/reply.py` reads it.

    >>> csv_line(["chair, folding", 5, None, True, ["a"]])
    '"chair, folding",5,,true,"[""a""]"'
    """
    texts = ["" if cell is None else cell if isinstance(cell, str) else compact(cell) for cell in cells]
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(texts)  # what is in the terminator is quoted in a cell
    return line.getvalue().removesuffix("\r\n")


def without_patterns(schema: Any) -> Any:
    """The schema for a server that refuses patterns: every `pattern` taken out, the rest unchanged."""
    if isinstance(schema, dict):
        # A field may have that name, too; what stands there is a schema.
        kept = {key: value for key, value in schema.items() if key != "pattern" or not isinstance(value, str)}
        return {key: without_patterns(value) for key, value in kept.items()}
    return [without_patterns(item) for item in schema] if isinstance(schema, list) else schema

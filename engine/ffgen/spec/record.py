"""One record of a dataset: its decoder, its checks, its canonical form and its line in the output.

Rows arrive as tuples of typed values in the spec's order, a few dozen at a time from a reply or thousands from
a file, are turned into columns, settled (space, NFC, -0, UTC), held against every constraint, and leave as a
`Batch`. Nothing here knows where they came from.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import compress
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ffgen.batch import ABSENT, Batch, Keys, canonical_texts, encode_sorted, hash_text, hash_texts
from ffgen.expr import first_failure, parse
from ffgen.shingles import digest
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import ValueType, build_types
from ffgen.spec.types.base import Unfit
from ffgen.spec.types.nested import Array, Object, coerce_cell, struct_of

COLUMNAR = 512
"""Rows from which hashing in columns beats hashing one by one (building the frame costs about 200 us)."""

MOMENTS = (date, datetime, time)
UNKNOWN = "unknown"
"""The reason of a row with a key that is no field."""

Cells = tuple[Any, ...]
Refusals = Counter[tuple[str, str]]
"""How many rows were refused, by field and reason."""


class Checked(msgspec.Struct, frozen=True):
    """What became of some rows: those that may go to the gate, and why others may not.

    `bad` lists the refused rows by their index among those given.
    """

    batch: Batch
    refused: Refusals
    converted: int
    bad: list[tuple[int, str, str]]


class RecordType:
    """The record type of a dataset. Compiled once a process; cheap per row. `making` adds the rules for
    invented data, see `ValueType.refuse`."""

    def __init__(self, dataset: Dataset, *, making: bool = True) -> None:
        self.names = [field.name for field in dataset.fields]
        self.types: list[ValueType] = build_types(dataset.fields)
        self.making = making
        self.row = struct_of("row", self.names, self.types, array_like=True)
        self.entry = struct_of("entry", self.names, self.types)
        self.requires = [parse(text, self.names) for text in requirements(dataset)]
        self.key_fields = self._key_fields(dataset)
        self.encode = msgspec.json.Encoder().encode_lines
        self.renders = any(kind.renders for kind in self.types)

    def _key_fields(self, dataset: Dataset) -> list[list[int] | int]:
        """The key sets: the record's own (all fields, or `unique_by`), then one for each unique field."""
        position = {name: i for i, name in enumerate(self.names)}
        record = [position[name] for name in dict.fromkeys(dataset.unique_by or self.names)]
        unique = [i for i, kind in enumerate(self.types) if kind.field.unique]
        # A unique field among the record's key, never null, already tells any two records apart.
        covered = any(i in record and not self.types[i].field.may_be_null for i in unique)
        return [*unique] if covered else [sorted(record, key=self.names.__getitem__), *unique]

    @property
    def sets(self) -> int:
        """How many key sets the gate keeps for this record."""
        return len(self.key_fields)

    @property
    def near(self) -> list[tuple[str, float]]:
        """The near-unique fields, and from which similarity on two of their texts are twins."""
        return near_fields(kind.field for kind in self.types)

    def schema(self) -> dict[str, pl.DataType]:
        """The polars schema of the output."""
        return {name: kind.dtype() for name, kind in zip(self.names, self.types, strict=True)}

    def coerce(self, raw: Any) -> tuple[Cells, int]:
        """A raw row (list or mapping) as typed cells, and how many were converted; raises `Misfit`.

        In a mapping a missing field is null, and a key that is no field is one too many."""
        if isinstance(raw, dict):
            unknown = raw.keys() - set(self.names)
            if unknown:
                raise Misfit(min(map(str, unknown)), UNKNOWN)
            raw = [raw.get(name) for name in self.names]
        if not isinstance(raw, list | tuple) or len(raw) != len(self.types):
            raise Misfit("", "shape")
        cells, converted = [], 0
        for name, kind, value in zip(self.names, self.types, raw, strict=True):
            try:
                cell = coerce_cell(kind, value, self.making)
            except Unfit as unfit:
                raise Misfit(name, unfit.reason) from None
            converted += kind.conversions(value, cell) if cell is not None else 0
            cells.append(cell)
        return tuple(cells), converted

    def check(self, rows: Sequence[Cells]) -> Checked:
        """Settles rows, refuses those that break a constraint, hashes and encodes the others."""
        columns, converted = self._settle(rows)
        bad: dict[int, tuple[str, str]] = {}
        for row, refusal in self._refuse(columns):
            bad.setdefault(row, refusal)
        if bad:
            keep = [i not in bad for i in range(len(rows))]
            columns = [list(compress(column, keep)) for column in columns]
        if self.requires and columns[0]:
            bad |= self._hold_requirements(columns, [i for i in range(len(rows)) if i not in bad])
        refused = Refusals(bad.values())
        listed = [(i, field, reason) for i, (field, reason) in sorted(bad.items())]
        return Checked(self._batch(columns), refused, converted, listed)

    def settled(self, rows: Sequence[Cells], names: Sequence[str]) -> list[Sequence[Any]]:
        """Columns of rows in the form in which values are compared."""
        positions = [self.names.index(name) for name in names]
        return [self.types[i].settle([row[i] for row in rows])[0] for i in positions]

    def frame(self, rows: Sequence[Cells]) -> pl.DataFrame:
        """Rows as columns, for expressions."""
        return self._frame(self._settle(rows)[0])

    def _settle(self, rows: Sequence[Cells]) -> tuple[list[Sequence[Any]], int]:
        columns: list[Sequence[Any]] = [*zip(*rows, strict=True)] if rows else [()] * len(self.types)
        converted = 0
        for i, kind in enumerate(self.types):
            columns[i], changed = kind.settle(columns[i])
            converted += changed
        return columns, converted

    def _refuse(self, columns: Sequence[Sequence[Any]]) -> Iterator[tuple[int, tuple[str, str]]]:
        for name, kind, column in zip(self.names, self.types, columns, strict=True):
            yield from ((i, (name, reason)) for i, reason in kind.refuse(column, self.making))

    def _hold_requirements(self, columns: list[Any], rows: list[int]) -> dict[int, tuple[str, str]]:
        """Drops rows that fail a `require` from `columns` in place; says which of `rows` they were and why."""
        failures = first_failure(self.requires, self._frame(columns)).to_list()
        keep = [failure < 0 for failure in failures]
        columns[:] = [list(compress(column, keep)) for column in columns]
        pairs = zip(rows, failures, strict=True)
        return {row: ("require", self.requires[failure].text) for row, failure in pairs if failure >= 0}

    def _frame(self, columns: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Decoded values as columns; moments stay moments, whatever `format` makes of them."""
        plain = {
            name: msgspec.to_builtins(list(column), builtin_types=MOMENTS) if is_nested(kind) else list(column)
            for name, kind, column in zip(self.names, self.types, columns, strict=True)
        }
        typed = {name: kind.value_dtype() for name, kind in zip(self.names, self.types, strict=True)}
        return pl.DataFrame(plain, schema=typed)

    def _batch(self, columns: Sequence[Sequence[Any]]) -> Batch:
        rows = [*zip(*columns, strict=True)]
        entries = [self.entry(*row) for row in rows]
        keys = np.empty((len(rows), self.sets), dtype=np.uint64)
        for i, fields in enumerate(self.key_fields):
            keys[:, i] = self._keys(fields, columns, entries)
        lines = self.encode(self._rendered(rows) if self.renders else entries)
        near = [digest(columns[self.names.index(name)], threshold).pack() for name, threshold in self.near]
        return Batch(lines, keys.tobytes(), len(rows), self.sets, near)

    def _rendered(self, rows: Sequence[Cells]) -> list[dict[str, Any]]:
        parts = [*zip(self.names, self.types, strict=True)]
        return [{n: kind.render(cell) for (n, kind), cell in zip(parts, row, strict=True)} for row in rows]

    def _keys(self, fields: list[int] | int, columns: Sequence[Sequence[Any]], entries: list[Any]) -> Keys:
        if isinstance(fields, int):
            cells = columns[fields]
            return u64([ABSENT if cell is None else hash_text(encode_sorted(cell)) for cell in cells])
        flat = not any(is_nested(self.types[i]) for i in fields)
        if flat and len(entries) >= COLUMNAR:
            names = [self.names[i] for i in fields]
            return hash_texts(canonical_texts(self._frame(columns).select(names)))
        if len(fields) == len(self.types):
            return u64([hash_text(encode_sorted(entry)) for entry in entries])
        picked = [(self.names[i], columns[i]) for i in fields]
        texts = ({name: column[row] for name, column in picked} for row in range(len(entries)))
        return u64([hash_text(encode_sorted(text)) for text in texts])


class Misfit(ValueError):
    """A raw row that can't be this record: the field and one word for the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def near_fields(fields: Iterable[Field]) -> list[tuple[str, float]]:
    """The names of near-unique fields, each with its threshold."""
    return [(field.name, field.near) for field in fields if field.near is not None]


def requirements(dataset: Dataset) -> list[str]:
    """`require` as a list."""
    return [dataset.require] if isinstance(dataset.require, str) else list(dataset.require)


def is_nested(kind: ValueType) -> bool:
    """Whether values are made of values."""
    return isinstance(kind, Object | Array)


def u64(values: list[int]) -> Keys:
    """Python integers as an array of u64."""
    return np.array(values, dtype=np.uint64)

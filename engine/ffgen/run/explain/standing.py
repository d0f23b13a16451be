"""What stands in an output at one line, and how a row that is made again compares with it."""

import io
import os
from collections.abc import Sequence
from typing import Any, Self

import msgspec
import polars as pl
from msgspec import Struct, structs

from ffgen.errors import UsageError
from ffgen.place import split_compression
from ffgen.plan.compile import Plan
from ffgen.plan.estimate import maker_of, uniqueness, view_field
from ffgen.plan.pools import with_placeholders
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.run.drawer import encoder_of, shape_of
from ffgen.run.explain.story import Explanation, FieldStory
from ffgen.run.origin import Known
from ffgen.sink import resolve
from ffgen.sink.block import Columns
from ffgen.sink.frame import frame_of
from ffgen.source import SUFFIXES
from ffgen.source.single import Row, csv_row, plain_row, record_at
from ffgen.spec.model import Field
from ffgen.spec.record import RecordType
from ffgen.spec.types import build_type

READ_AS = {"csv": "csv", "csv-safe": "csv", "json": "json", "jsonl": "jsonl", "parquet": "parquet"}
"""How each format that is written is read."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Standing(Struct, frozen=True):
    """One record of a file as it stands there. `line` is how it was asked for, `record` counts from 1."""

    path: str
    format: str
    line: int
    record: int
    table: str
    fields: list[Field]
    row: Row

    @classmethod
    def read(cls, path: str, format: str, line: int, table: str, fields: Sequence[Field]) -> Self:
        """Reads it. UsageError for a line that holds no record, DestinationError for a file that can't be read."""
        if line < 1:
            raise UsageError(f"Lines are counted from 1, got {line}.")
        record = line - 1 if READ_AS[format] == "csv" else line
        if not record:
            raise UsageError(f"Line 1 of {path} is the header.", hint=f"The first record is {path}:2.")
        row = record_at(path, READ_AS[format], record, fields)
        return cls(path, format, line, record, table, list(fields), row)

    def differs(self, remade: Row) -> list[str]:
        """The fields in which a row made again is another one, those that one of the two lacks included."""
        names = [*remade, *(name for name in self.row if name not in remade)]
        return [name for name in names if not self.agrees(name, remade)]

    def agrees(self, name: str, remade: Row) -> bool:
        """Whether a field is the same in a row made again."""
        return name in self.row and name in remade and _encode(self.row[name]) == _encode(remade[name])

    def untold(self, known: Known, plan: Plan, notes: list[str]) -> Explanation:
        """What can be told of a row that can't be made again."""
        recipe = None
        if plan.is_drawn:
            recipe = Recipes(with_placeholders(plan.spec), plan.layouts).recipes[self.table]
        unique = {"record": uniqueness(plan)} if recipe is None else recipe.how
        fields = [self._field(field, recipe) for field in self.fields if not field.hidden]
        return structs.replace(self.begun(known, plan, unique), notes=notes, fields=fields)

    def begun(self, known: Known, plan: Plan, unique: dict[str, str]) -> Explanation:
        """What can be told of any row, before it is made again. `unique` says how its table's rows are kept apart."""
        return Explanation(
            path=self.path,
            line=self.line,
            table=self.table,
            record=self.record,
            row=self.record - 1,
            mode="drawn" if plan.is_drawn else "asked",
            shard=None,
            position=None,
            agrees=None,
            known_by=known.by or "spec",
            seed=plan.spec.seed,
            spec_hash=plan.spec_hash,
            version=known.version,
            at=known.at,
            unique=unique,
            fields=[],
        )

    def _field(self, field: Field, recipe: Recipe | None) -> FieldStory:
        view = view_field(build_type(field))
        if recipe is not None:
            pooled = [field.name] if field.source == "pool" else []
            view = structs.replace(view, made_by=maker_of(recipe, field.name, pooled))
        return FieldStory.of(view, self.row.get(field.name), None, None)


def format_of(path: str, noted: str | None) -> str:
    """The format of a file: as the run noted, else by its name. UsageError for one whose records aren't read here."""
    suffix = os.path.splitext(split_compression(path)[0])[1].lower()
    format = noted or ("parquet" if os.path.isdir(path) else SUFFIXES.get(suffix, suffix))
    if format not in READ_AS:
        known = ", ".join(dict.fromkeys(READ_AS.values()))
        raise UsageError(f"{path}: the records of such a file can't be looked up here.", hint=f"Known: {known}.")
    return format


def drawn_as_read(recipe: Recipe, format: str, frame: pl.DataFrame) -> Row:
    """A drawn row, spoiled, as it would be read from a file of this format."""
    if format == "parquet":
        return plain_row(Columns(*shape_of(recipe), iso=False).written(frame))
    encoder = encoder_of(recipe, "jsonl" if format == "json" else format, "none")
    return text_row(encoder.header(), encoder.encode(frame).data, format, recipe.dataset.fields)


def asked_as_read(record: RecordType, format: str, line: bytes, fields: Sequence[Field]) -> Row:
    """A line of an asked table, as it would be read from a file of this format."""
    if format == "parquet":
        return plain_row(frame_of(line, record.schema()))
    if READ_AS[format] != "csv":
        return text_row(b"", line, format, fields)
    file = io.BytesIO()
    sink = resolve(format)(file, record.schema(), "none")
    sink.open()
    header = file.tell()
    sink.write(line, 1)
    return text_row(file.getvalue()[:header], file.getvalue()[header:], format, fields)


def text_row(header: bytes, text: bytes, format: str, fields: Sequence[Field]) -> Row:
    """One record of a text format."""
    if READ_AS[format] == "csv":
        return csv_row(header, text, fields)
    row: Row = msgspec.json.decode(text)
    return row


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return msgspec.to_builtins(value)

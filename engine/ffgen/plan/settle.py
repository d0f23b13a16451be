"""A spec with what it leaves unsaid filled in: types, counts, who makes the values."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.sample import gives
from ffgen.spec.model import Dataset, Field, Spec

DEFAULT_COUNT = 1000


def settle(spec: Spec) -> Spec:
    """The spec with each field's type, each root table's count and the mode written out. What is wrong stays so."""
    tables = [settle_table(dataset, spec) for dataset in spec.datasets]
    if spec.dataset is not None and not spec.tables:
        return structs.replace(spec, dataset=tables[0])
    return structs.replace(spec, tables=tables)


def settle_table(dataset: Dataset, spec: Spec) -> Dataset:
    """One table, settled. The count of a table laid out under its parents stays 0 until the plan has counted."""
    by_name = {table.name: table for table in spec.datasets}
    fields = [settle_field(field, by_name, 0) for field in dataset.fields]
    count = dataset.count
    if dataset.rows is not None:
        count = len(dataset.rows)
    elif not count and layout_of(dataset) is None:
        count = DEFAULT_COUNT
    mode = dataset.mode or ("local" if spec.tables or spec.model is None else "records")
    return structs.replace(dataset, fields=fields, count=count, mode=mode)


def settle_field(field: Field, tables: Mapping[str, Dataset], depth: int) -> Field:
    """One field with its type: its own, its generator's, its parent's, or text."""
    changes: dict[str, Any] = {}
    if not field.type:
        changes["type"] = type_of(field, tables, depth)
    if field.fields is not None:
        changes["fields"] = [settle_field(inner, tables, depth) for inner in field.fields]
    if field.items is not None:
        changes["items"] = settle_field(field.items, tables, depth)
    return structs.replace(field, **changes) if changes else field


def type_of(field: Field, tables: Mapping[str, Dataset], depth: int) -> str:
    """The type of a field that names none."""
    ref = field.reference
    if ref is not None and ref.table in tables and depth < 64:
        parent = next((each for each in tables[ref.table].fields if each.name == ref.column), None)
        if parent is not None and parent is not field:
            found = parent.type or type_of(parent, tables, depth + 1)
            return type_of_values(parent) if found == "enum" else found
    name = field.generator.get("name") if isinstance(field.generator, dict) else field.generator
    if isinstance(name, str) and (given := gives(name)):
        return given
    if field.fields is not None:
        return "object"
    return "array" if field.items is not None else "string"


def type_of_values(field: Field) -> str:
    """The type of an enum's values: a key that refers to them is one of them without listing them again."""
    if any(isinstance(value, str) for value in field.values or [""]):
        return "string"
    kinds = {type(value) for value in field.values or []}
    return "boolean" if bool in kinds else "integer" if kinds == {int} else "number"


def layout_of(dataset: Dataset) -> Field | None:
    """The field whose parents the rows are laid out under; None where rows stand for themselves."""
    for field in dataset.fields:
        ref = field.reference
        if ref is not None and ref.counts_children:
            return field
    return None

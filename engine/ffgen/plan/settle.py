"""A spec with what it leaves unsaid filled in: types, counts, who makes the values."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import structs

from ffgen.sample import gives
from ffgen.sample.default import by_name
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
    mode = dataset.mode or default_mode(spec)
    sourced = with_sources(structs.replace(dataset, fields=fields, count=count), mode, said=dataset.mode is not None)
    return structs.replace(sourced, mode="hybrid" if is_mixed(sourced, mode) else mode)


def default_mode(spec: Spec) -> Literal["records", "hybrid", "local"]:
    """Who makes values where the spec doesn't say."""
    if any(field.source in ("pool", "ask") for table in spec.datasets for field in table.fields):
        return "hybrid"
    return "local" if spec.tables or spec.model is None else "records"


def is_mixed(dataset: Dataset, mode: str) -> bool:
    """Whether a table of whole records has fields that are drawn: then the model writes the others, row by row."""
    return mode == "records" and any(field.source in ("draw", "pool") for field in dataset.fields)


def with_sources(dataset: Dataset, mode: str, *, said: bool) -> Dataset:
    """The table with each field's source, as far as its mode says more than the field.

    In a hybrid table the model writes what needs language; one that is hybrid only because a field says so asks for
    no other. Without a model, the first fallback makes the value.
    """
    fields = []
    for field in dataset.fields:
        if mode == "local" and field.source != "draw" and field.fallback and is_free(field):
            field = structs.replace(fallen_back(field, 0), source="draw", pool=None, fallback=[], min_score=0.0)
        elif field.source is None and is_mixed(dataset, mode):
            field = structs.replace(field, source="ask" if is_free(field) else "draw")
        elif field.source is None and mode == "hybrid":
            field = structs.replace(field, source="ask" if said and needs_language(field, dataset) else "draw")
        fields.append(field)
    return structs.replace(dataset, fields=fields)


def fallen_back(field: Field, k: int) -> Field:
    """The field as its fallback number k makes it. `{name: pattern, pattern: ...}` draws from a pattern of its own."""
    said = field.fallback[k]
    if isinstance(said, dict) and said.get("name") == "pattern" and isinstance(said.get("pattern"), str):
        return structs.replace(field, generator="pattern", pattern=said["pattern"])
    return structs.replace(field, generator=said)


def is_free(field: Field) -> bool:
    """Whether nothing in the spec says how a field's value is made."""
    return field.generator is None and field.derive is None and field.ref is None and not field.cases


def needs_language(field: Field, dataset: Dataset) -> bool:
    """Whether a field is open text, whose meaning only its name and description tell."""
    if not is_free(field) or field.values is not None or field.pattern is not None or dataset.rows is not None:
        return False
    return field.type == "text" or (field.type == "string" and by_name(field) is None)


def settle_field(field: Field, tables: Mapping[str, Dataset], depth: int) -> Field:
    """One field with its type: its own, its generator's, its parent's, or text."""
    changes: dict[str, Any] = {}
    if not field.type:
        changes["type"] = type_of(field, tables, depth)
    if field.nullable is False and follows_null(field, tables):
        changes["nullable"] = 0.0
    if field.fields is not None:
        changes["fields"] = [settle_field(inner, tables, depth) for inner in field.fields]
    if field.items is not None:
        changes["items"] = settle_field(field.items, tables, depth)
    return structs.replace(field, **changes) if changes else field


def follows_null(field: Field, tables: Mapping[str, Dataset]) -> bool:
    """Whether a field copies one that may be null."""
    ref = field.reference
    parent = tables.get(ref.table) if ref is not None else None
    if ref is None or parent is None:
        return False
    return any(each.name == ref.column and each is not field and each.may_be_null for each in parent.fields)


def type_of(field: Field, tables: Mapping[str, Dataset], depth: int) -> str:
    """The type of a field that names none."""
    ref = field.reference
    if ref is not None and ref.table in tables and depth < 64:
        parent = next((each for each in tables[ref.table].fields if each.name == ref.column), None)
        if parent is not None and parent is not field:
            found = parent.type or type_of(parent, tables, depth + 1)
            return type_of_values(parent.values or []) if found == "enum" else found
    name = field.generator.get("name") if isinstance(field.generator, dict) else field.generator
    if isinstance(name, str) and (given := gives(name)):
        return given
    if field.fields is not None:
        return "object"
    if field.items is not None:
        return "array"
    return type_of_values(field.values or field.range or ([0.5] if field.decimals else []))


def type_of_values(values: Sequence[Any]) -> str:
    """The type that listed values or the ends of a range have, as YAML reads them; text unless all are numbers or
    all are true or false."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "integer"
    return "number" if kinds and kinds <= {int, float} else "string"


def layout_of(dataset: Dataset) -> Field | None:
    """The field whose parents the rows are laid out under; None where rows stand for themselves."""
    for field in dataset.fields:
        ref = field.reference
        if ref is not None and ref.counts_children:
            return field
    return None

"""Findings about the fields of one table, whoever makes their values."""

import difflib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl
from msgspec import structs

from ffgen.expr import ExpressionError, check_types, parse
from ffgen.plan.capacity import capacity_of, shortfall
from ffgen.sample.build import convert, taken_apart
from ffgen.spec.document import Severity
from ffgen.spec.model import Dataset, Field
from ffgen.spec.record import requirements
from ffgen.spec.types import TYPES, Problem, ValueType, build_type, in_case
from ffgen.spec.types.base import Unfit
from ffgen.spec.types.nested import coerce_cell

Path = tuple[str | int, ...]

NEAR_TYPES = ("string", "text")
LEAST_NEAR = 0.2
"""Below, MinHash bands would have to be so many that they bring nearly all texts together."""


class Observation(NamedTuple):
    """What is wrong or odd at a path of the spec; `at_key` points at the key, not at what it holds."""

    path: Path
    what: str
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False


def observe_fields(dataset: Dataset, path: Path) -> list[Observation]:
    """Findings of the fields of one table, whoever makes them."""
    path = (*path, "fields")
    found = [*observe_names(dataset.fields, path)]
    for i, field in enumerate(dataset.fields):
        found += observe_field(field, (*path, i), top=True)
    if all(field.hidden for field in dataset.fields):
        found.append(Observation(path, "every field is hidden, so nothing would be written.", "Show one."))
    return found


def observe_names(fields: Sequence[Field], path: Path) -> Iterator[Observation]:
    seen: dict[str, int] = {}
    for i, field in enumerate(fields):
        if not field.name:
            yield Observation((*path, i), "a field needs a `name`.", "E.g. name: city.")
        elif any(char in '."\\' or not char.isprintable() for char in field.name):
            what = "a name can't hold a dot, a double quote, a backslash or control characters."
            yield Observation((*path, i, "name"), what, "Use `_`.")
        elif field.name == "*" or (field.name[0] == "^" and field.name[-1] == "$"):
            what = f"`{field.name}` stands for several fields wherever it is read: it is no name of one."
            yield Observation((*path, i, "name"), what, "Use letters, digits and _.")
        elif field.name in seen:
            what = f"`{field.name}` is already the name of field {seen[field.name]}."
            yield Observation((*path, i, "name"), what, "Names are unique.")
        seen.setdefault(field.name, i)


def observe_field(field: Field, path: Path, top: bool) -> list[Observation]:
    """Findings of one field; an object's or array's inner fields first, so that each is found where it stands."""
    if field.type not in TYPES:
        near = difflib.get_close_matches(field.type, TYPES, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Types are {', '.join(TYPES)}."
        return [Observation((*path, "type"), f"unknown type `{field.type}`.", hint)]
    found = [*observe_inner(field, path)]
    if field.unique and not top:
        found.append(Observation((*path, "unique"), "only top-level fields can be unique.", "Use `unique_by`."))
    if field.pool is not None and field.source != "pool":
        what = "`pool` says how a pool is filled, and this field draws from none."
        found.append(Observation((*path, "pool"), what, "Say `source: pool`, or take it away.", at_key=True))
    elif field.pool is not None and 0 < (field.pool.near or 0) < LEAST_NEAR:
        what = f"texts that are alike by {field.pool.near:g} share next to nothing: nearly all would be refused."
        found.append(Observation((*path, "pool", "near"), what, f"Say {LEAST_NEAR} or more, or 0; 0.85 is usual."))
    if field.near is not None and field.type not in NEAR_TYPES:
        what = f"near twins are told among texts, and this is type: {field.type}."
        found.append(Observation((*path, "unique"), what, "Say `unique: true`, or make it type: text."))
    elif field.near is not None and field.near < LEAST_NEAR:
        what = f"texts that are alike by {field.near:g} share next to nothing: nearly all would be refused."
        found.append(Observation((*path, "unique", "near"), what, f"Say {LEAST_NEAR} or more; 0.85 is usual."))
    if has_errors(found):
        return found
    found += observe_type(structs.replace(field, cases=None), path)
    if not has_errors(found):
        for i, case in enumerate(field.cases or []):
            found += observe_type(in_case(field, case), (*path, "cases", i))
    return found


def observe_type(field: Field, path: Path) -> Iterator[Observation]:
    """What is wrong with the constraints. One that can't be is left out, to see whether the others can."""
    left_out: set[str] = set()
    while True:
        try:
            kind = build_type(field)
            break
        except Problem as problem:
            yield Observation((*path, problem.key), problem.what, problem.hint)
            if problem.key in left_out | {"fields", "items"}:
                return
            left_out |= {problem.key, "weights"} if problem.key == "values" else {problem.key}
            field = structs.replace(field, **dict.fromkeys(left_out))
            if field.type == "enum" and field.values is None:
                return
    yield from observe_values(field, kind, path)
    if not left_out:
        yield from (Observation((*path, key), what, hint, severity) for key, what, hint, severity in kind.doubts())


def has_errors(observations: Sequence[Observation]) -> bool:
    """Whether any is more than a warning."""
    return any(found.severity == "error" for found in observations)


def observe_inner(field: Field, path: Path) -> Iterator[Observation]:
    if field.type == "object" and field.fields:
        yield from observe_names(field.fields, (*path, "fields"))
        for i, inner in enumerate(field.fields):
            yield from observe_field(inner, (*path, "fields", i), top=False)
    if field.type == "array" and field.items is not None:
        yield from observe_field(field.items, (*path, "items"), top=False)


def observe_values(field: Field, kind: ValueType, path: Path) -> Iterator[Observation]:
    """Values must fit their own type; examples should."""
    listed: list[tuple[str, list[Any], Severity]] = [("values", field.values or [], "error")]
    listed.append(("examples", field.examples, "warning"))
    for key, values, severity in listed:
        for i, value in enumerate(values):
            try:
                coerce_cell(kind, value, making=key == "examples")
            except Unfit as unfit:
                what = f"`{str(value)[:60]}` is not a valid {field.type} here ({unfit.reason})."
                yield Observation((*path, key, i), what, "Correct it or take it out.", severity)


def observe_generators(fields: Sequence[Field], path: Path) -> Iterator[Observation]:
    """What is wrong with the names and the parameters of generators, whatever their fields are."""
    for i, field in enumerate(fields):
        here = (*path, i)
        for said, where in [(field.generator, here), *_in_cases(field, here)]:
            if said is None:
                continue
            try:
                convert(*taken_apart(said))
            except Problem as problem:
                for each in (problem, *problem.others):
                    yield Observation((*where, *each.path), each.what, each.hint, at_key=each.at_key)
        yield from observe_generators(field.fields or [], (*here, "fields"))
        if field.items is not None:
            inner = observe_generators([field.items], ())
            yield from (found._replace(path=(*here, "items", *found.path[1:])) for found in inner)


def _in_cases(field: Field, path: Path) -> Iterator[tuple[Any, Path]]:
    yield from ((case.generator, (*path, "cases", i)) for i, case in enumerate(field.cases or []))


def observe_references(dataset: Dataset, top: Path = ("dataset",)) -> Iterator[Observation]:
    names = [field.name for field in dataset.fields]
    keys = dataset.unique_by or []
    for i, name in enumerate(keys):
        if name in keys[:i]:
            yield Observation((*top, "unique_by", i), f"`{name}` is listed twice.", "Take one out.")
        elif name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Fields are {', '.join(names)}."
            yield Observation((*top, "unique_by", i), f"no field is named `{name}`.", hint)
    try:
        year = datetime.fromisoformat(dataset.as_of).year
    except ValueError:
        yield Observation((*top, "as_of"), f"`{dataset.as_of}` is not a date.", "E.g. 2025-01-01T00:00:00Z.")
        return
    if not 1900 <= year <= 2200:
        what = f"the year {year} is out of what can be counted from: people are up to a hundred years old."
        yield Observation((*top, "as_of"), what, "Take one from 1900 to 2200.")


def observe_requirements(
    dataset: Dataset, types: list[ValueType] | None, top: Path = ("dataset",)
) -> Iterator[Observation]:
    """What is wrong with each `require`; without types, its grammar and names only."""
    names = [field.name for field in dataset.fields]
    schema: dict[str, pl.DataType] = {}
    if types is not None:
        schema = {name: kind.value_dtype() for name, kind in zip(names, types, strict=True)}
    for i, text in enumerate(requirements(dataset)):
        path: Path = (*top, "require") if isinstance(dataset.require, str) else (*top, "require", i)
        try:
            expression = parse(text, names)
            error = None if types is None else check_types(expression, schema)
        except ExpressionError as refused:
            error = refused
        if error is not None:
            yield Observation(path, f"column {error.column} of the expression: {error.what}", error.hint)


def observe_room(dataset: Dataset, types: list[ValueType], top: Path = ("dataset",)) -> Iterator[Observation]:
    capacity = capacity_of(dataset, types)
    if wrong := shortfall(capacity, dataset.count):
        yield Observation((*top, "count"), *wrong)

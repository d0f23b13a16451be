"""Findings about fields of drawn rows that a model writes: asked for each row, or from pools."""

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from ffgen.plan.fields import Observation, Path
from ffgen.plan.hybrid import asked_fields
from ffgen.spec.model import Dataset, Field, Spec

ROWWISE = ("fallback", "min_score")
"""Keys that mean something for fields that are asked for row by row."""
TEXTUAL = ("style", "forbidden_words", "min_score")


def observe_asked(spec: Spec, paths: list[Path]) -> Iterator[Observation]:
    """What is wrong with the fields that a model writes for each row of a drawn table."""
    for top, table in zip(paths, spec.datasets, strict=True):
        for i, field in enumerate(table.fields):
            yield from observe_keys(field, (*top, "fields", i), drawn=table.mode == "hybrid")
            yield from observe_parts(field, (*top, "fields", i))
            if field.source == "ask":
                yield from observe_asked_field(table, field, (*top, "fields", i))
        if table.mode == "hybrid":
            yield from observe_together(table, top)
        pooled = any(field.source == "pool" for field in table.fields)
        if table.mode == "hybrid" and not pooled and not asked_fields(table) and not any_written(spec):
            what = "nothing in a hybrid table needs a model: every field is drawn."
            yield Observation((*top, "mode"), what, "Say `source: ask` or `source: pool` for a field, or mode: local.")


def observe_together(table: Dataset, top: Path) -> Iterator[Observation]:
    """What the asked fields of a table need of each other."""
    asked = asked_fields(table)
    without = [field.name for field in asked if not field.fallback]
    if without and len(without) < len(asked):
        names = ", ".join(f"`{name}`" for name in without)
        what = f"fallbacks make all asked fields of a row or none, and there is none for {names}."
        i = next(i for i, field in enumerate(table.fields) if field.source == "ask" and field.fallback)
        yield Observation((*top, "fields", i, "fallback"), what, "Give each asked field a `fallback`.", "warning", True)
    if asked and table.personas:
        what = "the rows of this table are drawn, so nobody writes them as a persona."
        hint = "Draw it: a `hidden` field with these `values`, which the model is shown with its row."
        yield Observation((*top, "personas"), what, hint, "warning", at_key=True)


def observe_parts(field: Field, path: Path) -> Iterator[Observation]:
    """Keys of an object's parts, or of an array's items, that say who makes them: the same who makes the whole."""
    inner = [((*path, "fields", i), part) for i, part in enumerate(field.fields or [])]
    inner += [((*path, "items"), field.items)] if field.items is not None else []
    for place, part in inner:
        if part.source not in (None, field.source):
            what = f"a part of `{field.name or 'an array'}` is made with the whole: its `source` is not used."
            yield Observation((*place, "source"), what, "Say it of the whole field.", at_key=True)
        for key in ("generator", "derive", "when", "cases") if field.source == "ask" else ():
            if getattr(part, key):
                what = f"the model writes all of `{field.name or 'an array'}`: the `{key}` of a part is not used."
                yield Observation((*place, key), what, "Take it away, or make it a field of its own.", at_key=True)
        yield from observe_parts(structs.replace(part, source=field.source, name=field.name), place)


def any_written(spec: Spec) -> bool:
    """Whether a model writes any field of any table."""
    return any(field.source in ("ask", "pool") for table in spec.datasets for field in table.fields)


def observe_asked_field(table: Dataset, field: Field, path: Path) -> Iterator[Observation]:
    """What else says how an asked field's value is made."""
    if table.mode == "local":
        what = f"a model writes `{field.name}`, and in local mode none is asked."
        yield Observation((*path, "source"), what, "Name a `fallback`, take `source` away, or the mode (--local).")
        return
    if table.rows is not None:
        what = "the rows of this table are listed; none is asked for."
        yield Observation((*path, "source"), what, "List its values in `rows`.")
    for key in ("generator", "derive", "ref", "cases"):
        if getattr(field, key):
            what = f"the model writes this field for each row: its `{key}` is not used."
            yield Observation((*path, key), what, "Take it away, or say `source: draw`.", at_key=True)


def observe_keys(field: Field, path: Path, drawn: bool) -> Iterator[Observation]:
    """Keys that mean nothing for a field of its source."""
    said: dict[str, Any] = {key: getattr(field, key) for key in (*ROWWISE, "style")}
    if field.type not in ("string", "text"):
        for key in TEXTUAL:
            if getattr(field, key):
                what = f"`{key}` is for text that a model writes, and this is a field of type {field.type}."
                yield Observation((*path, key), what, "Take it away.", at_key=True)
    elif drawn and field.source not in ("ask", "pool") and said["style"]:
        what = "no model writes this field, so nobody reads its `style`."
        yield Observation((*path, "style"), what, "Say `source: ask` or `source: pool`.", "warning", at_key=True)
    for key in ROWWISE:
        if said[key] and field.source != "ask" and not (key == "fallback" and field.source == "pool"):
            what = f"`{key}` is for a field that the model writes for each row."
            yield Observation((*path, key), what, "Say `source: ask`, or take it away.", at_key=True)

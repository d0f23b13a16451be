"""Linked tables made into one: each row of the finest table with the fields of the rows that it belongs to."""

import re
from collections.abc import Mapping
from typing import Any

from ffgen.draft.layout import USUAL_ROWS
from ffgen.draft.words import singular

_FORMULAS = ("derive", "when")
_ACROSS = ("row_count", "total")
"""Generators that look at other tables: there are none any more."""


def flattened(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with one table, whose every row is a thing of its own with all that belongs to it."""
    tables = {str(table["name"]): table for table in spec["tables"]}
    finest = finest_of(list(tables.values()))
    fields: list[dict[str, Any]] = []
    done: set[str] = set()
    _take(tables[finest], tables, fields, done, "")
    for table in tables.values():
        if table["name"] not in done:
            _take(table, tables, fields, done, singular(str(table["name"])))
    others = {key: value for key, value in spec.items() if key not in ("tables", "dataset")}
    kept = {key: value for key, value in tables[finest].items() if key in ("name", "locale", "imperfections", "as_of")}
    counts = [table.get("count") for table in tables.values() if table.get("count")]
    count = tables[finest].get("count") or (counts[0] if counts else USUAL_ROWS)
    return {"dataset": {"name": kept.pop("name"), "count": count, **kept, "fields": fields}, **others}


def finest_of(tables: list[dict[str, Any]]) -> str:
    """The table that no other refers to, the last one of several."""
    referred = {target(field["ref"]) for table in tables for field in table["fields"] if "ref" in field}
    names = [str(table["name"]) for table in tables]
    return next((name for name in reversed(names) if name not in referred), names[0])


def target(ref: Any) -> str:
    """The table that a key refers to."""
    return str(ref if isinstance(ref, str) else ref["to"]).partition(".")[0]


def _take(
    table: Mapping[str, Any],
    tables: Mapping[str, dict[str, Any]],
    into: list[dict[str, Any]],
    done: set[str],
    prefix: str,
) -> None:
    """Puts a table's fields there, those of its parents where it refers to them."""
    done.add(str(table["name"]))
    taken = {field["name"] for field in into}
    names = {
        field["name"]: f"{prefix}_{field['name']}" if prefix and field["name"] in taken else field["name"]
        for field in table["fields"]
    }
    for field in table["fields"]:
        if "ref" in field:
            parent = tables.get(target(field["ref"]))
            if parent is not None and parent["name"] not in done:
                _take(parent, tables, into, done, singular(str(parent["name"])))
            continue
        generator = field.get("generator")
        kind = generator.get("name") if isinstance(generator, dict) else generator
        if kind in _ACROSS or names[field["name"]] in {one["name"] for one in into}:
            continue
        into.append(_moved(field, table, names, is_parent=bool(prefix)))


def _moved(
    field: Mapping[str, Any], table: Mapping[str, Any], names: Mapping[str, str], is_parent: bool
) -> dict[str, Any]:
    """A field under its new name, its formulas, too; a lookup table's is one of its values."""
    moved = {key: _renamed(key, value, names) for key, value in field.items()}
    moved["name"] = names[field["name"]]
    if table.get("rows") and is_parent:
        values = [row[field["name"]] for row in table["rows"] if field["name"] in row]
        return {"name": moved["name"], "values": list(dict.fromkeys(values))} if values else moved
    return moved


def _renamed(key: str, value: Any, names: Mapping[str, str]) -> Any:
    """What a key of a field says, with the new names of the fields that it speaks of."""
    changed = {old: new for old, new in names.items() if old != new}
    if not changed or key not in (*_FORMULAS, "generator", "cases"):
        return value
    if key in _FORMULAS:
        return re.sub(r"\b\w+\b", lambda match: changed.get(match[0], match[0]), str(value))
    return _deep(value, changed)


def _deep(value: Any, changed: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _renamed(key, one, changed) if key in _FORMULAS else one if key == "name" else _deep(one, changed)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_deep(one, changed) for one in value]
    return changed.get(value, value) if isinstance(value, str) else value

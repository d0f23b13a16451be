"""Assignments that say `dataset` aimed at the tables of a spec that has several: `--count 5` means the root table."""

from collections.abc import Mapping
from typing import Any

from ffgen.errors import UsageError
from ffgen.spec.document import Document


def aim(document: Document, assignments: Mapping[str, Any]) -> dict[str, list[str]]:
    """For each path of `assignments`, those that it means in this document.

    In a spec with `tables`, `dataset.count` is the count of the first table without `ref` and without rows of its
    own, `dataset.mode` that of each. In a spec with one `dataset`, `tables.NAME.count` is its count if that is its
    name; UsageError otherwise.
    """
    tables = document.value.get("tables") if isinstance(document.value, dict) else None
    if not isinstance(tables, list):
        return {path: [_in_dataset(document, path)] for path in assignments}
    root = next((i for i, table in enumerate(tables) if _is_root(table)), 0)
    aimed: dict[str, list[str]] = {}
    for path in assignments:
        if path == "dataset.mode":
            aimed[path] = [f"tables[{i}].mode" for i, table in enumerate(tables) if isinstance(table, dict)]
        elif path.startswith("tables."):
            _check(path, [_name(table) for table in tables])
            aimed[path] = [path]
        elif path.startswith("dataset."):
            aimed[path] = [f"tables[{root}].{path.removeprefix('dataset.')}"]
        else:
            aimed[path] = [path]
    return aimed


def _in_dataset(document: Document, path: str) -> str:
    if not path.startswith("tables."):
        return path
    dataset = document.value.get("dataset") if isinstance(document.value, dict) else None
    name = _name(dataset) or "records"
    _check(path, [name])
    return f"dataset.{path.removeprefix(f'tables.{name}.')}"


def _check(path: str, names: list[str]) -> None:
    """The path begins with the name of a table."""
    rest = path.removeprefix("tables.")
    if not any(rest.startswith(f"{name}.") for name in names):
        said = rest.rpartition(".")[0] or rest
        raise UsageError(f"The spec has no table {said}.", hint=f"It has {', '.join(names)}.")


def _name(table: Any) -> str:
    return str(table.get("name", "")) if isinstance(table, dict) else ""


def _is_root(table: Any) -> bool:
    """Whether a table's count follows from nothing else: it refers to no table, and lists no rows."""
    if not isinstance(table, dict) or table.get("rows"):
        return False
    fields = table.get("fields")
    return isinstance(fields, list) and not any(isinstance(field, dict) and field.get("ref") for field in fields)

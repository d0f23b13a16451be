"""The fault matrix: every test that it names is there, every kind of run has some for every row, and the rows that must
hold always are not behind `make soak` alone."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.run.drive import ROOT

ROWS: dict[int, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("matrix.yaml").read_text())
KINDS = ("asked", "drawn", "hybrid")
ALWAYS = {1, 2, 3, 6, 8, 12, 15, 17}


def named_in(row: dict[str, Any], kind: str) -> Iterator[str]:
    """The tests of a row for a kind of run."""
    for part in (row.get("all", []), row.get(kind, [])):
        if isinstance(part, str):
            continue
        for each in part:
            yield from [each] if isinstance(each, str) else each


@cache
def functions(path: Path) -> dict[str, bool]:
    """The tests of a file, and whether all of one is behind `make soak`."""
    tree = ast.parse(path.read_text())
    return {
        each.name: any(ast.unparse(mark) == "pytest.mark.soak" for mark in each.decorator_list)
        for each in tree.body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }


def is_soaked(test: str) -> bool:
    """Whether a test runs behind `make soak` only; KeyError where there is none."""
    path, _, name = test.partition("::")
    return functions(ROOT / "tests" / path)[name]


def test_all_rows_are_there() -> None:
    assert set(ROWS) == {*range(1, 18), 21}
    assert {number for number, row in ROWS.items() if row.get("always")} == ALWAYS
    assert all(row["fault"] and row["promise"] for row in ROWS.values())


@pytest.mark.parametrize("number", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_held_for_each_kind_of_run(number: int, kind: str) -> None:
    row = ROWS[number]
    if isinstance(row.get(kind), str):
        assert row[kind].startswith("none, ") and not list(named_in(row, kind))
        return
    found = {test: is_soaked(test) for test in named_in(row, kind)}
    assert found
    if number in ALWAYS:
        assert not all(found.values())

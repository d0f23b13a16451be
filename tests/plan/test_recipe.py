"""What a recipe refuses because drawing would undo it."""

from typing import Any

import pytest

import ffgen
from ffgen.errors import SpecError

FREE = [{"name": name, "type": "integer", "range": [1, 100]} for name in "abc"]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"cases": [{"when": "a > 50", "range": [1, 9]}]}, "the values of `d` follow from other fields or rows"),
        (
            {"generator": {"name": "monotone", "by": "a"}, "range": [0, 10**6]},
            "the values of `d` follow from other fields or rows",
        ),
        ({"when": "a > 50"}, ""),
        ({"nullable": 0.2}, ""),
    ],
    ids=["by case", "along the rows", "present or not", "null or not"],
)
def test_values_that_belong_to_their_rows_are_not_moved(field: dict[str, Any], said: str) -> None:
    """A price of 100 or more, but 9 at most where `a` is small, would be moved into the wrong rows."""
    fields = [*FREE, {"name": "d", "type": "integer", "range": [100, 200], **field}]
    spec = {"dataset": {"mode": "local", "fields": fields, "correlations": [{"fields": ["d", "b"], "r": 0.5}]}}
    if not said:
        assert ffgen.load(spec)
        return
    with pytest.raises(SpecError, match=said):
        ffgen.load(spec)


def test_one_correlation_does_not_undo_another() -> None:
    correlations = [{"fields": ["a", "b"], "r": 0.8}, {"fields": ["b", "c"], "r": 0.8}]
    with pytest.raises(SpecError, match=r"correlations\[1\].fields\[0\]: `b` is moved by another correlation already"):
        ffgen.load({"dataset": {"mode": "local", "fields": FREE, "correlations": correlations}})


@pytest.mark.parametrize("name", ["*", "^a$"])
def test_a_name_that_stands_for_several_fields_is_none(name: str) -> None:
    with pytest.raises(SpecError, match="stands for several fields"):
        ffgen.load({"dataset": {"mode": "local", "fields": [*FREE, {**FREE[0], "name": name}]}})

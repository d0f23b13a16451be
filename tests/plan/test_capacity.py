"""Capacity: how many distinct records a spec allows, and what a user is told when that is too few."""

from typing import Any

import msgspec
import pytest

import ffgen
from ffgen.errors import SpecError
from ffgen.plan.capacity import Capacity, capacity_of, shortfall
from ffgen.spec.model import Dataset
from ffgen.spec.types import build_types

AGE = {"name": "age", "type": "integer", "range": [18, 80]}
STATUS = {"name": "status", "type": "enum", "values": ["active", "inactive", "pending"]}
NAME = {"name": "name"}


def capacity(*fields: dict[str, Any], **options: Any) -> Capacity:
    dataset = msgspec.convert({"fields": fields} | options, Dataset)
    return capacity_of(dataset, build_types(dataset.fields))


@pytest.mark.parametrize(
    ("fields", "options", "allowed"),
    [
        ([AGE, STATUS], {}, 189),
        ([AGE, STATUS | {"nullable": True}], {}, 63 * 4),
        ([AGE, NAME], {}, None),
        ([AGE, STATUS, NAME], {"unique_by": ["age", "status"]}, 189),
        ([AGE, STATUS, NAME], {"unique_by": ["age"]}, 63),
        ([AGE, NAME], {"unique_by": ["age", "name"]}, None),
        ([AGE | {"unique": True}, NAME], {}, 63),
        ([AGE | {"unique": True, "nullable": True}, NAME], {}, None),
        ([AGE | {"unique": True}, STATUS, NAME], {"unique_by": ["status"]}, 3),
        ([AGE, STATUS | {"unique": True}], {}, 3),
        ([AGE | {"unique": True}, STATUS | {"unique": True}, NAME], {}, 3),
        ([STATUS | {"weights": [1, 0, 0]}, AGE], {}, 63),
        ([{"name": "code", "pattern": "^[A-C]{2}$"}], {}, 9),
        ([{"name": "o", "type": "object", "fields": [AGE, STATUS]}], {}, 189),
        ([{"name": "l", "type": "array", "items": STATUS, "length": 2}], {}, 9),
        ([NAME, {"name": "none", "pattern": "^[a-z]$", "length": 5}], {}, 0),
    ],
)
def test_allowed(fields: list[dict[str, Any]], options: dict[str, Any], allowed: int | None) -> None:
    assert capacity(*fields, **options).allowed == allowed


def test_too_few_are_refused_before_anything_is_asked() -> None:
    spec = {"model": {"endpoint": "http://localhost:1"}, "dataset": {"count": 1000, "fields": [AGE, STATUS]}}
    with pytest.raises(SpecError) as caught:
        ffgen.load(spec)
    assert caught.value.exit_code == 2
    (finding,) = caught.value.findings
    assert (finding.path, finding.severity) == ("dataset.count", "error")
    assert finding.what == "at most 189 distinct records are possible; count asks for 1000."
    assert finding.hint == "Widen `status` (3) or `age` (63), add a field, or lower count to 189."
    assert ffgen.check(spec, assign={"dataset.count": 189}) == []


def test_a_unique_field_that_alone_is_too_small_is_named() -> None:
    tight = capacity(STATUS, AGE | {"unique": True}, NAME)
    assert (tight.unique, tight.allowed) == ("age", 63)
    said = shortfall(tight, 64)
    assert said is not None and "at most 63 distinct records" in said[0] and "`age` is unique" in said[0]
    assert "Widen `age`" in said[1] and "status" not in said[1] and "lower count to 63" in said[1]
    assert shortfall(tight, 63) is None
    # Not the field's fault where the others together are tighter still.
    loose = capacity(STATUS, AGE | {"unique": True}, unique_by=["status"])
    assert (loose.unique, loose.allowed) == ("", 3)


def test_notes_say_what_the_number_leaves_out() -> None:
    assert "`require` may allow fewer" in capacity(AGE, require="age > 70").note
    assert "what the model knows" in capacity(AGE).note
    assert "no bound" in capacity(NAME).note and shortfall(capacity(NAME), 10**12) is None

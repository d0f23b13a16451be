"""The JSON Schema of a spec: what editors complete."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ffgen
from ffgen.plan.schema import spec_schema
from ffgen.spec.load import read
from ffgen.spec.model import Dataset, Field, Model, Spec
from ffgen.spec.types import TYPES

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


def keys(name: str) -> set[str]:
    return set(spec_schema()["$defs"][name]["properties"])


def test_it_knows_every_key_and_no_other() -> None:
    for kind in (Spec, Model, Dataset, Field):
        assert keys(kind.__name__) == {field.encode_name for field in msgspec.structs.fields(kind)}
        assert spec_schema()["$defs"][kind.__name__]["additionalProperties"] is False


def test_it_knows_every_type_and_what_it_is() -> None:
    kinds = spec_schema()["$defs"]["Field"]["properties"]["type"]["oneOf"]
    assert {kind["const"]: kind["description"] for kind in kinds} == {
        name: kind.meaning for name, kind in TYPES.items()
    }


def test_it_is_a_value_of_its_own_and_plain_json() -> None:
    first = ffgen.schema()
    first["$defs"].clear()
    assert json.loads(json.dumps(spec_schema())) == spec_schema() != first
    assert spec_schema()["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_every_spec_here_is_valid_by_it(path: Path) -> None:
    schema = spec_schema()
    assert list(errors(read(path).value, schema, schema, "")) == []


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"dataset": {"fields": [{"name": "a", "type": "strng"}]}}, "/dataset/fields/0/type"),
        ({"dataset": {"fields": [{"nam": "a"}]}}, "/dataset/fields/0"),
        ({"dataset": {"count": 0, "fields": [{"name": "a"}]}}, "/dataset/count"),
        ({"model": {"reply": "xml"}, "dataset": {"fields": [{"name": "a"}]}}, "/model"),
        ({}, ""),
    ],
)
def test_wrong_specs_are_invalid_by_it(spec: dict[str, Any], place: str) -> None:
    schema = spec_schema()
    assert any(found.startswith(place + ":") for found in errors(spec, schema, schema, ""))


def errors(value: Any, schema: Any, root: dict[str, Any], at: str) -> Any:
    """What of JSON Schema the spec's own uses, in twenty lines."""
    if schema is False:
        yield f"{at}: not allowed"
        return
    if "$ref" in schema:
        yield from errors(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    for key in ("anyOf", "oneOf"):
        if key in schema and all(list(errors(value, each, root, at)) for each in schema[key]):
            yield f"{at}: none of {key}"
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not allowed"
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    kind = str(schema.get("type"))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number if kind in ("number", "integer") else isinstance(value, kinds.get(kind, object))
    if not fits:
        yield f"{at}: not {kind}"
        return
    if number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: out of range"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: pattern"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: length"
        first = schema.get("prefixItems", [])
        for i, item in enumerate(value):
            yield from errors(item, first[i] if i < len(first) else schema.get("items", {}), root, f"{at}/{i}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if set(schema.get("required", [])) - set(value):
            yield f"{at}: a key is missing"
        if schema.get("additionalProperties") is False and set(value) - set(known):
            yield f"{at}: unknown key"
        for key in value.keys() & known.keys():
            yield from errors(value[key], known[key], root, f"{at}/{key}")

"""The spec's JSON Schema, made from its structs and the table of types, so that editors complete and check."""

from typing import Any

import msgspec

from ffgen.sample import SAMPLERS, resolve
from ffgen.spec.model import Spec
from ffgen.spec.types import TYPES


def spec_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a spec file."""
    schema = msgspec.json.schema(Spec)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ffgen spec"
    field = schema["$defs"]["Field"]["properties"]
    kinds = [{"const": name, "description": kind.meaning} for name, kind in TYPES.items()]
    field["type"] = {"description": field["type"]["description"], "oneOf": kinds}
    generator = {"description": field["generator"]["description"], "anyOf": generators()}
    field["generator"] = schema["$defs"]["Case"]["properties"]["generator"] = generator
    del schema["$defs"]["Dataset"]["properties"]["count"]["default"]
    # One of the two, and neither is null: said so that a validator points at what is inside.
    spec = schema["$defs"]["Spec"]
    spec["properties"]["dataset"] = {"$ref": "#/$defs/Dataset"}
    spec["oneOf"] = [{"required": ["dataset"]}, {"required": ["tables"]}]
    return schema


def generators() -> list[dict[str, Any]]:
    """What may stand under `generator`: a sampler's name, or a mapping with its name and its parameters."""
    names = sorted(SAMPLERS)
    found: list[dict[str, Any]] = [{"enum": names}]
    for name in names:
        kind = resolve(name)
        described = msgspec.json.schema(kind)
        parts = described["$defs"][kind.__name__]
        parameters = {"name": {"const": name, "description": (kind.__doc__ or "").strip().partition("\n")[0]}}
        found.append(
            {
                "type": "object",
                "properties": parameters | parts["properties"],
                "required": ["name", *parts.get("required", [])],
                "additionalProperties": False,
            }
        )
    return found

"""The spec's JSON Schema, made from its structs and the table of types, so that editors complete and check."""

from typing import Any

import msgspec

from ffgen.sample import SAMPLERS, resolve
from ffgen.sample.outside import OneAtATime
from ffgen.sample.plugins import origins
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
    ways, parts = generators()
    schema["$defs"] = parts | schema["$defs"]
    generator = {"description": field["generator"]["description"], "anyOf": ways}
    field["generator"] = schema["$defs"]["Case"]["properties"]["generator"] = generator
    del schema["$defs"]["Dataset"]["properties"]["count"]["default"]
    # One of the two, and neither is null: said so that a validator points at what is inside.
    spec = schema["$defs"]["Spec"]
    spec["properties"]["dataset"] = {"$ref": "#/$defs/Dataset"}
    spec["oneOf"] = [{"required": ["dataset"]}, {"required": ["tables"]}]
    return schema


def generators() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What may stand under `generator`, a sampler's name or a mapping with its name and its parameters; and the
    definitions that those use. Plugins that are installed or loaded are among them."""
    names = sorted({*SAMPLERS, *origins()})
    found: list[dict[str, Any]] = [{"enum": names}]
    used: dict[str, Any] = {}
    for name in names:
        kind = resolve(name)
        described = msgspec.json.schema(kind)["$defs"]
        parts = described.pop(kind.__name__)
        used |= described
        parameters = {"name": {"const": name, "description": (kind.__doc__ or "").strip().partition("\n")[0]}}
        way = {
            "type": "object",
            "properties": parameters | parts["properties"],
            "required": ["name", *parts.get("required", [])],
        }
        found.append(way | ({} if issubclass(kind, OneAtATime) else {"additionalProperties": False}))
    return found, used

"""The spec's JSON Schema, made from its structs and the table of types, so that editors complete and check."""

from typing import Any

import msgspec

from ffgen.spec.model import Spec
from ffgen.spec.types import TYPES


def spec_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a spec file."""
    schema = msgspec.json.schema(Spec)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ffgen spec"
    field = schema["$defs"]["Field"]["properties"]
    kinds = [{"const": name, "description": kind.meaning} for name, kind in TYPES.items()]
    field["type"] = {"description": field["type"]["description"], "default": "string", "oneOf": kinds}
    return schema

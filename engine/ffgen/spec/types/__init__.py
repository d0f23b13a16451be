"""What a value is: one class a type, one line in the table."""

from collections.abc import Sequence

from msgspec import structs

from ffgen.spec.model import Field
from ffgen.spec.types.base import Problem, ValueType
from ffgen.spec.types.cases import in_case, widest
from ffgen.spec.types.choice import Enum
from ffgen.spec.types.duration import Duration
from ffgen.spec.types.nested import Array, Object
from ffgen.spec.types.number import Boolean, Integer, Number
from ffgen.spec.types.text import Email, Ipv4, LongText, Phone, Text, Url, Uuid
from ffgen.spec.types.time import Date, Datetime, Time

TYPES: dict[str, type[ValueType]] = {
    "array": Array,
    "boolean": Boolean,
    "date": Date,
    "datetime": Datetime,
    "duration": Duration,
    "email": Email,
    "enum": Enum,
    "integer": Integer,
    "ipv4": Ipv4,
    "number": Number,
    "object": Object,
    "phone": Phone,
    "string": Text,
    "text": LongText,
    "time": Time,
    "url": Url,
    "uuid": Uuid,
}


def build_type(field: Field) -> ValueType:
    """The type of one field; raises `Problem` (the key, what, hint) when a parameter can't be."""
    if not field.type:
        field = structs.replace(field, type="string")
    if field.cases:
        field = widest(field, build_type)
    kind = TYPES[field.type]
    if kind is Object or kind is Array:
        return kind(field, build_types)
    return kind(field)


def build_types(fields: Sequence[Field]) -> list[ValueType]:
    """The types of several fields, in order."""
    return [build_type(field) for field in fields]


__all__ = ["TYPES", "Problem", "ValueType", "build_type", "build_types", "in_case"]

"""Values from code that is not ours (a library's, a plugin's), brought into a field's own type."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ffgen.spec.types import TYPES, ValueType
from ffgen.spec.types.base import Unfit

SCALARS = frozenset(TYPES) - {"array", "object"}
CONSTRAINTS = frozenset({"range", "values", "pattern", "length", "decimals", "format"})
TEXTS = frozenset({"email", "ipv4", "phone", "string", "text", "url", "uuid"})


def fitted(kind: ValueType, values: Sequence[Any]) -> tuple[list[Any], dict[int, str]]:
    """The values, coerced and settled, and those that don't fit: position and a word for what is wrong.

    A value that is no such type stands as None. Every constraint of the field is looked at; nulls don't fit.
    """
    coerced: list[Any] = []
    wrong: dict[int, str] = {}
    for i, value in enumerate(values):
        try:
            coerced.append(kind.coerce(raw(kind, value)))
        except Unfit as unfit:
            coerced.append(None)
            wrong[i] = unfit.reason
    settled = list(kind.settle(coerced)[0])
    for i, reason in kind.refuse(settled, making=True):
        wrong.setdefault(i, reason)
    return settled, wrong


def raw(kind: ValueType, value: Any) -> Any:
    """A Python value as it would stand in JSON, in the form that the field's type takes."""
    if value is None:
        raise Unfit("null")
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, date | time):
        return moment(kind.field.type, value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit("not a number")
        if kind.field.decimals is not None:
            value = round(value, kind.field.decimals)
    if kind.field.type in TEXTS and not isinstance(value, str):
        if not isinstance(value, bool | int | float):
            raise Unfit("type")
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def moment(wanted: str, value: date | time) -> str:
    """A date, a time or both as ISO text; a moment is cut to what the field holds."""
    if isinstance(value, datetime):
        if wanted == "date":
            return value.date().isoformat()
        if wanted == "time":
            return value.time().isoformat()
    return value.isoformat()

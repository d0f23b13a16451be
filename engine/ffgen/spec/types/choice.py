"""enum: one of the values listed."""

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from ffgen.spec.model import Field
from ffgen.spec.types.base import Problem, Unfit, ValueType, tidy
from ffgen.spec.types.number import INT64, real, truth, whole


class Enum(ValueType):
    """One of `values`, which are all text, all numbers or all true/false; `weights` says how often each is wanted."""

    meaning = "one of a list"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        if not field.values:
            raise Problem("values", "an enum needs `values`.", "E.g. values: [active, inactive].")
        self.kind = kind_of(field.values)
        self.values = [self.exact(value) for value in field.values]
        if len(set(self.values)) != len(self.values):
            twice = next(value for value in self.values if self.values.count(value) > 1)
            raise Problem("values", f"`{twice}` is listed twice.", "Remove one; use `weights` to make it frequent.")
        self.known = {tidy(value) if self.kind is str else value: value for value in self.values}
        # msgspec has literals of text and integers only.
        self.annotation = Literal[tuple(self.values)] if self.kind in (str, int) else self.kind

    def exact(self, value: Any) -> Any:
        """A listed value as it is decoded, hashed and written."""
        if self.kind is str:
            return unicodedata.normalize("NFC", value)
        if self.kind is int and not INT64[0] <= value <= INT64[1]:
            raise Problem("values", f"{value} does not fit 64 bits.", "Quote the numbers to make them text.")
        return self.kind(value)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        if self.kind is float:
            return [value if value is None else value + 0.0 for value in values], 0
        return values, 0

    def coerce(self, value: Any) -> Any:
        try:
            raw = tidy(value) if self.kind is str else READERS[self.kind](value)
        except Unfit:
            raise
        except ValueError:
            raise Unfit("values") from None
        if raw not in self.known:
            raise Unfit("values")
        return self.known[raw]

    def schema(self, making: bool = True) -> dict[str, Any]:
        return {"enum": [self.exact(value) for value in self.choices] if making else list(self.values)}

    def dtype(self) -> Any:
        return {str: pl.String, bool: pl.Boolean, int: pl.Int64, float: pl.Float64}[self.kind]


READERS = {bool: truth, int: whole, float: real}


def kind_of(values: Sequence[Any]) -> type[str] | type[bool] | type[int] | type[float]:
    """The one type of the values listed; integers beside fractions are numbers."""
    kinds = {type(value) for value in values}
    if type(None) in kinds:
        raise Problem("values", "null is no value.", "Take it out, and say `nullable: true`.")
    if not kinds <= {str, bool, int, float}:
        raise Problem("values", "values are text, numbers or true/false.", "Use type object for nested values.")
    if kinds == {int, float}:
        return float
    if len(kinds) > 1:
        what = "values mix text and numbers." if str in kinds else "values mix numbers and true/false."
        raise Problem("values", what, "Quote them all to make them text.")
    kind: type[str] | type[bool] | type[int] | type[float] = kinds.pop()
    return kind

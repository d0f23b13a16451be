"""enum: one of the values listed."""

from typing import Any, Literal

from ffgen.spec.model import Field
from ffgen.spec.types.base import Problem, Unfit, ValueType, texts_dtype


class Enum(ValueType):
    """One of `values`, which are all text or all numbers; `weights` says how often each is wanted."""

    meaning = "one of a list"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        if not field.values:
            raise Problem("values", "an enum needs `values`.", "E.g. values: [active, inactive].")
        self.values = field.values
        if any(not isinstance(value, str | int | float) for value in self.values):
            raise Problem("values", "values are text, numbers or true/false.", "Use type object for nested values.")
        if any(isinstance(v, str) for v in self.values) and not all(isinstance(v, str) for v in self.values):
            raise Problem("values", "values mix text and numbers.", "Quote the numbers to make them text.")
        if len(set(self.values)) != len(self.values):
            twice = next(value for value in self.values if self.values.count(value) > 1)
            raise Problem("values", f"`{twice}` is listed twice.", "Remove one; use `weights` to make it frequent.")
        literal = all(type(value) in (str, int) for value in self.values)
        self.annotation = Literal[tuple(self.values)] if literal else float | int | bool

    def coerce(self, value: Any) -> Any:
        if value in self.values:
            return value
        trimmed = value.strip() if isinstance(value, str) else value
        for known in self.values:
            if trimmed == known or (isinstance(trimmed, str) and trimmed == str(known)):
                return known
        raise Unfit("values")

    def schema(self, making: bool = True) -> dict[str, Any]:
        return {"enum": list(self.values)}

    def dtype(self) -> Any:
        return texts_dtype(self.values)

    def words(self) -> str:
        if not self.field.weights:
            return super().words()
        whole = sum(self.field.weights)
        shares = zip(self.values, self.field.weights, strict=True)
        return "one of " + ", ".join(f"{value} (about {weight / whole:.0%})" for value, weight in shares)

"""integer, number, boolean."""

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Any

import polars as pl
from msgspec import Meta

from ffgen.spec.model import Field
from ffgen.spec.types.base import LISTED, Doubt, Problem, Unfit, ValueType, bounds

INT64 = (-(2**63), 2**63 - 1)
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


class Integer(ValueType):
    """A whole number in `range`, both ends included; 64 bits."""

    keys = LISTED | {"range"}
    meaning = "a whole number"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.low, self.high = bounds(field, whole)
        for end in (self.low, self.high):
            if end is not None and not INT64[0] <= end <= INT64[1]:
                raise Problem("range", f"{end} does not fit 64 bits.", "Use type string with a pattern.")
        self.annotation = Annotated[int, Meta(ge=self.low, le=self.high)]

    def coerce(self, value: Any) -> Any:
        try:
            number = whole(value)
        except ValueError:
            raise Unfit("type") from None
        if not INT64[0] <= number <= INT64[1]:
            raise Unfit("range")
        return number

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from super().refuse(values, making)
        low, high = self.low if self.low is not None else INT64[0], self.high if self.high is not None else INT64[1]
        yield from ((i, "range") for i, v in enumerate(values) if v is not None and not low <= v <= high)

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": self.choices}
        ends = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer"} | {key: end for key, end in ends.items() if end is not None}

    def dtype(self) -> Any:
        return pl.Int64

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return None if self.low is None else int(self.high - self.low + 1)

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        if self.low is None:
            return 7 + 5 * index
        return self.low + (self.high - self.low) * (3 + 4 * (index % 2)) // 10

    def words(self) -> str:
        bounded = self.low is not None and not self.field.values
        return f"{self.meaning} from {self.low} to {self.high}" if bounded else super().words()


class Number(ValueType):
    """A number in `range`, both ends included, with at most `decimals` places."""

    keys = LISTED | {"range", "decimals"}
    meaning = "a number"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.low, self.high = bounds(field, real)
        self.annotation = Annotated[float, Meta(ge=self.low, le=self.high)]

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        # Adding makes an int a float, and -0.0 0.0.
        return [value if value is None else value + 0.0 for value in values], 0

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from super().refuse(values, making)
        low, high = self.low if self.low is not None else -math.inf, self.high if self.high is not None else math.inf
        yield from ((i, "range") for i, v in enumerate(values) if v is not None and not low <= v <= high)
        if (places := self.field.decimals) is not None:
            yield from ((i, "decimals") for i, v in enumerate(values) if v is not None and round(v, places) != v)

    def coerce(self, value: Any) -> Any:
        try:
            return real(value)
        except ValueError:
            raise Unfit("type") from None

    def conversions(self, raw: Any, value: Any) -> int:
        return int(isinstance(raw, str))

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": [real(value) for value in self.choices]}
        ends = {"minimum": self.low, "maximum": self.high}
        return {"type": "number"} | {key: end for key, end in ends.items() if end is not None}

    def dtype(self) -> Any:
        return pl.Float64

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        if self.low is None or self.field.decimals is None:
            return None
        # The float nearest to 0.29 lies below it, and is still what 0.29 is decoded to: count decimals as written.
        low, high = (Fraction(repr(end)) * 10**self.field.decimals for end in (self.low, self.high))
        return int(math.floor(high) - math.ceil(low) + 1)

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        low, high = (self.low, self.high) if self.low is not None else (0.0, 100.0)
        places = 2 if self.field.decimals is None else self.field.decimals
        found = round(low + (high - low) * (0.3137 + 0.3511 * (index % 2)), places)
        return found if self.fits(found) else next(filter(self.fits, (low, high)), None)

    def doubts(self) -> Iterator[Doubt]:
        if self.capacity() == 0 and not self.field.values:
            what = f"no number with {self.field.decimals} decimals lies between {self.low:g} and {self.high:g}."
            yield "range", what, "Widen it, or raise `decimals`.", "error"

    def words(self) -> str:
        if self.field.values:
            return super().words()
        parts = [self.meaning]
        if self.low is not None:
            parts.append(f"from {self.low:.15g} to {self.high:.15g}")
        if (places := self.field.decimals) is not None:
            parts.append(f"with at most {places} decimals" if places else "without decimals")
        return " ".join(parts)


class Boolean(ValueType):
    """true or false."""

    meaning = "true or false"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.annotation = bool

    def coerce(self, value: Any) -> Any:
        try:
            return truth(value)
        except ValueError:
            raise Unfit("type") from None

    def schema(self, making: bool = True) -> dict[str, Any]:
        return {"enum": self.choices} if self.field.values else {"type": "boolean"}

    def dtype(self) -> Any:
        return pl.Boolean

    def capacity(self) -> int | None:
        return super().capacity() or 2

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        return index % 2 == 0 if shown is None else shown


def whole(value: Any) -> int:
    """A whole number from an int, an integral float or text of one; raises ValueError.

    >>> whole(" 34"), whole(7.0)
    (34, 7)
    """
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value.strip()):
            raise ValueError(f"`{value[:40]}` is not a whole number")
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError(f"`{value}` is not a whole number")
    return int(value)


def real(value: Any) -> float:
    """A finite number from an int, a float or text of one; raises ValueError.

    >>> real("2.50"), real(3)
    (2.5, 3.0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"`{value}` is not a number")
    if isinstance(value, str) and not _REAL.fullmatch(value.strip()):
        raise ValueError(f"`{value[:40]}` is not a number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("it is too large") from None
    if not math.isfinite(number):
        raise ValueError("it is too large")
    return number


def truth(value: Any) -> bool:
    """True or False from itself or from text of it; raises ValueError."""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise ValueError(f"`{value}` is neither true nor false")
    return value

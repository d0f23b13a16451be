"""The contract of a value type: what a value is, how it is checked, how a model is told about it."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from ffgen.pattern import problem
from ffgen.spec.model import Field


class Unfit(ValueError):
    """A value that no lossless conversion makes fit; `reason` is one word for the report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Problem(Exception):
    """A parameter of a field that can't be: which key, what is wrong, what to do."""

    def __init__(self, key: str, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.key = key
        self.what = what
        self.hint = hint


class ValueType:
    """One field's type with its constraints. Built from a `Field`; raises `Problem` when a parameter can't be.

    A decoded value is a plain Python value (text, int, float, bool, date, datetime, time, a struct for an
    object, a list for an array). `annotation` is what msgspec decodes into and covers most constraints at C
    speed; `refuse` checks the rest, a column at a time; `settle` brings values into the one form that is
    hashed and written.
    """

    keys: frozenset[str] = frozenset()
    """The constraints, beyond those that every type takes, that mean something here."""
    meaning = ""
    """What a value is, in a few words for the model and the manual."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.annotation: Any = Any
        for key in ("range", "values", "weights", "pattern", "length", "format", "decimals", "fields", "items"):
            if getattr(field, key) is not None and key not in self.keys | {"values", "weights"}:
                fitting = ", ".join(sorted(self.keys | {"values"}))
                raise Problem(key, f"`{key}` means nothing for type {field.type}.", f"It takes {fitting}.")
        if field.weights is not None:
            check_weights(field)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        """Values in the form that is hashed and written, and how many had to be converted. None stays None."""
        return values, 0

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        """Indices of values that break a constraint, each with a word for it. None is judged elsewhere.

        `making` adds the rules for invented data (reserved domains and phone ranges); data that exists already
        is not held to them.
        """
        allowed = self.field.values
        if allowed is not None:
            yield from ((i, "values") for i, v in enumerate(values) if v is not None and v not in allowed)

    def coerce(self, value: Any) -> Any:
        """A raw JSON or CSV value as this type, when nothing is lost; raises `Unfit`."""
        return value

    def differs(self, raw: Any, value: Any) -> bool:
        """Whether `coerce` had to convert: counted, so that a report shows what a model tends to do."""
        return bool(raw != value)

    def render(self, value: Any) -> Any:
        """The value as it stands in the output: the same unless `format` says otherwise."""
        return value

    @property
    def renders(self) -> bool:
        """Whether `render` changes anything."""
        return False

    def schema(self, making: bool = True) -> dict[str, Any]:
        """JSON Schema of one value, as sent to a model."""
        raise NotImplementedError

    def dtype(self) -> Any:
        """The polars data type of a column in the output."""
        raise NotImplementedError

    def capacity(self) -> int | None:
        """At most how many distinct values there are; None when there is no useful bound."""
        return len(set(self.field.values)) if self.field.values else None

    def sample(self, index: int) -> Any:
        """A valid JSON value for the prompt's example, or None when there is none to show."""
        shown = self.field.examples or self.field.values
        return shown[index % len(shown)] if shown else None

    def words(self) -> str:
        """The constraints in words, for the prompt."""
        return f"one of {', '.join(map(str, self.field.values))}" if self.field.values else ""


def check_weights(field: Field) -> None:
    """Weights go with values, one each, and at least one is above zero."""
    if field.values is None:
        raise Problem("weights", "`weights` needs `values`.", "List the values they belong to.")
    assert field.weights is not None
    if len(field.weights) != len(field.values):
        raise Problem("weights", f"{len(field.weights)} weights for {len(field.values)} values.", "Give one a value.")
    if not any(field.weights):
        raise Problem("weights", "all weights are 0.", "Give at least one value a weight above 0.")


def check_pattern(field: Field) -> None:
    """The pattern is one that the linear-time engine takes."""
    if field.pattern is not None and (found := problem(field.pattern)):
        raise Problem("pattern", *found)


def bounds(field: Field, parse: Any) -> tuple[Any, Any]:
    """`range` as two parsed ends, or (None, None)."""
    if field.range is None:
        return None, None
    try:
        low, high = (parse(end) for end in field.range)
    except (ValueError, TypeError) as error:
        raise Problem("range", f"can't be read: {error}.", "Give [low, high].") from None
    if high < low:
        raise Problem("range", f"high ({field.range[1]}) is below low ({field.range[0]}).", "Swap them, or raise high.")
    return low, high


def lengths(field: Field) -> tuple[int | None, int | None]:
    """`length` as (low, high); a single number is both."""
    if field.length is None:
        return None, None
    if isinstance(field.length, int):
        return field.length, field.length
    if len(field.length) != 2:
        raise Problem("length", f"needs [low, high], got {len(field.length)} numbers.", "Give two, or one number.")
    low, high = field.length
    if high < low:
        raise Problem("length", f"high ({high}) is below low ({low}).", "Swap them, or raise high.")
    return low, high


def settle_text(values: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """Text without space around it and in NFC. One C-speed look decides whether anything is to be done."""
    joined = "\n".join([value for value in values if value is not None])
    if joined.isascii() and not any(value is not None and value != value.strip() for value in values):
        return values, 0
    settled = [value if value is None else unicodedata.normalize("NFC", value.strip()) for value in values]
    return settled, sum(a != b for a, b in zip(values, settled, strict=True))


def texts_dtype(values: Sequence[Any]) -> Any:
    """The polars type that holds all of `values`, which are of one kind."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pl.Boolean
    if kinds == {int}:
        return pl.Int64
    return pl.Float64 if kinds <= {int, float} else pl.String

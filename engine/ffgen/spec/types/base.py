"""The contract of a value type: what a value is, how it is checked, how a model is told about it."""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

from ffgen.pattern import problem
from ffgen.spec.model import Field

LISTED = frozenset({"values", "weights"})
CONSTRAINTS = ("range", "values", "weights", "pattern", "length", "format", "decimals", "fields", "items")
_PLAIN = frozenset(" -_./:+@&")


Doubt = tuple[str, str, str, Literal["error", "warning"]]
"""The key of the field, what is wrong with it, what to do, and how bad it is."""


class Unfit(ValueError):
    """A value that no lossless conversion makes fit; `reason` is one word for the report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Problem(Exception):
    """A parameter of a field that can't be: which key, what is wrong, what to do.

    `steps` lead on from there to the very place; `at_key` says that the last key itself is wrong, not what it holds.
    `others` were found together with it.
    """

    def __init__(
        self,
        key: str,
        what: str,
        hint: str = "",
        *,
        steps: Sequence[str | int] = (),
        at_key: bool = False,
        others: "Sequence[Problem]" = (),
    ) -> None:
        super().__init__(what)
        self.key = key
        self.what = what
        self.hint = hint
        self.steps = tuple(steps)
        self.at_key = at_key
        self.others = list(others)

    @property
    def path(self) -> tuple[str | int, ...]:
        """The place, from the field down."""
        steps = (int(step) if step.isdecimal() else step for step in self.key.split(".") if step)
        return (*steps, *self.steps)

    def within(self, key: str) -> "Problem":
        """The same, and all found with it, of a field that stands at `key` of another."""
        others = [other.within(key) for other in self.others]
        whole = f"{key}.{self.key}".rstrip(".")
        return Problem(whole, self.what, self.hint, steps=self.steps, at_key=self.at_key, others=others)


class ValueType:
    """One field's type with its constraints. Built from a `Field`; raises `Problem` when a parameter can't be.

    A decoded value is a plain Python value (text, int, float, bool, date, datetime, time, a struct for an
    object, a list for an array). `annotation` is what msgspec decodes into and covers most constraints at C
    speed; `refuse` checks them all, a column at a time; `settle` brings values into the one form that is
    hashed and written.
    """

    keys: frozenset[str] = LISTED
    """The constraints, beyond those that every type takes, that mean something here."""
    meaning = ""
    """What a value is, in a few words for the model and the manual."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.annotation: Any = Any
        for key in CONSTRAINTS:
            if getattr(field, key) is not None and key not in self.keys:
                fitting = ", ".join(sorted(self.keys))
                raise Problem(key, f"`{key}` means nothing for type {field.type}.", f"It takes {fitting}.")
        if field.weights is not None:
            check_weights(field)

    @cached_property
    def choices(self) -> list[Any]:
        """Those of `values` that are wanted, as the spec writes them: a weight of 0 takes one out."""
        values = self.field.values or []
        weights = self.field.weights or [1.0] * len(values)
        return [value for value, weight in zip(values, weights, strict=True) if weight > 0]

    @cached_property
    def allowed(self) -> frozenset[Any]:
        """`values` as decoded and settled; one that is no such value at all is left out (and reported elsewhere)."""
        return frozenset(self.decoded(self.field.values or []))

    @cached_property
    def wanted(self) -> frozenset[Any]:
        """`choices` as decoded and settled."""
        return frozenset(self.decoded(self.choices))

    def decoded(self, values: Sequence[Any]) -> Iterator[Any]:
        """Raw values as this type, settled; what does not fit is skipped."""
        for value in values:
            try:
                yield self.settle([self.coerce(value)])[0][0]
            except Unfit:
                continue

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        """Values in the form that is hashed and written, and how many had to be converted. None stays None."""
        return values, 0

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        """Indices of settled values that break a constraint, each with a word for it. None is judged elsewhere.

        `making` adds the rules for invented data (reserved domains and phone ranges, no value of weight 0); data
        that exists already is not held to them.
        """
        if self.field.values is not None:
            allowed = self.wanted if making else self.allowed
            yield from ((i, "values") for i, v in enumerate(values) if v is not None and v not in allowed)

    def coerce(self, value: Any) -> Any:
        """A raw JSON or CSV value as this type, when nothing is lost; raises `Unfit`."""
        return value

    def conversions(self, raw: Any, value: Any) -> int:
        """How many values `coerce` had to convert, for the report: it shows what a model tends to do."""
        return int(raw != value)

    def fits(self, raw: Any) -> bool:
        """Whether a raw value may be made for this field."""
        try:
            value = self.settle([self.coerce(raw)])[0]
        except Unfit:
            return False
        return next(self.refuse(value, making=True), None) is None

    def render(self, value: Any) -> Any:
        """The value as it stands in the output: the same unless `format` says otherwise."""
        return value

    @property
    def renders(self) -> bool:
        """Whether `render` changes anything."""
        return False

    def doubts(self) -> Iterator[Doubt]:
        """What only a second look finds wrong (an "error") or hardly meant (a "warning"). For a check, not for a run:
        it may count words of a pattern, up to half a second."""
        yield from ()

    def schema(self, making: bool = True) -> dict[str, Any]:
        """JSON Schema of one value, as sent to a model."""
        raise NotImplementedError

    def dtype(self) -> Any:
        """The polars data type of a column in the output."""
        raise NotImplementedError

    def value_dtype(self) -> Any:
        """The polars data type of decoded values, which `format` does not change."""
        return self.dtype()

    def capacity(self) -> int | None:
        """At most how many distinct values there are; None when there is no useful bound."""
        return len(self.wanted) if self.field.values else None

    def sample(self, index: int) -> Any:
        """A valid JSON value for the prompt's example, or None when there is none to show."""
        shown = self.samples or self.choices
        return shown[index % len(shown)] if shown else None

    def widths(self) -> tuple[int, int]:
        """Characters that a value usually takes in JSON, and at most; an estimate where the type has no bound."""
        lengths = [len(str(value)) + 2 for value in self.choices]
        return (sum(lengths) // len(lengths), max(lengths)) if lengths else (10, 26)

    @cached_property
    def samples(self) -> list[Any]:
        """The spec's `examples` that are valid."""
        return [example for example in self.field.examples if self.fits(example)]

    def words(self) -> str:
        """What a value is, constraints included, in words for the prompt."""
        if not self.field.values:
            return self.meaning
        if not self.field.weights:
            return "one of " + ", ".join(map(shown, self.choices))
        whole = sum(self.field.weights)
        shares = (weight / whole for weight in self.field.weights if weight > 0)
        parts = zip(self.choices, shares, strict=True)
        return "one of " + ", ".join(f"{shown(value)} ({percent(share)})" for value, share in parts)


def shown(value: Any) -> str:
    """A value for the prompt: bare where that can't be misread, else as JSON."""
    bare = isinstance(value, str) and value != "" and all(char.isalnum() or char in _PLAIN for char in value)
    return value if bare and value == value.strip() else json.dumps(value, ensure_ascii=False)


def percent(share: float) -> str:
    """A share in words."""
    return f"about {share:.0%}" if share >= 0.01 else "under 1%"


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


def span(low: int | None, high: int | None) -> str:
    """`4 to 40`, or `12` when both ends are the same."""
    return f"{low}" if low == high else f"{low} to {high}"


def tidy(value: Any) -> str:
    """Text without space around it and in NFC; raises `Unfit` for anything else, half a surrogate pair included."""
    if not isinstance(value, str):
        raise Unfit("type")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise Unfit("encoding")
    return unicodedata.normalize("NFC", value.strip())


def settle_text(values: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """Text without space around it and in NFC. One C-speed look decides whether anything is to be done."""
    joined = "\n".join([value for value in values if value is not None])
    if joined.isascii() and not any(value is not None and value != value.strip() for value in values):
        return values, 0
    settled = [value if value is None else unicodedata.normalize("NFC", value.strip()) for value in values]
    return settled, sum(a != b for a, b in zip(values, settled, strict=True))

"""duration: a length of time in ISO 8601, in whole seconds."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from ffgen.spec.model import Field
from ffgen.spec.types.base import LISTED, Unfit, ValueType, bounds, tidy

_PARTS = (604_800, 86_400, 3600, 60, 1)
_DURATION = re.compile(
    r"P(?=T?[0-9])(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.IGNORECASE | re.ASCII,
)
_CLOCK = "([0-9]{1,2}H([0-9]{1,2}M)?([0-9]{1,2}S)?|[0-9]{1,2}M([0-9]{1,2}S)?|[0-9]{1,2}S)"


class Duration(ValueType):
    """A length of time in whole seconds, ISO 8601: PT1H30M, P3D. Years and months, which differ in length, are not
    taken; weeks are written as days, and PT90M as PT1H30M."""

    keys = LISTED | {"range"}
    meaning = "a length of time"
    example = "PT1H30M"

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.annotation = str
        self.low, self.high = bounds(field, self.parse)
        """Seconds."""

    def parse(self, value: Any) -> int:
        """Seconds; raises ValueError, in words for the spec."""
        try:
            return seconds(value)
        except (ValueError, TypeError):
            raise ValueError(f"`{str(value)[:40]}` is not {self.meaning} like {self.example}") from None

    def coerce(self, value: Any) -> Any:
        try:
            return to_text(seconds(tidy(value)))
        except ValueError as error:
            raise error if isinstance(error, Unfit) else Unfit("format") from None

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        # What is no duration is left as it is, for `refuse`.
        settled = [value if value is None else canonical(value) for value in values]
        return settled, sum(a != b for a, b in zip(values, settled, strict=True))

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        wrong = {i for i, v in enumerate(values) if v is not None and not _DURATION.fullmatch(v)}
        yield from ((i, "format") for i in wrong)
        values = [None if i in wrong else v for i, v in enumerate(values)]
        yield from super().refuse(values, making)
        if self.low is not None:
            low, high = self.low, self.high
            yield from ((i, "range") for i, v in enumerate(values) if v is not None and not low <= seconds(v) <= high)

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": self.choices}
        # Servers know no `format: duration`.
        return {"type": "string", "pattern": f"^P([0-9]{{1,6}}D|([0-9]{{1,6}}D)?T{_CLOCK})$"}

    def dtype(self) -> Any:
        return pl.String

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return None if self.low is None else int(self.high - self.low + 1)

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        return to_text(self.low if index % 2 == 0 else self.high) if self.low is not None else self.example

    def words(self) -> str:
        if self.field.values:
            return super().words()
        span = "" if self.low is None else f", from {to_text(self.low)} to {to_text(self.high)}"
        return f"{self.meaning} like {self.example}{span}"


def seconds(text: str) -> int:
    """Seconds of an ISO 8601 duration; raises ValueError, TypeError when it is no text.

    >>> seconds("PT1H30M"), seconds("P1W"), seconds("PT0S")
    (5400, 604800, 0)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("not PnDTnHnMnS")
    return sum(int(number or 0) * part for number, part in zip(match.groups(), _PARTS, strict=True))


def to_text(seconds: int) -> str:
    """The one way in which a duration is written.

    >>> to_text(5400), to_text(259_200), to_text(90_061), to_text(0)
    ('PT1H30M', 'P3D', 'P1DT1H1M1S', 'PT0S')
    """
    days, rest = divmod(seconds, 86_400)
    hours, minutes, rest = rest // 3600, rest // 60 % 60, rest % 60
    date = f"{days}D" if days else ""
    clock = "".join(f"{part}{unit}" for part, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if part)
    return f"P{date}T{clock}" if clock else f"P{date}" if date else "PT0S"


def canonical(text: str) -> str:
    """The same duration as it is written; what is none is left as it is."""
    try:
        return to_text(seconds(text.strip()))
    except ValueError:
        return text

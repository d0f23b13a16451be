"""date, datetime, time: ISO 8601 inside, `format` in the output."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl

from ffgen.spec.model import Field
from ffgen.spec.types.base import Problem, Unfit, ValueType, bounds


class Moment(ValueType):
    """Common to the three: ISO text in, `range` with both ends included, strftime `format` out."""

    keys = frozenset({"range", "format"})
    kind: Any = None
    schema_format = ""
    pattern_shown = ""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.annotation = self.kind
        self.low, self.high = bounds(field, self.parse)
        self.allowed = {self.parse(value) for value in field.values} if field.values else None
        if field.format is not None:
            try:
                self.parse("2024-02-29T13:45:10Z"[self.cut]).strftime(field.format)
            except ValueError as error:
                raise Problem("format", f"strftime refuses it: {error}.", "E.g. %d.%m.%Y or %Y-%m-%d.") from None

    cut = slice(None)

    @staticmethod
    def parse(value: Any) -> Any:
        """A value from ISO text; raises ValueError."""
        raise NotImplementedError

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        if self.allowed is not None:
            yield from ((i, "values") for i, v in enumerate(values) if v is not None and v not in self.allowed)
        if self.low is not None:
            low, high = self.low, self.high
            yield from ((i, "range") for i, v in enumerate(values) if v is not None and not low <= v <= high)

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise Unfit("type")
        try:
            return self.parse(value.strip())
        except ValueError:
            return self.parse_formatted(value.strip())

    def differs(self, raw: Any, value: Any) -> bool:
        return bool(raw != to_text(value))

    def parse_formatted(self, value: str) -> Any:
        """A value written with the field's own `format`; raises `Unfit`."""
        if self.field.format is None:
            raise Unfit("format")
        try:
            moment = datetime.strptime(value, self.field.format)
        except ValueError:
            raise Unfit("format") from None
        return self.parse(moment.isoformat()[self.cut])

    def render(self, value: Any) -> Any:
        return value if value is None or self.field.format is None else value.strftime(self.field.format)

    @property
    def renders(self) -> bool:
        return self.field.format is not None

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": list(self.field.values)}
        return {"type": "string", "format": self.schema_format}

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        return to_text(self.low if index % 2 == 0 else self.high) if self.low is not None else self.pattern_shown

    def words(self) -> str:
        span = "" if self.low is None else f", from {to_text(self.low)} to {to_text(self.high)}"
        return super().words() or f"like {self.pattern_shown}{span}"


class Date(Moment):
    """A calendar date, YYYY-MM-DD."""

    meaning = "a date"
    kind = date
    schema_format = "date"
    pattern_shown = "2024-03-17"
    cut = slice(10)

    @staticmethod
    def parse(value: Any) -> date:
        if isinstance(value, str) and len(value) != 10:
            raise ValueError(f"`{value[:40]}` is not a date like 2024-03-17")
        return date.fromisoformat(value)

    def dtype(self) -> Any:
        return pl.String if self.renders else pl.Date

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return (self.high - self.low).days + 1 if self.low is not None else 3_652_059


class Datetime(Moment):
    """A moment, ISO 8601. One without a zone is read as UTC; all are written in UTC."""

    meaning = "a date and time in UTC"
    kind = datetime
    schema_format = "date-time"
    pattern_shown = "2024-03-17T09:26:53Z"

    @staticmethod
    def parse(value: Any) -> datetime:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        settled = [v if v is None or v.tzinfo is UTC else self.parse(v.isoformat()) for v in values]
        return settled, 0

    def dtype(self) -> Any:
        return pl.String if self.renders else pl.Datetime("us", "UTC")

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return int((self.high - self.low).total_seconds() * 1_000_000) + 1 if self.low is not None else None


class Time(Moment):
    """A time of day, HH:MM:SS."""

    meaning = "a time of day"
    kind = time
    schema_format = "time"
    pattern_shown = "09:26:53"
    cut = slice(11, 19)

    @staticmethod
    def parse(value: Any) -> time:
        return time.fromisoformat(value).replace(tzinfo=None)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        return [v if v is None else v.replace(tzinfo=None) for v in values], 0

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return super().schema(making)
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}

    def dtype(self) -> Any:
        return pl.String if self.renders else pl.Time

    def capacity(self) -> int | None:
        return super().capacity() if self.field.values else 86_400 * 1_000_000


def to_text(value: Any) -> str:
    """ISO 8601, with Z for UTC."""
    return str(value.isoformat().replace("+00:00", "Z"))

"""date, datetime, time: ISO 8601 inside, `format` in the output."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import msgspec
import polars as pl

from ffgen.spec.model import Field
from ffgen.spec.types.base import LISTED, Doubt, Problem, Unfit, ValueType, bounds

_DIRECTIVE = re.compile("%.")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Moment(ValueType):
    """Common to the three: ISO text in, `range` with both ends included, strftime `format` out."""

    keys = LISTED | {"range", "format"}
    kind: Any = None
    schema_format = ""
    example = ""
    told_apart = ""
    """A value whose parts all differ, so that a format which mixes them up is found out."""
    cut = slice(None)

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.annotation = self.kind
        self.low, self.high = bounds(field, self.parse)
        if field.format is not None:
            self.check_format(field.format)

    def check_format(self, format: str) -> None:
        """The format can be written, and what it writes can't be taken for another value when it is read back."""
        moment = self.parse(self.told_apart)
        try:
            text = moment.strftime(format)
        except ValueError as error:
            raise Problem("format", f"strftime refuses it: {error}.", "E.g. %d.%m.%Y or %Y-%m-%d.") from None
        if not text:
            raise Problem("format", "nothing would be written.", "E.g. %d.%m.%Y or %Y-%m-%d.")
        try:
            read = self.parse(text)
        except ValueError:
            return
        if read != moment and self.read_back(text) == moment:
            what = f"{self.told_apart} would be written as {text}, which reads as another value."
            raise Problem("format", what, "Put the parts in another order, e.g. %d.%m.%Y.")

    def doubts(self) -> Iterator[Doubt]:
        if self.field.format is not None:
            moment = self.parse(self.told_apart)
            if self.read_back(moment.strftime(self.field.format)) != moment:
                what = "a part of the value is left out: records that differ may look alike in the output."
                how: Literal["error", "warning"] = "error" if self.field.unique else "warning"
                yield "format", what, "Write all parts, or choose another type.", how

    def parse(self, value: Any) -> Any:
        """A value from ISO text; raises ValueError, in words for the spec."""
        try:
            return self.parse_iso(value)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"`{str(value)[:40]}` is not {self.meaning} like {self.example}") from None

    def parse_iso(self, value: str) -> Any:
        """A settled value from ISO text; raises ValueError, TypeError or OverflowError."""
        raise NotImplementedError

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from super().refuse(values, making)
        if self.low is not None:
            low, high = self.low, self.high
            yield from ((i, "range") for i, v in enumerate(values) if v is not None and not low <= v <= high)

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise Unfit("type")
        try:
            return self.parse(value.strip())
        except ValueError:
            read = self.read_back(value.strip())
        if read is None:
            raise Unfit("format")
        return read

    def conversions(self, raw: Any, value: Any) -> int:
        try:
            msgspec.convert(raw, self.kind)
        except msgspec.ValidationError:
            return 1
        return 0

    def read_back(self, value: str) -> Any:
        """A value written with the field's own `format`; None when it was not."""
        if self.field.format is None:
            return None
        try:
            return self.parse(datetime.strptime(value, self.field.format).isoformat()[self.cut])
        except (ValueError, OverflowError, re.error):
            return None

    def render(self, value: Any) -> Any:
        return value if value is None or self.field.format is None else written(value, self.field.format)

    @property
    def renders(self) -> bool:
        return self.field.format is not None

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": self.choices}
        return {"type": "string", "format": self.schema_format}

    def dtype(self) -> Any:
        return pl.String if self.renders else self.value_dtype()

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


class Date(Moment):
    """A calendar date, YYYY-MM-DD."""

    meaning = "a date"
    kind = date
    schema_format = "date"
    example = "2024-03-17"
    told_apart = "2021-02-05"
    cut = slice(10)

    def parse_iso(self, value: str) -> date:
        if not _DATE.fullmatch(value):
            raise ValueError("not YYYY-MM-DD")
        return date.fromisoformat(value)

    def value_dtype(self) -> Any:
        return pl.Date

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return (self.high - self.low).days + 1 if self.low is not None else 3_652_059


class Datetime(Moment):
    """A moment, ISO 8601. One without a zone is read as UTC; all are written in UTC."""

    meaning = "a date and time in UTC"
    kind = datetime
    schema_format = "date-time"
    example = "2024-03-17T09:26:53Z"
    told_apart = "2021-02-05T16:47:38Z"

    def parse_iso(self, value: str) -> datetime:
        try:
            moment = msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            moment = datetime.fromisoformat(value)
        return in_utc(moment)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        return [v if v is None or v.tzinfo is UTC else in_utc_or_as_is(v) for v in values], 0

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        beyond = {i for i, v in enumerate(values) if v is not None and v.tzinfo is not UTC}
        yield from ((i, "range") for i in beyond)
        yield from super().refuse([None if i in beyond else v for i, v in enumerate(values)], making)

    def value_dtype(self) -> Any:
        return pl.Datetime("us", "UTC")

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        return int((self.high - self.low).total_seconds() * 1_000_000) + 1 if self.low is not None else None


class Time(Moment):
    """A time of day, HH:MM:SS, without a zone; UTC's `Z` is taken off."""

    meaning = "a time of day"
    kind = time
    schema_format = "time"
    example = "09:26:53"
    told_apart = "16:47:38"
    cut = slice(11, None)

    def parse_iso(self, value: str) -> time:
        try:
            moment = msgspec.convert(value, time)
        except msgspec.ValidationError:
            moment = time.fromisoformat(value)
        if moment.utcoffset():
            raise ValueError("a zone of its own")
        return moment.replace(tzinfo=None)

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        # What has a zone of its own is left as it is, for `refuse`.
        return [v if v is None or v.utcoffset() else v.replace(tzinfo=None) for v in values], 0

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        zoned = {i for i, v in enumerate(values) if v is not None and v.tzinfo is not None}
        yield from ((i, "format") for i in zoned)
        yield from super().refuse([None if i in zoned else v for i, v in enumerate(values)], making)

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return super().schema(making)
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}

    def value_dtype(self) -> Any:
        return pl.Time

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        if self.low is None:
            return 86_400 * 1_000_000
        low, high = (datetime.combine(date.min, end) for end in (self.low, self.high))
        return int((high - low).total_seconds() * 1_000_000) + 1


def written(value: Any, format: str) -> str:
    """strftime, with a year before 1000 in four digits on every system, so that it can be read back."""
    if getattr(value, "year", 1000) < 1000:
        format = _DIRECTIVE.sub(lambda found: f"{value.year:04}" if found[0] == "%Y" else found[0], format)
    return str(value.strftime(format))


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC, which one without a zone is in; OverflowError at the ends of the calendar."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def in_utc_or_as_is(moment: datetime) -> datetime:
    """The same moment in UTC; unchanged where UTC has no such year."""
    try:
        return in_utc(moment)
    except OverflowError:
        return moment


def to_text(value: Any) -> str:
    """ISO 8601, with Z for UTC."""
    return str(value.isoformat().replace("+00:00", "Z"))

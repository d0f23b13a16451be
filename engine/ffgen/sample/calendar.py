"""Days, hours and their weights as a spec names them; moments as microseconds, and back as columns."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.sample.base import Scope
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.time import in_utc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
}
SECOND, HOUR, DAY = MICROSECONDS["second"], MICROSECONDS["hour"], MICROSECONDS["day"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = 3
"""Years before `as_of` that dates lie in when no range is said."""
SPAN = (60 * SECOND, 8 * HOUR)
"""Durations when no range is said."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple("january february march april may june july august september october november december".split())
HOURS = tuple(map(str, range(24)))
PROFILES: dict[str, list[float]] = {
    "office": [0.0] * 8 + [4, 9, 10, 9, 5, 8, 10, 9, 7, 3] + [0.0] * 6,
    "shop": [0.0] * 9 + [3, 6, 8, 9, 8, 7, 7, 9, 10, 8, 4] + [0.0] * 4,
    "evening": [3, 1.5, 0.7, 0.4, 0.3, 0.5, 1, 2, 3, 3.5, 3.5, 3.5, 4, 3.5, 3.5, 4, 4.5, 6, 8, 10, 11, 10, 8, 5],
    "awake": [2, 1.2, 0.7, 0.5, 0.5, 0.8, 1.8, 3.5, 5, 6, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 7, 7, 7, 6.5, 5, 3.2],
}
"""Weights of the hours of a day."""


def weights_of(key: str, given: Sequence[float] | dict[str, float], names: Sequence[str]) -> list[float]:
    """One weight a name, of a list or of a mapping of names and spans of names."""
    if not isinstance(given, dict):
        return list(given)
    weights = [given.get("other", 1.0)] * len(names)
    for name, weight in given.items():
        for position in positions(key, name, names) if name != "other" else ():
            weights[position] = weight
    return weights


def positions(key: str, name: str, names: Sequence[str]) -> Iterator[int]:
    """Which places a name (`sat`, `Saturday`) or a span (`mon-fri`, `22-6`) means. A span of hours ends before the
    last of them."""
    parts = [part.strip().lower() for part in name.split("-")]
    found = [place(part, names, last=i > 0) for i, part in enumerate(parts)]
    if len(found) > 2 or None in found:
        some = (
            "0 to 23, or spans such as 9-17"
            if names is HOURS
            else f"{names[0][:3]}, or spans such as {names[0][:3]}-{names[4][:3]}"
        )
        raise Problem(f"generator.{key}", f"`{name[:40]}` is none of its names.", f"Say {some}.")
    first, last = found[0] or 0, found[-1] or 0
    after = 1 if names is HOURS and len(parts) > 1 else 0
    count = (last - first - after) % len(names) + 1
    return ((first + step) % len(names) for step in range(count))


def place(part: str, names: Sequence[str], last: bool) -> int | None:
    """The place of one name, of which three letters will do; None when there is none. A span may end with hour 24."""
    if names is HOURS:
        return int(part) if re.fullmatch("[0-9]{1,2}", part) and int(part) <= 23 + last else None
    return next((i for i, name in enumerate(names) if len(part) >= 3 and name.startswith(part)), None)


def within(key: str, begin: str, end: str, dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Which dates lie between two, both included: dates, or month-days of every year."""
    yearly = all(re.fullmatch("[0-9]{2}-[0-9]{2}", part) for part in (begin, end))
    try:
        # A leap year, so that 02-29 is a day.
        low, high = (date.fromisoformat(f"2024-{part}" if yearly else part) for part in (begin, end))
    except ValueError:
        what = f"`{begin[:40]}` to `{end[:40]}` is no span of days."
        raise Problem(f"generator.{key}", what, "Say 2024-12-25, or 12-25 for every year.") from None
    if not yearly:
        return np.logical_and(dates >= np.datetime64(low), dates <= np.datetime64(high))
    months = dates.astype("datetime64[M]")
    day = (months.astype(int) % 12 + 1) * 100 + (dates - months).astype(int) + 1
    after, before = day >= low.month * 100 + low.day, day <= high.month * 100 + high.day
    found: NDArray[np.bool_] = after & before if low <= high else after | before
    return found


def ends(kind: ValueType, scope: Scope) -> tuple[int, int]:
    """The range of a field in microseconds (a date's: of its midnight), or the usual one of its type."""
    low, high = kind.low, kind.high  # type: ignore[attr-defined]
    match kind.field.type:
        case "duration":
            return SPAN if low is None else (low * SECOND, high * SECOND)
        case "time":
            return (0, DAY - 1) if low is None else (since_midnight(low), since_midnight(high))
        case "date":
            until = in_utc(scope.as_of) - timedelta(microseconds=1)
            begin, end = (years_before(scope.as_of).date(), until.date()) if low is None else (low, high)
            days = date(1970, 1, 1).toordinal()
            return (begin.toordinal() - days) * DAY, (end.toordinal() - days) * DAY
    if low is None:
        return microseconds(years_before(scope.as_of)), microseconds(scope.as_of) - 1
    return microseconds(low), microseconds(high)


def step_of(kind: ValueType, unit: str | None, low: int, high: int) -> int:
    """Microseconds of the unit that values are whole ones of; refuses one that the type doesn't have."""
    taken = {"date": ["day"], "time": list(MICROSECONDS)[:5], "duration": list(MICROSECONDS)[2:]}.get(kind.field.type)
    if unit is not None:
        if taken is not None and unit not in taken:
            what = f"a {kind.field.type} has no {unit}s."
            raise Problem("generator.unit", what, f"It takes {', '.join(taken)}.")
        return MICROSECONDS[unit]
    if kind.field.type == "date":
        return DAY
    said = (low, high) if kind.field.range is not None else (0, 0)
    return next(step for step in (SECOND, 1000, 1) if not any(end % step for end in said))


def years_before(moment: datetime) -> datetime:
    """The moment three years before; the first of the calendar where there is none."""
    moment = in_utc(moment)
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=max(moment.year - YEARS, 1), day=day)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (in_utc(moment) - EPOCH) // timedelta(microseconds=1)


def since_midnight(moment: time) -> int:
    """Microseconds since midnight."""
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) * SECOND + moment.microsecond


def column_of(kind: ValueType, moments: Ints) -> pl.Series:
    """Microseconds as a column of the field's own type."""
    match kind.field.type:
        case "date":
            return pl.Series((moments // DAY).astype(np.int32)).cast(pl.Date)
        case "time":
            return pl.Series(moments * 1000).cast(pl.Time)
        case "duration":
            return durations(moments // SECOND)
    return pl.Series(moments).cast(pl.Datetime("us", "UTC"))


def durations(seconds: Ints) -> pl.Series:
    """ISO 8601 texts as `Duration` settles them; about 100 ns a value."""
    days, clock = np.divmod(seconds, 86_400)
    day, empty = pl.lit(pl.Series(days)), pl.lit("")
    in_days = pl.when(day > 0).then(pl.concat_str(day, pl.lit("D"))).otherwise(empty)
    text = pl.concat_str(pl.lit("P"), in_days, pl.lit(_clocks().gather(clock)))
    return pl.select(pl.when(text == "P").then(pl.lit("PT0S")).otherwise(text)).to_series()


@lru_cache(maxsize=1)
def _clocks() -> pl.Series:
    """The part of a duration from T on, for each second of a day; empty for the first."""
    second = pl.int_range(86_400)
    parts = ((second // 3600, "H"), (second // 60 % 60, "M"), (second % 60, "S"))
    texts = [pl.when(part > 0).then(pl.concat_str(part, pl.lit(unit))).otherwise(pl.lit("")) for part, unit in parts]
    return pl.select(pl.concat_str(pl.when(second > 0).then(pl.lit("T")).otherwise(pl.lit("")), *texts)).to_series()

"""Moments: anywhere in a range alike, or by the rhythm of days and hours."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream, key_of
from ffgen.sample.base import Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.calendar import (
    DAY,
    HOUR,
    HOURS,
    MONTHS,
    PROFILES,
    WEEKDAYS,
    Floats,
    Ints,
    column_of,
    ends,
    step_of,
    weights_of,
    within,
)
from ffgen.sample.noise import echo, stages, white
from ffgen.spec.types import Problem, ValueType

Weight = Annotated[float, Meta(ge=0, le=1e9)]
Unit = Literal["microsecond", "millisecond", "second", "minute", "hour", "day"]
POOLED = 1 << 16
"""Durations up to which all texts are made beforehand."""


class Moment(Sampler):
    """Any date, datetime, time or duration of a range, all alike, both ends included.

    Without a range: dates and datetimes lie in the 3 years before `as_of`, times in the whole day, durations
    between 1 minute and 8 hours.

    - `unit`: millisecond, second, minute, hour or day: values are whole ones. Seconds unless said (finer where the
      range's own ends are); dates have days.
    """

    example: ClassVar[str] = (
        '- {name: opens, type: time, range: ["07:00", "11:00"], generator: {name: moment, unit: minute}}\n'
    )
    gives = "datetime"
    serves = frozenset({"date", "time", "duration"})
    holds = frozenset({"range", "format"})

    unit: Unit | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        low, high = ends(kind, scope)
        self.step = step_of(kind, self.unit, low, high)
        self.first = -(-low // self.step)
        self.count = high // self.step - self.first + 1
        if self.count < 1:
            what = f"no whole {self.unit} lies in the range."
            raise Problem("generator.unit", what, "Choose a finer one, or widen the range.")
        self.pool: pl.Series | None = None
        if kind.field.type == "duration" and self.count <= POOLED:
            self.pool = self._column(np.arange(self.count))

    def room(self) -> int | None:
        return self.count

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.count <= 1 << 32:
            return self.at(rng.integers(0, self.count - 1, n, dtype=np.uint32, endpoint=True))
        return self.at(rng.integers(0, self.count, n, dtype=np.uint64))

    def at(self, index: NDArray[np.unsignedinteger[Any]]) -> Column:
        return self._column(index.astype(np.int64)) if self.pool is None else self.pool.gather(index)

    def _column(self, codes: Ints) -> pl.Series:
        codes += self.first
        codes *= self.step
        return column_of(self.kind, codes)


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """Days on which there is `factor` times as much: from one date to another, or month-day for every year."""

    begin: str
    factor: Weight
    end: str | None = None


class Rhythm(Sampler):
    """Dates and datetimes by the rhythm of life: busy weekdays and hours, seasons, growth, holidays.

    Lists and mappings hold weights: twice as much is twice as often. In a mapping, what is not named weighs 1, or
    what `other` says. With no parameter at all: a website's week, with less at night and on weekends.

    - `weekdays`: seven weights from Monday, or a mapping such as {sat: 2, sun: 0} or {mon-fri: 5, other: 1}.
    - `hours`: 24 weights from midnight, a mapping such as {"9-17": 5, "12": 3} (from 9:00 to 17:00, and from 12:00 to
      13:00; the last that names an hour counts), or `office`, `evening`, `shop` or `awake`. In UTC, like all datetimes.
    - `months`: twelve weights from January, or a mapping such as {nov-dec: 2}.
    - `trend`: growth per year: 0.3 is 30% more each year, -0.1 is 10% less.
    - `autocorrelation`: from 0 to 0.999: how much a busy day is followed by a busy day. Fields of one table share their
      busy days.
    - `variation`: how much days differ by chance (the standard deviation of the logarithm); 0.3 unless said where
      there is an `autocorrelation`, else 0.
    - `holidays`: days without any: 2024-12-25, 12-25 for every year, 12-24/12-26 for a span.
    - `events`: days with more or less: {from: 2024-11-25, to: 2024-12-01, factor: 4}; every year without a year.
    - `unit`: millisecond, second, minute or hour; seconds unless said.
    """

    example: ClassVar[str] = (
        "- name: signed_up\n"
        "  type: datetime\n"
        '  range: ["2022-01-01", "2024-12-31T23:59:59Z"]\n'
        "  generator: {name: rhythm, weekdays: {sat: 0.6, sun: 0.5}, hours: evening, trend: 0.3}\n"
    )
    gives = "datetime"
    serves = frozenset({"date"})
    holds = frozenset({"range", "format"})

    weekdays: Annotated[list[Weight], Meta(min_length=7, max_length=7)] | dict[str, Weight] | None = None
    hours: Annotated[list[Weight], Meta(min_length=24, max_length=24)] | dict[str, Weight] | str | None = None
    months: Annotated[list[Weight], Meta(min_length=12, max_length=12)] | dict[str, Weight] | None = None
    trend: Annotated[float, Meta(gt=-1, le=100)] = 0.0
    autocorrelation: Annotated[float, Meta(ge=0, le=0.999)] | None = None
    variation: Annotated[float, Meta(ge=0, le=3)] | None = None
    holidays: list[str] = []
    events: Annotated[list[Event], Meta(max_length=1000)] = []
    unit: Literal["millisecond", "second", "minute", "hour"] | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.dated = kind.field.type == "date"
        if self.dated and (self.hours is not None or self.unit is not None):
            key = "generator.unit" if self.hours is None else "generator.hours"
            raise Problem(key, "a date has no time of day.", "Make it a datetime, or take this away.")
        low, high = ends(kind, scope)
        self.step = step_of(kind, self.unit, low, high)
        low, high = -(-low // self.step) * self.step, high // self.step * self.step
        if low > high:
            raise Problem(
                "generator.unit", "no whole one lies in the range.", "Choose a finer one, or widen the range."
            )
        self.first, last = low // DAY, high // DAY
        weights = self._day_weights(np.arange(self.first, last + 1))
        if not self.dated:
            self._set_hours(low - self.first * DAY, high - last * DAY, weights)
        if not weights.any():
            what = "no moment of the range has any weight."
            raise Problem("generator", what, "Widen the range, or raise the weights of its days and hours.")
        self.days = cumulated(weights.tolist())

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        days = choose(rng, n, self.days)
        if self.dated:
            return pl.Series((days + self.first).astype(np.int32)).cast(pl.Date)
        moments = choose(rng, n, self.hour_shares)
        moments *= HOUR
        moments += self._within_hours(rng, n)
        for day, low, high in self.edges:
            partial = np.flatnonzero(days == day)
            moments[partial] = self._between(rng, len(partial), low, high)
        days += self.first
        days *= DAY
        moments += days
        return column_of(self.kind, moments)

    def _within_hours(self, rng: Stream, n: int) -> Ints:
        if (parts := HOUR // self.step) <= 1 << 16:
            offset = rng.integers(0, parts - 1, n, dtype=np.uint16, endpoint=True).astype(np.int64)
        else:
            offset = rng.integers(0, parts, n)
        offset *= self.step
        return offset

    def _between(self, rng: Stream, n: int, low: int, high: int) -> Ints:
        """Times of a day that begins or ends within its hours, by the same profile."""
        start, end = (np.interp(moment / HOUR, np.arange(25), self.clock) for moment in (low, high + self.step))
        share = start + rng.random(n) * (end - start)
        hour = np.clip(np.searchsorted(self.clock, share, side="right") - 1, 0, 23)
        part = (share - self.clock[hour]) / np.diff(self.clock)[hour]
        moments = ((hour + part) * HOUR).astype(np.int64) // self.step * self.step
        return np.asarray(np.clip(moments, low, high))

    def _set_hours(self, low: int, high: int, weights: Floats) -> None:
        """The profile of the day, and what the first and the last day have of it."""
        hours = self._hour_weights()
        if not any(hours):
            raise Problem("generator.hours", "all weights are 0.", "Give an hour some weight.")
        self.hour_shares = cumulated(hours)
        self.clock = np.concatenate([[0.0], self.hour_shares])
        last, end = len(weights) - 1, DAY - self.step
        spans = [(0, low, high if last == 0 else end), (last, 0 if last else low, high)]
        self.edges = [span for span in dict.fromkeys(spans) if span[1:] != (0, end)]
        for day, begin, until in self.edges:
            weights[day] *= np.diff(np.interp([begin / HOUR, (until + self.step) / HOUR], np.arange(25), self.clock))[0]

    def _hour_weights(self) -> list[float]:
        if self.hours is None:
            return PROFILES["awake"] if self._is_bare() else [1.0] * 24
        if isinstance(self.hours, str):
            if self.hours not in PROFILES:
                known = ", ".join(PROFILES)
                raise Problem("generator.hours", f"there is no profile `{self.hours[:40]}`.", f"Profiles are {known}.")
            return PROFILES[self.hours]
        return weights_of("hours", self.hours, HOURS)

    def _day_weights(self, days: Ints) -> Floats:
        """How much of all falls on each day."""
        weekdays = (
            self.weekdays if self.weekdays is not None else [1, 1, 1, 1, 1, 0.7, 0.6] if self._is_bare() else None
        )
        weights = np.ones(len(days))
        dates = days.astype("datetime64[D]")
        if weekdays is not None:
            weights *= np.array(weights_of("weekdays", weekdays, WEEKDAYS))[(days + 3) % 7]
        if self.months is not None:
            weights *= np.array(weights_of("months", self.months, MONTHS))[
                dates.astype("datetime64[M]").astype(int) % 12
            ]
        # Counted from the end that has most, so that no span is too long for it.
        weights *= (1 + self.trend) ** ((days - days[-1 if self.trend > 0 else 0]) / 365.25)
        weights *= self._variations(days)
        for holiday in self.holidays:
            begin, _, end = holiday.partition("/")
            weights[within("holidays", begin, end or begin, dates)] = 0.0
        for event in self.events:
            weights[within("events", event.begin, event.end or event.begin, dates)] *= event.factor
            # Many events on one day must not multiply to infinity.
            weights /= max(weights.max(), 1.0)
        return weights

    def _variations(self, days: Ints) -> Floats | float:
        """Chance that is the same for all fields of the table, and for a day whatever the range."""
        spread = self.variation if self.variation is not None else 0.0 if self.autocorrelation is None else 0.3
        if not spread:
            return 1.0
        known = self.autocorrelation or 0.0
        lead = 1 << stages(known)
        counted = np.arange(days[0] - lead, days[-1] + 1) + (1 << 32)
        noise = echo(white(counted.astype(np.uint64), key_of(self.scope.seed, self.scope.table, "rhythm")), known)
        return np.exp(spread * noise[lead:])

    def _is_bare(self) -> bool:
        """Whether no parameter is given."""
        plain = self.weekdays is None and self.hours is None and self.months is None and self.variation is None
        return plain and not (self.trend or self.autocorrelation or self.holidays or self.events)

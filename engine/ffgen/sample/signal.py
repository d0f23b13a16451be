"""What a time series measures."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from ffgen.rng import U64, Stream, key_of, mix
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.calendar import DAY, HOUR, MONTHS, WEEKDAYS, Ints, microseconds, positions, years_before
from ffgen.sample.noise import Floats, echo, stages, white
from ffgen.sample.passing import entities_of, known_field, moment_of, moments_of, numbers_of, span_of
from ffgen.spec.model import Duration, Field
from ffgen.spec.types import Problem, ValueType

YEAR = 365.2425 * DAY
CHUNK = 1 << 20
"""Numbers of one pass over correlated noise."""
BRIDGE = 64
"""Missing steps that are made all the same rather than led in to again."""


class Season(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wave: how far it goes up and down, and when it is highest."""

    size: float
    peak: float | str | None = None


class Spikes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Single values far off: the share of them, and how far off they are on average."""

    share: Annotated[float, Meta(ge=0, le=1)]
    size: float


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From a moment on, everything is multiplied and raised."""

    at: str
    factor: float = 1.0
    add: float = 0.0


class SeriesValue(Sampler):
    """What a time series measures: a level with trend, seasons, noise and events.

    The value is a function of the series and the moment alone: the same wherever the row stands.

    - `time`: the field that says when; the record's only date or datetime unless said.
    - `entity`: the field that says which series; the one drawn by `series`, or the parent, unless said.
    - `level`: where it starts. `spread`: how much the levels of series differ (standard deviation).
    - `trend`: what is added in a year.
    - `daily`, `weekly`, `yearly`: waves: 4 goes up and down by 4, {size: 4, peak: 15} is highest at 15:00; weekly
      peaks are days (sat), yearly ones months (jul). Otherwise the peak is at 15:00, on Wednesday, in July.
    - `noise`: the standard deviation of what is left to chance. `autocorrelation`: from 0 to 0.99: how much of the
      chance one step keeps of the step before.
    - `step`: of the series; that of the `time` field unless said.
    - `spikes`: {share: 0.001, size: 40}: single values off by 40 or so.
    - `shifts`: [{at: 2024-06-01, factor: 1.2, add: 5}]: from then on everything is another.
    """

    example: ClassVar[str] = (
        "- {name: sensor, type: integer, generator: {name: series, part: entity, entities: 5}}\n"
        '- {name: measured, type: datetime, generator: {name: series, start: "2024-01-01", step: 15m, entities: 5}}\n'
        "- {name: celsius, type: number, decimals: 1, range: [-30, 50],\n"
        "   generator: {name: series_value, level: 9, yearly: 11, daily: 4, noise: 1.5, autocorrelation: 0.9}}\n"
    )
    gives = "number"
    serves = frozenset({"integer"})
    holds = frozenset({"range", "decimals"})

    time: str | None = None
    entity: str | None = None
    level: float = 0.0
    spread: Annotated[float, Meta(ge=0)] = 0.0
    trend: float = 0.0
    daily: float | Season | None = None
    weekly: float | Season | None = None
    yearly: float | Season | None = None
    noise: Annotated[float, Meta(ge=0)] = 0.0
    autocorrelation: Annotated[float, Meta(ge=0, le=0.99)] = 0.0
    step: Duration | None = None
    spikes: Spikes | None = None
    shifts: list[Shift] = []

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        fields = {} if scope.inner else {each.name: each for each in scope.dataset.fields}
        self.time_field = known_field("time", self.time or only_time(fields), scope)
        self.entity_field = self.entity or next(
            (name for name in fields if series_part(fields[name]) == "entity"), None
        )
        if self.entity_field is not None:
            known_field("entity", self.entity_field, scope)
        self.origin, self.gap = self._beginning(fields.get(self.time_field))
        self.waves = [self._wave(key) for key in ("daily", "weekly", "yearly") if getattr(self, key) is not None]
        self.moves = [(self._moment(shift.at), shift) for shift in self.shifts]
        parts = ("entity", "level", "noise", "spikes")
        self.keys = {part: key_of(scope.seed, scope.table, scope.path, part) for part in parts}
        self._set_limits()

    @property
    def reads(self) -> Sequence[str]:
        return [self.time_field, *([self.entity_field] if self.entity_field else [])]

    def _beginning(self, field: Field | None) -> tuple[int, int]:
        """When the series begins (for the trend), and its step."""
        said: dict[str, Any] = generator_of(field) if field is not None and series_part(field) == "time" else {}
        step = self.step if self.step is not None else said.get("step")
        if self.autocorrelation and step is None:
            raise Problem("generator.step", "`autocorrelation` needs the step of the series.", "E.g. step: 1h.")
        gap = 1 if step is None else max(int(span_of("step", step)), 1)
        low = field.range[0] if field is not None and field.range is not None else None
        starts = (moment_of(str(each)) for each in (said.get("start"), low) if each is not None)
        usual = microseconds(years_before(self.scope.as_of))
        return next((start for start in starts if start is not None), usual), gap

    def _wave(self, key: str) -> tuple[float, float, float]:
        """How far up, microseconds of its highest point since 1970, microseconds of one round."""
        said = getattr(self, key)
        season = said if isinstance(said, Season) else Season(said)
        if key == "daily":
            hour = 15.0 if season.peak is None else season.peak
            if isinstance(hour, str) or not 0 <= hour <= 24:
                raise Problem("generator.daily", f"`{season.peak}` is no hour.", "E.g. {size: 4, peak: 15}.")
            return season.size, hour * HOUR, DAY
        names, usual = (WEEKDAYS, "wed") if key == "weekly" else (MONTHS, "jul")
        (place,) = [*positions(key, str(season.peak or usual), names)][:1]
        # The first of January 1970 was a Thursday; a month's middle is its peak.
        return (
            (season.size, (place - 2.5) * DAY, 7 * DAY)
            if key == "weekly"
            else (season.size, (place + 0.5) * YEAR / 12, YEAR)
        )

    def _moment(self, text: str) -> int:
        moment = moment_of(text)
        if moment is None:
            raise Problem("generator.shifts", f"`{text[:40]}` is no moment.", "E.g. {at: 2024-06-01, add: 5}.")
        return moment

    def _set_limits(self) -> None:
        """The first and last value in the range that can be written."""
        if self.kind.capacity() == 0:
            raise Problem("range", "no number lies in the range.", "Widen it, or raise `decimals`.")
        ends: tuple[Any, Any] = self.kind.low, self.kind.high  # type: ignore[attr-defined]
        low, high = ends
        self.whole = self.field.type == "integer"
        most = float(1 << 62) if self.whole else 1e300
        self.low: float = -most if low is None else low
        self.high: float = most if high is None else high
        if self.field.decimals is not None and low is not None:
            scale = 10**self.field.decimals
            self.low = math.ceil(Fraction(repr(low)) * scale) / scale
            self.high = math.floor(Fraction(repr(high)) * scale) / scale

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        moment = moments_of(rows[self.time_field]).fill_null(0).to_numpy()
        entity = self._entity(rows)
        value = self.level + self.trend / YEAR * (moment - self.origin)
        if self.spread:
            value += self.spread * white(entity, self.keys["level"])
        for size, peak, period in self.waves:
            value += size * np.cos((moment - peak) % period * (2 * np.pi / period))
        step = moment // self.gap
        if self.spikes is not None:
            value += self._spike(entity + step.view(np.uint64), self.spikes)
        if self.noise:
            value += self.noise * self._chance(entity, step)
        for at, shift in self.moves:
            after = moment >= at
            value[after] = value[after] * shift.factor + shift.add
        return self._limited(value)

    def _entity(self, rows: Rows) -> U64:
        """A random number for each row's series."""
        if self.entity_field is not None:
            return mix(numbers_of(rows[self.entity_field]), self.keys["entity"])
        found = entities_of(rows, None)
        key = np.zeros(len(rows), dtype=np.uint64) if found is None else found.key
        return mix(key, self.keys["entity"])

    def _spike(self, index: U64, spikes: Spikes) -> Floats:
        number = mix(index, self.keys["spikes"])
        hit = (number >> np.uint64(32)) < np.uint64(spikes.share * 2.0**32)
        return hit * spikes.size * (0.5 + (number & np.uint64(0xFFFFFFFF)) * 2.0**-32)

    def _chance(self, entity: U64, step: Ints) -> Floats:
        """Noise of variance 1 for each series and step, which keeps a share of the step before."""
        if not self.autocorrelation:
            return white(entity + step.view(np.uint64), self.keys["noise"])
        order = np.lexsort((step, entity))
        entity, step = entity[order], step[order]
        lead = 1 << stages(self.autocorrelation)
        apart = (entity[1:] != entity[:-1]) | (np.diff(step) > BRIDGE)
        first = np.concatenate([[0], np.flatnonzero(apart) + 1])[: len(order)]
        last = np.append(first[1:], len(order)) - 1
        length = step[last] - step[first] + 1 + lead
        noise = np.empty(len(order))
        for some in np.split(np.arange(len(first)), np.flatnonzero(np.diff(np.cumsum(length) // CHUNK)) + 1):
            if len(some):
                span = slice(first[some[0]], last[some[-1]] + 1)
                begin = step[first[some]] - lead
                made, offset = self._passed(entity[first[some]], begin, length[some])
                place = np.repeat(offset - begin, last[some] - first[some] + 1) + step[span]
                noise[order[span]] = made[place]
        return noise

    def _passed(self, entity: U64, begin: Ints, length: Ints) -> tuple[Floats, Ints]:
        """The noise of some stretches of steps, one after the other, and where each begins."""
        offset = np.cumsum(length) - length
        step = np.arange(int(length.sum())) + np.repeat(begin - offset, length)
        index = np.repeat(entity, length) + step.view(np.uint64)
        return echo(white(index, self.keys["noise"]), self.autocorrelation), offset

    def _limited(self, value: Floats) -> Column:
        """Within the range, with no more decimals than asked for; -0 is 0."""
        value = np.clip(value, self.low, self.high)
        if self.whole:
            return np.clip(np.rint(value).astype(np.int64), int(self.low), int(self.high))
        if self.field.decimals is not None:
            value = np.clip(np.round(value, self.field.decimals), self.low, self.high)
        return value + 0.0


def generator_of(field: Field) -> dict[str, Any]:
    """A field's generator in its long form."""
    if isinstance(field.generator, str):
        return {"name": field.generator}
    return field.generator or {}


def series_part(field: Field) -> str:
    """Which part of a series a field holds, if any."""
    said = generator_of(field)
    return str(said.get("part", "time")) if said.get("name") == "series" else ""


def only_time(fields: dict[str, Field]) -> str:
    """The one field that says when."""
    steps = [name for name, field in fields.items() if series_part(field) == "time"]
    moments = [name for name, field in fields.items() if field.type in ("date", "datetime")]
    for names in (steps, moments):
        if len(names) == 1:
            return names[0]
    raise Problem("generator.time", "it is not plain which field says when.", "Name it, e.g. time: measured_at.")

"""Time that passes from row to row: arrivals one after the other, and the steps of time series."""

import unicodedata
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from msgspec import Meta

from ffgen.rng import U64, Stream, key_of
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.calendar import DAY, MICROSECONDS, SECOND, Ints, column_of, ends
from ffgen.sample.gaps import ENDLESS, SPREADS, Gaps, Law, Process
from ffgen.sample.passing import Entities, entities_of, fine_step, known_field, moment_of, moments_of, span_of
from ffgen.sample.signal import SeriesValue
from ffgen.spec.model import Duration
from ffgen.spec.types import Problem, ValueType

__all__ = ["Arrivals", "Series", "SeriesValue"]

LAST = 253_402_300_799 * SECOND
"""The end of the year 9999."""
POOLED = 1 << 16
"""Names of series up to which all are made beforehand."""


class Timed(Sampler):
    """What samplers of passing time have in common: a start, which may be another field."""

    start: str | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.key = key_of(scope.seed, scope.table, scope.path)
        counted = any(field.reference and field.reference.counts_children for field in scope.dataset.fields)
        self.together = scope.inner or counted
        """Whether rows are surely laid out entity by entity."""
        self.start_field = ""
        self.begin, self.end = (ends(kind, scope)[0], LAST)
        if kind.field.range is not None:
            self.end = ends(kind, scope)[1]
        if self.start is not None:
            moment = moment_of(self.start)
            if moment is not None:
                self.begin = moment
            else:
                self.start_field = known_field("start", self.start, scope)

    @property
    def reads(self) -> Sequence[str]:
        return [self.start_field] if self.start_field else []

    def _from_start(self, passed: Ints, rows: Rows) -> Column:
        """Moments so long after the start; null where the start is."""
        if not self.start_field:
            passed += self.begin
            return column_of(self.kind, passed)
        start = moments_of(rows[self.start_field])
        passed += start.fill_null(0).to_numpy()
        column = column_of(self.kind, passed)
        if start.null_count():
            column = pl.select(pl.when(pl.lit(start.is_not_null())).then(pl.lit(column))).to_series()
        return column


class Arrivals(Timed):
    """Moments one after the other: orders in a shop, lines in a log, visits of one customer.

    In a table of its own, times rise from row to row. In rows that are laid out parent by parent (a `ref` with `min`,
    `max` or `mean`), and inside an array, they rise within each parent and begin anew with the next.

    - `mean`: the gap between two, such as 90s, 15m or 2h. Without it, a table's rows fill the field's `range`.
    - `distribution`: of the gaps: exponential (by chance alone, unless said), gamma, lognormal or constant.
    - `spread`: of gamma and lognormal gaps: the standard deviation as a share of the mean; 0.5 and 1 unless said.
    - `start`: a moment, or the name of a date or datetime field of the same record. The range's low end unless said.
      The first comes one gap after it.
    - `by`: a field that is the same for all rows of one entity, which stand together: times begin anew when it
      changes, and where a shard begins.
    - `unit`: second, millisecond, microsecond, minute or hour; fine enough for the gaps unless said.

    A range is kept: in a table, rows that would come after its end are refused before the run or come at its end; an
    entity's gaps shrink until its last row fits.
    """

    example: ClassVar[str] = (
        '- {name: signed_up, type: datetime, range: ["2024-01-01", "2024-06-30"]}\n'
        '- {name: visited, type: datetime, generator: {name: arrivals, start: "2024-07-01", mean: 12m}}\n'
    )
    gives = "datetime"
    serves = frozenset({"date"})
    holds = frozenset({"range", "format"})
    grouped: ClassVar[bool] = True

    mean: Duration | None = None
    distribution: Law = "exponential"
    spread: Annotated[float, Meta(ge=0.05, le=4)] | None = None
    by: str | None = None
    unit: Literal["microsecond", "millisecond", "second", "minute", "hour"] | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if self.spread is not None and self.distribution in ("exponential", "constant"):
            what = f"the spread of {self.distribution} gaps is what it is."
            raise Problem("generator.spread", what, "Take it away, or say distribution: gamma.")
        self.law = Gaps(self.distribution, self.spread or SPREADS[self.distribution])
        self.together = self.together or self.by is not None
        if self.by is not None:
            known_field("by", self.by, scope)
        fills = self.mean is None
        self.gap = self._filling_gap() if self.mean is None else span_of("mean", self.mean)
        self.step = MICROSECONDS[self.unit] if self.unit else fine_step(self.gap)
        self.limited = kind.field.range is not None
        if not self.together and not self.start_field:
            self._check_end()
        gaps, span = (scope.count + 1, self.end - self.begin) if fills else (ENDLESS, ENDLESS * self.gap)
        self.process = Process(self.law, gaps, float(span), self.key)

    @property
    def reads(self) -> Sequence[str]:
        return list(dict.fromkeys([*super().reads, *([self.by] if self.by else [])]))

    def _filling_gap(self) -> float:
        if self.field.range is None or not self.scope.count or self.together or self.start_field:
            raise Problem("generator.mean", "the mean gap is missing.", "E.g. mean: 15m.")
        return max((self.end - self.begin) / (self.scope.count + 1), 1.0)

    def _check_end(self) -> None:
        """Refuses rows that come after the end by far."""
        last = self.begin + self.gap * self.scope.count
        if self.begin > self.end or (self.mean is not None and last > self.end):
            what = f"{self.scope.count} rows with this gap from the start on do not fit before the end."
            raise Problem("generator.mean", what, "Shorten it, widen `range`, or leave it out to fill the range.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        entities = entities_of(rows, self.by)
        if entities is None and self.start_field:
            entities = Entities(rows.index, np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64))
        passed = self.process.times(rows.index) if entities is None else self._within(rng, entities, rows)
        passed //= self.step
        passed *= self.step
        column = self._from_start(passed, rows)
        return self._clipped(pl.Series(column)) if self.limited else column

    def _within(self, rng: Stream, entities: Entities, rows: Rows) -> Ints:
        """Time since the start of each row's entity, whose rows are counted whether they are here or not."""
        first = np.flatnonzero(np.diff(entities.key, prepend=entities.key[:1] + np.uint64(1)))
        size = entities.size[first]
        offset = np.cumsum(size) - size
        gaps = np.rint(self.law.draw(rng, int(size.sum())) * self.gap).astype(np.int64)
        total = np.cumsum(gaps)
        total -= np.repeat(total[offset] - gaps[offset], size)
        row = np.repeat(offset, np.diff(first, append=len(rows))) + entities.rank
        passed = total[row]
        if self.limited:
            self._shrink(passed, total[offset + size - 1], np.diff(first, append=len(rows)), rows)
        return passed

    def _shrink(self, passed: Ints, whole: Ints, runs: Ints, rows: Rows) -> None:
        """Brings the last row of each entity before the end of the range."""
        start = moments_of(rows[self.start_field]).fill_null(0).to_numpy() if self.start_field else self.begin
        room = np.maximum(self.end - start, 0)
        late = np.repeat(whole, runs) > room
        share = np.broadcast_to(room, len(passed))[late] / np.repeat(whole, runs)[late]
        passed[late] = (passed[late] * share).astype(np.int64)

    def _clipped(self, column: pl.Series) -> pl.Series:
        return column.clip(self.kind.low, self.kind.high)  # type: ignore[attr-defined]


class Series(Timed):
    """The time of each row of a time series, or which series the row belongs to.

    In a table of its own, rows go round: row 1 is the first step of series 1, row 2 the first step of series 2, and so
    on, so that times rise. In rows laid out parent by parent, and inside an array, each parent has a series of its own.

    - `part`: `time` (unless said) or `entity`: the series' number from 1 in an integer field, and with a `prefix` in a
      text field.
    - `step`: from one row of a series to the next: 1h, 15m, 1d.
    - `start`: a moment, or the name of a date or datetime field. The range's low end unless said.
    - `entities`: how many series there are; 1 unless said. The same in both fields.
    - `prefix`: what stands before the number, `series-` unless said.
    """

    example: ClassVar[str] = (
        "- {name: sensor, type: string, generator: {name: series, part: entity, entities: 20, prefix: sensor-}}\n"
        '- {name: measured, type: datetime, generator: {name: series, start: "2024-01-01", step: 1h, entities: 20}}\n'
    )
    gives = "datetime"
    serves = frozenset({"date", "string", "integer"})
    holds = frozenset({"format"})

    part: Literal["time", "entity"] = "time"
    step: Duration | None = None
    entities: Annotated[int, Meta(ge=1, le=10**9)] = 1
    prefix: Annotated[str, Meta(max_length=100)] = "series-"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        timed = kind.field.type in ("date", "datetime")
        if timed != (self.part == "time"):
            what = f"a {kind.field.type} field can't hold the {self.part} of a series."
            raise Problem("generator.part", what, "Time goes into a date or datetime, entity into a string or integer.")
        if timed:
            super().bind(kind, scope)
            self._set_step()
        else:
            Sampler.bind(self, kind, scope)
            self.start_field = ""
            self.texts = kind.field.type == "string"
            self.pool: pl.Series | None = None
            if self.texts and self.entities <= POOLED:
                self.pool = self._names(pl.Series(np.arange(1, self.entities + 1)))

    def _set_step(self) -> None:
        if self.step is None:
            raise Problem("generator.step", "the step is missing.", "E.g. step: 1h.")
        self.gap = int(span_of("step", self.step))
        if self.kind.field.type == "date" and self.gap < DAY:
            raise Problem("generator.step", "a date takes no step below a day.", "Make the field a datetime.")
        steps = -(-self.scope.count // self.entities)
        if not self.together and not self.start_field and self.begin + self.gap * (steps - 1) > self.end:
            what = f"{steps} steps from the start on do not fit before the end."
            raise Problem("generator.step", what, "Shorten it, widen `range`, lower `count`, or raise `entities`.")
        vars(self)["numbered"] = self.entities == 1 and not self.together and not self.start_field

    def room(self) -> int | None:
        return (self.end - self.begin) // self.gap + 1 if self.numbered else None

    def at(self, index: U64) -> Column:
        return column_of(self.kind, index.astype(np.int64) * self.gap + self.begin)

    def keyed(self, index: U64, key: int) -> Column:
        return self.at(index)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        entities = entities_of(rows, None)
        index = rows.index.astype(np.int64)
        if self.part == "time":
            step = index // self.entities if entities is None else entities.rank.copy()
            return self._from_start(step * self.gap, rows)
        number = index % self.entities if entities is None else entities.key.astype(np.int64)
        if not self.texts:
            return number + 1
        if self.pool is not None and entities is None:
            return self.pool.gather(number)
        return self._names(pl.Series(number + 1))

    def _names(self, numbers: pl.Series) -> pl.Series:
        prefix = pl.lit(unicodedata.normalize("NFC", self.prefix.lstrip()))
        number = pl.lit(numbers.cast(pl.String)).str.zfill(len(str(self.entities)))
        return pl.select(pl.concat_str(prefix, number)).to_series()

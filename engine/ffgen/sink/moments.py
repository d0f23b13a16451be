"""Dates, datetimes and times of a column as the text that stands in the output.

The same text as row by row: ISO 8601 as msgspec writes it, or the field's own `format` (strftime). Texts come from
tables by day and by second of the day, so a value costs two gathers and one joining of strings.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.errors import InternalError
from ffgen.spec.types.time import written

Numbers = NDArray[np.int64]
Writer = Callable[[pl.Series], pl.Series]
"""Turns a column into the one that is written: moments have become text, all else stands as it was."""

DAY = 86_400
MICRO = 1_000_000
SPAN = 1 << 18
"""Numbers that a table covers at most: 700 years of days, three days of seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(r"%[-_0^#]*\d*[EO]?.|[^%]+|%", re.DOTALL)
_BY_DAY = frozenset("aAbBCdDeFgGhjmntuUVwWxyYzZ%")
_BY_SECOND = frozenset("HIklMpPrRSTX")


def writer_of(dtype: Any, formats: Mapping[str, str], path: str, *, iso: bool) -> Writer | None:
    """What writes a column of this type; None when it stays as it is.

    `formats` maps the path of a field (`born`, `address.since`; an item of an array has the array's path) to its
    strftime format. Without `iso` only those are written, and other moments keep their type.
    """
    if isinstance(dtype, pl.Struct):
        inner = {field.name: writer_of(field.dtype, formats, f"{path}.{field.name}", iso=iso) for field in dtype.fields}
        members = {name: member for name, member in inner.items() if member is not None}
        return (lambda column: _members(column, members)) if members else None
    if isinstance(dtype, pl.List):
        item = writer_of(dtype.inner, formats, path, iso=iso)
        return None if item is None else (lambda column: _items(column, item))
    if not dtype.is_temporal():
        return None
    if path in formats:
        return _formatted(dtype, formats[path])
    return _iso(dtype) if iso else None


def written_type(dtype: Any, formats: Mapping[str, str], path: str) -> Any:
    """The type of a column after a writer without `iso`."""
    if isinstance(dtype, pl.Struct):
        return pl.Struct({f.name: written_type(f.dtype, formats, f"{path}.{f.name}") for f in dtype.fields})
    if isinstance(dtype, pl.List):
        return pl.List(written_type(dtype.inner, formats, path))
    return pl.String() if path in formats and dtype.is_temporal() else dtype


class Table:
    """Texts by whole number. What is asked for often lies in a span that is made once; then 2 ns a text.

    `make` gives the texts of some numbers. A span is made when it isn't much longer than the numbers asked for, so
    a few rows stay cheap, and sparse ones beyond `SPAN` are made one by one.
    """

    def __init__(self, make: Callable[[Numbers], pl.Series]) -> None:
        self._make = make
        self._low = self._high = 0
        self._texts = pl.Series(dtype=pl.String)

    def texts(self, numbers: Numbers) -> pl.Series:
        """The text of each number, of which there is one at least."""
        low, high = int(numbers.min()), int(numbers.max()) + 1
        if not (self._low <= low and high <= self._high):
            if self._low < self._high:
                low, high = min(low, self._low), max(high, self._high)
            if high - low > min(SPAN, 4 * len(numbers) + 1024):
                known, places = np.unique(numbers, return_inverse=True)
                return self._make(known).gather(places)
            self._grow(low, high)
        return self._texts.gather(numbers - self._low)

    def _grow(self, low: int, high: int) -> None:
        if self._low == self._high:
            self._low = self._high = low
        ends = [np.arange(low, self._low), np.arange(self._high, high)]
        before, after = (self._make(end) if len(end) else pl.Series(dtype=pl.String) for end in ends)
        self._texts = pl.concat([before, self._texts, after]).rechunk()
        self._low, self._high = low, high


def _members(column: pl.Series, members: Mapping[str, Writer]) -> pl.Series:
    parts = column.struct.unnest()
    made = parts.with_columns([write(parts[name]).alias(name) for name, write in members.items()])
    whole = made.to_struct(column.name)
    return whole if column.null_count() == 0 else _blank(whole, column)


def _items(column: pl.Series, write: Writer) -> pl.Series:
    """Items are written as one column, then put back into lists: a call a list costs microseconds."""
    lengths = column.list.len().fill_null(0).to_numpy()
    items = write(column.explode(empty_as_null=False, keep_nulls=False))
    owners = pl.Series("owner", np.repeat(np.arange(len(column)), lengths), dtype=pl.Int64)
    lists = pl.DataFrame([owners, items.alias("item")]).group_by("owner", maintain_order=True).agg("item")["item"]
    empty = pl.Series([[]], dtype=lists.dtype)
    places = np.where(lengths > 0, np.cumsum(lengths > 0) - 1, len(lists))
    return _blank(pl.concat([lists, empty]).rechunk().gather(places).alias(column.name), column)


def _blank(made: pl.Series, column: pl.Series) -> pl.Series:
    """`made`, but null where `column` is."""
    if column.null_count() == 0:
        return made
    return made.zip_with(column.is_not_null(), pl.repeat(None, len(made), dtype=made.dtype, eager=True))


def _leaf(texts: Callable[[Numbers], pl.Series]) -> Writer:
    """A writer from what writes numbers: a column is those that lie below it, nulls apart."""

    def write(column: pl.Series) -> pl.Series:
        if column.null_count() == len(column):
            return pl.Series(column.name, [None] * len(column), dtype=pl.String)
        physical = column.to_physical().cast(pl.Int64)
        if column.null_count():
            physical = physical.fill_null(strategy="min")
        return _blank(texts(physical.to_numpy()).alias(column.name), column)

    return write


def _unit(dtype: Any) -> int:
    """Physical steps a second; 0 for dates."""
    if dtype == pl.Date:
        return 0
    if dtype == pl.Time:
        return 1_000_000_000
    if dtype != pl.Datetime("us", "UTC"):
        raise InternalError(f"A column of {dtype} can't be written: moments are in microseconds and UTC.")
    return MICRO


def _iso(dtype: Any) -> Writer:
    """ISO 8601, with six digits of a fraction where there is one, and `Z` where there is a date."""
    unit, dated = _unit(dtype), dtype != pl.Time
    days = Table(lambda numbers: pl.Series(numbers).cast(pl.Int32).cast(pl.Date).cast(pl.String))
    if not unit:
        return _leaf(days.texts)
    lead, end = ("T", "Z") if dated else ("", "")
    whole, cut = Table(lambda numbers: _clock(numbers, f"{lead}%H:%M:%S{end}")), Table(lambda n: _clock(n, f"{lead}%T"))

    def texts(numbers: Numbers) -> pl.Series:
        seconds, rest = _split(numbers, unit)
        day, second = _split(seconds, DAY)
        micros = rest // (unit // MICRO)
        clock = cut.texts(second) + _fractions(micros, end) if micros.any() else whole.texts(second)
        return days.texts(day) + clock if dated else clock

    return _leaf(texts)


def _split(numbers: Numbers, by: int) -> tuple[Numbers, Numbers]:
    whole = numbers // by
    return whole, numbers - whole * by


def _clock(seconds: Numbers, format: str) -> pl.Series:
    return (pl.Series(seconds) * 1_000_000_000).cast(pl.Time).dt.to_string(format)


def _fractions(micros: Numbers, end: str) -> pl.Series:
    digits = pl.Series("d", micros).cast(pl.String).str.zfill(6)
    some = pl.when(pl.Series(micros != 0)).then(pl.concat_str(pl.lit("."), digits, pl.lit(end)))
    return pl.select(some.otherwise(pl.lit(end)).alias("text")).to_series()


def _formatted(dtype: Any, format: str) -> Writer:
    """strftime. A format is cut into pieces that hang on the day, on the second of the day or on the microsecond
    alone, so that few distinct texts are made; what is none of these is made value by value, 1 us each."""
    unit = _unit(dtype)
    if not unit:
        return _leaf(Table(_python(format, lambda n: date(1970, 1, 1) + timedelta(n))).texts)
    pieces = [(part, _table(part, piece, dated=dtype != pl.Time)) for part, piece in pieces_of(format)]

    def texts(numbers: Numbers) -> pl.Series:
        numbers = numbers // (unit // MICRO)
        seconds, micros = _split(numbers, MICRO)
        day, second = _split(seconds, DAY)
        keys = {"day": day, "second": second, "micro": micros, "whole": numbers}
        made = [table.texts(keys[part]).alias(f"{i}") for i, (part, table) in enumerate(pieces)]
        return made[0] if len(made) == 1 else pl.select(pl.concat_str(made).alias("text")).to_series()

    return _leaf(texts)


def pieces_of(format: str) -> list[tuple[str, str]]:
    """A format in pieces, each with what it hangs on: day, second, micro or whole. Plain text goes with its left.

    >>> pieces_of("%d.%m.%Y, %H:%M Uhr")
    [('day', '%d.%m.%Y, '), ('second', '%H:%M Uhr')]
    """
    pieces: list[tuple[str, str]] = []
    for token in _TOKEN.findall(format):
        plain = not token.startswith("%") or token == "%%"
        part = "day" if plain or token[-1] in _BY_DAY else "second" if token[-1] in _BY_SECOND else "whole"
        part = "micro" if token == "%f" else part
        last = pieces[-1][0] if pieces else ""
        if last and last != "micro" and (plain or part == last):
            pieces[-1] = (last, pieces[-1][1] + token)
        else:
            pieces.append((part, token))
    return pieces


def _table(part: str, piece: str, *, dated: bool) -> Table:
    if part == "micro":
        return Table(lambda numbers: pl.Series(numbers).cast(pl.String).str.zfill(6))
    step = timedelta(days=1) if part == "day" else timedelta(seconds=1) if part == "second" else timedelta(0, 0, 1)
    if dated:
        return Table(_python(piece, lambda n: _EPOCH + n * step))
    return Table(_python(piece, lambda n: (datetime.min + n * step).time()))


def _python(format: str, moment: Callable[[int], date | time]) -> Callable[[Numbers], pl.Series]:
    return lambda numbers: pl.Series([written(moment(n), format) for n in numbers.tolist()], dtype=pl.String)

"""What samplers of passing time ask of the rows around them: whose rows they are, and when they begin."""

from datetime import datetime

import msgspec
import numpy as np
import polars as pl
import polars_hash  # noqa: F401  registers the `nchash` namespace
from numpy.typing import NDArray

from ffgen.errors import UsageError
from ffgen.rng import U64
from ffgen.sample.base import Rows, Scope
from ffgen.sample.calendar import SECOND, Ints, microseconds
from ffgen.spec.duration import seconds
from ffgen.spec.types import Problem


class Entities(msgspec.Struct, frozen=True):
    """Rows of one entity that stand together: a number that tells it apart, each row's place in it, and its rows."""

    key: U64
    rank: Ints
    size: Ints


def entities_of(rows: Rows, by: str | None) -> Entities | None:
    """Whose row each row is: its parent's, the outer record's inside an array, or that of a run of equal values of
    `by`. None in a table whose rows stand for themselves."""
    around = rows
    while around.parent is None and around.owner is None and around.outer is not None:
        around = around.outer
    if around.parent is not None:
        return Entities(around.parent.row, around.parent.rank, around.parent.size)
    if around.owner is not None and around.outer is not None:
        return _runs(np.diff(around.owner, prepend=-1) != 0, around.outer.index[around.owner])
    if by is None:
        return None
    column = rows[by]
    changed = column.ne_missing(column.shift(1)).to_numpy().copy()
    changed[:1] = True
    first = np.flatnonzero(changed)
    return _runs(changed, np.repeat(rows.index[first], np.diff(first, append=len(rows))))


def _runs(changed: NDArray[np.bool_], key: U64) -> Entities:
    first = np.flatnonzero(changed)
    size = np.diff(first, append=len(changed))
    return Entities(key, np.arange(len(changed)) - np.repeat(first, size), np.repeat(size, size))


def numbers_of(column: pl.Series) -> U64:
    """A number for each value, the same for equal values: 64 bits of a hash, or an integer itself."""
    if column.dtype.is_integer():
        return column.cast(pl.Int64).fill_null(-1).to_numpy().view(np.uint64)
    hashed = pl.DataFrame({"text": column.cast(pl.String)}).select(pl.col("text").nchash.xxh3_64())  # type: ignore[attr-defined]
    found: U64 = hashed["text"].fill_null(0).to_numpy()
    return found


def moments_of(column: pl.Series) -> pl.Series:
    """Microseconds since 1970 of a column of dates or datetimes."""
    kind = pl.Datetime("us") if column.dtype == pl.Date else pl.Datetime("us", "UTC")
    return column.cast(kind).to_physical()


def moment_of(text: str) -> int | None:
    """Microseconds since 1970 of a date or datetime in a spec; None when it is none."""
    try:
        return microseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def known_field(key: str, name: str, scope: Scope) -> str:
    """The name of another field of the record; inside an array, of any around it."""
    if name == scope.path or not (scope.inner or name in scope.names):
        others = ", ".join(each for each in scope.names if each != scope.path) or "none"
        wanted = "a moment or another field" if key in ("start", "at") else "another field"
        raise Problem(f"generator.{key}", f"`{name[:40]}` is not {wanted}.", f"Fields are {others}.")
    return name


def span_of(key: str, text: str | float) -> float:
    """Microseconds of a duration such as 15m."""
    try:
        return seconds(text) * SECOND
    except UsageError as error:
        raise Problem(f"generator.{key}", str(error), "Say it like 90s, 15m, 2h or 1d.") from None


def fine_step(gap: float) -> int:
    """Microseconds of the unit that moments so far apart are told in: a tenth of the gap or less."""
    return next((step for step in (SECOND, 1000) if gap >= 10 * step), 1)

"""JSON lines into typed columns."""

import io
from collections.abc import Mapping
from typing import Any

import polars as pl

from ffgen.errors import DestinationError

_TEXTUAL = (pl.Date, pl.Datetime, pl.Time, pl.Categorical, pl.Enum)
_NO_SECONDS = r"(?i)^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(Z|[+-]\d\d.*)?$"
_ZONE = r"(?i)(Z|[+-]\d\d(:?\d\d)?)$"


def frame_of(lines: bytes, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows of `lines` as a frame of exactly this schema; a missing field is null.

    Dates and times come as ISO 8601 text. A moment with an offset is turned to UTC, one without is taken as UTC.
    DestinationError when a value does not fit its column, such as an integer beyond 64 bits. Runs in Rust, about
    a million short rows a second; holds the rows once.
    """
    stored = {name: _stored(dtype) for name, dtype in schema.items()}
    try:
        frame = pl.read_ndjson(io.BytesIO(lines), schema=stored)
        typed = [
            _typed(pl.col(name), dtype).cast(dtype).alias(name)
            for name, dtype in schema.items()
            if stored[name] != dtype
        ]
        return frame.with_columns(typed)
    except pl.exceptions.PolarsError as error:
        what = str(error).splitlines()[0]
        raise DestinationError(
            f"A value does not fit its column: {what}.", hint="Write JSON Lines, or narrow the field."
        ) from error


def _stored(dtype: Any) -> Any:
    """How a type stands in JSON: what comes as text is read as text first."""
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _stored(field.dtype) for field in dtype.fields})
    if isinstance(dtype, pl.List):
        return pl.List(_stored(dtype.inner))
    return pl.String() if dtype in _TEXTUAL else dtype


def _typed(value: pl.Expr, dtype: Any) -> pl.Expr:
    """The expression that turns a stored value into its type."""
    if _stored(dtype) == dtype:
        return value
    if isinstance(dtype, pl.Struct):
        members = [_typed(value.struct.field(field.name), field.dtype).alias(field.name) for field in dtype.fields]
        return pl.when(value.is_null()).then(None).otherwise(pl.struct(members))
    if isinstance(dtype, pl.List):
        return value.list.eval(_typed(pl.element(), dtype.inner))
    if dtype == pl.Date:
        return value.str.to_date("%Y-%m-%d")
    if dtype == pl.Time:
        return value.str.replace(_ZONE, "").str.replace(r"^(\d\d:\d\d)$", "${1}:00").str.to_time("%H:%M:%S%.f")
    if dtype == pl.Datetime:
        return _moment(value, dtype)
    return value


def _moment(value: pl.Expr, dtype: Any) -> pl.Expr:
    text = value.str.replace(_NO_SECONDS, "${1}:00${2}")
    zoned = pl.when(text.str.slice(10).str.contains(_ZONE)).then(text).otherwise(text + "Z")
    moment = zoned.str.to_datetime("%+", time_unit=dtype.time_unit, time_zone="UTC")
    return (
        moment.dt.replace_time_zone(None) if dtype.time_zone is None else moment.dt.convert_time_zone(dtype.time_zone)
    )

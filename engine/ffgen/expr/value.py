"""What a piece of an expression is worth: a polars expression and the kind of thing it gives."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Literal

import polars as pl
from sqlglot import exp

from ffgen.expr.error import ExpressionError

Kind = Literal[
    "boolean", "integer", "number", "text", "date", "timestamp", "time", "null", "array", "object", "unknown"
]

# How each kind is held while computing. Arrays, objects and unknowns are only passed on or asked for NULL.
DTYPES: Mapping[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "time": pl.Time(),
    "null": pl.Null(),
}

# polars evaluates a repeated part each time it stands there, and repeats nest: eleven levels of two are past this.
LARGEST = 2_000

NOT_FINITE = [math.inf, -math.inf, math.nan]


@dataclass(frozen=True, slots=True)
class Value:
    """One piece. `size` counts evaluated pieces, repeats included. `literal` is what stood in the text, else None.

    `finite` is False where infinity or NaN may still be inside; `settled` turns them into NULL.
    """

    expr: pl.Expr
    kind: Kind
    node: exp.Expression
    size: int = 1
    finite: bool = True
    literal: Any = None
    growth: float = 1.0  # how many times longer than the row's own text this may be

    def settled(self) -> "Value":
        """The same with infinity and NaN as NULL. One call, not `when(x.is_finite()).then(x)`, which doubles x."""
        if self.finite:
            return self
        return replace(self, expr=self.expr.replace(NOT_FINITE, None), finite=True)


def make(node: exp.Expression, kind: Kind, expr: pl.Expr, *parts: Value, finite: bool = True) -> Value:
    """A piece made of `parts`, each named as often as `expr` evaluates it."""
    size = 1 + sum(part.size for part in parts)
    if size > LARGEST:
        raise refusal(
            node, "This repeats its parts too often.", "Split the condition, or nest CASE, IN and BETWEEN less."
        )
    return Value(expr, kind, node, size, finite, growth=max((part.growth for part in parts), default=1.0))


def position(node: exp.Expr) -> int:
    """Where a node starts in the text, from 1."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(starts) + 1 if starts else 1


def refusal(node: exp.Expr, what: str, hint: str = "") -> ExpressionError:
    """The error for a node of the tree."""
    return ExpressionError(what, hint=hint, column=position(node))


def cast(value: Value, kind: Kind) -> Value:
    """A lossless step: integer to number, date to timestamp, NULL to anything, a date's text to the date."""
    if value.kind == kind:
        return value.settled()
    if value.literal is not None and value.kind == "text" and kind in ("date", "timestamp", "time"):
        return moment(value.node, value.literal, kind)
    return Value(value.expr.cast(DTYPES[kind]), kind, value.node, value.size, value.finite, growth=value.growth)


def common(values: list[Value], doing: str) -> list[Value]:
    """All as one kind, for comparing or choosing between them; an error where they don't go together."""
    kinds = {value.kind for value in values if value.kind != "null"}
    if len(kinds) > 1:
        kinds -= {"text"} if _dates_in_text(values, kinds) else set()
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if kinds == {"date", "timestamp"}:
        kinds = {"timestamp"}
    if len(kinds) > 1 or not kinds <= DTYPES.keys():
        names = " and ".join(sorted(kinds))
        raise refusal(values[-1].node, f"{names} don't go together {doing}.", "Convert one side with CAST(... AS ...).")
    kind: Any = next(iter(kinds), "null")
    return [cast(value, kind) for value in values]


def _dates_in_text(values: list[Value], kinds: set[Any]) -> bool:
    texts = [value for value in values if value.kind == "text"]
    return bool(kinds & {"date", "timestamp", "time"}) and all(value.literal is not None for value in texts)


def moment(node: exp.Expression, text: str, kind: Kind) -> Value:
    """A DATE, TIMESTAMP or TIME literal; ISO 8601, a zone is converted to UTC."""
    try:
        value: date | datetime | time
        if kind == "date":
            value = date.fromisoformat(text)
        elif kind == "time":
            value = time.fromisoformat(text).replace(tzinfo=None)
        else:
            value = _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        shape = {"date": "2025-01-31", "time": "10:00:00"}.get(kind, "2025-01-31 10:00:00")
        raise refusal(node, f"{text!r} is no {kind}.", f"Write it as '{shape}'.") from error
    return Value(pl.lit(value, dtype=DTYPES[kind]), kind, node)


def _utc(value: datetime) -> datetime:
    offset = value.utcoffset()
    return value if offset is None else value.replace(tzinfo=None) - offset


def field(node: exp.Expression, path: list[str], dtype: Any) -> Value:
    """A field of the row, brought to the dtype that its kind computes in."""
    expr = pl.col(path[0])
    for name in path[1:]:
        expr = expr.struct.field(name)
    if dtype.is_integer():
        return Value(expr if dtype == pl.Int64 else expr.cast(pl.Int64, strict=False), "integer", node)
    if dtype.is_float() or dtype.is_decimal():
        return Value(expr if dtype == pl.Float64 else expr.cast(pl.Float64), "number", node, finite=False)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        expr = expr.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(dtype, pl.Datetime):
        return Value(expr.dt.cast_time_unit("us"), "timestamp", node)
    if dtype in (pl.Enum, pl.Categorical):
        return Value(expr.cast(pl.String), "text", node)
    return Value(expr, _KINDS.get(dtype.base_type(), "unknown"), node)


_KINDS: Mapping[Any, Kind] = {
    pl.Boolean: "boolean",
    pl.String: "text",
    pl.Date: "date",
    pl.Time: "time",
    pl.Null: "null",
    pl.List: "array",
    pl.Array: "array",
    pl.Struct: "object",
}

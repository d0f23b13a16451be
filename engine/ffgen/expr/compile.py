"""A checked tree and the fields' dtypes into one polars expression. Every kind is known here, before any row is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from sqlglot import exp

from ffgen.expr.functions import FUNCTIONS, as_text, concat, like
from ffgen.expr.grammar import path
from ffgen.expr.value import DTYPES, Kind, Value, cast, common, field, make, moment, refusal

Schema = Mapping[str, Any]

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days from 1970


def compile_tree(tree: exp.Expression, schema: Schema) -> Value:
    """The whole expression, infinity and NaN as NULL. Raises `ExpressionError` where kinds don't fit."""
    return _value(tree, schema).settled()


def _value(node: exp.Expression, schema: Schema) -> Value:
    return HANDLERS[type(node)](node, schema)


def _literal(node: exp.Expression, schema: Schema) -> Value:
    if node.args["is_string"]:
        return Value(pl.lit(node.this, dtype=pl.String), "text", node, literal=node.this)
    try:
        whole = int(node.this)
        if -(2**63) <= whole < 2**63:
            return Value(pl.lit(whole, dtype=pl.Int64), "integer", node, literal=whole)
    except ValueError:
        pass
    number = float(node.this)
    return Value(pl.lit(number, dtype=pl.Float64), "number", node, finite=False, literal=number)


def _boolean(node: exp.Expression, schema: Schema) -> Value:
    return Value(pl.lit(bool(node.this)), "boolean", node, literal=bool(node.this))


def _null(node: exp.Expression, schema: Schema) -> Value:
    return Value(pl.lit(None), "null", node)


def _paren(node: exp.Expression, schema: Schema) -> Value:
    return replace(_value(node.this, schema), node=node)


def _field(node: exp.Expression, schema: Schema) -> Value:
    names = path(node)
    if names[0] not in schema:
        raise refusal(node, f"There is no field {names[0]} in these rows.")
    dtype = schema[names[0]]
    for depth, name in enumerate(names[1:], 1):
        inner = {part.name: part.dtype for part in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        if name not in inner:
            has = f"It has {', '.join(inner)}." if inner else "It has no fields inside."
            raise refusal(node, f"There is no field {name} in {'.'.join(names[:depth])}.", has)
        dtype = inner[name]
    return field(node, names, dtype)


def _number(node: exp.Expression, value: Value, other: Value | None = None) -> Value:
    if value.kind in ("integer", "number", "null"):
        return value if value.kind != "null" else cast(value, "integer")
    hint = "Join text with ||." if value.kind == "text" else "Convert it with CAST(... AS FLOAT)."
    raise refusal(value.node, f"This is {value.kind}; {node.key} needs numbers.", hint)


def _arithmetic(calculate: Callable[[pl.Expr, pl.Expr], pl.Expr], sign: int) -> Callable[..., Value]:
    """+ - *. Integers are computed in 128 bits, so that what doesn't fit 64 becomes NULL instead of wrapping round."""

    def build(node: exp.Expression, schema: Schema) -> Value:
        left, right = _value(node.this, schema), _value(node.expression, schema)
        if sign and "date" in (left.kind, right.kind):
            return _days(node, left, right, sign)
        left, right = _number(node, left), _number(node, right)
        if left.kind == right.kind == "integer":
            wide = calculate(left.expr.cast(pl.Int128), right.expr.cast(pl.Int128))
            return make(node, "integer", wide.cast(pl.Int64, strict=False), left, right)
        # Not settled between steps: + - * keep infinity and NaN what they are.
        floats = [value.expr.cast(pl.Float64) if value.kind == "integer" else value.expr for value in (left, right)]
        return make(node, "number", calculate(*floats), left, right, finite=False)

    return build


def _days(node: exp.Expression, left: Value, right: Value, sign: int) -> Value:
    """date - date is days; date + days, days + date and date - days are dates, NULL beyond the years 1 to 9999."""
    if left.kind == right.kind == "date" and sign < 0:
        return make(node, "integer", _epoch(left) - _epoch(right), left, right)
    date, days = (left, right) if left.kind == "date" else (right, left)
    if days.kind not in ("integer", "null") or (sign < 0 and date is right):
        hint = "Write date - date, date + days or date - days; DATE_DIFF('hour', from, to) for the rest."
        raise refusal(node, f"{left.kind} and {right.kind} don't go together here.", hint)
    shifted = _epoch(date).cast(pl.Int128) + sign * days.expr.cast(pl.Int128)
    outside = [FIRST_DAY - 1, LAST_DAY + 1]
    bounded = shifted.clip(*outside).cast(pl.Int32).replace(outside, None)
    return make(node, "date", bounded.cast(pl.Date), date, days)


def _epoch(value: Value) -> pl.Expr:
    return value.expr.cast(pl.Int32).cast(pl.Int64)


def _divide(node: exp.Expression, schema: Schema) -> Value:
    left, right = (_number(node, _value(part, schema)) for part in (node.this, node.expression))
    # The divisor is settled: x / infinity is 0, which would hide it.
    by = _by(right.settled())
    return make(node, "number", left.expr.cast(pl.Float64) / by, left, right, finite=False)


def _by(divisor: Value) -> pl.Expr:
    """The divisor as a column: polars multiplies by the inverse of a constant, and 3 * (1 / 10) is not 0.3."""
    expr = divisor.expr.cast(pl.Float64)
    return expr if expr.meta.root_names() else expr + 0.0 * pl.int_range(pl.len()).cast(pl.Float64)


def _modulo(node: exp.Expression, schema: Schema) -> Value:
    left, right = common([_number(node, _value(part, schema)) for part in (node.this, node.expression)], "in %")
    by = _by(right) if right.kind == "number" else right.expr
    # polars' % takes the right side's sign, SQL's the left side's.
    rest = left.expr.sign() * (left.expr.abs() % by.abs())
    return make(node, left.kind, rest, left, left, right, finite=left.kind == "integer")


def _negative(node: exp.Expression, schema: Schema) -> Value:
    value = _number(node, _value(node.this, schema))
    if value.kind == "number":
        return make(node, "number", -value.expr, value, finite=value.finite)
    literal = None if value.literal is None else -value.literal
    wide = (0 - value.expr.cast(pl.Int128)).cast(pl.Int64, strict=False)
    return replace(make(node, "integer", wide, value), literal=literal)


def _comparison(compare: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[..., Value]:
    def build(node: exp.Expression, schema: Schema) -> Value:
        left, right = common([_value(node.this, schema), _value(node.expression, schema)], "in a comparison")
        return make(node, "boolean", compare(left.expr, right.expr), left, right)

    return build


def _truth_of(value: Value) -> Value:
    if value.kind not in ("boolean", "null"):
        raise refusal(value.node, f"This is {value.kind}, not a condition.", "Compare it: = < > IS NOT NULL.")
    return cast(value, "boolean")


def _logic(join: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[..., Value]:
    def build(node: exp.Expression, schema: Schema) -> Value:
        left, right = (_truth_of(_value(part, schema)) for part in (node.this, node.expression))
        return make(node, "boolean", join(left.expr, right.expr), left, right)

    return build


def _not(node: exp.Expression, schema: Schema) -> Value:
    value = _truth_of(_value(node.this, schema))
    return make(node, "boolean", value.expr.not_(), value)


def _is(node: exp.Expression, schema: Schema) -> Value:
    value, wanted = _value(node.this, schema).settled(), node.expression
    if isinstance(wanted, exp.Null):
        return make(node, "boolean", value.expr.is_null(), value)
    if not isinstance(wanted, exp.Boolean):
        raise refusal(node, "IS goes with NULL, TRUE and FALSE only.", "Compare with =.")
    value = _truth_of(value)
    return make(node, "boolean", value.expr.eq_missing(pl.lit(bool(wanted.this))), value)


def _in(node: exp.Expression, schema: Schema) -> Value:
    values = [_value(part, schema) for part in (node.this, *node.expressions)]
    if len(values) == 1:
        raise refusal(node, "The list after IN is empty.", "Write IN (1, 2, 3).")
    if any(value.kind == "null" for value in values):
        raise refusal(node, "NULL in the list of IN would make every answer NULL.", "Write OR ... IS NULL.")
    first, *rest = common(values, "in IN")
    equal = pl.any_horizontal([first.expr == value.expr for value in rest])
    if all(value.literal is not None for value in values[1:]):
        # One look-up instead of a comparison each; the list is made of literals, so it can be evaluated now.
        found = pl.select(pl.concat([pl.select(value.expr).to_series() for value in rest]).alias("in")).to_series()
        return make(node, "boolean", first.expr.is_in(found.implode()), first)
    return make(node, "boolean", equal, *[first] * len(rest), *rest)


def _between(node: exp.Expression, schema: Schema) -> Value:
    parts = [_value(part, schema) for part in (node.this, node.args["low"], node.args["high"])]
    value, low, high = common(parts, "in BETWEEN")
    return make(node, "boolean", (value.expr >= low.expr) & (value.expr <= high.expr), value, value, low, high)


def _like(node: exp.Expression, schema: Schema, escape: str = "") -> Value:
    text, pattern = _value(node.this, schema), _value(node.expression, schema)
    if text.kind not in ("text", "null"):
        raise refusal(text.node, f"This is {text.kind}, not text.", "Convert it with CAST(... AS TEXT).")
    if pattern.kind != "text" or pattern.literal is None:
        raise refusal(pattern.node, "The pattern of LIKE must be a literal text.", "CONTAINS(text, part) takes fields.")
    text = cast(text, "text")
    found = like(pattern.node, text.expr, pattern.literal, escape, any_case=isinstance(node, exp.ILike))
    return make(node, "boolean", found.not_() if node.args.get("negate") else found, text)


def _escape(node: exp.Expression, schema: Schema) -> Value:
    escape = node.expression
    if not isinstance(node.this, (exp.Like, exp.ILike)) or not (escape.is_string and len(escape.this) == 1):
        raise refusal(node, "ESCAPE takes one character, after LIKE.", "Write LIKE '10!%' ESCAPE '!'.")
    return _like(node.this, schema, escape.this)


def _case(node: exp.Expression, schema: Schema) -> Value:
    branches, default = node.args["ifs"], node.args.get("default")
    # The subject once, not once a branch: nested CASEs would multiply.
    subject = _value(node.this, schema) if node.args.get("this") is not None else None
    asked = [_asked(branch, subject, _value(branch.this, schema)) for branch in branches]
    results = [_value(branch.args["true"], schema) for branch in branches]
    results.append(_value(default, schema) if default is not None else _null(node, schema))
    *results, last = common(results, "as results of CASE")
    chosen = last.expr
    for condition, result in zip(reversed(asked), reversed(results), strict=True):
        chosen = pl.when(condition.expr).then(result.expr).otherwise(chosen)
    return make(node, last.kind, chosen, *asked, *results, last)


def _asked(branch: exp.Expression, subject: Value | None, value: Value) -> Value:
    if subject is None:
        return _truth_of(value)
    left, right = common([subject, value], "in CASE")
    return make(branch, "boolean", left.expr == right.expr, left, right)


TARGETS: Mapping[str, Kind] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    **dict.fromkeys(("TEXT", "VARCHAR"), "text"),
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMPNTZ"), "timestamp"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
}


def _cast(node: exp.Expression, schema: Schema) -> Value:
    name = getattr(node.args["to"].this, "name", "")
    kind = TARGETS.get(name)
    if kind is None:
        raise refusal(node, f"There is no CAST to {name}.", "Types: INT, FLOAT, TEXT, DATE, TIMESTAMP, TIME, BOOLEAN.")
    value = _value(node.this, schema).settled()
    if value.kind in (kind, "null"):
        return cast(value, kind)
    if kind == "text":
        return as_text(value)
    if value.literal is not None and value.kind == "text" and kind in ("date", "timestamp", "time"):
        return moment(node, value.literal, kind)
    express = CASTS.get((value.kind, kind))
    if express is None:
        raise refusal(node, f"{value.kind} can't be made {kind}.")
    return make(node, kind, express(value.expr), value, finite=kind != "number")


def _read_truth(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)


# What doesn't parse or fit becomes NULL. Fractions are rounded, as DuckDB and PostgreSQL do.
CASTS: Mapping[tuple[str, str], Callable[[pl.Expr], pl.Expr]] = {
    ("text", "integer"): lambda text: text.cast(pl.Int64, strict=False),
    ("text", "number"): lambda text: text.cast(pl.Float64, strict=False),
    ("text", "date"): lambda text: text.str.to_date("%Y-%m-%d", strict=False),
    ("text", "timestamp"): lambda text: text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"),
    ("text", "time"): lambda text: text.str.to_time("%H:%M:%S", strict=False),
    ("text", "boolean"): _read_truth,
    ("number", "integer"): lambda n: n.round(0, mode="half_away_from_zero").cast(pl.Int64, strict=False),
    ("integer", "number"): lambda n: n.cast(pl.Float64),
    ("boolean", "integer"): lambda truth: truth.cast(pl.Int64),
    ("integer", "boolean"): lambda n: n != 0,
    ("timestamp", "date"): lambda moment: moment.dt.date(),
    ("timestamp", "time"): lambda moment: moment.dt.time(),
    ("date", "timestamp"): lambda date: date.cast(DTYPES["timestamp"]),
}


def _call(node: exp.Expression, schema: Schema) -> Value:
    function = FUNCTIONS[str(node.this).upper()]
    return function.build(node, [_value(part, schema) for part in node.expressions])


def _position(node: exp.Expression, schema: Schema) -> Value:
    return FUNCTIONS["STRPOS"].build(node, [_value(node.this, schema), _value(node.args["substr"], schema)])


def _join(node: exp.Expression, schema: Schema) -> Value:
    return concat(node, [_value(node.this, schema), _value(node.expression, schema)], ignore_nulls=False)


HANDLERS: Mapping[type, Callable[[exp.Expression, Schema], Value]] = {
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Column: _field,
    exp.Dot: _field,
    exp.Add: _arithmetic(lambda a, b: a + b, 1),
    exp.Sub: _arithmetic(lambda a, b: a - b, -1),
    exp.Mul: _arithmetic(lambda a, b: a * b, 0),
    exp.Div: _divide,
    exp.Mod: _modulo,
    exp.Neg: _negative,
    exp.EQ: _comparison(lambda a, b: a == b),
    exp.NEQ: _comparison(lambda a, b: a != b),
    exp.LT: _comparison(lambda a, b: a < b),
    exp.LTE: _comparison(lambda a, b: a <= b),
    exp.GT: _comparison(lambda a, b: a > b),
    exp.GTE: _comparison(lambda a, b: a >= b),
    exp.And: _logic(lambda a, b: a & b),
    exp.Or: _logic(lambda a, b: a | b),
    exp.Not: _not,
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Anonymous: _call,
    exp.StrPosition: _position,
    exp.DPipe: _join,
}

"""The functions of expressions: one entry each in `FUNCTIONS`, and nothing else can be called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl
from sqlglot import exp

from ffgen.expr.value import Kind, Value, cast, common, make, refusal

Build = Callable[[exp.Expression, list[Value]], Value]

LONGEST_GROWTH = 100  # a REPLACE inside a REPLACE inside ... multiplies; one may make a text this much longer
MANY = 100


@dataclass(frozen=True, slots=True)
class Function:
    """`usage` is shown in errors; `build` gets at least `least` and at most `most` values."""

    usage: str
    least: int
    most: int
    build: Build


def _take(node: exp.Expression, usage: str, values: list[Value], takes: str) -> list[Value]:
    """The arguments as what `takes` says, one word each; `'text'` and `'integer'` in quotes must be literals."""
    taken = []
    for value, word in zip(values, takes.split(), strict=False):
        kind = word.strip("'")
        fits = value.kind in ("null", kind) or (kind == "number" and value.kind == "integer")
        fits = fits or (kind == "day" and value.kind in ("date", "timestamp"))
        if word != kind and (value.literal is None or value.kind != kind):
            raise refusal(value.node, f"This must be a literal {kind}.", f"Write {usage}.")
        if not fits:
            raise refusal(value.node, f"This is {value.kind}, not {kind}.", f"Write {usage}.")
        if kind == "day":
            taken.append(value if value.kind != "null" else cast(value, "date"))
        else:
            taken.append(cast(value, kind))  # type: ignore[arg-type]
    return taken


def _plain(usage: str, takes: str, gives: Kind, express: Callable[..., pl.Expr], optional: int = 0) -> Function:
    """A function of fixed kinds whose arguments are each evaluated once."""

    def build(node: exp.Expression, values: list[Value]) -> Value:
        taken = _take(node, usage, values, takes)
        return make(node, gives, express(*(value.expr for value in taken)), *taken)

    count = len(takes.split())
    return Function(usage, count - optional, count, build)


def _substr(text: pl.Expr, start: pl.Expr, length: pl.Expr | None = None) -> pl.Expr:
    rest = text.str.slice((start - 1).clip(lower_bound=0))
    return rest if length is None else rest.str.head(length.clip(lower_bound=0))


def _split_part(node: exp.Expression, values: list[Value]) -> Value:
    text, by, number = _take(node, "SPLIT_PART(text, 'by', 1)", values, "text 'text' 'integer'")
    if not by.literal or not 1 <= number.literal <= MANY:
        raise refusal(node, f"Parts are numbered 1 to {MANY}, and the separator isn't empty.")
    # Padded with empty parts, so that a part beyond the last is '' and only NULL is NULL.
    parts = text.expr.str.split(by.literal).list.concat(pl.lit([""] * number.literal, dtype=pl.List(pl.String)))
    return make(node, "text", parts.list.get(number.literal - 1), text)


def _replace(node: exp.Expression, values: list[Value]) -> Value:
    text, old, new = _take(node, "REPLACE(text, 'old', 'new')", values, "text 'text' 'text'")
    if not old.literal:
        raise refusal(old.node, "The text to replace is empty.")
    growth = text.growth * max(1.0, len(new.literal) / len(old.literal))
    if growth > LONGEST_GROWTH:
        raise refusal(node, f"This could make a text over {LONGEST_GROWTH} times as long.", "Replace by shorter texts.")
    result = make(node, "text", text.expr.str.replace_all(old.literal, new.literal, literal=True), text)
    return replace(result, growth=growth)


def _lpad(node: exp.Expression, values: list[Value]) -> Value:
    text, length, fill = _take(node, "LPAD(text, 9, '0')", values, "text 'integer' 'text'")
    if not 1 <= length.literal <= MANY or len(fill.literal) != 1:
        raise refusal(node, f"A text is filled up to 1 to {MANY} characters, with one character.")
    # As DuckDB and PostgreSQL do: what is longer is cut.
    filled = text.expr.str.pad_start(length.literal, fill.literal).str.head(length.literal)
    return make(node, "text", filled, text)


def _strpos(node: exp.Expression, values: list[Value]) -> Value:
    text, part = _take(node, "STRPOS(text, 'part')", values, "text 'text'")
    # polars finds bytes, not characters: cut from the part on and put one character before, or leave nothing.
    found = text.expr.str.replace(f"(?s)^(.*?){pl.escape_regex(part.literal)}.*$", "\0${1}")
    return make(node, "integer", found.str.replace(r"(?s)^[^\x00].*$", "").str.len_chars().cast(pl.Int64), text)


def _regexp_like(node: exp.Expression, values: list[Value]) -> Value:
    text, pattern = _take(node, "REGEXP_LIKE(text, 'pattern')", values, "text 'text'")
    return make(node, "boolean", matches(pattern.node, text.expr, pattern.literal), text)


def matches(node: exp.Expression, text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether the pattern is found, compiled once here so that a wrong or an oversized one is an error now."""
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.ComputeError as error:
        reason = str(error).split("\n\nThis error")[0].replace("regex parse error:", "").split("error: ")[-1].strip()
        raise refusal(
            node, f"The pattern can't be used: {reason.rstrip('.')}.", "Look-around and back-references don't exist."
        ) from error
    return text.str.contains(pattern)


def like(node: exp.Expression, text: pl.Expr, pattern: str, escape: str, *, any_case: bool) -> pl.Expr:
    """LIKE as a plain look at start, end or inside where that is all it says, else as a pattern."""
    pieces = _like_pieces(node, pattern, escape)
    head, tail = pieces[:1] == ["%"], len(pieces) > 1 and pieces[-1] == "%"
    inner = pieces[head : len(pieces) - tail]
    if not any_case and not {"%", "_"} & set(inner):
        plain = pl.lit("".join(piece[1:] for piece in inner), dtype=pl.String)
        if head and tail:
            return text.str.contains(plain, literal=True)
        return text.str.ends_with(plain) if head else text.str.starts_with(plain) if tail else text == plain
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(piece) or pl.escape_regex(piece[1:]) for piece in pieces)
    return matches(node, text, f"(?s{'i' if any_case else ''})^{regex}$")


def _like_pieces(node: exp.Expression, pattern: str, escape: str) -> list[str]:
    """One a character: "%" and "_" where they are wild, anything else with "=" before it."""
    pieces, characters = [], iter(pattern)
    for character in characters:
        if character == escape:
            escaped = next(characters, None)
            if escaped is None:
                raise refusal(node, "The pattern ends with its escape character.", "Write it twice.")
            pieces.append("=" + escaped)
        else:
            pieces.append(character if character in "%_" else "=" + character)
    return pieces


# Letters that carry no mark that could be taken off, as people without them write their names.
UNMARKED = {"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D"}
UNMARKED |= {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ı": "i"}


def _unaccent(text: pl.Expr) -> pl.Expr:
    bare = text.str.normalize("NFD").str.replace_all(r"\p{M}", "")
    return bare.str.replace_many(list(UNMARKED), list(UNMARKED.values()))


def _length(node: exp.Expression, values: list[Value]) -> Value:
    if values[0].kind == "array":
        return make(node, "integer", values[0].expr.list.len().cast(pl.Int64), values[0])
    (text,) = _take(node, "LENGTH(text)", values, "text")
    return make(node, "integer", text.expr.str.len_chars().cast(pl.Int64), text)


def _numeric(name: str, express: Callable[[pl.Expr], pl.Expr]) -> Build:
    """A function that leaves integers integers."""

    def build(node: exp.Expression, values: list[Value]) -> Value:
        (value,) = _take(node, f"{name}(number)", values, "integer" if values[0].kind == "integer" else "number")
        if value.kind == "integer":
            wide = express(value.expr.cast(pl.Int128)).cast(pl.Int64, strict=False)
            return make(node, "integer", wide, value)
        return make(node, "number", express(value.expr), value)

    return build


def _round(node: exp.Expression, values: list[Value]) -> Value:
    takes = "integer" if values[0].kind == "integer" else "number"
    value, *rest = _take(node, "ROUND(number, 2)", values, f"{takes} 'integer'")
    decimals = rest[0].literal if rest else 0
    if not 0 <= decimals <= 15:
        raise refusal(node, "Numbers are rounded to 0 to 15 decimals.")
    if value.kind == "integer":
        return value
    return make(node, "number", value.expr.round(decimals, mode="half_away_from_zero"), value, finite=False)


def _choose(doing: str, express: Callable[[list[pl.Expr]], pl.Expr]) -> Build:
    def build(node: exp.Expression, values: list[Value]) -> Value:
        alike = common(values, doing)
        return make(node, alike[0].kind, express([value.expr for value in alike]), *alike)

    return build


def _nullif(node: exp.Expression, values: list[Value]) -> Value:
    first, second = common(values, "in NULLIF")
    return make(
        node,
        first.kind,
        pl.when((first.expr != second.expr) | second.expr.is_null()).then(first.expr),
        first,
        first,
        second,
        second,
    )


def concat(node: exp.Expression, values: list[Value], *, ignore_nulls: bool = True) -> Value:
    """Texts joined; other plain values as CAST(... AS TEXT) writes them."""
    texts = [as_text(value) for value in values]
    return make(node, "text", pl.concat_str([text.expr for text in texts], ignore_nulls=ignore_nulls), *texts)


def as_text(value: Value) -> Value:
    """CAST(... AS TEXT)."""
    if value.kind in ("array", "object", "unknown"):
        raise refusal(value.node, f"This is {value.kind} and has no text.", "Name a field inside it.")
    if value.kind == "timestamp":
        return make(value.node, "text", value.expr.dt.to_string("%Y-%m-%d %H:%M:%S%.f"), value)
    return (
        cast(value, "text")
        if value.kind == "text"
        else make(value.node, "text", value.settled().expr.cast(pl.String), value)
    )


def _calendar(name: str, express: Callable[[pl.Expr], pl.Expr]) -> Function:
    return _plain(f"{name}(date)", "day", "integer", lambda day: express(day).cast(pl.Int64))


def _hour(node: exp.Expression, values: list[Value]) -> Value:
    kind = "time" if values[0].kind == "time" else "timestamp"
    (moment,) = _take(node, "HOUR(timestamp)", values, kind)
    return make(node, "integer", moment.expr.dt.hour().cast(pl.Int64), moment)


def _date_diff(node: exp.Expression, values: list[Value]) -> Value:
    unit, start, end = _take(node, "DATE_DIFF('day', from, to)", values, "'text' day day")
    count = BOUNDARIES.get(unit.literal.lower())
    if count is None:
        raise refusal(unit.node, f"{unit.literal!r} is no unit of DATE_DIFF.", f"Units: {', '.join(BOUNDARIES)}.")
    start, end = cast(start, "timestamp"), cast(end, "timestamp")
    return make(node, "integer", count(end.expr) - count(start.expr), end, end, start, start)


# The number of boundaries up to a moment; a difference of two of these is what DuckDB's date_diff counts.
BOUNDARIES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "hour": lambda moment: moment.dt.epoch("s").floordiv(3600),
    "day": lambda moment: moment.dt.epoch("s").floordiv(86_400),
    "month": lambda moment: moment.dt.year().cast(pl.Int64) * 12 + moment.dt.month().cast(pl.Int64),
    "year": lambda moment: moment.dt.year().cast(pl.Int64),
}

SUBSTR = _plain("SUBSTR(text, start, length)", "text integer integer", "text", _substr, optional=1)
DATE_DIFF = Function("DATE_DIFF('day', from, to)", 3, 3, _date_diff)
CEIL = Function("CEIL(number)", 1, 1, _numeric("CEIL", lambda number: number.ceil()))

FUNCTIONS: Mapping[str, Function] = {
    "ABS": Function("ABS(number)", 1, 1, _numeric("ABS", lambda number: number.abs())),
    "CEIL": CEIL,
    "CEILING": CEIL,
    "COALESCE": Function("COALESCE(a, b, ...)", 1, MANY, _choose("in COALESCE", lambda parts: pl.coalesce(parts))),
    "CONCAT": Function("CONCAT(a, b, ...)", 1, MANY, concat),
    "CONTAINS": _plain("CONTAINS(text, part)", "text text", "boolean", lambda a, b: a.str.contains(b, literal=True)),
    "DATEDIFF": DATE_DIFF,
    "DATE_DIFF": DATE_DIFF,
    "DAY": _calendar("DAY", lambda day: day.dt.day()),
    "ENDS_WITH": _plain("ENDS_WITH(text, end)", "text text", "boolean", lambda a, b: a.str.ends_with(b)),
    "FLOOR": Function("FLOOR(number)", 1, 1, _numeric("FLOOR", lambda number: number.floor())),
    "GREATEST": Function(
        "GREATEST(a, b, ...)", 1, MANY, _choose("in GREATEST", lambda parts: pl.max_horizontal(parts))
    ),
    "HOUR": Function("HOUR(timestamp)", 1, 1, _hour),
    "LEAST": Function("LEAST(a, b, ...)", 1, MANY, _choose("in LEAST", lambda parts: pl.min_horizontal(parts))),
    "LEFT": _plain("LEFT(text, count)", "text integer", "text", lambda a, n: a.str.head(n)),
    "LENGTH": Function("LENGTH(text)", 1, 1, _length),
    "LOWER": _plain("LOWER(text)", "text", "text", lambda a: a.str.to_lowercase()),
    "LPAD": Function("LPAD(text, 9, '0')", 3, 3, _lpad),
    "MONTH": _calendar("MONTH", lambda day: day.dt.month()),
    "NULLIF": Function("NULLIF(a, b)", 2, 2, _nullif),
    "REGEXP_LIKE": Function("REGEXP_LIKE(text, 'pattern')", 2, 2, _regexp_like),
    "REPLACE": Function("REPLACE(text, 'old', 'new')", 3, 3, _replace),
    "RIGHT": _plain("RIGHT(text, count)", "text integer", "text", lambda a, n: a.str.tail(n)),
    "ROUND": Function("ROUND(number, 2)", 1, 2, _round),
    "SPLIT_PART": Function("SPLIT_PART(text, 'by', 1)", 3, 3, _split_part),
    "STARTS_WITH": _plain("STARTS_WITH(text, start)", "text text", "boolean", lambda a, b: a.str.starts_with(b)),
    "STRPOS": Function("STRPOS(text, 'part')", 2, 2, _strpos),
    "SUBSTR": SUBSTR,
    "SUBSTRING": SUBSTR,
    "TRIM": _plain("TRIM(text)", "text", "text", lambda a: a.str.strip_chars()),
    "UNACCENT": _plain("UNACCENT(text)", "text", "text", _unaccent),
    "UPPER": _plain("UPPER(text)", "text", "text", lambda a: a.str.to_uppercase()),
    "WEEKDAY": _calendar("WEEKDAY", lambda day: day.dt.weekday()),
    "YEAR": _calendar("YEAR", lambda day: day.dt.year()),
}

"""Expressions as the rest of ffgen holds them: read once, fitted to fields, asked of many rows."""

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import polars as pl

from ffgen.expr.error import ExpressionError


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression, read and checked against the names of its fields. Equal when the texts are."""

    text: str
    columns: frozenset[str] = field(compare=False)
    tree: Any = field(compare=False, repr=False)

    def compile(self, schema: Mapping[str, Any]) -> pl.Expr:
        """Over rows with these dtypes. Never NaN or infinite: what can't be computed for a row is null.

        Raises `ExpressionError` where the fields' types don't fit. Some 100 microseconds: keep the result.
        """
        expr: pl.Expr = _resolve("compile").compile_tree(self.tree, schema).expr
        return expr

    def picks(self) -> list[str] | None:
        """The texts it may give beside fields' own values, where it only picks among these; None where it makes new
        ones."""
        found: list[str] | None = _resolve("grammar").picks(self.tree)
        return found

    def kind(self, schema: Mapping[str, Any]) -> str:
        """What it gives over rows with these dtypes: boolean, integer, number, text, date, timestamp, time, ..."""
        return str(_resolve("compile").compile_tree(self.tree, schema).kind)


def _resolve(module: str) -> Any:
    """A module that needs sqlglot, which takes 80 ms to import and which a spec without expressions does not need."""
    return importlib.import_module(f"ffgen.expr.{module}")


def parse(text: str, names: Collection[str]) -> Expression:
    """`text` as an expression over the top-level fields `names`.

    Raises `ExpressionError` only, and takes milliseconds, whatever the text. Types are `check_types`' business.
    """
    grammar = _resolve("grammar")
    tree = grammar.read(text, names)
    return Expression(text, grammar.columns(tree), tree)


def check_types(expression: Expression, schema: Mapping[str, Any], want: str = "boolean") -> ExpressionError | None:
    """What is wrong with the expression over fields of these dtypes, or None. An empty `want` takes any kind.

    Also runs it over a frame of no rows, so that what polars itself refuses is found before there are rows.
    """
    try:
        value = _resolve("compile").compile_tree(expression.tree, schema)
        if want and value.kind not in (want, "null"):
            hint = "Compare it with something: = < > IS NOT NULL." if want == "boolean" else "Convert it with CAST."
            return ExpressionError(f"The expression gives {value.kind}, not {want}.", hint=hint)
        pl.DataFrame(schema=dict(schema)).select(value.expr)
    except ExpressionError as error:
        return error
    except pl.exceptions.PolarsError as error:
        return _refused(error)
    return None


def first_failure(expressions: Sequence[Expression], frame: pl.DataFrame) -> pl.Series:
    """For each row the index of the first condition that isn't TRUE, NULL included; -1 where all hold.

    One pass over the frame for all conditions; compiled conditions are kept, so that asking again costs that pass only.
    """
    used = sorted(frozenset[str]().union(*(expression.columns for expression in expressions)))
    dtypes = frame.schema
    try:
        compiled = _compiled(tuple(expressions), tuple((name, dtypes[name]) for name in used if name in dtypes))
        found = frame.select(compiled).to_series()
    except pl.exceptions.PolarsError as error:
        raise _refused(error) from error
    return found if len(found) == len(frame) else found.new_from_index(0, len(frame))


@lru_cache(maxsize=64)
def _compiled(expressions: tuple[Expression, ...], schema: tuple[tuple[str, Any], ...]) -> pl.Expr:
    # A null condition takes the otherwise branch: no fill_null is needed.
    found = pl.lit(-1, dtype=pl.Int32)
    for index in reversed(range(len(expressions))):
        held = expressions[index].compile(dict(schema)).cast(pl.Boolean)
        found = pl.when(held).then(found).otherwise(pl.lit(index, dtype=pl.Int32))
    return found.alias("first_failure")


def _refused(error: pl.exceptions.PolarsError) -> ExpressionError:
    return ExpressionError(f"The expression can't be computed: {str(error).splitlines()[0]}", hint="Simplify it.")

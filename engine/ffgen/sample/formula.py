"""Expressions of a spec as samplers use them: over the fields of the record, and of the records around it."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.expr import Expression, ExpressionError, check_types, parse
from ffgen.sample.base import Rows, Scope
from ffgen.sample.build import convert, generator_of, with_type
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, build_type


class Formula:
    """One expression, read and, as far as the fields' types are known, checked while a sampler is bound.

    A look at n rows costs one pass of polars and some 50 us. `kind` is what it gives, "" where that is not known yet.
    """

    def __init__(self, text: str, scope: Scope, key: str, want: str = "") -> None:
        """Raises `Problem` with `key` for what can't be read, or does not fit the fields."""
        fields = visible(scope)
        try:
            self.expression = parse(text, fields)
            self.reads = tuple(sorted(self.expression.columns))
            self.kind = self._kind({name: dtype_of(fields[name], scope) for name in self.reads}, want)
        except ExpressionError as error:
            raise Problem(key, f"at character {error.column}: {error.what}", error.hint) from None

    def _kind(self, schema: dict[str, Any], want: str) -> str:
        if None in schema.values():
            return ""
        if (error := check_types(self.expression, schema, want)) is not None:
            raise error
        return self.expression.kind(schema)

    def values(self, rows: Rows) -> pl.Series:
        """What it gives for each row."""
        frame = rows.frame(self.reads)
        schema = tuple(frame.schema.items())
        found = frame.select(_compiled(self.expression, schema)).to_series()
        return found if len(found) == len(rows) else found.new_from_index(0, len(rows))

    def holds(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether it is TRUE in each row; NULL is not."""
        found = self.values(rows).cast(pl.Boolean).fill_null(False).to_numpy()
        return np.asarray(found, dtype=np.bool_)


@lru_cache(maxsize=256)
def _compiled(expression: Expression, schema: tuple[tuple[str, Hashable], ...]) -> pl.Expr:
    return expression.compile(dict(schema))


def visible(scope: Scope) -> dict[str, Field]:
    """The fields that a field may read, by name: its neighbours, and those of the records around it. Neither itself
    nor what it is a part of."""
    found: dict[str, Field] = {}
    fields = list(scope.dataset.fields)
    for part in scope.path.split("."):
        name = part.replace("[]", "")
        found |= {field.name: field for field in fields}
        own = found.pop(name, None)
        while own is not None and own.items is not None:
            own = own.items
        fields = list(own.fields or []) if own is not None else []
    return found


def dtype_of(field: Field, scope: Scope) -> Any:
    """The polars type of a field's drawn values; None where the spec has not settled it, or it is wrong in itself."""
    try:
        if not field.type:
            if field.ref is not None:
                return None
            field = with_type(field, convert(*generator_of(field, scope)))
        return build_type(field).value_dtype()
    except (Problem, KeyError):
        return None

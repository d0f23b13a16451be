"""What a field that depends on others knows of them: where they are defined, and which values they may have."""

import difflib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.sample.base import Scope
from ffgen.sample.build import convert, generator_of, with_type
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType, build_type
from ffgen.spec.types.base import Unfit, shown

READERS = {
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "datetime",
    pl.Float64: "number",
    pl.Int64: "integer",
    pl.Time: "time",
}
"""Which type reads the keys of a table, which are text in YAML, for a column of each kind."""


@runtime_checkable
class Listing(Protocol):
    """A sampler that knows all it may give, before it is bound."""

    def outcomes(self, field: Field) -> Sequence[Any] | None:
        """Every value but null, as the spec writes it; None where it can't tell after all."""
        ...


class Beside:
    """One field of the same record, as another sees it that reads it."""

    def __init__(self, name: str, scope: Scope, key: str) -> None:
        """Raises `Problem` when there is no such field."""
        own = scope.path.rpartition(".")[2]
        around = records(scope)
        names = dict.fromkeys([*scope.names, *(field.name for fields in around for field in fields)])
        names = {each: None for each in names if each != own and each not in holders(scope)}
        if name not in names:
            what = "a field can't read itself." if name == own else f"there is no field {shown(name)} beside this one."
            near = difflib.get_close_matches(name, names, 1)
            there = f"There are {', '.join(names)}."[:200] if names else ""
            raise Problem(key, what, f"Did you mean `{near[0]}`?" if near else there)
        self.name = name
        self.field = next((field for fields in around for field in fields if field.name == name), None)
        self.kind, self.outcomes = known(self.field, scope) if self.field else (None, None)

    def check(self, keys: Sequence[str], whole: bool, key: str) -> None:
        """Raises `Problem` for a key that the field can't have as its value, and, unless the table is `whole`
        without (it says what becomes of the others), for a value that is no key. What is not known is let pass."""
        if self.kind is None:
            return
        if self.kind.field.may_be_null and not whole:
            raise Problem(key, f"`{self.name}` may be null.", "Say `otherwise`, or make this field nullable, too.")
        read = [self.read(each, key) for each in keys]
        if self.outcomes is None:
            return
        beyond = next((each for each, value in zip(keys, read, strict=True) if value not in self.outcomes), None)
        if beyond is not None:
            known = ", ".join(map(shown, self.outcomes))
            raise Problem(key, f"`{self.name}` is never {shown(beyond)}.", f"It is one of {known}."[:200])
        missing = next((value for value in self.outcomes if value not in read), None)
        if missing is not None and not whole:
            plain = missing if isinstance(missing, str | int | float) else str(missing)
            what = f"nothing is said for {shown(plain)}, which `{self.name}` may be."
            raise Problem(key, what, "Add it, or say `otherwise`.")

    def read(self, text: str, key: str) -> Any:
        """A key as a value of the field."""
        assert self.kind is not None
        try:
            value = self.kind.settle([self.kind.coerce(text)])[0][0]
        except Unfit:
            what = f"{shown(text)} is no value of `{self.name}`, which is of type {self.kind.field.type}."
            raise Problem(key, what, "Write keys as the field's values are written.") from None
        if isinstance(value, str) and value != text:
            raise Problem(key, f"{shown(text)} is written {shown(value)}.", "Write keys as the values come out.")
        return value


def holders(scope: Scope) -> list[str]:
    """The names of the fields that hold the scope's own, from the table down."""
    names = scope.path.replace("[]", "").split(".")
    # An array's own items have no name: all names are those of holders.
    return names if scope.path.endswith("[]") else names[:-1]


def records(scope: Scope) -> list[list[Field]]:
    """The fields of the record that the scope's own is in, then of those around it."""
    around = [scope.dataset.fields]
    for name in holders(scope):
        inner = next((field for field in around[0] if field.name == name), None)
        while inner is not None and inner.items is not None:
            inner = inner.items
        if inner is None or inner.fields is None:
            break
        around.insert(0, inner.fields)
    return around


def known(field: Field, scope: Scope) -> tuple[ValueType | None, list[Any] | None]:
    """The field's type and all its values, where the spec tells them. What is wrong with it, it says itself."""
    try:
        sampler = convert(*generator_of(field, scope))
        kind = build_type(with_type(field, sampler))
        listed = sampler.outcomes(field) if isinstance(sampler, Listing) else field.values
    except Problem:
        return None, None
    if listed is None and field.type == "boolean":
        listed = [True, False]
    if listed is None or field.cases or field.derive:
        return kind, None
    return kind, list(dict.fromkeys(kind.decoded(listed)))


def codes_of(column: pl.Series, keys: Sequence[str]) -> NDArray[np.uint32]:
    """The place of each value among `keys`, or their number where it is none of them; 15 ns a value."""
    if column.dtype == pl.String:
        found = column.cast(pl.Enum(keys), strict=False).to_physical().cast(pl.UInt32)
    else:
        read = {value: place for place, text in enumerate(keys) for value in values_of(text, column.dtype)}
        old, new = pl.Series(list(read), dtype=column.dtype), pl.Series(list(read.values()), dtype=pl.UInt32)
        found = column.replace_strict(old, new, default=None, return_dtype=pl.UInt32)
    return found.fill_null(len(keys)).to_numpy()


def values_of(text: str, dtype: Any) -> list[Any]:
    """The value that a key stands for in such a column; none where it can't be one."""
    reader = READERS.get(dtype.base_type())
    return [] if reader is None else list(build_type(Field(type=reader)).decoded([text]))

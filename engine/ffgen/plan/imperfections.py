"""What is spoiled on purpose in a drawn table: the shares of a spec settled field by field, and what is wrong with
them."""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from msgspec import Struct

from ffgen.spec.model import Dataset, Imperfections
from ffgen.spec.types import Problem, ValueType

CELLS = ("nulls", "outliers", "typos", "drift")
"""Kinds that alter a cell; one cell is altered by one of them at most."""
ROWS = ("duplicates", "late")

LEVELS: dict[str, dict[str, float]] = {
    "high": {"nulls": 0.005, "duplicates": 0.001, "outliers": 0.001, "typos": 0.002, "drift": 0.002, "late": 0.001},
    "medium": {"nulls": 0.02, "duplicates": 0.005, "outliers": 0.005, "typos": 0.01, "drift": 0.01, "late": 0.005},
    "low": {"nulls": 0.08, "duplicates": 0.02, "outliers": 0.02, "typos": 0.04, "drift": 0.05, "late": 0.02},
}

Path = tuple[str | int, ...]
Fault = tuple[Path, Problem]
Kinds = Mapping[str, ValueType]


class Spoils(Struct, frozen=True):
    """What is spoiled in one table: for each field the shares by kind, and the shares of rows.

    `texts` are fields that are no text and become one, so that some of their values can stand in another form: a
    column has one type. `time` is the field that late rows are late by.
    """

    cells: dict[str, dict[str, float]]
    texts: list[str]
    duplicates: float
    late: float
    time: str


class Settler:
    """Settles the imperfections of one table. `faults` has what can't be; the result is of no use then."""

    def __init__(
        self,
        dataset: Dataset,
        wanted: Imperfections,
        kinds: Kinds,
        tables: Sequence[Dataset],
        carriers: Collection[str],
    ) -> None:
        self.dataset = dataset
        self.wanted = wanted
        self.kinds = {each.name: kinds[each.name] for each in dataset.fields if not each.hidden}
        self.level = LEVELS[wanted.quality] if wanted.quality is not None else dict.fromkeys((*CELLS, *ROWS), 0.0)
        self.referring = [table.name for table in tables if refers(table, dataset)]
        self.keys = keys_of(dataset, tables) | set(carriers)
        self.faults: list[Fault] = []
        cells = {kind: self._cells(kind) for kind in CELLS}
        by_field = {name: {kind: cells[kind].get(name, 0.0) for kind in CELLS} for name in self.kinds}
        late, time = self._late()
        self.spoils = Spoils(
            {name: {k: share for k, share in kinds.items() if share} for name, kinds in by_field.items()},
            [name for name in cells["drift"] if cells["drift"][name] and not is_text(self.kinds[name])],
            self._duplicates(),
            late,
            time,
        )
        self._sum()

    def _fault(self, path: Path, what: str, hint: str = "") -> None:
        self.faults.append((("imperfections", *path), Problem("", what, hint)))

    def _cells(self, kind: str) -> dict[str, float]:
        """The share of each field for one kind."""
        said: Any = getattr(self.wanted, kind)
        if isinstance(said, dict):
            return {name: share for name, share in said.items() if self._may(kind, name)}
        fitting = [name for name in self.kinds if FITS[kind](self.kinds[name]) and name not in self.keys]
        if said and not fitting:
            what = f"no field can have {kind}: {NEEDS[kind]}, and keys are left alone unless they are named."
            self._fault((kind,), what, f"Name a field, as {kind}: {{FIELD: {said:g}}}, or leave it out.")
        share = self.level[kind] if said is None else said
        return dict.fromkeys(fitting, share)

    def _may(self, kind: str, name: str) -> bool:
        """Whether a field that was named can have a kind; says why not."""
        if name not in self.kinds:
            self._fault((kind, name), *self._unknown(name))
            return False
        if not FITS_NAMED[kind](self.kinds[name]):
            what = f"`{name}` is {article(self.kinds[name].field.type)}, which can't have {kind}: {NEEDS[kind]}."
            self._fault((kind, name), what, "Take it out.")
            return False
        return True

    def _unknown(self, name: str) -> tuple[str, str]:
        fields = {each.name: each for each in self.dataset.fields}
        if name in fields:
            return f"`{name}` is hidden, so nobody would see it.", "Take it out."
        outer = name.partition(".")[0]
        if outer != name and outer in fields:
            return f"only whole fields are spoiled, not `{name}` inside one.", f"Name `{outer}`."
        near = difflib.get_close_matches(name, self.kinds, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Fields are {', '.join(self.kinds)}."
        return f"no field is named `{name}`.", hint

    def _duplicates(self) -> float:
        """A row that gives way to a copy of another takes its key along, so nobody may refer to it."""
        said = self.wanted.duplicates
        if self.referring:
            if said:
                what = f"{', '.join(self.referring)} refers to `{self.dataset.name}`, whose rows must all be there."
                self._fault(("duplicates",), what, "Duplicate rows of a table that none refers to.")
            return 0.0
        return self.level["duplicates"] if said is None else said

    def _late(self) -> tuple[float, str]:
        said = self.wanted.late
        moments = [name for name, kind in self.kinds.items() if is_dated(kind)]
        # The time of day tells more: a date alone may be a birthday.
        moments.sort(key=lambda name: self.kinds[name].field.type == "date")
        if isinstance(said, dict):
            if len(said) > 1:
                self._fault(("late",), "rows are late by one time.", "Name one field.")
            for name, share in said.items():
                if name not in self.kinds:
                    self._fault(("late", name), *self._unknown(name))
                elif name not in moments:
                    kind = article(self.kinds[name].field.type)
                    what = f"`{name}` is {kind}, and rows are late by a date or datetime."
                    self._fault(("late", name), what, f"Dates are {', '.join(moments)}." if moments else "")
                return share, name
            return 0.0, ""
        if not moments:
            if said:
                what = "no field says when a row was made, so none can be late."
                self._fault(("late",), what, "Add a date or datetime, or leave it out.")
            return 0.0, ""
        return self.level["late"] if said is None else said, moments[0]

    def _sum(self) -> None:
        for name, shares in self.spoils.cells.items():
            if sum(shares.values()) > 1 + 1e-9:
                what = f"{' and '.join(shares)} of `{name}` add up to {sum(shares.values()):g}: a cell is spoiled once."
                self._fault((next(iter(shares)),), what, "Lower one, so that they are 1 at most.")


def settled(
    dataset: Dataset, kinds: Kinds, tables: Sequence[Dataset], carriers: Collection[str]
) -> tuple[Spoils | None, list[Fault]]:
    """What is spoiled in a table, None for nothing, and what is wrong with the wish. `carriers` are fields whose
    values tell rows apart by construction."""
    if dataset.imperfections is None:
        return None, []
    settler = Settler(dataset, dataset.imperfections, kinds, tables, carriers)
    return settler.spoils, settler.faults


def keys_of(dataset: Dataset, tables: Sequence[Dataset]) -> set[str]:
    """Fields that tell rows apart or tie tables together."""
    own = {each.name for each in dataset.fields if each.unique or each.reference is not None}
    return own | set(dataset.unique_by or []) | {column for table in tables for column in refers(table, dataset)}


def refers(table: Dataset, to: Dataset) -> set[str]:
    """The fields of one table that another refers to."""
    return set(columns(table, to.name))


def columns(table: Dataset, to: str) -> Iterator[str]:
    for each in table.fields:
        if each.reference is not None and each.reference.table == to:
            yield each.reference.column


def is_text(kind: ValueType) -> bool:
    """Whether a field's values are text before `format` is applied."""
    return bool(kind.value_dtype() == pl.String)


def is_dated(kind: ValueType) -> bool:
    """Whether a field holds dates or datetimes."""
    return kind.field.type in ("date", "datetime")


def is_flat(kind: ValueType) -> bool:
    """Whether a field holds no object and no array."""
    return kind.field.type not in ("object", "array")


def is_numeric(kind: ValueType) -> bool:
    """Whether a field holds numbers."""
    return bool(kind.value_dtype() in (pl.Int64, pl.Float64))


def article(word: str) -> str:
    """The word with `a` or `an`."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


Fits = Callable[[ValueType], bool]

FITS: dict[str, Fits] = {
    "nulls": lambda kind: True,
    "outliers": lambda kind: is_numeric(kind) or is_dated(kind),
    "typos": is_text,
    "drift": lambda kind: is_text(kind) or is_dated(kind) or kind.field.type == "time",
}
"""Fields that a kind falls on where none is named."""
FITS_NAMED: dict[str, Fits] = FITS | {"drift": is_flat}
"""Fields that a kind can fall on. A number that drifts makes its whole column text, which must be asked for."""
NEEDS = {
    "nulls": "it takes any field",
    "outliers": "they are numbers, dates or datetimes",
    "typos": "they are in text",
    "drift": "it is in the form of text, dates and times (of numbers where they are named)",
}

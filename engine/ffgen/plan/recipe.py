"""What one table's drawing knows: bound samplers, the order of fields, and what carries uniqueness."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ffgen.expr import Expression
from ffgen.plan.capacity import Capacity
from ffgen.plan.computed import Compute
from ffgen.plan.imperfections import Spoils
from ffgen.rng import U64, key_of, permute
from ffgen.sample.base import Sampler
from ffgen.sample.plugins import RecordCheck
from ffgen.spec.model import Dataset
from ffgen.spec.types import Problem, ValueType

Path = tuple[str | int, ...]
JOINT = "joint"


@dataclass
class Held:
    """What rows are held to once a model has written its part. `records`: rows alike in `unique_by` are asked again."""

    checks: list[tuple[str, str, pl.Expr]] = field(default_factory=list)
    requires: list[Expression] = field(default_factory=list)
    validators: list[RecordCheck] = field(default_factory=list)
    unique: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)


@dataclass
class Recipe:
    """One table: its samplers, the order in which fields are drawn, and what is held against the rows.

    `keyed` fields are functions of the row number, `computed` ones follow from them. `joint` fields are, together: one
    permuted number a row is taken apart into a value of each. `apart` are those that no two rows of one parent share;
    `gated` lists the key sets that only the gate can keep apart, the record's own last (`gates_records`), `near` those
    fields whose texts may have no near twin, with their thresholds. `how` says, for each key set, what makes it unique.
    `afterwards` are fields that hang on the rows of other tables under this one (totals, and what follows from them):
    drawing a row again does not change them, so what is held against them stands in `last_checks`, `last_requires`.
    `written_on` are fields that a model writes row by row, and those that hang on them: what is held against them is
    `held_back`, for the drawn part of a row is fixed before the model is asked.
    """

    dataset: Dataset
    seed: int
    count: int
    samplers: dict[str, Sampler] = field(default_factory=dict)
    generators: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    keyed: set[str] = field(default_factory=set)
    joint: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    gated: list[list[str]] = field(default_factory=list)
    gates_records: bool = False
    near: list[tuple[str, float]] = field(default_factory=list)
    how: dict[str, str] = field(default_factory=dict)
    checks: list[tuple[str, str, pl.Expr]] = field(default_factory=list)
    requires: list[Expression] = field(default_factory=list)
    written_on: set[str] = field(default_factory=set)
    held_back: Held = field(default_factory=lambda: Held())
    afterwards: set[str] = field(default_factory=set)
    last_checks: list[tuple[str, str, pl.Expr]] = field(default_factory=list)
    last_requires: list[Expression] = field(default_factory=list)
    validators: list[RecordCheck] = field(default_factory=list)
    problems: list[tuple[Path, Problem]] = field(default_factory=list)
    computed: dict[str, Compute] = field(default_factory=dict)
    capacity: Capacity = Capacity(None, "", [])
    spoils: Spoils | None = None

    @property
    def kinds(self) -> dict[str, ValueType]:
        """The type of each field, in the spec's order."""
        return {each.name: self.samplers[each.name].kind for each in self.dataset.fields}

    @property
    def asked(self) -> list[str]:
        """The fields that a model writes for each row."""
        return [each.name for each in self.dataset.fields if each.source == "ask"]

    @property
    def written(self) -> list[str]:
        """The fields that stand in the output."""
        return [each.name for each in self.dataset.fields if not each.hidden]

    def schema(self) -> dict[str, Any]:
        """The polars types of decoded values, hidden fields included."""
        return {name: kind.value_dtype() for name, kind in self.kinds.items()}

    def room(self, name: str) -> int | None:
        """Distinct values that a field knows by row number, None when rows may share one or it is no function of it."""
        if self.samplers[name].field.may_be_null:
            return None
        if name in self.joint:
            return self.count if len(self.joint) == 1 else None
        return self.samplers[name].room() if name in self.keyed else None

    def knows(self, name: str) -> bool:
        """Whether a field follows from the row number."""
        return name in self.computed or name in self.joint or self.room(name) is not None

    def key(self, name: str) -> int:
        """What spreads the values of a keyed field: one key for all that are taken from one parent row."""
        group = self.group(name)
        if group is not None:
            name = next(each for each in self.samplers if each in self.keyed and self.group(each) == group)
        return key_of(self.seed, self.dataset.name, name)

    def group(self, name: str) -> Hashable:
        """The parent table and role of a key, None of other fields."""
        return getattr(self.samplers[name], "group", None)

    def value(self, name: str, index: U64) -> pl.Series:
        """A field's values in the rows with these numbers, for a field that it `knows`."""
        if name in self.computed:
            return self.computed[name](index)
        sampler = self.samplers[name]
        if name in self.joint:
            column = pl.Series(sampler.at(self.digits(index)[name]))
        else:
            column = pl.Series(sampler.keyed(index, self.key(name)))
        return column.cast(sampler.kind.value_dtype())

    def digits(self, index: U64) -> dict[str, U64]:
        """The joint fields' value numbers in some rows: a permuted row number, written in digits of mixed radix."""
        rooms = {name: self.samplers[name].room() or 1 for name in self.joint}
        number = permute(index, math.prod(rooms.values()), key_of(self.seed, self.dataset.name, JOINT))
        found = {}
        for name, room in rooms.items():
            found[name] = number % np.uint64(room)
            number = number // np.uint64(room)
        return found

    def needed(self, names: Sequence[str]) -> list[str]:
        """These fields and all that must be drawn for them, in order: what they read, what decides whether a row is
        refused, and what is moved together with them."""
        wanted: set[str] = set()
        stack = [*names, *self.apart, *(name for name, _, _ in self.checks)]
        stack += self.order if self.validators else []
        stack += [name for expression in self.requires for name in expression.columns]
        stack += [name for correlation in self.dataset.correlations for name in correlation.fields]
        while stack:
            name = stack.pop()
            if name not in wanted and name in self.samplers:
                wanted.add(name)
                stack += self.samplers[name].reads
        return [name for name in self.order if name in wanted]

    def note(self, path: Path, problem: Problem) -> None:
        """Something is wrong at a path in the table."""
        self.problems += [(path, problem), *((path, other) for other in problem.others)]

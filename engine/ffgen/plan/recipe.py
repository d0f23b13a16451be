"""How each field of the drawn tables is made: bound samplers, the order of fields, and what carries uniqueness.

A recipe is compiled once a process from the plan. What is wrong with a spec is found here, too, by compiling it.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ffgen.expr import Expression, ExpressionError, check_types, parse
from ffgen.plan.capacity import Capacity, drawable_of, shortfall
from ffgen.plan.computed import Compute, computed
from ffgen.plan.imperfections import Spoils, settled
from ffgen.plan.tables import Layout
from ffgen.rng import U64, key_of, permute
from ffgen.sample.base import MOST_ROOM, Sampler, Scope
from ffgen.sample.build import build_sampler, generator_of
from ffgen.sample.cases import Conditional, bind_field, goes_along
from ffgen.sample.checks import unheld
from ffgen.sample.copula import check_matrix, matrix_of
from ffgen.sample.dependence import Monotone
from ffgen.sample.plugins import RecordCheck, record_validators
from ffgen.sample.reference import Reference, Total
from ffgen.spec.model import Dataset, Field, Ref, Spec
from ffgen.spec.record import requirements
from ffgen.spec.types import Problem, ValueType

Path = tuple[str | int, ...]
JOINT = "joint"
TABLED = 1 << 20
"""Rows up to which a column that other tables look up is computed as a whole: 8 MiB of numbers."""


@dataclass
class Recipe:
    """One table: its samplers, the order in which fields are drawn, and what is held against the rows.

    `keyed` fields are functions of the row number, `computed` ones follow from them. `joint` fields are, together: one
    permuted number a row is taken apart into a value of each. `apart` are those that no two rows of one parent share;
    `gated` lists the key sets that only the gate can keep apart, the record's own last (`gates_records`). `how` says,
    for each key set, what makes it unique.
    `afterwards` are fields that hang on the rows of other tables under this one (totals, and what follows from them):
    drawing a row again does not change them, so what is held against them stands in `last_checks`, `last_requires`.
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
    how: dict[str, str] = field(default_factory=dict)
    checks: list[tuple[str, str, pl.Expr]] = field(default_factory=list)
    requires: list[Expression] = field(default_factory=list)
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


class Recipes:
    """The recipes of all tables; what foreign keys ask (see `sample.reference.Lookup`).

    `stored` gives a column that is no function of the row number: set by whoever draws.
    """

    def __init__(self, spec: Spec, layouts: Sequence[Layout]) -> None:
        self.tables = {table.name: table for table in spec.datasets}
        self.laid = laid = {layout.table: layout for layout in layouts}
        seed = spec.seed
        self.validators = record_validators(spec.plugins)
        self.recipes: dict[str, Recipe] = {}
        self.stored: Callable[[str, str, U64], pl.Series] | None = None
        self.wanted: set[tuple[str, str]] = set()
        self._columns: dict[tuple[str, str], pl.Series] = {}
        for name in laid:
            self.recipes[name] = Compiler(self.tables[name], laid[name].count, seed, self).recipe
        for name in laid:
            self._look_up(name)
            self._total(name)
            self._settle(self.recipes[name])

    def _look_up(self, table: str) -> None:
        """Notes columns of other tables that a table needs and that no row number gives."""
        laid = self.laid[table]
        for i, each in enumerate(self.tables[table].fields):
            ref = each.reference
            if ref is None or ref.table not in self.laid or each.name not in self.recipes[table].samplers:
                continue
            if (ref.table, ref.role) == (laid.parent, laid.role):
                continue
            sampler = self.recipes[table].samplers[each.name]
            for column in sampler.asks if isinstance(sampler, Reference) else [ref.column]:
                if not self.knows(ref.table, column):
                    self._want(table, i, ref.table, column)

    def _want(self, table: str, field: int, parent: str, column: str) -> None:
        """Notes a column to be kept for a table's field."""
        self.wanted.add((parent, column))
        if parent == table or list(self.laid).index(parent) > list(self.laid).index(table):
            what = (
                f"`{parent}.{column}` is not known from the row number alone, which a table that is made later must be."
            )
            problem = Problem("ref", what, "Refer to a sequence, a uuid or another unique field.")
            self.recipes[table].problems.append((("fields", field), problem))

    def _settle(self, recipe: Recipe) -> None:
        """Notes what is spoiled in a table once it is drawn."""
        if not recipe.problems:
            recipe.spoils, faults = settled(recipe.dataset, recipe.kinds, list(self.tables.values()), recipe.keyed)
            recipe.problems += faults

    def _total(self, table: str) -> None:
        """A total is of rows that are final when they are drawn: the gate changes neither them nor what they copy."""
        for i, each in enumerate(self.tables[table].fields):
            sampler = self.recipes[table].samplers.get(each.name)
            drawn = [part.sampler for part in sampler.parts] if isinstance(sampler, Conditional) else [sampler]
            total = next((part for part in drawn if isinstance(part, Total)), None)
            if total is None or total.table not in self.recipes:
                continue
            below, laid = self.recipes[total.table], self.laid[total.table]
            for ref in self._refs(below, total.column):
                if (ref.table, ref.role) != (laid.parent, laid.role) and not self.knows(ref.table, ref.column):
                    self._want(table, i, ref.table, ref.column)
            moving = below if below.gated else self.recipes[table] if self._copies(below, total.column, table) else None
            if moving is not None and moving.gated:
                what = f"rows of `{moving.dataset.name}` may be drawn again, to keep them apart, after this total."
                hint = "Give that table a `unique` field that is drawn by number, such as a sequence or a uuid."
                self.recipes[table].problems.append((("fields", i), Problem("generator", what, hint)))

    def _copies(self, below: Recipe, column: str, table: str) -> bool:
        """Whether a field follows from fields of the table above that the row number does not give."""
        return not all(self.knows(table, ref.column) for ref in self._refs(below, column) if ref.table == table)

    def _refs(self, below: Recipe, column: str) -> list[Ref]:
        """The keys and copies that a field is made of, among those of its own table."""
        fields = {each.name: each.reference for each in below.dataset.fields}
        return [ref for ref in map(fields.get, below.needed([column])) if ref is not None and ref.table in self.laid]

    def rows(self, table: str) -> int:
        """See Lookup."""
        return self.laid[table].count if table in self.laid else 0

    def _whole(self, recipe: Recipe, column: str) -> pl.Series:
        """A computed column of a table that isn't large, computed once: looking up is ten times as quick."""
        here = (recipe.dataset.name, column)
        if here not in self._columns:
            self._columns[here] = recipe.value(column, np.arange(recipe.count, dtype=np.uint64))
        return self._columns[here]

    def schema(self, table: str) -> dict[str, Any]:
        """See Lookup."""
        recipe = self.recipes.get(table)
        if recipe is None:
            return {}
        return {name: sampler.kind.value_dtype() for name, sampler in recipe.samplers.items()}

    def room(self, table: str, column: str) -> int | None:
        """See Lookup."""
        recipe = self.recipes.get(table)
        if recipe is None or column not in recipe.samplers:
            return None
        return recipe.room(column)

    def knows(self, table: str, column: str) -> bool:
        """Whether a column follows from the row number."""
        recipe = self.recipes.get(table)
        return recipe is not None and column in recipe.samplers and recipe.knows(column)

    def value(self, table: str, column: str, index: U64) -> pl.Series:
        """See Lookup."""
        recipe = self.recipes[table]
        if column in recipe.computed and recipe.count <= TABLED:
            return self._whole(recipe, column).gather(index)
        if recipe.knows(column):
            return recipe.value(column, index)
        assert self.stored is not None
        return self.stored(table, column, index)


class Compiler:
    """Compiles one recipe; every problem is noted with its path in the table, and the rest goes on."""

    def __init__(self, dataset: Dataset, count: int, seed: int, lookup: Recipes) -> None:
        self.recipe = Recipe(dataset, seed, count, validators=lookup.validators)
        self.dataset = dataset
        self.lookup = lookup
        # A table that refers to itself finds its own recipe.
        lookup.recipes[dataset.name] = self.recipe
        self.units: dict[Hashable, Any] = {}
        self._bind()
        if not self.recipe.problems:
            self._order()
            self._require()
            self._check()
        if not self.recipe.problems:
            self._correlate()
            self._keep_apart()
            self._compute()

    def _compute(self) -> None:
        recipe = self.recipe

        def known(name: str) -> Compute | None:
            return partial(recipe.value, name) if recipe.knows(name) else None

        recipe.computed = computed(self.dataset, recipe.samplers, recipe.order, known, self.lookup)

    def _note(self, path: Path, problem: Problem) -> None:
        self.recipe.problems += [(path, problem), *((path, other) for other in problem.others)]

    def _bind(self) -> None:
        names = [each.name for each in self.dataset.fields]
        for i, each in enumerate(self.dataset.fields):
            scope = Scope(
                self.dataset,
                self.recipe.seed,
                build_sampler,
                path=each.name,
                names=names,
                count=self.recipe.count,
                units=self.units,
                lookup=self.lookup,
            )
            try:
                self.recipe.samplers[each.name] = bind_field(each, scope)
                self.recipe.generators[each.name] = generator_of(each, scope)[0]
            except Problem as problem:
                self._note(("fields", i), problem)

    def _order(self) -> None:
        """Every field after those it reads."""
        left = {name: set(sampler.reads) - {name} for name, sampler in self.recipe.samplers.items()}
        for correlation in self.dataset.correlations:
            # Who reads one of the fields reads it after all have been moved together.
            together = set(correlation.fields) & left.keys()
            for name, reads in left.items():
                if name not in together and reads & together:
                    reads |= together
        position = {each.name: i for i, each in enumerate(self.dataset.fields)}
        for name, reads in left.items():
            unknown = reads - left.keys()
            if unknown:
                what = f"reads `{min(unknown)}`, and no field has this name."
                self._note(("fields", position[name]), Problem("generator", what, f"Fields are {', '.join(left)}."))
        if self.recipe.problems:
            return
        while left:
            ready = [name for name, reads in left.items() if not reads & left.keys()]
            if not ready:
                names = ", ".join(f"`{name}`" for name in left)
                self._note(("fields", position[next(iter(left))]), Problem("", f"{names} read each other in a circle."))
                return
            self.recipe.order += ready
            for name in ready:
                del left[name]
                sampler = self.recipe.samplers[name]
                if isinstance(sampler, Total) or self.recipe.afterwards & set(sampler.reads):
                    self.recipe.afterwards.add(name)

    def _require(self) -> None:
        names = list(self.recipe.samplers)
        for i, text in enumerate(requirements(self.dataset)):
            path: Path = ("require",) if isinstance(self.dataset.require, str) else ("require", i)
            try:
                expression = parse(text, names)
                error = check_types(expression, self.recipe.schema())
            except ExpressionError as refused:
                error = refused
            if error is not None:
                self._note(path, Problem("", f"column {error.column} of the expression: {error.what}", error.hint))
            elif expression.columns & self.recipe.afterwards:
                self.recipe.last_requires.append(expression)
            else:
                self.recipe.requires.append(expression)

    def _check(self) -> None:
        """What samplers do not hold by themselves is held against every row."""
        for name, sampler in self.recipe.samplers.items():
            kind = sampler.kind
            if kind.field.type in ("object", "array"):
                continue
            checks = self.recipe.last_checks if name in self.recipe.afterwards else self.recipe.checks
            checks += [(name, reason, expr) for reason, expr in unheld(sampler)]

    def _correlate(self) -> None:
        moved: set[str] = set()
        for i, correlation in enumerate(self.dataset.correlations):
            try:
                check_matrix(correlation, self.recipe.kinds)
                matrix_of(correlation)
            except Problem as problem:
                self._note(("correlations", i), problem)
                continue
            for j, name in enumerate(correlation.fields):
                if name in moved:
                    what = f"`{name}` is moved by another correlation already, which this one would undo."
                    hint = "Make it one correlation of all these fields, with a `matrix`."
                    self._note(("correlations", i), Problem(f"fields.{j}", what, hint))
                elif hangs_on_others(self.recipe.samplers[name]):
                    what = f"the values of `{name}` follow from other fields or rows and can't be moved."
                    hint = "Correlate fields that are drawn freely."
                    self._note(("correlations", i), Problem(f"fields.{j}", what, hint))
            moved |= set(correlation.fields)

    def _keep_apart(self) -> None:
        """What makes each key set unique: a field by construction, several together, or the gate."""
        recipe = self.recipe
        for i, each in enumerate(self.dataset.fields):
            if recipe.samplers[each.name].numbered and self._may_be_keyed(each):
                recipe.keyed.add(each.name)
            if each.unique:
                self._keep_field_apart(i, each)
        names = list(dict.fromkeys(self.dataset.unique_by or recipe.written))
        recipe.capacity = drawable_of(self.dataset, names, recipe.samplers, self._is_free)
        self._keep_records_apart()

    def _is_free(self, name: str) -> bool:
        return self._may_be_keyed(self.recipe.samplers[name].field)

    def _keep_field_apart(self, i: int, each: Field) -> None:
        recipe = self.recipe
        room = recipe.samplers[each.name].room() if self._may_be_keyed(each) else None
        if room is None:
            recipe.gated.append([each.name])
            recipe.how[each.name] = "the gate: every value's hash is compared"
        elif room < recipe.count:
            what = f"`{each.name}` can be drawn with {room:,} distinct values; {recipe.count:,} rows are asked for."
            self._note(("fields", i), Problem("unique", what, f"Widen it, or lower count to {room}."))
        else:
            recipe.keyed.add(each.name)
            recipe.how[each.name] = f"by construction: a function of the row number, {words(room)} values"

    def _keep_records_apart(self) -> None:
        recipe = self.recipe
        names = list(dict.fromkeys(self.dataset.unique_by or recipe.written))
        carrier = next((name for name in names if name in recipe.keyed and self._is_whole(name)), None)
        label = ", ".join(self.dataset.unique_by) if self.dataset.unique_by else "record"
        if carrier is not None:
            recipe.how[label] = f"`{carrier}` tells rows apart by construction"
            return
        if any(set(keys) <= set(names) for keys in recipe.gated if self._is_whole(keys[0])):
            recipe.how[label] = "a unique field tells rows apart"
            return
        if (pair := self._family(names)) is not None:
            recipe.how[label] = f"by construction: `{pair[0]}` tells parents apart, `{pair[1]}` the rows of each"
            return
        if recipe.dataset.rows is not None:
            return
        joint, size = self._joint(names)
        if size >= 2 * recipe.count and (decisive := set(joint) & set(recipe.needed([]))):
            # A refused row can't be drawn again with the same values, and there is room for the gate to find others.
            joint, size = self._joint([name for name in names if name not in decisive])
        if size >= recipe.count and len(joint) == 1:
            recipe.keyed |= set(joint)
            recipe.how[label] = f"by construction: `{joint[0]}` is a function of the row number, {words(size)} values"
            return
        if size >= recipe.count and joint:
            recipe.joint = joint
            recipe.how[label] = f"by construction: {', '.join(joint)} together are one permuted number, {words(size)}"
            return
        if self._is_within(names):
            recipe.apart = sorted(names)
            parent = self.lookup.laid[self.dataset.name].parent
            recipe.how[label] = f"within its shard: rows that repeat one of the same {parent} row are drawn again"
            return
        if not recipe.problems and (wrong := shortfall(recipe.capacity, recipe.count)):
            self._note((), Problem("count", *wrong))
        recipe.gated.append(sorted(names))
        recipe.gates_records = True
        recipe.how[label] = "the gate: every row's hash is compared"

    def _is_within(self, names: Sequence[str]) -> bool:
        """Whether rows that are alike in these fields are always rows of one parent: the fields hold its key."""
        laid = self.lookup.laid[self.dataset.name]
        above = self.lookup.recipes.get(laid.parent)
        if above is None:
            return False
        copied = set()
        for name in names:
            sampler = self.recipe.samplers[name]
            if isinstance(sampler, Reference) and sampler.group == (laid.parent, laid.role) and not sampler.orphans:
                copied |= {sampler.column} if self._is_whole(name) else set()
        keys = [{name} for name in above.keyed] + [{each.name} for each in above.dataset.fields if each.unique]
        keys += [set(above.dataset.unique_by)] if above.dataset.unique_by else []
        nullable = {each.name for each in above.dataset.fields if each.may_be_null}
        return any(key <= copied and not key & nullable for key in keys)

    def _family(self, names: Sequence[str]) -> tuple[str, str] | None:
        """A key of the parent and a field that tells its rows apart, among some fields of a table laid out so."""
        laid = self.lookup.laid[self.dataset.name]
        whole = {name: self.recipe.samplers[name] for name in names if self._is_whole(name)}
        above = self.lookup.recipes.get(laid.parent)
        keys = [
            name
            for name, sampler in whole.items()
            if isinstance(sampler, Reference) and sampler.group == (laid.parent, laid.role) and not sampler.orphans
            if above is not None and above.room(sampler.column) is not None
        ]
        ranks = [name for name, sampler in whole.items() if isinstance(sampler, Monotone) and sampler.ranks]
        return (keys[0], ranks[0]) if keys and ranks else None

    def _joint(self, names: Sequence[str]) -> tuple[list[str], int]:
        """Fields whose values can be numbered, and how many ways they go together."""
        if self.recipe.requires:
            return [], 0
        joint: list[str] = []
        size, groups = 1, {self.recipe.group(name) for name in self.recipe.keyed} - {None}
        for name in names:
            sampler, group = self.recipe.samplers[name], self.recipe.group(name)
            room = sampler.room() if self._may_be_keyed(sampler.field) and self._is_whole(name) else None
            if len(names) > 1 and not can_be_numbered(sampler):
                continue
            if name not in self.recipe.keyed and room and size * room <= MOST_ROOM and group not in groups:
                joint.append(name)
                size *= room
                groups |= {group} - {None}
        return joint, size

    def _may_be_keyed(self, each: Field) -> bool:
        """Whether nothing but the sampler itself decides over a field's values."""
        correlated = any(each.name in correlation.fields for correlation in self.dataset.correlations)
        refused = any(each.name in expression.columns for expression in self.recipe.requires)
        checked = any(name == each.name for name, _, _ in self.recipe.checks)
        laid = self.lookup.laid[self.dataset.name]
        ref = each.reference
        if ref is not None and laid.parent and (ref.table, ref.role) == (laid.parent, laid.role):
            return False
        return not (each.cases or correlated or refused or checked or self.dataset.rows is not None)

    def _is_whole(self, name: str) -> bool:
        return not self.recipe.samplers[name].field.may_be_null


def can_be_numbered(sampler: Sampler) -> bool:
    """Whether any of its values can be had by number, not only that of a row."""
    inner = sampler.parts[-1].sampler if isinstance(sampler, Conditional) else sampler
    return type(inner).at is not Sampler.at


def hangs_on_others(sampler: Sampler) -> bool:
    """Whether a value belongs to its row by more than a condition on being there at all."""
    if isinstance(sampler, Conditional):
        return bool(sampler.tests) or hangs_on_others(sampler.parts[-1].sampler)
    return bool(sampler.reads) or goes_along(sampler)


def words(number: int) -> str:
    """A count as people read it."""
    return f"{number:,}" if number < 10**12 else f"{float(number):.2g}"

"""The recipes of all tables: compiled once a process from the plan, and what foreign keys ask of them.

What is wrong with a spec is found here, too, by compiling it.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from msgspec import structs

from ffgen.expr import Expression, ExpressionError, check_types, parse
from ffgen.plan.apart import keep_apart
from ffgen.plan.computed import Compute, computed
from ffgen.plan.imperfections import settled
from ffgen.plan.recipe import Path, Recipe
from ffgen.plan.tables import Layout
from ffgen.rng import U64
from ffgen.sample.base import Sampler, Scope
from ffgen.sample.build import build_sampler, generator_of
from ffgen.sample.cases import Conditional, bind_field, goes_along
from ffgen.sample.checks import unheld
from ffgen.sample.copula import check_matrix, matrix_of
from ffgen.sample.plugins import record_validators
from ffgen.sample.reference import Reference, Total
from ffgen.spec.model import Dataset, Ref, Spec
from ffgen.spec.record import requirements
from ffgen.spec.types import Problem

TABLED = 1 << 20
"""Rows up to which a column that other tables look up is computed as a whole: 8 MiB of numbers."""


class Recipes:
    """The recipes of all tables; what foreign keys ask (see `sample.reference.Lookup`).

    `stored` gives a column that is no function of the row number, `answers` one that a model wrote: set by whoever
    draws.
    """

    def __init__(self, spec: Spec, layouts: Sequence[Layout]) -> None:
        self.tables = {table.name: table for table in spec.datasets}
        self.laid = laid = {layout.table: layout for layout in layouts}
        seed = spec.seed
        self.validators = record_validators(spec.plugins)
        self.recipes: dict[str, Recipe] = {}
        self.stored: Callable[[str, str, U64], pl.Series] | None = None
        self.answers: Callable[[str, str, U64], pl.Series | None] | None = None
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

    def kept(self, table: str, column: str, index: U64) -> pl.Series | None:
        """What a model wrote in some rows; None while it is still to be asked."""
        return None if self.answers is None else self.answers(table, column, index)


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
            keep_apart(self.recipe, lookup.laid[dataset.name], lookup.recipes)
            self._compute()

    def _compute(self) -> None:
        recipe = self.recipe

        def known(name: str) -> Compute | None:
            return partial(recipe.value, name) if recipe.knows(name) else None

        recipe.computed = computed(self.dataset, recipe.samplers, recipe.order, known, self.lookup)

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
                # What is near-unique is drawn by chance: refused, it must be another when it is drawn again.
                free = each if each.near is None else structs.replace(each, unique=False)
                self.recipe.samplers[each.name] = bind_field(free, scope)
                self.recipe.generators[each.name] = generator_of(each, scope)[0]
            except Problem as problem:
                self.recipe.note(("fields", i), problem)

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
                self.recipe.note(
                    ("fields", position[name]), Problem("generator", what, f"Fields are {', '.join(left)}.")
                )
        if self.recipe.problems:
            return
        while left:
            ready = [name for name, reads in left.items() if not reads & left.keys()]
            if not ready:
                names = ", ".join(f"`{name}`" for name in left)
                self.recipe.note(
                    ("fields", position[next(iter(left))]), Problem("", f"{names} read each other in a circle.")
                )
                return
            self.recipe.order += ready
            for name in ready:
                del left[name]
                sampler = self.recipe.samplers[name]
                if isinstance(sampler, Total) or self.recipe.afterwards & set(sampler.reads):
                    self.recipe.afterwards.add(name)
                if sampler.field.source == "ask" or self.recipe.written_on & set(sampler.reads):
                    self.recipe.written_on.add(name)

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
                self.recipe.note(
                    path, Problem("", f"column {error.column} of the expression: {error.what}", error.hint)
                )
            elif expression.columns & self.recipe.written_on:
                self._hold_back(path, expression)
            elif expression.columns & self.recipe.afterwards:
                self.recipe.last_requires.append(expression)
            else:
                self.recipe.requires.append(expression)

    def _hold_back(self, path: Path, expression: Expression) -> None:
        """A condition over what a model writes: it must be known as soon as the model has answered."""
        for name in sorted(expression.columns & self.recipe.written_on):
            each = self.recipe.samplers[name].field
            if name in self.recipe.afterwards or (each.source != "ask" and each.derive is None):
                what = f"`{name}` hangs on what the model writes, and is not known when rows are held to this."
                self.recipe.note(path, Problem("", what, "Use asked and derived fields in it."))
                return
        self.recipe.held_back.requires.append(expression)

    def _check(self) -> None:
        """What samplers do not hold by themselves is held against every row."""
        if self.recipe.written_on:
            self.recipe.held_back.validators, self.recipe.validators = self.recipe.validators, []
        for name, sampler in self.recipe.samplers.items():
            kind = sampler.kind
            if kind.field.type in ("object", "array"):
                continue
            checks = self.recipe.last_checks if name in self.recipe.afterwards else self.recipe.checks
            if name in self.recipe.written_on:
                checks = self.recipe.held_back.checks
            checks += [(name, reason, expr) for reason, expr in unheld(sampler)]

    def _correlate(self) -> None:
        moved: set[str] = set()
        for i, correlation in enumerate(self.dataset.correlations):
            try:
                check_matrix(correlation, self.recipe.kinds)
                matrix_of(correlation)
            except Problem as problem:
                self.recipe.note(("correlations", i), problem)
                continue
            for j, name in enumerate(correlation.fields):
                if name in moved:
                    what = f"`{name}` is moved by another correlation already, which this one would undo."
                    hint = "Make it one correlation of all these fields, with a `matrix`."
                    self.recipe.note(("correlations", i), Problem(f"fields.{j}", what, hint))
                elif name in self.recipe.written_on or hangs_on_others(self.recipe.samplers[name]):
                    what = f"the values of `{name}` follow from other fields or rows and can't be moved."
                    hint = "Correlate fields that are drawn freely."
                    self.recipe.note(("correlations", i), Problem(f"fields.{j}", what, hint))
            moved |= set(correlation.fields)


def hangs_on_others(sampler: Sampler) -> bool:
    """Whether a value belongs to its row by more than a condition on being there at all."""
    if isinstance(sampler, Conditional):
        return bool(sampler.tests) or hangs_on_others(sampler.parts[-1].sampler)
    return bool(sampler.reads) or goes_along(sampler)

"""Fields that have no number of their own and still follow from the row number: what other tables look up need not be
made and kept beforehand then.

A formula over such fields, a key copied from the parent where every parent has as many children, the size of a table.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import polars as pl

from ffgen.rng import U64, stream
from ffgen.sample.base import Rows, Sampler
from ffgen.sample.cases import typed
from ffgen.sample.dependence import Derived
from ffgen.sample.reference import Reference, RowCount
from ffgen.spec.model import Dataset

Compute = Callable[[U64], pl.Series]


class Tables(Protocol):
    """What is asked of the tables around."""

    def knows(self, table: str, column: str) -> bool:
        """Whether a column follows from the row number."""

    def value(self, table: str, column: str, index: U64) -> pl.Series:
        """Its values in the rows with these numbers."""


def computed(
    dataset: Dataset,
    samplers: Mapping[str, Sampler],
    order: Sequence[str],
    known: Callable[[str], Compute | None],
    tables: Tables,
) -> dict[str, Compute]:
    """The fields of one table that follow from the row number, beside those that `known` gives; each as a function of
    row numbers."""
    found: dict[str, Compute] = {}
    layout = {
        (ref.table, ref.role): ref.min
        for ref in (each.reference for each in dataset.fields)
        if ref is not None and ref.min is not None and ref.min == ref.max and ref.mean in (None, ref.min)
    }
    for name in order:
        sampler = samplers[name]
        if known(name) is not None or sampler.field.may_be_null or dataset.rows is not None:
            continue
        if isinstance(sampler, RowCount):
            found[name] = drawn_alone(sampler, {})
        elif isinstance(sampler, Derived):
            reads = {each: found.get(each) or known(each) for each in sampler.reads}
            if all(reads.values()):
                found[name] = drawn_alone(sampler, {each: read for each, read in reads.items() if read is not None})
        elif isinstance(sampler, Reference) and layout.get(sampler.group) and not sampler.orphans:
            if tables.knows(sampler.table, sampler.column):
                found[name] = of_parent(sampler, layout[sampler.group] or 1, tables)
    return found


def drawn_alone(sampler: Sampler, reads: Mapping[str, Compute]) -> Compute:
    """A field that takes no chance, from those that it reads."""

    def compute(index: U64) -> pl.Series:
        rows = Rows(index, (sampler.path,))
        rows.columns |= {name: read(index).alias(name) for name, read in reads.items()}
        return typed(sampler, sampler.draw(stream(sampler.path), len(index), rows))

    return compute


def of_parent(sampler: Reference, size: int, tables: Tables) -> Compute:
    """A field of the parent, where each has `size` children."""
    return lambda index: typed(sampler, tables.value(sampler.table, sampler.column, index // np.uint64(size)))

"""Draws whole records without a run, conditions and nested fields included, as a worker does it."""

from typing import Any

import msgspec
import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from ffgen.sample.base import Parents, Rows, Sampler, Scope
from ffgen.sample.build import build_sampler
from ffgen.sample.cases import bind_field, draw_field, in_order
from ffgen.spec.model import Dataset, Field


def fields_of(text: str) -> list[Field]:
    """Fields as a spec lists them."""
    return msgspec.convert(yaml.safe_load(text), list[Field])


class Accounts:
    """Another table, `accounts`, of 1000 rows whose keys are their numbers."""

    def rows(self, table: str) -> int:
        """See `sample.reference.Lookup`."""
        return 1000

    def room(self, table: str, column: str) -> int | None:
        """See `sample.reference.Lookup`."""
        return 1000

    def value(self, table: str, column: str, index: NDArray[np.uint64]) -> pl.Series:
        """See `sample.reference.Lookup`."""
        return pl.Series(index).cast(pl.Int64)


def bind(text: str, *, seed: int = 0, count: int = 1000) -> dict[str, Sampler]:
    """The samplers of a record's fields."""
    fields = fields_of(text)
    dataset = Dataset(fields=fields)
    units: dict[Any, Any] = {}
    samplers = {}
    for field in fields:
        names = [each.name for each in fields]
        scope = Scope(
            dataset, seed, build_sampler, path=field.name, names=names, count=count, units=units, lookup=Accounts()
        )
        samplers[field.name] = bind_field(field, scope)
    return samplers


def draw(
    text: str, n: int = 1000, *, seed: int = 0, first: int = 0, parent: Parents | None = None, count: int = 0
) -> pl.DataFrame:
    """n records from row `first` on, laid out under `parent`."""
    samplers = bind(text, seed=seed, count=count or first + n)
    rows = Rows(np.arange(first, first + n, dtype=np.uint64), (seed, "records", first, 0), parent=parent)
    for name in in_order({name: sampler.reads for name, sampler in samplers.items()}):
        rows.columns[name] = draw_field(samplers[name], rows, rows.stream(name))
    return pl.DataFrame([rows.columns[name] for name in samplers])


def families(*sizes: int) -> Parents:
    """Rows laid out under parents that have so many children each."""
    counts = np.array(sizes)
    row = np.repeat(np.arange(len(counts)), counts)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Parents(row.astype(np.uint64), rank, np.repeat(counts, counts))

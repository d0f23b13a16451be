"""Draws columns without a run: a field in its table, bound and drawn as a worker does it."""

from typing import Any

import numpy as np
import polars as pl

from ffgen.rng import key_of, stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.build import build_sampler
from ffgen.spec.model import Dataset, Field


def scope_of(dataset: Dataset, *, seed: int = 0, count: int = 0) -> Scope:
    """The scope of a dataset's fields."""
    names = [field.name for field in dataset.fields]
    return Scope(dataset, seed, build_sampler, names=names, count=count or dataset.count or 1000)


def bound(seed: int = 0, count: int = 0, locale: str = "en_US", **field: Any) -> Sampler:
    """The sampler of one field alone, e.g. `bound(type="number", generator={"name": "normal", "mean": 3})`."""
    made = Field(**{"name": "f", "type": "", **field})
    scope = scope_of(Dataset(fields=[made], locale=locale), seed=seed, count=count)
    scope.path = made.name
    return build_sampler(made, scope)


def drawn(n: int = 1000, *, seed: int = 0, shard: int = 0, sampler: Sampler | None = None, **field: Any) -> pl.Series:
    """n values of one field."""
    sampler = sampler or bound(seed=seed, **field)
    index = np.arange(shard * n, shard * n + n, dtype=np.uint64)
    rows = Rows(index, (seed, "t", shard, 0))
    return series(sampler, sampler.draw(stream(seed, "t", sampler.path, shard, 0), n, rows))


def keyed(n: int, *, seed: int = 0, sampler: Sampler | None = None, **field: Any) -> pl.Series:
    """The values of rows 0 to n - 1 of a unique field."""
    sampler = sampler or bound(seed=seed, count=n, unique=True, **field)
    return series(sampler, sampler.keyed(np.arange(n, dtype=np.uint64), key_of(seed, "t", sampler.path)))


def drawn_table(n: int, fields: list[Field], *, seed: int = 0, locale: str = "en_US") -> pl.DataFrame:
    """n rows of several fields, drawn in the order in which they read each other."""
    dataset = Dataset(fields=fields, locale=locale)
    scope = scope_of(dataset, seed=seed, count=n)
    samplers: dict[str, Sampler] = {}
    for field in fields:
        scope.path = field.name
        samplers[field.name] = build_sampler(field, scope)
    rows = Rows(np.arange(n, dtype=np.uint64), (seed, "t", 0, 0))
    left = dict(samplers)
    while left:
        name = next(name for name, each in left.items() if not set(each.reads) & left.keys())
        sampler = left.pop(name)
        rows.columns[name] = series(sampler, sampler.draw(rows.stream(name), n, rows)).alias(name)
    return pl.DataFrame([rows.columns[field.name] for field in fields])


def series(sampler: Sampler, column: Column) -> pl.Series:
    """A drawn column in its field's own type."""
    return pl.Series(column).cast(sampler.kind.value_dtype())

"""Whether the values of conditional fields are what their conditions make of them, in rows that are read."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from msgspec import Struct, structs
from numpy.typing import NDArray

from ffgen.expr import Expression, ExpressionError, first_failure, parse
from ffgen.spec.model import Dataset
from ffgen.spec.record import Cells, RecordType
from ffgen.spec.types import ValueType, build_type, in_case


class Conditional(Struct, frozen=True):
    """One field with its conditions, and the type that its values have in each case, its own last."""

    name: str
    nullable: bool
    when: Expression | None
    cases: list[Expression]
    kinds: list[ValueType]


def conditionals(dataset: Dataset) -> list[Conditional]:
    """The conditional fields of a table, save those whose conditions read what is not written."""
    names = [field.name for field in dataset.fields]
    found = []
    for field in dataset.fields:
        if field.when is None and not field.cases:
            continue
        try:
            when = None if field.when is None else parse(field.when, names)
            cases = [parse(case.when, names) for case in field.cases or []]
            kinds = [build_type(in_case(field, case)) for case in field.cases or []]
        except ExpressionError:
            continue
        own = build_type(structs.replace(field, when=None, cases=None))
        found.append(Conditional(field.name, bool(field.nullable), when, cases, [*kinds, own]))
    return found


def misplaced(each: Conditional, record: RecordType, rows: Sequence[Cells]) -> Iterator[tuple[int, str]]:
    """The rows in which a field's value does not go with its conditions: index and reason."""
    frame = record.frame(rows)
    (values,) = record.settled(rows, [each.name])
    there = np.array([value is not None for value in values], dtype=np.bool_)
    holds = held(each.when, frame) if each.when is not None else np.ones(len(rows), dtype=np.bool_)
    yield from ((int(index), "when") for index in np.flatnonzero(there & ~holds))
    if each.when is not None and not each.nullable:
        yield from ((int(index), "null") for index in np.flatnonzero(~there & holds))
    left = there & holds
    for condition, kind in zip([*each.cases, None], each.kinds, strict=True):
        here = left if condition is None else left & held(condition, frame)
        left = left & ~here
        indices = np.flatnonzero(here).tolist()
        if each.cases and indices:
            refused = kind.refuse([values[index] for index in indices], False)
            yield from ((indices[index], reason) for index, reason in refused)


def held(condition: Expression, frame: pl.DataFrame) -> NDArray[np.bool_]:
    """For each row whether a condition is true."""
    found: NDArray[np.bool_] = first_failure([condition], frame).to_numpy() < 0
    return found

"""How many distinct records a spec allows: an upper bound from all constraints, so that the impossible is refused
before the first request. Patterns are counted as automata, under limits; what can't be counted is unbounded.
"""

from msgspec import Struct

from ffgen.spec.model import Dataset
from ffgen.spec.record import requirements
from ffgen.spec.types import ValueType
from ffgen.spec.types.nested import product, room


class Capacity(Struct, frozen=True):
    """`allowed`: at most so many distinct records, None when there is no useful bound. `note` says what the
    bound leaves out; `narrow` lists the fields that hold it down, narrowest first, with their own numbers."""

    allowed: int | None
    note: str
    narrow: list[tuple[str, int]]


def capacity_of(dataset: Dataset, types: list[ValueType]) -> Capacity:
    """The capacity of a dataset whose fields have these types."""
    keys = set(dataset.unique_by or [field.name for field in dataset.fields])
    named = [(field.name, room(kind)) for field, kind in zip(dataset.fields, types, strict=True)]
    allowed = product(space for name, space in named if name in keys)
    for field, (_, space) in zip(dataset.fields, named, strict=True):
        if field.unique and not field.nullable and space is not None:
            allowed = space if allowed is None else min(allowed, space)
    narrow = sorted(((name, space) for name, space in named if space is not None and name in keys), key=lambda n: n[1])
    return Capacity(allowed, note_of(dataset, allowed), narrow)


def note_of(dataset: Dataset, allowed: int | None) -> str:
    """What has to be said beside the number."""
    if allowed is None:
        return "at least one field has no bound that can be counted"
    if requirements(dataset):
        return "an upper bound: `require` may allow fewer"
    return "an upper bound: what the model knows may be fewer"


def shortfall(capacity: Capacity, count: int) -> tuple[str, str] | None:
    """What is wrong and what to do, when `count` records can't be."""
    if capacity.allowed is None or capacity.allowed >= count:
        return None
    what = f"at most {capacity.allowed} distinct records are possible; count asks for {count}."
    names = [f"`{name}` ({space})" for name, space in capacity.narrow[:2]]
    widen = f"Widen {' or '.join(names)}, add a field, or lower count to {capacity.allowed}."
    return what, widen

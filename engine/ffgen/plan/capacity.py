"""How many distinct records a spec allows: an upper bound from all constraints, so that the impossible is refused
before the first request. Patterns are counted as automata, under limits; what can't be counted is unbounded.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from ffgen.sample.base import MOST_ROOM, Sampler
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
    unique: str = ""
    """The unique field that alone sets the bound; empty when the fields together do."""


def capacity_of(dataset: Dataset, types: list[ValueType]) -> Capacity:
    """The capacity of a dataset whose fields have these types."""
    keys = set(dataset.unique_by or [field.name for field in dataset.fields])
    named = [(kind.field, room(kind)) for kind in types]
    allowed = product(space for field, space in named if field.name in keys)
    bounded = [(field, space) for field, space in named if space is not None]
    narrow = sorted(((field.name, space) for field, space in bounded if field.name in keys), key=lambda pair: pair[1])
    # Nulls of a unique field don't count, so one that may be null bounds nothing.
    unique = [(space, field.name) for field, space in bounded if field.unique and not field.may_be_null]
    tightest, name = min(unique, default=(None, ""))
    if tightest is None or (allowed is not None and allowed <= tightest):
        return Capacity(allowed, note_of(dataset, allowed), narrow)
    return Capacity(tightest, note_of(dataset, tightest), [(name, tightest)], name)


def drawable_of(
    dataset: Dataset, names: Sequence[str], samplers: Mapping[str, Sampler], free: Callable[[str], bool]
) -> Capacity:
    """How many distinct records the samplers can make, told apart by the fields of these names: exact where each field
    is `free` (its sampler alone decides) and its values can be numbered, else at most so many."""
    rooms = {name: drawn_room(sampler) for name, sampler in samplers.items()}
    numbered = (name for name, sampler in samplers.items() if free(name) and sampler.room() is not None)
    counted = {name for name in numbered if not may_miss(samplers[name])}
    allowed = product(rooms[name] for name in names)
    unique = [(rooms[name], name) for name in samplers if samplers[name].field.unique and not may_miss(samplers[name])]
    tightest, name = min(((room, name) for room, name in unique if room is not None), default=(None, ""))
    alone = tightest is not None and (allowed is None or tightest < allowed)
    keys = [name] if alone else names
    exact = counted >= set(keys) and not requirements(dataset)
    note = "exact: each is drawn by its number" if exact else "an upper bound, from what is drawn"
    if alone:
        return Capacity(tightest, note, [(name, tightest or 0)], name)
    narrow = sorted(((each, room) for each in names if (room := rooms[each]) is not None), key=lambda pair: pair[1])
    return Capacity(allowed, note if allowed is not None else note_of(dataset, None), narrow)


def drawn_room(sampler: Sampler) -> int | None:
    """Distinct cells that a sampler draws, null among them where it may be; None when there is no useful bound."""
    known, allowed = sampler.room(), room(sampler.kind)
    if known is None or known >= MOST_ROOM:
        return allowed
    known += may_miss(sampler)
    return known if allowed is None else min(known, allowed)


def may_miss(sampler: Sampler) -> bool:
    """Whether null is among the values."""
    return sampler.field.may_be_null


def note_of(dataset: Dataset, allowed: int | None) -> str:
    """What has to be said beside the number."""
    if allowed is None:
        return "at least one field has no bound that can be counted"
    if requirements(dataset):
        return "an upper bound: `require` may allow fewer"
    if dataset.mode == "local":
        return "an upper bound from the constraints"
    return "an upper bound: what the model knows may be fewer"


def shortfall(capacity: Capacity, count: int) -> tuple[str, str] | None:
    """What is wrong and what to do, when `count` records can't be."""
    if capacity.allowed is None or capacity.allowed >= count:
        return None
    if capacity.unique:
        what = f"at most {capacity.allowed} distinct records are possible, for `{capacity.unique}` is unique"
        hint = f"Widen `{capacity.unique}`, take its `unique` away, or lower count to {capacity.allowed}."
        return f"{what} and has no more values; count asks for {count}.", hint
    what = f"at most {capacity.allowed} distinct records are possible; count asks for {count}."
    names = [f"`{name}` ({space})" for name, space in capacity.narrow[:2]]
    widen = f"Widen {' or '.join(names)}, add a field, or lower count to {capacity.allowed}."
    return what, widen

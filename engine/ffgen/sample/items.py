"""What the items of one array have to do with each other: their order, and that no two are alike."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.errors import ShortfallError
from ffgen.rng import Stream, key_of, mix
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.cases import Some, hold_field
from ffgen.sample.choice import Choice
from ffgen.sample.weighted import PLAIN_TYPES, Switch, Vocabulary
from ffgen.spec.types import Problem, ValueType

Lengths = NDArray[np.int64]

ROUNDS = 24
"""Times that equal items are drawn again before another way is taken."""
TABLED = 1 << 12
"""Values of which a few are picked by putting all of them in a random order."""
CELLS = 1 << 22


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which item follows which: `transitions: {visit: {cart: 0.3, visit: 0.7}, ...}`, and which comes first."""

    transitions: Annotated[
        dict[Any, dict[Any, Annotated[float, Meta(ge=0)]]],
        Meta(min_length=1, description="For each item the items that may follow, with weights."),
    ]
    start: Annotated[
        dict[Any, Annotated[float, Meta(ge=0)]] | None, Meta(description="The first item; any, unless said.")
    ] = None


class Chain(Sampler):
    """Items that follow each other along each array, as `order` says. A Markov chain an array; 30 ns an item."""

    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = frozenset({"values", "range", "pattern", "length", "decimals", "format"})

    order: Order

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        known = Vocabulary(kind, "generator.order.transitions")
        states = [known.code(raw) for raw in self.order.transitions]
        groups = [known.group(follow) for follow in self.order.transitions.values()]
        start = self._start(Vocabulary(kind, "generator.order.start"), list(known.codes), known.codes)
        if len(known.codes) > len(states):
            lost = list(known.codes)[len(states)]
            what = f"nothing is said about what follows `{lost}`."
            raise Problem("generator.order.transitions", what, f"Add it, e.g. {lost}: {{{lost}: 1}}.")
        self.follow = Switch(groups)
        self.first = Switch([start])
        self.values = known.values()

    def _start(self, listed: Vocabulary, states: list[Any], codes: Mapping[Any, int]) -> tuple[list[int], list[float]]:
        if self.order.start is None:
            return list(range(len(states))), [1.0] * len(states)
        _, weights = listed.group(self.order.start)
        lost = next((value for value in listed.codes if value not in codes), None)
        if lost is not None:
            what = f"nothing is said about what follows `{lost}`."
            raise Problem("generator.order.transitions", what, f"Add it, e.g. {lost}: {{{lost}: 1}}.")
        return [codes[value] for value in listed.codes], weights

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        assert rows.owner is not None
        states = np.empty(n, dtype=np.uint32)
        places = np.flatnonzero(np.diff(rows.owner, prepend=-1))
        left = np.diff(places, append=n)
        states[places] = self.first.pick(rng, np.zeros(len(places), dtype=np.uint32))
        while len(places := places[left > 1] + 1):
            left = left[left > 1] - 1
            states[places] = self.follow.pick(rng, states[places - 1])
        return self.values.gather(pl.Series(states))


def pick_apart(sampler: Sampler, rows: Rows, lengths: Lengths, rng: Stream) -> tuple[pl.Series, Lengths]:
    """Items of which no two of one array are alike, and how many each array has: where its generator gives too few
    different ones, an array is cut short. `rows` are the items, `lengths` has one entry an array.

    From a list with weights each item is picked by weight from those that are left. Otherwise equal items are drawn
    again, which keeps the generator's distribution as far as it can be kept.
    """
    if isinstance(sampler, Choice) and len(sampler.pool) <= TABLED:
        codes = some_of(rng, lengths, len(sampler.pool), sampler.pool.weights)
        return sampler.pool.values.gather(pl.Series(codes)), lengths
    assert rows.owner is not None
    column = hold_field(sampler, rows, rng)
    again = repeats(column, rows.owner, sampler.path)
    for attempt in range(1, ROUNDS + 1):
        if not len(again):
            return column, lengths
        column, again = _drawn_again(sampler, rows, column, again, attempt)
    return _last_resort(sampler, rows, column, again, lengths)


def _drawn_again(
    sampler: Sampler, rows: Rows, column: pl.Series, again: NDArray[np.int64], attempt: int
) -> tuple[pl.Series, NDArray[np.int64]]:
    assert rows.owner is not None
    part = Some(rows, again, sampler.path, "apart", attempt)
    order = np.arange(len(column))
    order[again] = np.arange(len(column), len(column) + len(again))
    column = pl.concat([column, hold_field(sampler, part, part.stream())]).gather(pl.Series(order))
    # Only the arrays that had equal items can have some now.
    touched = np.zeros(int(rows.owner[-1]) + 1, dtype=np.bool_)
    touched[rows.owner[again]] = True
    places = np.flatnonzero(touched[rows.owner])
    return column, places[repeats(column.gather(pl.Series(places)), rows.owner[places], sampler.path)]


def _last_resort(
    sampler: Sampler, rows: Rows, column: pl.Series, again: NDArray[np.int64], lengths: Lengths
) -> tuple[pl.Series, Lengths]:
    """For arrays that take up nearly all that there is: any of the numbered values, else fewer items."""
    assert rows.owner is not None
    room = sampler.room()
    owners = np.unique(rows.owner[again])
    if room is not None and room <= TABLED and not sampler.field.cases:
        codes = some_of(rows.stream(sampler.path, "apart"), lengths[owners], room, None)
        places = np.flatnonzero(np.isin(rows.owner, owners))
        order = np.arange(len(column))
        order[places] = np.arange(len(column), len(column) + len(places))
        found = pl.Series(sampler.at(codes.astype(np.uint64))).cast(column.dtype)
        return pl.concat([column, found.alias(column.name)]).gather(pl.Series(order)), lengths
    keep = np.ones(len(column), dtype=np.bool_)
    keep[again] = False
    fewer = lengths.copy()
    np.subtract.at(fewer, rows.owner[again], 1)
    return column.filter(pl.Series(keep)), fewer


def enough(lengths: Lengths, low: int, path: str) -> None:
    """Raises `ShortfallError` where an array was cut too short."""
    if len(lengths) and (least := int(lengths.min())) < low:
        what = f"`{path}` needs {low} different items in an array; its generator gave {least}."
        raise ShortfallError(what, hint="Lower `length`, widen the items, or take `distinct` away.")


def repeats(column: pl.Series, owner: NDArray[np.int64], path: str) -> NDArray[np.int64]:
    """Places of items that an earlier item of the same array equals; 20 ns an item."""
    # By hash: two that differ and are taken for equal, one in 10^15, are drawn again for nothing.
    number = mix(owner.astype(np.uint64), key_of(path, "apart")) ^ column.hash().to_numpy()
    return np.flatnonzero(~pl.Series(number).is_first_distinct().to_numpy())


def some_of(
    rng: Stream, lengths: Lengths, room: int, weights: "list[float] | tuple[float, ...] | Any"
) -> NDArray[np.uint32]:
    """`lengths[i]` different numbers below `room` for each i, in the order in which they are picked: alike, or by
    weights (Efraimidis and Spirakis, 2006). About 20 ns for each number there is, in each row."""
    scale = None if weights is None else 1.0 / np.asarray(weights, dtype=np.float64)
    most = int(lengths.max()) if len(lengths) else 0
    found = []
    block = max(1, CELLS // max(room, 1))
    for first in range(0, len(lengths), block):
        part = lengths[first : first + block]
        keys = rng.standard_exponential((len(part), room))
        if scale is not None:
            keys *= scale
        ranked = np.argsort(keys, axis=1)[:, :most]
        found.append(ranked[np.arange(ranked.shape[1]) < part[:, None]].astype(np.uint32))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.uint32)

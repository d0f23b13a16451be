"""Pools of values with weights: what is drawn from a list, and from one list of several."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.rng import U64, Stream
from ffgen.sample.base import choose, cumulated
from ffgen.spec.types import TYPES, Problem, ValueType
from ffgen.spec.types.base import Unfit, shown

Codes = NDArray[np.uint32]

PLAIN_TYPES = frozenset(TYPES) - {"array", "object"}
TEXT_TYPES = frozenset({"text", "email", "ipv4", "phone", "url", "uuid"})
"""Types that are written as text, beside `string` itself."""
MOST_CELLS = 1 << 20
"""A table of picks by group stays in the processor's cache up to about this size."""

LISTS = "List values, [a, b], or values with weights, {a: 3, b: 1}."

Listed = Mapping[str, float | None] | Sequence[Any]
"""Values as a spec lists them: `[a, b]`, alike, or `{a: 3, b: 1}`, by weight (null counts as 1)."""


class Pool:
    """Values to draw from, with their weights; `even` where all weigh the same. About 5 ns a value."""

    def __init__(self, values: pl.Series, weights: Sequence[float] | None = None) -> None:
        self.values = values
        self.even = weights is None or len(set(weights)) == 1
        self.weights = None if self.even else weights
        self._cumulated = None if self.weights is None else cumulated(self.weights)

    def __len__(self) -> int:
        return len(self.values)

    def codes(self, rng: Stream, n: int) -> Codes:
        """Places of n values in the pool."""
        if self._cumulated is None:
            return rng.integers(0, len(self.values), n, dtype=np.uint32)
        return choose(rng, n, self._cumulated).astype(np.uint32)

    def draw(self, rng: Stream, n: int) -> pl.Series:
        """n values."""
        return self.values.gather(pl.Series(self.codes(rng, n)))

    def at(self, index: U64) -> pl.Series:
        """The values with these numbers."""
        return self.values.gather(pl.Series(index))

    def fitting(self, kind: ValueType) -> "Pool":
        """What of the pool the field takes; raises `Problem` when that is nothing."""
        refused = {place for place, _ in kind.refuse(self.values.to_list(), making=True)}
        if not refused:
            return self
        kept = [place for place in range(len(self)) if place not in refused]
        if not kept:
            what = f"it makes nothing that the field takes; e.g. {shown(self.values[0])}."
            raise Problem("generator", what, "Change it, or the field's constraints.")
        weights = None if self.weights is None else [self.weights[place] for place in kept]
        return Pool(self.values.gather(kept), weights)


class Switch:
    """Which value each group picks: a list of its own for each of several groups. About 10 ns a pick.

    The unit interval is cut wherever any group's shares have a border. Within a piece every group picks one
    value, so a pick is a look-up by piece and group. Groups with too many borders are searched instead, 50 ns.
    """

    def __init__(self, groups: Sequence[tuple[Sequence[int], Sequence[float]]], most: int = MOST_CELLS) -> None:
        """Each group has the codes it picks from and their weights."""
        self.size = len(groups)
        shares = [cumulated(weights) for _, weights in groups]
        self.borders = np.unique(np.concatenate(shares))
        self.table: Codes | None = None
        if len(self.borders) * self.size <= most:
            starts = np.concatenate(([0.0], self.borders[:-1]))
            picks = [
                np.asarray(codes, dtype=np.uint32)[np.searchsorted(share, starts, side="right")]
                for (codes, _), share in zip(groups, shares, strict=True)
            ]
            self.table = np.stack(picks, axis=1)
        self._flat = np.concatenate([share + group for group, share in enumerate(shares)])
        self._codes = np.concatenate([np.asarray(codes, dtype=np.uint32) for codes, _ in groups])
        self._last = np.array(list(accumulate(len(share) for share in shares))) - 1

    def pick(self, rng: Stream, group: NDArray[Any]) -> Codes:
        """A code for each row, from the list of its group."""
        picked: Codes
        if self.table is not None:
            pieces = choose(rng, len(group), self.borders)
            picked = self.table.reshape(-1)[pieces * self.size + group]
        else:
            found = np.searchsorted(self._flat, rng.random(len(group)) + group, side="right")
            picked = self._codes[np.minimum(found, self._last[group])]
        return picked


def settled(kind: ValueType, raw: Any, key: str) -> Any:
    """A listed value as the field's type has it; raises `Problem` where the field does not take it."""
    try:
        value = kind.settle([kind.coerce(raw)])[0][0]
        reason = next((word for _, word in kind.refuse([value], making=True)), "")
    except Unfit as unfit:
        reason = unfit.reason
    if reason == "type":
        hint = f"Give the field the type of its values; it is {kind.field.type or 'string'}."
        raise Problem(key, f"{shown(raw)} is no {kind.field.type or 'string'}.", hint)
    if reason:
        raise Problem(key, f"{shown(raw)} is not taken by the field ({reason}).", "Correct it, or the constraint.")
    return value


def weighed(listed: Listed, key: str) -> list[tuple[Any, float]]:
    """Listed values, as they are written, and their weights; values of weight 0 are left out."""
    if not isinstance(listed, Mapping):
        pairs = [(value, 1.0) for value in listed]
    else:
        pairs = [(value, weight(given, value, key)) for value, given in listed.items()]
    kept = [(value, given) for value, given in pairs if given > 0]
    if not kept:
        raise Problem(key, "all weights are 0." if pairs else "a list is empty.", LISTS)
    return kept


def weight(given: Any, value: Any, key: str) -> float:
    """The weight that a list gives a value; null is 1."""
    if given is None:
        return 1.0
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < float("inf"):
        raise Problem(key, f"the weight of {shown(value)} is {shown(given)}.", LISTS)
    return float(given)


class Vocabulary:
    """The distinct values that several lists share, in the order in which they come up, and their codes."""

    def __init__(self, kind: ValueType, key: str) -> None:
        self.kind = kind
        self.key = key
        self.codes: dict[Any, int] = {}

    def code(self, raw: Any) -> int:
        """The code of a listed value; raises `Problem` where the field does not take it."""
        return self.codes.setdefault(settled(self.kind, raw, self.key), len(self.codes))

    def group(self, listed: Listed) -> tuple[list[int], list[float]]:
        """The codes and weights of one list, as a `Switch` takes them."""
        pairs = weighed(listed, self.key)
        return [self.code(raw) for raw, _ in pairs], [weight for _, weight in pairs]

    def values(self) -> pl.Series:
        """All values by code, and a null after the last."""
        return pl.Series([*self.codes, None], dtype=self.kind.value_dtype())

"""Sequences in which each value depends on the one before: `markov`."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.sample.base import Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.beside import Beside
from ffgen.sample.given import HELD
from ffgen.sample.weighted import PLAIN_TYPES, Codes, Switch, Vocabulary, weighed
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType

STRETCH = 256
"""Rows of a long sequence that are drawn one after the other; its stretches advance side by side."""
MOST_CELLS = 1 << 23

Ints = NDArray[np.int64]


class Markov(Sampler):
    """A state that follows from the row before: a Markov chain, started anew for each group of rows.

    In a table whose rows are laid out parent by parent (a `ref` with `min`, `max` or `mean`), each parent's rows are
    one sequence. Otherwise the whole table is, in stretches of as many rows as are drawn at once.

    - `transitions`: for each state, those that may follow, with weights: `{new: {open: 9, closed: 1}, ...}`. A state
      with no entry, or null, stays as it is.
    - `start`: the states a sequence may start with, by weight; unless said, any that has an entry in `transitions`.
    - `by`: a field at whose change a new sequence starts, e.g. a device's id. Rows that belong together must stand
      together.
    """

    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = HELD
    grouped: ClassVar[bool] = True
    example: ClassVar[str] = """\
- name: machine_state
  generator:
    name: markov
    start: {idle: 1}
    transitions:
      idle: {idle: 6, running: 4}
      running: {running: 90, idle: 8, fault: 2}
      fault: {repair: 1}
      repair: {repair: 3, idle: 1}
"""

    transitions: Annotated[
        dict[str, dict[str, Any] | list[Any] | None], Meta(min_length=1, description="What follows each state.")
    ]
    start: Annotated[dict[str, Any] | list[Any] | None, Meta(description="What a sequence starts with.")] = None
    by: Annotated[str | None, Meta(description="A field at whose change a sequence starts.")] = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if self.by is not None:
            Beside(self.by, scope, "generator.by")
        vocabulary = Vocabulary(kind, "generator.transitions")
        follow = {
            vocabulary.code(state): vocabulary.group(listed)
            for state, listed in self.transitions.items()
            if listed is not None
        }
        first = vocabulary.group(list(self.transitions) if self.start is None else self.start)
        count = len(vocabulary.codes)
        self.values = vocabulary.values()
        self.starts, self.start_shares = np.asarray(first[0], dtype=np.int64), cumulated(first[1])
        switch = Switch([follow.get(code, ([code], [1.0])) for code in range(count)], most=MOST_CELLS)
        if switch.table is None:
            raise Problem("generator.transitions", f"{count} states have too many transitions.", "List fewer.")
        # A step is one of these maps from state to state; the last ones, which look at nothing, start a sequence.
        self.borders, self.restart = switch.borders, len(switch.borders)
        constant = np.repeat(np.arange(count, dtype=np.uint32)[:, None], count, axis=1)
        self.steps = np.concatenate([switch.table, constant])

    @property
    def reads(self) -> Sequence[str]:
        return [] if self.by is None else [self.by]

    def outcomes(self, field: Field) -> Sequence[Any] | None:
        """Every value it may give, as the spec writes it."""
        lists = [listed for listed in [self.start, *self.transitions.values()] if listed is not None]
        return [
            *self.transitions,
            *(value for listed in lists for value, _ in weighed(listed, "generator.transitions")),
        ]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        step = choose(rng, n, self.borders)
        heads = np.flatnonzero(self.first_of_sequence(n, rows))
        step[heads] = self.restart + self.starts[choose(rng, len(heads), self.start_shares)]
        return self.values.gather(walk(self.steps, step, heads))

    def first_of_sequence(self, n: int, rows: Rows) -> NDArray[np.bool_]:
        """Which rows start a sequence; the first always does."""
        first = np.zeros(n, dtype=np.bool_) if rows.parent is None else rows.parent.rank == 0
        if self.by is not None:
            column = rows[self.by]
            first = first | column.ne_missing(column.shift(1)).to_numpy()
        first[:1] = True
        return first


def walk(steps: Codes, step: Ints, heads: Ints) -> Codes:
    """The state at each row, when row i applies the map `steps[step[i]]` to the state before it. The maps at `heads`
    are constant. All sequences advance together; long ones are cut into stretches, see `entries`."""
    size = steps.shape[1]
    flat = steps.reshape(-1)
    offset = step * size
    starts = cut(heads, len(step))
    lengths = np.diff(np.append(starts, len(step)))
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    state = entries(flat, size, offset, heads, starts, lengths, order)
    states = np.empty(len(step), dtype=np.uint32)
    for rank in range(int(lengths[0]) if len(lengths) else 0):
        active = int(np.searchsorted(-lengths, -rank, side="left"))
        row = starts[:active] + rank
        state = flat[offset[row] + state[:active]]
        states[row] = state
    return states


def cut(heads: Ints, n: int) -> Ints:
    """Where stretches start: at heads, and every `STRETCH` rows of what is longer."""
    lengths = np.diff(np.append(heads, n))
    pieces = -(-lengths // STRETCH)
    if len(heads) == 0 or pieces.max() == 1:
        return heads
    within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts: Ints = np.repeat(heads, pieces) + within * STRETCH
    return starts


def entries(flat: Codes, size: int, offset: Ints, heads: Ints, starts: Ints, lengths: Ints, order: Ints) -> Codes:
    """The state in which each stretch is entered. A stretch that goes on from another needs that one's last state:
    each is run from every state at once, and the results are chained, one look-up a stretch."""
    state = np.zeros(len(starts), dtype=np.uint32)
    goes_on = ~np.isin(starts, heads)
    if not goes_on.any():
        return state
    # A stretch that another goes on from is full, and full ones are first in the order of lengths.
    full = int(np.searchsorted(-lengths, -STRETCH, side="right"))
    lanes = np.tile(np.arange(size, dtype=np.uint32), (full, 1))
    for rank in range(STRETCH):
        lanes = flat[offset[starts[:full] + rank][:, None] + lanes]
    place = np.argsort(order)
    # `place[k]` is where the k-th stretch of the column stands; the one before it is k - 1.
    entry = 0
    for k in np.flatnonzero(goes_on[place]):
        before = place[k - 1]
        entry = lanes[before, state[before]]
        state[place[k]] = entry
    return state

"""What the verdicts so far say about what to ask next. Pure: no clock, no I/O, nothing random.

What a shard asks looks only at the verdicts on shards below its horizon (`Shards.horizon`), whatever else is known by
then, so the same replies give the same requests in any order, with any number in flight, and after a crash. Two steps,
each once a run: when fewer rows than before are new, slices come in another order and make-up shards go where the
fewest rows were admitted; when that did not do, make-up shards are twice as large and name values to leave alone.
"""

from collections import Counter, deque
from collections.abc import Sequence

from msgspec import Struct

from ffgen.plan.shards import LARGER, Shards
from ffgen.plan.strata import CELLS, Picks, Steer, Strata

FALLEN = (0.75, 0.5)
"""The share of valid rows that are new below which the first and the second step begin."""
WORN_OUT = 0.5
"""A cell whose rows are new less than this often, as a share of how often all rows are, is left alone."""
TAKEN = 24
"""Values that a request names as taken, at most."""
TAKEN_CHARS = 600
REMEMBERED = 512
"""Values refused as duplicates that are counted; the rarest go when there are more."""


class Step(Struct, frozen=True, kw_only=True):
    """A step of steering: the first shard that was asked in it, and why it began."""

    step: int
    shard: int
    why: str


class Past(Struct, frozen=True):
    """What became of one shard at the gate: its valid rows, those that were new, values of those that were not."""

    rows: int
    admitted: int
    repeated: tuple[str, ...]


class Steering:
    """Decides what each shard of one run asks. `steer` in the order of shards, `judged` in the order of shards.

    Memory: a few words a shard under way, counters a cell, and `REMEMBERED` values.
    """

    def __init__(self, strata: Strata, shards: Shards) -> None:
        self.strata = strata
        self.shards = shards
        self.step = 0
        self.began: list[Step] = []
        self._verdicts: deque[Past] = deque()
        self._known = 0
        self._judged = 0
        self._last: deque[Past] = deque(maxlen=window(shards))
        self._asked: dict[int, Steer] = {}
        self._tried = [[0] * CELLS for _ in strata.axes]
        self._gained = [[0] * CELLS for _ in strata.axes]
        self._coming = [[0] * CELLS for _ in strata.axes]
        self._repeated: Counter[str] = Counter()
        self._picked: Picks = ()

    def is_ready(self, index: int) -> bool:
        """Whether all that bears on what shard `index` asks is known."""
        return self._judged >= self.shards.horizon(index)

    def judged(self, rows: int, admitted: int, repeated: Sequence[str] = ()) -> None:
        """The verdict on the next shard, in the order of shards."""
        self._judged += 1
        self._verdicts.append(Past(rows, admitted, tuple(repeated)))

    def steer(self, index: int) -> Steer:
        """What shard `index` asks, the next after the one before. Only when it `is_ready`."""
        while self._known < self.shards.horizon(index):
            self._learn(self._verdicts.popleft())
        self._decide(index)
        makes_up = index >= self.shards.base
        picks = self.strata.picks(index, self.step)
        if self.step and makes_up:
            picks = self._aimed(picks)
        self._picked = picks
        avoid = self._taken(index) if self.step == LARGER else ()
        steer = Steer(self.shards.size(index, self.step), self.step, picks, avoid)
        self._asked[index] = steer
        self._count(index, self._coming, steer.rows)
        return steer

    def _learn(self, verdict: Past) -> None:
        index, self._known = self._known, self._known + 1
        self._last.append(verdict)
        self._count(index, self._coming, -self._asked[index].rows)
        self._count(index, self._tried, verdict.rows)
        self._count(index, self._gained, verdict.admitted)
        del self._asked[index]
        self._repeated.update(verdict.repeated)
        if len(self._repeated) > REMEMBERED:
            self._repeated = Counter(dict(self._repeated.most_common(REMEMBERED // 2)))

    def _count(self, index: int, counts: list[list[int]], rows: int) -> None:
        """Adds rows to the cells that a shard was for."""
        if not self.strata.is_small(index):
            for cells, pick in zip(counts, self._asked[index].picks, strict=True):
                cells[pick] += rows

    def _decide(self, index: int) -> None:
        """Whether a step begins with shard `index`: enough were asked as they are now, and too little was new."""
        since = self.began[-1].shard if self.began else 0
        size = self._last.maxlen or 1
        if self.step == LARGER or self._known < since + size:
            return
        rows, new = sum(past.rows for past in self._last), sum(past.admitted for past in self._last)
        if new < FALLEN[self.step] * rows:
            self.step += 1
            why = f"{new} of {rows} valid rows of shards {self._known - size} to {self._known - 1} were new"
            self.began.append(Step(step=self.step, shard=index, why=why))

    def _aimed(self, usual: Picks) -> Picks:
        """For each field the cell with the fewest rows admitted and under way, of those that still give new ones."""
        return tuple(self._aim(number, pick) for number, pick in enumerate(usual))

    def _aim(self, number: int, usual: int) -> int:
        cells = self.strata.axes[number].cells
        tried, gained, coming = self._tried[number], self._gained[number], self._coming[number]
        enough = WORN_OUT * sum(gained) / max(sum(tried), 1)
        # What neighbours have in common is lost: the last shard's cell only where there is no other.
        last = cells[self._picked[number]] if self._picked else None
        order = sorted(range(CELLS), key=lambda cell: (gained[cell] + coming[cell], (cell - usual) % CELLS))
        fresh = [cell for cell in order if gained[cell] >= enough * tried[cell]]
        return next((cell for cell in [*fresh, *order] if cells[cell] != last), usual)

    def _taken(self, index: int) -> tuple[str, ...]:
        """Values refused most often: first those that the shard's initials would bring again, then the others."""
        letters = self.strata.initials(index, self.step)
        ranked = [value for value, _ in self._repeated.most_common()]
        ranked.sort(key=lambda value: value[:1].upper() not in letters)
        taken, room = [], TAKEN_CHARS
        for value in ranked[:TAKEN]:
            room -= len(value) + 2
            if room < 0:
                break
            taken.append(value)
        return tuple(taken)


def window(shards: Shards) -> int:
    """Shards over which it is measured how many rows are new."""
    return max(2, min(shards.lag // 2, 32))

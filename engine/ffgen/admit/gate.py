"""The gate: one verdict a row, in the order the rows come."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ffgen.admit.exact import Flags, Keys, KeySet
from ffgen.admit.near import AT_ONCE, NearSet
from ffgen.shingles import Digests

NEAR_SHARE = 0.75
"""Of the memory, for texts that may have no near twin: they can't go to disk, keys can."""


class Gate:
    """Rows that may enter: those whose keys no admitted row has, in any of the sets.

    Judges in arrival order, so two runs that judge the same rows in the same order agree, however the rows are
    batched. A row enters all its sets or none. Key 0 means that the row has none in that set (a null in a unique
    field): it never clashes and is never entered. `memory` is shared out over the sets; `expected` rows only size
    them beforehand. `near` has the name and the threshold of each field whose texts must have no near twin, either:
    these get three quarters of the memory.
    """

    def __init__(
        self,
        sets: int,
        expected: int,
        memory: int,
        directory: str | None = None,
        near: Sequence[tuple[str, float]] = (),
    ) -> None:
        share = near_memory(memory, len(near))
        self._sets = [KeySet(expected, (memory - share * len(near)) // sets, directory) for _ in range(sets)]
        self._near = [NearSet(threshold, share, name) for name, threshold in near]
        self.twins = np.zeros(0, np.bool_)

    def judge(self, keys: Keys, near: Sequence[Digests] = ()) -> Flags:
        """True for each row that enters; `keys` has a row for each and a column for each set, `near` the texts of each
        near-unique field. `twins` then says which rows were refused for a near twin alone.

        Raises DestinationError when a set can't grow on disk, ShortfallError when near twins take more than the
        memory; the gate is of no use then.
        """
        if self._near:
            return self._judge_texts(keys, near)
        if len(self._sets) == 1:
            return self._judge_one(keys[:, 0])
        admitted = self._unseen(keys)
        rows = np.flatnonzero(admitted)
        admitted[rows] = _first_come(keys[rows])
        for number, known in enumerate(self._sets):
            entering = keys[admitted, number]
            known.add(entering[entering != 0])
        return admitted

    def close(self) -> None:
        """Gives back memory and files."""
        for known in self._sets:
            known.close()
        self._near = []

    def _judge_texts(self, keys: Keys, near: Sequence[Digests]) -> Flags:
        """`judge` with near-unique fields: a few hundred rows at a time."""
        verdicts, twins = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
        parts = zip(*(digests.parts(AT_ONCE) for digests in near), strict=True)
        for at, part in zip(range(0, len(keys), AT_ONCE), parts, strict=True):
            some = keys[at : at + AT_ONCE]
            met = [known.meet(digests) for known, digests in zip(self._near, part, strict=True)]
            unseen = self._unseen(some)
            alike = np.logical_or.reduce([known for known, _ in met])
            pairs = np.concatenate([pairs for _, pairs in met])
            admitted, apart = _first_of_twins(some, unseen, alike, pairs)
            for number, known in enumerate(self._sets):
                entering = some[admitted, number]
                known.add(entering[entering != 0])
            for known_texts, digests in zip(self._near, part, strict=True):
                known_texts.add(digests, admitted)
            verdicts.append(admitted)
            twins.append(apart)
        self.twins = np.concatenate(twins)
        return np.concatenate(verdicts)

    def _judge_one(self, keys: Keys) -> Flags:
        given: Flags = keys != 0
        if given.all():
            return self._sets[0].add(keys)
        admitted = ~given
        admitted[given] = self._sets[0].add(keys[given])
        return admitted

    def _unseen(self, keys: Keys) -> Flags:
        unseen = np.ones(len(keys), np.bool_)
        for number, known in enumerate(self._sets):
            rows = np.flatnonzero(unseen & (keys[:, number] != 0))
            unseen[rows] = ~known.holds(keys[rows, number])
        return unseen


def _first_come(keys: Keys) -> Flags:
    """Verdicts within a batch: only a row that enters takes its keys from the rows after it."""
    clashing = _clashing(keys)
    admitted = ~clashing
    taken: list[set[int]] = [set() for _ in range(keys.shape[1])]
    for row in np.flatnonzero(clashing).tolist():
        own = [(column, key) for column, key in zip(taken, keys[row].tolist(), strict=True) if key]
        if not any(key in column for column, key in own):
            admitted[row] = True
            for column, key in own:
                column.add(key)
    return admitted


def _first_of_twins(keys: Keys, unseen: Flags, alike: Flags, pairs: NDArray[np.int64]) -> tuple[Flags, Flags]:
    """As `_first_come`, for rows whose keys are `unseen`; those that are `alike` have a twin from before, `pairs` are
    twins among them (the later, then the earlier). Says, too, which rows are refused for a twin alone."""
    admitted, apart = unseen.copy(), np.zeros(len(keys), np.bool_)
    earlier: dict[int, list[int]] = {}
    for later, other in pairs.tolist():
        earlier.setdefault(later, []).append(other)
    taken: list[set[int]] = [set() for _ in range(keys.shape[1])]
    for row in np.flatnonzero(unseen).tolist():
        own = [(column, key) for column, key in zip(taken, keys[row].tolist(), strict=True) if key]
        repeats = any(key in column for column, key in own)
        apart[row] = not repeats and (alike[row] or any(admitted[other] for other in earlier.get(row, ())))
        admitted[row] = not repeats and not apart[row]
        if admitted[row]:
            for column, key in own:
                column.add(key)
    return admitted, apart


def near_memory(memory: int, fields: int) -> int:
    """What each of so many near-unique fields gets of a gate's memory, in bytes."""
    return int(memory * NEAR_SHARE) // fields if fields else 0


def _clashing(keys: Keys) -> Flags:
    """Rows that share a key with another row of the batch; few rows are all said to, looking costs more."""
    if len(keys) <= 64:
        return np.ones(len(keys), np.bool_)
    clashing = np.zeros(len(keys), np.bool_)
    for column in keys.T:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        clashing |= (counts[inverse] > 1) & (column != 0)
    return clashing

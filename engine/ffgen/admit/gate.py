"""The gate: one verdict a row, in the order the rows come."""

import numpy as np

from ffgen.admit.exact import Flags, Keys, KeySet


class Gate:
    """Rows that may enter: those whose keys no admitted row has, in any of the sets.

    Judges in arrival order, so two runs that judge the same rows in the same order agree, however the rows are
    batched. A row enters all its sets or none. Key 0 means that the row has none in that set (a null in a unique
    field): it never clashes and is never entered. `memory` is shared out over the sets; `expected` rows only size
    them beforehand.
    """

    def __init__(self, sets: int, expected: int, memory: int, directory: str | None = None) -> None:
        self._sets = [KeySet(expected, memory // sets, directory) for _ in range(sets)]

    def judge(self, keys: Keys) -> Flags:
        """True for each row that enters; `keys` has a row for each and a column for each set.

        Raises DestinationError when a set can't grow on disk; the gate is of no use then.
        """
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


def _clashing(keys: Keys) -> Flags:
    """Rows that share a key with another row of the batch; few rows are all said to, looking costs more."""
    if len(keys) <= 64:
        return np.ones(len(keys), np.bool_)
    clashing = np.zeros(len(keys), np.bool_)
    for column in keys.T:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        clashing |= (counts[inverse] > 1) & (column != 0)
    return clashing

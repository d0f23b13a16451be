"""How many rows come of what was asked: the estimate by which a run decides whether to ask for more. Pure, and changed
by `state` alone.
"""

PRIOR = 4
"""Shards of perfect rows that the estimate starts from."""


class Yield:
    """Adds up what became of rows: asked for, valid, new. All are of one run."""

    def __init__(self, batch_size: int) -> None:
        self._asked = self._valid = PRIOR * batch_size
        self._judged = self._new = PRIOR * batch_size
        self._coming = 0
        self._waiting = 0

    def asked(self, size: int) -> None:
        """A new shard of so many rows is under way."""
        self._coming += size

    def came(self, size: int, rows: int) -> None:
        """A shard's reply is here: so many rows of it are valid, and wait for their verdict."""
        self._coming -= size
        self._asked += size
        self._valid += rows
        self._waiting += rows

    def judged(self, rows: int, admitted: int) -> None:
        """The verdict on so many valid rows."""
        self._waiting -= rows
        self._judged += rows
        self._new += admitted

    def expected(self) -> float:
        """New rows in all that is under way, when all of it is judged."""
        return self._new / self._judged * (self._waiting + self._valid / self._asked * self._coming)

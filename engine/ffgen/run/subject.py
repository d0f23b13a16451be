"""What a run of requests is about, as its coordinator sees it: all in which one such run differs from another.

Two kinds: whole records, of which a plan wants so many different ones (`run.records`; pools are filled by it, too), and
answers for rows that were drawn (`run.asking`).
"""

from typing import Protocol

from ffgen.ask.paired import Given
from ffgen.errors import FfgenError, InternalError
from ffgen.run.messages import Answered, Verdict, Wrote
from ffgen.run.moves import Event, WriteShard
from ffgen.run.state import State
from ffgen.run.tally import Tally


class Subject(Protocol):
    """Says what is asked, and what becomes of the answers. Called from the run's loop alone; what is raised ends the
    run. What only one kind has need not be said by the other."""

    state: State
    """What decides the run."""
    tally: Tally

    def body(self, shard: int, attempt: int, plain: bool) -> bytes:
        """What an attempt asks, to the byte; the same again for its double. `plain`: without patterns in the schema."""

    def given(self, shard: int) -> Given | None:
        """The rows that a shard completes; None where it makes rows of its own."""

    def answered(self, message: Answered, key: bytes) -> tuple[int, int]:
        """A reply is made into rows, and kept under `key`. How many rows the shard has now, in how many bytes."""

    def drop(self, shard: int) -> None:
        """Forgets a shard's rows, which are made again from the reply."""
        raise InternalError(f"Shard {shard} can't be made again.")

    def judge(self, shard: int) -> Event | None:
        """Has a shard's rows judged. None where a role does it, whose verdict is `heard`."""

    def write(self, command: WriteShard) -> Event | None:
        """Has a judged shard written, and forgets it. None where a role does it, whose answer is `heard`."""

    def heard(self, message: Verdict | Wrote) -> Event:
        """What a role says of a shard's rows."""
        raise InternalError(f"Nobody was told to do this: {message}.")

    def finish(self) -> bool:
        """All rows are admitted. Whether they are written, too; else a role says `Finished`."""

    def make_rest(self) -> bool:
        """The model can't be asked any more: makes and writes what is still to come without it. Whether it can."""
        return False

    def short(self, replies: list[tuple[int, bytes]]) -> FfgenError:
        """Why too few rows came. `replies` are the last ones, each with how many rows it was asked for."""

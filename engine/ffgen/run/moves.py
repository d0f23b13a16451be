"""What a run's state is told and what it answers: events in the past tense, commands in the imperative. Data only."""

from dataclasses import dataclass
from typing import Literal

from ffgen.ask.address import Kind
from ffgen.plan.strata import Steer

Reason = Literal["short", "endpoint", "time", "signal", "bug"]
"""Why a run can't go on."""


# Events, in the past tense. An endpoint of None is the one that the shard was asked at first.


@dataclass(frozen=True, slots=True)
class Started:
    """The crew stands ready."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A reply is here, and on its way to the disk: its endpoint is free for the next request."""

    shard: int
    endpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply is stored and made: so many valid rows, so many bytes. `asked` is False when it was kept before."""

    shard: int
    rows: int
    size: int
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """A request brought no reply."""

    shard: int
    kind: Kind
    what: str = ""
    hint: str = ""
    retry_after: float | None = None
    endpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Outrun:
    """Something came of a request whose double was faster: a reply, or a failure of some kind."""

    shard: int
    attempt: int
    endpoint: int
    kind: Kind | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rephrased:
    """The server refused the form of a request; the same shard goes again in another, at once."""

    shard: int
    endpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's verdict on a shard: how many of its rows are new, and values of some that are not."""

    shard: int
    admitted: int
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """So many bytes of lines are behind the writer."""

    size: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker died with these shards in hand."""

    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Halted:
    """The run must stop: a signal, or its time is over. Replies in flight are waited for until `until`."""

    reason: Reason
    until: float


@dataclass(frozen=True, slots=True)
class Woken:
    """The time that a `Wake` named has come."""


Event = Started | Arrived | Replied | Failed | Outrun | Rephrased | Judged | Written | Lost | Halted | Woken


# Commands, in the imperative.


@dataclass(frozen=True, slots=True)
class AskShard:
    """Ask an endpoint for a shard; attempt and steering are part of the question. A double goes to a second endpoint
    while the first is still at it."""

    shard: int
    attempt: int
    endpoint: int
    steer: Steer | None = None
    is_double: bool = False


@dataclass(frozen=True, slots=True)
class NoteStep:
    """Write down that a step of steering has begun."""

    step: int
    shard: int
    why: str


@dataclass(frozen=True, slots=True)
class MakeShard:
    """Make a shard from its kept reply."""

    shard: int
    attempt: int


@dataclass(frozen=True, slots=True)
class DropRows:
    """Forget a shard's rows; its reply is on disk."""

    shard: int


@dataclass(frozen=True, slots=True)
class JudgeShard:
    """Hand a shard's keys to the gate."""

    shard: int


@dataclass(frozen=True, slots=True)
class WriteShard:
    """Hand the first `take` admitted rows to the writer, and forget the shard."""

    shard: int
    take: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Say `Woken` at this time."""

    at: float


@dataclass(frozen=True, slots=True)
class Complete:
    """N rows are admitted: finish the file."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run can't go on."""

    reason: Reason
    what: str = ""
    hint: str = ""


Command = AskShard | NoteStep | MakeShard | DropRows | JudgeShard | WriteShard | Wake | Complete | GiveUp

"""What the processes of a run say to each other: small structs, many to a frame, as MessagePack.

Bytes cross processes, not objects: pickled lists of records cost 60 times more (6.4 us a record against 0.1).
"""

from typing import Any

import msgspec
from msgspec import Struct

from ffgen.ask.paired import Given, Known
from ffgen.plan.compile import Plan
from ffgen.shard.made import Made


class Outlet(Struct, frozen=True):
    """Where the rows of one drawn table go. `path` is a work file, empty for a stream."""

    path: str
    format: str
    compression: str


class Setup(Struct, tag=True, frozen=True):
    """To every process, first: its role's part of the plan. `key` is the API key; it travels here, never in argv."""

    role: str
    plan: Plan
    api: str = ""
    model: str = ""
    key: str | None = None
    timeout: float = 120.0
    slots: int = 2
    hosts: list[str] = []
    memory: int = 0
    work_folder: str = ""
    work_path: str = ""
    format: str = "jsonl"
    compression: str = "none"
    isolate: bool = True
    failpoints: str = ""
    outlets: dict[str, Outlet] = {}
    store: str = ""
    labels: str | None = None
    """How the labels of what is spoiled are compressed; None where nobody wants them."""
    known: Known | None = None
    """What the model is told of given rows; None where it writes whole records."""


class Ask(Struct, tag=True, frozen=True):
    """To a worker: send this body, make the shard from what comes. `endpoint` only comes back; `rows` is how many were
    asked for, where it isn't the shard's usual size."""

    shard: int
    attempt: int
    url: str
    body: bytes
    given: Given | None = None
    endpoint: int = 0
    rows: int = 0


class Make(Struct, tag=True, frozen=True):
    """To a worker: make the shard from a kept reply."""

    shard: int
    attempt: int
    reply: bytes
    given: Given | None = None
    rows: int = 0


class Answered(Struct, tag=True, frozen=True):
    """From a worker: the shard is made. `reply` is empty when it was kept already."""

    shard: int
    attempt: int
    reply: bytes
    made: Made
    endpoint: int = 0


class Missed(Struct, tag=True, frozen=True):
    """From a worker: the request brought no reply."""

    shard: int
    attempt: int
    kind: str
    status: int
    retry_after: float | None
    what: str
    hint: str
    endpoint: int = 0


class Judge(Struct, tag=True, frozen=True):
    """To the gate: which of these keys are new? Judged in the order of arrival."""

    shard: int
    rows: int
    sets: int
    keys: bytes
    near: list[bytes] = []


class Verdict(Struct, tag=True, frozen=True):
    """From the gate: one byte a row, 1 for admitted."""

    shard: int
    admitted: bytes


class Draw(Struct, tag=True, frozen=True):
    """To a worker: draw the shard, with all refusals of the gate so far (u32 positions, a run of bytes a round);
    `seal`: encode it and keep the block. `history` has the refusals of the tables that the shard's rows lie under.
    `care` is how many workers it has cost: from one on memory is spared."""

    shard: int
    table: str
    rounds: list[bytes]
    seal: bool
    history: dict[str, list[bytes]] = {}
    attempt: int = 0
    care: int = 0


class Drawn(Struct, tag=True, frozen=True):
    """From a worker: the shard's rows are there; for the gate, the keys of those that were drawn in the last round
    (all in the first), their positions (u32), and the packed digests of each near-unique field."""

    shard: int
    table: str
    rows: int
    keys: bytes
    positions: bytes
    near: list[bytes] = []


class Sealed(Struct, tag=True, frozen=True):
    """From a worker: the shard's block is encoded and waits for its place. `spoiled`: labels by field and kind."""

    shard: int
    table: str
    rows: int
    size: int
    footer: bytes
    spoiled: list[tuple[str | None, str, int]] = []


class Place(Struct, tag=True, frozen=True):
    """To a worker: write the shard's block at this offset of its file; below 0, hand it over."""

    shard: int
    table: str
    offset: int
    attempt: int = 0


class Placed(Struct, tag=True, frozen=True):
    """From a worker: the block is written, or here it is."""

    shard: int
    table: str
    data: bytes


class Write(Struct, tag=True, frozen=True):
    """To the writer: these rows come next."""

    lines: bytes
    rows: int


class Wrote(Struct, tag=True, frozen=True):
    """From the writer: so many bytes of lines are behind it."""

    size: int


class Finish(Struct, tag=True, frozen=True):
    """To the writer: that was all; close the file."""


class Finished(Struct, tag=True, frozen=True):
    """From the writer: the work file is complete and synced."""


class Used(Struct, tag=True, frozen=True):
    """From any process: what it has used so far. Sent when asked to leave."""

    cpu_seconds: float
    peak_memory: int


class Leave(Struct, tag=True, frozen=True):
    """To any process: say what you used, and go."""


class Broke(Struct, tag=True, frozen=True):
    """From any process: an error of ours (pickled) ended it."""

    error: bytes


class Ready(Struct, tag=True, frozen=True):
    """From any process: set up."""


Message = (
    Setup
    | Ask
    | Make
    | Answered
    | Missed
    | Judge
    | Draw
    | Drawn
    | Sealed
    | Place
    | Placed
    | Verdict
    | Write
    | Wrote
    | Finish
    | Finished
    | Used
    | Leave
    | Broke
    | Ready
)

encode = msgspec.msgpack.Encoder().encode
_decoder: Any = msgspec.msgpack.Decoder(list[Message])


def decode(frame: bytes) -> list[Message]:
    """The messages of one frame."""
    return list(_decoder.decode(frame))

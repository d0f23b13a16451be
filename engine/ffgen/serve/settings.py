"""What the operator of a service decides, and the limits that nobody does."""

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

HOST, PORT = "127.0.0.1", 8765
ROWS = 1000
"""Rows unless said."""
MOST_ROWS = 1_000_000
"""Rows that `POST /generate` streams."""
MOST_ASKED_ROWS = 1000
"""Rows that `POST /generate` has a model write in."""
MOST_DRAWN_ROWS = 5 * MOST_ROWS
"""Rows of all tables that may be drawn for one streamed answer: its parents, and those of its parents."""
MOST_JOB_ROWS = 100_000_000
QUICK_ROWS = 10_000
"""Rows up to which an answer is made by the quick makers: some 200 ms."""
MOST_BODY = 1 << 20
MOST_DESCRIPTION = 4000
MOST_QUEUED = 1000
"""Jobs that wait."""
MOST_WAITING = 200
"""Requests that wait for a maker; one more is told to come again."""
MOST_EVENTS = 100
"""Streams of events at a time."""
HOLD = 1 << 20
"""Bytes of an answer that are there before its status line: what fits is sent whole, with its length."""
PIECE = 1 << 18
"""Bytes of a block on its way from a maker."""
PATIENCE = 30.0
"""Seconds that a request waits for a maker, and that one may take for a quick answer."""
STALL = 60.0
"""Seconds for which a client may take nothing."""
STREAM_SECONDS = 1800.0
FIRST_BLOCK_SECONDS = 120.0
BODY_SECONDS = 30.0
"""Seconds in which a request's body must have come."""
KEEP_ALIVE = 75
"""Seconds in which a connection must bring a whole head of a request, its first or its next."""
MOST_CONNECTIONS = 2000
"""Connections at a time; one more is told to come again. Less where fewer files may be open."""
FREE_BYTES = 256 << 20
"""Room on the disk below which nothing new is taken."""
MAKER_MEMORY = 1 << 30
"""Resident bytes from which on a maker is replaced after its answer."""
MOST_MEMORY = 2 << 30
"""Resident bytes from which on a maker is ended, whatever it does: rows may be as long as a request likes."""
MOST_JOB_MEMORY = 4 << 30
"""The same for each process of a job."""
KEPT = ("FFGEN_CACHE_DIR", "FFGEN_STATE_DIR", "FFGEN_API_KEY")
FORMULA_FORMATS = {"csv": "csv-safe"}
"""What is written for a download: a spreadsheet may open it."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a service is set up. `run` is the command line of `ffgen run` without its arguments."""

    data: str
    run: list[str]
    host: str = HOST
    port: int = PORT
    tokens: list[str] = []
    no_auth: bool = False
    cors: list[str] = []
    hosts: list[str] = []
    makers: int = 2
    streams: int = 2
    jobs: int = 1
    rate: int = 0
    """Requests a minute that a key, or an address without one, may make; 0 for any number."""
    grace: float = 10.0
    keep: float = 7 * 86_400.0
    """Seconds for which a finished job is kept."""
    models: Mapping[str, Mapping[str, Any]] = {}
    """What requests may call a model, and the `model:` of a spec for each."""
    generators: list[str] = []
    """Generators and validators of installed packages that requests may use."""


def environment(*more: str) -> dict[str, str]:
    """The environment of a service's processes: its settings for a user must not change what a client asked for."""
    kept = (*KEPT, *more)
    return {name: value for name, value in os.environ.items() if not name.startswith("FFGEN_") or name in kept}

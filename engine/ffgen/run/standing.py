"""How far a run is: its shards under way, and the figures on which decisions rest. Data only, changed by `state`."""

from dataclasses import dataclass, field
from typing import Literal

from ffgen.plan.strata import Steer

Phase = Literal["queued", "asked", "kept", "making", "made", "judging", "starved"]


@dataclass(slots=True)
class Shard:
    """What is known of one shard under way; `failed_at` is the endpoint at which its last request brought nothing."""

    phase: Phase
    size: int
    steer: Steer | None = None
    attempt: int = 0
    failures: int = 0
    deaths: int = 0
    rows: int = 0
    bytes: int = 0
    failed_at: int = -1


@dataclass(slots=True)
class Counts:
    """The figures of a run so far."""

    admitted: int = 0
    duplicates: int = 0
    beyond: int = 0
    asks: int = 0
    kept: int = 0
    bad_replies: int = 0
    retries: int = 0
    doubles: int = 0
    failures: dict[str, int] = field(default_factory=dict)

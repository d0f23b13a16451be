"""What runs there are on this machine, and what those that ended early left behind."""

import os
from contextlib import suppress
from typing import Any, Literal

from msgspec import Struct

from ffgen.ask.replies import Replies
from ffgen.disk import LocalDisk
from ffgen.errors import DestinationError
from ffgen.place import JOURNAL
from ffgen.run.cache import REPLIES
from ffgen.run.journal import read_kept
from ffgen.run.ledger import now
from ffgen.run.underway import entries, seconds_between, state_of


class RunView(Struct, frozen=True, kw_only=True):
    """One run on this machine: under way, or ended early with something left."""

    state: Literal["running", "stopped", "killed", "elsewhere"]
    """`stopped` ended early by itself, `killed` did not get to, `elsewhere` has its process on another host."""
    dataset: str
    destination: str
    spec_hash: str
    seed: int
    version: str
    asks: bool
    pid: int
    host: str
    started: str
    seconds: float
    """Since it began, or until it was last heard of."""
    phase: str
    records: int
    wanted: int
    kept_replies: int
    """Replies that the same command would use instead of asking."""
    kept_rows: int
    """Rows of a drawn run that the same command need not draw again."""
    left_bytes: int
    """In work folders; the next run with this destination takes them over."""
    ended: str
    """Why it ended early."""


def status() -> list[RunView]:
    """The runs of this user on this machine: those under way, and those that ended early and left replies or work
    files behind. Entries with nothing left are taken away. Oldest first."""
    views = []
    for path, told in entries():
        try:
            view = _view(told)
        except (KeyError, TypeError, ValueError):
            continue
        if view.state in ("running", "elsewhere") or view.kept_replies or view.left_bytes:
            views.append(view)
        else:
            with suppress(OSError):
                os.unlink(path)
    return sorted(views, key=lambda view: view.started)


def _view(told: dict[str, Any]) -> RunView:
    state = state_of(told)
    known = {name: told[name] for name in RunView.__struct_fields__ if name in told}
    return RunView(
        **known,
        state=state,
        seconds=seconds_between(told["started"], now() if state == "running" else told["heard"]),
        kept_replies=_kept(told) if state != "elsewhere" else 0,
        kept_rows=_rows(told) if state in ("killed", "stopped") else 0,
        left_bytes=sum(map(_size, told["folders"])) if state in ("killed", "stopped") else 0,
    )


def _kept(told: dict[str, Any]) -> int:
    """Replies kept for a run that has not finished."""
    path = os.path.join(told["cache"], REPLIES)
    if not told["needs"] or not os.path.exists(path):
        return 0
    with suppress(DestinationError), Replies.open(path) as replies:
        return sum(map(replies.needed, told["needs"]))
    return 0


def _rows(told: dict[str, Any]) -> int:
    """Rows that are committed in a work folder."""
    paths = [os.path.join(folder, JOURNAL) for folder in told["folders"]]
    kept = [read_kept(LocalDisk(), path) for path in paths]
    return sum(each.rows for each in kept if each is not None)


def _size(folder: str) -> int:
    """Bytes in a folder, those below included; 0 when there is none."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_size
    return total

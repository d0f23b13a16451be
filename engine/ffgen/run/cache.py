"""The kept replies and drafts of this user: how many there are, and letting go of them."""

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from ffgen.ask.drafts import Drafts
from ffgen.ask.replies import Replies, Stats
from ffgen.errors import LockedError
from ffgen.run.options import cache_folder
from ffgen.run.underway import uses_cache

T = TypeVar("T")

REPLIES, DRAFTS = "replies.sqlite3", "drafts.sqlite3"


class CacheView(Struct, frozen=True, kw_only=True):
    """What is kept of models' replies, and the drafts that models made. `bytes` are those of both databases on disk;
    times are seconds since 1970, None when there are none; `unfinished` runs need their replies."""

    replies: int
    bytes: int
    oldest: float | None
    newest: float | None
    unfinished: int
    drafts: int = 0


def measure_cache(cache_dir: str | os.PathLike[str] | None = None) -> CacheView:
    """What is kept. `cache_dir` as for `run`; nothing is made where nothing is."""
    path = path_of(cache_dir)
    found = Stats(replies=0, bytes=0, oldest=None, newest=None, unfinished=0)
    if os.path.exists(path):
        with Replies.open(path) as replies:
            found = replies.stats()
    none: tuple[int, int, float | None, float | None] = (0, 0, None, None)
    count, size, first, last = _with_drafts(cache_dir, Drafts.count, none)
    return CacheView(
        replies=found.replies,
        drafts=count,
        bytes=found.bytes + size,
        oldest=min((one for one in (found.oldest, first) if one is not None), default=None),
        newest=max((one for one in (found.newest, last) if one is not None), default=None),
        unfinished=found.unfinished,
    )


def purge_cache(cache_dir: str | os.PathLike[str] | None = None, *, older_than: float | None = None) -> int:
    """Forgets replies and drafts and says how many: those older than so many seconds, but none that an unfinished run
    needs; or all. What is forgotten is asked, and paid for, again.

    LockedError while a run under way keeps its replies there, when all would go.
    """
    path = path_of(cache_dir)
    if older_than is None and (pid := uses_cache(os.path.dirname(path))):
        raise LockedError(f"A run (process {pid}) needs its replies in {path}.", hint="Wait for it, or stop it.")
    gone = 0
    if os.path.exists(path):
        with Replies.open(path) as replies:
            gone = replies.purge() if older_than is None else replies.trim(sys.maxsize, older_than)
    before = None if older_than is None else time.time() - older_than
    return gone + _with_drafts(cache_dir, lambda drafts: drafts.purge(before), 0)


def _with_drafts(cache_dir: str | os.PathLike[str] | None, look: Callable[[Drafts], T], none: T) -> T:
    """What the kept drafts say, where there are any."""
    path = os.path.join(os.path.dirname(path_of(cache_dir)), DRAFTS)
    if not os.path.exists(path):
        return none
    with Drafts(path) as drafts:
        return look(drafts)


def path_of(cache_dir: str | os.PathLike[str] | None) -> str:
    """Where replies are kept."""
    return os.path.join(os.path.abspath(cache_folder(None if cache_dir is None else os.fspath(cache_dir))), REPLIES)

"""The kept replies and drafts of this user: how many there are, and letting go of them."""

import os
import sys
import time

from msgspec import Struct

from ffgen.ask.drafts import Drafts
from ffgen.ask.replies import Replies, Stats
from ffgen.errors import LockedError
from ffgen.run.options import cache_folder
from ffgen.run.underway import uses_cache

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
    drafts = _drafts(cache_dir)
    count, size, first, last = drafts.count() if drafts else (0, 0, None, None)
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
    drafts = _drafts(cache_dir)
    return gone + (drafts.purge(None if older_than is None else time.time() - older_than) if drafts else 0)


def _drafts(cache_dir: str | os.PathLike[str] | None) -> Drafts | None:
    """The kept drafts, where there are any."""
    path = os.path.join(os.path.dirname(path_of(cache_dir)), DRAFTS)
    return Drafts(path) if os.path.exists(path) else None


def path_of(cache_dir: str | os.PathLike[str] | None) -> str:
    """Where replies are kept."""
    return os.path.join(os.path.abspath(cache_folder(None if cache_dir is None else os.fspath(cache_dir))), REPLIES)

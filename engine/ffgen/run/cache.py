"""The kept replies of this user: how many there are, and letting go of them."""

import os
import sys

from ffgen.ask.replies import Replies, Stats
from ffgen.errors import LockedError
from ffgen.run.options import cache_folder
from ffgen.run.underway import uses_cache

REPLIES = "replies.sqlite3"

CacheView = Stats


def measure_cache(cache_dir: str | os.PathLike[str] | None = None) -> CacheView:
    """What is kept of models' replies. `cache_dir` as for `run`; nothing is made where nothing is."""
    path = path_of(cache_dir)
    if not os.path.exists(path):
        return Stats(replies=0, bytes=0, oldest=None, newest=None, unfinished=0)
    with Replies.open(path) as replies:
        return replies.stats()


def purge_cache(cache_dir: str | os.PathLike[str] | None = None, *, older_than: float | None = None) -> int:
    """Forgets replies and says how many: those older than so many seconds, but none that an unfinished run needs; or
    all. What is forgotten is asked, and paid for, again.

    LockedError while a run under way keeps its replies there, when all would go.
    """
    path = path_of(cache_dir)
    if not os.path.exists(path):
        return 0
    if older_than is None and (pid := uses_cache(os.path.dirname(path))):
        raise LockedError(f"A run (process {pid}) needs its replies in {path}.", hint="Wait for it, or stop it.")
    with Replies.open(path) as replies:
        return replies.purge() if older_than is None else replies.trim(sys.maxsize, older_than)


def path_of(cache_dir: str | os.PathLike[str] | None) -> str:
    """Where replies are kept."""
    return os.path.join(os.path.abspath(cache_folder(None if cache_dir is None else os.fspath(cache_dir))), REPLIES)

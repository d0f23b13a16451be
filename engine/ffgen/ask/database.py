"""A SQLite file that several processes share: opening it, a thread that commits in groups, and its errors as ours."""

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ffgen import failpoint
from ffgen.errors import DestinationError, FfgenError, InternalError

Done = Callable[[FfgenError | None], None]

_PATIENCE = 30.0
"""Seconds to wait for another process that writes."""
_QUEUED = 64 << 20
"""Bytes that may wait for the disk."""
_HINTS = {
    sqlite3.SQLITE_FULL: "Free disk space, or set FFGEN_CACHE_DIR to a folder on another disk.",
    sqlite3.SQLITE_BUSY: "Another ffgen has been writing to it for long: end that one, or set FFGEN_CACHE_DIR.",
    sqlite3.SQLITE_CORRUPT: "Move the file away; the replies in it will be asked for again.",
    sqlite3.SQLITE_NOTADB: "Move the file away, or set FFGEN_CACHE_DIR to another folder.",
}
_HINT = "Set FFGEN_CACHE_DIR to a folder that can be written."


class Job(NamedTuple):
    """One thing to write; `size` counts towards the bytes that wait, `done` is told when it is durable or refused."""

    act: Callable[[sqlite3.Connection], object]
    size: int
    done: Done


class Writer:
    """The thread that writes: takes all that waits, commits it at once, and tells each when it is durable."""

    def __init__(self, db: sqlite3.Connection, path: str) -> None:
        self._db = db
        self._path = path
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._bytes = 0
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="ffgen-replies", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        return self._bytes >= _QUEUED

    def enter(self, job: Job) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self.full or self._closing)
            if self._closing:
                raise InternalError(f"The kept replies in {self._path} are closed.")
            self._jobs.append(job)
            self._bytes += job.size
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._take():
            failure = self._commit(jobs)
            for job in jobs:
                with contextlib.suppress(Exception):  # a loop that is closed by now must not stop the others' news
                    job.done(failure)
            with self._changed:
                self._bytes -= sum(job.size for job in jobs)
                self._changed.notify_all()
            del jobs  # or the last ones would stay in memory
        self._db.close()

    def _take(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closing)
            jobs, self._jobs = self._jobs, []
            return jobs

    def _commit(self, jobs: list[Job]) -> FfgenError | None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.act(self._db)
            failpoint.hit("replies.commit")
            self._db.execute("COMMIT")
            failpoint.hit("replies.committed")
            return None
        except (sqlite3.Error, OSError) as error:
            failure: FfgenError = unusable(error, self._path)
        except Exception as error:  # the thread must outlive a bug, or every later put would wait for ever
            failure = InternalError(f"Replies could not be kept in {self._path}: {error!r}.")
        with contextlib.suppress(sqlite3.Error):  # SQLite has rolled back by itself after some errors
            self._db.execute("ROLLBACK")
        return failure


def make_file(path: str) -> None:
    """Makes the file and its folder for their owner only; SQLite gives its side files the mode of the database.

    A file that is there is never opened here: closing it would drop the locks that SQLite holds on it.
    """
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        with contextlib.suppress(PermissionError):
            os.chmod(path, 0o600)


def connect(path: str) -> sqlite3.Connection:
    """Plain autocommit. The thread check is off because the writer's connection is made by its opener."""
    db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only counts while the file is empty
        db.execute(f"PRAGMA journal_size_limit = {_QUEUED}")
    except BaseException:
        db.close()
        raise
    return db


def make_schema(db: sqlite3.Connection, path: str, schema: Sequence[str], version: int) -> None:
    """Write-ahead logging and the tables, once for all who open it; `version` stands in SQLite's user_version."""
    _use_wal(db)
    if _number(db, "user_version") == 0:
        db.execute("BEGIN IMMEDIATE")
        if _number(db, "user_version") == 0:
            for statement in (*schema, f"PRAGMA user_version = {version}"):
                db.execute(statement)
        db.execute("COMMIT")
    if (found := _number(db, "user_version")) != version:
        raise DestinationError(
            f"The kept replies in {path} are of version {found}, this ffgen keeps version {version}.",
            hint="Use the ffgen that made it, or set FFGEN_CACHE_DIR to another folder.",
        )


def _use_wal(db: sqlite3.Connection) -> None:
    """SQLite does not wait for others here, whatever its timeout says, so this does."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def size_of(db: sqlite3.Connection) -> int:
    """Bytes in use, without pages that are free to be used again."""
    return (_number(db, "page_count") - _number(db, "freelist_count")) * _number(db, "page_size")


def shrink(db: sqlite3.Connection) -> None:
    """Gives free pages back to the disk, 5 us a page."""
    for _ in range(_number(db, "freelist_count")):
        db.execute("PRAGMA incremental_vacuum")  # frees a page a step, and Python takes one step


@contextlib.contextmanager
def mapped(path: str) -> Iterator[None]:
    """SQLite's and the system's errors become DestinationError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unusable(error, path) from error


def unusable(error: Exception, path: str) -> DestinationError:
    """What is wrong with the file, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code, of an extended one
    if not isinstance(error, sqlite3.Error | OSError):
        code = sqlite3.SQLITE_CORRUPT
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DestinationError(f"The kept replies in {path} can't be used: {what}.", hint=_HINTS.get(code, _HINT))

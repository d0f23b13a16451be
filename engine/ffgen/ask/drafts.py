"""Drafts kept on disk: what is described a second time, in the same words, is not asked, or paid for, again.

One SQLite database a user, beside that of the replies:

    drafts   key (what was described, to which model), body (zstd), kept (seconds)
    leases   key, token, who holds it (pid, born, host), beat (seconds), failure (why its holder gave up, or null)
    models   what an endpoint's model is called, as it was last recognised

Whoever wants a draft that is not there takes its lease and makes it; all others, in whatever thread or process, wait
and get the same. A lease ends with its holder: a process that is gone, or one that was not heard of for 30 s, has none.
"""

import contextlib
import os
import platform
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import msgspec
import pyzstd

from ffgen.ask.database import connect, make_file, make_schema, mapped, shrink, size_of
from ffgen.errors import FfgenError

try:
    import psutil
except ImportError:
    psutil = None  # type: ignore[assignment]

SILENCE = 30.0
"""Seconds without a beat after which a holder is taken for dead."""
_BEAT = 5.0
_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.25
_VERSION = 1
_SCHEMA = (
    "CREATE TABLE drafts (key BLOB PRIMARY KEY, body BLOB NOT NULL, kept REAL NOT NULL)",
    "CREATE TABLE leases (key BLOB PRIMARY KEY, token BLOB NOT NULL, pid INTEGER NOT NULL, born REAL NOT NULL,"
    " host TEXT NOT NULL, beat REAL NOT NULL, failure BLOB)",
    "CREATE TABLE models (place TEXT PRIMARY KEY, value BLOB NOT NULL)",
)
_TAKE = (
    "INSERT OR REPLACE INTO leases (key, token, pid, born, host, beat, failure) VALUES (?, ?, ?, ?, ?, ?, NULL)"
)  # fmt: skip


class Kept(NamedTuple):
    """A draft, and whether this call made it."""

    body: bytes
    is_new: bool


class Drafts:
    """The kept drafts of one user. Any number of threads and processes may use one file; `close` it in the end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        with mapped(path):
            make_file(path)
            self._db = connect(path)
            try:
                make_schema(self._db, path, _SCHEMA, _VERSION)
            except BaseException:
                self._db.close()
                raise
            self.place = _place(path)

    def close(self) -> None:
        """Twice is fine."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The draft under a key. Under a millisecond."""
        with mapped(self._path), self._open() as db:
            return _body(db, key)

    def once(self, key: bytes, make: Callable[[], bytes], *, fresh: bool = False) -> Kept:
        """The draft under a key; `make` makes it where it is not there, in one of all threads and processes that ask
        at the same time. What fails for that one fails for those who wait for it, and is not kept. `fresh` makes it
        anew, but not twice at once.
        """
        token, seen, wait = secrets.token_bytes(16), b"", _FIRST_WAIT
        while True:
            with mapped(self._path), self._open() as db:
                found = self._claim(db, key, token, seen, fresh and not seen)
            if isinstance(found, Kept):
                return found
            if found == token:
                return Kept(self._make(key, token, make), True)
            seen = found
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def recall(self, place: str) -> dict[str, Any] | None:
        """What `remember` was last given for a place."""
        with mapped(self._path), self._open() as db:
            row = db.execute("SELECT value FROM models WHERE place = ?", (place,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=dict[str, Any])

    def remember(self, place: str, value: dict[str, Any]) -> None:
        """Keeps what the model of a place is called, in place of what is known of it."""
        with mapped(self._path), self._open() as db:
            db.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (place, msgspec.json.encode(value)))

    def count(self) -> tuple[int, int, float | None, float | None]:
        """How many there are, their bytes on disk, and when the oldest and the newest were kept."""
        with mapped(self._path), self._open() as db:
            many, oldest, newest = db.execute("SELECT count(*), min(kept), max(kept) FROM drafts").fetchone()
            return int(many), size_of(db), oldest, newest

    def purge(self, before: float | None = None) -> int:
        """Forgets the drafts kept before a time (seconds since 1970), or all. Says how many."""
        with mapped(self._path), self._open() as db:
            limit = float("inf") if before is None else before
            gone = db.execute("DELETE FROM drafts WHERE kept < ?", (limit,)).rowcount
            shrink(db)
            return int(gone)

    def _claim(self, db: sqlite3.Connection, key: bytes, token: bytes, seen: bytes, fresh: bool) -> Kept | bytes:
        """The draft; or the token of the lease that its maker holds now, which is ours when nobody else's is alive."""
        if not fresh and (body := _body(db, key)) is not None:
            return Kept(body, False)
        db.execute("BEGIN IMMEDIATE")
        try:
            if not fresh and (body := _body(db, key)) is not None:
                return Kept(body, False)
            row = db.execute(
                "SELECT token, pid, born, host, beat, failure FROM leases WHERE key = ?", (key,)
            ).fetchone()
            if row is not None and row[5] is not None and row[0] == seen:
                raise _failure(row[5])
            if row is not None and row[5] is None and _is_alive(*row[1:5]):
                return bytes(row[0])
            pid = os.getpid()
            db.execute(_TAKE, (key, token, pid, _born(pid), platform.node(), time.time()))
            return token
        finally:
            db.execute("COMMIT")

    def _make(self, key: bytes, token: bytes, make: Callable[[], bytes]) -> bytes:
        with self._beating(key, token):
            try:
                body = make()
            except BaseException as error:
                self._give_up(key, token, error)
                raise
        with mapped(self._path), self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?, ?)", (key, pyzstd.compress(body), time.time()))
            db.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))
            db.execute("COMMIT")
        return body

    def _give_up(self, key: bytes, token: bytes, error: BaseException) -> None:
        """Tells those who wait why there is no draft; who comes later tries again."""
        with contextlib.suppress(sqlite3.Error, OSError), self._open() as db:
            if isinstance(error, FfgenError):
                told = msgspec.json.encode([type(error).__name__, error.what, error.hint])
                db.execute("UPDATE leases SET failure = ? WHERE key = ? AND token = ?", (told, key, token))
            else:
                db.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))

    @contextlib.contextmanager
    def _beating(self, key: bytes, token: bytes) -> Iterator[None]:
        """A thread that says every 5 s that the holder lives."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(_BEAT):
                with contextlib.suppress(sqlite3.Error, OSError), self._open() as db:
                    db.execute("UPDATE leases SET beat = ? WHERE key = ? AND token = ?", (time.time(), key, token))

        thread = threading.Thread(target=beat, name="ffgen-draft-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The one connection, for one thread at a time: opening another takes longer than all that is done with it."""
        with self._lock:
            yield self._db


_opened: dict[tuple[int, str], Drafts] = {}
_opening = threading.Lock()


def drafts_at(path: str) -> Drafts:
    """The drafts of a file, opened once a process and left open: a first look takes 5 ms, or 30 on a busy disk. A file
    that somebody has put away in the meantime is opened anew."""
    with _opening:
        place = (os.getpid(), path)  # a connection does not survive a fork
        found = _opened.get(place)
        if found is None or found.place != _place(path):
            if found is not None:
                found.close()
            found = _opened[place] = Drafts(path)
        return found


def _place(path: str) -> tuple[int, int]:
    try:
        told = os.stat(path)
    except OSError:
        return (0, 0)
    return told.st_dev, told.st_ino


def _body(db: sqlite3.Connection, key: bytes) -> bytes | None:
    row = db.execute("SELECT body FROM drafts WHERE key = ?", (key,)).fetchone()
    try:
        return None if row is None else pyzstd.decompress(row[0])
    except pyzstd.ZstdError:
        return None


def _failure(told: bytes) -> FfgenError:
    """The error of the holder, as one of ours."""
    name, what, hint = msgspec.json.decode(told, type=tuple[str, str, str])
    kind = next((kind for kind in _kinds(FfgenError) if kind.__name__ == name), FfgenError)
    for each in kind.__mro__:
        with contextlib.suppress(TypeError):  # one that wants to know more than is kept: its base will do
            error = each(what, hint=hint)
            if isinstance(error, FfgenError):
                return error
    return FfgenError(what, hint=hint)


def _kinds(kind: type[FfgenError]) -> Iterator[type[FfgenError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _is_alive(pid: int, born: float, host: str, beat: float) -> bool:
    if time.time() - beat > SILENCE:
        return False
    if host != platform.node() or psutil is None:
        return True
    return abs(_born(pid) - born) < 1.0 if psutil.pid_exists(pid) else False


def _born(pid: int) -> float:
    """When a process started, so that another one with its number is not taken for it; 0 where nobody can say."""
    if psutil is None:
        return 0.0
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0

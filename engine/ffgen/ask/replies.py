"""Replies kept on disk, so that nothing is asked, or paid for, twice.

One SQLite database a user:

    replies    key (what was asked, never of whom), body (zstd), kept (seconds), run (the run that needs it, or 0)
    runs       fingerprint, started, finished (null while the run goes on, or can be resumed)
    endpoints  what a URL was recognised as
"""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self, TypeVar

import msgspec
import pyzstd
import xxhash

from ffgen.ask.database import Done, Job, Writer, connect, make_file, make_schema, mapped, shrink, size_of, unusable
from ffgen.errors import FfgenError

T = TypeVar("T")

_VERSION = 1
_ABANDONED = 30 * 86_400.0
"""Seconds after which an unfinished run is taken for given up."""
_SLICE = 256
"""Replies evicted in one transaction, so that other processes wait for no more than that."""

_SCHEMA = (
    "CREATE TABLE replies (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT NULL,"
    " kept REAL NOT NULL, run INTEGER NOT NULL)",
    "CREATE INDEX replies_by_age ON replies (kept, run)",
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,"
    " started REAL NOT NULL, finished REAL)",
    "CREATE TABLE endpoints (url TEXT PRIMARY KEY, value BLOB NOT NULL)",
)
_PUT = (
    "INSERT INTO replies (key, body, kept, run) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE"
    " SET body = excluded.body, kept = excluded.kept, run = excluded.run"
)
_BEGIN = (
    "INSERT INTO runs (fingerprint, started) VALUES (?, ?) ON CONFLICT (fingerprint) DO UPDATE"
    " SET started = excluded.started, finished = NULL RETURNING id"
)
_LIVE = "(SELECT id FROM runs WHERE finished IS NULL AND started > ?)"


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept. `bytes` is the database's size on disk; times are seconds since 1970, None when there are none."""

    replies: int
    bytes: int
    oldest: float | None
    newest: float | None
    unfinished: int


class Replies:
    """The kept replies. Whoever opens it reads, one thread at a time; a thread of its own writes.

    A reply is durable once its `done` has been called: synced to disk, whatever is killed afterwards. All that waits
    when the disk is ready goes in one transaction, so a slow disk makes larger groups, not a longer queue. Several
    processes may have the same database open. Every trouble with it is a DestinationError that names the path.
    """

    def __init__(self, path: str, reader: sqlite3.Connection, writer: Writer) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._compressor = pyzstd.ZstdCompressor(1)
        self._run = 0

    @classmethod
    def open(cls, path: str) -> Self:
        """Opens the database, and makes it (mode 0600) and its folder (0700) when they are not there."""
        with mapped(path):
            make_file(path)
            writer = connect(path)
            try:
                make_schema(writer, path, _SCHEMA, _VERSION)
                reader = connect(path)
            except BaseException:
                writer.close()
                raise
        return cls(path, reader, Writer(writer, path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def key(api: str, model: str, digest: str | None, body: bytes) -> bytes:
        """16 bytes for what is asked: dialect, model, the model's digest where known, request. Not the host."""
        made = xxhash.xxh3_128()
        for part in (api.encode(), model.encode(), (digest or "").encode(), body):
            made.update(len(part).to_bytes(8, "little"))
            made.update(part)
        return made.digest()

    def get(self, key: bytes) -> bytes | None:
        """The durable reply under a key. The run that has begun needs it from now on, as if it had asked itself."""
        try:
            row = self._reader.execute("SELECT body, run FROM replies WHERE key = ?", (key,)).fetchone()
            body = None if row is None else pyzstd.decompress(row[0])
        except (sqlite3.Error, pyzstd.ZstdError) as error:
            raise unusable(error, self._path) from error
        if row is not None and self._run not in (0, row[1]):
            self._claim(key)
        return body

    def put(self, key: bytes, body: bytes, done: Done) -> None:
        """Keeps a reply, in place of one that is kept under the key.

        `done` is called from the writing thread, with None when the reply is durable and with the error when it
        can't be; it must not raise, nor wait for this store. Returns at once, unless `full`: then it blocks until
        there is room.
        """
        run, now = self._run, time.time()

        def write(db: sqlite3.Connection) -> None:
            # One frame from a context used again: half the cost of a new one for a reply of 5 kB.
            packed = self._compressor.compress(body, pyzstd.ZstdCompressor.FLUSH_FRAME)
            db.execute(_PUT, (key, packed, now, run))

        self._writer.enter(Job(write, len(body), done))

    @property
    def full(self) -> bool:
        """64 MiB wait for the disk: the next `put` would block."""
        return self._writer.full

    def flush(self) -> None:
        """Blocks until all that was put before is durable, or has been refused."""
        self._do(lambda db: None)

    def close(self) -> None:
        """Waits for what was put, then closes. A second call does nothing."""
        self._writer.close()
        self._reader.close()

    def begin(self, fingerprint: str) -> None:
        """A run starts, or goes on. Its replies, got or put from here on, stay until it finishes.

        A run that has not finished 30 days after it last began is taken for given up, and its replies may go.
        """

        def write(db: sqlite3.Connection) -> int:
            return int(db.execute(_BEGIN, (fingerprint, time.time())).fetchone()[0])

        self._run = self._do(write)

    def finish(self, fingerprint: str) -> None:
        """A run has ended and will not be resumed: its replies may be evicted when their time comes."""
        now = time.time()
        self._do(lambda db: db.execute("UPDATE runs SET finished = ? WHERE fingerprint = ?", (now, fingerprint)))

    def trim(self, limit_bytes: int = 2 << 30, ttl: float | None = None) -> int:
        """Evicts replies, oldest first, until the database has at most `limit_bytes` and none is older than `ttl` s.

        Never those of an unfinished run, so it can stay larger. Returns how many went.
        """
        now = time.time()
        before = float("-inf") if ttl is None else now - ttl
        total = 0
        while gone := self._do(lambda db: _evict(db, limit_bytes, before, now - _ABANDONED)):
            total += gone
        return total

    def purge(self, before: float | None = None) -> int:
        """Forgets the replies kept before a time (seconds since 1970), or all, and with them what is known of
        endpoints; those of unfinished runs too."""

        def write(db: sqlite3.Connection) -> int:
            gone = db.execute("DELETE FROM replies WHERE kept < ?", (float("inf") if before is None else before,))
            if before is None:
                db.execute("DELETE FROM endpoints")
            shrink(db)
            return gone.rowcount

        return self._do(write)

    def stats(self) -> Stats:
        """Counts what is kept; reads an index from end to end."""
        with mapped(self._path):
            count, oldest, newest = self._reader.execute(
                "SELECT count(*), min(kept), max(kept) FROM replies"
            ).fetchone()
            live = self._reader.execute(f"SELECT count(*) FROM {_LIVE}", (time.time() - _ABANDONED,)).fetchone()[0]
            return Stats(replies=count, bytes=size_of(self._reader), oldest=oldest, newest=newest, unfinished=live)

    def needed(self, fingerprint: str) -> int:
        """How many replies are kept for a run that has not finished; reads an index from end to end."""
        with mapped(self._path):
            found = self._reader.execute(
                "SELECT count(*) FROM replies WHERE run = (SELECT id FROM runs WHERE fingerprint = ?"
                " AND finished IS NULL)",
                (fingerprint,),
            ).fetchone()
        return int(found[0])

    def remember(self, url: str, value: dict[str, Any]) -> None:
        """Keeps what an endpoint was recognised as, in place of what is known of it."""
        data = msgspec.json.encode(value)
        self._do(lambda db: db.execute("INSERT OR REPLACE INTO endpoints VALUES (?, ?)", (url, data)))

    def recall(self, url: str) -> dict[str, Any] | None:
        """What `remember` was last given for an endpoint."""
        with mapped(self._path):
            row = self._reader.execute("SELECT value FROM endpoints WHERE url = ?", (url,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=dict[str, Any])

    def _claim(self, key: bytes) -> None:
        run, oldest = self._run, time.time() - _ABANDONED

        def write(db: sqlite3.Connection) -> None:
            db.execute(f"UPDATE replies SET run = ? WHERE key = ? AND run NOT IN {_LIVE}", (run, key, oldest))

        self._writer.enter(Job(write, len(key), lambda failure: None))

    def _do(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Has the writing thread do it, in turn, and waits until that is durable."""
        answers: list[T] = []
        told: Future[FfgenError | None] = Future()
        self._writer.enter(Job(lambda db: answers.append(act(db)), 0, told.set_result))
        if (failure := told.result()) is not None:
            raise failure
        return answers[0]


def _evict(db: sqlite3.Connection, limit: int, before: float, abandoned: float) -> int:
    over = size_of(db) - limit
    doomed = []
    oldest = db.execute(
        f"SELECT id, kept, length(body) FROM replies WHERE run NOT IN {_LIVE} ORDER BY kept, id LIMIT {_SLICE}",
        (abandoned,),
    )
    for number, kept, size in oldest.fetchall():
        if over > 0 or kept < before:
            doomed.append((number,))
            over -= size
    db.executemany("DELETE FROM replies WHERE id = ?", doomed)
    shrink(db)
    return len(doomed)

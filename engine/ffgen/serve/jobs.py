"""Jobs, kept in SQLite beside their folders, so that they outlive the service.

    jobs     id, what was asked for, state, the process that works on it, how it ended
    keys     what an Idempotency-Key of a client was used for: 24 hours

A job's folder `jobs/ID/` has `spec.json`, `events.jsonl` (what `ffgen run` says of its progress, and its error),
`report.json` when it is done, and `out/`. Every method is called in one thread, one at a time.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ffgen.ask.database import connect, make_file, mapped
from ffgen.errors import DestinationError
from ffgen.serve.prepare import Settled
from ffgen.serve.problem import Refused
from ffgen.serve.settings import MOST_QUEUED
from ffgen.serve.wire import Format, Problem, State, TablePlan
from ffgen.sink import SUFFIX

VERSION = 1
KEPT_KEYS = timedelta(hours=24)
UNDER_WAY = ("queued", "running", "cancelling")
_SCHEMA = (
    "CREATE TABLE jobs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, client TEXT NOT NULL,"
    " state TEXT NOT NULL, about BLOB NOT NULL, created TEXT NOT NULL, started TEXT, ended TEXT,"
    " pid INTEGER NOT NULL DEFAULT 0, born REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, error BLOB)",
    "CREATE INDEX jobs_by_state ON jobs (state, number)",
    "CREATE TABLE keys (client TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, job TEXT NOT NULL,"
    " created TEXT NOT NULL, PRIMARY KEY (client, key))",
    f"PRAGMA user_version = {VERSION}",
)
_COLUMNS = "number, id, client, state, about, created, started, ended, pid, born, attempts, error"


class About(Struct, kw_only=True):
    """What a job makes. `paths` has the file of each table, below `out/`."""

    name: str
    tables: list[TablePlan]
    table: str
    format: Format
    seed: int
    spec_hash: str
    paths: dict[str, str]


class Job(Struct, kw_only=True):
    """A job as it is kept."""

    number: int
    id: str
    client: str
    state: State
    about: About
    created: str
    started: str | None
    ended: str | None
    pid: int
    born: float
    attempts: int
    error: Problem | None


class Jobs:
    """The queue and its folders."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.join(folder, "jobs")
        self._path = os.path.join(folder, "jobs.sqlite")
        with mapped(self._path):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            make_file(self._path)
            self._db = connect(self._path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._make_schema()
        self._sweep()

    def close(self) -> None:
        """Nothing more is asked."""
        self._db.close()

    def place(self, job: str, *parts: str) -> str:
        """A path in a job's folder."""
        return os.path.join(self.folder, job, *parts)

    def add(self, client: str, about: About, spec: dict[str, Any], key: str | None, digest: str) -> tuple[Job, bool]:
        """A new job, or the one that the key was used for, and whether it is new. Refused where the key was used for
        another request, and where too many wait. The job is on the disk when this returns."""
        if key is not None and (known := self.known(client, key, digest)) is not None:
            return known, False
        id = _new_id()
        os.makedirs(self.place(id, "out"), mode=0o700)
        _write(self.place(id, "spec.json"), msgspec.json.encode(spec))
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            (waiting,) = self._db.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
            if waiting >= MOST_QUEUED:
                shutil.rmtree(self.place(id), ignore_errors=True)
                retry = {"Retry-After": "60"}
                raise Refused("busy", f"{waiting} jobs wait already.", "Try again when some are done.", headers=retry)
            self._db.execute(
                "INSERT INTO jobs (id, client, state, about, created) VALUES (?, ?, 'queued', ?, ?)",
                (id, client, msgspec.json.encode(about), now()),
            )
            if key is not None:
                self._db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", (client, key, digest, id, now()))
        return self._one(id), True

    def known(self, client: str, key: str, digest: str) -> Job | None:
        """The job that an Idempotency-Key was used for. Refused where that was another request."""
        found = self._db.execute("SELECT digest, job FROM keys WHERE client = ? AND key = ?", (client, key)).fetchone()
        if found is None:
            return None
        if found[0] != digest:
            what = "This Idempotency-Key was used with another body."
            raise Refused("idempotency-key", what, "Use a new key for a new request.")
        return self.find(client, found[1])

    def find(self, client: str | None, id: str) -> Job | None:
        """A job of this client, or of anybody where it is None."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()
        job = _job(row) if row is not None else None
        return job if job is not None and client in (None, job.client) else None

    def page(self, client: str, before: int | None, state: str | None, most: int) -> list[Job]:
        """Jobs of a client, the newest first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE client = ? AND number < ? AND (? IS NULL OR state = ?)"
            " ORDER BY number DESC LIMIT ?",
            (client, before if before is not None else 2**62, state, state, most),
        )
        return [_job(row) for row in rows]

    def in_state(self, *states: State) -> list[Job]:
        """Everybody's jobs in these states, the oldest first."""
        marks = ", ".join("?" * len(states))
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE state IN ({marks}) ORDER BY number", states)
        return [_job(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())

    def claim(self) -> Job | None:
        """The next job, which is running from now on."""
        found = self._db.execute(
            "UPDATE jobs SET state = 'running', started = coalesce(started, ?), attempts = attempts + 1, pid = 0,"
            " born = 0 WHERE number = (SELECT min(number) FROM jobs WHERE state = 'queued') RETURNING id",
            (now(),),
        ).fetchone()
        return self._one(found[0]) if found is not None else None

    def begun(self, id: str, pid: int, born: float) -> Job:
        """Its process is there."""
        self._db.execute("UPDATE jobs SET pid = ?, born = ? WHERE id = ?", (pid, born, id))
        return self._one(id)

    def again(self, id: str) -> None:
        """Its process is gone and it is not done: it waits again, or is cancelled where that was asked for."""
        self._db.execute("UPDATE jobs SET state = 'queued', pid = 0 WHERE id = ? AND state = 'running'", (id,))
        self._db.execute(
            "UPDATE jobs SET state = 'cancelled', pid = 0, ended = ? WHERE id = ? AND state = 'cancelling'", (now(), id)
        )

    def end(self, id: str, state: State, error: Problem | None = None) -> None:
        """It is over."""
        told = msgspec.json.encode(error) if error is not None else None
        self._db.execute(
            "UPDATE jobs SET state = ?, ended = ?, pid = 0, error = ? WHERE id = ?", (state, now(), told, id)
        )

    def cancel(self, id: str) -> Job:
        """One that waits is cancelled; of one that runs, it is noted, for whoever has its process."""
        self._db.execute(
            "UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'", (now(), id)
        )
        self._db.execute("UPDATE jobs SET state = 'cancelling' WHERE id = ? AND state = 'running'", (id,))
        return self._one(id)

    def remove(self, ids: Iterable[str]) -> None:
        """Finished jobs and their data are gone."""
        for id in ids:
            with self._db:
                self._db.execute("DELETE FROM jobs WHERE id = ?", (id,))
                self._db.execute("DELETE FROM keys WHERE job = ?", (id,))
            shutil.rmtree(self.place(id), ignore_errors=True)

    def forget(self, keep: float) -> None:
        """Removes what ended so many seconds ago, and old keys."""
        before = _moment(datetime.now(UTC) - timedelta(seconds=keep))
        old = self._db.execute("SELECT id FROM jobs WHERE ended IS NOT NULL AND ended < ?", (before,)).fetchall()
        self.remove(id for (id,) in old)
        self._db.execute("DELETE FROM keys WHERE created < ?", (_moment(datetime.now(UTC) - KEPT_KEYS),))

    def probe(self) -> None:
        """Raises DestinationError where the queue can't be written."""
        with mapped(self._path), self._db:
            self._db.execute("BEGIN IMMEDIATE")

    def _one(self, id: str) -> Job:
        job = self.find(None, id)
        assert job is not None
        return job

    def _make_schema(self) -> None:
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found == 0:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    self._db.execute(statement)
        elif found != VERSION:
            what = f"The jobs in {self._path} are of version {found}, and this ffgen keeps version {VERSION}."
            raise DestinationError(what, hint="Name another --data-dir, or use the ffgen that made it.")

    def _sweep(self) -> None:
        """Folders of jobs that never came to be, because the service was killed before it noted them."""
        known = {id for (id,) in self._db.execute("SELECT id FROM jobs")}
        for name in os.listdir(self.folder):
            if name not in known:
                shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)


def _job(row: Sequence[Any]) -> Job:
    number, id, client, state, about, created, started, ended, pid, born, attempts, error = row
    return Job(
        number=number,
        id=id,
        client=client,
        state=state,
        about=msgspec.json.decode(about, type=About),
        created=created,
        started=started,
        ended=ended,
        pid=pid,
        born=born,
        attempts=attempts,
        error=msgspec.json.decode(error, type=Problem) if error is not None else None,
    )


def paths_in(settled: Settled, format: Format) -> About:
    """What is kept of a job's spec. The name of an only table may be anything, so its file has a name of ours."""
    head, several = settled.head, len(settled.head.tables) > 1
    suffix = SUFFIX["csv" if format == "zip" else format]
    return About(
        name=head.name,
        tables=head.tables,
        table=head.table,
        format=format,
        seed=head.seed,
        spec_hash=head.spec_hash,
        paths={one.name: (one.name if several else "data") + suffix for one in head.tables},
    )


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return _moment(datetime.now(UTC))


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _new_id() -> str:
    """Nobody guesses it."""
    return secrets.token_hex(12)


def _write(path: str, data: bytes) -> None:
    """A file that is on the disk when this returns."""
    try:
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DestinationError(f"{path} can't be written: {error.strerror}.") from error

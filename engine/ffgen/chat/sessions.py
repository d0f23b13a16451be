"""Conversations on disk: one SQLite database a user, in the state folder.

    chats    id, form, revision, stage, title, created, changed (ISO 8601, UTC), body (the conversation, zstd)

A line is on the disk before it is answered, so a chat that is killed goes on where it was. Two chats that went on with
the same conversation don't write over each other: whoever comes second goes on under a new id.
"""

import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyzstd
from msgspec import Struct

from ffgen.ask.database import connect, make_file
from ffgen.chat.standing import Stage, Talk
from ffgen.errors import DestinationError, UsageError
from ffgen.run.ledger import STATE_DIR, state_folder

FILE = "chats.sqlite"
FORM = 1
"""The form of a kept conversation. A larger one is of an ffgen to come."""
MOST_BYTES = 64 << 20
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_SCHEMA = (
    "CREATE TABLE chats (id TEXT PRIMARY KEY, form INTEGER NOT NULL, revision INTEGER NOT NULL, stage TEXT NOT NULL,"
    " title TEXT NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL, body BLOB NOT NULL)"
)
_KEYS = {"dataset", "tables", "seed"}
"""What a kept spec may have: nothing that reaches outside its rows."""


class ChatView(Struct, frozen=True, kw_only=True):
    """A kept conversation: its id, what it began with, how far it is, when it began and when it was last gone on with.

    `stage` is new, talking, confirming or made. `is_readable` is false for one of a newer ffgen.
    """

    id: str
    title: str
    stage: Stage
    created: str
    changed: str
    is_readable: bool = True


class Sessions:
    """The kept conversations of one user. Any number of processes may use one file; each call opens it anew."""

    def __init__(self, folder: str | None = None) -> None:
        self.path = os.path.join(folder or state_folder(), FILE)

    def listed(self) -> list[ChatView]:
        """All, the last one gone on with first. Makes no file."""
        if not os.path.exists(self.path):
            return []
        with self._open() as db:
            rows = db.execute("SELECT id, title, stage, created, changed, form FROM chats ORDER BY changed DESC, id")
            return [ChatView(id=id, title=title, stage=stage, created=made, changed=at, is_readable=form <= FORM)
                    for id, title, stage, made, at, form in rows]  # fmt: skip

    def find(self, said: str) -> str:
        """The id that a beginning of it means; `last` is the one that was gone on with last. UsageError for none and
        for several."""
        known = self.listed()
        if said == "last" and known:
            return known[0].id
        found = [one.id for one in known if one.id.startswith(said.strip().lower())] if said.strip() else []
        if len(found) == 1 or said in found:
            return said if said in found else found[0]
        if found:
            raise UsageError(f"{said} begins several: {', '.join(found[:8])}.", hint="Say more letters.")
        raise UsageError(f"There is no conversation {said}.", hint="`ffgen chat --list` lists them.")

    def load(self, id: str) -> tuple[Talk, int]:
        """A conversation and its revision. UsageError for one that a newer ffgen kept, and for one that is none."""
        with self._open() as db:
            row = db.execute("SELECT form, revision, body FROM chats WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UsageError(f"There is no conversation {id}.", hint="`ffgen chat --list` lists them.")
        form, revision, body = row
        if form > FORM:
            raise UsageError(f"A newer ffgen kept the conversation {id} (form {form}; this one reads {FORM}).",
                             hint="Use that ffgen for it.")  # fmt: skip
        return self._read(id, body), int(revision)

    def add(self, talk: Talk) -> str:
        """Keeps a new conversation; its id."""
        now = moment()
        while True:
            id = "".join(secrets.choice(_LETTERS) for _ in range(6))
            values = (id, FORM, 1, talk.stage, _title(talk), now, now, _body(talk))
            with contextlib.suppress(sqlite3.IntegrityError), self._open() as db:
                db.execute("INSERT INTO chats VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
                return id

    def save(self, id: str, revision: int, talk: Talk) -> int | None:
        """Keeps how a conversation went on; its revision now. None where another chat went on with it, or it is gone:
        then nothing is changed."""
        values = (talk.stage, _title(talk), moment(), _body(talk), id, revision)
        with self._open() as db:
            done = db.execute(
                "UPDATE chats SET stage = ?, title = ?, changed = ?, body = ?, revision = revision + 1"
                " WHERE id = ? AND revision = ?", values,
            )  # fmt: skip
            return revision + 1 if done.rowcount else None

    def delete(self, id: str) -> None:
        """Forgets a conversation."""
        with self._open() as db:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("DELETE FROM chats WHERE id = ?", (id,))

    def _read(self, id: str, body: bytes) -> Talk:
        """What is kept, taken for no more than data: of the right form, and with specs that are rows only."""
        try:
            if pyzstd.get_frame_info(body).decompressed_size > MOST_BYTES:
                raise ValueError("it is too long")
            talk = msgspec.msgpack.decode(pyzstd.decompress(body), type=Talk)
            for step in (*talk.steps, *talk.undone):
                if not _KEYS >= step.spec.keys() or not {"dataset", "tables"} & step.spec.keys():
                    raise ValueError("its spec has keys that no conversation makes")
            if talk.stage != "new" and not talk.steps:
                raise ValueError("it has no steps")
        except (ValueError, TypeError, pyzstd.ZstdError, msgspec.DecodeError) as error:
            raise UsageError(f"The conversation {id} can't be read: {error}.",
                             hint=f"`ffgen chat --delete {id}` forgets it.") from error  # fmt: skip
        return talk

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            make_file(self.path)
            db = connect(self.path)
            try:
                self._prepare(db)
                yield db
            finally:
                db.close()
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.Error, OSError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise DestinationError(f"The conversations in {self.path} can't be used: {said}.",
                                   hint=f"Set {STATE_DIR} to a folder that can be written.") from error  # fmt: skip

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Write-ahead logging and the table, once."""
        version = _version(db)
        if version > FORM:
            raise UsageError(f"A newer ffgen made {self.path} (version {version}; this one knows {FORM}).",
                             hint=f"Use that ffgen, or set {STATE_DIR} to another folder.")  # fmt: skip
        if version == FORM:
            return
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        if _version(db) == 0:
            db.execute(_SCHEMA)
            db.execute(f"PRAGMA user_version = {FORM}")
        db.execute("COMMIT")


def moment() -> str:
    """This moment, ISO 8601 in UTC, to the microsecond: the order of what was gone on with last."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _body(talk: Talk) -> bytes:
    return pyzstd.compress(msgspec.msgpack.encode(talk), 3)


def _title(talk: Talk) -> str:
    first = talk.steps[0].text if talk.steps else next((one.said for one in talk.turns if one.said), "")
    return re.sub(r"\s+", " ", first)[:200]


def _version(db: sqlite3.Connection) -> int:
    found: tuple[Any, ...] = db.execute("PRAGMA user_version").fetchone()
    return int(found[0])

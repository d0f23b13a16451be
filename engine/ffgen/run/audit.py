"""The audit trail: what was asked of whom, when, and what came, as JSON lines. Metadata only; prompts and replies
go to a file of their own, mode 0600, and only when that is asked for.
"""

import os
import stat
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from ffgen.errors import FfgenError
from ffgen.place import destination_error
from ffgen.shard.made import Made


class Audit:
    """Appends an event a line. `path` takes metadata, `prompts_path` contents; either may be None."""

    def __init__(self, path: str | None, prompts_path: str | None, run: str) -> None:
        self._run = run
        self._contents: BinaryIO | None = None
        self._file = open_private(path)
        try:
            self._contents = open_private(prompts_path)
        except FfgenError:
            self.close()
            raise

    def asked(self, shard: int, attempt: int, seed: int, key: bytes, body: bytes) -> None:
        """A request leaves."""
        told: dict[str, Any] = {"shard": shard, "attempt": attempt, "seed": seed, "key": key.hex(), "bytes": len(body)}
        self._write(self._file, "asked", told)
        self._write(self._contents, "asked", told | {"body": body.decode(errors="replace")})

    def answered(self, shard: int, attempt: int, made: Made, asked: bool, reply: bytes) -> None:
        """A reply was used."""
        told: dict[str, Any] = {
            "shard": shard,
            "attempt": attempt,
            "kept": not asked,
            "rows": made.batch.rows,
            "refused": sum(count for *_, count in made.refused),
            "tokens_in": made.tokens_in,
            "tokens_out": made.tokens_out,
            "problem": made.problem,
        }
        self._write(self._file, "answered", told)
        if asked:
            self._write(self._contents, "answered", told | {"body": reply.decode(errors="replace")})

    def missed(self, shard: int, attempt: int, kind: str, status: int, what: str) -> None:
        """A request brought no reply."""
        self._write(self._file, "missed", {"shard": shard, "attempt": attempt, "kind": kind, "status": status})
        self._write(self._contents, "missed", {"shard": shard, "attempt": attempt, "kind": kind, "what": what})

    def steered(self, step: int, shard: int, why: str) -> None:
        """A step of steering begins with a shard."""
        self._write(self._file, "steered", {"step": step, "shard": shard, "why": why})

    def ended(self, outcome: str, records: int) -> None:
        """The run is over."""
        self._write(self._file, "ended", {"outcome": outcome, "records": records})

    def close(self) -> None:
        """Closes both files."""
        for file in (self._file, self._contents):
            if file is not None:
                file.close()

    def _write(self, file: BinaryIO | None, event: str, told: dict[str, Any]) -> None:
        if file is None:
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = orjson.dumps({"at": stamp, "run": self._run, "pid": os.getpid(), "event": event} | told)
        try:
            file.write(line + b"\n")
            file.flush()
        except OSError as error:
            raise destination_error(error, file.name) from error


def open_private(path: str | None) -> BinaryIO | None:
    """A file to append to that only its owner may read, even where it was there before."""
    if path is None:
        return None
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
    except OSError as error:
        raise destination_error(error, path) from error
    try:
        if stat.S_ISREG(os.stat(file.fileno()).st_mode):
            os.chmod(path, 0o600)
    except OSError as error:
        file.close()
        raise destination_error(error, path) from error
    return file

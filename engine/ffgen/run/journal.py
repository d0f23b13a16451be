"""What a drawn run keeps to go on from, and the order in which it reaches the disk.

A checkpoint is the shards of each table that stand in a row from the first one on. First the bytes of all files that it
speaks of are synced, then the names of those that are new, then one entry goes into the journal, and is synced: so an
entry never promises what a power cut can take away. The journal lies in the work folder of the run's first file:

    ffgen.j1  entry*        an entry: length (u32), xxh3-128 of the digest before it and of the content, content

Each digest covers the one before, so what a torn write left, or an older life of the file, ends the reading. It is a
file of our own and not SQLite because a commit then is one write and one sync of a file (5 ms instead of 9), nothing
is paid by runs that end before the first, and because the simulated disk of the tests can lose its every byte.
"""

import os
from collections.abc import Sequence
from struct import Struct as Layout
from typing import Any

import msgspec
import xxhash
from msgspec import Struct

from ffgen.disk import Disk, File

MAGIC = b"ffgen.j1"
_ENTRY = Layout("<I16s")


class Extent(Struct, frozen=True, array_like=True):
    """What is committed of a file: its first bytes, and a digest of the last 64 KiB of them."""

    size: int
    tail: bytes


class Part(Struct, frozen=True, array_like=True):
    """A shard that stands: where, what Parquet's footer will say of it, the gate's refusals by round, and what was
    spoiled on purpose."""

    offset: int
    rows: int
    footer: bytes = b""
    rounds: list[bytes] = []
    spoiled: list[tuple[str | None, str, int]] = []


class Step(Struct, frozen=True, array_like=True):
    """What was added to one table since the checkpoint before. `stored` has the size of each part's columns that other
    tables look up; `done`: the footer stands, too."""

    table: str
    parts: list[Part]
    file: Extent | None
    keys: Extent | None
    stored: list[int]
    done: bool


class Head(Struct, frozen=True, tag=True, array_like=True):
    """What the bytes depend on, by name. Nothing is gone on from where any of it differs."""

    told: dict[str, str]


class Checkpoint(Struct, frozen=True, tag=True, array_like=True):
    """One commit."""

    steps: list[Step]
    labels: Extent | None


class Complete(Struct, frozen=True, tag=True, array_like=True):
    """All files are finished, with these xxh3-128 sums (that of the labels under the empty name); they take their
    places next."""

    sums: dict[str, str]


Entry = Head | Checkpoint | Complete
_encode = msgspec.msgpack.Encoder().encode
_decode: Any = msgspec.msgpack.Decoder(Entry).decode


class Standing(Struct):
    """One table as far as it is committed."""

    parts: list[Part] = []
    file: Extent | None = None
    keys: Extent | None = None
    stored: list[int] = []
    done: bool = False

    def add(self, step: Step) -> None:
        """What a checkpoint added."""
        self.parts += step.parts
        self.stored += step.stored
        self.file, self.keys, self.done = step.file, step.keys, step.done

    @property
    def rows(self) -> int:
        """Rows that are written."""
        return sum(part.rows for part in self.parts) if self.file is not None else 0


class Kept(Struct):
    """What a run left. `published` are the files that have taken their places already."""

    told: dict[str, str]
    tables: dict[str, Standing] = {}
    labels: Extent | None = None
    sums: dict[str, str] = {}
    published: set[str] = set()

    @property
    def rows(self) -> int:
        """Rows that need not be drawn again."""
        return sum(table.rows for table in self.tables.values())


class Journal:
    """An append-only file of entries. What is after the last whole one is overwritten."""

    def __init__(self, file: File, size: int, chain: bytes) -> None:
        self._file, self._size, self._chain = file, size, chain

    @classmethod
    def create(cls, disk: Disk, path: str) -> "Journal":
        """An empty one, not yet synced."""
        file = disk.open(path, create=True)
        file.truncate(0)
        file.write_at(0, MAGIC)
        return cls(file, len(MAGIC), b"")

    @classmethod
    def read(cls, disk: Disk, path: str) -> tuple["Journal", list[Entry]] | None:
        """What is there, and all whole entries in it; None where there is none."""
        try:
            file = disk.open(path)
        except OSError:
            return None
        entries: list[Entry] = []
        size, chain = len(MAGIC), b""
        if file.read_at(0, len(MAGIC)) != MAGIC:
            file.close()
            return None
        while (found := _entry_at(file, size, chain)) is not None:
            entry, chain, length = found
            entries.append(entry)
            size += length
        return cls(file, size, chain), entries

    def mend(self) -> None:
        """Cuts off what is torn."""
        if self._file.size() > self._size:
            self._file.truncate(self._size)
            self._file.sync()

    def append(self, *entries: Entry) -> None:
        """Adds entries; they are on the disk when this returns. After a failure it is of no use."""
        data = b""
        for entry in entries:
            content = _encode(entry)
            self._chain = xxhash.xxh3_128_digest(self._chain + content)
            data += _ENTRY.pack(len(content), self._chain) + content
        self._file.write_at(self._size, data)
        self._file.sync()
        self._size += len(data)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def _entry_at(file: File, at: int, chain: bytes) -> tuple[Entry, bytes, int] | None:
    head = file.read_at(at, _ENTRY.size)
    if len(head) < _ENTRY.size:
        return None
    length, digest = _ENTRY.unpack(head)
    if length > file.size() - at - _ENTRY.size:
        return None
    content = file.read_at(at + _ENTRY.size, length)
    if xxhash.xxh3_128_digest(chain + content) != digest:
        return None
    try:
        return _decode(content), digest, _ENTRY.size + length
    except msgspec.DecodeError:  # of another version
        return None


def replayed(entries: Sequence[Entry]) -> Kept | None:
    """What the entries of a journal come to; None where they tell of nothing."""
    if not entries or not isinstance(entries[0], Head):
        return None
    kept = Kept(entries[0].told)
    for entry in entries[1:]:
        if isinstance(entry, Complete):
            kept.sums = entry.sums
        elif isinstance(entry, Checkpoint):
            kept.labels = entry.labels
            for step in entry.steps:
                kept.tables.setdefault(step.table, Standing()).add(step)
    return kept if kept.tables else None


def read_kept(disk: Disk, path: str) -> Kept | None:
    """What the journal at a path says, its files not looked at; None where it says nothing."""
    read = Journal.read(disk, path)
    if read is None:
        return None
    read[0].close()
    return replayed(read[1])


def stored_path(folder: str, table: str, shard: int) -> str:
    """Where the columns of a shard wait that other tables look up."""
    return os.path.join(folder, f"{file_name(table)}.{shard:07d}.arrow")


def file_name(table: str) -> str:
    """A table's name as part of a file's, in which not everything can stand."""
    return xxhash.xxh3_64_hexdigest(table.encode())

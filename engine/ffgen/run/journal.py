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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from struct import Struct as Layout
from typing import Any

import msgspec
import xxhash
from msgspec import Struct

from ffgen.disk import Disk, File, forget
from ffgen.errors import FfgenError
from ffgen.rng import key_of

MAGIC = b"ffgen.j1"
TAIL = 1 << 16
"""Bytes at the end of what is committed that must still be the same."""
_ENTRY = Layout("<I16s")
_CHUNK = 1 << 20


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


class Places(Struct, frozen=True):
    """Where a run's files are: for each table its work file and its destination; `store` is a folder for the rest.
    The labels have the empty name."""

    journal: str
    store: str
    work: dict[str, str]
    final: dict[str, str]

    def keys(self, table: str) -> str:
        """The keys that the gate has let in. A table's name may hold what a file's can't."""
        return os.path.join(self.store, f"{key_of(table):016x}.keys")

    def stored(self, table: str, shard: int) -> str:
        """The columns of a shard that other tables look up (see `run.store`)."""
        return stored_path(self.store, table, shard)

    @property
    def folders(self) -> list[str]:
        """Every folder in which work files lie, and those that these lie in."""
        found = [os.path.dirname(path) for path in [self.journal, *self.work.values()]]
        return list(dict.fromkeys([*found, *map(os.path.dirname, found)]))


class Advance(Struct, frozen=True):
    """What a table has more than at the last checkpoint: parts, and the bytes of its files; None where it has no such
    file. `stores`: its parts have columns that others look up."""

    table: str
    first: int
    parts: list[Part]
    size: int | None
    keys: int | None
    stores: bool
    done: bool


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


class Keeper:
    """A run's hold on its journal and on the files that it speaks of. Not for two threads at once.

    `told` says what the bytes depend on; asked for only when there is a journal, or one is begun.
    """

    def __init__(self, disk: Disk, places: Places, told: Callable[[], Mapping[str, str]]) -> None:
        self.disk, self.places, self._told = disk, places, told
        self.why = ""
        """Why what was there can't be gone on from."""
        self.failed = False
        """A commit failed: what was committed before it stands, and nothing more is tried."""
        self._abandoned = False
        self._journal: Journal | None = None
        self._files: dict[str, File] = {}
        self._new_names: set[str] = set()

    @property
    def is_begun(self) -> bool:
        """Whether anything is committed."""
        return self._journal is not None

    def take_over(self) -> Kept | None:
        """What an earlier run left of the same output, its files cut to what is committed. None where there is nothing
        to go on from: then `why` says what is wrong with what there is, and `begin_anew` is next."""
        read = Journal.read(self.disk, self.places.journal)
        if read is None:
            return None
        journal, entries = read
        kept = replayed(entries)
        if kept is not None:
            self.why = differs(kept.told, self._told()) or self._check(kept)
        if kept is None or self.why:
            journal.close()
            return None
        journal.mend()
        self._journal = journal
        return kept

    def begin_anew(self) -> None:
        """Forgets the journal, for good: it must not come back, after a power cut, to files that it does not mean."""
        forget(self.disk, self.places.journal)

    def commit(self, advances: Sequence[Advance], labels: int | None) -> None:
        """A checkpoint. Raises OSError or DestinationError where it can't be; nothing is committed from then on."""
        if self.failed:
            return
        self.failed = True
        steps = [self._synced(advance) for advance in advances]
        written = None if labels is None else self._extent(self.places.work[""], labels)
        for folder in sorted(self._new_names):
            self.disk.sync_folder(folder)
        self._new_names.clear()
        if self._abandoned:
            return
        if self._journal is not None:
            self._journal.append(Checkpoint(steps, written))
        else:
            self._begin(Checkpoint(steps, written))
        self.failed = False
        for advance in advances:
            if advance.done:
                self._let_go(advance)

    def truncate(self, sizes: Mapping[str, int]) -> None:
        """Cuts the files of tables that are under way; that it can't be done does not matter here."""
        for table, size in sizes.items():
            path = self.places.work.get(table)
            if path is not None and not self.failed:
                with suppress(OSError, FfgenError):
                    self._file(path).truncate(size)

    def abandon(self) -> None:
        """Nobody waits for a commit that may be under way in another thread; it is to be the last."""
        self.failed = self._abandoned = True

    def complete(self, sums: Mapping[str, str]) -> None:
        """All files are committed whole; they are about to take their places."""
        if self._journal is not None and not self.failed:
            self._journal.append(Complete(dict(sums)))

    def forget(self) -> None:
        """All files have taken their places: what the journal says must not meet the files of a later run."""
        self.close()
        forget(self.disk, self.places.journal)

    def close(self) -> None:
        """Lets go of all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        if self._journal is not None:
            self._journal.close()

    def _begin(self, first: Checkpoint) -> None:
        """The journal, with its first checkpoint."""
        journal = Journal.create(self.disk, self.places.journal)
        journal.append(Head(dict(self._told())), first)
        for folder in self.places.folders:
            self.disk.sync_folder(folder)
        self._journal = journal

    def _synced(self, advance: Advance) -> Step:
        """The bytes of a table's files are on the disk; what the journal says of them."""
        stored = [self._stored(advance.table, advance.first + i) for i in range(len(advance.parts) * advance.stores)]
        file = None if advance.size is None else self._extent(self.places.work[advance.table], advance.size)
        keys = (
            None
            if advance.keys is None or advance.done
            else self._extent(self.places.keys(advance.table), advance.keys)
        )
        return Step(advance.table, advance.parts, file, keys, stored, advance.done)

    def _extent(self, path: str, size: int) -> Extent:
        file = self._file(path)
        file.sync()
        return Extent(size, tail_of(file, size))

    def _stored(self, table: str, shard: int) -> int:
        path = self.places.stored(table, shard)
        file = self.disk.open(path)
        try:
            file.sync()
            self._new_names.add(os.path.dirname(path))
            return file.size()
        finally:
            file.close()

    def _file(self, path: str) -> File:
        if path not in self._files:
            self._files[path] = self.disk.open(path)
            self._new_names.add(os.path.dirname(path))
        return self._files[path]

    def _let_go(self, advance: Advance) -> None:
        """A finished table's files are looked at no more, and the gate's keys serve nobody."""
        keys = self.places.keys(advance.table)
        for path in (self.places.work.get(advance.table, ""), keys):
            if path in self._files:
                self._files.pop(path).close()
        if advance.keys is not None:
            self.disk.remove(keys)

    def _check(self, kept: Kept) -> str:
        """Holds the files against the journal, and cuts them; what is wrong with them, in words."""
        for name, table in kept.tables.items():
            for shard, size in enumerate(table.stored):
                if self.disk.size(path := self.places.stored(name, shard)) != size:
                    return f"{path} is not what it was"
            if table.keys is not None and not table.done and (fault := self._cut(self.places.keys(name), table.keys)):
                return fault
            if table.file is not None and (fault := self._cut_or_published(name, table.file, kept)):
                return fault
        return self._cut_or_published("", kept.labels, kept) if kept.labels is not None else ""

    def _cut_or_published(self, name: str, extent: Extent, kept: Kept) -> str:
        work, final = self.places.work[name], self.places.final[name]
        if kept.sums and self.disk.size(work) < 0 and sum_of(self.disk, final) == kept.sums.get(name):
            self.disk.sync_folder(os.path.dirname(final))  # it may have been killed right after the rename
            kept.published.add(name)
            return ""
        return self._cut(work, extent)

    def _cut(self, path: str, extent: Extent) -> str:
        try:
            file = self.disk.open(path)
        except OSError:
            return f"{path} is gone"
        try:
            if file.size() < extent.size:
                return f"{path} is shorter than it was"
            if tail_of(file, extent.size) != extent.tail:
                return f"{path} was changed"
            if file.size() > extent.size:
                file.truncate(extent.size)
            return ""
        finally:
            file.close()


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


def differs(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What the bytes depend on and is not as it was, in words."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return f"not the same as then: {', '.join(names)}" if names else ""


def tail_of(file: File, size: int) -> bytes:
    """A digest of the last 64 KiB of a file's first bytes."""
    first = max(0, size - TAIL)
    return xxhash.xxh3_128_digest(file.read_at(first, size - first))


def sum_of(disk: Disk, path: str) -> str:
    """The xxh3-128 of a file in hex; empty when it can't be read."""
    made, at = xxhash.xxh3_128(), 0
    try:
        file = disk.open(path)
    except OSError:
        return ""
    try:
        while piece := file.read_at(at, _CHUNK):
            made.update(piece)
            at += len(piece)
    except OSError:
        return ""
    finally:
        file.close()
    return made.hexdigest()


def stored_path(folder: str, table: str, shard: int) -> str:
    """Where the columns of a shard wait that other tables look up."""
    return os.path.join(folder, f"{key_of(table):016x}.{shard:07d}.arrow")

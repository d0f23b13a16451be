"""A run's checkpoints: in which order things reach the disk, and what is taken over of an earlier run.

All of it is written against `ffgen.disk`, and tested on one that forgets what was not synced.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import xxhash
from msgspec import Struct

from ffgen.disk import Disk, File, forget
from ffgen.errors import FfgenError
from ffgen.run.journal import (
    Checkpoint,
    Complete,
    Extent,
    Head,
    Journal,
    Kept,
    Part,
    Step,
    file_name,
    replayed,
    stored_path,
)

TAIL = 1 << 16
"""Bytes at the end of what is committed that must still be the same."""
_CHUNK = 1 << 20


class Places(Struct, frozen=True):
    """Where a run's files are: for each table its work file and its destination; `store` is a folder for the rest.
    The labels have the empty name."""

    journal: str
    store: str
    work: dict[str, str]
    final: dict[str, str]

    def keys(self, table: str) -> str:
        """The keys that the gate has let in. A table's name may hold what a file's can't."""
        return os.path.join(self.store, f"{file_name(table)}.keys")

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

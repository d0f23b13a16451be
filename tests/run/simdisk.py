"""A disk that forgets: what was not synced is lost, torn at 512 bytes and reordered by a power cut, as chance says.

What it takes for granted is what file systems promise: a sector of 512 bytes is written whole or not at all, what a
sync that returned had covered stays, and a rename happens whole or not at all. All else is lost or kept piece by piece:
sectors of data, the length of a file without its data (it reads as zeros then), cuts, new names, renames, removals, in
any order. A sync that fails marks what it could not write as written, as Linux does: who syncs again is lied to.
"""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

SECTOR = 512
Content = bytearray
Change = Callable[[Content], None]


@dataclass(eq=False)
class Inode:
    """A file: as programs see it, as it is on the disk, and the changes in between."""

    seen: Content = field(default_factory=bytearray)
    stable: Content = field(default_factory=bytearray)
    pending: list[list[Change]] = field(default_factory=list)


Names = dict[str, Inode | None]
T = TypeVar("T")


def put(content: Content, offset: int, data: bytes) -> None:
    """Writes into a file; a hole before it reads as zeros."""
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    content[offset : offset + len(data)] = data


def writing(offset: int, data: bytes) -> Change:
    return lambda content: put(content, offset, data)


def lengthening(size: int) -> Change:
    return lambda content: content.extend(bytes(max(0, size - len(content))))


def cutting(size: int) -> Change:
    def cut(content: Content) -> None:
        del content[size:]

    return cut


class SimFile:
    """See `ffgen.disk.File`."""

    def __init__(self, disk: "SimDisk", inode: Inode) -> None:
        self.disk, self.inode = disk, inode

    def size(self) -> int:
        return len(self.inode.seen)

    def read_at(self, offset: int, size: int) -> bytes:
        return bytes(self.inode.seen[offset : offset + size])

    def write_at(self, offset: int, data: bytes) -> None:
        self.disk.step()
        put(self.inode.seen, offset, data)
        changes: list[Change] = [lengthening(offset + len(data))]
        at = 0
        while at < len(data):
            end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
            changes.append(writing(offset + at, data[at:end]))
            at = end
        self.inode.pending.append(changes)

    def truncate(self, size: int) -> None:
        self.disk.step()
        change = cutting(size) if size < len(self.inode.seen) else lengthening(size)
        change(self.inode.seen)
        self.inode.pending.append([change])

    def sync(self) -> None:
        self.disk.step()
        pending, self.inode.pending = self.inode.pending, []
        if self.disk.fails():
            self.disk.survive(self.inode.stable, pending)
            raise OSError(errno.EIO, "Input/output error")
        for changes in pending:
            for change in changes:
                change(self.inode.stable)

    def close(self) -> None:
        pass


class Died(BaseException):
    """The process is gone, whatever it was at."""


class SimDisk:
    """See `ffgen.disk.Disk`. `steps`, when set, is how many calls succeed before the process dies in one; `syncs` how
    many syncs do before one fails."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.syncs = -1
        self.steps = -1
        self.seen: dict[str, Inode] = {}
        self.stable: dict[str, Inode] = {}
        self.pending: list[tuple[int, Names]] = []
        self._number = 0
        self._latest: dict[str, int] = {}

    def step(self) -> None:
        if self.steps == 0:
            raise Died
        self.steps -= 1

    def fails(self) -> bool:
        self.syncs -= self.syncs >= 0
        return self.syncs == 0

    def open(self, path: str, *, create: bool = False) -> SimFile:
        if path not in self.seen:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            self._change({path: Inode()})
        return SimFile(self, self.seen[path])

    def size(self, path: str) -> int:
        return len(self.seen[path].seen) if path in self.seen else -1

    def rename(self, source: str, target: str) -> None:
        self._change({source: None, target: self.seen[source]})

    def remove(self, path: str) -> None:
        if path in self.seen:
            self._change({path: None})

    def sync_folder(self, path: str) -> None:
        self.step()
        if self.fails():
            raise OSError(errno.EIO, "Input/output error")
        pending, self.pending = self.pending, []
        for change in pending:
            if any(os.path.dirname(name) == path for name in change[1]):
                self._reach(*change)
            else:
                self.pending.append(change)

    def cut_power(self) -> None:
        """What was not synced is kept or lost, piece by piece; what is seen is what is left."""
        how = self.chance.random()  # from nothing kept to all kept
        for change in self._some(self.pending, how):
            self._reach(*change)
        self.pending = []
        for inode in {id(inode): inode for inode in [*self.seen.values(), *self.stable.values()]}.values():
            self.survive(inode.stable, inode.pending)
            inode.pending = []
            inode.seen = Content(inode.stable)
        self.seen = dict(self.stable)

    def survive(self, content: Content, pending: list[list[Change]]) -> None:
        """Some of the changes reach the disk."""
        how = self.chance.random()
        for changes in pending:
            for change in self._some(changes, how):
                change(content)

    def _some(self, things: list[T], how: float) -> list[T]:
        return [thing for thing in things if self.chance.random() < how]

    def _change(self, names: Names) -> None:
        self.step()
        apply(self.seen, names)
        self._number += 1
        self.pending.append((self._number, names))

    def _reach(self, number: int, names: Names) -> None:
        """A change of names reaches the disk. What came to a name later and is there already stays."""
        new = {name: inode for name, inode in names.items() if self._latest.get(name, 0) < number}
        self._latest |= dict.fromkeys(new, number)
        apply(self.stable, new)


def apply(names: dict[str, Inode], change: Names) -> None:
    """Names appear, disappear, or come to mean another file."""
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode

"""An exact set of 64-bit keys that keeps to its memory.

In memory the keys stand in an open-addressing table: a key's first bits are its slot, so the table is nearly in key
order and a sorted copy of it is cheap. A full table is merged into one sorted file, and a lookup there is one page
read with `read`, not through a mapping: on a table of 1 GiB, held to 64 MiB of resident pages, a mapping cost
7-9 us a key (each fault maps 16 pages, and `madvise` unmaps them again) against 1-2 us here, and a mapping answers a
failing disk with SIGBUS.
"""

import errno
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ffgen import failpoint
from ffgen.errors import DestinationError

Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_LEAST_SLOTS = 1 << 10
_CHUNK = 1 << 14
"""Keys taken at once: their temporaries stay within 1 MiB."""
_FEW = 96
"""Up to here a plain loop (0.3 us a key) beats the fixed cost of the array operations."""
_PAGE = 512
"""Keys in a page of the file, 4 KiB."""
_BLOCK = 1 << 16
"""Keys of a block in a merge."""
_MIB = 1 << 20


class KeySet:
    """Which keys have been seen: exact, at any number of keys.

    Keys are hashes, spread over all 64 bits, and never 0. Holds at most `memory` bytes (and 3 MiB of temporaries)
    however many keys come, plus 16 bytes a thousand keys past the bound; what is beyond goes to an unnamed file in
    `directory`, which nothing can leave behind. `expected` only sizes the table beforehand. In memory 0.05-0.15 us
    a key at 64,000 keys a batch and 0.3-0.5 us at 32; past the bound 0.7 and 2 us.
    """

    def __init__(self, expected: int, memory: int = 64 * _MIB, directory: str | None = None) -> None:
        self._directory = tempfile.gettempdir() if directory is None else directory
        self._most_slots = max(_LEAST_SLOTS, _power_below(memory * 2 // 3 // 8))
        self._table = _Table(min(self._most_slots, max(_LEAST_SLOTS, _power_above(expected * 4 // 3))))
        self._run: _Run | None = None

    def __len__(self) -> int:
        return self._table.count + (len(self._run) if self._run else 0)

    def add(self, keys: Keys) -> Flags:
        """True for each key not seen before, in this batch or an earlier one; all of them are seen from now on.

        Raises DestinationError when the file can't grow; the set is closed then.
        """
        step = min(_CHUNK, self._most_slots // 8)
        if len(keys) <= step:
            return self._add(keys)
        return np.concatenate([self._add(keys[at : at + step]) for at in range(0, len(keys), step)])

    def holds(self, keys: Keys) -> Flags:
        """True for each key that has been added."""
        held = self._table.holds(keys)
        if self._run:
            held[~held] = self._on_disk(self._run, keys[~held])
        return held

    def close(self) -> None:
        """Gives back memory and file. The set is empty then."""
        self._table = _Table(_LEAST_SLOTS)
        if self._run:
            self._run.close()
            self._run = None

    def _add(self, keys: Keys) -> Flags:
        while self._table.count + len(keys) > self._table.room:
            self._make_room()
        if self._run is None:
            return self._table.add(keys)
        fresh = ~self._on_disk(self._run, keys)
        fresh[fresh] = self._table.add(keys[fresh])
        return fresh

    def _on_disk(self, run: "_Run", keys: Keys) -> Flags:
        try:
            return run.holds(keys)
        except OSError as error:
            raise _unusable(error, self._directory, 0) from error

    def _make_room(self) -> None:
        slots = len(self._table.slots)
        if slots < self._most_slots:
            grown = _Table(slots * 2)
            for at in range(0, slots, _CHUNK):
                part = self._table.slots[at : at + _CHUNK]
                grown.add(part[part != 0])
            self._table = grown
        else:
            self._spill()

    def _spill(self) -> None:
        young = self._table.drain()
        try:
            failpoint.hit("gate.spill")
            run = _Run.merged(self._run, young, self._directory)
        except OSError as error:
            need = 8 * (len(young) + (len(self._run) if self._run else 0))
            self.close()
            raise _unusable(error, self._directory, need) from error
        if self._run:
            self._run.close()
        self._run = run
        self._table.clear()


class _Table:
    """Keys in memory, three slots in four at most. A probe starts at the key's first bits and goes up."""

    def __init__(self, slots: int) -> None:
        self.slots: Keys = np.zeros(slots, np.uint64)
        self.room = slots * 3 // 4
        self.count = 0
        self._view = memoryview(self.slots)  # type: ignore[arg-type]
        self._mask = slots - 1
        self._shift = 65 - slots.bit_length()

    def add(self, keys: Keys) -> Flags:
        fresh = np.zeros(len(keys), np.bool_)
        rows = self._add_many(keys, fresh) if len(keys) > _FEW else np.arange(len(keys))
        fresh[rows] = self._add_few(keys[rows].tolist())
        self.count += int(np.count_nonzero(fresh))
        return fresh

    def _add_few(self, keys: list[int]) -> list[bool]:
        view, shift, mask = self._view, self._shift, self._mask
        fresh = []
        for key in keys:
            slot = key >> shift
            while (seen := view[slot]) and seen != key:
                slot = slot + 1 & mask
            if not seen:
                view[slot] = key
            fresh.append(not seen)
        return fresh

    def _add_many(self, keys: Keys, fresh: Flags) -> NDArray[np.int64]:
        """Probes all keys a step at a time and returns the rows not settled when few are left.

        Rows that meet at an empty slot claim it with their row number, the last written wins, so they are written
        backwards: the first row of equal keys, which walk in step, is the one that enters.
        """
        table = self.slots
        slots = self._starts(keys)
        rows = np.arange(len(keys))
        while len(rows) > _FEW:
            seen = table[slots]
            empty = np.flatnonzero(seen == 0)
            claimed, claims = slots[empty], rows[empty]
            table[claimed[::-1]] = claims[::-1]
            won = table[claimed] == claims
            winners = claims[won]
            table[claimed[won]] = keys[winners]
            fresh[winners] = True
            going = seen != keys[rows]
            going[empty[won]] = False
            slots = (slots + (seen != 0) & self._mask)[going]
            rows = rows[going]
        return rows

    def holds(self, keys: Keys) -> Flags:
        if len(keys) <= _FEW:
            return np.array([self._holds_one(key) for key in keys.tolist()], np.bool_)
        held = np.zeros(len(keys), np.bool_)
        slots = self._starts(keys)
        rows = np.arange(len(keys))
        while len(rows):
            seen = self.slots[slots]
            same = seen == keys[rows]
            held[rows[same]] = True
            going = (seen != 0) & ~same
            slots = (slots[going] + 1) & self._mask
            rows = rows[going]
        return held

    def _holds_one(self, key: int) -> bool:
        view, slot = self._view, key >> self._shift
        while (seen := view[slot]) and seen != key:
            slot = slot + 1 & self._mask
        return bool(seen)

    def drain(self) -> Keys:
        """All keys, sorted, in the table's own memory: call `clear` before anything else."""
        self.slots.sort()
        return self.slots[len(self.slots) - self.count :]

    def clear(self) -> None:
        self.slots.fill(0)
        self.count = 0

    def _starts(self, keys: Keys) -> NDArray[np.int64]:
        return (keys >> np.uint64(self._shift)).view(np.int64)


class _Run:
    """Sorted keys in an unnamed file, with the first key of each page in memory."""

    def __init__(self, file: IO[bytes], index: Keys, count: int) -> None:
        self._file = file
        self._index = index
        self._count = count

    def __len__(self) -> int:
        return self._count

    @classmethod
    def merged(cls, old: "_Run | None", young: Keys, directory: str) -> "_Run":
        """A new run with the keys of both. Raises OSError and leaves nothing behind when the disk is full."""
        file = tempfile.TemporaryFile(dir=directory, buffering=0)
        try:
            index, count = [], 0
            for piece in _merge(old, young):
                index.append(piece[-count % _PAGE :: _PAGE].copy())
                count += len(piece)
                _write(file, piece)
        except BaseException:
            file.close()
            raise
        return cls(file, np.concatenate(index), count)

    def holds(self, keys: Keys) -> Flags:
        pages = self._index.searchsorted(keys, side="right") - 1
        order = np.argsort(pages)  # neighbours share a page
        held = np.zeros(len(keys), np.bool_)
        held[order] = self._look_up(pages[order].tolist(), keys[order].tolist())
        return held

    def _look_up(self, pages: list[int], keys: list[int]) -> list[bool]:
        file, held, current = self._file, [], -1
        view = memoryview(b"").cast("Q")
        for page, key in zip(pages, keys, strict=True):
            if page != current:
                file.seek(page * _PAGE * 8)
                view = memoryview(file.read(_PAGE * 8)).cast("Q")
                current = page
            at = bisect_left(view, key)
            held.append(at < len(view) and view[at] == key)
        return held

    def blocks(self) -> Iterator[Keys]:
        self._file.seek(0)
        while data := self._file.read(_BLOCK * 8):
            yield np.frombuffer(data, np.uint64)

    def close(self) -> None:
        self._file.close()


def _merge(old: _Run | None, young: Keys) -> Iterator[Keys]:
    at = 0
    for block in old.blocks() if old else ():
        until = at + int(young[at:].searchsorted(block[-1]))
        piece = np.concatenate([block, young[at:until]])
        piece.sort(kind="stable")  # two sorted halves: a merge
        yield piece
        at = until
    yield young[at:]


def _write(file: IO[bytes], piece: Keys) -> None:
    data = memoryview(piece).cast("B")  # type: ignore[arg-type]
    while data:
        data = data[file.write(data) :]


def _unusable(error: OSError, directory: str, need: int) -> DestinationError:
    what = f"The set of keys can't be kept in {directory}: {error.strerror or error}."
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return DestinationError(what, hint="Choose a folder that can be written and read, or raise --dedup-memory.")
    missing = max(1, need - shutil.disk_usage(directory).free)
    return DestinationError(
        f"{what} It needs {need / _MIB:.0f} MiB, {missing / _MIB:.0f} MiB more than there is.",
        hint="Free that much, or raise --dedup-memory.",
    )


def _power_above(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()


def _power_below(number: int) -> int:
    return 1 << max(0, number.bit_length() - 1)

"""Near twins: texts too much alike to stand in one column. The first that came stays.

MinHash bands say which texts to compare (see `shingles`); what they bring together is compared in full. All of it is
kept in memory: an index on disk would cost a read for each band of each text.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ffgen.admit.exact import Flags
from ffgen.errors import ShortfallError
from ffgen.shingles import U32, WORDS, Digests, bands_for, digest, room_of, shingles

__all__ = ["AT_ONCE", "MEMORY", "NearSet", "shingles"]

MEMORY = 48 << 20
"""Bytes of one set unless said: 49,000 texts of 160 characters."""
AT_ONCE = 512
"""Texts judged at once: what their pairs take stays small even where all are alike."""
_PAIRS = 1 << 14
_VALUES = 1 << 20
"""Shingles compared at once."""
_EPSILON = 1e-9
_MIB = 1 << 20

Places = NDArray[np.int64]


class NearSet:
    """Which texts have been seen, near twins being the same: those whose sets of 4-grams have at least `threshold`
    in Jaccard similarity.

    Judges in the order of arrival, however texts are batched. A pair just as alike as the threshold is missed one
    time in a hundred, a closer one less often; what is refused is a twin for certain. 30-60 us a text of 160
    characters, most of it for the digest, which another process can make. Raises ShortfallError when `memory` bytes
    are full: it forgets nothing. `name` is the field's, for that message.
    """

    def __init__(self, threshold: float, memory: int = MEMORY, name: str = "") -> None:
        self.threshold = threshold
        self.memory = memory
        self.name = name
        self._width = bands_for(threshold)[0]
        self._sets = _Column(np.uint32)
        self._starts = _Column(np.int64)
        self._counts = _Column(np.uint32)
        self._bitmaps = _Column(np.uint64, WORDS)
        self._keys = _Column(np.uint32)
        self._next = _Column(np.int32)
        self._heads = np.full(1 << 10, -1, np.int32)

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._heads.nbytes + sum(column.data.nbytes for column in self._columns())

    def judge(self, texts: Sequence[str | None]) -> Flags:
        """True for each text that enters; a null always does, and is not kept."""
        return self.judge_digests(digest(texts, self.threshold))

    def judge_digests(self, digests: Digests) -> Flags:
        """`judge` for texts that were digested before, at this threshold."""
        verdicts = [np.zeros(0, np.bool_)]
        for part in digests.parts(AT_ONCE):
            known, pairs = self.meet(part)
            admitted = ~known
            for later, earlier in pairs.tolist():
                if admitted[earlier]:
                    admitted[later] = False
            self.add(part, admitted)
            verdicts.append(admitted)
        return np.concatenate(verdicts)

    def meet(self, digests: Digests) -> tuple[Flags, Places]:
        """Which texts have a twin that was added, and the pairs of twins among the texts themselves (the later, then
        the earlier; by the later one, rising)."""
        starts = np.cumsum(digests.counts, dtype=np.int64) - digests.counts
        new = (digests.sets, starts, digests.counts, digests.bitmaps)
        old = (self._sets.data, self._starts.data, self._counts.data, self._bitmaps.data)
        known = np.zeros(len(digests), np.bool_)
        met = self._found(digests)
        known[met[self._are_twins(new, met[:, 0], old, met[:, 1]), 0]] = True
        pairs = _neighbours(digests)
        return known, pairs[self._are_twins(new, pairs[:, 0], new, pairs[:, 1])]

    def add(self, digests: Digests, admitted: Flags) -> None:
        """Keeps the texts that were admitted."""
        kept = np.flatnonzero(admitted & (digests.counts > 0))
        if not len(kept):
            return
        starts = np.cumsum(digests.counts, dtype=np.int64) - digests.counts
        counts = digests.counts[kept]
        values = digests.sets[_places(starts[kept], counts)]
        self._make_room(len(kept), len(values))
        first = len(self)
        self._starts.extend(np.cumsum(counts, dtype=np.int64) - counts + len(self._sets))
        self._sets.extend(values)
        self._counts.extend(counts)
        self._bitmaps.extend(digests.bitmaps[kept])
        self._keys.extend(digests.bands[kept].ravel())
        self._next.extend(np.full(len(kept) * self._width, -1, np.int32))
        if len(self._keys) > len(self._heads):
            self._heads = np.full(_heads(len(self._keys)), -1, np.int32)
            first = 0
        self._link(first * self._width)

    def _found(self, digests: Digests) -> Places:
        """Texts and the kept ones that they share a band with: pairs, each once."""
        rows = np.flatnonzero(digests.counts)
        keys = digests.bands[rows].ravel()
        rows = np.repeat(rows, self._width)
        entries = self._heads[keys & np.uint32(len(self._heads) - 1)]
        found = [np.zeros(0, np.int64)]
        while True:
            there = entries >= 0
            rows, keys, entries = rows[there], keys[there], entries[there]
            if not len(rows):
                break
            same = self._keys.data[entries] == keys
            found.append(rows[same] << 32 | entries[same] // self._width)
            entries = self._next.data[entries]
        met = np.unique(np.concatenate(found))
        return np.stack([met >> 32, met & 0xFFFFFFFF], axis=1)

    def _are_twins(self, left: "_Texts", rows: Places, right: "_Texts", others: Places) -> Flags:
        """Which pairs are alike enough."""
        twins = np.zeros(len(rows), np.bool_)
        for at in range(0, len(rows), _PAIRS):
            these, those = rows[at : at + _PAIRS], others[at : at + _PAIRS]
            likely = np.flatnonzero(self._may_be_twins(left, these, right, those))
            sizes = left[2][these[likely]].astype(np.int64) + right[2][those[likely]]
            shared = _shared(left, these[likely], right, those[likely], sizes)
            twins[at + likely] = shared + _EPSILON >= self.threshold * (sizes - shared)
        return twins

    def _may_be_twins(self, left: "_Texts", rows: Places, right: "_Texts", others: Places) -> Flags:
        """Leaves out only pairs that can't be: where one set is too small, or where the bitmaps differ in too many
        bits, each of which stands for a shingle of one text alone (E. Sandes, G. Teodoro and A. Melo, Bitmap filter:
        speeding up exact set similarity joins with bitwise operations, 2017)."""
        a, b = left[2][rows].astype(np.int64), right[2][others].astype(np.int64)
        may: Flags = np.minimum(a, b) + _EPSILON >= self.threshold * np.maximum(a, b)
        some = np.flatnonzero(may)
        apart = np.bitwise_count(left[3][rows[some]] ^ right[3][others[some]]).sum(axis=1, dtype=np.int64)
        both = a[some] + b[some]
        may[some] = both - apart + _EPSILON >= self.threshold * (both + apart)
        return may

    def _link(self, first: int) -> None:
        """Hangs entries from `first` on into the chains of their buckets, later ones in front."""
        buckets = self._keys.data[first : len(self._keys)] & np.uint32(len(self._heads) - 1)
        order = np.argsort(buckets, kind="stable")
        sorted_, entries = buckets[order], (order + first).astype(np.int32)
        begins = np.concatenate([[True], sorted_[1:] != sorted_[:-1]])
        before = np.concatenate([np.zeros(1, np.int32), entries[:-1]])
        self._next.data[entries] = np.where(begins, self._heads[sorted_], before)
        ends = np.concatenate([begins[1:], [True]])
        self._heads[sorted_[ends]] = entries[ends]

    def _make_room(self, texts: int, values: int) -> None:
        grown = [texts * self._width if column in (self._keys, self._next) else texts for column in self._columns()]
        grown[0] = values
        size = sum(column.size_with(more) for column, more in zip(self._columns(), grown, strict=True))
        heads = max(len(self._heads), _heads(len(self._keys) + texts * self._width))
        if size + 4 * heads > self.memory:
            raise self._full()

    def _full(self) -> ShortfallError:
        length = len(self._sets) / max(len(self), 1) + 3
        field = f"`{self.name}`" if self.name else "the field"
        what = f"{len(self):,} texts fill the {self.memory / _MIB:.1f} MiB in which near twins of {field} are found"
        more = room_of(1000, length, self.threshold) / _MIB
        hint = f"Raise --dedup-memory ({more:.1f} MiB for a thousand such texts), lower count, or say `unique: true`."
        return ShortfallError(f"{what}; none may be forgotten.", hint=hint)

    def _columns(self) -> "list[_Column]":
        return [self._sets, self._starts, self._counts, self._bitmaps, self._keys, self._next]


_Texts = tuple[U32, Places, U32, NDArray[np.uint64]]
"""Sets one after the other, where each begins, how many shingles it has, and its bitmap."""


class _Column:
    """An array that grows at its end, by an eighth."""

    def __init__(self, dtype: type[np.generic], width: int = 0) -> None:
        self.data = np.empty((64, width) if width else 64, dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def size_with(self, more: int) -> int:
        """Bytes once so many are added."""
        return self._room(more) * self.data.nbytes // len(self.data)

    def extend(self, values: NDArray[np.generic]) -> None:
        """Adds rows."""
        room = self._room(len(values))
        if room > len(self.data):
            # In place: large blocks are moved by the system, without a second copy.
            self.data.resize((room, *self.data.shape[1:]), refcheck=False)
        self.data[self._count : self._count + len(values)] = values
        self._count += len(values)

    def _room(self, more: int) -> int:
        need = self._count + more
        return len(self.data) if need <= len(self.data) else max(need, len(self.data) * 9 // 8)


def _heads(entries: int) -> int:
    """Buckets for so many entries: a power of two, one entry a bucket or less."""
    return 1 << max(10, (entries - 1).bit_length())


def _neighbours(digests: Digests) -> Places:
    """Pairs of texts that share a band, the later first, each once, in the order of the later."""
    rows = np.flatnonzero(digests.counts)
    width = digests.bands.shape[1]
    keys = digests.bands[rows].ravel()
    rows = np.repeat(rows, width)
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    begins = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]]))
    rank = np.arange(len(keys)) - np.repeat(begins, np.diff(np.append(begins, len(keys))))
    later = np.repeat(rows, rank)
    earlier = rows[_places(np.arange(len(keys)) - rank, rank)]
    pairs = np.unique(later[later > earlier] << 32 | earlier[later > earlier])
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF], axis=1)


def _places(starts: Places, counts: NDArray[np.generic]) -> Places:
    """The places of several runs, one after the other."""
    long = counts.astype(np.int64)
    found: Places = np.arange(long.sum()) + np.repeat(starts - (np.cumsum(long) - long), long)
    return found


def _shared(left: _Texts, rows: Places, right: _Texts, others: Places, sizes: Places) -> Places:
    """How many shingles the two texts of each pair have in common."""
    shared = np.zeros(len(rows), np.int64)
    ends = np.cumsum(sizes)
    at = 0
    while at < len(rows):
        to = max(at + 1, int(np.searchsorted(ends, ends[at] + _VALUES)))
        keys = np.concatenate([_numbered(left, rows[at:to]), _numbered(right, others[at:to])])
        keys.sort()
        twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(32)
        shared[at:to] = np.bincount(twice.view(np.int64), minlength=to - at)
        at = to
    return shared


def _numbered(texts: _Texts, rows: Places) -> NDArray[np.uint64]:
    """The shingles of some texts, each with its text's place among them in its upper half."""
    sets, starts, counts, _ = texts
    values = sets[_places(starts[rows], counts[rows])]
    return np.repeat(np.arange(len(rows), dtype=np.uint64) << np.uint64(32), counts[rows]) | values

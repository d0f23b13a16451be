"""Texts as sets of character 4-grams, and what lets alike ones find each other: MinHash bands, bitmaps of the sets.

How alike two texts are is the Jaccard similarity of their sets (A. Broder, On the resemblance and containment of
documents, 1997): what they share over what there is. A text is taken in NFC, without case, its space collapsed.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

GRAM = 4
"""Characters of a shingle."""
WORDS = 16
"""Words of 64 bits in a bitmap: 1,024 bits tell sets of 600 shingles apart well."""
CAUGHT = 0.99
"""The share of pairs just as alike as the threshold that must meet in a band."""
MOST_HASHES = 64
_PRIME = np.uint64(0x9E3779B185EBCA87)
_MIX = np.uint64(0x165667919E3779F9)
_AT_ONCE = 1 << 13
"""Shingles hashed at once: with 64 hash functions 2 MiB, which stays in a processor's cache."""
_SLACK = 1.125
"""Arrays grow by an eighth at a time."""


class Digests(msgspec.Struct, frozen=True):
    """Some texts, made ready to be compared; a null has an empty set.

    `bands` has a row of u32 keys for each text, `bitmaps` its shingles modulo 1,024, `counts` how many there are, and
    `sets` all shingles (u32 hashes, rising within a text) one text after the other.
    """

    bands: U32
    bitmaps: U64
    counts: U32
    sets: U32

    def __len__(self) -> int:
        return len(self.counts)

    def pack(self) -> bytes:
        """As bytes, for another process."""
        head = np.array([len(self), self.bands.shape[1]], np.uint64)
        return b"".join(part.tobytes() for part in (head, self.bitmaps, self.bands, self.counts, self.sets))

    @classmethod
    def unpack(cls, data: bytes) -> "Digests":
        """What `pack` gave, without copying."""
        rows, width = np.frombuffer(data, np.uint64, 2).tolist()
        at = 16
        bitmaps = np.frombuffer(data, np.uint64, rows * WORDS, at).reshape(rows, WORDS)
        at += bitmaps.nbytes
        bands = np.frombuffer(data, np.uint32, rows * width, at).reshape(rows, width)
        at += bands.nbytes
        counts = np.frombuffer(data, np.uint32, rows, at)
        return cls(bands, bitmaps, counts, np.frombuffer(data, np.uint32, -1, at + counts.nbytes))

    def parts(self, rows: int) -> Iterator["Digests"]:
        """The same, at most so many texts at a time."""
        ends = np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])
        for at in range(0, len(self), rows):
            to = min(at + rows, len(self))
            sets = self.sets[ends[at] : ends[to]]
            yield Digests(self.bands[at:to], self.bitmaps[at:to], self.counts[at:to], sets)


def digest(texts: Sequence[str | None], threshold: float) -> Digests:
    """Makes texts ready to be compared at this threshold. 20-40 us a text of 160 characters."""
    counts, sets = _shingles([None if text is None else plain(text) for text in texts])
    starts = np.cumsum(counts, dtype=np.int64) - counts
    return Digests(_bands(counts, starts, sets, threshold), _bitmaps(counts, sets), counts, sets)


def shingles(text: str) -> U32:
    """The 4-grams of a text as hashes, rising; of a shorter one the whole text is the only one."""
    return _shingles([plain(text)])[1]


def plain(text: str) -> str:
    """A text as it is compared: NFC, no case, single spaces.

    >>> plain("  Straße \\n 5 ")
    'strasse 5'
    """
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


@lru_cache(maxsize=64)
def bands_for(threshold: float) -> tuple[int, int]:
    """How many bands of how many hashes: the longest bands in which 99 in 100 pairs that are just alike enough meet.

    Two texts of similarity s meet in one of b bands of r hashes with probability 1 - (1 - s^r)^b (Leskovec, Rajaraman
    and Ullman, Mining of Massive Datasets, 3.4.2). Below 0.07 fewer meet.

    >>> bands_for(0.85)
    (10, 6)
    """
    for rows in range(MOST_HASHES, 0, -1):
        met = threshold**rows
        bands = 1 if met == 1 else math.ceil(math.log(1 - CAUGHT) / math.log1p(-met)) if met > 1e-9 else MOST_HASHES
        if rows * bands <= MOST_HASHES:
            return bands, rows
    return MOST_HASHES, 1


def room_of(texts: int, characters: float, threshold: float) -> int:
    """Bytes that so many texts of so many characters take in a `NearSet`, about."""
    bands, _ = bands_for(threshold)
    return int(texts * _SLACK * (8 * WORDS + 12 + 14 * bands + 4 * max(1.0, characters - GRAM + 1)))


def _shingles(texts: Sequence[str | None]) -> tuple[U32, U32]:
    """How many shingles each text has, and the shingles of all, without repeats."""
    padded = ["" if text is None else text.ljust(GRAM, "\0") for text in texts]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    chars = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if not len(chars):
        return np.zeros(len(texts), np.uint32), np.zeros(0, np.uint32)
    owner = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)[: 1 - GRAM]
    hashes = chars[: 1 - GRAM]
    for place in range(1, GRAM):
        hashes = hashes * _PRIME + chars[place : len(chars) - GRAM + 1 + place]
    hashes ^= hashes >> np.uint64(37)  # XXH3's avalanche
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(32)
    last = np.repeat(np.cumsum(lengths), lengths)[: 1 - GRAM] - GRAM
    within = np.arange(len(hashes)) <= last
    keys = owner[within] << np.uint64(32) | hashes[within] & np.uint64(0xFFFFFFFF)
    keys.sort()
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    counts = np.bincount((keys >> np.uint64(32)).view(np.int64), minlength=len(texts)).astype(np.uint32)
    return counts, keys.astype(np.uint32)


def _bands(counts: U32, starts: NDArray[np.int64], sets: U32, threshold: float) -> U32:
    """The keys of each text's bands: MinHash signatures, `rows` of their values a key."""
    bands, rows = bands_for(threshold)
    slopes, shifts = _functions(bands * rows)
    least = np.zeros((bands * rows, len(counts)), np.uint32)
    there = np.flatnonzero(counts)
    ends = starts + counts
    at = 0
    while at < len(there):
        to = max(at + 1, int(np.searchsorted(ends[there], starts[there[at]] + _AT_ONCE)))
        some = there[at:to]
        first = starts[some[0]]
        values = sets[first : ends[some[-1]]] * slopes + shifts
        least[:, some] = np.minimum.reduceat(values, starts[some] - first, axis=1)
        at = to
    keys = np.empty((len(counts), bands), np.uint32)
    for band in range(bands):
        key = np.full(len(counts), band + 1, np.uint64)
        for value in least[band * rows : (band + 1) * rows]:
            key = (key ^ value) * _PRIME
            key ^= key >> np.uint64(29)
        keys[:, band] = key >> np.uint64(32)
    return keys


def _bitmaps(counts: U32, sets: U32) -> U64:
    found = np.zeros((len(counts), WORDS * 8), np.uint8)
    bits = np.zeros((256, WORDS * 64), np.bool_)
    ends = np.cumsum(counts, dtype=np.int64)
    for at in range(0, len(counts), len(bits)):
        some = counts[at : at + len(bits)]
        values = sets[ends[at] - counts[at] : ends[at + len(some) - 1]]
        bits[:] = False
        bits[np.repeat(np.arange(len(some)), some), values % np.uint32(WORDS * 64)] = True
        found[at : at + len(some)] = np.packbits(bits[: len(some)], axis=1)
    return found.view(np.uint64)


@lru_cache(maxsize=8)
def _functions(count: int) -> tuple[U32, U32]:
    """`count` permutations of the numbers below 2**32, x -> a*x + b with a odd; the same in every process (T. Bohman,
    C. Cooper and A. Frieze, Min-wise independent linear permutations, 2000)."""
    words = np.array([xxhash.xxh3_64_intdigest(b"minhash/%d" % number) for number in range(count)], np.uint64)
    slopes = (words >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    return slopes[:, None], words.astype(np.uint32)[:, None]

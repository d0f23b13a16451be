"""The words of an automaton by number, many at a time: all of them take one step towards their end together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.pattern import Automaton, CharSet
from ffgen.rng import U64
from ffgen.sample.base import MOST_ROOM
from ffgen.sample.digits import Codes, mixed, put
from ffgen.sample.strings import Bytes, from_bytes, from_matrix

Edge = tuple[CharSet, int]
"""Characters, and the class of what may follow them."""

CHUNK = 1 << 16
"""Texts up to which some characters are looked up as one."""


@dataclass(frozen=True)
class _Step:
    """What can be the next character of words that have the same number of characters left.

    States that the same words follow are one class. A class numbers its words: each edge has an interval of them,
    and in it a number says which character and which word behind it. `width` edges stand in the arrays for each
    class, a power of two; `ends` and `starts` bound their intervals. A class of more words than can be counted in
    62 bits is `full`: its numbers are scrambled first, or all its words would begin alike.
    """

    width: int
    starts: U64
    ends: U64
    sizes: U64
    targets: Codes
    offsets: NDArray[np.int64]
    full: NDArray[np.bool_]

    @property
    def plain(self) -> bool:
        """Whether there is but one way: whatever came before, the same characters can stand here."""
        return len(self.sizes) == 1 and not self.full[0]

    def edges(self, klass: Codes, rank: U64) -> Codes:
        """Which edge each number falls into: a search without branches, as many steps as the width has bits."""
        edge = klass * self.width
        half = self.width // 2
        while half:
            edge += half * (self.ends.take(edge + (half - 1)) <= rank)
            half //= 2
        return edge

    def take(self, klass: Codes, rank: U64, alphabet: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """The next character of each word; changes `klass` and `rank` to what is left of the word."""
        if self.full.any():
            scrambled = mixed(rank, len(self.full))
            rank[:] = scrambled if self.full.all() else np.where(self.full.take(klass), scrambled, rank)
        if len(self.sizes) == 1:
            size, offset = self.sizes[0], self.offsets[0]
        else:
            edge = self.edges(klass, rank)
            rank -= self.starts.take(edge)
            size, offset = self.sizes.take(edge), self.offsets.take(edge)
            klass[:] = self.targets.take(edge)
        higher = rank // size
        char = (rank - higher * size).view(np.int64)
        rank[:] = higher
        return alphabet.take(char + offset)


class Ranks:
    """Numbers for the words of some lengths: distinct numbers give distinct words, and where there are at most 2**62
    words of a length, each has one. Building costs 2 us an edge and length; memory 50 bytes."""

    def __init__(self, automaton: Automaton, lengths: Iterable[int]) -> None:
        self.lengths = sorted(lengths)
        self._automaton = automaton
        self._letters: list[int] = []
        self._places: dict[CharSet, int] = {}
        self._steps: list[_Step] = []
        self._build()
        self.alphabet: NDArray[np.unsignedinteger] = np.asarray(self._letters, np.uint32)
        if self.alphabet.max(initial=0) < 0x80:
            self.alphabet = self.alphabet.astype(np.uint8)
        self._chunks = self._chunked()

    def count(self, length: int) -> int:
        """How many words of a length have numbers, at most 2**62."""
        if self._chunks:
            return self._numbered
        return self._counts[length][self._first[length]]

    def words(self, length: Codes | int, rank: U64) -> pl.Series:
        """The words of these lengths and numbers, each number below `count` of its length."""
        if self._chunks:
            return self._written(rank)
        lengths = np.full(len(rank), length) if isinstance(length, int) else length
        offsets = np.zeros(len(rank) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        longest = self.lengths[-1]
        order = np.argsort((longest - lengths).astype(np.uint16), kind="stable")
        letters = np.empty(int(offsets[-1]), self.alphabet.dtype)
        self._walk(lengths, order, rank.take(order), offsets[1:].take(order), letters)
        return _utf8(letters, offsets)

    def _walk(self, lengths: Codes, order: Codes, rank: U64, ends: Codes, letters: NDArray[np.unsignedinteger]) -> None:
        """Writes all letters. The longest words stand first, so that those that have begun are always in front."""
        ending = np.bincount(lengths, minlength=self.lengths[-1] + 1)
        begun = np.cumsum(ending[::-1])[::-1]
        klass = np.zeros(len(order), np.intp)
        for left in range(self.lengths[-1], 0, -1):
            if ending[left]:
                klass[begun[left] - ending[left] : begun[left]] = self._first[left]
            now = slice(0, begun[left])
            letters[ends[now] - left] = self._steps[left].take(klass[now], rank[now], self.alphabet)

    def _build(self) -> None:
        """The steps from the last character to the first."""
        live = self._live()
        known = {state: 0 for state in live[0]}
        self._counts: list[list[int]] = [[1]]
        self._exact: list[list[int]] = [[1]]
        self._first = {0: 0}
        self._steps = [self._step([])]
        for left, states in enumerate(live[1:], 1):
            known, classes = self._classes(states, known)
            exact = [sum(chars.size * self._exact[-1][target] for chars, target in edges) for edges in classes]
            self._steps.append(self._step(classes))
            self._exact.append(exact)
            self._counts.append([min(count, MOST_ROOM) for count in exact])
            if left in self.lengths:
                self._first[left] = known[0]

    def _live(self) -> list[set[int]]:
        """The states that words of these lengths are in when a number of characters is left."""
        live: list[set[int]] = [set()]
        for left in range(self.lengths[-1], 0, -1):
            if left in self._lengths_set:
                live[-1].add(0)
            ways = self._automaton.ways(left - 1)
            live.append({to for state in live[-1] for _, to in self._automaton.edges[state] if to in ways})
        if 0 in self._lengths_set:
            live[-1].add(0)
        return live[::-1]

    @property
    def _lengths_set(self) -> frozenset[int]:
        return frozenset(self.lengths)

    def _classes(self, states: set[int], behind: dict[int, int]) -> tuple[dict[int, int], list[list[Edge]]]:
        """Each state's class, and the edges of each class. Two states are one when the same characters lead to the
        same classes."""
        known: dict[int, int] = {}
        numbers: dict[tuple[Edge, ...], int] = {}
        for state in sorted(states):
            leading: dict[int, CharSet] = {}
            for chars, to in self._automaton.edges[state]:
                if to in behind:
                    target = behind[to]
                    leading[target] = leading[target] | chars if target in leading else chars
            edges = tuple((chars, target) for target, chars in sorted(leading.items()))
            known[state] = numbers.setdefault(edges, len(numbers))
        return known, [list(edges) for edges in numbers]

    def _step(self, classes: list[list[Edge]]) -> _Step:
        width = 1 << max((len(edges) - 1).bit_length() for edges in classes) if classes else 1
        starts, ends, sizes, targets, offsets, full = [], [], [], [], [], []
        for edges in classes:
            quotas, beyond = self._quotas(edges)
            full.append(beyond)
            total = 0
            for (chars, target), quota in zip(edges, quotas, strict=True):
                starts.append(total)
                total += quota
                ends.append(total)
                sizes.append(chars.size)
                targets.append(target)
                offsets.append(self._offset(chars))
            for filled in (starts, ends, sizes, targets, offsets):
                filled.extend([filled[-1]] * (width - len(edges)))
        u64 = (np.asarray(numbers, np.uint64) for numbers in (starts, ends, sizes))
        return _Step(width, *u64, np.asarray(targets, np.intp), np.asarray(offsets, np.int64), np.asarray(full, bool))

    def _quotas(self, edges: list[Edge]) -> tuple[list[int], bool]:
        """How many numbers each edge has, and whether there are more words than numbers: then 2**62 in all, shared
        in the ratio of the words, and never more for an edge than there are numbers behind it."""
        words = [chars.size * self._exact[-1][target] for chars, target in edges]
        total = sum(words)
        if total <= MOST_ROOM:
            return words, False
        room = [chars.size * self._counts[-1][target] for chars, target in edges]
        quotas = [MOST_ROOM * each // total for each in words]
        for number, most in enumerate(room):
            quotas[number] += min(most - quotas[number], MOST_ROOM - sum(quotas))
        return quotas, True

    def _offset(self, chars: CharSet) -> int:
        """Where a set's characters stand in the alphabet."""
        if chars not in self._places:
            self._places[chars] = len(self._letters)
            for low, high in chars.ranges:
                self._letters.extend(range(low, high + 1))
        return self._places[chars]

    def _chunked(self) -> "list[_Chunk]":
        """The pattern in pieces, each looked up whole, where every word has the same length and each place has its
        characters whatever stands before it; else none."""
        self._numbered = 1
        length = self.lengths[-1]
        steps = self._steps[length:0:-1]
        if len(self.lengths) > 1 or not steps or self.alphabet.dtype != np.uint8:
            return []
        if any(len(step.sizes) > 1 for step in steps):
            return []
        chunks: list[_Chunk] = []
        at = 0
        while at < length:
            texts = self._texts(steps[at])
            width = 1
            while at + width < length and width < 8:
                further = self._texts(steps[at + width])
                if len(texts) * len(further) > CHUNK:
                    break
                texts = np.concatenate(
                    [np.repeat(texts, len(further), axis=0), np.tile(further, (len(texts), 1))], axis=1
                )
                width += 1
            chunks.append(_Chunk.of(at, texts, last=at + 8 > length))
            at += width
        for chunk in chunks:
            if self._numbered * chunk.size > MOST_ROOM:
                break
            self._numbered *= chunk.size
        return chunks

    def _texts(self, step: _Step) -> Bytes:
        start, size = int(step.offsets[0]), int(step.sizes[0])
        return self.alphabet[start : start + size].astype(np.uint8).reshape(-1, 1)

    def _written(self, rank: U64) -> pl.Series:
        """The words of a pattern in pieces. Pieces that have no part in the number get theirs from its hash."""
        matrix = np.empty((len(rank), self.lengths[0]), np.uint8)
        left, source = self._numbered, rank
        for number, chunk in enumerate(self._chunks):
            if left < chunk.size:
                source, left = mixed(rank, number), MOST_ROOM
            higher = source // np.uint64(chunk.size)
            codes = (source - higher * np.uint64(chunk.size)).view(np.intp)
            for place, table in chunk.tables:
                put(matrix, place, table.take(codes))
            source, left = higher, left // chunk.size
        return from_matrix(matrix)


@dataclass(frozen=True)
class _Chunk:
    """Some characters that are looked up as one: words of 8, 4, 2 and 1 bytes with their places, for each of `size`
    texts. What a word holds beyond the chunk is overwritten by the next one."""

    size: int
    tables: list[tuple[int, NDArray[np.unsignedinteger]]]

    @classmethod
    def of(cls, at: int, texts: Bytes, *, last: bool) -> "_Chunk":
        """The chunk of these texts at a place; `last` ones must not write beyond their end."""
        size, width = texts.shape
        if not last:
            texts = np.pad(texts, ((0, 0), (0, 8 - width)))
        tables: list[tuple[int, NDArray[np.unsignedinteger]]] = []
        place = 0
        for wide, kind in ((8, "<u8"), (4, "<u4"), (2, "<u2"), (1, "u1")):
            while texts.shape[1] - place >= wide:
                part = np.ascontiguousarray(texts[:, place : place + wide])
                tables.append((at + place, part.view(kind).reshape(-1)))
                place += wide
        return cls(size, tables)


def _utf8(letters: NDArray[np.unsignedinteger], offsets: NDArray[np.int64]) -> pl.Series:
    """A text column from code points and the offsets at which values begin and end."""
    if letters.dtype == np.uint8:
        return from_bytes(letters, offsets)
    widths = 1 + (letters > 0x7F).astype(np.int64) + (letters > 0x7FF) + (letters > 0xFFFF)
    bounds = np.concatenate([[0], np.cumsum(widths)])
    data = letters.astype("<u4").tobytes().decode("utf-32-le").encode()
    return from_bytes(np.frombuffer(data, np.uint8), bounds.take(offsets))

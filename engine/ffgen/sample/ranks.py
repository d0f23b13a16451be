"""The words of an automaton by number, many at a time: all of them take one step towards their end together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.pattern.automaton import Automaton
from ffgen.pattern.chars import CharSet
from ffgen.rng import U64
from ffgen.sample.base import MOST_ROOM
from ffgen.sample.digits import Codes, mixed, mixed_within, put
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
    class, a power of two; `ends` and `starts` bound their intervals.

    A class of more words than have numbers spends only some of what it is given on the next character, and so passes
    on numbers from the lower end of what comes next: there they are scrambled, or the words would end alike. `bounds`
    are how many numbers are scrambled in a class, 0 for none.
    """

    width: int
    starts: U64
    ends: U64
    sizes: U64
    targets: Codes
    offsets: NDArray[np.int64]
    bounds: U64
    scrambles: bool
    literal: bool
    """Whether each edge has but one character."""

    def scramble(self, klass: Codes, rank: U64, key: int) -> None:
        """Permutes the numbers of classes where this is due, in place: a bijection of the next power of two, walked
        until it lands inside."""
        due = np.arange(len(rank)) if self.bounds.all() else np.flatnonzero(self.bounds.take(klass))
        bounds = self.bounds.take(klass[due])
        bits = np.ceil(np.log2(np.maximum(bounds, 16).astype(np.float64))).astype(np.uint64)
        mask, half = (np.uint64(1) << bits) - np.uint64(1), (bits + np.uint64(1)) // np.uint64(2)
        number = rank[due]
        out = np.arange(len(due))
        while len(out):
            number[out] = mixed_within(number[out], key, mask[out], half[out])
            out = out[number[out] >= bounds[out]]
        rank[due] = number

    def edges(self, klass: Codes, rank: U64) -> Codes:
        """Which edge each number falls into: a search without branches, as many steps as the width has bits."""
        edge = klass * self.width
        half = self.width // 2
        while half:
            edge += half * (self.ends.take(edge + (half - 1)) <= rank)
            half //= 2
        return edge

    def take(self, klass: Codes, rank: U64) -> NDArray[np.int64] | np.int64:
        """Where the next character of each word stands in the alphabet; changes `klass` and `rank` to what is left
        of the word."""
        if len(self.sizes) == 1:
            size, offset = self.sizes[0], self.offsets[0]
            klass[:] = self.targets[0]
        else:
            edge = self.edges(klass, rank)
            rank -= self.starts.take(edge)
            size, offset = self.sizes.take(edge), self.offsets.take(edge)
            klass[:] = self.targets.take(edge)
        if self.literal:
            where: NDArray[np.int64] | np.int64 = offset
            return where
        higher = rank // size
        char: NDArray[np.int64] = (rank - higher * size).view(np.int64)
        char += offset
        rank[:] = higher
        return char


class Ranks:
    """Numbers for the words of some lengths: distinct numbers give distinct words, and where there are at most 2**62
    words of a length, each has one. Building costs 2 us an edge and length; memory 50 bytes."""

    def __init__(self, automaton: Automaton, lengths: Iterable[int]) -> None:
        self.lengths = sorted(lengths)
        self._wanted = frozenset(lengths)
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
        order = np.argsort((longest - lengths).astype(np.uint16 if longest < 1 << 16 else np.uint32), kind="stable")
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
            step = self._steps[left]
            if step.scrambles:
                step.scramble(klass[now], rank[now], left)
            letters[ends[now] - left] = self.alphabet.take(step.take(klass[now], rank[now]))

    def _build(self) -> None:
        """The steps from the last character to the first."""
        live = self._live()
        known = {state: 0 for state in live[0]}
        self._counts: list[list[int]] = [[1]]
        self._exact: list[list[int]] = [[1]]
        self._first = {0: 0}
        steps: list[list[list[Edge]]] = [[]]
        for left, states in enumerate(live[1:], 1):
            known, classes = self._classes(states, known)
            self._exact.append(
                [sum(chars.size * self._exact[-1][target] for chars, target in edges) for edges in classes]
            )
            self._counts.append([min(count, MOST_ROOM) for count in self._exact[-1]])
            steps.append(classes)
            if left in self._wanted:
                self._first[left] = known[0]
        scrambled: set[int] = set()
        for left in range(len(steps) - 1, -1, -1):
            fuller = {number for number, count in enumerate(self._exact[left]) if count > MOST_ROOM}
            self._steps.append(self._step(left, steps[left], scrambled | fuller))
            scrambled = {target for number in fuller for _, target in steps[left][number]}
        self._steps.reverse()

    def _live(self) -> list[set[int]]:
        """The states that words of these lengths are in when a number of characters is left."""
        live: list[set[int]] = [set()]
        for left in range(self.lengths[-1], 0, -1):
            if left in self._wanted:
                live[-1].add(0)
            ways = self._automaton.ways(left - 1)
            live.append({to for state in live[-1] for _, to in self._automaton.edges[state] if to in ways})
        if 0 in self._wanted:
            live[-1].add(0)
        return live[::-1]

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

    def _step(self, left: int, classes: list[list[Edge]], scrambled: set[int]) -> _Step:
        width = 1 << max((len(edges) - 1).bit_length() for edges in classes) if classes else 1
        starts, ends, sizes, targets, offsets = [], [], [], [], []
        for edges in classes:
            quotas = self._quotas(left, edges)
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
        bounds = [self._counts[left][number] if number in scrambled else 0 for number in range(len(classes))]
        return _Step(
            width=width,
            starts=np.asarray(starts, np.uint64),
            ends=np.asarray(ends, np.uint64),
            sizes=np.asarray(sizes, np.uint64),
            targets=np.asarray(targets, np.intp),
            offsets=np.asarray(offsets, np.int64),
            bounds=np.asarray(bounds, np.uint64),
            scrambles=any(bounds),
            literal=all(size == 1 for size in sizes),
        )

    def _quotas(self, left: int, edges: list[Edge]) -> list[int]:
        """How many numbers each edge has. Where there are more words than numbers, these are 2**62 in all, shared in
        the ratio of the words, and never more for an edge than there are numbers behind it."""
        words = [chars.size * self._exact[left - 1][target] for chars, target in edges]
        total = sum(words)
        if total <= MOST_ROOM:
            return words
        room = [chars.size * self._counts[left - 1][target] for chars, target in edges]
        quotas = [MOST_ROOM * each // total for each in words]
        for number, most in enumerate(room):
            quotas[number] += min(most - quotas[number], MOST_ROOM - sum(quotas))
        return quotas

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

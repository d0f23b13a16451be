"""Sets of characters as intervals of code points: what the edges of an automaton carry."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

LAST = 0x10FFFF


@dataclass(frozen=True)
class CharSet:
    """Characters in code point order. `ranges` are inclusive, sorted, and neither touch nor overlap."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> "CharSet":
        """The union of inclusive ranges, in any order and however they overlap."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @cached_property
    def _sizes(self) -> list[int]:
        return list(accumulate(high - low + 1 for low, high in self.ranges))

    @property
    def size(self) -> int:
        return self._sizes[-1] if self.ranges else 0

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: "CharSet") -> "CharSet":
        return CharSet.of((*self.ranges, *other.ranges))

    def __and__(self, other: "CharSet") -> "CharSet":
        found: list[tuple[int, int]] = []
        mine, theirs = 0, 0
        while mine < len(self.ranges) and theirs < len(other.ranges):
            low = max(self.ranges[mine][0], other.ranges[theirs][0])
            high = min(self.ranges[mine][1], other.ranges[theirs][1])
            if low <= high:
                found.append((low, high))
            if self.ranges[mine][1] < other.ranges[theirs][1]:
                mine += 1
            else:
                theirs += 1
        return CharSet(tuple(found))

    def __sub__(self, other: "CharSet") -> "CharSet":
        starts = [-1, *(high for _, high in other.ranges)]
        ends = [*(low for low, _ in other.ranges), LAST + 1]
        gaps = ((start + 1, end - 1) for start, end in zip(starts, ends, strict=True))
        return self & CharSet(tuple((low, high) for low, high in gaps if low <= high))

    def nth(self, index: int) -> str:
        """The character at `index`, 0 <= index < size. O(log ranges)."""
        at = bisect_right(self._sizes, index)
        return chr(self.ranges[at][1] - (self._sizes[at] - 1 - index))

    def index(self, char: str) -> int | None:
        """Where `char` stands in the set, None if it doesn't; the inverse of `nth`."""
        code = ord(char)
        at = bisect_right(self.ranges, (code, LAST)) - 1
        if at < 0 or code > self.ranges[at][1]:
            return None
        return self._sizes[at] - 1 - (self.ranges[at][1] - code)


EVERY = CharSet(((0, 0xD7FF), (0xE000, LAST)))
"""Every character that a text can hold: all code points but the surrogates."""
ASCII = CharSet(((0, 0x7F),))
PRINTABLE = CharSet(((0x20, 0x7E),))
LATIN = CharSet(((0xA1, 0xAC), (0xAE, 0x24F)))
"""Printable letters and signs of Latin-1 and Latin Extended, without the soft hyphen."""
SPACE = CharSet.of((ord(char), ord(char)) for char in map(chr, range(0x3001)) if char.isspace())
"""White space as Python sees it: what is taken off the ends of a text."""
COMBINING = 0x300
"""The first character that NFC may join with the one before it."""


def atoms(sets: Iterable[CharSet]) -> list[tuple[CharSet, frozenset[int]]]:
    """The coarsest partition in which every given set is a union of parts, each with the indices of the sets that
    hold it. Characters of no set are left out."""
    events: dict[int, set[int]] = {}
    for index, chars in enumerate(sets):
        for low, high in chars.ranges:
            events.setdefault(low, set()).symmetric_difference_update((index,))
            events.setdefault(high + 1, set()).symmetric_difference_update((index,))
    parts: dict[frozenset[int], list[tuple[int, int]]] = {}
    inside: set[int] = set()
    points = sorted(events)
    for start, end in zip(points, points[1:], strict=False):
        inside ^= events[start]
        if inside:
            parts.setdefault(frozenset(inside), []).append((start, end - 1))
    return [(CharSet.of(ranges), holders) for holders, ranges in parts.items()]

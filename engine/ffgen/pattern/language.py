"""The words that a pattern allows: how many there are, which one has which number, and drawing them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ffgen.errors import InternalError
from ffgen.pattern.automaton import Automaton, TooLarge
from ffgen.pattern.chars import COMBINING, EVERY, LATIN, PRINTABLE, SPACE
from ffgen.pattern.parse import parse
from ffgen.pattern.stable import settled

TAIL = 32
"""How far beyond its shortest word an unbounded language is drawn from; the mean of the geometric tail is 8."""


@dataclass(frozen=True)
class Language:
    """The words of a pattern, over two alphabets: `drawn`, which words are made of (printable ASCII for shorthand, the
    dot and negated classes, and whatever the pattern lists), and `full`, what the engine accepts; None if too large.

    Immutable but for a cache of counts, so not to be shared between threads.
    """

    drawn: Automaton
    full: Automaton | None

    @classmethod
    def of(cls, pattern: str, *, searched: bool = True) -> "Language | None":
        """The texts that a pattern is found in; with `searched` false, the texts that it matches from end to end.

        None where that can't be said: an unusable pattern, a word boundary, or more than 10,000 states or the work of
        about half a second. The same on every machine. `\\d` and `\\w` cost 20-40 ms once in a process.
        """
        node = parse(pattern)
        if node is None:
            return None
        try:
            drawn = Automaton.of(node, searched=searched, drawn=True)
        except TooLarge:
            return None
        try:
            return cls(drawn, Automaton.of(node, searched=searched, drawn=False))
        except TooLarge:
            return cls(drawn, None)

    def count(self, low: int = 0, high: int | None = None) -> int | None:
        """How many distinct words with low to high characters can be drawn. None: infinitely many, or too long to
        count."""
        return _total(self.drawn, low, high)

    def allowed(self, low: int = 0, high: int | None = None) -> int | None:
        """An upper bound on the distinct values with low to high characters that pass the check, in all of Unicode:
        `\\d` has 760 digits there. None: no bound is known."""
        return None if self.full is None else _total(self.full, low, high)

    def intersect(self, other: "Language") -> "Language | None":
        """The words of both; None if too large. Drawn are this language's words that the other accepts, or, where
        there is none, the other's that this one accepts."""
        if self.full is None or other.full is None:
            return None
        try:
            drawn = self.drawn * other.full
            return Language(drawn if drawn.edges else self.full * other.drawn, self.full * other.full)
        except TooLarge:
            return None

    def draw(self, rng: random.Random | np.random.Generator, low: int = 0, high: int | None = None) -> str | None:
        """A word of low to high characters; None if there is none, or none short enough to count.

        Its length comes first: any that the language has, alike; without an upper limit of any kind, geometric from
        the shortest on. Then a word, uniform among those of that length. Takes its chance from `rng` alone.
        """
        try:
            weights = self.lengths(low, high)
            if not weights:
                return None
            length = list(weights)[_weighted(rng, list(weights.values()))]
            return self.drawn.word(_below(rng, self.drawn.count(length)), length)
        except TooLarge:
            return None

    def lengths(self, low: int = 0, high: int | None = None) -> dict[int, int]:
        """The lengths that words are drawn from, in ascending order, each with its weight: all alike, or geometric
        where nothing limits them. Their words can be counted."""
        lengths = self._lengths(low, high)
        if _least(high, self.drawn.longest) is not None:
            return dict.fromkeys(lengths, 1)
        # Without a limit, the lengths span no more than TAIL.
        return {length: 8 ** (length - lengths[0]) * 9 ** (lengths[0] + TAIL - length) for length in lengths}

    def settled(self) -> "Language | None":
        """The words that stay as they are when a value is settled: no white space at either end, and only characters
        that are in NFC wherever they stand. None if too large."""
        if all(chars.ranges[-1][1] < COMBINING and not chars & SPACE for chars in self.drawn.alphabet):
            return self
        try:
            drawn = self.drawn * settled(EVERY)
            if not drawn.edges and self.full is not None:
                drawn = self.full * settled(PRINTABLE | LATIN)
        except TooLarge:
            return None
        return Language(drawn, self.full)

    def _lengths(self, low: int, high: int | None) -> list[int]:
        longest = _least(high, self.drawn.longest)
        if longest is not None:
            return list(self._counted(range(low, longest + 1)))
        # To a loop, once around it and on to a word takes at most two steps a state, so one is not further than that.
        shortest = next(self._counted(range(low, low + 2 * len(self.drawn.edges) + 1)), low)
        return list(self._counted(range(shortest, shortest + TAIL + 1)))

    def _counted(self, lengths: range) -> Iterator[int]:
        """Those of these lengths that have words, up to where they can be counted."""
        try:
            yield from (length for length in lengths if self.drawn.count(length))
        except TooLarge:
            return

    def word(self, index: int, length: int) -> str:
        """The word of a number among the drawable ones of a length, in a fixed order: 0 <= index < count(length,
        length). The inverse of `rank`; O(length)."""
        try:
            if 0 <= index < self.drawn.count(length):
                return self.drawn.word(index, length)
        except TooLarge as error:
            raise InternalError(f"words of {length} characters are too many to number.") from error
        raise InternalError(f"there is no word {index} of {length} characters.")

    def rank(self, word: str) -> int | None:
        """The number of a word among the drawable ones of its length; None if it is not one of them."""
        try:
            return self.drawn.rank(word)
        except TooLarge:
            return None


def _least(*ends: int | None) -> int | None:
    return min((end for end in ends if end is not None), default=None)


def _total(automaton: Automaton, low: int, high: int | None) -> int | None:
    longest = _least(high, automaton.longest)
    if longest is None:
        return None
    try:
        return sum(automaton.count(length) for length in range(max(low, 0), longest + 1))
    except TooLarge:
        return None


def _weighted(rng: random.Random | np.random.Generator, weights: Sequence[int]) -> int:
    point = _below(rng, sum(weights))
    for index, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return index
    raise InternalError("a draw passed the sum of its weights.")


def _below(rng: random.Random | np.random.Generator, end: int) -> int:
    """Uniform in [0, end), for ends of any size."""
    bits = (end - 1).bit_length()
    size = (bits + 7) // 8
    while True:
        raw = rng.randbytes(size) if isinstance(rng, random.Random) else rng.bytes(size)
        value = int.from_bytes(raw, "little") & ((1 << bits) - 1)
        if value < end:
            return value

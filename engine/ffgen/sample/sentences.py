"""English prose from a small grammar: `sentences`."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, mix
from ffgen.sample import lexicon
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.text import concatenated, span_of
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import lengths, tidy

MOST_ENDINGS = 1 << 14
CLOSE = 12
"""How far before the length that is aimed at a text may end: room for other words."""

Ints = NDArray[np.int64]


class Sentences(Sampler):
    """Plain English sentences of people who do things with things: generic, but no nonsense.

    There are 14 million different sentences. Where the field has a `length`, as many sentences are drawn as fit, and
    every text has a length within it.

    - `sentences`: how many: a number, or `[low, high]`; `[1, 3]` unless said. A `length` comes first.
    - `about`: what the sentences are about, in nouns: `[delivery, warranty, garden tools]`.
    """

    gives: ClassVar[str] = "text"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"length"})
    example: ClassVar[str] = """\
- name: comment
  type: text
  length: [20, 160]
  generator: {name: sentences, about: [delivery, warranty, garden tools]}
"""

    sentences: Annotated[
        Annotated[int, Meta(ge=1, le=200)]
        | Annotated[list[Annotated[int, Meta(ge=1, le=200)]], Meta(min_length=2, max_length=2)]
        | None,
        Meta(description="How many sentences, or [low, high]."),
    ] = None
    about: Annotated[list[str], Meta(max_length=1000, description="Nouns that the sentences are about.")] = []

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        topics = tuple(dict.fromkeys(map(tidy, self.about)))
        if "" in topics:
            raise Problem("generator.about", "a word is empty.", "Take it out.")
        self.low, self.high = span_of([1, 3] if self.sentences is None else self.sentences, "generator.sentences")
        self.openings, self.endings = openings(), endings(topics, self.field.length is not None)
        self.shortest = self.openings.shortest + self.endings.shortest
        self.longest = self.openings.longest + self.endings.longest
        if self.field.length is not None:
            self.check_length()

    def check_length(self) -> None:
        """Some number of sentences has the field's length."""
        self.least, self.most = (end or 0 for end in lengths(self.field))
        if self.most < self.shortest:
            what = f"no sentence has {self.most} characters or fewer; the shortest has {self.shortest}."
            raise Problem("length", what, "Raise it, or say generator: words.")
        if self.sentences is not None and self.high * (self.longest + 1) - 1 < self.least:
            what = f"{self.high} sentences have no {self.least} characters."
            raise Problem("generator.sentences", what, "Ask for more sentences, or lower `length`.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.field.length is not None:
            return self.sized(rng, n)
        count = rng.integers(self.low, self.high + 1, n)
        codes = []
        for place in range(self.high):
            codes.append((rng.integers(0, len(self.openings), n), rng.integers(0, len(self.endings), n), count > place))
        return self.assembled(codes)

    def sized(self, rng: Stream, n: int) -> pl.Series:
        """Texts whose lengths spread evenly over the field's. Sentences are added while there is room for another
        after them; the last one is chosen to end where it should."""
        goal = rng.integers(max(self.least, self.shortest), self.most + 1, n)
        used = np.zeros(n, dtype=np.int64)
        rest = np.arange(n)
        most = self.high if self.sentences is not None else self.most
        codes: list[tuple[Ints, Ints, NDArray[np.bool_]]] = []
        while len(rest):
            # A space stands before all sentences but the first.
            gap = int(bool(codes))
            high = goal[rest] - used[rest] - gap
            low = self.least - used[rest] - gap
            last = (high <= self.longest) | ((len(codes) + 1 >= most) & (low <= self.longest))
            end = np.minimum(high, self.longest)
            shortest = np.where(last, np.maximum(low, np.maximum(end - CLOSE, self.shortest)), self.shortest)
            longest = np.where(last, end, np.minimum(high - 1 - self.shortest, self.longest))
            opening = self.openings.within(rng, shortest - self.endings.longest, longest - self.endings.shortest)
            begun = self.openings.lengths[opening]
            ending = self.endings.within(rng, shortest - begun, longest - begun)
            used[rest] += gap + begun + self.endings.lengths[ending]
            codes.append(scattered(n, rest, opening, ending))
            rest = rest[~last]
        return self.assembled(codes)

    def assembled(self, codes: list[tuple[Ints, Ints, NDArray[np.bool_]]]) -> pl.Series:
        """Texts of sentences by their parts' numbers, of those rows that have one in that place."""
        columns = []
        for place, (opening, ending, there) in enumerate(codes):
            first = self.openings.first if place == 0 else self.openings.later
            columns.append(first.gather(pl.Series(np.where(there, opening, len(self.openings)))))
            columns.append(self.endings.first.gather(pl.Series(np.where(there, ending, len(self.endings)))))
        return concatenated(columns) if columns else pl.Series(dtype=pl.String)

    def room(self) -> int | None:
        free = self.field.length is None and self.field.pattern is None and not self.field.values
        # Where a topic has a full stop, two sentences could be taken for one.
        free = free and not any("." in topic for topic in self.about)
        return len(self.openings) * len(self.endings) if free else None

    def at(self, index: U64) -> Column:
        """The first sentence tells texts apart; the others, and how many, follow from the number by hashing."""
        spread = np.uint64(len(self.openings)), np.uint64(len(self.endings))
        count = self.low + (mix(index, 0) % np.uint64(self.high + 1 - self.low)).astype(np.int64)
        codes = []
        for place in range(self.high):
            number = index if place == 0 else mix(index, place)
            parts = (number % spread[0]).astype(np.int64), (number // spread[0] % spread[1]).astype(np.int64)
            codes.append((*parts, count > place))
        return self.assembled(codes)


class Parts:
    """Beginnings or ends of sentences, by length."""

    def __init__(self, texts: Iterable[str], whole: bool) -> None:
        """When they are to be found by length, the `whole` of lengths from the shortest to the longest is there, so
        that any window that touches that span can be filled; texts beyond a gap are left out."""
        kept = sorted(dict.fromkeys(texts), key=lambda text: (len(text), text))
        kept = unbroken(kept) if whole else kept
        self.lengths: Ints = np.array([len(text) for text in kept], dtype=np.int64)
        self.shortest, self.longest = int(self.lengths[0]), int(self.lengths[-1])
        self._before = np.searchsorted(self.lengths, np.arange(self.longest + 2))
        # One more than there are: none, for texts that have ended.
        self.first = pl.Series([*kept, ""])
        self.later = pl.Series([*(" " + text for text in kept), ""])

    def __len__(self) -> int:
        return len(self.lengths)

    def within(self, rng: Stream, low: Ints, high: Ints) -> Ints:
        """A part for each row, with a length from low to high; each window must touch the span of lengths."""
        start = self._before[np.maximum(low, self.shortest)]
        stop = self._before[np.minimum(high, self.longest) + 1]
        found: Ints = start + (rng.random(len(low)) * (stop - start)).astype(np.int64)
        return found


def unbroken(texts: list[str]) -> list[str]:
    """The longest run of texts, which come by length, with no length missing in between."""
    runs: list[list[str]] = []
    for text in texts:
        if runs and len(text) <= len(runs[-1][-1]) + 1:
            runs[-1].append(text)
        else:
            runs.append([text])
    return max(runs, key=len)


@lru_cache(maxsize=1)
def openings() -> Parts:
    """Subject and verb. None begins with another, so that a sentence tells its parts."""
    begun = [*lexicon.SUBJECTS, *(opening + who for opening in lexicon.OPENINGS for who in lexicon.OPENED)]
    return Parts((f"{who} {verb} " for who in begun for verb in lexicon.VERBS), whole=True)


@lru_cache(maxsize=16)
def endings(topics: tuple[str, ...], whole: bool) -> Parts:
    """Object, place and time."""
    objects = tuple(form.format(topic) for topic in topics for form in lexicon.TOPICS) or lexicon.OBJECTS
    places, times = lexicon.PLACES, lexicon.TIMES
    pairs = [f"{place} {times[(3 * number + k) % len(times)]}" for number, place in enumerate(places) for k in (0, 7)]
    tails = ["", *places, *times, *pairs]
    # Of many topics each has a share of the tails, a different one.
    step = -(-len(objects) * len(tails) // MOST_ENDINGS)
    texts = (
        f"{what} {tail}.".replace(" .", ".")
        for number, what in enumerate(objects)
        for tail in tails[number % step :: step]
    )
    return Parts(texts, whole)


def scattered(n: int, rest: Ints, opening: Ints, ending: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Numbers of some rows, as columns of all rows."""
    columns = np.zeros((2, n), dtype=np.int64)
    columns[0, rest], columns[1, rest] = opening, ending
    there = np.zeros(n, dtype=np.bool_)
    there[rest] = True
    return columns[0], columns[1], there

"""Texts that look like examples: `ngram`."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream, stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.strings import from_bytes
from ffgen.sample.text import concatenated
from ffgen.sample.weighted import TEXT_TYPES
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import lengths, tidy

AT_ONCE = 1 << 22
"""Tokens that are in memory at a time."""
MOST_WORK = 1 << 26
"""Steps that finding the possible lengths may take: about 0.3 s."""
TRIED = 1000
LEAST_NEW = 0.05

Ints = NDArray[np.int64]


class Ngram(Sampler):
    """Text that looks like the examples: each letter or word is one that follows the same few before it there.

    - `examples`: texts to learn from; the field's own `examples` unless said. Dozens are enough for names, the more
      the better.
    - `level`: `character` (unless said) for names, products, places; `word` for sentences.
    - `order`: how many letters or words are looked back on: the more, the closer to the examples. 3 letters or 2
      words unless said.
    - `novel`: true where no text may equal an example.

    A text has the field's `length`; without one it is at most three times as long as the longest example.
    """

    serves: ClassVar[frozenset[str]] = TEXT_TYPES
    holds: ClassVar[frozenset[str]] = frozenset({"length"})
    example: ClassVar[str] = """\
- name: village
  length: [4, 14]
  generator:
    name: ngram
    order: 2
    examples: [Ashford, Ashton, Bradford, Bradley, Burton, Crawley, Dartford, Horton, Milford, Milton, Norton]
"""

    examples: Annotated[Annotated[list[str], Meta(min_length=1)] | None, Meta(description="Texts to learn from.")] = (
        None
    )
    level: Annotated[Literal["character", "word"], Meta(description="What follows what.")] = "character"
    order: Annotated[
        Annotated[int, Meta(ge=1, le=20)] | None, Meta(description="How many letters or words are looked back on.")
    ] = None
    novel: Annotated[bool, Meta(description="Whether examples themselves are left out.")] = False

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        given = kind.samples if self.examples is None else self.examples
        texts = [text for text in map(tidy, given) if text]
        if not texts:
            what, hint = "there is nothing to learn from.", "Give it examples: [...], a dozen or more."
            raise Problem("generator.examples", what, hint)
        words = self.level == "word"
        tokens = [text.split() if words else clusters(text) for text in texts]
        self.chain = Chain(tokens, self.order or (2 if words else 3), words)
        least, most = lengths(self.field)
        self.most = self.chain.limit(max(least or 1, 1), most)
        self.known = pl.Series(sorted(set(texts)), dtype=pl.String)
        if self.novel:
            self.check_novel(stream(scope.seed, scope.path, "novel"))

    def check_novel(self, rng: Stream) -> None:
        """Enough of what would be drawn is new."""
        share = 1 - (self.chain.draw(rng, TRIED).is_in(self.known.implode()).mean() or 0.0)  # type: ignore[operator]
        if share < LEAST_NEW:
            what = f"{share:.0%} of the texts are new, the others equal examples."
            raise Problem("generator.novel", what, "Lower `order`, or give more examples.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        size = max(256, AT_ONCE // self.most)
        drawn = [self.texts(rng, min(size, n - start)) for start in range(0, n, size)]
        return pl.concat(drawn) if drawn else pl.Series(dtype=pl.String)

    def texts(self, rng: Stream, n: int) -> pl.Series:
        """n texts; where they must be new, those that are not are drawn again."""
        found = self.chain.draw(rng, n)
        while self.novel and len(again := np.flatnonzero(found.is_in(self.known.implode()).to_numpy())):
            found = found.scatter(again, self.chain.draw(rng, len(again)))
        return found


class Chain:
    """What follows what in the examples. A state is the last few tokens; its edges are what followed them, each as
    often as it did, so that an edge picked at random needs no weights."""

    def __init__(self, examples: Iterable[Sequence[str]], order: int, words: bool) -> None:
        self.words = words
        known: dict[str, int] = {}
        states: dict[tuple[int, ...], int] = {}
        edges: list[list[tuple[int, int]]] = []
        for tokens in examples:
            context = (-1,) * order
            state = states.setdefault(context, len(states))
            for token in tokens:
                code = known.setdefault(token, len(known))
                context = (*context, code)[-order:]
                if state == len(edges):
                    edges.append([])
                after = states.setdefault(context, len(states))
                edges[state].append((code, after))
                state = after
            if state == len(edges):
                edges.append([])
            edges[state].append((-1, -1))
        self.tokens = list(known)
        counts = np.array([len(each) for each in edges])
        self.count: Ints = counts
        self.first: Ints = np.cumsum(counts) - counts
        # The end is a token and a state of its own, after all others.
        pairs = np.array([pair for each in edges for pair in each], dtype=np.int64)
        self.token: Ints = np.where(pairs[:, 0] < 0, len(known), pairs[:, 0])
        self.after: Ints = np.where(pairs[:, 1] < 0, len(edges), pairs[:, 1])
        cost = np.array([*(len(token) + words for token in self.tokens), 0], dtype=np.int64)
        self.cost: Ints = cost[self.token]
        self.longest = max(sum(len(token) + words for token in tokens) for tokens in examples)
        self.prepare()

    def prepare(self) -> None:
        """What texts are put together from; the last entry is the end, which is nothing."""
        if self.words:
            self.head = pl.Series([*self.tokens, ""])
            self.tail = pl.Series([*(" " + token for token in self.tokens), ""])
            return
        coded = [token.encode() for token in self.tokens] + [b""]
        self.sizes = np.array([len(each) for each in coded], dtype=np.int64)
        width = max(self.sizes.max(), 1)
        self.bytes = np.frombuffer(b"".join(each.ljust(width, b"\0") for each in coded), np.uint8).reshape(-1, width)

    def limit(self, least: int, most: int | None) -> int:
        """Holds texts to lengths from `least` to `most`; returns how many tokens one has at most.

        `possible[used, state]` tells whether a text of so many characters can still end within; `calm[used]`
        whether every edge keeps it so. Worked out backwards from the end.
        """
        # Words count a space each, one more than there are.
        least += self.words
        usual = max(3 * self.longest, least + self.longest)
        most = usual if most is None else min(most + self.words, usual)
        most = max(min(most, MOST_WORK // len(self.token)), 1)
        states = len(self.count)
        self.possible = np.zeros((most + 2, states + 1), dtype=np.bool_)
        self.possible[least : most + 1, states] = True
        self.calm = np.zeros(most + 2, dtype=np.bool_)
        for used in range(most, -1, -1):
            kept = self.possible[np.minimum(used + self.cost, most + 1), self.after]
            self.possible[used, :states] = np.logical_or.reduceat(kept, self.first)
            self.calm[used] = kept.all()
        if not self.possible[0, 0]:
            what = f"nothing that looks like the examples has {least - self.words} to {most - self.words} characters."
            raise Problem("length", what, "Widen it, lower `order`, or give examples of such a length.")
        return most

    def draw(self, rng: Stream, n: int) -> pl.Series:
        """n texts. All advance together, a token a step, until the last one has ended."""
        steps = []
        row = np.arange(n)
        state, used = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        while len(row):
            edge = self.step(rng, state, used)
            codes = np.full(n, len(self.tokens), dtype=np.uint32)
            codes[row] = self.token[edge]
            steps.append(codes)
            state, used = self.after[edge], used + self.cost[edge]
            going = state < len(self.count)
            row, state, used = row[going], state[going], used[going]
        # The last step only ends what is left.
        return self.joined(steps[:-1], n)

    def step(self, rng: Stream, state: Ints, used: Ints) -> Ints:
        """An edge for each text, one that leads to a length that is wanted: the first such from a random one on."""
        first, count = self.first[state], self.count[state]
        place = (rng.random(len(state)) * count).astype(np.int64)
        if not self.calm[used].all():
            bad = np.arange(len(state))
            while len(bad):
                edge = first[bad] + place[bad]
                after = np.minimum(used[bad] + self.cost[edge], len(self.possible) - 1)
                bad = bad[~self.possible[after, self.after[edge]]]
                place[bad] = (place[bad] + 1) % count[bad]
        edges: Ints = first + place
        return edges

    def joined(self, steps: list[NDArray[np.uint32]], n: int) -> pl.Series:
        """Texts from their tokens, step by step."""
        if not steps:
            return pl.Series(dtype=pl.String)
        if self.words:
            pools = [self.head, *[self.tail] * (len(steps) - 1)]
            return concatenated([pool.gather(pl.Series(codes)) for pool, codes in zip(pools, steps, strict=True)])
        codes = np.stack(steps, axis=1)
        sizes = self.sizes[codes]
        there = np.arange(self.bytes.shape[1]) < sizes[:, :, None]
        offsets = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(sizes.sum(axis=1), out=offsets[1:])
        return from_bytes(self.bytes[codes][there], offsets)


def clusters(text: str) -> list[str]:
    """The characters of a text, each with the accents that follow it.

    >>> [len(each) for each in clusters("Ae\\u0301b")]
    [1, 2, 1]
    """
    found: list[str] = []
    for char in text:
        if found and unicodedata.combining(char):
            found[-1] += char
        else:
            found.append(char)
    return found

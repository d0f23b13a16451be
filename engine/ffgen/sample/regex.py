"""Text of a regular expression: words of its automaton, by number."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from ffgen.pattern import Language
from ffgen.rng import U64, Stream, key_of, permute
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.digits import Codes
from ffgen.sample.ranks import Ranks
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.text import Grammar, Text, language_of


class Pattern(Sampler):
    r"""Text that the field's `pattern` describes from end to end; of an e-mail, url, phone, uuid or ipv4 field, what
    both the pattern and the type allow.

    The length is drawn first: any that `length` and the pattern allow, all alike; where nothing limits it, lengths
    from the shortest on get rarer, 8 more on average, 32 more at most. Then a text, uniform among those of this
    length. `\d`, `\w`, `.` and `[^a]` stand for printable ASCII here; for other letters, list them. A unique field
    can have every text there is.
    """

    serves: ClassVar[frozenset[str]] = frozenset({"text", "email", "url", "phone", "uuid", "ipv4"})
    holds: ClassVar[frozenset[str]] = frozenset({"pattern", "length", "format"})
    example: ClassVar[str] = r"""
- {name: sku, type: string, pattern: '[A-Z]{3}-\d{4}', unique: true, generator: pattern}
"""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        assert isinstance(kind, Text)
        language = self._language(kind)
        weights = language.lengths(kind.low or 0, kind.high)
        if not weights:
            what = f"no text {kind.sized()}matches `{self.field.pattern}`, or none that can be counted."
            raise Problem("pattern", what, "Change it, or `length`.")
        self._lengths = np.asarray(list(weights), np.intp)
        self._weights = list(weights.values())
        self._share = cumulated([float(weight) for weight in self._weights])
        self._ranks = Ranks(language.drawn, weights)
        self._counts = [self._ranks.count(length) for length in weights]
        self._room = min(sum(self._counts), MOST_ROOM)
        self._quotas = quotas(self._room, self._weights, self._counts)

    def _language(self, kind: Text) -> Language:
        """All that may be drawn; refuses what can't be."""
        pattern = self.field.pattern
        if isinstance(kind, Grammar):
            language = language_of(kind.grammar, pattern or kind.reserved)
        elif pattern is None:
            raise Problem("generator", "`pattern` needs the field's `pattern`.", "E.g. pattern: '[A-Z]{3}-[0-9]{4}'.")
        else:
            language = Language.of(pattern, searched=False)
        language = language and language.settled()
        if language is None:
            what = f"`{(pattern or '')[:60]}` is more than can be drawn from: a word boundary, or too large."
            raise Problem("pattern", what, "Say it without \\b, repeat less, or list `values`.")
        return language

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if len(self._counts) == 1:
            return self._words(None, rng.integers(0, self._counts[0], n, dtype=np.uint64))
        picks = choose(rng, n, self._share)
        rank = np.empty(n, np.uint64)
        for pick, places in _groups(picks):
            rank[places] = rng.integers(0, self._counts[pick], len(places), dtype=np.uint64)
        return self._words(picks, rank)

    def room(self) -> int:
        return self._room

    def at(self, index: U64) -> Column:
        if len(self._counts) == 1:
            return self._words(None, index)
        picks, rank = _placed(index, self._quotas)
        stretch = [count // max(quota, 1) for count, quota in zip(self._counts, self._quotas, strict=True)]
        return self._words(picks, rank * np.asarray(stretch, np.uint64).take(picks))

    def keyed(self, index: U64, key: int) -> Column:
        """Words of all lengths in the ratio of a draw, as long as there are any: the table's rows get their share of
        each, and what is left serves rows beyond its count."""
        if len(self._counts) == 1:
            return self.at(permute(index, self._room, key))
        rows = min(self.scope.count, self._room) or self._room
        first = quotas(rows, self._weights, self._counts)
        others = [max(whole - part, 0) for whole, part in zip(self._quotas, first, strict=True)]
        picks, rank = np.zeros(len(index), np.intp), np.empty(len(index), np.uint64)
        for places, start, size, shares in (
            (np.flatnonzero(index < rows), 0, rows, first),
            (np.flatnonzero(index >= rows), rows, self._room - rows, others),
        ):
            if len(places):
                number = permute(index[places] - np.uint64(start), size, key_of(key, start))
                picks[places], rank[places] = _placed(number, shares)
        rank += np.where(index < rows, 0, np.asarray(first, np.uint64).take(picks)).astype(np.uint64)
        for pick, places in _groups(picks):
            rank[places] = permute(rank[places], self._counts[pick], key_of(key, "length", pick))
        return self._words(picks, rank)

    def _words(self, picks: Codes | None, rank: U64) -> pl.Series:
        if len(rank) == 0:
            return pl.Series(dtype=pl.String)
        return self._ranks.words(int(self._lengths[0]) if picks is None else self._lengths.take(picks), rank)


def _groups(picks: Codes) -> list[tuple[int, Codes]]:
    """The rows of each pick, in ascending order."""
    order = np.argsort(picks.astype(np.uint16 if picks.max(initial=0) < 1 << 16 else np.uint32), kind="stable")
    ends = np.cumsum(np.bincount(picks, minlength=1))
    starts = [0, *ends[:-1]]
    return [(pick, order[start:end]) for pick, (start, end) in enumerate(zip(starts, ends, strict=True)) if end > start]


def _placed(number: U64, shares: Sequence[int]) -> tuple[Codes, U64]:
    """The block that each number falls into, blocks of these sizes one after the other, and its place in there."""
    ends = np.cumsum(np.asarray(shares, np.uint64))
    picks = np.searchsorted(ends, number, side="right")
    return picks, number - (ends - np.asarray(shares, np.uint64)).take(picks)


def quotas(total: int, weights: Sequence[int], most: Sequence[int]) -> list[int]:
    """A total in the ratio of weights, but no share above its most, which sum up to the total at least: what one
    can't take goes to the others.

    >>> quotas(10, [1, 1, 1], [1, 20, 20])
    [1, 4, 5]
    """
    shares = [0] * len(weights)
    left, weight = total, sum(weights)
    for number in sorted(range(len(weights)), key=lambda number: most[number] / weights[number]):
        shares[number] = min(most[number], left * weights[number] // weight)
        left -= shares[number]
        weight -= weights[number]
    for number, share in enumerate(shares):
        more = min(left, most[number] - share)
        shares[number] += more
        left -= more
    return shares

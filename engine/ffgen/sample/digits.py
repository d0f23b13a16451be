"""Text made from numbers by look-up: decimal and hexadecimal digits four at a time, and samplers that number
their values."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, permute
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.strings import Bytes
from ffgen.spec.types import ValueType

Codes = NDArray[np.intp]
Words = NDArray[np.uint32]
"""Four bytes of text each."""

SLOTS = 10_000
"""Into how many parts the numbers of several groups are dealt out: shares are exact to this."""
TURNS = 1000
"""How often words are used, with other numbers behind them."""


class Numbered(Sampler):
    """A sampler whose draw is the value of a number drawn evenly."""

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        room = self.room()
        assert room is not None
        return self.at(rng.integers(0, room, n, dtype=np.uint64))


class Worded(Numbered):
    """Values of words, and of a number behind them once the words are used up. A draw is of words alone."""

    def pools(self) -> Sequence[pl.Series]:
        """The parts of a value in order. The last one stands behind the number."""
        raise NotImplementedError

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._pools = list(self.pools())
        self._plain = int(np.prod([len(pool) for pool in self._pools]))

    def room(self) -> int:
        return self._plain * TURNS

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.at(rng.integers(0, self._plain, n, dtype=np.uint64))

    def at(self, index: U64) -> Column:
        turn = index // np.uint64(self._plain)
        codes = split(index - turn * np.uint64(self._plain), [len(pool) for pool in self._pools])
        parts = [pool.gather(code) for pool, code in zip(self._pools, codes, strict=True)]
        if turn.any():
            parts.insert(-1, _turns().gather(turn))
        return pl.select(pl.concat_str(parts)).to_series()

    def keyed(self, index: U64, key: int) -> Column:
        turn = index // np.uint64(self._plain)
        start = turn * np.uint64(self._plain)
        return self.at(permute(index - start, self._plain, key) + start)


@cache
def _turns() -> pl.Series:
    return pl.Series(["", *(f"-{turn + 1}" for turn in range(1, TURNS))])


@cache
def hex_words() -> Words:
    """Four lower-case hex digits for each 16-bit number."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    numbers = np.arange(1 << 16)
    return _joined([digits[numbers >> shift & 15] for shift in (12, 8, 4, 0)])


@cache
def decimal_words() -> Words:
    """Four decimal digits for each number below 10,000."""
    numbers = np.arange(10_000)
    return _joined([(numbers // scale % 10 + 48).astype(np.uint8) for scale in (1000, 100, 10, 1)])


def _joined(columns: Sequence[Bytes]) -> Words:
    words: Words = np.ascontiguousarray(np.stack(columns, axis=1)).view("<u4").reshape(-1)
    return words


def blank(n: int, text: bytes) -> Bytes:
    """n rows of the same bytes, to be written into."""
    return np.tile(np.frombuffer(text, np.uint8), (n, 1))


def put(matrix: Bytes, at: int, words: NDArray[np.unsignedinteger]) -> None:
    """Writes one word (1, 2, 4 or 8 bytes) a row, from column `at` on. 1 ns a word."""
    rows, width = matrix.shape
    if rows:
        np.ndarray((rows,), words.dtype, matrix, at, (width,))[:] = words


def put_hex(matrix: Bytes, places: Sequence[int], number: U64) -> None:
    """Writes the 16 hex digits of a number, four at each place, the highest first."""
    words = hex_words().take(np.ascontiguousarray(number).view(np.uint16).reshape(-1, 4))
    for part, at in enumerate(places):
        put(matrix, at, words[:, 3 - part])


def quads(number: U64, count: int) -> list[Codes]:
    """A number's decimal digits in fours, the lowest four first."""
    parts = []
    for _ in range(count):
        higher = number // np.uint64(10_000)
        lower = higher * np.uint64(10_000)
        parts.append(np.subtract(number, lower, out=lower).view(np.intp))
        number = higher
    return parts


def put_decimal(matrix: Bytes, at: int, width: int, number: U64) -> None:
    """Writes a number below 10**width (at most 10**19) in `width` digits, from column `at` on. 4 ns per four digits."""
    whole, rest = divmod(width, 4)
    parts = quads(number, whole + bool(rest))
    for place, table in _fewer_digits(rest):
        put(matrix, at + place, table.take(parts[-1]))
    for part in range(whole):
        put(matrix, at + width - 4 * (part + 1), decimal_words().take(parts[part]))


@cache
def _fewer_digits(width: int) -> list[tuple[int, NDArray[np.unsignedinteger]]]:
    """Tables of the last one to three of four digits, in pieces of one or two bytes, and where each stands."""
    if width == 0:
        return []
    digits = decimal_words().view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    last = np.ascontiguousarray(digits[:, -1])
    if width == 1:
        return [(0, last)]
    pair = np.ascontiguousarray(digits[:, :2]).view("<u2").reshape(-1)
    return [(0, pair)] if width == 2 else [(0, pair), (2, last)]


@cache
def weighted_sums(weights: tuple[int, ...], luhn: bool = False) -> NDArray[np.intp]:
    """For each four digits their weighted sum, the weight of the last digit first; for Luhn's formula with the
    digits of a two-digit product added."""
    digits = np.arange(10_000)
    total = np.zeros(10_000, np.intp)
    for place, weight in enumerate(weights):
        product = digits // 10**place % 10 * weight
        total += product - 9 * (product > 9) if luhn else product
    return total


def luhn_digit(number: U64) -> U64:
    """The check digit that belongs behind a number (ISO/IEC 7812-1, annex B)."""
    table = weighted_sums((2, 1, 2, 1), luhn=True)
    return _to_ten(sum(table.take(part) for part in quads(number, 5)))


def gtin_digit(number: U64) -> U64:
    """The check digit that belongs behind a number (GS1 General Specifications, 7.9)."""
    table = weighted_sums((3, 1, 3, 1))
    return _to_ten(sum(table.take(part) for part in quads(number, 5)))


def _to_ten(total: "Codes | int") -> U64:
    digit: U64 = ((10 - np.asarray(total) % 10) % 10).astype(np.uint64)
    return digit


def mixed(number: U64, key: int, bits: int = 62) -> U64:
    """A keyed bijection of the numbers of this many bits (4 to 64): adding, multiplying by odd numbers and
    exclusive-or with one's own upper half can all be undone. 4 ns a number."""
    return mixed_within(number, key, np.uint64((1 << bits) - 1), np.uint64((bits + 1) // 2))


def mixed_within(number: U64, key: int, mask: "U64 | np.uint64", half: "U64 | np.uint64") -> U64:
    """`mixed` for numbers of different bits: the mask of each one's bits, and half their count, rounded up."""
    with np.errstate(over="ignore"):
        mixing = number + np.uint64(key & (1 << 64) - 1)
        mixing &= mask
        for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
            mixing ^= mixing >> half
            mixing *= np.uint64(factor)
            mixing &= mask
        mixing ^= mixing >> half
    return mixing


def split(index: U64, sizes: Sequence[int]) -> list[NDArray[np.uint32]]:
    """A number as mixed digits, each below its size; the last one changes fastest. The first takes what is left."""
    digits = []
    for size in reversed(sizes[1:]):
        higher = index // np.uint64(size)
        digits.append((index - higher * np.uint64(size)).astype(np.uint32))
        index = higher
    return [index.astype(np.uint32), *reversed(digits)]


class Shares:
    """Numbers dealt out to groups by weight: each group gets its share of any long run of numbers, and knows which
    of its own values is meant."""

    def __init__(self, weights: Sequence[float], capacities: Sequence[int]) -> None:
        shares = np.asarray(weights, np.float64) / np.sum(weights)
        sizes = np.maximum(np.floor(shares * SLOTS).astype(np.int64), shares > 0)
        sizes[np.argmax(sizes)] += SLOTS - sizes.sum()
        self.sizes = sizes.astype(np.uint64)
        self.group = np.repeat(np.arange(len(sizes)), sizes)
        self.offset = np.concatenate([np.arange(size, dtype=np.uint64) for size in sizes])
        rounds = min(capacity // int(size) for capacity, size in zip(capacities, sizes, strict=True) if size)
        self.room = rounds * SLOTS

    def of(self, index: U64) -> tuple[Codes, U64]:
        """Each number's group, and its number within the group."""
        turn = index // np.uint64(SLOTS)
        slot = (index - turn * np.uint64(SLOTS)).astype(np.intp)
        group = self.group.take(slot)
        return group, turn * self.sizes.take(group) + self.offset.take(slot)


def by_group(group: Codes, count: int, make: Callable[[int, Codes], pl.Series]) -> pl.Series:
    """One column whose values are made group by group: `make(group, rows)` gives those of these rows."""
    order = np.argsort(group.astype(np.uint16), kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=count))
    starts = np.concatenate([[0], ends[:-1]])
    places = zip(range(count), starts, ends, strict=True)
    parts = [make(number, order[start:end]) for number, start, end in places if end > start]
    if len(parts) < 2:
        return parts[0] if parts else pl.Series(dtype=pl.String)
    back = np.empty(len(order), np.uint32)
    back[order] = np.arange(len(order), dtype=np.uint32)
    return pl.concat(parts).gather(back)

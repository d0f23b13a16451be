"""Identifiers: running numbers, UUIDs, ULIDs and hashes."""

import unicodedata
from collections.abc import Sequence as Several
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
import polars_hash  # noqa: F401  registers the `chash` namespace
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, mix
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope
from ffgen.sample.digits import blank, mixed, put, put_decimal, put_hex
from ffgen.sample.strings import from_matrix
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.number import Integer

BLANK_UUID = b"00000000-0000-0000-0000-000000000000"
HIGH, LOW = (0, 4, 9, 14), (19, 24, 28, 32)
"""Where the digits of a UUID's upper and lower half stand, in fours."""
VARIANT, LOW_BITS = np.uint64(2 << 62), np.uint64((1 << 62) - 1)
INT64 = 2**63 - 1


class Sequence(Sampler):
    """Running numbers: the row's place in its table, in order and without gaps.

    - `start`: the first number; 1
    - `step`: what is added from row to row; 1
    - `prefix`: text before the number, for a string field, such as `INV-`
    - `width`: digits to which shorter numbers are filled up with zeros, for a string field
    - `sparse`: two numbers, such as `[8, 32]`: of every 32 numbers only the first 8 are used, as where many writers
      take keys in lots
    """

    gives: ClassVar[str] = "integer"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: invoice_id, type: string, unique: true, generator: {name: sequence, prefix: INV-, width: 6, start: 1001}}
"""
    numbered: ClassVar[bool] = True
    start: Annotated[int, Meta(ge=-(2**62), le=2**62)] = 1
    step: Annotated[int, Meta(ge=-(2**40), le=2**40)] = 1
    prefix: Annotated[str, Meta(max_length=40)] = ""
    width: Annotated[int, Meta(ge=0, le=19)] = 0
    sparse: Annotated[list[Annotated[int, Meta(ge=1, le=2**31)]], Meta(min_length=2, max_length=2)] | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if self.step == 0:
            raise Problem("generator.step", "a step of 0 gives every row the same number.", "Use 1, or -1.")
        if self.sparse is not None:
            self._check_sparse(*self.sparse)
        if self.field.type == "integer":
            self._check_plain()
        if self.prefix != unicodedata.normalize("NFC", self.prefix).lstrip():
            raise Problem("generator.prefix", "starts with a space, or is not in NFC.", "Write it without.")
        if scope.count > self.room():
            what = f"{scope.count:,} rows from {self.start} in steps of {self.step} leave the range."
            raise Problem("range", what, f"It holds {self.room():,} of these numbers; widen it, or lower the count.")

    def _check_plain(self) -> None:
        for key in ("prefix", "width"):
            if getattr(self, key):
                raise Problem(f"generator.{key}", f"an integer has no {key}.", "Make the field type: string.")

    def _check_sparse(self, used: int, every: int) -> None:
        if used > every:
            what = f"{used} of every {every} numbers can't be used."
            raise Problem("generator.sparse", what, "The smaller number comes first: [8, 32].")
        if self.step != 1:
            raise Problem("generator.step", "goes without `sparse`.", "Take one of them away.")
        if self.start < 0 or self.start % every >= used:
            what = f"{self.start} is not one of the first {used} of every {every} numbers."
            raise Problem("generator.start", what, f"E.g. start: {self.start - self.start % every}.")

    def room(self) -> int:
        low, high = -INT64, INT64
        if isinstance(self.kind, Integer) and self.kind.low is not None:
            low, high = self.kind.low, self.kind.high
        if not low <= self.start <= high:
            return 0
        if self.sparse is not None:
            used, every = self.sparse
            most = (high + 1) // every * used + min((high + 1) % every, used)
            return int(min(most - self._skipped(used, every), MOST_ROOM))
        ahead = high - self.start if self.step > 0 else self.start - low
        return int(min(ahead // abs(self.step) + 1, MOST_ROOM))

    def _skipped(self, used: int, every: int) -> int:
        """Numbers in use below the first."""
        return self.start // every * used + self.start % every

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.at(rows.index)

    def keyed(self, index: U64, key: int) -> Column:
        return self.at(index)

    def at(self, index: U64) -> Column:
        numbers = self._numbers(index)
        if self.field.type == "integer":
            return numbers
        if len(numbers) == 0:
            return pl.Series(dtype=pl.String)
        least, most = int(numbers.min()), int(numbers.max())
        digits = max(len(str(most)), self.width)
        if least < 0 or max(len(str(least)), self.width) < digits or digits > 19:
            text = pl.Series(numbers).cast(pl.String).str.zfill(self.width)
            return self.prefix + text if self.prefix else text
        before = self.prefix.encode()
        matrix = blank(len(numbers), before + b"0" * digits)
        put_decimal(matrix, len(before), digits, numbers.view(np.uint64))
        return from_matrix(matrix)

    def _numbers(self, index: U64) -> NDArray[np.int64]:
        if self.sparse is None:
            return index.astype(np.int64) * self.step + self.start
        used, every = self.sparse
        place = index.astype(np.int64) + self._skipped(used, every)
        lot = place // used
        return lot * (every - used) + place


class Uuid4(Sampler):
    """Random UUIDs (version 4, RFC 9562).

    In a unique field, 62 of the 122 random bits are a scrambled row number: no two rows share one, however many.
    """

    gives: ClassVar[str] = "uuid"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: id, type: uuid, unique: true, generator: uuid4}
"""

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        halves = rng.integers(0, 2**64, (2, n), dtype=np.uint64)
        return _uuids(halves[0], halves[1] & LOW_BITS, 4)

    def room(self) -> int:
        return MOST_ROOM

    def at(self, index: U64) -> Column:
        return self.keyed(index, 0)

    def keyed(self, index: U64, key: int) -> Column:
        return _uuids(mix(index, key ^ 0x5DEECE66D), mixed(index, key), 4)


def _uuids(high: U64, low: U64, version: int) -> pl.Series:
    """The text of UUIDs whose version and variant bits are still to be set; `low` has 62 bits."""
    high = high & np.uint64(~0xF000 & (1 << 64) - 1)
    high |= np.uint64(version << 12)
    matrix = blank(len(high), BLANK_UUID)
    put_hex(matrix, HIGH, high)
    put_hex(matrix, LOW, low | VARIANT)
    return from_matrix(matrix)


class _Timed(Sampler):
    """What uuid7 and ulid share: a time part that rises with the row number."""

    # Numbers from anywhere, as of a joint key, would be moments from anywhere.
    numbered: ClassVar[bool] = True

    every: Annotated[float, Meta(ge=-1e12, le=1e12)] = 1.0

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._first = round(scope.as_of.timestamp() * 1000)
        last = self._first + self.every * scope.count
        if min(self._first, last) < 0 or max(self._first, last) >= 1 << 48:
            what = f"the last of {scope.count:,} rows is before 1970 or after the year 10889."
            raise Problem("generator.every", what, "Make `every` smaller.")

    def room(self) -> int:
        return MOST_ROOM

    def at(self, index: U64) -> Column:
        return self.keyed(index, 0)

    def times(self, index: U64) -> U64:
        """Milliseconds since 1970, in 48 bits."""
        if self.every == 1.0:
            times = index + np.uint64(self._first)
        else:
            times = (np.floor(index * self.every).astype(np.int64) + self._first).view(np.uint64)
        return times & np.uint64((1 << 48) - 1)


class Uuid7(_Timed):
    """UUIDs that sort by time (version 7, RFC 9562). The time rises with the row number, from the dataset's `as_of`.

    - `every`: milliseconds from one row to the next; 1. Below 0 the rows go back in time, 0.01 puts a hundred rows
      into one millisecond
    """

    gives: ClassVar[str] = "uuid"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: event_id, type: uuid, unique: true, generator: {name: uuid7, every: 250}}
"""

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        halves = rng.integers(0, 2**64, (2, n), dtype=np.uint64)
        return self._made(rows.index, halves[0], halves[1] & LOW_BITS)

    def keyed(self, index: U64, key: int) -> Column:
        return self._made(index, mix(index, key ^ 0x5DEECE66D), mixed(index, key))

    def _made(self, index: U64, chance: U64, low: U64) -> pl.Series:
        return _uuids(self.times(index) << np.uint64(16) | chance & np.uint64(0xFFF), low, 7)


class Ulid(_Timed):
    """ULIDs: 26 letters and digits that sort by time. The time rises with the row number, from the dataset's `as_of`.

    - `every`: milliseconds from one row to the next; 1. Below 0 the rows go back in time, 0.01 puts a hundred rows
      into one millisecond
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: request_id, type: string, unique: true, generator: ulid}
"""

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        chance = rng.integers(0, 2**64, (2, n), dtype=np.uint64)
        return self._made(rows.index, chance[0], chance[1])

    def keyed(self, index: U64, key: int) -> Column:
        return self._made(index, mix(index, key ^ 0x5DEECE66D), mix(index, key))

    def _made(self, index: U64, high: U64, low: U64) -> pl.Series:
        """Fifty bits of time, then 80 of chance: 20 from `high` and 60 from `low`, whose other 4 are left out of
        `high`, so that all 64 bits of `low` count."""
        matrix = np.empty((len(index), 26), np.uint8)
        high = high & np.uint64(0xFFFF) | low >> np.uint64(60) << np.uint64(16)
        for number, pairs, at in ((self.times(index), 5, 0), (high, 2, 10), (low, 6, 14)):
            for pair in range(pairs):
                codes = number >> np.uint64(10 * (pairs - 1 - pair)) & np.uint64(1023)
                put(matrix, at + 2 * pair, _base32().take(codes.astype(np.intp)))
        return from_matrix(matrix)


@cache
def _base32() -> NDArray[np.uint16]:
    """Two characters of Crockford's base 32 for each 10-bit number."""
    letters = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)
    both = np.arange(1024)
    words: NDArray[np.uint16] = np.ascontiguousarray(letters[np.stack([both >> 5, both & 31], axis=1)]).view("<u2")
    return words.reshape(-1)


class Hash(Sampler):
    """Hex digits that look like a digest, or the digest of other fields.

    - `bits`: its length, 32 to 256 in steps of 16, four bits a digit; 256
    - `of`: fields of the same record, whose text is hashed with SHA-256 (then `bits` of it are kept); without it the
      digits are random
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: page, type: url}
- {name: page_hash, type: string, generator: {name: hash, of: [page], bits: 128}}
"""
    bits: Annotated[int, Meta(ge=32, le=256, multiple_of=16)] = 256
    of: Annotated[list[str], Meta(max_length=50)] = []

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        for name in self.of:
            if name not in scope.names:
                raise Problem("generator.of", f"there is no field `{name[:60]}` here.", "Name fields of this record.")
            if name == self.field.name:
                raise Problem("generator.of", f"`{name[:60]}` can't be made from itself.", "Name other fields.")

    @property
    def reads(self) -> Several[str]:
        return tuple(self.of)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.of:
            return self._digest(rows)
        return self._digits([rng.integers(0, 2**64, n, dtype=np.uint64) for _ in range(-(-self.bits // 64))])

    def room(self) -> int | None:
        return None if self.of else min(1 << self.bits, MOST_ROOM)

    def at(self, index: U64) -> Column:
        return self.keyed(index, 0)

    def keyed(self, index: U64, key: int) -> Column:
        first = mixed(index, key, min(self.bits, 64))
        others = (mix(index, key ^ part << 8) for part in range(1, -(-self.bits // 64)))
        return self._digits([first << np.uint64(max(64 - self.bits, 0)), *others])

    def _digits(self, words: list[U64]) -> pl.Series:
        matrix = np.empty((len(words[0]), self.bits // 4), np.uint8)
        for part, word in enumerate(words):
            places = range(16 * part, min(16 * part + 16, self.bits // 4), 4)
            put_hex(matrix, places, word)
        return from_matrix(matrix)

    def _digest(self, rows: Rows) -> pl.Series:
        """SHA-256 of the fields' JSON text in the order in which they are named."""
        text = pl.struct(self.of).struct.json_encode()
        digest = text.chash.sha2_256()  # type: ignore[attr-defined]
        return rows.frame(self.of).select(digest.str.head(self.bits // 4)).to_series()

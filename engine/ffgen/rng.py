"""Independent streams of chance, and permutations of row numbers: what makes a drawn value a function of its place.

A stream is named by where it is used (seed, table, field, shard, attempt), so that no value depends on what else
was drawn, on the order of fields, or on which process drew it.
"""

from functools import lru_cache

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

U64 = NDArray[np.uint64]

Stream = np.random.Generator

TABLED = 1 << 16
"""Sizes up to which a permutation is drawn outright: exactly uniform, and a look-up is the quickest way."""
ROUNDS = 6


def stream(*place: int | str) -> Stream:
    """The stream of chance at a place, e.g. `stream(seed, table, field, shard, attempt)`; 15 us to set up.

    Two places that differ in any part have independent streams.
    """
    words = np.random.SeedSequence(xxhash.xxh3_128_intdigest(orjson.dumps(place)))
    return np.random.Generator(np.random.SFC64(words))


def key_of(*place: int | str) -> int:
    """A 64-bit key for `permute` and `mix` at a place."""
    return xxhash.xxh3_64_intdigest(orjson.dumps(place))


def permute(index: U64, size: int, key: int) -> U64:
    """A keyed permutation of 0 to size - 1, at the given places: distinct indices give distinct numbers.

    Any index can be asked for alone, in any order, and nothing is kept. A table up to 65,536 numbers; beyond, a
    Feistel network over the next power of two, walked until it lands inside (Black and Rogaway, 2002): about 20 ns
    a number. `size` is at most 2**63; every index is below it.
    """
    if size <= TABLED:
        return _table(size, key)[index]
    bits = (size - 1).bit_length()
    keys = _round_keys(key)
    number = _feistel(index, bits, keys)
    beyond = np.flatnonzero(number >= size)
    while len(beyond):
        number[beyond] = _feistel(number[beyond], bits, keys)
        beyond = beyond[number[beyond] >= size]
    return number


def mix(index: U64, key: int) -> U64:
    """A keyed bijection of the 64-bit numbers (the finisher of splitmix64): 3 ns a number."""
    with np.errstate(over="ignore"):
        number = index + np.uint64(key)
        number ^= number >> np.uint64(30)
        number *= np.uint64(0xBF58476D1CE4E5B9)
        number ^= number >> np.uint64(27)
        number *= np.uint64(0x94D049BB133111EB)
        number ^= number >> np.uint64(31)
    return number


@lru_cache(maxsize=64)
def _table(size: int, key: int) -> U64:
    table = stream(key, "permutation").permutation(np.arange(size, dtype=np.uint64))
    table.flags.writeable = False
    return table


@lru_cache(maxsize=256)
def _round_keys(key: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(key_of(key, number)) for number in range(ROUNDS))


def _feistel(index: U64, bits: int, keys: tuple[np.uint64, ...]) -> U64:
    """An unbalanced Feistel network on `bits` bits: each round adds to one half a hash of the other."""
    low_bits = np.uint64(bits // 2)
    low_mask = np.uint64((1 << (bits // 2)) - 1)
    high_mask = np.uint64((1 << (bits - bits // 2)) - 1)
    low, high = index & low_mask, index >> low_bits
    with np.errstate(over="ignore"):
        for number, key in enumerate(keys):
            if number % 2 == 0:
                high ^= _hash(low, key) & high_mask
            else:
                low ^= _hash(high, key) & low_mask
    high <<= low_bits
    high |= low
    return high


def _hash(half: U64, key: np.uint64) -> U64:
    product = (half + key) * np.uint64(0x9E3779B97F4A7C15)
    product ^= product >> np.uint64(32)
    product *= np.uint64(0xD6E8FEB86659FD93)
    product >>= np.uint64(31)
    return product

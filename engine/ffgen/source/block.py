"""What reading gives: blocks of rows, each row with its number, and what could not be read."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

BLOCK_ITEMS = 4096

MAX_RECORD = 64 << 20
"""Bytes of one line or record; a longer one is bad. Bounds memory whatever the file holds."""

Item = tuple[int, dict[str, Any] | str]
"""A number from 1 (the line, for Parquet the row), and the row or what is wrong there."""

_DECODE = msgspec.json.Decoder().decode
_KINDS: dict[type, str] = {list: "an array", str: "text", bool: "a boolean", type(None): "null"}


class Bad(msgspec.Struct, frozen=True):
    """A line that is not a record. `line` counts from 1."""

    line: int
    what: str


class Block(msgspec.Struct, frozen=True):
    """Up to 4,096 items in file order. `numbers[i]` is the line (Parquet: the row) of `rows[i]`, from 1."""

    rows: list[dict[str, Any]]
    numbers: list[int]
    bad: list[Bad]


def gather(items: Iterable[Item]) -> Iterator[Block]:
    """Items put into blocks."""
    block = Block([], [], [])
    for number, what in items:
        if isinstance(what, str):
            block.bad.append(Bad(number, what))
        else:
            block.rows.append(what)
            block.numbers.append(number)
        if len(block.rows) + len(block.bad) >= BLOCK_ITEMS:
            yield block
            block = Block([], [], [])
    if block.rows or block.bad:
        yield block


def decode_record(text: bytes) -> dict[str, Any] | str:
    """One JSON record, or what is wrong with it. Big integers keep every digit; NaN is not JSON."""
    try:
        value = _DECODE(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"not JSON: {error}"
    except (RecursionError, ValueError) as error:
        return f"not readable: {error}"
    if isinstance(value, dict):
        return value
    return f"a record must be a JSON object, this is {_KINDS.get(type(value), 'a number')}"

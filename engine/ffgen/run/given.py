"""The rows that a model is given: the drawn part of each, cut into requests."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ffgen.plan.hybrid import LONGEST, mark_of
from ffgen.rng import U64


class Part(msgspec.Struct):
    """The rows of one request: their numbers in the table, their drawn values, and what the model is shown of them."""

    index: U64
    drawn: pl.DataFrame
    marks: list[str]
    shown: list[list[Any]]


def parts_of(frames: Iterator[tuple[int, pl.DataFrame]], asked: Sequence[str], shown: Sequence[str], size: int,
             ) -> Iterator[Part]:  # fmt: skip
    """The rows for which any asked field has a value, in order, `size` at a time. `frames` are shards with the number
    of their first row."""
    held: pl.DataFrame | None = None
    for first, frame in frames:
        index = np.arange(first, first + len(frame), dtype=np.uint64)
        wanted = frame.select(pl.any_horizontal([pl.col(name).is_not_null() for name in asked])).to_series()
        numbered = frame.with_columns(pl.Series(INDEX, index)).filter(wanted)
        rows = numbered if held is None else pl.concat([held, numbered])
        whole = len(rows) // size * size
        for start in range(0, whole, size):
            yield part_of(rows[start : start + size], shown)
        held = rows[whole:]
    if held is not None and len(held):
        yield part_of(held, shown)


INDEX = "\x00index"


def part_of(rows: pl.DataFrame, shown: Sequence[str]) -> Part:
    """One request's rows."""
    index = rows.drop_in_place(INDEX).to_numpy()
    columns = [[showable(value) for value in rows[name].to_list()] for name in shown]
    values = [list(row) for row in zip(*columns, strict=True)] or [[] for _ in index]
    texts = [[text_of(value) for value in row] for row in values]
    return Part(index, rows, mark_of(texts), values)


def showable(value: Any) -> Any:
    """A drawn value as it stands in a prompt: plain JSON."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST]
    if isinstance(value, datetime | date | time | timedelta):
        return msgspec.to_builtins(value)
    return value if value is None or isinstance(value, bool | int | float) else msgspec.to_builtins(value, enc_hook=str)


def text_of(value: Any) -> str:
    """A shown value as text, for marks."""
    if value is None or isinstance(value, list | dict):
        return ""
    return " ".join(value.split()) if isinstance(value, str) else msgspec.json.encode(value).decode()

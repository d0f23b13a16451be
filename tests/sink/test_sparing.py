"""Blocks made a few rows at a time are those made at once."""

import numpy as np
import polars as pl
import pytest

from ffgen.sink import sparing
from ffgen.sink.block import encoder
from ffgen.sink.sparing import encode_sparingly

ROWS = 30_000


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Text that makes more than one member, nulls, lists, and floats that are written in another way from 1e16 on."""
    chance = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "text": [f"row {n} " + "x" * int(n % 90) for n in range(ROWS)],
            "number": np.where(chance.random(ROWS) < 0.001, 1e17, chance.random(ROWS)),
            "some": pl.Series(chance.integers(0, 9, ROWS)).cast(pl.Int64).replace(3, None),
            "list": [[n, n + 1] for n in range(ROWS)],
        }
    )


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("format", ["jsonl", "csv", "csv-safe", "parquet"])
def test_the_same_bytes(frame: pl.DataFrame, format: str, compression: str) -> None:
    schema = dict(frame.schema)
    for part in (frame, frame[: sparing.ROWS], frame[:1], frame[:0]):
        whole = encoder(format, schema, {}, compression).encode(part)
        pieces = encode_sparingly(format, schema, {}, compression, part)
        assert pieces.data == whole.data and pieces.rows == whole.rows and pieces.footer == whole.footer

"""Canonical hashes one by one and in columns: the sizes at which each is used, and where they meet."""

import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ffgen.batch import canonical_texts, encode_sorted, hash_text, hash_texts

SIZES = [32, 512, 65_536]


def records(rows: int) -> list[dict[str, object]]:
    """Rows like those of the whole runs."""
    return [
        {
            "full_name": f"Maria {number:x} Lopez",
            "email": f"maria.{number:x}@gmail.com",
            "age": 18 + number % 63,
            "status": ("active", "inactive", "pending")[number % 3],
            "city": f"Lisbon {number % 977}",
        }
        for number in range(rows)
    ]


@pytest.mark.parametrize("rows", SIZES)
def test_one_by_one(benchmark: BenchmarkFixture, rows: int) -> None:
    given = records(rows)
    benchmark.extra_info["rows"] = rows
    hashes = benchmark(lambda: [hash_text(encode_sorted(record)) for record in given])
    assert hashes == hash_texts(canonical_texts(pl.DataFrame(given))).tolist()


@pytest.mark.parametrize("rows", SIZES)
def test_columns(benchmark: BenchmarkFixture, rows: int) -> None:
    frame = pl.DataFrame(records(rows))
    benchmark.extra_info["rows"] = rows
    assert len(benchmark(lambda: hash_texts(canonical_texts(frame)))) == rows

"""Batches: what a verdict takes of one, and the canonical text in its two ways."""

import json
from datetime import UTC, date, datetime, time

import msgspec
import numpy as np
import polars as pl
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from ffgen.batch import ABSENT, Batch, canonical_texts, encode_sorted, hash_text, hash_texts

ROWS = [{"a": f"x{i}", "b": "line\u2028\r\n\x85"} for i in range(5)]
LINES = msgspec.json.Encoder().encode_lines(ROWS)


def batch(sets: int = 2) -> Batch:
    return Batch(LINES, np.arange(5 * sets, dtype=np.uint64).tobytes(), 5, sets)


def test_keys_come_back_as_a_table() -> None:
    assert batch().key_table().tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert Batch(b"", b"", 0, 3).key_table().shape == (0, 3)


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_take_gives_the_admitted_lines_whole_and_in_order(verdict: list[bool]) -> None:
    lines, admitted = batch().take(verdict)
    assert admitted == sum(verdict)
    assert [json.loads(line) for line in lines.split(b"\n")[:-1]] == [
        r for r, ok in zip(ROWS, verdict, strict=True) if ok
    ]


@given(st.text(), st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
def test_a_text_s_hash_is_the_same_in_rust_and_in_python(first: str, second: str, whole: int, real: float) -> None:
    rows = [{"b": first, "a": second, "é": whole, "Z": real}, {"b": None, "a": "", "é": None, "Z": None}]
    frame = pl.DataFrame(rows, schema={"b": pl.String, "a": pl.String, "é": pl.Int64, "Z": pl.Float64})
    texts = canonical_texts(frame)
    assert texts.to_list() == [encode_sorted(row).decode() for row in rows]
    assert hash_texts(texts).tolist() == [hash_text(encode_sorted(row)) for row in rows]


def test_moments_and_nested_values_have_one_text() -> None:
    row = {
        "d": date(9, 1, 2),
        "t": time(1, 2, 3, 40),
        "m": datetime(2024, 1, 2, 3, 4, 5, 60, tzinfo=UTC),
        "l": [True, None],
        "s": {"y": 'ä"', "x": 1.0},
    }
    frame = pl.DataFrame([row], schema_overrides={"m": pl.Datetime("us", "UTC"), "l": pl.List(pl.Boolean)})
    assert canonical_texts(frame).to_list() == [encode_sorted(row).decode()]
    assert canonical_texts(frame.select("d")).to_list() == ['{"d":"0009-01-02"}']


def test_the_key_of_nothing_is_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xxhash, "xxh3_64_intdigest", lambda text: 0)
    assert hash_text(b"anything") == 1 != ABSENT


def test_a_frame_of_no_rows_has_no_hashes() -> None:
    frame = pl.DataFrame(schema={"a": pl.String, "b": pl.Int64})
    assert hash_texts(canonical_texts(frame)).tolist() == []

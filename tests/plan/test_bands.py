"""Ranges in words: the parts cover the range and touch, and what is too small is left whole."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.plan.bands import FEWEST, bands_of
from ffgen.spec.model import Field
from ffgen.spec.types import build_type

PARTS = 6


def bands(**field: Any) -> list[str]:
    return bands_of(build_type(msgspec.convert(field, Field)), PARTS)


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ({"type": "integer", "range": [18, 80]}, "18 to 27", "70 to 80"),
        ({"type": "integer", "range": ["1", "12"]}, "1 to 2", "11 to 12"),
        ({"type": "integer", "range": [0, 2**63 - 1]}, f"0 to {2**63 // 6 - 1}", f"{2**63 * 5 // 6} to {2**63 - 1}"),
        ({"type": "number", "range": [0, 1e6]}, "0 to 170000", "830000 to 1000000"),
        ({"type": "number", "range": [0.5, 0.56]}, "0.5 to 0.51", "0.55 to 0.56"),
        ({"type": "number", "range": [-1, 1]}, "-1 to -0.67", "0.67 to 1"),
        (
            {"type": "date", "range": ["2024-01-01", "2024-01-12"]},
            "2024-01-01 to 2024-01-02",
            "2024-01-11 to 2024-01-12",
        ),
        (
            {"type": "datetime", "range": ["2024-01-01", "2024-12-30T12:00:00+02:00"]},
            "2024-01-01 to 2024-02-29",
            "2024-10-31 to 2024-12-30",
        ),
    ],
)
def test_bands(field: dict[str, Any], first: str, last: str) -> None:
    found = bands(**field)
    assert len(found) == PARTS and (found[0], found[-1]) == (first, last)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6))
def test_bands_of_integers_cover_the_range_and_touch(low: int, size: int) -> None:
    high = min(low + size, 2**63 - 1)
    found = [tuple(map(int, band.split(" to "))) for band in bands(type="integer", range=[low, high])]
    assert (found == []) == (high - low + 1 < FEWEST * PARTS)
    if found:
        assert found[0][0] == low and found[-1][1] == high
        assert all(a[1] + 1 == b[0] for a, b in pairwise(found))


@pytest.mark.parametrize(
    "field",
    [
        {"type": "integer"},
        {"type": "integer", "range": [1, 11]},
        {"type": "number", "range": [5, 5]},
        {"type": "number", "range": [-1.7e308, 1.7e308]},
        {"type": "date", "range": ["2024-01-01", "2024-01-11"]},
        {"type": "time", "range": ["08:00", "17:00"]},
        {"type": "integer", "range": [1, 99], "values": [5]},
    ],
)
def test_a_range_too_small_or_too_large_is_not_cut(field: dict[str, Any]) -> None:
    assert bands(**field) == []

"""How pools are asked for: disjoint slices, rarer as it goes on, and requests of a fitting size."""

import re
from typing import Any

import pytest

from ffgen.plan.tail import Tail, rows_a_request
from ffgen.spec.model import Field
from ffgen.spec.types import build_types


def tail_of(turn: int = 0, base: int = 90, **field: Any) -> Tail:
    return Tail(build_types([Field(**({"name": "title", "type": "string"} | field))]), base, turn)


@pytest.mark.parametrize("turn", [0, 1, 77, 2**31 - 1])
def test_no_two_of_504_requests_share_a_slice(turn: int) -> None:
    assert len({tail_of(turn).cut(index) for index in range(504)}) == 504


def test_neighbours_differ_in_the_initial() -> None:
    initials = [tail_of().cut(index).split()[3] for index in range(200)]
    assert all(here != there for here, there in zip(initials, initials[1:], strict=False))


def test_later_requests_ask_for_rarer_values() -> None:
    tail = tail_of(base=90)
    rare = [int(re.findall(r"1 time in ([0-9,]+)", tail.slices(i))[0].replace(",", "")) for i in range(120)]
    assert rare == sorted(rare) and (rare[0], rare[45], rare[89], rare[90]) == (10, 100, 1_000, 10_000)
    assert "1,000," in tail.slices(0, step=2)


def test_lengths_are_cut_in_three_where_the_spec_gives_them() -> None:
    sizes = tail_of(length=[20, 80]).sizes()
    assert sorted(sizes) == ["20 to 40 characters", "40 to 60 characters", "60 to 80 characters"]
    assert "characters" not in "".join(tail_of(length=[20, 24]).sizes())


@pytest.mark.parametrize("field", [{"pattern": "^x"}, {"values": ["a", "b"]}])
def test_what_the_spec_says_of_values_is_not_contradicted(field: dict[str, Any]) -> None:
    assert tail_of(**field).slices(5).startswith("each title is one that comes to mind")


@pytest.mark.parametrize("tokens", [2, 9, 60, 200])
@pytest.mark.parametrize("size", [1, 100, 1_000, 5_000, 5_200])
def test_a_pool_of_5_000_takes_at_most_500_requests(size: int, tokens: float) -> None:
    rows = rows_a_request(size, tokens)
    assert -(-size // rows) <= 450 and 12 <= rows <= 100

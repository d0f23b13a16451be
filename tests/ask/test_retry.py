"""Waiting before the next try."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.ask.retry import LONGEST_WAIT, Budget, delay, parse_date, parse_retry_after

UNIT = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), UNIT)
def test_full_jitter_stays_below_the_doubled_base_and_the_cap(tries: int, random: float) -> None:
    assert 0 <= delay(tries, None, random) <= min(30.0, 0.5 * 2.0 ** min(tries - 1, 60))


def test_the_ceiling_doubles_with_every_try() -> None:
    assert [delay(tries, None, 1.0) for tries in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [delay(tries, None, 1.0, base=2.0) for tries in range(1, 5)] == [2, 4, 8, 16]
    assert delay(5, None, 0.0) == 0


@given(st.integers(1, 10), st.floats(0, LONGEST_WAIT), UNIT)
def test_what_the_server_said_is_never_undercut(tries: int, retry_after: float, random: float) -> None:
    assert retry_after <= delay(tries, retry_after, random) <= retry_after * 1.2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("301", 300.0),
        ("-5", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),
        ("9" * 400, None),
        ("", None),
        (None, None),
        ("tomorrow", None),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:30 -0000", 20.0),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 300.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_both_forms_of_retry_after(text: str | None, expected: float | None) -> None:
    assert parse_retry_after(text, now=10.0) == expected


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [A-Z+0-9-]+"), st.floats(0, 2e9))
def test_no_header_makes_it_fail_or_wait_too_long(text: str, now: float) -> None:
    found = parse_retry_after(text, now)
    assert found is None or 0 <= found <= LONGEST_WAIT


@given(st.integers(0, 4_000_000_000))
def test_dates_come_back(when: int) -> None:
    assert parse_date(formatdate(when, usegmt=True)) == when


def test_the_budget_is_ten_a_minute_and_a_tenth_of_the_requests() -> None:
    budget = Budget()
    assert [budget.spend(0) for _ in range(11)] == [True] * 10 + [False]
    for _ in range(30):
        budget.earn()
    assert [budget.spend(0) for _ in range(4)] == [True] * 3 + [False]
    assert [budget.spend(60) for _ in range(11)] == [True] * 10 + [False]
    assert sum(budget.spend(100_000) for _ in range(200)) == 60, "what was not used is not saved up for ever"


def test_the_budget_takes_no_harm_from_a_clock_that_goes_back() -> None:
    budget = Budget()
    assert all(budget.spend(100 - now) for now in range(10)) and not budget.spend(0)

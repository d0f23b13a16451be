"""Permits and health, on a clock that the tests turn."""

import heapq
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.ask.address import Kind
from ffgen.ask.limit import AUTO_CEILING, COOLDOWN, Health, Limit, Outcome, Pace, Permit


def taken(limit: Limit, now: float) -> list[Permit]:
    """Every permit that there is."""
    return list(iter(lambda: limit.take(now), None))


def succeed(limit: Limit, count: int, now: float = 0.0, seconds: float = 1.0) -> None:
    """So many successes, one after the other, that took so long."""
    for _ in range(count):
        permit = limit.take(now)
        assert permit is not None
        limit.finish(permit, "success", now + seconds)


def trace(
    limit: Limit, seconds: float, answer: Callable[[float, int], tuple[float, Outcome]]
) -> list[tuple[float, int]]:
    """Keeps all permits in use for so long; `answer(now, in flight)` says how long a request takes and how it ends.

    What comes back is the limit over time.
    """
    now, sequence, seen = 0.0, 0, [(0.0, limit.limit)]
    flying: list[tuple[float, int, Permit, Outcome]] = []
    while now < seconds:
        while (permit := limit.take(now)) is not None:
            took, outcome = answer(now, limit.in_flight)
            heapq.heappush(flying, (now + took, sequence, permit, outcome))
            sequence += 1
        if not flying:
            now += limit.opens(now)
            continue
        now, _, permit, outcome = heapq.heappop(flying)
        limit.finish(permit, outcome, now)
        if seen[-1][1] != limit.limit:
            seen.append((now, limit.limit))
    return seen


def test_starts_where_the_user_said_and_never_goes_above() -> None:
    limit = Limit.of(8)
    assert len(taken(limit, 0)) == 8
    fixed = Limit.of(3)
    succeed(fixed, 500)
    assert fixed.limit == 3


def test_a_permit_given_back_is_there_again() -> None:
    limit = Limit(1, 1)
    permit = limit.take(0)
    assert permit is not None and limit.take(0) is None
    limit.finish(permit, "failure", 1)
    assert limit.take(1) is not None


def test_an_overload_takes_a_quarter_once_a_burst_and_closes_for_two_seconds() -> None:
    limit = Limit.of(8)
    for permit in taken(limit, 0):
        limit.finish(permit, "overloaded", 1.0)
    assert limit.limit == 6
    assert limit.take(1.0 + COOLDOWN - 0.01) is None and limit.opens(1.0) == COOLDOWN
    assert len(taken(limit, 1.0 + COOLDOWN)) == 6


def test_the_next_burst_takes_the_next_quarter_down_to_one() -> None:
    limit, now, seen = Limit.of(8), 0.0, []
    for _ in range(8):
        for permit in taken(limit, now):
            limit.finish(permit, "overloaded", now)
        seen.append(limit.limit)
        now += COOLDOWN
    assert seen == [6, 4, 3, 2, 1, 1, 1, 1]


def test_retry_after_is_obeyed_also_when_a_straggler_brings_it() -> None:
    limit = Limit.of(4)
    first, second, third, fourth = taken(limit, 0)
    limit.finish(first, "overloaded", 0, retry_after=10.0)
    assert limit.opens(0) == 10
    limit.finish(second, "overloaded", 1, retry_after=30.0)
    limit.finish(third, "overloaded", 2)
    limit.finish(fourth, "overloaded", 2, retry_after=1.0)
    assert limit.opens(2) == 29 and limit.limit == 3


def test_twenty_five_straight_successes_give_one_back() -> None:
    limit = Limit.of(8)
    for permit in taken(limit, 0):
        limit.finish(permit, "overloaded", 0)
    succeed(limit, 24, now=10)
    assert limit.limit == 6
    succeed(limit, 1, now=10)
    assert limit.limit == 7
    succeed(limit, 24, now=10)
    failed = limit.take(10)
    assert failed is not None
    limit.finish(failed, "failure", 10)
    succeed(limit, 24, now=10)
    assert limit.limit == 7
    succeed(limit, 26, now=10)
    assert limit.limit == 8


def test_successes_from_before_a_decrease_earn_nothing() -> None:
    limit = Limit.of(30)
    first, *others = taken(limit, 0)
    limit.finish(first, "overloaded", 0)
    for permit in others:
        limit.finish(permit, "success", 1)
    assert limit.limit == 22


def test_failures_that_are_no_overload_lower_nothing() -> None:
    limit = Limit.of(8)
    for now in range(100):
        for permit in taken(limit, now):
            limit.finish(permit, "failure", now)
    assert limit.limit == 8


def test_auto_ramps_up_while_latency_holds() -> None:
    limit = Limit.of("auto")
    assert limit.limit == 2
    succeed(limit, 8)
    assert limit.limit == 3
    succeed(limit, 8 * 400)
    assert limit.limit == AUTO_CEILING


def test_auto_stops_near_what_a_server_with_four_slots_can_do() -> None:
    limit = Limit.of("auto")
    seen = trace(limit, 3000, lambda _, flying: (max(1.0, flying / 4), "success"))
    assert 4 <= limit.limit <= 12 and max(level for _, level in seen) <= 12


def test_auto_finds_the_edge_of_a_server_that_says_429() -> None:
    limit = Limit.of("auto")
    seen = trace(limit, 3000, lambda _, flying: (1.0, "overloaded" if flying > 20 else "success"))
    settled = [level for now, level in seen if now > 300]
    assert settled and 14 <= min(settled) and max(settled) <= 21


def test_latency_that_triples_lowers_once_until_it_comes_back() -> None:
    limit = Limit.of(100)
    succeed(limit, 40, seconds=1.0)
    succeed(limit, 20, seconds=4.0)
    assert limit.limit == 75
    succeed(limit, 40, seconds=4.0)
    before = limit.limit
    assert 75 <= before <= 77  # no second decrease, though it is as slow as before
    succeed(limit, 40, seconds=1.0)
    succeed(limit, 20, seconds=4.0)
    assert limit.limit < before


def test_the_noise_of_a_fast_server_lowers_nothing() -> None:
    limit = Limit.of(8)
    succeed(limit, 40, seconds=0.001)
    succeed(limit, 40, seconds=0.2)
    assert limit.limit == 8


@given(
    st.integers(1, 40) | st.just("auto"),
    st.lists(st.tuples(st.sampled_from(["success", "overloaded", "failure"]), st.floats(0, 20)), max_size=300),
)
def test_whatever_happens_one_goes_on_and_nobody_gets_too_much(
    concurrency: int | Literal["auto"], events: list[tuple[Outcome, float]]
) -> None:
    limit, now = Limit.of(concurrency), 0.0
    ceiling = limit.ceiling
    flying: list[Permit] = []
    for outcome, seconds in events:
        opened = limit.opens(now)
        while (permit := limit.take(now)) is not None:
            assert opened == 0
            flying.append(permit)
        assert limit.in_flight == len(flying) <= ceiling
        now += seconds
        if flying:
            before = limit.limit
            limit.finish(flying.pop(0), outcome, now)
            assert 1 <= limit.limit <= min(ceiling, before + 1)
            assert outcome == "success" or limit.limit <= before
    assert flying or limit.take(now + limit.opens(now)) is not None


def failed(kind: Kind, *times: float) -> Health:
    """An endpoint that failed so at these times."""
    made = Health(patience=30.0)
    for now in times:
        made.fail(now, kind)
    return made


def test_five_failures_and_patience_give_an_endpoint_up() -> None:
    made = failed("server", 100, 101, 102, 103, 104)
    assert not made.given_up(129.9)
    assert made.given_up(130)


def test_few_failures_or_little_time_do_not() -> None:
    assert not failed("server", *[100.0] * 4).given_up(1000)
    assert not failed("reset", *[100.0] * 50).given_up(129)


def test_three_refusals_do() -> None:
    assert not failed("refused", *[0.0] * 2).given_up(31)
    assert failed("refused", *[0.0] * 3).given_up(31)


def test_one_success_forgives_all() -> None:
    made = failed("server", *[0.0] * 20)
    made.succeed(29)
    assert not made.given_up(1000) and made.may_ask(29, in_flight=7)
    made.fail(1000, "server")
    assert not made.given_up(1031)


def test_patience_counts_from_the_first_failure_not_the_last_success() -> None:
    made = Health(30)
    made.succeed(0)
    for _ in range(5):
        made.fail(500, "reset")
    assert not made.given_up(501) and made.given_up(530)


def test_waiting_that_the_server_asked_for_is_not_failing_up_to_a_limit() -> None:
    made, now = Health(30), 0.0
    while not made.given_up(now):
        for _ in range(8):
            made.fail(now, "overloaded", retry_after=60)
        now += 60
    assert 330 <= now <= 390


def test_an_open_endpoint_is_tried_by_one_request_with_growing_pauses() -> None:
    made = failed("reset", *[0.0] * 9)
    assert made.may_ask(0, in_flight=100)
    now, pauses = 0.0, []
    for _ in range(6):
        made.fail(now, "reset")
        assert not made.may_ask(now, in_flight=0)
        pauses.append(made.opens(now))
        now += made.opens(now)
        assert made.may_ask(now, in_flight=0) and not made.may_ask(now, in_flight=1)
    assert pauses == pytest.approx([0.5, 1, 2, 4, 5, 5])
    made.succeed(now)
    assert made.opens(now) == 0 and made.may_ask(now, in_flight=100)


def test_going_back_to_where_it_was_too_much_twice_takes_longer_each_time() -> None:
    limit = Limit.of(3)
    needed = []
    for round_ in range(5):
        now = 100.0 * round_
        for permit in taken(limit, now):
            limit.finish(permit, "overloaded", now)
        assert limit.limit == 2
        count, now = 0, now + COOLDOWN
        while limit.limit == 2:
            succeed(limit, 1, now)
            count += 1
        needed.append(count)
    assert needed == [25, 200, 400, 800, 1600]


def test_overloads_at_changing_levels_leave_no_edge() -> None:
    limit = Limit.of(8)
    for permit in taken(limit, 0):
        limit.finish(permit, "overloaded", 0)
    succeed(limit, 25, now=10)
    assert limit.limit == 7
    for permit in taken(limit, 20):
        limit.finish(permit, "overloaded", 20)
    succeed(limit, 50, now=30)
    assert limit.limit == 7


def test_requests_that_time_out_lower_once_and_close_nothing() -> None:
    limit = Limit.of(8)
    for permit in taken(limit, 0):
        limit.finish(permit, "timeout", 120)
    assert limit.limit == 6 and limit.opens(120) == 0


def test_an_unused_permit_says_nothing() -> None:
    limit = Limit.of(8)
    succeed(limit, 24)
    for permit in taken(limit, 0):
        limit.finish(permit, "unused", 0)
    succeed(limit, 40, seconds=1.0)
    assert limit.limit == 8 and len(taken(limit, 100)) == 8


def test_what_is_usual_is_the_median_of_the_last_twenty() -> None:
    pace = Pace()
    pace.add(5)
    pace.add(1)
    assert pace.usual is None
    pace.add(2)
    assert pace.usual == 2
    for _ in range(20):
        pace.add(9)
    assert pace.usual == 9


@pytest.mark.parametrize(("kind", "count"), [("refused", 3), ("timeout", 3), ("reset", 10), ("server", 10)])
def test_how_many_failures_in_a_row_leave_an_endpoint_to_the_others(kind: Kind, count: int) -> None:
    assert not failed(kind, *[0.0] * (count - 1)).is_open
    made = failed(kind, *[0.0] * count)
    assert made.is_open and not made.may_ask(14.9, 0, spared=True) and made.may_ask(15, 0, spared=True)
    assert made.may_ask(0.5, 0, spared=False)


def test_overloads_never_leave_an_endpoint_to_the_others() -> None:
    assert not failed("overloaded", *[0.0] * 100).is_open


def test_probes_of_an_endpoint_whose_work_others_do_grow_to_two_minutes() -> None:
    made = failed("refused", 0.0, 0.0, 0.0)
    now, pauses = 0.0, []
    for _ in range(6):
        pauses.append(made.opens(now, spared=True))
        now += pauses[-1]
        assert made.may_ask(now, 0, spared=True) and not made.may_ask(now, 1, spared=True)
        made.fail(now + 0.1, "refused", since=now)
        now += 0.1
    assert pauses == pytest.approx([15, 30, 60, 120, 120, 120])
    made.succeed(now)
    assert not made.is_open and made.opens(now, spared=True) == 0


def test_what_was_in_flight_when_it_opened_does_not_make_it_wait_longer() -> None:
    made = failed("refused", 0.0, 0.0, 0.0)
    for late in (1.0, 2.0, 3.0):
        made.fail(late, "reset", since=-1.0)
    assert made.opens(3.0, spared=True) == 15


def test_half_of_twenty_requests_in_thirty_seconds_leave_it_to_the_others_only() -> None:
    made = Health(30.0)
    for number in range(20):
        if number % 2:
            made.fail(number, "server")
        else:
            made.succeed(number)
    assert made.is_open and not made.may_ask(20, 0, spared=True) and made.may_ask(20, 5, spared=False)
    made.succeed(40)
    assert not made.is_open
    slow = Health(30.0)
    for number in range(20):
        if number % 2:
            slow.fail(number * 2, "server")
        else:
            slow.succeed(number * 2)
    assert not slow.is_open

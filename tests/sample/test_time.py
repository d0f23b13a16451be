"""Moments in a range, and moments by the rhythm of days and hours."""

from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.sample.calendar import HOURS, PROFILES, durations, weights_of
from ffgen.sample.noise import echo, stages, white
from ffgen.sample.time import Moment, Rhythm
from ffgen.spec.model import Field
from ffgen.spec.types import Problem
from ffgen.spec.types.duration import to_text

YEAR = ["2023-01-01", "2023-12-31T23:59:59Z"]


def chi_square(found: Any, weights: Any) -> float:
    """How far counts are off their shares, in standard deviations of the chi-square statistic."""
    counts, shares = np.asarray(found, dtype=float), np.asarray(weights, dtype=float)
    expected = counts.sum() * shares / shares.sum()
    assert not counts[expected == 0].any()
    counts, expected = counts[expected > 0], expected[expected > 0]
    freedom = len(counts) - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


def counts(column: pl.Series, size: int) -> Any:
    return np.bincount(column.to_numpy(), minlength=size)


MOMENTS: list[tuple[str, list[str], Any, Any]] = [
    ("date", ["2024-02-27", "2024-03-01"], date(2024, 2, 27), date(2024, 3, 1)),
    ("time", ["23:59:57", "23:59:59"], time(23, 59, 57), time(23, 59, 59)),
    ("duration", ["PT59S", "PT1M2S"], "PT59S", "PT1M2S"),
    (
        "datetime",
        ["2024-02-28T23:59:58Z", "2024-02-29T00:00:01Z"],
        datetime(2024, 2, 28, 23, 59, 58, tzinfo=UTC),
        datetime(2024, 2, 29, 0, 0, 1, tzinfo=UTC),
    ),
]


DRAWN = [("moment", *case) for case in MOMENTS] + [("rhythm", *case) for case in MOMENTS if "date" in case[0]]


@pytest.mark.parametrize(("name", "type", "span", "low", "high"), DRAWN)
def test_both_ends_of_a_range_are_drawn_and_nothing_beyond(
    name: str, type: str, span: list[str], low: Any, high: Any
) -> None:
    sampler = bound(type=type, range=span, generator=name)
    values = drawn(400, sampler=sampler)
    assert {low, high} <= set(values) and all(sampler.kind.fits(text_of(value)) for value in values.unique())


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else value.isoformat()


@pytest.mark.parametrize(
    ("type", "low", "high"),
    [
        ("date", date(2022, 1, 1), date(2024, 12, 31)),
        ("datetime", datetime(2022, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("time", time(0, 0), time(23, 59, 59)),
    ],
)
def test_ranges_when_none_is_said(type: str, low: Any, high: Any) -> None:
    sampler = bound(type=type)
    room = sampler.room()
    assert isinstance(sampler, Moment) and room is not None
    ends = pl.Series(sampler.at(np.array([0, room - 1], dtype=np.uint64))).cast(sampler.kind.value_dtype())
    assert ends.to_list() == [low, high]
    for name in ("moment", "rhythm") if type != "time" else ():
        values = drawn(20_000, type=type, generator=name)
        assert values.is_between(low, high).all()


def test_durations_are_a_minute_to_eight_hours_and_canonical() -> None:
    values = drawn(3000, type="duration")
    kind = bound(type="duration", range=["PT1M", "PT8H"]).kind
    assert all(map(kind.fits, values)) and kind.settle(values.to_list())[1] == 0
    some = [0, 1, 59, 60, 3600, 86_399, 86_400, 86_401, 90_061, 864_000, 10**9]
    assert durations(np.array(some)).to_list() == [to_text(each) for each in some]
    long = drawn(2000, type="duration", range=["PT0S", "P90D"])
    assert all(map(bound(type="duration", range=["PT0S", "P90D"]).kind.fits, long)) and long.n_unique() > 1900


@pytest.mark.parametrize("generator", ["moment", "rhythm", {"name": "rhythm", "trend": 9}])
@pytest.mark.parametrize(
    ("type", "span"),
    [
        ("datetime", ["0001-01-01", "9999-12-31T23:59:59.999999Z"]),
        ("date", ["0001-01-01", "9999-12-31"]),
        ("datetime", ["2024-02-29T12:00:00.000001Z", "2024-03-01T11:59:59.999999Z"]),
        ("datetime", ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00.001Z"]),
    ],
)
def test_ranges_at_the_ends_of_the_calendar(type: str, span: list[str], generator: Any) -> None:
    sampler = bound(type=type, range=span, generator=generator)
    assert all(sampler.kind.fits(value.isoformat()) for value in drawn(300, sampler=sampler))


def test_units_are_whole_and_the_ends_own_where_none_is_said() -> None:
    minutes = drawn(500, type="datetime", generator={"name": "moment", "unit": "minute"})
    assert (minutes.dt.second() == 0).all() and minutes.dt.minute().n_unique() > 50
    inside = drawn(500, type="time", range=["08:00:30", "08:03:10"], generator={"name": "moment", "unit": "minute"})
    assert set(inside) == {time(8, 1), time(8, 2), time(8, 3)}
    days = drawn(500, type="datetime", generator={"name": "moment", "unit": "day"})
    assert (days.dt.time() == time(0)).all()
    fine = drawn(500, type="datetime", range=["2024-01-01T00:00:00.250Z", "2024-01-01T00:00:00.252Z"])
    assert sorted(set(fine.dt.millisecond())) == [250, 251, 252]
    assert drawn(5, type="datetime", range=["2024-01-01T00:00:00.000001Z"] * 2).n_unique() == 1
    assert set(drawn(300, type="duration", range=["PT1M", "PT3M"], generator={"name": "moment", "unit": "minute"})) == {
        "PT1M",
        "PT2M",
        "PT3M",
    }


def test_all_moments_are_alike() -> None:
    values = drawn(100_000, type="datetime", range=YEAR)
    assert abs(chi_square(counts(values.dt.month() - 1, 12), [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])) < 4
    assert abs(chi_square(counts(values.dt.hour(), 24), [1] * 24)) < 4


@pytest.mark.parametrize("type", ["date", "datetime", "time", "duration"])
def test_unique_moments_are_all_there_are(type: str) -> None:
    spans = {"date": ["2024-01-01", "2024-12-31"], "datetime": ["2024-01-01", "2024-01-01T01:00:00Z"]}
    spans |= {"time": ["10:00", "10:59:59"], "duration": ["PT0S", "PT1H"]}
    sampler = bound(type=type, range=spans[type])
    room = sampler.room()
    assert room == {"date": 366, "datetime": 3601, "time": 3600, "duration": 3601}[type]
    assert keyed(room, sampler=sampler).n_unique() == room


@pytest.mark.parametrize(
    "generator", ["moment", "rhythm", {"name": "rhythm", "hours": "office", "autocorrelation": 0.8}]
)
def test_the_same_seed_gives_the_same_and_another_seed_another(generator: Any) -> None:
    one, two, other = (drawn(500, seed=seed, type="datetime", generator=generator) for seed in (1, 1, 2))
    assert one.equals(two) and not one.equals(other)
    assert not drawn(500, seed=1, shard=1, type="datetime", generator=generator).equals(one)
    assert drawn(0, type="datetime", generator=generator).len() == 0


def test_weekdays_and_hours_have_their_weights() -> None:
    hours: dict[str, float] = {"9-17": 5, "12": 3, "22-2": 0}
    week = [1, 1, 1, 1, 2, 4, 0]
    span = ["2022-01-03", "2023-12-31T23:59:59Z"]
    rhythm = {"name": "rhythm", "weekdays": week, "hours": hours}
    values = drawn(100_000, type="datetime", range=span, generator=rhythm)
    assert abs(chi_square(counts(values.dt.weekday() - 1, 7), week)) < 4
    expected = weights_of("hours", hours, HOURS)
    assert expected[9] == expected[16] == 5 and expected[12] == 3 and expected[17] == 1
    assert [expected[hour] for hour in (22, 23, 0, 1, 2)] == [0, 0, 0, 0, 1]
    assert abs(chi_square(counts(values.dt.hour(), 24), expected)) < 4
    assert abs(chi_square(counts(values.dt.minute(), 60), [1] * 60)) < 4


def test_months_growth_and_events() -> None:
    span = ["2020-01-01", "2023-12-31"]
    months = drawn(60_000, type="date", range=span, generator={"name": "rhythm", "months": {"nov-dec": 3}})
    lengths = np.array([124, 113, 124, 120, 124, 120, 124, 124, 120, 124, 360, 372])
    assert abs(chi_square(counts(months.dt.month() - 1, 12), lengths)) < 4
    grown = drawn(60_000, type="date", range=span, generator={"name": "rhythm", "trend": 0.5})
    years = counts(grown.dt.year() - 2020, 4)
    assert np.allclose(years[1:] / years[:-1], 1.5, rtol=0.06)
    events = [{"from": "11-25", "to": "11-30", "factor": 10}, {"from": "2022-05-05", "factor": 30}]
    rhythm = {"name": "rhythm", "holidays": ["12-24/01-01", "2021-07-04"], "events": events}
    values = drawn(60_000, type="date", range=span, generator=rhythm)
    day = values.dt.month().cast(int) * 100 + values.dt.day()
    assert not ((day >= 1224) | (day == 101)).any() and date(2021, 7, 4) not in set(values)
    assert date(2022, 7, 4) in set(values)
    plain = 1461 - 4 * 9 - 1
    total = plain + 4 * 6 * 9 + 29
    assert abs(chi_square([day.is_between(1125, 1130).sum(), (values == date(2022, 5, 5)).sum()], [240, 30])) < 4
    assert day.is_between(1125, 1130).mean() == pytest.approx(240 / total, rel=0.05)


def test_busy_days_follow_busy_days_and_are_the_tables() -> None:
    span = ["2020-01-01", "2023-12-31"]
    rhythm = {"name": "rhythm", "autocorrelation": 0.9, "variation": 0.5}

    def busy(seed: int, **field: Any) -> Any:
        values = drawn(200_000, seed=seed, generator=rhythm, type="date", range=span, **field)
        days = (values.cast(pl.Int32) - values.cast(pl.Int32).min()).to_numpy()
        return np.log(np.bincount(days, minlength=1461) + 1.0)

    one, other = busy(1), busy(2)
    assert np.corrcoef(one[1:], one[:-1])[0, 1] > 0.75 and one.std() == pytest.approx(0.5, rel=0.35)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.4
    assert np.corrcoef(one, busy(1, name="elsewhere"))[0, 1] > 0.9
    early = bound(seed=1, type="date", range=["2020-01-01", "2020-03-01"], generator=rhythm)
    late = bound(seed=1, type="date", range=["2019-06-01", "2020-03-01"], generator=rhythm)
    assert isinstance(early, Rhythm) and isinstance(late, Rhythm)
    shares = np.diff(early.days, prepend=0)[1:], np.diff(late.days, prepend=0)[-60:]
    assert np.allclose(shares[0] / shares[0].sum(), shares[1] / shares[1].sum())


def test_first_and_last_day_have_their_part_of_the_profile() -> None:
    span = ["2024-03-04T16:30:00Z", "2024-03-06T09:15:00Z"]
    sampler = bound(type="datetime", range=span, generator={"name": "rhythm", "hours": "office"})
    values = drawn(60_000, sampler=sampler)
    assert values.is_between(sampler.kind.low, sampler.kind.high).all()  # type: ignore[attr-defined]
    office = PROFILES["office"]
    expected = [office[16] / 2 + office[17], sum(office), office[8] + office[9] / 4]
    assert abs(chi_square(counts(values.dt.day() - 4, 3), expected)) < 4
    one = drawn(2000, type="datetime", range=["2024-03-04T12:59:58Z", "2024-03-04T13:00:01Z"], generator="rhythm")
    assert one.n_unique() == 4


PROBLEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "date", "generator": {"name": "moment", "unit": "hour"}}, "generator.unit", "a date has no hours"),
    ({"type": "duration", "generator": {"name": "moment", "unit": "millisecond"}}, "generator.unit", "has no millisec"),
    (
        {"type": "time", "range": ["08:10", "08:50"], "generator": {"name": "moment", "unit": "hour"}},
        "generator.unit",
        "no whole hour",
    ),
    ({"type": "date", "generator": {"name": "rhythm", "hours": "office"}}, "generator.hours", "no time of day"),
    ({"generator": {"name": "rhythm", "hours": "night"}}, "generator.hours", "no profile `night`"),
    ({"generator": {"name": "rhythm", "hours": {"25": 1}}}, "generator.hours", "`25` is none"),
    ({"generator": {"name": "rhythm", "hours": {"other": 0}}}, "generator.hours", "all weights are 0"),
    ({"generator": {"name": "rhythm", "weekdays": [1e10] * 7}}, "generator.weekdays", "<= 1"),
    ({"generator": {"name": "rhythm", "weekdays": {"noday": 1}}}, "generator.weekdays", "`noday` is none"),
    ({"generator": {"name": "rhythm", "weekdays": {"mon-fri-sat": 1}}}, "generator.weekdays", "is none"),
    ({"generator": {"name": "rhythm", "weekdays": [1, 2]}}, "generator.weekdays", "exactly 7"),
    ({"generator": {"name": "rhythm", "weekdays": [0] * 7}}, "generator", "no moment of the range has any weight"),
    ({"generator": {"name": "rhythm", "holidays": ["easter"]}}, "generator.holidays", "`easter` to `easter`"),
    ({"generator": {"name": "rhythm", "trend": -1}}, "generator.trend", "> -1"),
    ({"generator": {"name": "rhythm", "autocorrelation": 1}}, "generator.autocorrelation", "<= 0.999"),
    ({"generator": {"name": "rhythm", "events": [{"from": "2024-01-01"}]}}, "generator.events", "factor"),
    ({"type": "time", "generator": "rhythm"}, "generator", "draws no time"),
    (
        {
            "range": ["2024-01-06", "2024-01-07"],
            "generator": {"name": "rhythm", "weekdays": {"sat": 0, "sun": 0}},
        },
        "generator",
        "no moment",
    ),
]


@pytest.mark.parametrize(("field", "key", "what"), PROBLEMS)
def test_parameters_that_can_t_be(field: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(**({"type": "datetime"} | field))
    assert caught.value.key == key and what in caught.value.what and caught.value.hint


@pytest.mark.parametrize("kind", [Moment, Rhythm])
def test_examples_draw(kind: type[Moment | Rhythm]) -> None:
    fields = [msgspec.convert(each, Field) for each in yaml.safe_load(kind.example)]
    frame = drawn_table(200, fields)
    assert frame.height == 200 and frame[fields[-1].name].n_unique() > 20


def test_noise_is_normal_and_keeps_what_it_should() -> None:
    noise = white(np.arange(200_000, dtype=np.uint64), 5)
    edges = np.array([-np.inf, -2, -1, 0, 1, 2, np.inf])
    shares = [0.02275, 0.135905, 0.341345, 0.341345, 0.135905, 0.02275]
    assert abs(chi_square(np.histogram(noise, edges)[0], shares)) < 4
    assert noise.std() == pytest.approx(1, abs=0.01) and not np.array_equal(
        noise[:9], white(np.arange(9, dtype="u8"), 6)
    )
    lead = 1 << stages(0.8)
    kept = echo(noise.copy(), 0.8)[lead:]
    assert np.corrcoef(kept[1:], kept[:-1])[0, 1] == pytest.approx(0.8, abs=0.01)
    assert kept.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(echo(noise[1000 : 1000 + lead + 50].copy(), 0.8)[lead:], kept[1000:1050])

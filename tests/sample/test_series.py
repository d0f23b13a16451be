"""Time that passes from row to row: arrivals, steps of series, and what series measure."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed, scope_of, series

from ffgen.rng import stream
from ffgen.sample.base import Parents, Rows, Sampler
from ffgen.sample.build import build_sampler
from ffgen.sample.gaps import BLOCK, ENDLESS, Gaps, Process
from ffgen.sample.series import Arrivals, Series, SeriesValue
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

SECOND, HOUR = 1_000_000, 3_600_000_000
YEAR = ["2024-01-01", "2024-12-31T23:59:59Z"]
START = datetime(2024, 1, 1, tzinfo=UTC)


def fields_of(*fields: dict[str, Any]) -> list[Field]:
    return [msgspec.convert(field, Field) for field in fields]


def table(rows: Rows, *fields: dict[str, Any], seed: int = 0, count: int = 10**6, inner: bool = False) -> pl.DataFrame:
    """The fields in these rows, in order, each from a stream of its own."""
    made = fields_of(*fields)
    parent = fields_of({"name": "parent", "ref": {"to": "parents.id", "mean": 2}}) if rows.parent is not None else []
    scope = scope_of(Dataset(fields=made + parent), seed=seed, count=count)
    scope.inner = inner
    for field in made:
        scope.path = field.name
        sampler = build_sampler(field, scope)
        rows.columns[field.name] = series(sampler, sampler.draw(rows.stream(field.name), len(rows), rows))
    return pl.DataFrame(rows.columns)


def numbered(index: Any, seed: int = 0) -> Rows:
    return Rows(np.asarray(index, dtype=np.uint64), (seed, "t", 0, 0))


def families(*sizes: int, seed: int = 0) -> Rows:
    size = np.array(sizes)
    rank = np.concatenate([np.arange(each) for each in sizes])
    parents = Parents(np.repeat(np.arange(len(sizes), dtype=np.uint64) + 7, size), rank, np.repeat(size, size))
    return Rows(np.arange(len(rank), dtype=np.uint64), (seed, "t", 0, 0), parent=parents)


def micros(column: pl.Series) -> Any:
    return column.to_physical().to_numpy()


@pytest.mark.parametrize("law", ["exponential", "gamma", "lognormal", "constant"])
@pytest.mark.parametrize("limit", [0, 200_000])
def test_times_rise_over_the_whole_table_and_no_row_needs_those_before(law: Any, limit: int) -> None:
    span: dict[str, Any] = {"range": YEAR} if limit else {}
    generator = {"name": "arrivals", "distribution": law, "start": "2024-01-01"} | ({} if limit else {"mean": "90s"})
    sampler = bound(count=limit or 10**6, type="datetime", generator=generator, **span)
    one, two = (micros(drawn(BLOCK, sampler=sampler, shard=shard)) for shard in (0, 1))
    passed = np.concatenate([one, two])
    assert (np.diff(passed) >= 0).all() and two[0] - one[-1] < 3 * 3600 * SECOND
    gap = 90.0 if not limit else (366 * 86_400 - 1) / (limit + 1)
    assert np.diff(passed).mean() / SECOND == pytest.approx(gap, rel=0.02)
    some = np.array([3, 70_000, 131_071, 12])
    rows = numbered(some)
    alone = pl.Series(sampler.draw(rows.stream("f"), 4, rows)).to_physical().to_numpy()
    assert np.array_equal(alone, passed[some])
    small = np.concatenate([micros(drawn(4096, sampler=sampler, shard=shard)) for shard in range(15, 18)])
    assert np.array_equal(small, passed[15 * 4096 : 18 * 4096])


@pytest.mark.parametrize(("law", "spread"), [("exponential", 1.0), ("gamma", 0.5), ("gamma", 2.0), ("lognormal", 1.0)])
def test_gaps_have_their_law_within_blocks_and_over_them(law: Any, spread: float) -> None:
    process = Process(Gaps(law, spread), ENDLESS, ENDLESS * 1e6, 3)
    gaps = np.diff(process.times(np.arange(2 * BLOCK, dtype=np.uint64))) / 1e6
    assert gaps.mean() == pytest.approx(1, abs=0.03 * spread) and gaps.std() == pytest.approx(spread, rel=0.06)
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 0.02
    if law == "exponential":
        quantiles = -np.log1p(-np.arange(0.1, 1, 0.1))
        assert np.allclose([(gaps < each).mean() for each in quantiles], np.arange(0.1, 1, 0.1), atol=0.006)
    # Counts beyond a block vary as independent gaps do: a span that is always the same would show here.
    begins = np.array([process.begin(block) for block in range(401)]) / 1e6
    assert np.diff(begins).std() == pytest.approx(spread * np.sqrt(BLOCK), rel=0.15)
    assert np.diff(begins).mean() == pytest.approx(BLOCK, abs=5 * spread * np.sqrt(BLOCK / 400))


def test_rows_of_one_table_start_alike_whatever_its_count() -> None:
    generator = {"name": "arrivals", "start": "2024-01-01", "mean": "1m"}
    few, many = (drawn(100, count=count, type="datetime", generator=generator) for count in (100, 10**7))
    assert few.equals(many) and few.n_unique() > 90
    assert not drawn(100, seed=1, type="datetime", generator=generator).equals(few)
    assert drawn(0, type="datetime", generator=generator).len() == 0


def test_a_range_is_filled_and_kept() -> None:
    fills = bound(count=1000, type="datetime", range=YEAR, generator={"name": "arrivals", "distribution": "constant"})
    values = drawn(1000, sampler=fills)
    assert values.is_between(*values_of(YEAR)).all() and values[999].month == 12 and values[0] > START
    tight = {"name": "arrivals", "mean": "8h"}
    kept = drawn(1090, count=1090, type="datetime", range=YEAR, generator=tight)
    assert kept.is_between(*values_of(YEAR)).all() and kept.is_sorted()
    days = drawn(300, count=300, type="date", range=["2024-01-01", "2024-12-31"], generator="arrivals")
    assert days.is_sorted() and days.dtype == pl.Date and days.max() <= date(2024, 12, 31)  # type: ignore[operator]


def values_of(span: list[str]) -> Any:
    return [datetime.fromisoformat(end).replace(tzinfo=UTC) for end in span]


def test_units_are_fine_enough_for_the_gaps() -> None:
    def parts(mean: Any, **more: Any) -> Any:
        return micros(
            drawn(500, type="datetime", generator={"name": "arrivals", "start": "2024-01-01", "mean": mean} | more)
        )

    assert not (parts("90s") % SECOND).any() and (parts("2s") % SECOND).any() and not (parts("2s") % 1000).any()
    assert (parts("1ms") % 1000).any() and not (parts("90s", unit="minute") % (60 * SECOND)).any()


def test_times_begin_anew_with_each_parent() -> None:
    sizes = [5, 1, 8, 3] * 500
    start = {"name": "signed_up", "type": "datetime", "range": YEAR, "generator": {"name": "moment", "unit": "day"}}
    order = {
        "name": "ordered",
        "type": "datetime",
        "generator": {"name": "arrivals", "start": "signed_up", "mean": "3d"},
    }
    frame = table(families(*sizes), start, order)
    passed = micros(frame["ordered"]) - micros(frame["signed_up"])
    rank = np.concatenate([np.arange(each) for each in sizes])
    assert passed[rank == 0].mean() / (24 * HOUR) == pytest.approx(3, rel=0.1) and (passed >= 0).all()
    plain = table(families(*sizes), {**order, "generator": {"name": "arrivals", "start": "2024-01-01", "mean": "3d"}})
    times = micros(plain["ordered"])
    assert (np.diff(times)[rank[1:] > 0] >= 0).all() and (np.diff(times)[rank[1:] == 0] < 0).any()
    assert (times[rank == 7] / (24 * HOUR)).mean() - 19_723 == pytest.approx(24, rel=0.05)
    other = table(
        families(*sizes, seed=1), {**order, "generator": {"name": "arrivals", "start": "2024-01-01", "mean": "3d"}}
    )
    assert not other.equals(plain)


def test_an_entity_shrinks_into_the_range_and_a_lone_row_follows_its_start() -> None:
    start = {"name": "s", "type": "date", "range": ["2024-12-01", "2024-12-31"]}
    order = {
        "name": "t",
        "type": "datetime",
        "range": YEAR,
        "generator": {"name": "arrivals", "start": "s", "mean": "9d"},
    }
    frame = table(families(*[6] * 300), {**start, "range": ["2024-12-20"] * 2}, order)
    assert frame["t"].is_between(*values_of(YEAR)).all()
    times = micros(frame["t"]).reshape(300, 6)
    assert (np.diff(times) >= 0).all() and (times[:, -1] > times[:, 0]).all()
    lone = table(numbered(range(3000)), start, {**order, "range": None})
    passed = micros(lone["t"]) - micros(lone["s"].cast(pl.Datetime("us", "UTC")))
    assert passed.mean() / (24 * HOUR) == pytest.approx(9, rel=0.1)
    none = table(numbered(range(4)), {"name": "t", "type": "datetime", "generator": {"name": "arrivals", "mean": "1d"}})
    assert none["t"][0] >= datetime(2022, 1, 1, tzinfo=UTC)


def test_a_start_that_is_null_gives_null() -> None:
    rows = numbered(range(3))
    rows.columns["s"] = pl.Series("s", [None, date(2024, 1, 1), None])
    fields = fields_of(
        {"name": "s", "type": "date"},
        {"name": "t", "type": "datetime", "generator": {"name": "arrivals", "start": "s", "mean": "1h"}},
    )
    scope = scope_of(Dataset(fields=fields))
    scope.path = "t"
    column = pl.Series(build_sampler(fields[1], scope).draw(stream(1), 3, rows))
    assert column.is_null().to_list() == [True, False, True]


def test_inside_an_array_and_by_a_field() -> None:
    outer = numbered([4, 5, 6])
    owner = np.repeat(np.arange(3), [3, 1, 4])
    items = Rows(np.arange(8, dtype=np.uint64), (0, "t", "items"), outer=outer, owner=owner)
    outer.columns["since"] = pl.Series("since", [date(2024, 1, day) for day in (1, 2, 3)])
    at = {"name": "at", "type": "datetime", "generator": {"name": "arrivals", "start": "since", "mean": "1h"}}
    step = {"name": "step", "type": "datetime", "generator": {"name": "series", "start": "since", "step": "1h"}}
    frame = table(items, at, step, inner=True)
    assert [each.hour for each in frame["step"]] == [0, 1, 2, 0, 0, 1, 2, 3]
    assert [each.day for each in frame["step"]] == [1, 1, 1, 2, 3, 3, 3, 3]
    times = micros(frame["at"])
    assert (np.diff(times)[np.diff(owner) == 0] >= 0).all()
    rows = numbered(range(9))
    rows.columns["who"] = pl.Series("who", list("aaabbcccc"))
    fields = fields_of(
        {"name": "who", "type": "string"},
        {
            "name": "t",
            "type": "datetime",
            "generator": {
                "name": "arrivals",
                "start": "2024-01-01",
                "mean": "1m",
                "by": "who",
                "distribution": "constant",
            },
        },
    )
    scope = scope_of(Dataset(fields=fields))
    scope.path = "t"
    sampler = build_sampler(fields[1], scope)
    found = pl.Series(sampler.draw(stream(1), 9, rows)).dt.minute()
    assert found.to_list() == [1, 2, 3, 1, 2, 1, 2, 3, 4] and list(sampler.reads) == ["who"]


def test_series_go_round_and_times_rise() -> None:
    both = {"name": "series", "start": "2024-01-01", "step": "1h", "entities": 3}
    sensor = {"name": "sensor", "type": "string", "generator": both | {"part": "entity", "prefix": " sensor-"}}
    number = {"name": "no", "type": "integer", "generator": {"name": "series", "part": "entity", "entities": 12}}
    frame = table(numbered(range(7)), sensor, {"name": "at", "type": "datetime", "generator": both}, number)
    assert frame["sensor"].to_list() == [f"sensor-{i % 3 + 1}" for i in range(7)]
    assert [each.hour for each in frame["at"]] == [0, 0, 0, 1, 1, 1, 2] and frame["no"].to_list() == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
    ]
    padded = table(numbered([8, 9]), {**sensor, "generator": {"name": "series", "part": "entity", "entities": 10}})
    assert padded["sensor"].to_list() == ["series-09", "series-10"]
    many = table(
        numbered([0, 99_999]), {**sensor, "generator": {"name": "series", "part": "entity", "entities": 10**5}}
    )
    assert many["sensor"].to_list() == ["series-000001", "series-100000"]
    own = table(
        families(2, 3), {"name": "at", "type": "date", "generator": {"name": "series", "step": "7d"}}, sensor, number
    )
    assert [(each - date(2022, 1, 1)).days for each in own["at"]] == [0, 7, 0, 7, 14]
    assert own["no"].to_list() == [8, 8, 9, 9, 9] and own["sensor"][2] == "sensor-9"


def test_one_series_is_told_apart_by_its_time() -> None:
    sampler = bound(
        count=24, type="datetime", unique=True, generator={"name": "series", "start": "2024-01-01", "step": "1h"}
    )
    assert sampler.room() is not None and sampler.numbered
    values = keyed(24, sampler=sampler)
    assert values.n_unique() == 24 and values.is_sorted() and values.equals(drawn(24, sampler=sampler))
    assert bound(type="datetime", generator={"name": "series", "step": "1h", "entities": 2}).room() is None


MEASURED = {"name": "series", "start": "2024-01-01", "step": "1h", "entities": 4}
SENSOR = {"name": "sensor", "type": "integer", "generator": MEASURED | {"part": "entity"}}
AT = {"name": "at", "type": "datetime", "generator": MEASURED}


def measured(index: Any, seed: int = 0, type: str = "number", parts: dict[str, Any] | None = None, **given: Any) -> Any:
    """A frame of sensor, moment and value."""
    value = {"name": "v", "type": type, "generator": {"name": "series_value"} | given} | (parts or {})
    return table(numbered(index, seed), SENSOR, AT, value, seed=seed)


@pytest.mark.parametrize("known", [0.0, 0.5, 0.9, 0.99])
def test_noise_keeps_its_share_and_any_row_can_be_made_alone(known: float) -> None:
    frame = measured(range(60_000), level=50, noise=2, autocorrelation=known)
    values = frame["v"].to_numpy().reshape(-1, 4)
    one = values[:, 0]
    assert np.corrcoef(one[1:], one[:-1])[0, 1] == pytest.approx(known, abs=0.03)
    assert one.std() == pytest.approx(2, rel=0.06 if known < 0.95 else 0.3)
    assert abs(np.corrcoef(one, values[:, 1])[0, 1]) < (0.05 if known < 0.95 else 0.4)
    some = [59_999, 5, 7, 11, 40_000, 40_004, 0]
    assert measured(some, level=50, noise=2, autocorrelation=known)["v"].to_list() == [frame["v"][i] for i in some]
    assert not measured(range(9), seed=1, noise=2)["v"].equals(measured(range(9), noise=2)["v"])


def test_many_series_in_one_draw() -> None:
    sensor = {**SENSOR, "generator": {"name": "series", "part": "entity", "entities": 20_000}}
    at = {**AT, "generator": MEASURED | {"entities": 20_000}}
    value = {"name": "v", "type": "number", "generator": {"name": "series_value", "noise": 1, "autocorrelation": 0.97}}
    frame = table(numbered(range(60_000)), sensor, at, value)
    steps = frame["v"].to_numpy().reshape(3, 20_000)
    assert np.corrcoef(steps[0], steps[1])[0, 1] == pytest.approx(0.97, abs=0.005) and steps.std() == pytest.approx(
        1, 0.02
    )
    alone = table(numbered([59_999]), sensor, at, value)
    assert alone["v"][0] == frame["v"][59_999]


def test_level_trend_and_seasons() -> None:
    hours = range(0, 4 * 24 * 366, 4)
    daily = measured(hours, level=10, daily={"size": 4, "peak": 18})["v"].to_numpy()
    assert daily[18] == pytest.approx(14) and daily[6] == pytest.approx(6) and daily[42] == pytest.approx(14)
    weekly = measured(hours, weekly={"size": 2, "peak": "sat"})["v"].to_numpy()
    # The first of January 2024 was a Monday.
    assert int(np.argmax(weekly[: 24 * 7])) == 5 * 24 + 12
    yearly = measured(hours, yearly=5)["v"].to_numpy()
    assert START.fromtimestamp(START.timestamp() + 3600 * int(np.argmax(yearly)), UTC).month == 7
    trend = measured(hours, level=1, trend=365.2425)["v"].to_numpy()
    assert trend[0] == pytest.approx(1) and trend[240] == pytest.approx(11)
    spread = measured(range(4), spread=3)["v"].to_numpy()
    assert len(set(spread)) == 4 and np.array_equal(spread, measured(range(4, 8), spread=3)["v"].to_numpy())


def test_spikes_and_shifts() -> None:
    spiked = measured(range(40_000), spikes={"share": 0.01, "size": 40})["v"].to_numpy()
    assert (spiked > 0).mean() == pytest.approx(0.01, rel=0.2) and spiked[spiked > 0].mean() == pytest.approx(
        40, rel=0.05
    )
    shifts = [{"at": "2024-01-01T02:00:00Z", "add": 5}, {"at": "2024-01-01T03:00:00Z", "factor": 2}]
    assert measured([0, 4, 8, 12], level=1, shifts=shifts)["v"].to_list() == [1, 1, 6, 12]


def test_range_decimals_and_whole_numbers_are_kept() -> None:
    parts = {"range": [0.004, 2.5], "decimals": 2}
    values = measured(range(4000), noise=3, level=1, parts=parts)["v"]
    assert values.min() == 0.01 and values.max() == 2.5 and (values.round(2) == values).all()
    whole = measured(range(4000), type="integer", noise=30, parts={"range": [-20, 20]})["v"]
    assert whole.dtype == pl.Int64 and (whole.min(), whole.max()) == (-20, 20) and whole.n_unique() == 41
    zero = measured(range(50), noise=0.1, parts={"decimals": 0})["v"]
    assert "-" not in "".join(map(str, zero))


def test_parents_and_other_times_tell_series_apart() -> None:
    at = {"name": "at", "type": "datetime", "generator": {"name": "series", "start": "2024-01-01", "step": "1h"}}
    value = {"name": "v", "type": "number", "generator": {"name": "series_value", "noise": 1, "autocorrelation": 0.9}}
    frame = table(families(3, 3), at, value)
    assert frame["v"].n_unique() == 6
    days = {"name": "day", "type": "date", "range": ["2024-01-01", "2024-03-01"]}
    fields: list[dict[str, Any]] = [
        days,
        {"name": "who", "type": "string", "generator": {"name": "series", "part": "entity", "entities": 2}},
    ]
    drawn_by = {**value, "generator": {"name": "series_value", "noise": 1, "entity": "who"}}
    frame = table(numbered(range(500)), *fields, drawn_by)
    same = frame.group_by("day", "who").agg(pl.col("v").n_unique())
    assert (same["v"] == 1).all() and frame["v"].n_unique() == same.height > 60


PROBLEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"generator": {"name": "arrivals"}}, "generator.mean", "is missing"),
    ({"generator": {"name": "arrivals", "mean": "soon"}}, "generator.mean", "`soon` is not a duration"),
    ({"generator": {"name": "arrivals", "mean": "1h", "start": "2024-13-01"}}, "generator.start", "is not a moment or"),
    ({"generator": {"name": "arrivals", "mean": "1h", "by": "who"}}, "generator.by", "`who` is not another field"),
    ({"generator": {"name": "arrivals", "mean": "1h", "spread": 2}}, "generator.spread", "is what it is"),
    ({"generator": {"name": "arrivals", "mean": "1h", "distribution": "normal"}}, "generator.distribution", "one of"),
    (
        {"range": ["2024-01-01", "2024-01-02"], "generator": {"name": "arrivals", "mean": "1h"}},
        "generator.mean",
        "do not fit",
    ),
    ({"generator": {"name": "series"}}, "generator.step", "is missing"),
    ({"generator": {"name": "series", "step": "1h", "part": "entity"}}, "generator.part", "can't hold the entity"),
    ({"type": "integer", "generator": {"name": "series", "step": "1h"}}, "generator.part", "can't hold the time"),
    ({"type": "date", "generator": {"name": "series", "step": "1h"}}, "generator.step", "no step below a day"),
    (
        {"range": ["2024-01-01", "2024-01-02"], "generator": {"name": "series", "step": "1h"}},
        "generator.step",
        "1000 steps",
    ),
    ({"generator": {"name": "series", "step": "1h", "entities": 0}}, "generator.entities", ">= 1"),
    ({"type": "number", "generator": "series_value"}, "generator.time", "not plain which field"),
    ({"type": "number", "generator": {"name": "series_value", "time": "x"}}, "generator.time", "`x` is not another"),
]


@pytest.mark.parametrize(("field", "key", "what"), PROBLEMS)
def test_parameters_that_can_t_be(field: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(**({"type": "datetime"} | field))
    assert caught.value.key == key and what in caught.value.what and caught.value.hint


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"autocorrelation": 0.5, "time": "day"}, "step"),
        ({"daily": {"size": 1, "peak": "noon"}}, "daily"),
        ({"weekly": {"size": 1, "peak": "noon"}}, "weekly"),
        ({"shifts": [{"at": "noon"}]}, "shifts"),
        ({"entity": "nobody"}, "entity"),
        ({"noise": -1}, "noise"),
    ],
)
def test_measures_that_can_t_be(given: dict[str, Any], key: str) -> None:
    day = {"name": "day", "type": "date"}
    value = {"name": "v", "type": "number", "generator": {"name": "series_value", "time": "at"} | given}
    with pytest.raises(Problem) as caught:
        table(numbered([0]), day, AT, value)
    assert caught.value.key == f"generator.{key}" and caught.value.hint


@pytest.mark.parametrize("kind", [Arrivals, Series, SeriesValue])
def test_examples_draw(kind: type[Sampler]) -> None:
    fields = fields_of(*yaml.safe_load(kind.example))
    frame = drawn_table(200, fields)
    assert frame.height == 200 and frame[fields[-1].name].n_unique() > 9
    assert frame.equals(drawn_table(200, fields)) and kind.__doc__

"""Numbers: the field's constraints, rounding, what is refused, and what makes a draw repeatable."""

import json
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from scipy.interpolate import PchipInterpolator
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.sample import resolve
from ffgen.sample.quantile import cubics, silverman
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

Spec = dict[str, Any]

POINTS = [[0, 1], [0.3, 20], [0.5, 30], [0.9, 70], [1, 200]]
DATA = [12, 15, 21, 22, 23, 35, 60]
SPLIT = [{"name": "normal", "mean": 10, "sd": 4, "weight": 3}, {"name": "uniform", "low": 50, "high": 60}]
SKEWED = [{"name": "gamma", "shape": 3, "scale": 4}, {"name": "zipf", "most": 50}, {"name": "poisson", "mean": 30}]
GENERATORS: dict[str, Spec] = {
    "beta": {"a": 0.7, "b": 2},
    "exponential": {"mean": 15},
    "gamma": {"shape": 2.5, "scale": 9},
    "kde": {"data": DATA},
    "lognormal": {"median": 20, "sigma": 0.8},
    "mixture": {"of": SPLIT},
    "normal": {"mean": 25, "sd": 15},
    "poisson": {"mean": 20},
    "quantiles": {"points": POINTS},
    "triangular": {"low": -5, "mode": 30, "high": 90},
    "uniform": {},
    "zipf": {"exponent": 0.7},
}
FIELDS: dict[str, Spec] = {
    "whole": {"type": "integer", "range": [3, 61]},
    "wide whole": {"type": "integer", "range": [-100_000, 61]},
    "decimals": {"type": "number", "range": [3.015, 61.29], "decimals": 2},
    "few decimals": {"type": "number", "range": [3.015, 61.29], "decimals": 1},
    "doubles": {"type": "number", "range": [3.015, 61.29]},
    "open decimals": {"type": "number", "decimals": 3},
    "open doubles": {"type": "number"},
    "open whole": {"type": "integer"},
}
UNBOUNDED = sorted(GENERATORS.keys() - {"uniform", "beta", "zipf", "quantiles"})


def generator(name: str, **more: Any) -> Spec:
    return {"name": name, **GENERATORS[name], **more}


def problem(**field: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        bound(**field)
    return caught.value


@pytest.mark.parametrize("shape", FIELDS)
@pytest.mark.parametrize("name", GENERATORS)
def test_every_value_satisfies_the_field(name: str, shape: str) -> None:
    sampler = bound(**FIELDS[shape], generator=generator(name))
    column = drawn(3000, sampler=sampler)
    values = column.to_list()
    assert column.null_count() == 0 and len(values) == 3000
    assert list(sampler.kind.refuse(values, making=True)) == []
    assert np.isfinite(column.to_numpy()).all()
    assert not np.signbit(column.to_numpy()[column.to_numpy() == 0]).any()
    assert column.n_unique() > 10
    assert sampler.holds == {"range", "decimals"}


@pytest.mark.parametrize("shape", FIELDS)
@pytest.mark.parametrize("name", GENERATORS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(name: str, shape: str) -> None:
    field: Spec = {**FIELDS[shape], "generator": generator(name)}
    first = drawn(200, **field)
    assert first.equals(drawn(200, **field))
    assert not first.equals(drawn(200, seed=1, **field))
    assert not first.equals(drawn(200, shard=1, **field))
    assert len(drawn(0, **field)) == 0


@pytest.mark.parametrize("name", [*GENERATORS, "boolean"])
def test_the_example_draws(name: str) -> None:
    fields = msgspec.convert(yaml.safe_load(resolve(name).example), list[Field])
    said = fields[-1].generator
    assert isinstance(said, dict) and said["name"] == name
    frame = drawn_table(500, fields)
    assert frame[fields[-1].name].n_unique() > 1


@pytest.mark.parametrize("places", [0, 1, 2, 7, 15])
@pytest.mark.parametrize("name", GENERATORS)
def test_a_rounded_number_is_the_double_that_its_text_is_read_as(name: str, places: int) -> None:
    bounds: list[Spec] = [{}, {"range": [2, 200]}]
    for ends in bounds:
        values = drawn(2000, type="number", decimals=places, **ends, generator=generator(name)).to_list()
        assert all(round(value, places) == value for value in values)
        assert all(json.loads(f"{value:.{places}f}") == value for value in values)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_step_leaves_only_its_multiples(name: str) -> None:
    field: Spec = {"type": "number", "range": [2, 60], "generator": generator(name, step=0.35)}
    values = drawn(2000, **field).to_list()
    assert all((Fraction(repr(value)) / Fraction("0.35")).denominator == 1 for value in values)
    assert all(2 <= value <= 60 for value in values)
    whole = drawn(2000, type="integer", range=[-7, 60], generator=generator(name, step=5))
    assert set(whole.to_list()) <= set(range(-5, 61, 5)) and whole.n_unique() > 5


@pytest.mark.parametrize("name", UNBOUNDED)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_clip_moves_what_is_beyond_to_the_ends(name: str, kind: str) -> None:
    ends: Spec = {"type": kind, "range": [14, 26]}
    free = drawn(20_000, type=kind, generator=generator(name)).to_numpy()
    low, high = np.mean(free <= 14), np.mean(free >= 26)
    assert low > 0.05 and high > 0.05
    clipped = drawn(20_000, **ends, generator=generator(name, clip=True)).to_numpy()
    assert np.mean(clipped == 14) == pytest.approx(low, abs=0.02)
    assert np.mean(clipped == 26) == pytest.approx(high, abs=0.02)
    # Without it, the ends are no more frequent than any other number.
    again = drawn(20_000, **ends, generator=generator(name)).to_numpy()
    assert np.mean(again == 14) < low and np.mean(again == 26) < high and 14 <= again.min() and again.max() <= 26


@pytest.mark.parametrize(
    ("ends", "places"),
    [([0.29, 0.58], 2), ([-0.05, 0.05], 2), ([0, 100], 0), ([1.001, 1.999], 1), ([3.14, 3.14], 2)],
)
def test_a_unique_uniform_field_has_exactly_the_values_of_its_type(ends: list[float], places: int) -> None:
    field: Spec = {"type": "number", "range": ends, "decimals": places}
    sampler = bound(unique=True, **field, generator="uniform")
    room = sampler.room()
    assert room == sampler.kind.capacity() and room
    column = keyed(room, sampler=sampler)
    assert column.n_unique() == room and list(sampler.kind.refuse(column.to_list(), making=True)) == []
    assert set(drawn(20 * room + 200, **field, generator="uniform").to_list()) == set(column.to_list())


@pytest.mark.parametrize("ends", [[-3, 4], [5, 5], [2**62, 2**62 + 20], [-(2**63), -(2**63) + 7]])
def test_a_unique_uniform_whole_number_has_exactly_the_values_of_its_type(ends: list[int]) -> None:
    field: Spec = {"type": "integer", "range": ends, "generator": "uniform"}
    sampler = bound(**field)
    assert sampler.room() == sampler.kind.capacity() == ends[1] - ends[0] + 1
    every = set(range(ends[0], ends[1] + 1))
    assert set(keyed(len(every), sampler=sampler).to_list()) == every
    assert set(drawn(400, sampler=sampler).to_list()) == every


def test_uniform_draws_from_64_bits_and_has_no_numbers_for_doubles() -> None:
    field: Spec = {"type": "integer", "range": [-(2**63), 2**63 - 1], "generator": "uniform"}
    column = drawn(1000, **field).to_numpy()
    assert column.min() < -(2**62) and column.max() > 2**62
    assert bound(**field).room() == 2**62
    assert bound(type="number", range=[0, 1], generator="uniform").room() is None
    # A double has no room for so many decimals: two of them would be one value.
    assert bound(type="number", range=[0, 1e12], decimals=9, generator="uniform").room() is None
    assert bound(type="number", range=[0, 7], decimals=15, generator="uniform").room() == 7 * 10**15 + 1


def test_uniform_takes_its_ends_from_the_range_the_parameters_or_the_defaults() -> None:
    def ends(**field: Any) -> tuple[Any, Any]:
        column = drawn(50_000, **field)
        return column.min(), column.max()

    assert ends(type="integer", generator="uniform") == (0, 1000)
    assert ends(type="number", decimals=2, generator="uniform") == (0.0, 1.0)
    low, high = ends(type="number", generator="uniform")
    assert 0 <= low < 0.001 and 0.999 < high <= 1
    assert ends(type="integer", generator={"name": "uniform", "low": -3, "high": 3}) == (-3, 3)
    assert ends(type="integer", range=[0, 9], generator={"name": "uniform", "low": -3, "high": 3}) == (0, 3)
    assert ends(type="number", range=[-1e200, 1e200], decimals=2, generator="uniform")[1] > 1e199
    assert ends(type="number", range=[2.5, 2.5], generator="uniform") == (2.5, 2.5)
    top = {"name": "uniform", "low": 2**63 - 3, "high": 2**63 - 1}
    assert ends(type="integer", generator=top) == (2**63 - 3, 2**63 - 1)


def test_defaults_without_parameters_fit_the_range() -> None:
    normal = drawn(50_000, type="number", range=[100, 160], generator="normal").to_numpy()
    assert normal.mean() == pytest.approx(130, abs=0.3) and normal.std() == pytest.approx(9.87, abs=0.2)
    for name in ("beta", "triangular"):
        column = drawn(50_000, type="number", range=[100, 160], generator=name).to_numpy()
        assert column.mean() == pytest.approx(130, abs=0.3) and column.min() < 103 and column.max() > 157
        whole = drawn(50_000, type="integer", generator=name).to_numpy()
        assert whole.mean() == pytest.approx(500, abs=5) and whole.max() > 950
    zipf = drawn(50_000, type="integer", generator="zipf").to_numpy()
    assert zipf.min() == 1 and 900 < zipf.max() <= 1000


def test_a_narrow_part_of_a_distribution_is_drawn_in_time() -> None:
    tail = drawn(20_000, type="number", range=[3, 9], generator={"name": "normal", "mean": 0, "sd": 1}).to_numpy()
    assert 3 <= tail.min() and tail.max() <= 9
    assert tail.mean() == pytest.approx(3.2831, abs=0.01)  # phi(3) / (1 - Phi(3))


@pytest.mark.parametrize("field", [{"type": "integer"}, {"type": "number"}, {"type": "number", "decimals": 2}])
@pytest.mark.parametrize("name", [*UNBOUNDED, "zipf"])
def test_a_range_with_next_to_nothing_in_it_is_refused(name: str, field: Spec) -> None:
    found = problem(**field, range=[-9000, -8000], generator=generator(name))
    assert found.key == "range" and "0.1%" in found.what and "clip" in found.hint
    assert set(drawn(50, **field, range=[-9000, -8000], generator=generator(name, clip=True)).to_list()) == {-8000}


@pytest.mark.parametrize(
    ("key", "field", "said"),
    [
        ("generator.sd", {"name": "normal", "sd": 0}, "> 0"),
        ("generator.sd", {"name": "normal", "sd": float("nan")}, "> 0"),
        ("generator.mean", {"name": "normal", "mean": float("inf")}, "<= 1e+200"),
        ("generator.sigma", {"name": "normal", "sigma": 2}, "unknown key"),
        ("generator.clip", {"name": "normal", "clip": True}, "no range"),
        ("generator.step", {"name": "normal", "step": 0}, "> 0"),
        ("generator.step", {"name": "normal", "step": 1e-16}, "decimals"),
        ("generator.mu", {"name": "lognormal", "mu": 1, "median": 3}, "same"),
        ("generator.sigma", {"name": "lognormal", "sigma": -1}, "> 0"),
        ("generator.shape", {"name": "gamma", "shape": 0}, ">= 0.001"),
        ("generator.a", {"name": "beta", "a": -2}, ">= 0.001"),
        ("generator.mean", {"name": "exponential", "mean": 0}, "> 0"),
        ("generator.mean", {"name": "poisson", "mean": 1e16}, "<= "),
        ("generator.exponent", {"name": "zipf", "exponent": -1}, ">= 0"),
        ("generator.most", {"name": "zipf", "most": 0}, ">= 1"),
        ("generator.mode", {"name": "triangular", "low": 0, "mode": 9, "high": 3}, "do not rise"),
        ("generator.low", {"name": "triangular", "low": 3, "high": 3}, "do not rise"),
        ("generator.low", {"name": "uniform", "low": 3, "high": 1}, "between the ends"),
        ("generator.high", {"name": "uniform", "high": -1}, "between the ends"),
        ("generator.clip", {"name": "uniform", "clip": True}, "no range"),
        ("generator", {"name": "quantiles"}, "points"),
        ("generator.points", {"name": "quantiles", "points": []}, "at least 1"),
        ("generator.points", {"name": "quantiles", "points": [[0, 1], [1.5, 2]]}, "<= 1"),
        ("generator.points", {"name": "quantiles", "points": [[0.5, 1], [1, 2]]}, "share 0"),
        ("generator.points", {"name": "quantiles", "points": [[0, 1], [0.5, 2]]}, "share 1"),
        ("generator.points", {"name": "quantiles", "points": [[0, 1], [1, 0]]}, "must rise"),
        ("generator.points", {"name": "quantiles", "points": [[0, 1], [0.5, 2], [0.5, 3], [1, 4]]}, "must rise"),
        ("generator.bandwidth", {"name": "kde", "data": [4]}, "one value"),
        ("generator.bandwidth", {"name": "kde", "data": [4, 4, 4]}, "one value"),
        ("generator.data", {"name": "kde", "data": []}, "at least 1"),
        ("generator.of", {"name": "mixture", "of": []}, "at least 1"),
        ("generator.of", {"name": "mixture", "of": [{"mean": 3}]}, "`name`"),
        ("generator.of", {"name": "mixture", "of": [{"name": "normal", "sd": -1}]}, "`normal`: must be"),
        ("generator.of", {"name": "mixture", "of": [{"name": "nrmal"}]}, "no generator"),
        ("generator.of", {"name": "mixture", "of": [{"name": "boolean"}]}, "draws no numbers"),
        ("generator.of", {"name": "mixture", "of": [{"name": "normal", "clip": True}]}, "from the mixture"),
        ("generator.of", {"name": "mixture", "of": [{"name": "normal", "weight": -1}]}, "weight"),
        ("generator.of", {"name": "mixture", "of": [{"name": "normal", "weight": True}]}, "weight"),
        ("generator.of", {"name": "mixture", "of": [{"name": "normal", "weight": 0}]}, "all weights are 0"),
        ("generator.of", {"name": "mixture", "of": [{"name": "quantiles", "points": [[0.5, 1]]}]}, "share 0"),
    ],
)
def test_bad_parameters_are_refused(key: str, field: Spec, said: str) -> None:
    found = problem(type="number", generator=field)
    assert (found.key, said in found.what) == (key, True), found.what
    assert found.hint


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("generator.step", {"type": "integer", "generator": {"name": "uniform", "step": 0.5}}),
        ("generator.step", {"type": "number", "decimals": 1, "generator": {"name": "normal", "step": 0.25}}),
        ("generator.clip", {"type": "number", "range": [0, 1], "generator": {"name": "uniform", "clip": True}}),
        ("generator.low", {"type": "integer", "range": [0, 9], "generator": {"name": "uniform", "low": 20}}),
        ("generator.share", {"type": "boolean", "generator": {"name": "boolean", "share": 1.5}}),
        ("range", {"type": "integer", "range": [1, 4], "generator": {"name": "uniform", "step": 5}}),
        ("range", {"type": "number", "range": [0.11, 0.19], "decimals": 1, "generator": "normal"}),
        ("range", {"type": "number", "range": [0, 1e300], "decimals": 1, "generator": "uniform"}),
        ("generator", {"type": "integer", "generator": {"name": "normal", "mean": 1e30}}),
        ("generator", {"type": "string", "generator": "normal"}),
        ("generator", {"type": "integer", "generator": "boolean"}),
    ],
)
def test_what_the_field_can_t_take_is_refused(key: str, field: Spec) -> None:
    found = problem(**field)
    assert found.key == key and found.what and found.hint


@pytest.mark.parametrize("points", [POINTS, [[0, 0], [1, 5]], [[0, 1], [0.2, 1], [0.7, 4], [0.8, 4], [1, 100]]])
def test_the_curve_is_the_one_of_pchip_and_rises(points: list[list[float]]) -> None:
    x, y = np.array(points, dtype=float).T
    at = np.linspace(0, 1, 2001)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    part = (at - x[piece]) / np.diff(x)[piece]
    cubic, square, line, start = (each[piece] for each in cubics(x, y))
    curve = ((cubic * part + square) * part + line) * part + start
    np.testing.assert_allclose(curve, PchipInterpolator(x, y)(at), rtol=1e-12, atol=1e-12)
    assert (np.diff(curve) >= -1e-12).all()


def test_quantiles_are_those_that_were_given() -> None:
    field: Spec = {"type": "number", "range": [0, 500]}
    inner = [[0.25, 40], [0.5, 100], [0.75, 120]]
    column = drawn(100_000, **field, generator={"name": "quantiles", "points": inner}).to_numpy()
    for share, value in inner:
        assert np.quantile(column, share) == pytest.approx(value, rel=0.02)
    assert column.min() < 1 and column.max() > 495
    flat = drawn(20_000, type="integer", generator={"name": "quantiles", "points": [[0, 0], [0.4, 0], [1, 50]]})
    assert (flat == 0).mean() == pytest.approx(0.4 + 0.6 * 0.07, abs=0.03)


def test_silverman_s_rule() -> None:
    data = np.array([1.0, 2, 3, 4, 5, 100])
    assert silverman(data) == pytest.approx(0.9 * (2.5 / 1.34) * 6**-0.2)
    # Half of the values are alike: the middle half has no width.
    assert silverman(np.array([1.0, 1, 1, 1, 9])) == pytest.approx(0.9 * np.std([1, 1, 1, 1, 9], ddof=1) * 5**-0.2)


def test_a_sample_s_bandwidth_can_be_given() -> None:
    near = drawn(2000, type="number", generator={"name": "kde", "data": [10, 20], "bandwidth": 0.01}).to_numpy()
    assert (np.minimum(abs(near - 10), abs(near - 20)) < 0.1).all()
    assert np.mean(near < 15) == pytest.approx(0.5, abs=0.05)


def test_a_mixture_s_parts_come_by_weight() -> None:
    for field in ({"type": "integer", "range": [0, 100]}, {"type": "number"}):
        column = drawn(50_000, **field, generator={"name": "mixture", "of": SPLIT}).to_numpy()
        assert np.mean(column >= 49.5) == pytest.approx(0.25, abs=0.01)
    # A dice within a mixture has six even sides, and zeros are as many as were asked for.
    zeros = {"name": "uniform", "low": 0, "high": 0, "weight": 4}
    dice = {"name": "uniform", "low": 1, "high": 6, "weight": 6}
    thrown = drawn(60_000, type="integer", range=[0, 10], generator={"name": "mixture", "of": [zeros, dice]})
    shares = np.bincount(thrown.to_numpy(), minlength=7) / 60_000
    assert shares == pytest.approx([0.4] + [0.1] * 6, abs=0.01)
    skewed = drawn(30_000, type="number", generator={"name": "mixture", "of": SKEWED}).to_numpy()
    assert skewed.mean() == pytest.approx((12 + 50 / np.sum(1 / np.arange(1, 51)) + 30) / 3, abs=0.5)


def test_chance() -> None:
    column = drawn(100_000, type="boolean", generator={"name": "boolean", "share": 0.2})
    assert column.dtype == pl.Boolean and column.mean() == pytest.approx(0.2, abs=0.005)
    assert not drawn(1000, generator={"name": "boolean", "share": 0}).any()
    assert drawn(1000, generator={"name": "boolean", "share": 1}).all()
    assert sorted(keyed(2, generator="boolean").to_list()) == [False, True]
    assert bound(generator={"name": "boolean", "share": 0.2}).room() is None
    assert drawn(64, generator="boolean").equals(drawn(64, generator="boolean"))
    assert not drawn(64, generator="boolean").equals(drawn(64, seed=1, generator="boolean"))


def test_a_count_draws_whole_numbers_unless_the_field_says_otherwise() -> None:
    assert drawn(10, generator="poisson").dtype == pl.Int64
    assert drawn(10, generator="zipf").dtype == pl.Int64
    assert drawn(10, generator="normal").dtype == pl.Float64
    assert drawn(10, type="number", generator="poisson").dtype == pl.Float64


@pytest.mark.parametrize("ends", [{}, {"range": [-3, 3]}, {"range": [-90_000, 90_000]}])
@pytest.mark.parametrize("places", [0, 1])
def test_what_rounds_to_zero_from_below_is_plain_zero(places: int, ends: Spec) -> None:
    said = {"name": "normal", "mean": 0, "sd": 0.4}
    column = drawn(2000, type="number", decimals=places, **ends, generator=said).to_numpy()
    zeros = column[column == 0]
    assert len(zeros) > 100 and not np.signbit(zeros).any()

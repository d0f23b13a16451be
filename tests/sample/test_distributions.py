"""Distributions are what they say: against scipy, with a test that is sharp enough to see 0.02 standard deviations.

Numbers with few decimals are compared cell by cell (chi-square over about 20 cells of equal share), others by
Kolmogorov and Smirnov. The same verdict must fail for a sampler that is shifted: what can't fail shows nothing.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import PchipInterpolator
from tests.sample.drive import bound, drawn

F64 = NDArray[np.float64]
Cdf = Callable[[F64], F64]

N = 220_000
SEEDS = [11, 22, 33]
THRESHOLD = 1e-4
SHIFT = 0.02
CELLS = 20


class Case(NamedTuple):
    """A field, the distribution that it must have before it is cut to its range and rounded, and how it is drawn:
    by picking from a table, or as numbers."""

    field: Mapping[str, Any]
    truth: Cdf
    tabled: bool = False


def integer(truth: Cdf, ends: list[int] | None = None, tabled: bool = False, **generator: Any) -> Case:
    return Case({"type": "integer", "range": ends, "generator": generator}, truth, tabled)


def number(
    truth: Cdf, ends: list[float] | None = None, places: int | None = None, tabled: bool = False, **generator: Any
) -> Case:
    return Case({"type": "number", "range": ends, "decimals": places, "generator": generator}, truth, tabled)


def mixed(*parts: tuple[float, Cdf]) -> Cdf:
    return lambda x: np.sum([share * truth(x) for share, truth in parts], axis=0)


def through(points: list[list[float]]) -> Cdf:
    """The inverse of scipy's monotone cubic through quantiles."""
    shares = np.linspace(0, 1, 200_001)
    values = PchipInterpolator(*np.array(points).T)(shares)
    return lambda x: np.interp(x, values, shares)


def zipf(exponent: float, most: int) -> Cdf:
    reached = np.cumsum(np.arange(1.0, most + 1) ** -exponent)
    return lambda x: np.concatenate(([0.0], reached / reached[-1]))[np.clip(np.floor(x), 0, most).astype(int)]


DATA = [1.5, 2, 2.2, 2.8, 3, 3.1, 3.9, 4.5, 6, 9.5, 14]
WIDTH = 0.9 * min(float(np.std(DATA, ddof=1)), float(np.subtract(*np.quantile(DATA, [0.75, 0.25]))) / 1.34) * 11**-0.2
POINTS: list[list[float]] = [[0, 0], [0.1, 26], [0.5, 48], [0.9, 98], [1, 300]]
SAMPLE = mixed(*((1 / 11, stats.norm(each, WIDTH).cdf) for each in DATA))
TWO = [{"name": "normal", "mean": 40, "sd": 6, "weight": 3}, {"name": "exponential", "mean": 30, "weight": 1}]
TWO_CDF = mixed((0.75, stats.norm(40, 6).cdf), (0.25, stats.expon(scale=30).cdf))
AGE = stats.norm(42, 14).cdf
AMOUNT = stats.lognorm(0.8, scale=40).cdf
BETA, GAMMA = stats.beta(5, 1.6, 1, 4).cdf, stats.gamma(1.8, scale=900).cdf
THREE = stats.triang(1 / 6, 2, 18).cdf

CASES: dict[str, Case] = {
    "uniform": number(stats.uniform(-20, 70).cdf, [-20, 50], name="uniform"),
    "uniform decimals": number(stats.uniform(-20.05, 70.1).cdf, [-20, 50], 1, name="uniform"),
    "uniform whole": integer(stats.randint(-200, 801).cdf, [-200, 800], name="uniform"),
    "uniform step": integer(stats.uniform(-5, 110).cdf, [0, 100], name="uniform", step=10),
    "normal": number(AGE, name="normal", mean=42, sd=14),
    "normal cut": number(AGE, [18, 80], name="normal", mean=42, sd=14),
    "normal cut hard": number(AGE, [70, 90], name="normal", mean=42, sd=14),
    "normal whole": integer(AGE, name="normal", mean=42, sd=14),
    "normal age": integer(AGE, [18, 80], tabled=True, name="normal", mean=42, sd=14),
    "normal age by number": integer(AGE, [-99_999, 80], name="normal", mean=42, sd=14),
    "normal clipped": integer(AGE, [25, 60], tabled=True, name="normal", mean=42, sd=14, clip=True),
    "normal clipped by number": integer(AGE, [-99_999, 60], name="normal", mean=42, sd=14, clip=True),
    "normal step": number(AGE, [20, 70], tabled=True, name="normal", mean=42, sd=14, step=2.5),
    "lognormal amount": number(AMOUNT, None, 2, name="lognormal", median=40, sigma=0.8),
    "lognormal cut": number(AMOUNT, [5, 500], 2, name="lognormal", mu=float(np.log(40)), sigma=0.8),
    "lognormal table": number(AMOUNT, [5, 500], 1, tabled=True, name="lognormal", median=40, sigma=0.8),
    "exponential": number(stats.expon(scale=12).cdf, name="exponential", mean=12),
    "exponential table": number(stats.expon(scale=12).cdf, [0, 100], 1, tabled=True, name="exponential", mean=12),
    "gamma": number(GAMMA, name="gamma", shape=1.8, scale=900),
    "gamma whole": integer(GAMMA, [100, 5000], name="gamma", shape=1.8, scale=900),
    "beta": number(BETA, [1, 5], name="beta", a=5, b=1.6),
    "beta decimals": number(BETA, [1, 5], 1, name="beta", a=5, b=1.6),
    "triangular": number(THREE, name="triangular", low=2, mode=5, high=20),
    "triangular table": number(THREE, [3, 18], 1, tabled=True, name="triangular", low=2, mode=5, high=20),
    "poisson": integer(stats.poisson(7.3).cdf, tabled=True, name="poisson", mean=7.3),
    "poisson cut": integer(stats.poisson(3.2).cdf, [1, 9], tabled=True, name="poisson", mean=3.2),
    "poisson large": integer(stats.poisson(4e6).cdf, name="poisson", mean=4e6),
    "zipf": integer(zipf(1.0, 1000), tabled=True, name="zipf"),
    "zipf cut": integer(zipf(1.0, 1000), [10, 100], tabled=True, name="zipf", most=1000),
    "zipf large": integer(zipf(1.0, 100_000), [1, 100_000], name="zipf"),
    "zipf large flat": integer(zipf(0.4, 100_000), [1, 100_000], name="zipf", exponent=0.4),
    "zipf large steep": integer(zipf(1.7, 100_000), [2, 100_000], name="zipf", exponent=1.7),
    "mixture": number(TWO_CDF, name="mixture", of=TWO),
    "mixture table": integer(TWO_CDF, [20, 90], tabled=True, name="mixture", of=TWO),
    "quantiles": number(through(POINTS), name="quantiles", points=POINTS),
    "quantiles table": integer(through(POINTS), [0, 300], tabled=True, name="quantiles", points=POINTS),
    "kde": number(SAMPLE, name="kde", data=DATA),
    "kde cut": number(SAMPLE, [1, 12], 1, name="kde", data=DATA),
}


@cache
def column(name: str, seed: int) -> F64:
    """Drawn numbers; a case with a table is drawn from it, and the others are not."""
    sampler = bound(**CASES[name].field)
    assert (getattr(sampler, "_values", None) is not None) == CASES[name].tabled
    return drawn(N, seed=seed, sampler=sampler).to_numpy().astype(np.float64)


def unit(case: Case) -> float:
    """What the numbers of a case are multiples of; 0 for doubles and for decimals too fine to matter."""
    step = case.field["generator"].get("step")
    if step or case.field["type"] == "integer":
        return float(step or 1)
    places = case.field["decimals"]
    return 0.0 if places is None or places > 1 else float(10**-places)


def verdict(case: Case, values: F64) -> float:
    """The probability that numbers of the case's distribution are at least as odd as these."""
    return by_cells(case, values) if unit(case) else by_rank(case, values)


def by_rank(case: Case, values: F64) -> float:
    low, high = np.array(case.field["range"] or [-np.inf, np.inf], dtype=float)
    under, over = case.truth(np.array([low, high]))
    found = stats.kstest(values, lambda x: np.clip((case.truth(x) - under) / (over - under), 0, 1), method="asymp")
    return float(found.pvalue)


def by_cells(case: Case, values: F64) -> float:
    size = unit(case)
    low, high = case.field["range"] or [values.min(), values.max()]
    edges = (np.arange(np.ceil(low / size - 1e-9), np.floor(high / size + 1e-9) + 2) - 0.5) * size
    reached = case.truth(edges)
    if case.field["generator"].get("clip") or not case.field["range"]:
        reached[0], reached[-1] = 0.0, 1.0
    reached = (reached - reached[0]) / (reached[-1] - reached[0])
    # Neighbours are joined until each cell has its share.
    starts = np.unique(np.searchsorted(reached, np.arange(CELLS) / CELLS, side="right") - 1)
    expected = np.diff(np.append(reached[starts], 1.0)) * len(values)
    counts = np.bincount(
        np.clip(np.searchsorted(edges[starts], values, side="right") - 1, 0, None), minlength=len(starts)
    )
    return float(stats.chisquare(counts, expected).pvalue)


def shifted(case: Case, values: F64, seed: int) -> F64:
    """What a sampler gives that is off by 0.02 standard deviations: by chance one unit or none, where that is less."""
    size, distance = unit(case), SHIFT * float(values.std())
    if not size:
        return values + distance
    moved: F64 = values + size * np.floor(distance / size + np.random.default_rng(seed).random(len(values)))
    return moved


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_a_distribution_is_what_it_says(name: str, seed: int) -> None:
    assert verdict(CASES[name], column(name, seed)) > THRESHOLD


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_a_shift_by_a_fiftieth_of_a_standard_deviation_is_seen(name: str, seed: int) -> None:
    case = CASES[name]
    assert verdict(case, shifted(case, column(name, seed), seed)) < THRESHOLD


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.03, 0.5, 0.8])
def test_a_share_is_what_it_says_and_a_shift_is_seen(share: float, seed: int) -> None:
    count = drawn(N, seed=seed, type="boolean", generator={"name": "boolean", "share": share}).sum()
    assert stats.binomtest(count, N, share).pvalue > THRESHOLD
    off = share + SHIFT * (share * (1 - share)) ** 0.5
    count = drawn(N, seed=seed, type="boolean", generator={"name": "boolean", "share": off}).sum()
    assert stats.binomtest(count, N, share).pvalue < THRESHOLD

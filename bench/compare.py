"""Figures held against their limits and against what they were: the part of the benches that decides. Pure."""

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

TOLERANCE = 0.2
"""How much worse than the baseline a ratio may be, as a share of it."""


class Figure(Struct, frozen=True, kw_only=True):
    """One number that answers a question.

    `limit` is the absolute bound that was promised: a least value where higher is better, a most where lower is.
    `is_ratio`: measured against a peer in the same run, so that it means the same on another machine; only these
    are kept in the baseline. `note` is what a reader wants to see beside it.
    """

    name: str
    value: float
    better: Literal["higher", "lower"] = "higher"
    limit: float | None = None
    is_ratio: bool = True
    note: str = ""


def left_out(name: str, peer: str) -> Figure:
    """A figure that has no value, because its peer is not installed: no complaint, and never a baseline."""
    return Figure(name=name, value=math.nan, is_ratio=False, note=f"skipped: {peer} is not installed ([bench])")


class Verdict(Struct, frozen=True, kw_only=True):
    """A figure, what it was, and what is wrong with it; `complaint` is empty when nothing is."""

    figure: Figure
    baseline: float | None
    complaint: str


def best_of(figures: Iterable[Figure]) -> dict[str, Figure]:
    """The best figure of each name: noise only ever makes a run slower."""
    best: dict[str, Figure] = {}
    for figure in figures:
        known = best.get(figure.name)
        if known is None or is_better(figure, known.value):
            best[figure.name] = figure
    return best


def is_better(figure: Figure, than: float) -> bool:
    """Whether a figure beats a number."""
    return figure.value > than if figure.better == "higher" else figure.value < than


def judge(figure: Figure, baseline: Mapping[str, float], *, limits: bool = True) -> Verdict:
    """What to say of a figure. A ratio that the baseline does not know is held against its limit alone."""
    before = baseline.get(figure.name) if figure.is_ratio else None
    complaint = ""
    if limits and figure.limit is not None and is_beyond(figure, figure.limit):
        side = "below" if figure.better == "higher" else "above"
        complaint = f"{side} the limit of {figure.limit:g}"
    elif before is not None and is_beyond(figure, worst(figure, before)):
        complaint = f"{abs(figure.value / before - 1):.0%} worse than the baseline of {before:g}"
    return Verdict(figure=figure, baseline=before, complaint=complaint)


def worst(figure: Figure, baseline: float) -> float:
    """The number just within tolerance of the baseline."""
    return baseline * (1 - TOLERANCE if figure.better == "higher" else 1 + TOLERANCE)


def is_beyond(figure: Figure, bound: float) -> bool:
    """Whether a figure is on the wrong side of a bound; on it is fine."""
    return figure.value < bound if figure.better == "higher" else figure.value > bound

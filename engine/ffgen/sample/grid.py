"""The numbers that a field can take: whole numbers, decimals, multiples of a step, or all doubles of its range."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.number import INT64

F64 = NDArray[np.float64]

EXACT = 1 << 53
"""Whole numbers up to here are doubles, so that a quotient of two of them is the double nearest to its decimal text."""
MOST_PLACES = 15
LARGEST = 1e200
"""Numbers beyond are not taken as parameters: products with powers of ten must stay finite."""

Ends = tuple[Fraction, Fraction]


class Grid:
    """The numbers of a field, numbered from `first` to `last` where they are multiples of a `unit`.

    A column on its way is rounded, compared with the ends, and then made final; whole numbers are compared as
    multiples, for a product of large ones is no longer exact as a double. `first` and `last` are None where numbers
    have no unit, or no ends. `ends` are as written, `low` and `high` what rounded numbers are compared with.
    """

    def __init__(self, whole: bool, unit: Fraction | None, places: int, ends: Ends | None, ranged: bool = True) -> None:
        self.whole = whole
        self.unit = unit
        self.places = places
        self.ends = ends
        self.ranged = ranged
        self.first: int | None = None
        self.last: int | None = None
        self.low, self.high = -math.inf, math.inf
        self._tens = float(10**places)
        self._parts = int(unit * 10**places) if unit is not None else 1
        if ends is not None:
            self._bound(*ends)

    def _bound(self, low: Fraction, high: Fraction) -> None:
        if self.unit is None:
            self.low, self.high = float(low), float(high)
            return
        self.first, self.last = math.ceil(low / self.unit), math.floor(high / self.unit)
        if self.whole:
            self.low, self.high = least_from(self.first), -least_from(-self.last)
        else:
            self.low, self.high = float(self.first * self.unit), float(self.last * self.unit)

    @classmethod
    def of(cls, kind: ValueType, step: float | None) -> "Grid":
        """The numbers of a field, narrowed to multiples of `step`; raises `Problem` when there are none."""
        whole = kind.field.type == "integer"
        unit, places = unit_of(kind.field, step)
        low, high = getattr(kind, "low", None), getattr(kind, "high", None)
        ranged = low is not None and high is not None
        if whole and not ranged:
            low, high = INT64
        ends = None if low is None or high is None else (exact(low), exact(high))
        if ends is not None and max(-float(ends[0]), float(ends[1])) > LARGEST:
            raise Problem("range", f"numbers beyond {LARGEST:g} can't be drawn.", "Narrow it.")
        grid = cls(whole, unit, places, ends, ranged)
        if grid.empty:
            what = f"no number that can be drawn lies between {low} and {high}."
            raise Problem("range", what, "Widen it, lower `step`, or raise `decimals`.")
        return grid

    def between(self, low: Fraction, high: Fraction) -> "Grid":
        """Numbers like these from `low` to `high`, in or out of the range; it is `empty` when there are none."""
        if self.whole:
            low, high = max(low, Fraction(INT64[0])), min(high, Fraction(INT64[1]))
        return Grid(self.whole, self.unit, self.places, (low, high))

    @property
    def span(self) -> Ends:
        """The range, or what stands for it where there is none: 0 to 1, whole numbers 0 to 1000."""
        if self.ranged and self.ends is not None:
            return self.ends
        return Fraction(0), Fraction(1000 if self.whole else 1)

    @property
    def count(self) -> int | None:
        """How many numbers there are; None where they can't be counted."""
        return None if self.first is None or self.last is None else max(self.last - self.first + 1, 0)

    @property
    def empty(self) -> bool:
        """Whether there is no number."""
        return self.count == 0 if self.unit is not None else self.low > self.high

    @property
    def numbered(self) -> bool:
        """Whether `at` gives a different value for each number from `first` to `last`."""
        if self.first is None or self.last is None:
            return False
        return self.whole or max(abs(self.first), abs(self.last)) * self._parts < EXACT

    @property
    def bounded(self) -> bool:
        """Whether there are ends to compare with."""
        return self.high < math.inf

    def rounded(self, x: F64) -> F64:
        """The nearest of the field's numbers, ends aside; whole numbers as multiples of the unit. In place."""
        if self.unit is None:
            return x
        if not self.whole and self.places:
            x *= self._tens
        if self._parts != 1:
            x /= self._parts
        np.rint(x, out=x)
        if self.whole:
            return x
        if self._parts != 1:
            x *= self._parts
        if self.places:
            x /= self._tens
        return x

    def inside(self, rounded: F64) -> NDArray[np.bool_]:
        """Which rounded numbers lie within the ends."""
        held = rounded >= self.low
        held &= rounded <= self.high
        return held

    def clipped(self, rounded: F64) -> F64:
        """Rounded numbers, those beyond an end moved to it. In place."""
        np.clip(rounded, self.low, self.high, out=rounded)
        return rounded

    def final(self, rounded: F64) -> NDArray[Any]:
        """Rounded numbers that lie inside, as values of the field. In place where it can be."""
        if self.whole:
            whole = rounded.astype(np.int64)
            return whole if self._parts == 1 else whole * self._parts
        rounded += 0.0  # -0.0 becomes 0.0
        return rounded

    def at(self, number: NDArray[np.int64]) -> NDArray[Any]:
        """The values with these numbers, which lie from `first` to `last`."""
        if self._parts != 1:
            number = number * self._parts
        return number if self.whole else number / self._tens

    def edges(self) -> F64:
        """Borders of the intervals that are rounded to each number, one more than there are numbers."""
        assert self.first is not None and self.count is not None
        numbers = np.arange(self.count + 1, dtype=np.float64)
        edges: F64 = (numbers + (self.first - 0.5)) * float(self._parts) / self._tens
        return edges


def unit_of(field: Field, step: float | None) -> tuple[Fraction | None, int]:
    """What a field's numbers are multiples of, and its decimal places; (None, 0) where all doubles are taken."""
    whole = field.type == "integer"
    places = 0 if whole else field.decimals
    if step is None:
        return (None, 0) if places is None else (Fraction(1, 10**places), places)
    unit = Fraction(repr(step))
    needed = max(0, -int(Decimal(repr(step)).normalize().as_tuple().exponent))
    if places is not None and needed > places:
        said = "is no whole number" if whole else f"needs {needed} decimals, and the field has {places}"
        raise Problem("generator.step", f"a step of {step:g} {said}.", "Round it, or change the field.")
    if needed > MOST_PLACES:
        raise Problem("generator.step", f"a step of {step:g} needs {needed} decimals.", "Make it at least 1e-15.")
    return unit, needed if places is None else places


def exact(number: float) -> Fraction:
    """A number as it is written: 0.29 is 29/100, which the nearest double is not."""
    return Fraction(repr(number))


def least_from(number: int) -> float:
    """The least double that is not below a whole number."""
    nearest = float(number)
    return nearest if nearest >= number else math.nextafter(nearest, math.inf)

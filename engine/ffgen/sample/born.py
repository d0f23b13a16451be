"""The birth date of a row's person, and the age that it makes."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ffgen.sample.base import Rows, Scope
from ffgen.sample.identity import home
from ffgen.spec.types import Problem

EPOCH = date(1970, 1, 1)


class Born:
    """The unit of a person's birth date and age: the days between which all fields of a table want it."""

    def __init__(self, key: tuple[str, ...], scope: Scope) -> None:
        self.key = key
        self.today = scope.as_of.date()
        self.low, self.high = date.min, date.max
        self.is_said = False

    def between(self, low: date, high: date) -> None:
        """Narrows the days; raises Problem when none is left."""
        self.low, self.high, self.is_said = max(self.low, low), min(self.high, high), True
        if self.low > self.high:
            what = "no day is within the range of the birth date and gives an age within that of the age."
            raise Problem("range", what, "Give one of the two fields a range, or tell them apart with `of`.")

    def days(self) -> tuple[date, date]:
        """The first and the last birth date; adults from 18 to 80 unless a field says."""
        return (self.low, self.high) if self.is_said else born_between(self.today, 18, 80)

    def drawn(self, rows: Rows) -> NDArray[np.int64]:
        """Birth dates as days since 1970."""
        rows, (low, high) = home(rows), self.days()
        span = (low - EPOCH).days, (high - EPOCH).days
        return rows.shared(self.key, lambda: rows.stream(*self.key).integers(span[0], span[1] + 1, len(rows)))


def born_between(today: date, youngest: int, oldest: int) -> tuple[date, date]:
    """The first and last birth date of those who are so old in years."""
    return anniversary(today, -oldest - 1) + timedelta(days=1), anniversary(today, -youngest)


def anniversary(day: date, years: int) -> date:
    """The same day so many years on; for 29 February, the 28th where there is none."""
    year = min(max(day.year + years, 1), 9998)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def years_since(days: NDArray[np.datetime64], today: date) -> NDArray[np.int64]:
    """Whole years from each day to today."""
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    month, day = (months - years).astype(np.int64) + 1, (days - months).astype(np.int64) + 1
    later = (month > today.month) | ((month == today.month) & (day > today.day))
    whole: NDArray[np.int64] = today.year - 1970 - years.astype(np.int64) - later
    return whole

"""The place of a row: a real city by population, drawn once for all of a row's fields, and what lies in it."""

from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.sample.base import Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.identity import (
    WORLD,
    Codes,
    Floats,
    filtered,
    home,
    known,
    locales_of,
    pool,
    refuse_empty,
    unit_of,
)
from ffgen.spec.types import Problem

Indices = NDArray[np.uint32]

SPREAD = 3.0
"""Kilometres: the standard deviation of a place's distance from its city's middle, on each axis."""
KM_A_DEGREE = 111.2
COUNTRY_PARTS = frozenset({"country", "country_code"})
LOCAL_PARTS = frozenset({"region", "region_code", "postcode", "street", "address"})
"""What is not known of the world's cities."""
LETTERS = "ABDEGHJLNPRTWXZ"
"""Letters in the second half of postcodes: those that both Britain and the Netherlands use there."""


class Place:
    """The unit of a table's `place.*` fields with one `of`."""

    def __init__(self, key: tuple[str, ...], scope: Scope) -> None:
        self.key = key
        self.locales = locales_of(scope, key[1])
        self.parts: set[str] = set()
        self.is_worldwide = False
        self.filters: dict[str, list[Sampler]] = {}
        self._cities: tuple[Any, Cities] | None = None

    def say(self, part: str, locale: str | list[str] | dict[str, float] | None) -> None:
        """Takes a field: which part of the place it is, and its `locale`."""
        if locale == WORLD:
            self.is_worldwide = True
        else:
            self.locales.say(locale)
        self.parts.add(part)
        if self.is_worldwide and (lacking := self.parts & LOCAL_PARTS):
            what = f"of the whole world no {min(lacking)} is known."
            raise Problem("generator.locale", what, "Name locales, or tell places apart with `of`.")

    def narrow(self, part: str, sampler: Sampler) -> None:
        """Keeps to the cities whose part a field allows; raises Problem when there is none."""
        self.filters.setdefault(part, []).append(sampler)
        self.cities  # noqa: B018

    @property
    def names(self) -> list[str]:
        """The locales that places are of, or the world: asked for by a field, or where a row has a country and
        nothing else of a place, for in one locale it would always be the same."""
        only_country = self.parts <= COUNTRY_PARTS and bool(self.parts) and self.locales.said is None
        return [WORLD] if self.is_worldwide or only_country else self.locales.names

    @property
    def cities(self) -> "Cities":
        """The cities to draw from, as the fields of the place want them that are bound so far."""
        state = self.names, sum(map(len, self.filters.values()))
        if self._cities is None or self._cities[0] != state:
            self._cities = state, Cities(self.names, self.filters)
        return self._cities[1]

    def shares_locale(self) -> bool:
        """Whether rows are of several locales."""
        return len(self.names) > 1

    def locale(self, rows: Rows) -> Codes:
        """The number of each row's locale."""
        codes = self.locales.drawn(home(rows)) if self.shares_locale() else None
        return np.zeros(len(rows), dtype=np.int64) if codes is None else codes

    def drawn(self, rows: Rows) -> Indices:
        """The city of each of these rows, by its number in `cities`."""
        rows = home(rows)
        return rows.shared(self.key, lambda: self._draw(rows))

    def _draw(self, rows: Rows) -> Indices:
        rng, cities = rows.stream(*self.key), self.cities
        if not self.shares_locale():
            return choose(rng, len(rows), cities.ends[0]).astype(np.uint32)
        codes, found = self.locale(rows), np.empty(len(rows), dtype=np.uint32)
        for i, ends in enumerate(cities.ends):
            at = np.flatnonzero(codes == i)
            found[at] = choose(rng, len(at), ends) + cities.starts[i]
        return found

    def spot(self, rows: Rows) -> tuple[Floats, Floats]:
        """Latitude and longitude of a place a few kilometres from the middle of each row's city."""
        rows = home(rows)
        return rows.shared((*self.key, "spot"), lambda: self._spot(rows))

    def _spot(self, rows: Rows) -> tuple[Floats, Floats]:
        rng, city, cities = rows.stream(*self.key, "spot"), self.drawn(rows), self.cities
        north, east = (rng.standard_normal(len(rows), dtype=np.float32) for _ in range(2))
        latitude = cities.latitude[city] + north * (SPREAD / KM_A_DEGREE)
        longitude = cities.longitude[city] + east * cities.degrees_east[city]
        return np.clip(latitude, -90, 90), (longitude + 180) % 360 - 180

    def postcodes(self, rows: Rows) -> tuple[pl.Series, pl.Series | None]:
        """The postcode of each row in two parts: one of its city's, and what is made up, if anything."""
        rows = home(rows)
        return rows.shared((*self.key, "postcode"), lambda: self._postcodes(rows))

    def _postcodes(self, rows: Rows) -> tuple[pl.Series, pl.Series | None]:
        rng, city, cities = rows.stream(*self.key, "postcode"), self.drawn(rows), self.cities
        which = cities.code_starts[city] + (rng.random(len(rows)) * cities.code_counts[city]).astype(np.int64)
        codes = cities.codes.gather(which.astype(np.uint32))
        if cities.fill_ends[-1] == len(cities.fill_ends):
            return codes, None
        return codes, self._any_of(rng, rows, cities.fills, cities.fill_ends)

    def _any_of(self, rng: np.random.Generator, rows: Rows, texts: pl.Series, ends: list[int]) -> pl.Series:
        """One of its locale's texts for each row, all alike likely."""
        begins = np.array([0, *ends[:-1]])
        code = self.locale(rows)
        sizes = np.array(ends) - begins
        return texts.gather((begins[code] + (rng.random(len(rows)) * sizes[code]).astype(np.int64)).astype(np.uint32))

    def streets(self, rows: Rows) -> tuple[pl.Series, pl.Series]:
        """Street and house number of each row, in the order of its locale, with what stands between them."""
        rows = home(rows)
        return rows.shared((*self.key, "street"), lambda: self._streets(rows))

    def _streets(self, rows: Rows) -> tuple[pl.Series, pl.Series]:
        rng, cities = rows.stream(*self.key, "street"), self.cities
        front = self._any_of(rng, rows, cities.fronts, cities.front_ends)
        return front, self._any_of(rng, rows, cities.backs, cities.back_ends)


def place_of(scope: Scope, of: str) -> Place:
    """The place that fields with this `of` are about."""
    return unit_of(Place, "place", of, scope)


class Cities:
    """The cities of some locales, one locale after the other, or those of the world."""

    def __init__(self, locales: list[str], filters: dict[str, list[Sampler]]) -> None:
        self.locales = locales
        self.data = [known(name) for name in locales]
        tables = self.data if locales == [WORLD] else [each["cities"] for each in self.data]
        self.tables = tables
        self.starts = np.cumsum([0, *[len(table["names"]) for table in tables]]).tolist()
        self.latitude = np.array([value for table in tables for value in table["lat"]]) / 1000
        self.longitude = np.array([value for table in tables for value in table["lon"]]) / 1000
        weights = self._weights()
        for part, samplers in filters.items():
            texts, codes = self.of(part)
            for sampler in samplers:
                kept = filtered(texts.to_list(), sampler, np.ones(len(texts)))
                weights = weights * kept[codes]
                if not np.add.reduceat(weights, self.starts[:-1]).all():
                    refuse_empty(sampler, part, locales)
        self.ends = [cumulated(weights[a:b].tolist()) for a, b in zip(self.starts, self.starts[1:], strict=False)]

    @property
    def is_world(self) -> bool:
        """Whether these are the cities of the world, of which less is known."""
        return self.locales == [WORLD]

    def _weights(self) -> Floats:
        weights = np.array([value for table in self.tables for value in table["weights"]], dtype=np.float64)
        if not self.is_world:
            return weights
        # A country's people, shared among its larger cities: it has as many rows as it has people.
        country, people = np.array(self.data[0]["country"]), np.array(self.data[0]["people"], dtype=np.float64)
        shares: Floats = weights / np.bincount(country, weights)[country] * people[country]
        return shares

    def of(self, part: str) -> tuple[pl.Series, Indices]:
        """The texts of a part of places, and which of them each city has."""
        if part not in self.__dict__.setdefault("_parts", {}):
            self.__dict__["_parts"][part] = getattr(self, f"_{part}")()
        found: tuple[pl.Series, Indices] = self.__dict__["_parts"][part]
        return found

    def _city(self) -> tuple[pl.Series, Indices]:
        names = [name for table in self.tables for name in table["names"]]
        return pool(names), np.arange(len(names), dtype=np.uint32)

    def _listed(self, key: str, lists: str, item: int | None = None) -> tuple[pl.Series, Indices]:
        texts: list[str] = []
        codes: list[int] = []
        for table in self.tables:
            codes += [code + len(texts) for code in table[key]]
            texts += [each if item is None else each[item] for each in table[lists]]
        return pool(texts), np.array(codes, dtype=np.uint32)

    def _region(self) -> tuple[pl.Series, Indices]:
        return self._listed("region", "regions", 0)

    def _region_code(self) -> tuple[pl.Series, Indices]:
        return self._listed("region", "regions", 1)

    def _time_zone(self) -> tuple[pl.Series, Indices]:
        return self._listed("zone", "zones")

    def _phone_prefix(self) -> tuple[pl.Series, Indices]:
        return self._listed("country", "countries", 2) if self.is_world else self._listed("phone", "phones")

    def _country_code(self) -> tuple[pl.Series, Indices]:
        return self._listed("country", "countries", 0) if self.is_world else self._countries(0)

    def _country(self) -> tuple[pl.Series, Indices]:
        # In the country's own language, but for a table of several, where one is enough.
        return self._listed("country", "countries", 1) if self.is_world else self._countries(1 if self._is_one else 2)

    @property
    def _is_one(self) -> bool:
        return len(self.locales) == 1

    def _countries(self, item: int) -> tuple[pl.Series, Indices]:
        sizes = np.diff(self.starts)
        return pool(each["country"][item] for each in self.data), np.repeat(
            np.arange(len(sizes), dtype=np.uint32), sizes
        )

    @cached_property
    def degrees_east(self) -> Floats:
        """How many degrees of longitude `SPREAD` is in each city."""
        narrow = np.maximum(np.cos(np.radians(self.latitude)), 0.05)
        degrees: Floats = SPREAD / KM_A_DEGREE / narrow
        return degrees

    @cached_property
    def _code_lists(self) -> list[list[str]]:
        return [codes.replace("_", "\0").split(" ") for table in self.tables for codes in table["codes"]]

    @cached_property
    def codes(self) -> pl.Series:
        """The postcodes of all cities, one city after the other."""
        return pool(code.replace("\0", " ") for codes in self._code_lists for code in codes)

    @cached_property
    def code_counts(self) -> Codes:
        """How many postcodes each city has here."""
        return np.array([len(codes) for codes in self._code_lists], dtype=np.int64)

    @cached_property
    def code_starts(self) -> Codes:
        """Where each city's postcodes start."""
        return np.cumsum(self.code_counts) - self.code_counts

    @cached_property
    def _fill_lists(self) -> list[list[str]]:
        return [filled(each["fill"]) for each in self.data]

    @cached_property
    def fills(self) -> pl.Series:
        """What may end a postcode, by locale."""
        return pool(text for texts in self._fill_lists for text in texts)

    @cached_property
    def fill_ends(self) -> list[int]:
        """Where each locale's ends of postcodes end."""
        return ends_of([len(texts) for texts in self._fill_lists])

    @cached_property
    def _street_lists(self) -> list[tuple[list[str], list[str]]]:
        return [street_parts(each["street"]) for each in self.data]

    @cached_property
    def fronts(self) -> pl.Series:
        """What comes first of a street address, by locale."""
        return pool(text for front, _ in self._street_lists for text in front)

    @cached_property
    def backs(self) -> pl.Series:
        """What comes last."""
        return pool(text for _, back in self._street_lists for text in back)

    @cached_property
    def front_ends(self) -> list[int]:
        """Where each locale's fronts end."""
        return ends_of([len(front) for front, _ in self._street_lists])

    @cached_property
    def back_ends(self) -> list[int]:
        """Where each locale's backs end."""
        return ends_of([len(back) for _, back in self._street_lists])


def ends_of(sizes: list[int]) -> list[int]:
    """Where each of several runs ends."""
    return list(accumulate(sizes))


def filled(fill: str) -> list[str]:
    """All texts of a form in which 9 stands for a digit and A for a letter; without what the Dutch avoid.

    >>> len(filled(" AA")), filled("")
    (225, [''])
    """
    texts = [""]
    for char in fill:
        texts = [text + each for text in texts for each in {"9": "0123456789", "A": LETTERS}.get(char, char)]
    return texts


def street_parts(street: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Street names and house numbers in the order of the locale. Low numbers are more frequent."""
    high = street["numbers"]
    if street["line"] == "{street}{number}":
        numbers = [f"{a}丁目{b}番{c}号" for a in range(1, 6) for b in range(1, high) for c in range(1, 16)]
        return street["names"], numbers
    numbers = [str(1 + int(high * (i / 2000) ** 2)) for i in range(2000)]
    front, between, back = split_line(street["line"])
    first, last = (numbers, street["names"]) if front == "number" else (street["names"], numbers)
    assert {front, back} == {"number", "street"}
    return [text + between for text in first], last


def split_line(line: str) -> tuple[str, str, str]:
    """A form of two parts: the first, what stands between, and the second.

    >>> split_line("{street}, {number}")
    ('street', ', ', 'number')
    """
    front, rest = line[1:].split("}", 1)
    between, back = rest.split("{", 1)
    return front, between, back[:-1]

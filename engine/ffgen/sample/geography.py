"""Places whose city, region, country, postcode, coordinates, time zone and street agree."""

import re
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import Stream
from ffgen.sample.atlas import place_of
from ffgen.sample.base import Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.identity import Codes, Locale, Of, joined, known, pool
from ffgen.spec.types import Problem, ValueType

DECIMALS = 5
"""Decimal places of coordinates: a metre."""


class PlacePart(Sampler):
    """A field of a place. Fields of a row with the same `of` are about one place."""

    of: Of = ""
    locale: Locale = None

    part: ClassVar[str]
    """What the field is called in the atlas."""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.place = place_of(scope, self.of)
        self.place.say(self.part, self.locale)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.gathered(self.part, rows)

    def gathered(self, part: str, rows: Rows) -> pl.Series:
        """A part of each row's place."""
        texts, codes = self.place.cities.of(part)
        return texts.gather(codes[self.place.drawn(rows)])


class Narrowing(PlacePart):
    """A part of a place that the field's constraints choose among."""

    holds: ClassVar[frozenset[str]] = frozenset({"values", "pattern", "length"})

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        field = self.field
        if field.values is not None or field.pattern is not None or field.length is not None:
            self.place.narrow(self.part, self)


class City(Narrowing):
    """A city, as frequent as it has people.

    Agrees with the row's other `place.*` fields. `pattern`, `values` and `length` narrow the cities. With
    `invented: true` the name is made up as Faker does it (Port Anthonyside), so that there are many more; the rest
    of the place is a real one. `locale` is a locale, a list, {locale: weight}, or `world` for the world's larger
    cities; `of` tells several places of a row apart (origin, destination).
    """

    invented: Annotated[bool, Meta(description="Names that are made up.")] = False

    part: ClassVar[str] = "city"
    example: ClassVar[str] = "- {name: city, generator: {name: place.city, locale: it_IT}}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if not self.invented:
            return
        if self.place.filters.get(self.part):
            raise Problem("generator.invented", "made-up names can't be narrowed.", "Take the constraint away.")
        if self.place.is_worldwide:
            raise Problem("generator.invented", "needs a locale, not the world.", "E.g. locale: en_US.")

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if not self.invented:
            return self.gathered(self.part, rows)
        codes = self.place.locale(rows)
        towns, ends = self._towns()
        found, order = [], []
        for i in range(len(towns)):
            at = np.flatnonzero(codes == i)
            found.append(invented(rng, len(at), *towns[i], ends[i]))
            order.append(at)
        back = np.argsort(np.concatenate(order), kind="stable")
        return pl.concat(found).gather(back.astype(np.uint32))

    def _towns(self) -> tuple[list[tuple[pl.Series, pl.Series, pl.Series]], list[NDArray[np.float64]]]:
        if "towns" not in self.__dict__:
            locales = self.place.names
            self.towns, self.shares = [], []
            for each in map(known, locales):
                last = zip(each["last"]["names"], each["last"]["weights"], strict=True)
                names = {name: weight for name, weight in last if " " not in name and not name[0].islower()}
                before, after = each["town"]["before"], each["town"]["after"]
                self.towns.append((pool([*before, ""]), pool(names), pool([*after, ""])))
                self.shares.append(cumulated(list(names.values())))
        towns: list[tuple[pl.Series, pl.Series, pl.Series]] = self.towns
        shares: list[NDArray[np.float64]] = self.shares
        return towns, shares


def invented(
    rng: Stream, n: int, before: pl.Series, names: pl.Series, after: pl.Series, ends: NDArray[np.float64]
) -> pl.Series:
    """Made-up towns: a last name with something before it, or after it, or both."""
    form, name = rng.integers(0, 4, n), choose(rng, n, ends).astype(np.uint32)
    front, back = rng.integers(0, len(before) - 1, n), rng.integers(0, len(after) - 1, n)
    front = np.where(form >= 2, len(before) - 1, front).astype(np.uint32)
    back = np.where(form == 1, len(after) - 1, back).astype(np.uint32)
    return joined(before.gather(front), names.gather(name), after.gather(back))


class Region(Narrowing):
    """The state, province or county of a place. With `short: true` its abbreviation where one is in use (CA, SP).

    Agrees with the row's other `place.*` fields; `pattern`, `values` and `length` narrow the places.
    """

    short: Annotated[bool, Meta(description="The abbreviation.")] = False

    part: ClassVar[str] = "region"
    example: ClassVar[str] = "- {name: state, generator: {name: place.region, short: true}, values: [CA, NY, TX]}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        if self.short:
            self.__dict__["part"] = "region_code"
        super().bind(kind, scope)
        if self.short and (self.place.cities.of("region_code")[0] == "").any():
            what = f"regions of {', '.join(self.place.names)} have no abbreviation here."
            raise Problem("generator.short", what, "Take it away, or choose en_US, it_IT or pt_BR.")


class Country(Narrowing):
    """A place's country, in its own language; in English where the table's places are of several locales.

    A row that has nothing of a place but its country gets one of the whole world, as frequent as it has people.
    """

    part: ClassVar[str] = "country"
    example: ClassVar[str] = (
        "- {name: city, generator: {name: place.city, locale: [en_US, pt_BR]}}\n"
        "- {name: country, generator: place.country}"
    )


class CountryCode(Narrowing):
    """A place's country as ISO 3166-1 alpha-2: US, DE.

    A row that has nothing of a place but its country gets one of the whole world, as frequent as it has people.
    """

    part: ClassVar[str] = "country_code"
    example: ClassVar[str] = "- {name: country_code, generator: {name: place.country_code, locale: world}}"


class TimeZone(Narrowing):
    """A place's time zone by its IANA name: America/Chicago."""

    part: ClassVar[str] = "time_zone"
    example: ClassVar[str] = "- {name: time_zone, generator: place.time_zone}"


class PhonePrefix(Narrowing):
    """What phone numbers of a place begin with, area code included: +4989 in Munich."""

    part: ClassVar[str] = "phone_prefix"
    example: ClassVar[str] = "- {name: phone_prefix, generator: {name: place.phone_prefix, locale: de_DE}}"


class Postcode(PlacePart):
    """A postcode of the place's city."""

    part: ClassVar[str] = "postcode"
    example: ClassVar[str] = "- {name: zip, generator: place.postcode}"

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        code, fill = self.place.postcodes(rows)
        return code if fill is None else joined(code, fill)


class Coordinate(PlacePart):
    """Common to latitude and longitude."""

    gives: ClassVar[str] = "number"
    holds: ClassVar[frozenset[str]] = frozenset({"decimals"})
    axis: ClassVar[int]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        decimals = DECIMALS if self.field.decimals is None else self.field.decimals
        return np.round(self.place.spot(rows)[self.axis], decimals) + 0.0


class Latitude(Coordinate):
    """The latitude of a place, a few kilometres from the middle of its city; with 5 decimals unless said."""

    part: ClassVar[str] = "latitude"
    axis: ClassVar[int] = 0
    example: ClassVar[str] = "- {name: latitude, generator: place.latitude, decimals: 4}"


class Longitude(Coordinate):
    """The longitude of a place, a few kilometres from the middle of its city; with 5 decimals unless said."""

    part: ClassVar[str] = "longitude"
    axis: ClassVar[int] = 1
    example: ClassVar[str] = "- {name: longitude, generator: place.longitude, decimals: 4}"


class Street(PlacePart):
    """A street and a house number, in the order of the country: 12 Oak Street, Hauptstraße 12."""

    part: ClassVar[str] = "street"
    example: ClassVar[str] = "- {name: street, generator: {name: place.street, locale: fr_FR}}"

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return joined(*self.place.streets(rows))


class Address(PlacePart):
    """A whole address in one line, as it is written in the country: 12 Oak Street, Chicago, IL 60614.

    Agrees with the row's other `place.*` fields: street, city, region and postcode are the same.
    """

    part: ClassVar[str] = "address"
    example: ClassVar[str] = "- {name: address, generator: {name: place.address, locale: [en_US, de_DE]}}"

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        (front, back), (code, fill) = self.place.streets(rows), self.place.postcodes(rows)
        parts: dict[str, list[pl.Series]] = {
            "street": [front, back],
            "postcode": [code] if fill is None else [code, fill],
            "city": [self.gathered("city", rows)],
            "region": [self.gathered("region", rows)],
            "code": [self.gathered("region_code", rows)],
        }
        lines = [known(name)["address"] for name in self.place.names]
        if len(lines) == 1:
            return written(lines[0], parts)
        codes, found, order = self.place.locale(rows), [], []
        for i, line in enumerate(lines):
            at: Codes = np.flatnonzero(codes == i)
            mine = {key: [each.gather(at.astype(np.uint32)) for each in value] for key, value in parts.items()}
            found.append(written(line, mine))
            order.append(at)
        return pl.concat(found).gather(np.argsort(np.concatenate(order), kind="stable").astype(np.uint32))


def written(line: str, parts: dict[str, list[pl.Series]]) -> pl.Series:
    """A form such as `{street}, {city}` filled in, row by row."""
    pieces: list[pl.Series | str] = []
    for literal, name in re.findall(r"([^{]*)(?:{(\w+)})?", line):
        pieces += [literal] if literal else []
        pieces += parts[name] if name else []
    return joined(*pieces)

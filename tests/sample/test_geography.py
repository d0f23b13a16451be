"""Places: real cities by population, with everything about a row's place in agreement."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table

from ffgen.sample.atlas import Cities, filled, street_parts
from ffgen.sample.identity import LOCALES, known
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

FAKER = {"de_DE": 392, "es_ES": 52, "nl_NL": 2424, "pl_PL": 200, "sv_SE": 45, "da_DK": 558, "ja_JP": 124}
"""Distinct cities in Faker 40.54 where it has a list; elsewhere it makes names up, as `invented` does."""

PARTS = (
    "city", "region", "country", "country_code", "postcode", "latitude", "longitude", "time_zone", "phone_prefix",
    "street", "address",
)  # fmt: skip


def place(part: str, *, name: str = "", **given: Any) -> Field:
    limits = {key: given.pop(key) for key in ("values", "pattern", "length", "decimals", "type") if key in given}
    return Field(name=name or part, generator={"name": f"place.{part}", **given}, **limits)


def share(found: pl.Series) -> float:
    """The share of rows that are so."""
    return float(found.to_numpy().mean())


@pytest.mark.parametrize("locale", LOCALES)
def test_enough_real_cities(locale: str) -> None:
    table = known(locale)["cities"]
    least = FAKER.get(locale, 500)
    assert len(set(table["names"])) >= least
    assert {len(table[key]) for key in ("region", "zone", "phone", "lat", "lon", "weights", "codes")} == {
        len(table["names"])
    }
    assert min(table["weights"]) > 0 and all(table["codes"])


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_about_a_place_agrees(locale: str) -> None:
    rows = drawn_table(1000, [place(part) for part in PARTS], locale=locale).to_dicts()
    data = known(locale)
    table, (code, country, _, dial) = data["cities"], data["country"]
    columns = zip(*(table[key] for key in ("names", "region", "zone", "phone", "lat", "lon", "codes")), strict=True)
    cities: dict[tuple[str, str], list[Any]] = {}
    for name, region, *rest in columns:
        cities.setdefault((name, table["regions"][region][0]), []).append(rest)
    for row in rows:
        near = [
            (zone, phone, codes)
            for zone, phone, lat, lon, codes in cities[row["city"], row["region"]]
            if abs(row["latitude"] - lat / 1000) < 0.2 and abs(row["longitude"] - lon / 1000) < 0.4
        ]
        assert near and row["country"] == country and row["country_code"] == code
        assert row["time_zone"] in {table["zones"][zone] for zone, _, _ in near}
        assert row["phone_prefix"] in {table["phones"][phone] for _, phone, _ in near}
        assert row["phone_prefix"].startswith(f"+{dial}")
        listed = [each.replace("_", " ") for _, _, codes in near for each in codes.split(" ")]
        assert any(row["postcode"].startswith(each) for each in listed)
        assert all(row[part] in row["address"] for part in ("street", "city", "postcode"))


def test_cities_are_as_frequent_as_they_have_people() -> None:
    table = drawn_table(200_000, [place("city"), place("region")])
    data = known("en_US")["cities"]
    often = data["weights"][0] / sum(data["weights"])
    found = table.select(((pl.col("city") == "New York") & (pl.col("region") == "New York")).mean()).item()
    assert abs(found - often) < 0.002
    assert table["city"].n_unique() > 1900


def test_places_lie_around_their_city() -> None:
    table = drawn_table(50_000, [place("latitude"), place("longitude"), place("city", values=["Denver"])])
    north = (table["latitude"] - 39.739) * 111.2
    east = (table["longitude"] + 104.985) * 111.2 * np.cos(np.radians(39.739))
    for axis in (north.to_numpy(), east.to_numpy()):
        assert abs(axis.mean()) < 0.2 and abs(axis.std() - 3) < 0.05
    assert drawn(100, generator="place.latitude", decimals=1).round(1).n_unique() < 100


@pytest.mark.parametrize("part", PARTS)
def test_same_seed_same_places(part: str) -> None:
    one = ["en_US", "de_DE", "ja_JP", "nl_NL", "en_GB"]
    first, again, other = (
        drawn(500, seed=seed, generator={"name": f"place.{part}", "locale": one}) for seed in (1, 1, 2)
    )
    assert first.equals(again) and not first.equals(other)
    assert len(drawn(0, generator={"name": f"place.{part}", "locale": one})) == 0
    assert len(drawn(0, generator=f"place.{part}")) == 0


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("locale", LOCALES)
def test_values_are_valid(part: str, locale: str) -> None:
    sampler = bound(generator={"name": f"place.{part}", "locale": locale})
    values = drawn(1000, sampler=sampler).to_list()
    assert list(sampler.kind.refuse(values, making=True)) == []
    assert list(sampler.kind.settle(values)[0]) == values


def test_a_person_lives_where_its_name_is_from() -> None:
    mixed = {"en_US": 1, "ja_JP": 1, "de_DE": 1}
    fields = [place("country", locale=mixed), place("city"), place("address"), place("postcode"), place("street")]
    fields += [Field(name="who", generator="person.full_name"), Field(name="e", unique=True, generator="person.email")]
    table = drawn_table(6000, fields)
    assert table["country"].value_counts()["count"].to_list() == [2000] * 3
    japanese = table["who"].str.contains(r"\p{Han}")
    assert (japanese == (table["country"] == "Japan")).all() and (
        japanese == table["city"].str.contains("[市区町村]$")
    ).all()
    assert table.select(
        (
            pl.col("address").str.contains(pl.col("city"), literal=True)
            & pl.col("address").str.contains(pl.col("street"), literal=True)
        ).all()
    ).item()


def test_two_places_in_a_row() -> None:
    fields = [place("city", name=f"c_{of}", of=of) for of in ("origin", "destination")] + [place("city")]
    table = drawn_table(2000, fields)
    assert table.select((pl.col("c_origin") == pl.col("c_destination")).mean()).item() < 0.05


def test_the_world() -> None:
    parts = ("city", "country", "country_code", "latitude", "time_zone", "phone_prefix")
    table = drawn_table(50_000, [place(part, **({"locale": "world"} if part == "city" else {})) for part in parts])
    assert table["country_code"].n_unique() > 150
    people = {each[0]: count for each, count in zip(known("world")["countries"], known("world")["people"], strict=True)}
    often = people["IN"] / sum(people.values())
    assert abs(share(table["country_code"] == "IN") - often) < 0.01
    tokyo = table.filter(pl.col("city") == "Tokyo")
    assert set(tokyo["country"]) == {"Japan"} and set(tokyo["time_zone"]) == {"Asia/Tokyo"}
    for part in ("region", "postcode", "street", "address"):
        with pytest.raises(Problem, match="of the whole world no"):
            bound(generator={"name": f"place.{part}", "locale": "world"})
    with pytest.raises(Problem, match="of the whole world no street"):
        drawn_table(1, [place("street"), place("city", locale="world")])


def test_a_country_alone_is_any() -> None:
    assert drawn(5000, generator="place.country").n_unique() > 50
    assert set(drawn(100, generator={"name": "place.country", "locale": "fr"})) == {"France"}
    assert set(drawn_table(100, [place("country"), place("city")])["country"]) == {"United States"}


@pytest.mark.parametrize("locale", LOCALES)
def test_invented_cities_are_many(locale: str) -> None:
    names = drawn(20_000, generator={"name": "place.city", "invented": True}, locale=locale)
    assert names.n_unique() > (1000 if locale == "ja_JP" else 4000)
    assert (names.str.len_chars() >= 2).all()


def test_invented_cities_are_refused_where_they_cannot_be() -> None:
    with pytest.raises(Problem, match="can't be narrowed"):
        bound(generator={"name": "place.city", "invented": True}, pattern="^A")
    with pytest.raises(Problem, match="needs a locale"):
        bound(generator={"name": "place.city", "invented": True, "locale": "world"})


def test_constraints_narrow_the_places() -> None:
    fields = [place("region", short=True, values=["CA", "NY"]), place("city", pattern="^S"), place("time_zone")]
    table = drawn_table(5000, fields)
    assert set(table["region"]) == {"CA", "NY"} and table["city"].str.starts_with("S").all()
    assert set(table["time_zone"]) == {"America/Los_Angeles", "America/New_York"}
    both = drawn_table(1000, [place("country_code", values=["US", "BR"], locale=["en_US", "pt_BR"]), place("city")])
    assert set(both["country_code"]) == {"US", "BR"}
    with pytest.raises(Problem, match="no city of en_US is like that"):
        bound(generator="place.city", values=["Atlantis"])
    with pytest.raises(Problem, match="have no abbreviation"):
        bound(generator={"name": "place.region", "short": True, "locale": "fr_FR"})


def test_forms() -> None:
    assert set(filled("9A")) == {f"{digit}{letter}" for digit in range(10) for letter in "ABDEGHJLNPRTWXZ"}
    front, back = street_parts({"line": "{street}, {number}", "numbers": 50, "names": ["Via Roma"]})
    assert front == ["Via Roma, "] and back[0] == "1" and {int(each) for each in back} == set(range(1, 51))
    assert len(Cities(["en_US", "de_DE"], {}).ends) == 2


@pytest.mark.parametrize("part", PARTS)
def test_example(part: str) -> None:
    fields = [Field(**each) for each in yaml.safe_load(type(bound(generator=f"place.{part}")).example)]
    assert len(drawn_table(100, fields)) == 100

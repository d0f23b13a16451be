"""People: names that agree, as many as Faker's and as frequent; addresses that are unique by construction."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed, scope_of

from ffgen.sample.base import Rows, cumulated
from ffgen.sample.born import anniversary, years_since
from ffgen.sample.identity import LOCALES, Locales, Quotas, known, locale_of, spelled
from ffgen.sample.people import Names
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

FAKER = {
    "en_US": (322, 381, 1000), "en_GB": (182, 182, 500), "de_DE": (999, 1003, 404), "fr_FR": (88, 127, 400),
    "es_ES": (473, 478, 1085), "it_IT": (273, 185, 1164), "nl_NL": (251, 251, 1073), "pt_BR": (142, 140, 102),
    "pl_PL": (100, 53, 3690), "sv_SE": (500, 500, 500), "da_DK": (244, 252, 91), "ja_JP": (30, 21, 50),
}  # fmt: skip
"""Distinct first names of men and of women, and last names, in Faker 40.54."""

PARTS = ("full_name", "first_name", "last_name", "email", "user_name", "gender", "birth_date", "age")


def person(part: str, *, unique: bool = False, name: str = "", **given: Any) -> Field:
    limits = {key: given.pop(key) for key in ("range", "values", "weights", "pattern", "length") if key in given}
    return Field(name=name or part, unique=unique, generator={"name": f"person.{part}", **given}, **limits)


def share(found: pl.Series) -> float:
    """The share of rows that are so."""
    return float(found.to_numpy().mean())


def misfit(counts: pl.Series, names: list[str], weights: np.ndarray) -> float:
    """How many standard deviations chi-square is off its mean; names expected less than 5 times go together."""
    found = dict(zip(*counts.value_counts().get_columns(), strict=True))
    expected = weights / weights.sum() * len(counts)
    often = expected >= 5
    seen = np.array([found.get(name, 0) for name in names])
    chi = ((seen - expected) ** 2 / expected)[often].sum()
    return float((chi - often.sum()) / np.sqrt(2 * often.sum()))


@pytest.mark.parametrize("locale", LOCALES)
def test_as_many_names_as_faker(locale: str) -> None:
    data = known(locale)
    for key, least in zip(("male", "female", "last"), FAKER[locale], strict=True):
        names = data[key]["names"]
        assert len(set(names)) == len(names) >= least
        assert all(slug.isascii() and slug.isalpha() and slug.islower() for slug in data[key]["slugs"])
        assert abs(sum(data[key]["weights"]) - 1) < 1e-3


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_about_a_person_agrees(locale: str) -> None:
    table = drawn_table(2000, [person(part) for part in PARTS], locale=locale)
    data = known(locale)
    names = Names([locale], 0.5, {"first": [], "last": []})
    slug = dict(zip(names.first, names.first_slugs, strict=True))
    last_slug = dict(zip([*names.last, *names.of_woman], names.last_slugs * 2, strict=True))
    for row in table.to_dicts():
        assert row["full_name"] == data["full"].format(first=row["first_name"], last=row["last_name"])
        begin = f"{slug[row['first_name']]}.{last_slug[row['last_name']]}"
        assert row["email"].split("@")[0].rstrip("0123456789") == begin
        assert row["user_name"].rstrip("0123456789") == begin[0] + begin.partition(".")[2]
        assert row["first_name"] in data[row["gender"]]["names"]
        born = row["birth_date"]
        assert anniversary(born, row["age"]) <= date(2025, 1, 1) < anniversary(born, row["age"] + 1)
    assert table["age"].is_between(18, 80).all()
    assert table["full_name"].n_unique() > 500


def test_polish_women_have_their_form_of_the_name() -> None:
    table = drawn_table(20_000, [person("last_name"), person("gender")], locale="pl_PL")
    forms = set(table.filter(pl.col("last_name").str.contains("^(Kowal|Lewandow)sk")).rows())
    assert forms <= {(f"{stem}ski", "male") for stem in ("Kowal", "Lewandow")} | {
        (f"{stem}ska", "female") for stem in ("Kowal", "Lewandow")
    }
    assert len(forms) > 2


@pytest.mark.parametrize("part", PARTS)
def test_same_seed_same_people(part: str) -> None:
    first, again, other = (drawn(500, seed=seed, generator=f"person.{part}") for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)
    assert not drawn(500, seed=1, shard=1, generator=f"person.{part}").equals(first)
    assert len(drawn(0, generator=f"person.{part}")) == 0


@pytest.mark.parametrize("part", ["full_name", "email", "user_name"])
def test_same_seed_same_people_by_number(part: str) -> None:
    first, again, other = (keyed(500, seed=seed, generator=f"person.{part}") for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other) and first.n_unique() == 500


@pytest.mark.parametrize("locale", ["en_US", "sv_SE"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_names_are_as_frequent_as_they_are(locale: str, seed: int) -> None:
    table = drawn_table(200_000, [person("first_name"), person("last_name")], seed=seed, locale=locale)
    names = Names([locale], 0.5, {"first": [], "last": []})
    assert abs(misfit(table["last_name"], names.last, names.last_weights)) < 5
    firsts = dict.fromkeys(names.first, 0.0)
    for name, weight in zip(names.first, names.first_weights, strict=True):
        firsts[name] += weight
    assert abs(misfit(table["first_name"], list(firsts), np.array(list(firsts.values())))) < 5


def test_a_million_unique_addresses_agree_and_keep_name_frequencies() -> None:
    parts = [person("email", unique=True), person("user_name", unique=True), person("first_name"), person("last_name")]
    table = drawn_table(1_000_000, parts, seed=7)
    assert table["email"].n_unique() == table["user_name"].n_unique() == len(table)
    first, last = (pl.col(key).str.to_lowercase() for key in ("first_name", "last_name"))
    last = last.str.replace_all("[^a-z]", "")
    agree = table.select(
        pl.col("email").str.starts_with(pl.concat_str(first, pl.lit("."), last)).all().alias("email"),
        pl.col("user_name").str.starts_with(pl.concat_str(first.str.slice(0, 1), last)).all().alias("user"),
    )
    assert agree.row(0) == (True, True)
    names = Names(["en_US"], 0.5, {"first": [], "last": []})
    firsts = dict.fromkeys(names.first, 0.0)
    for name, weight in zip(names.first, names.first_weights, strict=True):
        firsts[name] += weight
    # Quotas leave less chance in the counts than independent draws would: chi-square is low, never high.
    assert misfit(table["first_name"], list(firsts), np.array(list(firsts.values()))) < 3
    assert misfit(table["last_name"], names.last, names.last_weights) < 3
    # First and last names stay independent: the commonest pair is as frequent as its names make it.
    pair = table.group_by("first_name", "last_name").len().sort("len", descending=True).row(0)
    often = firsts[pair[0]] * names.last_weights[names.last.index(pair[1])] / names.last_weights.sum()
    assert abs(pair[2] - often * 1_000_000) < 2


def test_few_unique_addresses_are_a_fair_sample() -> None:
    drawn = pl.concat([drawn_table(500, unique_table(), seed=seed) for seed in range(60)])
    names = Names(["en_US"], 0.5, {"first": [], "last": []})
    assert misfit(drawn["last_name"], names.last, names.last_weights) < 4
    firsts = dict.fromkeys(names.first, 0.0)
    for name, weight in zip(names.first, names.first_weights, strict=True):
        firsts[name] += weight
    assert misfit(drawn["first_name"], list(firsts), np.array(list(firsts.values()))) < 4
    assert drawn.head(500)["last_name"].n_unique() > 250


def unique_table() -> list[Field]:
    return [person("email", unique=True), person("first_name"), person("last_name")]


def test_a_row_is_remade_from_its_number() -> None:
    fields = unique_table()
    table = drawn_table(5000, fields, seed=3)
    dataset = Dataset(fields=fields)
    scope = scope_of(dataset, seed=3, count=5000)
    scope.path = "email"
    sampler = scope.build(fields[0], scope)
    some = np.array([4999, 17, 0, 2500], dtype=np.uint64)
    assert sampler.room() == 2**62
    assert pl.Series(sampler.keyed(some, 0)).to_list() == table["email"].gather(some).to_list()


def test_the_whole_table_can_be_told_apart_by_its_address() -> None:
    dataset = Dataset(fields=[person("email")], unique_by=["email"])
    scope = scope_of(dataset, count=1000)
    scope.path = "email"
    assert scope.build(dataset.fields[0], scope).room() == 2**62


def test_a_mixture_of_locales() -> None:
    mixed = {"en_US": 2, "fr_FR": 1, "ja_JP": 1}
    fields = [person("email", unique=True, locale=mixed), person("full_name"), person("user_name", unique=True)]
    table = drawn_table(200_000, fields)
    assert table["email"].n_unique() == table["user_name"].n_unique() == 200_000
    japanese = table.filter(pl.col("full_name").str.contains(r"\p{Han}"))
    assert len(japanese) == 50_000
    by_chance = drawn_table(20_000, [person("full_name", locale=mixed)])
    assert abs(share(by_chance["full_name"].str.contains(r"\p{Han}")) - 0.25) < 0.015


@pytest.mark.parametrize("locale", ["ja_JP", "da_DK"])
def test_every_full_name_once(locale: str) -> None:
    fields = [person("full_name", unique=True), person("email", unique=True), person("user_name", unique=True)]
    fields += [person("first_name"), person("last_name")]
    room = bound(locale=locale, generator="person.full_name", unique=True).room()
    assert room is not None
    table = drawn_table(room, fields, locale=locale)
    assert [table[name].n_unique() for name in ("full_name", "email", "user_name")] == [room] * 3
    assert room == table["first_name"].n_unique() * table["last_name"].n_unique()


@pytest.mark.parametrize("locale", LOCALES)
def test_no_two_pairs_make_one_full_name(locale: str) -> None:
    names = Names([locale], 0.5, {"first": [], "last": []})
    firsts, lasts = set(names.first), {*names.last, *names.of_woman}
    for name in firsts:
        head, _, tail = name.partition(" ")
        assert not (tail and head in firsts and any(f"{tail} {last}" in lasts for last in lasts))


def test_uniqueness_that_needs_the_gate() -> None:
    assert bound(generator={"name": "person.full_name", "locale": ["en_US", "en_GB"]}, unique=True).room() is None
    assert bound(generator={"name": "person.email", "at": "company"}, unique=True).room() is None
    assert bound(generator="person.email").room() is None


def test_an_array_has_no_numbers_and_an_object_shares_its_record() -> None:
    dataset = Dataset(fields=[Field(name="x", generator="person.email", unique=True)])
    scope = scope_of(dataset, count=10)
    scope.count, scope.inner, scope.path = 0, True, "people.email"
    assert scope.build(dataset.fields[0], scope).room() is None
    sampler = bound(generator="person.first_name")
    rows = Rows(np.arange(50, dtype=np.uint64), (0, "t", 0, 0))
    inner = Rows(rows.index, (0, "t", 0, 0, "object"), outer=rows)
    items = Rows(rows.index, (0, "t", 0, 0, "items"), outer=rows, owner=np.arange(50))
    mine, its, theirs = (pl.Series(sampler.draw(each.stream("f"), 50, each)) for each in (rows, inner, items))
    assert mine.equals(its) and not mine.equals(theirs)


def test_two_people_in_a_row() -> None:
    fields = [person("full_name", name=f"n_{of}", of=of) for of in ("", "buyer", "seller")]
    fields += [person("first_name", name="b", of="buyer")]
    table = drawn_table(1000, fields)
    assert table.select((pl.col("n_buyer") == pl.col("n_seller")).mean()).item() < 0.05
    assert table.select(pl.col("n_buyer").str.starts_with(pl.col("b")).all()).item()


def test_constraints_narrow_the_names() -> None:
    fields = [person("first_name", pattern="^A"), person("last_name", length=[3, 5]), person("email", unique=True)]
    table = drawn_table(5000, fields)
    assert table["first_name"].str.starts_with("A").all() and table["email"].str.starts_with("a").all()
    assert table["last_name"].str.len_chars().is_between(3, 5).all() and table["email"].n_unique() == 5000
    listed = drawn(100, generator="person.first_name", values=["Mary", "James", "Nobody"])
    assert set(listed) == {"Mary", "James"}
    with pytest.raises(Problem, match="no first name of en_US is like that"):
        bound(generator="person.first_name", pattern="[0-9]")
    with pytest.raises(Problem, match="no last name of en_US, ja_JP is like that"):
        bound(generator={"name": "person.last_name", "locale": ["en_US", "ja_JP"]}, values=["Smith"])


def test_gender_has_its_share_and_words() -> None:
    fields = [person("gender", values=["F", "M"], weights=[1, 3]), person("first_name")]
    table = drawn_table(40_000, fields)
    assert abs(share(table["gender"] == "F") - 0.25) < 0.01
    women = set(table.filter(pl.col("gender") == "F")["first_name"])
    assert women <= set(known("en_US")["female"]["names"])
    own = drawn(1000, generator={"name": "person.gender", "female": 1, "values": {"female": "donna"}})
    assert set(own) == {"donna"}
    with pytest.raises(Problem, match="which of a, b is male"):
        bound(generator="person.gender", values=["a", "b"])
    with pytest.raises(Problem, match="`men` is unknown"):
        bound(generator={"name": "person.gender", "values": {"men": "M"}})


def test_domains() -> None:
    assert set(drawn(500, generator="person.email").str.split("@").list.last()) == {
        "example.com", "example.org", "example.net"
    }  # fmt: skip
    mail = drawn(20_000, type="email", pattern=r"@(gmail|yahoo)\.com$", generator="person.email")
    assert abs(share(mail.str.ends_with("@gmail.com")) - 0.5) < 0.02 and set(spelled(r"@(a|b)\.io$")) == {
        "a.io",
        "b.io",
    }
    weighted = {"name": "person.email", "domains": {"acme.com": 3, "acme.org": 1}}
    assert abs(share(drawn(20_000, generator=weighted).str.ends_with("acme.com")) - 0.75) < 0.02
    assert abs(share(keyed(20_000, generator=weighted).str.ends_with("acme.com")) - 0.75) < 0.02
    for pattern in ("@.+$", "^x@a[.]com$", "@example"):
        with pytest.raises(Problem, match="does not spell out"):
            bound(type="email", pattern=pattern, generator="person.email")
    for domains in (["not a domain"], {"acme.com": 0}, []):
        with pytest.raises(Problem, match="domain"):
            bound(generator={"name": "person.email", "domains": domains})
    with pytest.raises(Problem, match="has its own domain"):
        bound(generator={"name": "person.email", "domains": ["a.com"], "at": "company"})


def test_a_person_at_its_company() -> None:
    fields = [person("email", at="company"), Field(name="d", generator="company.domain")]
    table = drawn_table(1000, fields)
    assert table.select(pl.col("email").str.ends_with(pl.concat_str(pl.lit("@"), "d")).all()).item()


@pytest.mark.parametrize("part", ["first_name", "last_name", "full_name", "email", "user_name"])
@pytest.mark.parametrize("locale", LOCALES)
def test_values_are_valid(part: str, locale: str) -> None:
    sampler = bound(generator=f"person.{part}", locale=locale)
    values = drawn(2000, sampler=sampler).to_list()
    assert list(sampler.kind.refuse(values, making=True)) == []
    assert list(sampler.kind.settle(values)[0]) == values


def test_ages_and_birth_dates_share_their_ranges() -> None:
    fields = [person("age", range=[30, 40]), person("birth_date", range=["1980-01-01", "1990-12-31"])]
    table = drawn_table(20_000, fields)
    assert table["age"].min() == 34 and table["age"].max() == 40
    assert table["birth_date"].min() == date(1984, 1, 2) and table["birth_date"].max() == date(1990, 12, 31)
    children = drawn(1000, generator="person.age", range=[0, 3])
    assert set(children) == {0, 1, 2, 3}
    with pytest.raises(Problem, match="no day is within the range"):
        drawn_table(1, [person("age", range=[10, 12]), person("birth_date", range=["1980-01-01", "1990-12-31"])])
    with pytest.raises(Problem, match="holds no age"):
        bound(generator="person.age", range=[-5, 3])


def test_whole_years() -> None:
    days = np.array(["2000-02-29", "2000-03-01", "2024-12-31", "1999-01-01"], dtype="datetime64[D]")
    assert years_since(days, date(2025, 2, 28)).tolist() == [24, 24, 0, 26]
    assert years_since(days, date(2025, 3, 1)).tolist() == [25, 25, 0, 26]
    assert anniversary(date(2000, 2, 29), 1) == date(2001, 2, 28)


def test_locales_are_understood_or_refused() -> None:
    assert [locale_of(text) for text in ("de_DE", "de-de", "ja", "pt")] == ["de_DE", "de_DE", "ja_JP", "pt_BR"]
    for given, what in (("xx_XX", "no names of"), ([], "names no locale"), ({"de_DE": 0}, "names no locale")):
        with pytest.raises(Problem, match=what):
            bound(generator={"name": "person.first_name", "locale": given})
    with pytest.raises(Problem, match="in another field of the same identity"):
        drawn_table(1, [person("first_name", locale="de_DE"), person("last_name", locale="fr_FR")])
    with pytest.raises(Problem, match="no names of"):
        drawn(1, sampler=bound(generator="person.first_name", locale="tlh"))


@pytest.mark.parametrize("seed", range(20))
def test_quotas_fill_their_blocks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares, size, start = rng.random(rng.integers(1, 400)) ** 3, int(rng.integers(1, 5000)), float(rng.random())
    ends = cumulated(shares.tolist())
    block, rank, count = Quotas(ends).split(np.arange(size), size, start)
    assert (np.diff(block) >= 0).all() and (np.bincount(block, minlength=len(ends))[block] == count).all()
    assert len(set(zip(block.tolist(), rank.tolist(), strict=True))) == size and (rank < count).all()
    off = np.bincount(block, minlength=len(ends)) - np.diff(ends, prepend=0) * size
    assert np.abs(off).max() < 1 + 1e-6


def test_locales_by_number_are_exact() -> None:
    scope = scope_of(Dataset(fields=[person("age")]), count=1001)
    unit = Locales(("locale", "", ""), scope)
    unit.say({"en_US": 1, "de_DE": 3})
    code, place, size = unit.keyed(np.arange(1001, dtype=np.uint64), 1001)
    assert np.bincount(code).tolist() == [250, 751]
    assert sorted(place[code == 1].tolist()) == list(range(751)) and set(size[code == 1]) == {751}


@pytest.mark.parametrize("part", PARTS)
def test_example(part: str) -> None:
    sampler = type(bound(generator=f"person.{part}"))
    fields = [Field(**each) for each in yaml.safe_load(sampler.example)]
    assert len(drawn_table(100, fields)) == 100

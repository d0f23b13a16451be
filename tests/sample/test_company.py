"""Companies: names in the way of the country, a domain for each name, and all of them distinct where wanted."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.sample.company import Firms
from ffgen.sample.identity import LOCALES, known, label
from ffgen.spec.model import Field

PARTS = ("name", "domain", "email")


def company(part: str, *, name: str = "", unique: bool = False, **given: Any) -> Field:
    return Field(name=name or part, unique=unique, generator={"name": f"company.{part}", **given})


def share(found: pl.Series) -> float:
    """The share of rows that are so."""
    return float(found.to_numpy().mean())


@pytest.mark.parametrize("locale", LOCALES)
def test_name_domain_and_address_agree(locale: str) -> None:
    table = drawn_table(3000, [company(part) for part in PARTS], locale=locale)
    assert table.select((pl.concat_str(pl.lit("info@"), "domain") == pl.col("email")).all()).item()
    assert table["name"].n_unique() == table["domain"].n_unique() == table.select("name", "domain").n_unique()
    label_ = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    assert table["domain"].str.contains(rf"^{label_}\.example$").all() and not table["domain"].str.contains("--").any()
    firms = Firms(locale)
    slug = dict(zip(firms.last, firms.slugs, strict=True))
    for row in table.head(300).to_dicts():
        words = [name for name in slug if name in row["name"]]
        assert any(slug[name] in row["domain"] for name in words)


@pytest.mark.parametrize("locale", LOCALES)
def test_forms_are_alike_often(locale: str) -> None:
    said = known(locale)["company"]
    names = drawn(20_000, generator="company.name", locale=locale)
    for form in said["forms"]:
        suffix = "|".join(map(re.escape, said["suffixes"]))
        pattern = re.sub(r"\\{[abc]\\}", r"[\\p{L}'’. -]+", re.escape(form)).replace(r"\{s\}", f"(?:{suffix})")
        assert share(names.str.contains(f"^{pattern}$")) > 0.75 / len(said["forms"])


@pytest.mark.parametrize("part", PARTS)
def test_same_seed_same_companies(part: str) -> None:
    for draw in (drawn, keyed):
        first, again, other = (draw(500, seed=seed, generator=f"company.{part}") for seed in (1, 1, 2))
        assert first.equals(again) and not first.equals(other)
    assert len(drawn(0, generator=f"company.{part}")) == 0


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("locale", LOCALES)
def test_values_are_valid(part: str, locale: str) -> None:
    sampler = bound(generator=f"company.{part}", locale=locale)
    values = drawn(2000, sampler=sampler).to_list()
    assert list(sampler.kind.refuse(values, making=True)) == []
    assert list(sampler.kind.settle(values)[0]) == values


def test_a_million_distinct_companies() -> None:
    table = drawn_table(1_000_000, [company("name", unique=True), company("domain")])
    assert table["name"].n_unique() == table["domain"].n_unique() == len(table)
    for form in (" and [A-Z][a-z]+$", "-"):
        assert 0.45 < share(table["name"].str.contains(form)) < 0.55


def test_every_company_once() -> None:
    firms = Firms("da_DK")
    parts = firms.numbered(np.arange(firms.room, dtype=np.uint64), firms.room, 5)
    assert firms.names(parts).n_unique() == firms.domains(parts).n_unique() == firms.room
    assert bound(generator="company.name", locale="da_DK", unique=True).room() == firms.room


def test_numbers_where_there_are_any() -> None:
    assert bound(generator="company.name").room() is None
    assert bound(generator={"name": "company.name", "locale": ["en_US", "de_DE"]}, unique=True).room() is None
    rows = drawn_table(2000, [company("domain", unique=True), company("name")])
    assert rows["domain"].n_unique() == rows["name"].n_unique() == 2000


def test_several_companies_and_locales() -> None:
    fields = [company("name", name=f"n_{of}", of=of, locale=["en_US", "ja_JP"]) for of in ("supplier", "client")]
    fields += [company("domain", of="client"), Field(name="c", generator={"name": "place.country", "of": "client"})]
    table = drawn_table(2000, fields)
    japanese = table["n_client"].str.contains("会社")
    assert 0.4 < share(japanese) < 0.6 and (japanese == (table["c"] == "Japan")).all()
    assert (japanese == table["domain"].str.contains("(^|-)(kk|yk|gk)[-.]")).all()
    assert not japanese.equals(table["n_supplier"].str.contains("会社"))


def test_labels() -> None:
    assert label("Sp. z o.o.", {}) == "sp-z-oo" and label("S/A", {}) == "sa" and label(" & Søn A/S", {}) == "and-son-as"
    assert label("株式会社", {"株式会社": "kk"}) == "kk" and label("Grupo ", {}) == "grupo"


@pytest.mark.parametrize("part", PARTS)
def test_example(part: str) -> None:
    sampler = bound(generator=f"company.{part}")
    fields = [Field(**each) for each in yaml.safe_load(type(sampler).example)]
    assert len(drawn_table(100, fields)) == 100
    sales = drawn(5, generator={"name": "company.email", "local": "sales"})
    assert sales.str.starts_with("sales@").all()

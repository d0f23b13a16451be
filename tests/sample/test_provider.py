"""Values of Faker: pools, names in both styles, parameters, and nothing that depends on the clock."""

import datetime
import importlib
import inspect
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, keyed

from ffgen.sample.catalogue import BARRED, JAVASCRIPT, NOT_FOR, PYTHON
from ffgen.sample.provider import Provider, absolute, born, faker_of, remembered
from ffgen.spec.types import TYPES, Problem

LOCALES = ["en_US", "it_IT", "ja_JP", "sv_SE"]
ELSEWHERE = (
    "en_GB en_IN en_AU en_CA de_DE de_AT de_CH fr_FR es_ES es_MX pl_PL ru_RU uk_UA fi_FI nl_NL hu_HU pt_PT pt_BR cs_CZ "
    "el_GR ko_KR zh_CN"
).split()
AS_OF = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
DANGEROUS = (
    "pystr_format format parse json json_bytes binary zip tar image csv dsv psv tsv fixed_width xml enum get_formatter "
    "add_provider seed seed_instance provider get_providers set_arguments get_arguments del_arguments set_formatter "
    "pyobject pystruct profile passport_gender passport_full random uuid1 __class__ _parse_date"
).split()


def of(method: str, **rest: Any) -> dict[str, Any]:
    params = {"params": rest.pop("params")} if "params" in rest else {}
    return {"generator": {"name": "provider", "method": method, **params, **rest}}


def refused(key: str, **field: Any) -> str:
    with pytest.raises(Problem) as caught:
        bound(**field)
    assert caught.value.key == key and caught.value.hint
    return caught.value.what


@pytest.mark.parametrize("method", ["name", "faker.name", "person.fullName", "faker.person.fullName()"])
def test_both_styles_name_the_same_method(method: str) -> None:
    found = drawn(300, **of(method))
    assert found.equals(drawn(300, **of(method)))
    assert not found.equals(drawn(300, seed=1, **of(method)))
    assert found.n_unique() > 200 and all(" " in name for name in found)


def test_the_pool_is_drawn_once_and_gathered() -> None:
    sampler = bound(**of("iban", pool=50))
    assert isinstance(sampler, Provider) and len(sampler.values) == 50
    found = drawn(20_000, sampler=sampler)
    assert set(found) == set(sampler.values)
    counts = found.value_counts()["count"]
    assert int(counts.min()) > 300 and int(counts.max()) < 520  # type: ignore[arg-type]
    assert len(drawn(0, sampler=sampler)) == 0
    assert sampler.room() is None


def test_a_pool_belongs_to_its_place() -> None:
    pools = [bound(seed=seed, **of("last_name"), name=name).values  # type: ignore[attr-defined]
             for seed, name in ((0, "a"), (0, "b"), (1, "a"))]  # fmt: skip
    assert pools[0].to_list() not in (pools[1].to_list(), pools[2].to_list())


def test_the_locale_is_the_table_s_or_its_own() -> None:
    assert "Müller" in set(bound(locale="de_DE", **of("last_name")).values)  # type: ignore[attr-defined]
    said = bound(**of("last_name", locale="de-DE"))
    assert "Müller" in set(said.values)  # type: ignore[attr-defined]
    assert "no locale xx_YY" in refused("generator.locale", **of("name", locale="xx_YY"))
    assert "no `state_abbr` for de_DE" in refused("generator.method", locale="de_DE", **of("state_abbr"))


def test_unique_fields_get_a_pool_of_distinct_values_as_large_as_they_need() -> None:
    sampler = bound(count=4000, unique=True, **of("user_name"))
    assert sampler.room() == 4000
    found = keyed(4000, sampler=sampler)
    assert found.n_unique() == 4000
    assert set(found) == set(sampler.at(np.arange(4000, dtype=np.uint64)))


def test_a_pool_that_is_too_small_says_how_many_it_has() -> None:
    said = refused("unique", count=1000, unique=True, **of("person.sex"))
    assert "has 2 distinct values" in said and "1,000 rows" in said
    assert "at most 100,000" in refused("unique", count=100_001, unique=True, **of("name"))
    assert bound(count=2, unique=True, **of("person.sex")).room() == 2


def test_parameters_are_the_method_s_under_either_name() -> None:
    assert set(drawn(500, type="integer", **of("number.int", params={"min": 3, "max": 6}))) == {3, 4, 5, 6}
    assert set(drawn(500, type="integer", **of("pyint", params={"min_value": 3, "max_value": 4}))) == {3, 4}
    assert set(drawn(500, **of("helpers.arrayElement", params={"array": ["a", "b"]}))) == {"a", "b"}
    prices = drawn(500, type="number", decimals=2, range=[5, 6], **of("commerce.price", params={"min": 5, "max": 6}))
    assert prices.is_between(5, 6).all() and (prices.round(2) == prices).all()
    assert {len(text) for text in drawn(9, **of("string.alpha", params={"length": 12}))} == {12}


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("name", {"first": 1}, "`first` means nothing"),
        ("person.sex", {"first": 1}, "`first` means nothing"),
        ("uri", {"schemes": ["{{json_bytes}}"]}, "`schemes` means nothing"),
        ("image_url", {"placeholder_url": "{width.__class__}"}, "`placeholder_url` means nothing"),
        ("uuid4", {"cast_to": "str"}, "`cast_to` means nothing"),
        ("pyint", {"min_value": {"a": 1}}, "no plain value"),
        ("random_element", {"elements": [[1]]}, "no plain value"),
        ("text", {"max_nb_chars": 10**9}, "above 10,000"),
        ("pyint", {"min_value": 9, "max_value": 1}, "Faker refuses `pyint`"),
        ("date_between", {"start_date": "soon"}, "Faker refuses `date_between`"),
    ],
)
def test_parameters_that_can_t_be_are_refused(method: str, params: dict[str, Any], said: str) -> None:
    assert said in refused("generator.params", **of(method, params=params))


@pytest.mark.parametrize("method", DANGEROUS)
def test_what_does_more_than_give_a_value_is_not_there(method: str) -> None:
    assert method not in PYTHON and method not in {each.name for each in JAVASCRIPT.values()}
    assert f"`{method}`" in refused("generator.method", **of(method))


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(Problem) as caught:
        bound(**of("person.fulName"))
    assert caught.value.hint == "Did you mean `person.fullName`?"


def test_values_fit_the_field_or_are_refused_when_it_is_bound() -> None:
    assert drawn(9, type="date", **of("date.past")).dtype == pl.Date
    assert drawn(9, type="datetime", **of("date_between")).dtype == pl.Datetime("us", "UTC")
    assert drawn(9, type="time", **of("date_time")).dtype == pl.Time
    assert set(drawn(9, **of("pybool"))) <= {"true", "false"}
    assert drawn(9, type="boolean", **of("null_boolean")).null_count() == 0
    assert drawn(9, type="number", range=[0, 90], **of("latitude")).min() >= 0  # type: ignore[operator]
    assert set(drawn(50, values=["Anna", "Emma"], type="enum", **of("first_name", pool=9))) <= {"Anna", "Emma"}
    assert all(len(name) <= 4 for name in drawn(50, length=[1, 4], **of("first_name")))
    assert "e.g. '" in refused("generator.method", type="integer", **of("name"))
    assert "(pattern)" in refused("generator.method", pattern="^[0-9]+$", **of("first_name"))
    assert "(format)" in refused("generator.method", type="phone", **of("phone_number"))


@pytest.mark.parametrize("method", ["email", "company_email", "free_email", "internet.email"])
def test_e_mail_addresses_are_at_reserved_domains(method: str) -> None:
    assert len(drawn(200, type="email", **of(method))) == 200


def test_hosts_are_reserved() -> None:
    assert len(drawn(200, type="url", **of("internet.url"))) == 200
    hosts = drawn(200, **of("domain_name"))
    assert all(host.endswith(".example") for host in hosts) and hosts.n_unique() > 100


def test_it_says_how_to_install_faker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker.factory", None)
    with pytest.raises(Problem) as caught:
        bound(seed=77, **of("name"))
    assert (caught.value.key, caught.value.hint) == ("generator.method", "pip install 'ffgen[faker]'")
    assert set(drawn(20, **of("commerce.productMaterial"))) & {"Steel", "Wooden", "Plastic"}


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_every_name_of_faker_js_draws(name: str) -> None:
    locale = "en_GB" if name == "location.county" else "en_US"
    params = {"array": ["x"]} if name == "helpers.arrayElement" else {}
    assert drawn(5, locale=locale, **of(name, pool=5, params=params)).null_count() == 0


def test_every_method_exists_and_gives_plain_values_that_no_clock_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = {locale: values(locale) for locale in LOCALES}
    known = {name for locale in [*LOCALES, *ELSEWHERE] for name in dir(faker_of(locale, AS_OF))}
    assert {each.name for each in [*PYTHON.values(), *JAVASCRIPT.values()] if not each.words} <= known
    stop_clocks(monkeypatch, datetime.timedelta(days=4000))
    for locale in LOCALES:
        again = values(locale)
        assert [name for name in again if again[name] != first[locale][name]] == []
    plain = (str, int, float, bool, Decimal, datetime.date, datetime.time, datetime.datetime)
    assert {type(value) for found in first.values() for got in found.values() for value in got} <= {*plain, list}


def values(locale: str) -> dict[str, list[Any]]:
    """Some values of every method of the catalogue that a locale has."""
    faker = faker_of(locale, AS_OF)
    found = {}
    for name, method in PYTHON.items():
        if hasattr(faker, method.name) and locale not in NOT_FOR.get(method.name, ()):
            faker.seed_instance(3)
            try:
                got = [getattr(faker, method.name)(**method.gives) for _ in range(3)]
            except NotImplementedError:
                continue
            found[name] = [value for value in got if value is not None]
    return found


def stop_clocks(monkeypatch: pytest.MonkeyPatch, by: datetime.timedelta) -> None:
    """Sets all clocks that Faker reads forward."""

    class Kind(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, cls.__mro__[1])

    class Later(datetime.datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.datetime.now(tz) + by

    class Day(datetime.date, metaclass=Kind):
        @classmethod
        def today(cls) -> Any:
            return datetime.date.today() + by

    for name, module in list(sys.modules.items()):
        if name.startswith("faker."):
            for key, value in list(vars(module).items()):
                if value is datetime.datetime:
                    monkeypatch.setattr(module, key, Later)
                elif value is datetime.date:
                    monkeypatch.setattr(module, key, Day)
    assert importlib.import_module("faker.providers.date_time").datetime.now().year > 2030


def test_what_a_caller_may_say_is_a_parameter_of_the_method() -> None:
    faker = faker_of("en_US", AS_OF)
    for name, method in {**PYTHON, **JAVASCRIPT}.items():
        if not method.words and hasattr(faker, method.name):
            known = set(inspect.signature(getattr(faker, method.name)).parameters)
            targets = {target.partition(":")[0] for target in method.takes.values()}
            assert targets | set(method.gives) <= known - BARRED, name


def test_today_is_as_of() -> None:
    kind = type(faker_of("en_US", AS_OF).provider("faker.providers.date_time"))
    now = datetime.datetime(2025, 3, 7, 12)
    assert absolute(kind, "now", now) == now
    assert absolute(kind, "-2d", now) == datetime.datetime(2025, 3, 5, 12)
    assert absolute(kind, "this month", now) == datetime.datetime(2025, 3, 1)
    assert absolute(kind, "this decade", now) == datetime.datetime(2020, 1, 1)
    assert absolute(kind, "2024-05-06", now) == datetime.datetime(2024, 5, 6)
    past = drawn(500, type="datetime", **of("date.past", params={"years": 2}))
    assert past.min() >= datetime.datetime(2023, 1, 1, tzinfo=datetime.UTC)  # type: ignore[operator]
    assert past.max() < AS_OF  # type: ignore[operator]
    births = drawn(500, type="date", **of("date.birthdate", params={"min": 30, "max": 30}))
    assert births.is_between(datetime.date(1994, 1, 2), datetime.date(1995, 1, 1)).all()


def test_days_of_birth_reach_both_ends() -> None:
    chance = np.random.default_rng(0)

    class Ends:
        def randint(self, low: int, high: int) -> int:
            return int(chance.choice([low, high]))

    today = datetime.date(2024, 2, 29)
    days = {born(Ends(), today, 18, 18) for _ in range(20)}  # type: ignore[arg-type]
    assert days == {datetime.date(2005, 3, 1), datetime.date(2006, 2, 28)}


def test_pools_are_kept_and_few() -> None:
    made = []

    def make() -> pl.Series:
        made.append(1)
        return pl.Series([1])

    for _ in range(2):
        remembered(b"place", make)
    assert len(made) == 1
    for number in range(40):
        remembered(str(number).encode(), make)
    remembered(b"place", make)
    assert len(made) == 42


def test_its_example_draws_and_it_serves_every_scalar_type() -> None:
    field = yaml.safe_load(Provider.example)[-1]
    assert drawn(50, **field).n_unique() > 30
    assert Provider.serves == set(TYPES) - {"array", "object"}

"""Numbers with check digits, against check digits computed one at a time."""

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.rng import U64
from ffgen.sample import resolve
from ffgen.sample.codes import ACCOUNTS
from ffgen.sample.digits import SLOTS, Shares, put_decimal
from ffgen.spec.model import Field
from ffgen.spec.types import Problem

IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "CH": 21, "DE": 22, "ES": 24, "FR": 27, "GB": 22, "IT": 27, "NL": 18, "PL": 28, "PT": 25,
    "SE": 24,
}  # fmt: skip
FAMILY = ["card", "iban", "ean", "isbn", "imei"]
CODES: list[Any] = [
    *FAMILY,
    {"name": "card", "brands": {"amex": 1}},
    {"name": "iban", "country": "NL"},
    {"name": "iban", "country": ["PL", "IT"]},
    {"name": "ean", "digits": 8},
    {"name": "ean", "prefix": "40012345"},
    {"name": "ean", "prefix": ""},
    {"name": "isbn", "digits": 10},
    {"name": "imei", "prefix": "35"},
]


def luhn(text: str) -> bool:
    digits = [int(char) for char in reversed(text)]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def gtin(text: str) -> bool:
    return sum(int(char) * (3 if place % 2 else 1) for place, char in enumerate(reversed(text))) % 10 == 0


def isbn10(text: str) -> bool:
    return sum((10 - place) * (10 if char == "X" else int(char)) for place, char in enumerate(text)) % 11 == 0


def iban(text: str) -> bool:
    number = "".join(str(int(char, 36)) for char in text[4:] + text[:4])
    return int(number) % 97 == 1 and len(text) == IBAN_LENGTHS[text[:2]]


def valid(generator: Any, text: str) -> bool:
    name = generator if isinstance(generator, str) else generator["name"]
    checks = {"card": luhn, "imei": luhn, "iban": iban}
    return checks.get(name, isbn10 if name == "isbn" and len(text) == 10 else gtin)(text)


@pytest.mark.parametrize("generator", CODES, ids=str)
def test_every_code_checks(generator: Any) -> None:
    for column in (drawn(3000, generator=generator), keyed(3000, generator=generator)):
        assert [text for text in column if not valid(generator, text)] == []
        assert list(bound(generator=generator).kind.refuse(column.to_list(), making=True)) == []


@pytest.mark.parametrize("generator", CODES, ids=str)
def test_distinct_numbers_give_distinct_codes(generator: Any) -> None:
    sampler = bound(generator=generator)
    room = sampler.room()
    assert room is not None
    first = np.arange(min(room, 50_000), dtype=np.uint64)
    index: U64 = np.unique(np.concatenate([first, room - 1 - first, first * np.uint64(room // len(first))]))
    assert pl.Series(sampler.at(index)).n_unique() == len(index)
    assert keyed(len(first), generator=generator).n_unique() == len(first)


@pytest.mark.parametrize("generator", CODES, ids=str)
def test_chance_comes_from_the_seed_alone(generator: Any) -> None:
    assert drawn(200, seed=1, generator=generator).equals(drawn(200, seed=1, generator=generator))
    assert not drawn(200, seed=1, generator=generator).equals(drawn(200, seed=2, generator=generator))
    assert not keyed(200, seed=1, generator=generator).equals(keyed(200, seed=2, generator=generator))
    assert drawn(0, generator=generator).to_list() == []


@pytest.mark.parametrize("name", FAMILY)
def test_the_example_draws(name: str) -> None:
    fields = msgspec.convert(yaml.safe_load(resolve(name).example), list[Field])
    column = drawn_table(50, fields)[fields[-1].name].to_list()
    kind = bound(**msgspec.structs.asdict(fields[-1])).kind
    assert list(kind.refuse(column, making=True)) == []


def test_cards_are_of_brands_by_their_shares() -> None:
    given = {"visa": 5.0, "mastercard": 2.5, "amex": 2.5, "discover": 0}
    for column in (drawn(100_000, generator={"name": "card", "brands": given}), keyed(100_000, generator="card")):
        wanted = given if column.str.starts_with("6").sum() == 0 else {"visa": 5.2, "mastercard": 3.1, "amex": 0.9}
        for brand, first, digits in (("visa", "^4", 16), ("mastercard", "^[25]", 16), ("amex", "^3", 15)):
            found = column.filter(column.str.contains(first))
            assert len(found) / len(column) == pytest.approx(wanted[brand] / 10, abs=0.006)
            assert set(found.str.len_chars()) == {digits}


def test_an_iban_is_of_the_country_asked_for_or_of_the_locale() -> None:
    for country in ACCOUNTS:
        column = drawn(50, generator={"name": "iban", "country": country})
        assert set(column.str.head(2)) == {country}
    assert set(drawn(50, generator="iban", locale="de_AT").str.head(2)) == {"AT"}
    countries = Counter(drawn(12_000, generator="iban").str.head(2))
    assert countries.keys() == IBAN_LENGTHS.keys()
    assert min(countries.values()) > 800
    dutch = drawn(50, generator="iban", locale="nl_NL")
    assert dutch.str.contains("^NL[0-9]{2}[A-Z]{4}[0-9]{10}$").all()


def test_free_digits_are_even() -> None:
    column = drawn(50_000, generator={"name": "iban", "country": "FR"})
    for place in range(4, 27):
        shares = column.str.slice(place, 1).value_counts(normalize=True)
        assert shares.height == 10
        assert shares["proportion"].max() == pytest.approx(0.1, abs=0.01)


def test_prefixes_and_room() -> None:
    assert set(drawn(50, generator={"name": "ean", "prefix": "400"}).str.head(3)) == {"400"}
    assert set(drawn(50, generator="ean").str.head(1)) == {"2"}
    assert set(drawn(50, generator="isbn").str.head(3)) == {"978"}
    assert set(drawn(50, generator="imei").str.head(2)) == {"00"}
    rooms = [bound(generator=generator).room() for generator in ("ean", {"name": "ean", "digits": 8}, "isbn", "imei")]
    assert rooms == [10**11, 10**6, 10**9, 10**12]


def test_small_codes_at_all_their_numbers() -> None:
    sampler = bound(generator={"name": "ean", "digits": 8, "prefix": "2123"})
    column = pl.Series(sampler.at(np.arange(1000, dtype=np.uint64)))
    assert column.str.head(7).to_list() == [f"2123{number:03}" for number in range(1000)]
    assert all(gtin(text) for text in column)


@pytest.mark.parametrize("width", range(1, 20))
def test_decimal_digits_of_every_width(width: int) -> None:
    numbers = np.asarray([0, 1, 10**width - 1, (10**width - 1) // 7, 10 ** (width - 1)], np.uint64)
    matrix = np.full((len(numbers), width + 2), ord("-"), np.uint8)
    put_decimal(matrix, 1, width, numbers)
    assert [bytes(row).decode() for row in matrix] == [f"-{number:0{width}}-" for number in numbers.tolist()]


def test_shares_deal_out_every_number_once() -> None:
    shares = Shares([1, 0, 2.5, 1e-9], [10**6, 5, 10**6, 3])
    assert shares.room == 3 * SLOTS
    index = np.arange(shares.room, dtype=np.uint64)
    group, number = shares.of(index)
    pairs = set(zip(group.tolist(), number.tolist(), strict=True))
    assert len(pairs) == len(index)
    assert max(number[group == 3]) < 3
    assert 1 not in group
    assert np.mean(group == 2) == pytest.approx(2.5 / 3.5, abs=1e-3)


@pytest.mark.parametrize(
    ("key", "generator"),
    [
        ("generator.brands", {"name": "card", "brands": {"visa": 0}}),
        ("generator.brands", {"name": "card", "brands": {"visa": -1}}),
        ("generator.country", {"name": "iban", "country": "US"}),
        ("generator.country", {"name": "iban", "country": []}),
        ("generator.prefix", {"name": "ean", "digits": 8, "prefix": "1234567"}),
        ("generator.prefix", {"name": "imei", "prefix": "x"}),
        ("generator.digits", {"name": "isbn", "digits": 11}),
    ],
)
def test_what_cannot_be_is_refused(key: str, generator: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        bound(generator=generator)
    assert refused.value.key == key
    assert refused.value.hint

"""Numbers with check digits: payment cards, bank accounts, articles, books and phones."""

from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import polars as pl
from msgspec import Meta, field
from numpy.typing import NDArray

from ffgen.rng import U64, mix
from ffgen.sample.base import MOST_ROOM, Column, Scope
from ffgen.sample.digits import (
    Codes,
    Numbered,
    Shares,
    Words,
    blank,
    by_group,
    decimal_words,
    gtin_digit,
    luhn_digit,
    put,
    put_decimal,
    quads,
    weighted_sums,
)
from ffgen.sample.strings import from_matrix
from ffgen.spec.types import Problem, ValueType

Brand = Literal["visa", "mastercard", "amex", "discover"]
Country = Literal["AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "PT", "SE"]
Digits = Annotated[str, Meta(pattern="^[0-9]*$")]
TEN = np.uint64(10)

BRANDS: dict[str, tuple[int, tuple[int, ...]]] = {
    "visa": (16, (400000, 401288, 411111, 424242)),
    "mastercard": (16, (222300, 510510, 520082, 555555)),
    "amex": (15, (371449, 378282, 378734)),
    "discover": (16, (601100, 601111, 644564)),
}
"""Digits of a brand's numbers, and the issuers' prefixes of the test numbers that payment providers publish."""
SHARES: dict[Brand, float] = {"visa": 52, "mastercard": 31, "amex": 9, "discover": 8}


class Card(Numbered):
    """Payment card numbers that pass Luhn's check, behind the prefixes of well-known test numbers.

    - `brands`: shares of visa, mastercard, amex and discover; `{visa: 52, mastercard: 31, amex: 9, discover: 8}`
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: card_number, type: string, generator: {name: card, brands: {visa: 3, mastercard: 1}}}
"""
    brands: dict[Brand, Annotated[float, Meta(ge=0)]] = field(default_factory=lambda: dict(SHARES))

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        chosen = {name: weight for name, weight in self.brands.items() if weight > 0}
        if not chosen:
            raise Problem("generator.brands", "no brand has a share above 0.", "Give one, e.g. {visa: 1}.")
        self._brands = [BRANDS[name] for name in chosen]
        capacities = [len(prefixes) * 10 ** (digits - 7) for digits, prefixes in self._brands]
        self._shares = Shares(list(chosen.values()), capacities)

    def room(self) -> int:
        return self._shares.room

    def at(self, index: U64) -> Column:
        group, number = self._shares.of(index)
        return by_group(group, len(self._brands), lambda brand, rows: self._cards(brand, number[rows]))

    def _cards(self, brand: int, number: U64) -> pl.Series:
        digits, prefixes = self._brands[brand]
        free = number // np.uint64(len(prefixes))
        prefix = np.asarray(prefixes, np.uint64).take((number - free * np.uint64(len(prefixes))).astype(np.intp))
        return _checked(prefix * np.uint64(10 ** (digits - 7)) + free, digits)


def _checked(body: U64, digits: int) -> pl.Series:
    """Numbers with Luhn's check digit behind them, as text of this many digits."""
    return _text(body * TEN + luhn_digit(body), digits)


def _text(number: U64, digits: int) -> pl.Series:
    matrix = np.empty((len(number), digits), np.uint8)
    put_decimal(matrix, 0, digits, number)
    return from_matrix(matrix)


class Cell(NamedTuple):
    """Up to four characters of an account number: their text for each code, what they count modulo 97, and by how
    much they shift what stands before."""

    width: int
    text: Words
    value: NDArray[np.intp]
    shift: int


BANKS = ("DEMO", "FICT", "MOCK", "SAMP", "TEST", "XMPL")
"""Bank codes that no bank has."""
ACCOUNTS: dict[str, str] = {
    "AT": "16",
    "BE": "12",
    "CH": "17",
    "DE": "18",
    "ES": "20",
    "FR": "23",
    "GB": "bank 14",
    "IT": "letter 22",
    "NL": "bank 10",
    "PL": "24",
    "PT": "21",
    "SE": "20",
}
"""What follows country and check digits (SWIFT IBAN Registry); digits where letters would be allowed, too."""


class Iban(Numbered):
    """Bank account numbers (ISO 13616) of the right length, with the check digits that belong to them. Check digits
    that some countries put inside the account number are not computed, and banks are made up.

    - `country`: AT, BE, CH, DE, ES, FR, GB, IT, NL, PL, PT or SE, or a list of them; the country of the dataset's
      `locale` where it is one of these, else all of them
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: account, type: string, length: 22, generator: {name: iban, country: DE}}
"""
    country: Country | Annotated[list[Country], Meta(min_length=1)] | None = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._countries = self._chosen(scope.locale[-2:])
        self._cells = [_cells(ACCOUNTS[country]) for country in self._countries]
        self._shares = Shares([1.0] * len(self._cells), [_capacity(cells) for cells in self._cells])

    def _chosen(self, home: str) -> list[str]:
        if self.country is None:
            return [home] if home in ACCOUNTS else list(ACCOUNTS)
        return [self.country] if isinstance(self.country, str) else list(dict.fromkeys(self.country))

    def room(self) -> int:
        return self._shares.room

    def at(self, index: U64) -> Column:
        group, number = self._shares.of(index)
        return by_group(group, len(self._cells), lambda country, rows: self._accounts(country, number[rows]))

    def _accounts(self, country: int, number: U64) -> pl.Series:
        name, cells = self._countries[country], self._cells[country]
        matrix = blank(len(number), name.encode() + b"00" + b"0" * sum(cell.width for cell in cells))
        remainder = np.zeros(len(number), np.intp)
        at = 4
        for cell, codes in zip(cells, _coded(cells, number), strict=True):
            _put_cell(matrix, at, cell, codes)
            remainder = (remainder * cell.shift + cell.value.take(codes)) % 97
            at += cell.width
        # ISO 7064, MOD 97-10: the country as two numbers from 10 to 35, and 00, stand behind the account.
        behind = (ord(name[0]) - 55) * 10_000 + (ord(name[1]) - 55) * 100
        put_decimal(matrix, 2, 2, (98 - (remainder * 1_000_000 + behind) % 97).astype(np.uint64))
        return from_matrix(matrix)


def _cells(layout: str) -> list[Cell]:
    cells = []
    for part in layout.split():
        if part.isdigit():
            widths = [4] * (int(part) // 4) + [int(part) % 4] * (int(part) % 4 > 0)
            cells += [_digit_cell(width) for width in widths]
        else:
            cells.append(_letter_cell(BANKS if part == "bank" else tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
    return cells


def _digit_cell(width: int) -> Cell:
    numbers = np.arange(10**width)
    text = decimal_words().take(numbers * 10 ** (4 - width))
    return Cell(width, text, numbers % 97, 10**width % 97)


def _letter_cell(texts: tuple[str, ...]) -> Cell:
    """Letters count from A = 10 on, each two digits."""
    width = len(texts[0])
    words = np.frombuffer("".join(text.ljust(4) for text in texts).encode(), "<u4")
    values = [int("".join(str(ord(letter) - 55) for letter in text)) % 97 for text in texts]
    return Cell(width, words, np.asarray(values), 100**width % 97)


def _capacity(cells: list[Cell]) -> int:
    """How many accounts are numbered: a product of whole cells, as many as stay below the most that counts."""
    capacity = 1
    for cell in reversed(cells):
        if capacity * len(cell.text) > MOST_ROOM:
            break
        capacity *= len(cell.text)
    return capacity


def _coded(cells: list[Cell], number: U64) -> list[Codes]:
    """Each cell's code: from the number as far as it goes, from the last cell on; the others from its hash."""
    left, codes, source = _capacity(cells), [], number
    for cell in reversed(cells):
        size = len(cell.text)
        if left == 1:
            source, left = mix(number, 97), -1
        higher = source // np.uint64(size)
        codes.append((source - higher * np.uint64(size)).astype(np.intp))
        source, left = higher, left // size if left > 0 else left
    return codes[::-1]


def _put_cell(matrix: NDArray[np.uint8], at: int, cell: Cell, codes: Codes) -> None:
    """A narrow cell overwrites what stands behind it, but for the last one; cells are written from left to right."""
    if at + 4 <= matrix.shape[1]:
        put(matrix, at, cell.text.take(codes))
        return
    letters = cell.text.view(np.uint8).reshape(-1, 4)
    for place in range(cell.width):
        put(matrix, at + place, np.ascontiguousarray(letters[:, place]).take(codes))


class Ean(Numbered):
    """Article numbers (EAN, GTIN) with their check digit. They start with 2: numbers that shops give out themselves,
    so that no real article has one.

    - `digits`: 13 or 8; 13
    - `prefix`: the first digits, such as 400 for Germany; 2
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: barcode, type: string, length: 13, unique: true, generator: ean}
"""
    digits: Literal[13, 8] = 13
    prefix: Digits = "2"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._free = _free(self.prefix, self.digits - 1)

    def room(self) -> int:
        return int(10**self._free)

    def at(self, index: U64) -> Column:
        body = index + np.uint64(int(self.prefix or "0") * 10**self._free)
        return _text(body * TEN + gtin_digit(body), self.digits)


def _free(prefix: str, digits: int) -> int:
    """Digits that a prefix leaves free."""
    if len(prefix) >= digits:
        what = f"{len(prefix)} digits leave none of {digits} free."
        raise Problem("generator.prefix", what, f"Give at most {digits - 1}.")
    return digits - len(prefix)


class Isbn(Numbered):
    """Book numbers with their check digit, without hyphens.

    - `digits`: 13 (from 978) or 10, whose check digit can be X; 13
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: isbn, type: string, unique: true, generator: {name: isbn, digits: 13}}
"""
    digits: Literal[13, 10] = 13

    def room(self) -> int:
        return 10**9

    def at(self, index: U64) -> Column:
        if self.digits == 13:
            body = index + np.uint64(978 * 10**9)
            return _text(body * TEN + gtin_digit(body), 13)
        matrix = np.empty((len(index), 10), np.uint8)
        put_decimal(matrix, 0, 9, index)
        matrix[:, 9] = np.frombuffer(b"0123456789X", np.uint8).take(_isbn10_digit(index))
        return from_matrix(matrix)


def _isbn10_digit(body: U64) -> Codes:
    """ISO 2108 (1992): the digits weigh 10 to 2 from the left; 10 is written X."""
    total = np.zeros(len(body), np.intp)
    for part, codes in enumerate(quads(body, 3)):
        total += weighted_sums(tuple(range(4 * part + 2, 4 * part + 6))).take(codes)
    return -total % 11


class Imei(Numbered):
    """Serial numbers of phones (IMEI), 15 digits with Luhn's check digit. They start with 00, which is kept for test
    devices.

    - `prefix`: the first digits; 00. Real devices mostly have 35 or 86
    """

    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = """
- {name: imei, type: string, length: 15, generator: {name: imei, prefix: "35"}}
"""
    prefix: Digits = "00"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self._free = _free(self.prefix, 14)

    def room(self) -> int:
        return int(10**self._free)

    def at(self, index: U64) -> Column:
        return _checked(index + np.uint64(int(self.prefix or "0") * 10**self._free), 15)

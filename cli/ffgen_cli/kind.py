"""How a setting is written, and what it becomes: one parser for a flag, a variable and a TOML value."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SIZES = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9} | {
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
SECONDS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)")
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of writing a value. `parse` raises ValueError with what was wanted, in words that follow `is not`."""

    name: str
    parse: Callable[[Any], Any]
    choices: tuple[str, ...] = ()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).strip().lower() in TRUE:
        return True
    if str(value).strip().lower() in FALSE:
        return False
    raise ValueError("true or false")


def _amount(value: Any, units: dict[str, Any], wanted: str) -> float:
    if isinstance(value, bool):
        raise ValueError(wanted)
    found = AMOUNT.fullmatch(str(value).strip().lower())
    if not found or found[2] not in units:
        raise ValueError(wanted)
    return float(found[1]) * float(units[found[2]])


def _size(value: Any) -> int:
    return int(_amount(value, SIZES, "a size such as 64MiB or 1GB"))


def _duration(value: Any) -> float:
    seconds = _amount(value, SECONDS, "a duration such as 90s, 15m or 2h")
    if seconds <= 0:
        raise ValueError("a duration above zero, such as 90s, 15m or 2h")
    return seconds


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value.strip())
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError("a text, or a list of texts")
    return list(value)


def integer(low: int, high: int, name: str = "N") -> Kind:
    """A whole number within both ends. `1_000` is 1000, as in TOML and Python."""

    def parse(value: Any) -> int:
        wanted = f"a whole number from {low} to {high}"
        if isinstance(value, bool) or not re.fullmatch(r"-?\d[\d_]{0,30}", str(value).strip()):
            raise ValueError(wanted)
        number = int(str(value))
        if not low <= number <= high:
            raise ValueError(wanted)
        return number

    return Kind(name, parse)


def number_above(low: float, name: str = "X") -> Kind:
    """A number above `low`."""

    def parse(value: Any) -> float:
        wanted = f"a number above {low:g}"
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(wanted) from None
        if isinstance(value, bool) or not low < number < float("inf"):
            raise ValueError(wanted)
        return number

    return Kind(name, parse)


def choice(*choices: str) -> Kind:
    """One of a closed set of words."""

    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return Kind("|".join(choices), parse, choices)


def integer_or(word: str, low: int, high: int) -> Kind:
    """A whole number within both ends, or one word."""
    whole = integer(low, high)

    def parse(value: Any) -> int | str:
        if value == word:
            return word
        try:
            number: int = whole.parse(value)
        except ValueError as error:
            raise ValueError(f"{error}, or {word}") from None
        return number

    return Kind(f"N|{word}", parse)


def text(name: str = "TEXT") -> Kind:
    """Any text that is not empty."""
    return Kind(name, _text)


def _counts(value: Any) -> int | dict[str, int]:
    wanted = "a whole number from 1 to 1000000000000, or TABLE=N"
    table, equals, number = str(value).rpartition("=")
    try:
        count: int = integer(1, 10**12).parse(number if equals else value)
    except ValueError:
        raise ValueError(wanted) from None
    if equals and not table.strip():
        raise ValueError(wanted)
    return {table.strip(): count} if equals else count


PATH = Kind("PATH", _text)
COUNTS = Kind("N", _counts)
"""A number of records, or one for a table: 1000, orders=1000."""
SWITCH = Kind("", _switch)
SIZE = Kind("SIZE", _size)
DURATION = Kind("DURATION", _duration)
URLS = Kind("URL", _list)
ORIGINS = Kind("ORIGIN", _list)
NAMES = Kind("NAME", _list)
LISTS = (URLS, ORIGINS, NAMES)
"""Kinds whose flags can be repeated."""


def written(kind: Kind, value: Any) -> str:
    """A parsed value as a person would type it: 64MiB, 2h, true."""
    if kind is SIZE:
        return _largest_unit(value, (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("", 1)))
    if kind is DURATION:
        return _largest_unit(value, (("h", 3600), ("m", 60), ("s", 1)))
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _largest_unit(value: float, units: tuple[tuple[str, int], ...]) -> str:
    """In the largest unit that leaves a whole number; the smallest one takes what is left."""
    return next((f"{value // by:.0f}{unit}" for unit, by in units if value % by == 0), f"{value:g}{units[-1][0]}")

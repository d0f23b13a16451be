"""Dates as people write them, made ISO dates: `1 March 2024`, `31.12.2023`, `June to August 2024`."""

import calendar
import re
from difflib import get_close_matches

MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): at for at, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = r"(?<![\d-])(\d{1,2})(?:st|nd|rd|th)?"
_TO = r"\s*(?:-|–|—|to|until|till|through|and)\s*"
_FULL = [name.lower() for name in calendar.month_name if name]
_NEAR_MONTH = re.compile(r"(?i)(\b\d{1,2} |\bin |\band |\bfrom |\bto |\bbetween |\bof )([a-z]{4,10})( \d{4}\b)")
_SPAN = re.compile(rf"(?i){_DAY} (?:of )?({_MONTH})\.?{_TO}{_DAY} (?:of )?({_MONTH})\.?,? (\d{{4}})\b")
_SPAN_US = re.compile(rf"(?i)\b({_MONTH})\.? {_DAY}{_TO}({_MONTH})\.? {_DAY},? (\d{{4}})\b")
_DAYS = re.compile(rf"(?i){_DAY}{_TO}{_DAY} (?:of )?({_MONTH})\.?,? (\d{{4}})\b")
_DAYS_US = re.compile(rf"(?i)\b({_MONTH})\.? {_DAY}{_TO}{_DAY},? (\d{{4}})\b")
_MONTHS = re.compile(rf"(?i)\b({_MONTH})\.?({_TO})({_MONTH})\.?,? (?:of )?(\d{{4}})\b")
_FIRST = re.compile(rf"(?i){_DAY} (?:of )?({_MONTH})\.?,? (\d{{4}})\b")
_FIRST_US = re.compile(rf"(?i)\b({_MONTH})\.? {_DAY},? (\d{{4}})\b")
_NUMBERS = re.compile(r"(?<![\d./-])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?![\d./]*\d)")
_HALVES = re.compile(r"(?i)\b(?:the )?(first|second|1st|2nd) half of (\d{4})\b|\bH([12])[ /-]?(\d{4})\b")
_QUARTERS = re.compile(
    r"(?i)\b(?:the )?(first|second|third|fourth|last|1st|2nd|3rd|4th) quarter (?:of |in )?(\d{4})\b"
    r"|\bQ([1-4])[ /'-]?(\d{4})\b"
)
_QUARTER = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": 4}
_SEASONS = re.compile(r"(?i)\b(?:the )?(spring|summer|autumn|fall) (?:of )?((?:19|20)\d{2})\b")
_SEASON = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11)}


def in_iso(text: str) -> str:
    """The text with its dates as `2024-03-01`; a date that there is not stays as it was written."""
    text = _NEAR_MONTH.sub(_mended, text)
    text = _SPAN.sub(lambda m: _both(m[0], (m[5], m[2], m[1]), (m[5], m[4], m[3])), text)
    text = _SPAN_US.sub(lambda m: _both(m[0], (m[5], m[1], m[2]), (m[5], m[3], m[4])), text)
    text = _DAYS.sub(lambda m: _both(m[0], (m[4], m[3], m[1]), (m[4], m[3], m[2])), text)
    text = _DAYS_US.sub(lambda m: _both(m[0], (m[4], m[1], m[2]), (m[4], m[1], m[3])), text)
    text = _MONTHS.sub(lambda m: f"{m[1]} {m[4]}{m[2]}{m[3]} {m[4]}", text)
    text = _FIRST.sub(lambda m: _day(m[3], m[2], m[1]) or m[0], text)
    text = _FIRST_US.sub(lambda m: _day(m[3], m[1], m[2]) or m[0], text)
    text = _NUMBERS.sub(_of_numbers, text)
    text = _HALVES.sub(_half, text)
    text = _QUARTERS.sub(_quarter, text)
    return _SEASONS.sub(lambda m: _months(m[2], *_SEASON[m[1].lower()]), text)


def _mended(match: re.Match[str]) -> str:
    """A month that is misspelt, put right: `31 agust 2025`."""
    word = match[2].lower()
    near = [] if word in MONTHS or word in ("of", "to", "and") else get_close_matches(word, _FULL, 1, 0.8)
    return f"{match[1]}{near[0]}{match[3]}" if near else match[0]


def _both(said: str, first: tuple[str, str, str], last: tuple[str, str, str]) -> str:
    low, high = _day(*first), _day(*last)
    return f"{low} to {high}" if low and high else said


def _day(year: str, month: str, day: str) -> str:
    """An ISO date; empty where there is no such day."""
    number = int(month) if month.isdigit() else MONTHS[month.lower()]
    if not 1 <= number <= 12 or not 1000 <= int(year) <= 2999:
        return ""
    if not 1 <= int(day) <= calendar.monthrange(int(year), number)[1]:
        return ""
    return f"{int(year):04}-{number:02}-{int(day):02}"


def _of_numbers(match: re.Match[str]) -> str:
    """`31.12.2023` and `12/31/2023`; with dots the day stands first, with strokes the month, unless it can't."""
    first, mark, second, year = match.groups()
    ways = [(second, first), (first, second)] if mark == "." or int(first) > 12 else [(first, second), (second, first)]
    return next((found for month, day in ways if (found := _day(year, month, day))), match[0])


def _half(match: re.Match[str]) -> str:
    year = match[2] or match[4]
    is_first = (match[1] or "").lower() in ("first", "1st") or match[3] == "1"
    return _months(year, *((1, 6) if is_first else (7, 12)))


def _quarter(match: re.Match[str]) -> str:
    return f"Q{_QUARTER[match[1].lower()] if match[1] else match[3]} {match[2] or match[4]}"


def _months(year: str, first: int, last: int) -> str:
    return f"{year}-{first:02} to {year}-{last:02}"

"""Ranges and periods, put to the fields that they are of."""

import re
from typing import Any

from ffgen.draft.catalogue import meanings
from ffgen.draft.limits import Limit
from ffgen.draft.near import added_field, all_fields, field_after, field_before, short_form
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.scan import Scanner

_HINTED = {
    "age": ("age",),
    "money": tuple("price amount cost salary total spent revenue fee rent income budget balance value fare".split()),
    "weight": ("weight",),
    "distance": ("distance", "mileage"),
    "temperature": ("temperature",),
    "rating": ("rating", "star"),
}
_LETTERS = re.compile(r"(?i)character|letter|length|long|char\b|sign|digit")


def place_ranges(scan: Scanner) -> None:
    """Every range to the field that it is of; one that is of none is not taken in."""
    for limit in scan.ranges:
        counted = scan.marks.get(limit.last + 1)
        if None in (limit.low, limit.high) and counted is not None and counted.is_plural:
            scan.request.ignored.append(scan.text_of(limit.first, limit.last))
            continue
        pair = field_before(scan, limit.first)
        if pair is None or not _takes(pair[1], limit):
            pair = _by_hint(scan, limit) or _right_taking(scan, limit) or _loose(scan, limit) or pair
        if pair is None:
            scan.request.ignored.append(scan.text_of(limit.first, limit.last))
            continue
        _set_range(scan, *pair, limit)


def place_periods(scan: Scanner) -> None:
    """Every period to the date that it is of; else it holds for the whole."""
    for limit in sorted(scan.periods, key=lambda one: one.first):
        said = scan.text_of(limit.first, limit.last)
        pair = field_before(scan, limit.first)
        if limit.is_swapped:
            scan.request.ask("range", f"{said}: the first is after the second", f"{limit.low} to {limit.high}")
        kind = short_form(pair[1]).get("type") if pair else None
        other = scan.request.period not in (None, (limit.low, limit.high))
        if other and scan.word(limit.first - 1) == ",":
            pair = None
        if pair and kind in ("date", "datetime"):
            pair[1].short["range"] = [str(limit.low), str(limit.high)]
            pair[1].notes.append(said)
        elif pair and kind in ("integer", "number") and re.search(r"year|built", pair[1].name):
            pair[1].short["range"] = [limit.low.year, limit.high.year]
            pair[1].notes.append(said)
        elif (
            pair
            and kind in ("integer", "number")
            and re.search(r"\$?\d{4}\D+\d{4}", said)
            and not scan.request.period
            and re.search("price|amount|salary|cost|between", said)
        ):
            pair[1].short["range"] = [limit.low.year, limit.high.year]
            pair[1].notes.append(said)
        else:
            if scan.request.period is not None and scan.request.period != (limit.low, limit.high):
                scan.request.ask(
                    "range",
                    f"{scan.request.period[0]} to {scan.request.period[1]}, and {said}?",
                    f"{scan.request.period[0]} to {scan.request.period[1]}",
                )
                continue
            scan.request.period = (limit.low, limit.high)
            scan.request.understood.append(f'"{said}": {limit.low} to {limit.high}')


def _takes(asked: Asked, limit: Limit) -> bool:
    kind = short_form(asked).get("type", "")
    years = all(end is None or 1900 <= end <= 2100 for end in (limit.low, limit.high))
    if kind in ("date", "datetime"):
        return years
    return kind in ("integer", "number") or asked.meaning is None


def _right_taking(scan: Scanner, limit: Limit) -> tuple[Wanted, Asked] | None:
    pair = field_after(scan, limit.last)
    return pair if pair and _takes(pair[1], limit) else None


def _loose(scan: Scanner, limit: Limit) -> tuple[Wanted, Asked] | None:
    pair = field_before(scan, limit.first, loose=True)
    return pair if pair and _takes(pair[1], limit) else None


def _by_hint(scan: Scanner, limit: Limit) -> tuple[Wanted, Asked] | None:
    if not limit.hint:
        return None
    words = _HINTED.get(limit.hint, ())
    for table, asked in all_fields(scan):
        if {*words} & {*asked.name.split("_")} and _takes(asked, limit):
            return table, asked
    if limit.hint == "money":
        for table in scan.request.tables:
            name = next(
                (one for one in (table.kind.fields if table.kind else ()) if any(word in one for word in words)), ""
            )
            if name:
                asked = added_field(scan, table, name)
                asked.said = scan.text_of(limit.first, limit.last)
                return table, asked
    if limit.hint == "age":
        table = next((one for one in scan.request.tables if one.kind and one.kind.has_people), scan.request.tables[0])
        asked = Asked(
            "age", scan.text_of(limit.first, limit.last), ("age",), meanings()["age"], limit.first, limit.last
        )
        table.asked.append(asked)
        return table, asked
    return None


def _set_range(scan: Scanner, table: Wanted, asked: Asked, limit: Limit) -> None:
    """A range where the field's type takes it: its bounds, its days, the length of its text."""
    kind = short_form(asked).get("type")
    path = f"{table.name}.{asked.name}"
    said = scan.text_of(limit.first, limit.last)
    if limit.is_swapped:
        scan.request.ask("range", f"{said}: the first is above the second", f"{limit.low} to {limit.high}", path)
    if kind == "enum" and None not in (limit.low, limit.high):
        asked.short |= {"type": "integer", "range": [limit.low, limit.high]}
        asked.notes.append(said)
    elif kind in ("string", "text", "enum", "email", "phone", "url"):
        _set_length(asked, limit, f"{said} {scan.word(limit.last + 1)} {asked.said}")
    elif kind in ("date", "datetime") and not _takes(asked, limit):
        # `days 1-9`: a number of them
        asked.meaning, asked.short = None, {"type": "integer"}
        _set_bounds(scan, asked, limit, path)
    elif kind in ("date", "datetime"):
        since, until = limit.low or 1950, limit.high or 2024
        asked.short["range"] = [f"{int(since):04}-01-01", f"{int(until):04}-12-31"]
    else:
        _set_bounds(scan, asked, limit, path)


def _set_length(asked: Asked, limit: Limit, around: str) -> None:
    """How long a text is, where the words around a range say that it is of letters."""
    short = short_form(asked)
    fits = limit.high is not None and 0 < limit.high <= 5000
    if short["type"] in ("string", "text") and fits and "values" not in short:
        if short["type"] == "text" or _LETTERS.search(around):
            asked.short["length"] = [max(int(limit.low or 1), 1), int(limit.high)]


def _set_bounds(scan: Scanner, asked: Asked, limit: Limit, path: str) -> None:
    """The bounds of a number; one that is not said is that of before, or of what is usual."""
    short, said = short_form(asked), scan.text_of(limit.first, limit.last)
    now = (asked.short.get("range") if asked.is_bounded else None) or (None, None)
    usual = (asked.meaning.short.get("range") if asked.meaning else None) or [0, 100]
    low: Any = limit.low if limit.low is not None else now[0]
    high: Any = limit.high if limit.high is not None else now[1]
    if low is None:
        low = usual[0] if usual[0] < high else (0 if high > 0 else high - 100)
    if high is None:
        high = usual[1] if usual[1] > low else low * 10 + 10
    begun = limit.low is not None and now[0] is not None
    if (begun and (limit.low > now[1] or (limit.high or limit.low) < now[0])) or low > high:
        kept = f"{now[0]} to {now[1]}" if now[0] is not None else f"{high} to {low}"
        scan.request.ask("range", f"{asked.said}: {now[0]} to {now[1]}, and {said}?", kept, path)
        if now[0] is not None:
            return
        low, high = high, low
    asked.short["range"], asked.is_bounded = [low, high], True
    if not asked.meaning and not asked.short.get("generator") and "type" not in asked.short:
        asked.short["type"] = "integer"
    if isinstance(low, float) or isinstance(high, float):
        asked.short["type"] = "number"
        decimals = 1 if short.get("type") == "integer" else short.get("decimals", 2)
        asked.short.setdefault("decimals", max(decimals, *(_places(end) for end in (low, high))))
    asked.notes.append(said)


def _places(number: float) -> int:
    """Decimals that a bound is said with, six at most."""
    return min(len(f"{number:.6f}".rstrip("0").partition(".")[2]), 6)

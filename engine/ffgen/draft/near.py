"""Which field stands where: before a place, after it, right after it."""

from typing import Any

from ffgen.draft.catalogue import meanings
from ffgen.draft.request import Asked, Wanted
from ffgen.draft.scan import Scanner
from ffgen.draft.words import idle_words

_APART = {",", ";", ".", "!", "?", "(", ")"}
_ASIDE = {"limit", "type", "modifier", "blank", "values", "note", "share", "step"}
_NOTED = set("unique optional nullable required distinct true false missing empty decimal integer".split())


def all_fields(scan: Scanner) -> list[tuple[Wanted, Asked]]:
    """Every field with its table, in the order of the text."""
    return sorted(
        ((table, asked) for table in scan.request.tables for asked in table.asked), key=lambda pair: pair[1].first
    )


def field_before(scan: Scanner, at: int, loose: bool = False) -> tuple[Wanted, Asked] | None:
    """The field right before a place: nothing between but words, or nothing but the sentence. What stands alone
    between commas is of the field before, and what is in brackets of the field before those."""
    before = [place for place in _places(scan) if place[1] < at]
    if not before:
        return None
    first, last, table, asked = max(before, key=lambda place: place[1])
    for opened, closed in scan.brackets.items():
        if opened < at < closed and first < opened:
            inside = [place for place in before if place[0] <= opened - 1 <= place[1]]
            if inside:
                return inside[0][2], inside[0][3]
    between = [
        scan.word(place) for place in range(last + 1, at) if scan.used[place] not in _ASIDE - {"modifier", "blank"}
    ]
    stops = {".", ";", "!", "?"} if loose else {".", ",", ";", "!", "?", "and", "or", ")"}
    said = all(
        scan.used[one] in _ASIDE or scan.word(one) in idle_words() | _NOTED | {","} or scan.tokens[one].kind == "number"
        for one in range(last + 1, at)
    )
    if not loose and stops & {*between} == {","} and said and _is_alone(scan, at):
        return table, asked
    return None if stops & {*between} else (table, asked)


def field_after(scan: Scanner, at: int) -> tuple[Wanted, Asked] | None:
    """The field that follows a place, four words away at most."""
    after = [place for place in _places(scan) if place[0] > at]
    if not after:
        return None
    first, _, table, asked = min(after, key=lambda place: place[0])
    between = [scan.word(place) for place in range(at + 1, first)]
    near = len(between) <= 4 and not {".", ",", ";", "and", "or", "(", ")", "with"} & {*between}
    return (table, asked) if near else None


def field_right_after(scan: Scanner, at: int) -> tuple[Wanted, Asked] | None:
    """The field that follows a place with a word between at most."""
    pair = field_after(scan, at)
    return pair if pair and pair[1].first - at <= 2 else None


def short_form(asked: Asked) -> dict[str, Any]:
    """What a field is: what was said, over what the catalogue says."""
    return {**(asked.meaning.short if asked.meaning else {}), **asked.short}


def added_field(scan: Scanner, table: Wanted, name: str) -> Asked:
    """A field of that name in a table, which is added where it is not there yet."""
    there = table.field(name)
    if there is not None:
        return there
    meaning = (table.kind.meaning(name) if table.kind else None) or meanings().get(name)
    asked = Asked(name, name, tuple(name.split("_")), meaning, len(scan.tokens), len(scan.tokens))
    table.asked.append(asked)
    return asked


def _places(scan: Scanner) -> list[tuple[int, int, Wanted, Asked]]:
    return [
        (first, last, table, asked)
        for table, asked in all_fields(scan)
        for first, last in [(asked.first, asked.last), *asked.mentions]
    ]


def _is_alone(scan: Scanner, at: int) -> bool:
    """Whether all between two commas only says something of a field."""
    first = last = at
    while first > 0 and scan.word(first - 1) not in _APART:
        first -= 1
    while last + 1 < len(scan.tokens) and scan.word(last + 1) not in _APART:
        last += 1
    plain = idle_words() | _NOTED
    return scan.word(first - 1) == "," and all(
        scan.used[one] in _ASIDE or scan.word(one) in plain or scan.tokens[one].kind == "number"
        for one in range(first, last + 1)
    )

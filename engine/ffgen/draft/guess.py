"""A field that the catalogue does not have, by the last word of its name, by the first, or by its unit."""

import copy
import re
from functools import cache
from typing import Any

from ffgen.draft.files import data

_FLAG = {"type": "boolean"}
_NAME = {"type": "string", "generator": {"name": "person.full_name", "of": "another"}}
_STATES = ("is", "has", "was", "had", "can", "are")
_DONE = re.compile(
    r"(?!(?:bed|breed|feed|seed|speed|need|deed|reed|weed|shed|sled|embed|moped|biped|greed|creed|bleed)$)[a-z]{3,}ed"
)
"""What was done with a thing or was not: `vaccinated`, `insured`."""


@cache
def _guesses() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]], frozenset[str]]:
    """By last word, by unit; and the words for people."""
    said = data("guesses")
    people = frozenset(said["people"].split())
    last = _by_word(said["last"])
    for word in people:
        last.setdefault(word, _NAME)
    return last, _by_word(said["units"]), people


def _by_word(rules: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for rule in rules:
        short = {key: value for key, value in rule.items() if key != "words"}
        for word in rule["words"].split():
            found.setdefault(word, short)
    return found


def guess(words: list[str]) -> dict[str, Any] | None:
    """The short form of a field whose name is these words (in the singular); None where no word says anything."""
    if not words:
        return None
    last, _, people = _guesses()
    if words[0] in _STATES and len(words) > 1:
        return dict(_FLAG)
    if len(words) > 2 and words[0] in ("number", "count") and words[1] == "of":
        return copy.deepcopy(last["count"])
    if words[-1] == "name" and len(words) > 1 and words[-2] in people:
        return copy.deepcopy(_NAME)
    if words[-1] in last:
        return copy.deepcopy(last[words[-1]])
    for between in ("of", "per", "for", "in"):
        if between in words[1:] and (found := guess(words[: words.index(between)])):
            return found
    if words[0] in ("last", "next", "latest", "previous", "first") and len(words) > 1:
        return copy.deepcopy(last["date"])
    return dict(_FLAG) if _DONE.fullmatch(words[-1]) else None


def by_unit(unit: str) -> dict[str, Any] | None:
    """The short form of a field that is measured in a unit (in the singular); None for what is no unit."""
    found = _guesses()[1].get(unit)
    return copy.deepcopy(found) if found is not None else None


def unknown(name: str) -> dict[str, Any]:
    """What stands for a field that nobody can guess: a word or two."""
    return {"type": "string", "generator": {"name": "words", "count": [1, 2]}, "description": name}

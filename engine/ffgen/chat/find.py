"""Tables, fields and values of a spec, by what people call them."""

import re
from collections.abc import Mapping
from typing import Any

from ffgen.chat.standing import tables_of
from ffgen.draft.catalogue import Kind, Meaning, by_phrase, kinds
from ffgen.draft.words import Phrase, fold, phrase_of

Place = tuple[str, str]
"""A table's name and a field's."""
_LEAD = re.compile(r"(?:the|a|an|any|all|each|every|their|its|some|another|more|my|our|of|column|field|table)\s+", re.I)
_TAIL = re.compile(r"\s+(?:columns?|fields?|tables?|values?|too|as well|anymore|either)$", re.I)
_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "als", "al", "ed", "es", "s", "e", "ly")


def bare(words: str) -> str:
    """A name without articles and without `column`."""
    words = words.strip(" \t'\"`.,:;!?")
    while match := _LEAD.match(words):
        words = words[match.end() :]
    return _TAIL.sub("", words).strip(" '\"`")


def table_called(spec: Mapping[str, Any], words: str) -> str:
    """The table that is meant; empty for none."""
    phrase = phrase_of(bare(words))
    names = [str(table["name"]) for table in tables_of(spec)]
    same = next((name for name in names if phrase_of(name) == phrase), "")
    if same or not phrase:
        return same
    known = {kind.name for kind in kinds().get(phrase, [])}
    return next((name for name in names if name in known), "")


def fields_called(spec: Mapping[str, Any], words: str, table: str = "") -> list[Place]:
    """The fields that are meant: by name, else by what the catalogue calls the same, else by a part of the name."""
    said = bare(words)
    if "." in said:
        there, _, name = said.partition(".")
        return [place for place in _places(spec, there.strip()) if place[1].casefold() == name.strip().casefold()]
    if not table and (match := re.fullmatch(r"(.+?)\s+(?:of|in|from|for|on)\s+(.+)", said)):
        owner = table_called(spec, match[2])
        if owner:
            return fields_called(spec, match[1], owner)
    phrase = phrase_of(said)
    if not phrase:
        return []
    places = _places(spec, table)
    exact = [place for place in places if phrase_of(place[1]) == phrase]
    return exact or _by_owner(spec, phrase, table) or _by_meaning(places, phrase) or _by_part(places, phrase)


def kind_of(table: str) -> Kind | None:
    """What the catalogue knows of a table."""
    found = kinds().get(phrase_of(table), [])
    return next((kind for kind in found if kind.name == table), next(iter(found), None))


def meaning_of(table: str, words: str) -> Meaning | None:
    """What words mean as a field of a table."""
    kind, phrase = kind_of(table), phrase_of(bare(words))
    return kind.called(phrase) if kind is not None else by_phrase().get(phrase)


def value_called(field: Mapping[str, Any], words: str) -> str | None:
    """The value of an enum that is meant: refunds, refunded and refund are one."""
    wanted = stem(bare(words))
    values = [str(value) for value in field.get("values", ())]
    return next((value for value in values if stem(value) == wanted), None)


def stem(words: str) -> str:
    """Words without their endings, to be compared."""
    found = []
    for word in re.findall(r"[^\W_]+", fold(words)):
        ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= 4), "")
        word = word[: len(word) - len(ending)] if ending else word
        found.append(word[:-1] if len(word) > 4 and word[-1] == word[-2] else word)
    return " ".join(found)


def field_at(spec: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
    """The field at a place."""
    for table in tables_of(spec):
        if table["name"] == place[0]:
            return next((field for field in table["fields"] if field["name"] == place[1]), None)
    return None


def table_at(spec: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A table by its name."""
    return next((table for table in tables_of(spec) if table["name"] == name), None)


def parent_of(field: Mapping[str, Any]) -> str:
    """The table that a field refers to; empty for none."""
    ref = field.get("ref")
    return str(ref if isinstance(ref, str) else ref["to"]).partition(".")[0] if ref else ""


def root_of(spec: Mapping[str, Any]) -> str:
    """The first table that refers to no other and has a count."""
    tables = tables_of(spec)
    roots = [one for one in tables if not any("ref" in field for field in one["fields"]) and "rows" not in one]
    return str((roots or tables)[0]["name"])


def _places(spec: Mapping[str, Any], table: str) -> list[Place]:
    return [
        (str(one["name"]), str(field["name"]))
        for one in tables_of(spec)
        for field in one["fields"]
        if table in ("", one["name"]) and not field.get("hidden")
    ]


def _by_owner(spec: Mapping[str, Any], phrase: Phrase, table: str) -> list[Place]:
    """`order status`, where orders have a status."""
    if table or len(phrase) < 2:
        return []
    for size in range(1, len(phrase)):
        owner = table_called(spec, " ".join(phrase[:size]))
        found = [place for place in _places(spec, owner) if phrase_of(place[1]) == phrase[size:]] if owner else []
        if found:
            return found
    return []


def _by_meaning(places: list[Place], phrase: Phrase) -> list[Place]:
    found = []
    for place in places:
        kind = kind_of(place[0])
        mine = kind.called(phrase) if kind else by_phrase().get(phrase)
        theirs = kind.called(phrase_of(place[1])) if kind else by_phrase().get(phrase_of(place[1]))
        if mine is not None and mine is theirs:
            found.append(place)
    return found


def _by_part(places: list[Place], phrase: Phrase) -> list[Place]:
    size = len(phrase)
    return [place for place in places if phrase_of(place[1])[-size:] == phrase or phrase_of(place[1])[:size] == phrase]

"""What fields, tables and words there are: `data/*.yaml`, read once a process, on first use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ffgen.draft.files import data
from ffgen.draft.words import Phrase, phrase_of


@dataclass(frozen=True, slots=True)
class Meaning:
    """A field that the catalogue knows: its name, its short form, what else it is called, what it needs beside it."""

    name: str
    short: Mapping[str, Any]
    spoken: frozenset[Phrase]
    """Phrases that are no name for a column."""
    phrases: tuple[Phrase, ...]
    needs: tuple[str, ...] = ()
    of_things: Mapping[str, Any] = field(default_factory=dict)
    """What is put over the short form where a row is no person."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A table of a domain."""

    name: str
    domain: str
    phrases: tuple[Phrase, ...]
    fields: tuple[str, ...]
    own: Mapping[str, Meaning]
    singular: str
    parents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    key: str = ""
    date: str = ""
    count: int = 0
    step: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    is_soft: bool = False
    """Whether its word is rather a field than a table where fields are listed."""

    def meaning(self, name: str) -> Meaning | None:
        """One of its fields, by name."""
        return self.own.get(name) or meanings().get(name)

    def called(self, phrase: Phrase) -> Meaning | None:
        """What a phrase means in this table."""
        return _names(self).get(phrase) or by_phrase().get(phrase)

    @property
    def has_people(self) -> bool:
        """Whether a row is a person."""
        return bool({"first_name", "full_name"} & {*self.fields})


@dataclass(frozen=True, slots=True)
class Domain:
    """A field of work: its words, its tables, and those that stand for the whole of it."""

    name: str
    phrases: tuple[Phrase, ...]
    default: tuple[str, ...]
    kinds: Mapping[str, Kind]


@cache
def meanings() -> dict[str, Meaning]:
    """Every field of fields.yaml by name."""
    return {name: _meaning(name, said) for name, said in data("fields").items()}


@cache
def domains() -> dict[str, Domain]:
    """Every domain by name."""
    return {name: _domain(name, said) for name, said in data("domains").items()}


@cache
def kinds() -> dict[Phrase, list[Kind]]:
    """The tables that a phrase may mean, in the order of the file."""
    found: dict[Phrase, list[Kind]] = {}
    for kind in every_kind():
        for phrase in kind.phrases:
            found.setdefault(phrase, []).append(kind)
    return found


@cache
def by_phrase() -> dict[Phrase, Meaning]:
    """What a phrase means as a field, in any table. The first of the file counts."""
    found: dict[Phrase, Meaning] = {}
    for meaning in meanings().values():
        found.setdefault(phrase_of(meaning.name), meaning)
    for meaning in meanings().values():
        for phrase in meaning.phrases:
            found.setdefault(phrase, meaning)
    return found


@cache
def field_phrases() -> frozenset[Phrase]:
    """Every phrase that names a field of some table."""
    own = (phrase for kind in every_kind() for phrase in _names(kind))
    return frozenset([*by_phrase(), *own])


@cache
def homes() -> dict[Phrase, frozenset[str]]:
    """The domains whose tables alone have a field of that name."""
    found: dict[Phrase, set[str]] = {}
    for kind in every_kind():
        for phrase in _names(kind):
            if phrase not in by_phrase():
                found.setdefault(phrase, set()).add(kind.domain)
    return {phrase: frozenset(names) for phrase, names in found.items()}


def every_kind() -> Iterator[Kind]:
    """All tables of all domains."""
    for domain in domains().values():
        yield from domain.kinds.values()


@cache
def _names_of(domain: str, name: str) -> dict[Phrase, Meaning]:
    kind = domains()[domain].kinds[name]
    found: dict[Phrase, Meaning] = {}
    for meaning in kind.own.values():
        found[phrase_of(meaning.name)] = meaning
    for meaning in kind.own.values():
        for phrase in meaning.phrases:
            found.setdefault(phrase, meaning)
    return found


def _names(kind: Kind) -> dict[Phrase, Meaning]:
    return _names_of(kind.domain, kind.name) if kind.domain in domains() else {}


def listed(text: str) -> list[str]:
    """The parts of a list that is written with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _meaning(name: str, said: Mapping[str, Any]) -> Meaning:
    other = listed(said.get("as", ""))
    return Meaning(
        name=name,
        short={key: value for key, value in said.items() if key not in ("as", "needs", "of_things")},
        spoken=frozenset(phrase_of(one[1:]) for one in other if one.startswith("~")),
        phrases=tuple(phrase_of(one.lstrip("~")) for one in other),
        needs=tuple(said.get("needs", ())),
        of_things=said.get("of_things", {}),
    )


def _domain(name: str, said: Mapping[str, Any]) -> Domain:
    tables = {table: _kind(table, name, rest) for table, rest in said["tables"].items()}
    return Domain(name, tuple(phrase_of(one) for one in listed(said["words"])), tuple(said["default"]), tables)


def _kind(name: str, domain: str, said: Mapping[str, Any]) -> Kind:
    phrases = [phrase_of(one) for one in listed(said["words"])]
    own = {field: _meaning(field, rest) for field, rest in said.get("own", {}).items()}
    return Kind(
        name=name,
        domain=domain,
        phrases=tuple(dict.fromkeys([phrase_of(name), *phrases])),
        fields=tuple(said["fields"]),
        own=own,
        singular=said.get("singular") or "_".join(phrase_of(name)),
        parents={table: dict(how) for table, how in said.get("parents", {}).items()},
        alone=tuple(said.get("alone", ())),
        key=said.get("key", ""),
        date=said.get("date", ""),
        count=said.get("count", 0),
        step=said.get("step", ""),
        rows=tuple(said.get("rows", ())),
        is_soft=said.get("soft", False),
    )

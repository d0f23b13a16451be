"""A parsed spec to structs, with every error of the file at once.

msgspec says whether a value fits its type, and stops at the first that doesn't. So structs are walked here, each
other value is judged alone, and what is wrong with it is said by `spec/explain.py`, in words about the file.
"""

import difflib
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import FieldInfo

from ffgen.errors import Finding
from ffgen.spec.document import MAX_FINDINGS, Document, Path, Text, dotted, quoted
from ffgen.spec.explain import Arm, arms, constraint, explain, holds_struct, misfits, of_base

T = TypeVar("T", bound=msgspec.Struct)


def convert(document: Document, kind: type[T]) -> tuple[T | None, list[Finding]]:
    """The document as a `kind`, or None and what is wrong with it, in file order: at most 20, and how many more.

    Values are taken as they are: the number 5 is no text, the text "5" no number.
    """
    walk = _Walk(document)
    value = walk.struct(kind, document.value, ())
    return (None, walk.findings()) if walk.problems else (value, [])


def convert_most(document: Document, kind: type[T]) -> tuple[T | None, list[Path]]:
    """What of a wrong document fits `kind`, and the paths of what doesn't, which is as if it weren't there.

    For looking on: more may be wrong with the rest. None when a key that must be there is missing, or a list has a
    gap.
    """
    walk = _Walk(document, partial=True)
    return walk.struct(kind, document.value, ()), [problem.path for problem in walk.problems]


class Wrong(NamedTuple):
    """What is wrong at a path; `at_key`: the key itself is, not what it holds."""

    path: Path
    what: str
    hint: str
    at_key: bool


def fit(value: Any, kind: type[T]) -> tuple[T | None, list[Wrong]]:
    """A part of a spec as a `kind`, or None and what is wrong with it, in the order of its keys."""
    walk = _Walk(Document(value, Text("", "")))
    made = walk.struct(kind, value, ())
    if not walk.problems:
        return made, []
    return None, [Wrong(one.path, *one.say(), one.key) for one in walk.problems[:MAX_FINDINGS]]


class _Problem(NamedTuple):
    """Something wrong at `path`. What to say of it is asked for what is shown only: a name's nearest takes a while."""

    path: Path
    say: Callable[[], tuple[str, str]]
    key: bool = False


class _Walk:
    def __init__(self, document: Document, partial: bool = False) -> None:
        self.problems: list[_Problem] = []
        self._document = document
        self._partial = partial

    def findings(self) -> list[Finding]:
        """The problems in file order, overrides first."""
        where, where_key = self._document.where, self._document.where_key
        self.problems.sort(key=lambda problem: (where_key if problem.key else where)(problem.path))
        shown = [
            self._document.finding(problem.path, *problem.say(), key=problem.key)
            for problem in self.problems[:MAX_FINDINGS]
        ]
        more = len(self.problems) - len(shown)
        if more:
            shown.append(Finding("", f"and {more} more.", "Correct these first.", file=self._document.file))
        return shown

    def struct(self, kind: type[T], value: Any, path: Path) -> T | None:
        """A `kind` from a mapping; None when a problem was noted on the way."""
        if not isinstance(value, dict):
            self._note(path, partial(explain, kind, value))
            return None
        known = _fields(kind)
        before = len(self.problems)
        values = {}
        for key, inner in value.items():
            field = known.get(key)
            if field is None:
                self._note((*path, key), partial(_unknown, key, kind, value), key=True)
            else:
                noted = len(self.problems)
                made = self._value(field.type, inner, (*path, key))
                if made is not None or len(self.problems) == noted:
                    values[field.name] = made
        for key, field in known.items():
            if field.required and key not in value:
                self._note(path, partial(_missing, key), key=True)
        whole = len(self.problems) == before
        enough = self._partial and all(field.name in values for field in known.values() if field.required)
        return self._built(kind, values, path) if whole or enough else None

    def _built(self, kind: type[T], values: dict[str, Any], path: Path) -> T | None:
        try:
            return kind(**values)
        except (ValueError, TypeError) as error:  # a __post_init__ that refuses, in its own words
            self._note(path, partial(_told, str(error)), key=True)
            return None

    def _value(self, kind: Any, value: Any, path: Path) -> Any:
        if value is not None and holds_struct(kind):
            for arm in arms(kind):
                if of_base(arm, value) and (arm.struct or holds_struct(arm.item)):
                    return self._inside(arm, kind, value, path)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            for below, part, held in misfits(kind, value):
                self._note((*path, *below), partial(explain, part, held))
            return None

    def _inside(self, arm: Arm, kind: Any, value: Any, path: Path) -> Any:
        """A struct, or a list or mapping of what holds structs."""
        if arm.struct:
            return self.struct(arm.struct, value, path)
        if constraint(arm, value):
            self._note(path, partial(explain, kind, value))
        if isinstance(value, dict):
            return {key: self._value(arm.item, inner, (*path, key)) for key, inner in value.items()}
        items = [self._value(arm.item, inner, (*path, index)) for index, inner in enumerate(value)]
        return None if self._partial and None in items else items

    def _note(self, path: Path, say: Callable[[], tuple[str, str]], *, key: bool = False) -> None:
        # Only a mapping's entry has a key to point at.
        self.problems.append(_Problem(path, say, key and bool(path) and isinstance(path[-1], str)))


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _told(what: str) -> tuple[str, str]:
    return what, ""


def _missing(key: str) -> tuple[str, str]:
    return f"the key {quoted(key)} is missing.", ""


def _unknown(key: str, kind: type[msgspec.Struct], present: Collection[str]) -> tuple[str, str]:
    return f"unknown key {quoted(key)}.", _nearest(key, kind, present)


def _nearest(key: str, kind: type[msgspec.Struct], present: Collection[str]) -> str:
    known = list(_fields(kind))
    wanted = key[:100].lower()
    near = difflib.get_close_matches(wanted, [name for name in known if name not in present], n=1)
    near = near or difflib.get_close_matches(wanted, known, n=1)
    if near:
        return f"Did you mean {quoted(near[0])}?"
    below = next(_paths_to(key, kind), None)
    return f"Did you mean {quoted(dotted(below))}?" if below else f"Known here: {', '.join(known)}."


def _paths_to(key: str, kind: type[msgspec.Struct]) -> Iterator[Path]:
    """Where `key` would be known, one level below: `count` belongs to `dataset`."""
    for name, field in _fields(kind).items():
        for arm in arms(field.type):
            if arm.struct and key in _fields(arm.struct):
                yield (name, key)

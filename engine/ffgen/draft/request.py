"""What a sentence asks for, once it is read."""

from dataclasses import dataclass, field
from typing import Any

from ffgen.draft.catalogue import Kind, Meaning
from ffgen.draft.words import Phrase


@dataclass(slots=True)
class Asked:
    """A field that was asked for, in its place among the tokens; `short` goes over what the catalogue says."""

    name: str
    said: str
    phrase: Phrase
    meaning: Meaning | None
    first: int
    last: int
    short: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    mentions: list[tuple[int, int]] = field(default_factory=list)
    """Where else it is spoken of."""
    refers: str = ""
    """The table whose key it is."""
    is_bounded: bool = False
    """Whether its range was said."""


@dataclass(slots=True)
class Wanted:
    """A table that was asked for, or that another one needs."""

    name: str
    singular: str
    kind: Kind | None
    first: int
    said: str
    asked: list[Asked] = field(default_factory=list)
    shown: str = ""
    """Its name in the spec: as it was said, where that is a good name."""
    count: int | None = None
    children: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """How many of its rows each row of a parent has, where that was said."""
    headed: Phrase = ()
    """What it is called at the head of a part of its own."""
    belongs: list[str] = field(default_factory=list)
    """Tables to one row of which each of its rows is said to belong."""

    def called(self, phrase: Phrase) -> Meaning | None:
        """What a phrase means here."""
        from_kind = self.kind.called(phrase) if self.kind else None
        return from_kind

    def field(self, name: str) -> Asked | None:
        """A field that was asked for, by name."""
        return next((one for one in self.asked if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Question:
    """What the description leaves open: `about` is count, grain, range or term; `default` is what the draft took.

    `id` names it in `draft(..., answers={id: value})`; `path` is the table or field that it is about, `changes` what an
    answer does to the draft. An answer is one of `choices`, or any text of the kind of the default.
    """

    about: str
    text: str
    default: str
    path: str = ""
    choices: tuple[str, ...] = ()
    id: str = ""
    changes: str = ""


@dataclass(slots=True)
class Request:
    """All that was read of one description."""

    text: str
    tables: list[Wanted] = field(default_factory=list)
    domain: str = ""
    locales: list[str] = field(default_factory=list)
    language: str = ""
    goods: str = "any"
    step: str = ""
    is_paced: bool = False
    """Whether the rows of a series are so far apart, not only a field that is called `daily`."""
    rhythm: dict[str, Any] = field(default_factory=dict)
    imperfections: dict[str, Any] = field(default_factory=dict)
    period: tuple[Any, Any] | None = None
    is_exact: bool = False
    is_linked: bool = False
    is_wish: bool = True
    """Whether it asks for data at all: rows, a list of fields, tables."""
    understood: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def table(self, name: str) -> Wanted | None:
        """A table by name."""
        return next((one for one in self.tables if one.name == name), None)

    def ask(self, about: str, text: str, default: str, path: str = "", choices: tuple[str, ...] = ()) -> None:
        """Adds a question, once."""
        if not any(one.about == about and one.text == text for one in self.questions):
            self.questions.append(Question(about, text, default, path, choices))

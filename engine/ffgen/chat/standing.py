"""What a conversation is made of: where it stands, what is open, what was said, and what it says back."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

from ffgen.draft.drafting import Draft
from ffgen.errors import Finding

MOST_SAID = 2_000
"""Characters of one line that are heard."""
MOST_TEXT = 8_000
"""Characters of all sentences that shape the draft."""
MOST_TURNS = 500

Stage = Literal["new", "talking", "confirming", "made"]
About = Literal[
    "start", "range", "clash", "grain", "count", "each", "term", "period", "locale", "share", "unique", "more",
    "confirm",
]  # fmt: skip
Sign = Literal["+", "-", "~"]
PartKind = Literal["say", "diff", "spec", "why", "help", "preview"]
Act = Literal["", "make", "quit"]


class Asking(Struct, frozen=True, kw_only=True):
    """One question. `default` is what Enter takes; `says` has, for each choice, the sentence that it stands for, where
    that is another than the choice itself."""

    id: str
    about: About
    text: str
    default: str
    path: str = ""
    choices: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    hint: str = ""


class Standing(Struct, frozen=True, kw_only=True):
    """What is settled at one moment.

    `text` is all that the drafter was given, `spec` what came of it and of the changes since. `names` has what was
    renamed, as the drafter calls it: `customers`, `customers.email`. `said` has paths that the user decided, `settled`
    the ids of questions that were answered or passed over, `open` those to come, the most important first; `by` is the
    line that led here. `author` is the model that drafted, `drafted` the text that it was last given.
    """

    text: str
    spec: dict[str, Any]
    why: dict[str, str]
    name: str
    main: str
    names: dict[str, str] = {}
    said: tuple[str, ...] = ()
    open: tuple[Asking, ...] = ()
    settled: tuple[str, ...] = ()
    asked: int = 0
    format: str = ""
    author: str = ""
    drafted: str = ""
    is_flat: bool = False
    by: str = ""

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The tables of the spec."""
        return tables_of(self.spec)


class Turn(Struct, frozen=True, kw_only=True):
    """What was said, and what was said back, as plain text. `at` is when, ISO 8601 in UTC."""

    said: str
    told: str
    at: str


class Change(Struct, frozen=True, kw_only=True):
    """One line of what changed: `path` is a table, a `table.field`, or a key of the spec."""

    sign: Sign
    path: str
    text: str


class Part(Struct, frozen=True, kw_only=True):
    """A piece of a reply: text, or changes to be shown; `preview` asks for ten rows at this place."""

    kind: PartKind
    text: str = ""
    changes: tuple[Change, ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    """What to show, what to ask next, and what is to be done: make the data, or end."""

    parts: tuple[Part, ...]
    ask: Asking | None = None
    act: Act = ""


class Talk(Struct, frozen=True, kw_only=True):
    """A whole conversation, a value. `steps` are the standings so far, the last one holds; `undone` what undo took."""

    stage: Stage = "new"
    steps: tuple[Standing, ...] = ()
    undone: tuple[Standing, ...] = ()
    turns: tuple[Turn, ...] = ()

    @property
    def now(self) -> Standing:
        """The standing that holds. Only after the first sentence."""
        return self.steps[-1]


class Drafter(Protocol):
    """Makes a draft of a text; `answers` are those to questions of the draft. Raises UsageError."""

    def __call__(self, text: str, answers: Mapping[str, str] | None = None) -> Draft: ...


class Tools(Struct, frozen=True, kw_only=True):
    """What a conversation is carried on with. `own` drafts here, without a model; `draft` is the same, or a model's.
    `check` says what is wrong with a spec, up to its plan."""

    draft: Drafter
    own: Drafter
    check: Callable[[Mapping[str, Any]], list[Finding]]


def tables_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a spec."""
    return [spec["dataset"]] if "dataset" in spec else list(spec["tables"])

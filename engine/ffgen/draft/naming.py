"""What tables and columns are called: as they were said, unless that is no name."""

import re

from ffgen.draft import terms
from ffgen.draft.catalogue import Kind, Meaning, kinds
from ffgen.draft.request import Wanted
from ffgen.draft.words import Phrase, fold, plural, singular

_ANYBODY = ("person", "human", "individual", "contact", "household")
"""Words for people that say nothing of who they are."""


def shown(kind: Kind, phrase: Phrase) -> tuple[str, str]:
    """A table's name and its singular, as they were said: `clients` for customers, `loan_applications` for loans."""
    called = {singular(word) for word in kind.name.split("_")} <= {*phrase}
    if phrase[-1] == kind.singular and not called:
        return plural(kind.singular), kind.singular
    if plural("_".join(phrase)) == kind.name:
        return kind.name, "_".join(phrase)
    if (
        phrase[-1] == "profile"
        and len(phrase) > 1
        and phrase[:-1] not in kinds()
        and all(word.isalpha() for word in phrase)
    ):
        return plural("_".join(phrase)), "_".join(phrase)
    if (
        phrase[-1] in terms.COLLECTIVE | terms.DATA
        or (len(phrase) > 2 and phrase[-1:] not in kind.phrases)
        or phrase[-1] == kind.singular
        or (kind.singular == "person" and (phrase[-1] in _ANYBODY or phrase == ("name", "and", "address")))
    ):
        return kind.name, kind.singular
    if len(phrase) > 1 and (phrase[-1:] in kind.phrases):
        phrase = phrase[-1:]
    words = [word for word in phrase if re.fullmatch(r"[a-z][a-z0-9]*", word)]
    if not words or "_".join(words) == kind.singular:
        return kind.name, kind.singular
    one = "_".join(words)
    return "_".join([*words[:-1], plural(words[-1])]), one


def names_of(table: Wanted) -> set[Phrase]:
    """What a table may be called in the text."""
    return {tuple(table.singular.split("_"))} | ({*table.kind.phrases} if table.kind else set())


def name_of(phrase: Phrase, meaning: Meaning | None, said: str) -> str:
    """The name of a column: as it was said, unless that is no name."""
    if "in" in phrase[1:-1] and phrase[0] != "check":
        phrase = phrase[: phrase.index("in", 1)]
    own = "_".join(phrase)
    if phrase[-1] in terms.UNITS and fold(said).rstrip().endswith("s") or phrase[-1] == "foot":
        own = "_".join([*phrase[:-1], plural(phrase[-1])])
    if phrase[:2] == ("number", "of"):
        own = "_".join([*phrase[:-1], plural(phrase[-1])])
    words = re.findall(r"[^\W_]+", fold(said))
    if meaning is None and len(words) == len(phrase) and [singular(word) for word in words] == [*phrase]:
        own = "_".join([*words[:-1], phrase[-1]] if phrase[-1] in terms.HEADS else words)
    if meaning is None:
        return re.sub(r"[^a-z0-9_]+", "_", own).strip("_")[:60] or "field"
    same = tuple(singular(part) for part in meaning.name.split("_")) == phrase
    counts = meaning.name.endswith("_count") and len(phrase) == 1
    if counts and not same:
        return f"{own}_count"
    if same or phrase in meaning.spoken or "of" in phrase[1:] or phrase[0] in ("number", "how", "what"):
        return meaning.name
    return own


def snake(name: str) -> str:
    """A name in one piece as a column's: `orderDate` as `order_date`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", fold(apart)).strip("_")[:60] or "field"

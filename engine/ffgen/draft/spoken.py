"""Tables that the catalogue does not have, taken by the way they are spoken of: `each seller has`."""

from functools import partial

from ffgen.draft import terms
from ffgen.draft.catalogue import by_phrase, kinds
from ffgen.draft.children import relate
from ffgen.draft.counts import count_table
from ffgen.draft.guess import guess
from ffgen.draft.scan import Mark, Scanner
from ffgen.draft.subjects import subjects
from ffgen.draft.tables import new_table
from ffgen.draft.words import Phrase, idle_words, plural

_LATER = terms.NOUNS | {"list", "item", "entry", "line", "log", "set"}
"""Words that say little alone, and are part of a longer name."""


def find_subjects(scan: Scanner) -> None:
    """Words that are tables by the way they are spoken of, wherever they stand."""
    phrases = subjects(scan.tokens, partial(is_plain, scan), _is_thing, _is_strange)
    for at in range(len(scan.tokens)):
        for phrase in phrases:
            span = range(at, at + len(phrase))
            if at not in scan.subjects and phrase == tuple(scan.word(place) for place in span):
                if span[-1] < len(scan.tokens) and not any(scan.used[place] for place in span):
                    scan.subjects[at] = span[-1]


def names_subject(scan: Scanner, at: int) -> bool:
    """Whether such a word is spoken of as a table here."""
    last = scan.subjects[at]
    before = scan.word(at - 1)
    if scan.listing and (before in terms.POINTING or scan.word(at - 2) in terms.POINTING):
        return False
    if before in ("each", "every", "per") or (
        before in ("a", "an", "one", "the") and scan.word(at - 2) in (".", ";", "", "!")
    ):
        return True
    opens = scan.word(last + 1) in ("(", ":", "with", "has", "have", "who", "per", "each", "including")
    counted = scan.tokens[at - 1].kind == "number" if at else False
    starts = before in (".", ";", "", "!", "?")
    if not scan.tokens[last].is_plural:
        return False
    return opens or counted or starts or not scan.listing


def take_subject(scan: Scanner, at: int) -> int:
    """A table that the catalogue does not have."""
    last = scan.subjects[at]
    phrase = tuple(scan.word(place) for place in range(at, last + 1))
    mark = Mark(at, last, phrase, False, [], scan.tokens[last].is_plural, False)
    new_table(scan, "_".join(phrase), at, last, focus=False)
    wanted = scan.request.table(plural("_".join(phrase)))
    assert wanted is not None
    relate(scan, wanted, mark)
    count_table(scan, wanted, mark)
    one_of = scan.word(at - 2) == "of" and scan.word(at - 3) in ("one", "1")
    if (
        scan.word(at - 1) not in ("per", "by")
        and not one_of
        and not (scan.word(at - 1) == "each" and scan.word(at - 2) == "for")
    ):
        scan.table = wanted
    if scan.word(last + 1) not in (",", "and"):
        scan.listing = scan.is_listing_tables = False
    return last + 1


def is_plain(scan: Scanner, at: int) -> bool:
    """Whether a token may be part of a table's name that nobody knows."""
    word = scan.word(at)
    return (
        at < len(scan.tokens)
        and not scan.used[at]
        and (word not in idle_words() | terms.OPENERS | terms.JOINERS or word in _LATER)
    )


def _is_thing(phrase: Phrase) -> bool:
    """Whether a phrase may be a thing of which there are rows: no table of the catalogue, no number, no date."""
    if all(word in idle_words() for word in phrase):
        return False
    if phrase in kinds() or phrase[-1:] in kinds() or not all(word.isalpha() for word in phrase):
        return False
    meaning = by_phrase().get(phrase)
    short = meaning.short if meaning else guess([*phrase]) or {}
    return (
        short.get("type", "string") in ("string", "enum", "text") or short.get("type") == "boolean" and meaning is None
    )


def _is_strange(phrase: Phrase) -> bool:
    """Whether a phrase is no table of the catalogue and no empty word."""
    return phrase not in kinds() and phrase[-1:] not in kinds() and not all(word in idle_words() for word in phrase)

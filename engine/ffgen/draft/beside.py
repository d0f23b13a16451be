"""Words of the catalogue that are no fields where they stand: units, adjectives, asides."""

from ffgen.draft import terms
from ffgen.draft.guess import by_unit
from ffgen.draft.scan import Mark, Scanner
from ffgen.draft.words import Phrase

_UNITS = terms.MEASURES | set(
    "month year day hour minute second week currency percent percentage mile degree celsius fahrenheit".split()
)
_TELLING = set("email salary diagnosis temperature humidity price address sku rating amount".split())
"""Fields that are themselves whatever word stands before them."""


def is_unit(scan: Scanner, mark: Mark) -> bool:
    """Whether a word is the unit of the field before it: `tenure in months`, `rate per hour`."""
    before = scan.word(mark.first - 1)
    return (
        len(mark.phrase) == 1
        and (mark.phrase[0] in _UNITS or (len(mark.phrase[0]) > 1 and by_unit(mark.phrase[0]) is not None))
        and before in ("in", "per", "every", "each", "this", "last", "next", "of")
    )


def is_stray(scan: Scanner, mark: Mark) -> bool:
    """Whether a word of the catalogue is rather part of what is said than a field."""
    if scan.listing:
        return False
    if mark.phrase in (("assigned", "to"), ("report", "to"), ("paid", "with")):
        return True
    if scan.table is None and len(mark.phrase) == 1 and not mark.is_plural:
        around = {scan.word(mark.first - 1), scan.word(mark.last + 1)}
        return not around & {",", "and", ";", "", "or", "/", "."}
    return False


def is_aside(scan: Scanner, at: int) -> bool:
    """Whether a word only says something of the field before, or that there is no such thing: `claim date after
    purchase`, `no negative prices`."""
    return scan.word(at - 1) in ("after", "before", "than", "no") and scan.word(at - 2) not in ("", ":")


def is_adjective(scan: Scanner, mark: Mark) -> bool:
    """Whether a field's name only says which of the things after it are meant: `parking permits`."""
    at = mark.last + 1
    return (
        not scan.listing
        and scan.table is None
        and not scan.pending
        and not mark.kinds
        and not mark.is_plural
        and at < len(scan.tokens)
        and scan.tokens[at].kind == "word"
        and scan.tokens[at].is_plural
        and not scan.used[at]
        and at not in scan.marks
        and scan.is_part(at)
        and (scan.word(at + 1) in terms.OPENERS | {":", "(", ".", "", "in", "for", "from", "by"})
    )


def says_more(phrase: Phrase) -> bool:
    """Whether a phrase is telling enough that a word before it changes little."""
    return len(phrase) > 1 or phrase[0] in _TELLING

"""How good a text is that a model wrote for a row: a number from 0 to 1, the worst of four parts.

length     1 where the text has at least four words or the spec's `length` holds it; fewer words, less
pattern    1 where it is what `pattern` says; a text that is not is refused anyway
coherence  0 where it names a value of another given row and none of its own, 0.5 where it names both
diversity  1 less the largest Jaccard similarity (sets of words) with the other texts of the reply; less, too, where
           a text says the same words over and over
"""

import re
from collections.abc import Iterable, Sequence

from ffgen.spec.types import ValueType

PLAIN_WORDS = 4
VARIED = 3.0
"""A text of which a third of the words are different ones has all the variety it needs."""
SHORTEST = 4
"""Letters from which a value is looked for in a text: shorter ones are parts of other words."""
_WORD = re.compile(r"\w+")


def words_of(text: str) -> frozenset[str]:
    """The words of a text, in small letters."""
    return frozenset(_WORD.findall(text.casefold()))


def score(text: str, kind: ValueType, own: Sequence[str], others: Iterable[str], before: Sequence[str]) -> float:
    """The score of one text. `own` are the values of its row, `others` those of the other given rows, `before` the
    texts of the same field that were taken from the reply so far."""
    return min(length_part(text, kind), coherence_part(text, own, others), diversity_part(text, before))


def length_part(text: str, kind: ValueType) -> float:
    """See above."""
    if kind.field.length is not None or kind.field.type != "text":
        return 1.0
    return min(1.0, len(_WORD.findall(text)) / PLAIN_WORDS)


def coherence_part(text: str, own: Sequence[str], others: Iterable[str]) -> float:
    """See above."""
    spoken = f" {' '.join(_WORD.findall(text.casefold()))} "
    mine = {plain(value) for value in own}
    strange = {plain(value) for value in others} - mine
    if not any(f" {value} " in spoken for value in strange if len(value) >= SHORTEST):
        return 1.0
    return 0.5 if any(f" {value} " in spoken for value in mine if len(value) >= SHORTEST) else 0.0


def diversity_part(text: str, before: Sequence[str]) -> float:
    """See above."""
    words = words_of(text)
    spoken = len(_WORD.findall(text))
    variety = min(1.0, VARIED * len(words) / spoken) if spoken else 1.0
    alike = (similarity(words, words_of(other)) for other in before)
    return min(variety, 1.0 - max(alike, default=0.0))


def similarity(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard's: what two sets share of all that they have."""
    return len(first & second) / len(first | second) if first or second else 1.0


def plain(value: str) -> str:
    """A value as it is looked for in a text: its words, in small letters."""
    return " ".join(_WORD.findall(value.casefold()))

"""The tokens of a description, how each is used, and the phrases of the catalogue among them."""

import re
from dataclasses import dataclass
from functools import cache

from ffgen.draft import limits, outline, terms
from ffgen.draft.catalogue import Kind, domains, field_phrases, homes, kinds
from ffgen.draft.clean import clean
from ffgen.draft.code import in_words
from ffgen.draft.files import english
from ffgen.draft.portions import portions
from ffgen.draft.purpose import purposes
from ffgen.draft.request import Asked, Request, Wanted
from ffgen.draft.spell import known, mended
from ffgen.draft.tongues import spaced, translated
from ffgen.draft.words import Phrase, counted, idle_words, plural, tokens, word_at

_YES_OR_NO = re.compile(r"(?<!\( )\b(?:yes (?:/|or|,) no|y / n|true (?:/|or) false|no (?:/|or) yes|or not)\b")
_AFTER = set(
    """
    bpm mmhg celsius fahrenheit c f kwh kw dbm ppm hpa lux rpm mbar db mg ml kcal bar volt watt amp kmh mph sqm
    """.split()
)
"""Units of what is measured."""
_KEPT = set(
    """
    average total new last next max min maximum minimum mean median number test training learning service
    system production plan model project is has history
    """.split()
)
"""Empty words that are kept in a field's name."""
_PACED = re.compile(
    r"\bevery (?:\d+ )?(?:second|minute|hour|day|week)\b"
    r"|\b(?:hourly|daily|weekly|monthly)"
    r"(?= (?:reading|measurement|record|data|observation|value|log|entry|price)|[ ,.;]*$)"
)


@dataclass(slots=True)
class Mark:
    """A phrase of the catalogue among the tokens."""

    first: int
    last: int
    phrase: Phrase
    is_field: bool
    kinds: list[Kind]
    is_plural: bool = False
    is_known: bool = True
    """Whether the catalogue has it; a name in one piece it need not have."""


class Scanner:
    """The tokens, how each is used, and where the catalogue has a phrase for them."""

    def __init__(self, text: str) -> None:
        plain, unspaced = spaced(in_words(text))
        self.request = Request(clean(plain))
        found, self.request.language = translated(tokens(self.request.text), known())
        self.request.language = self.request.language or unspaced
        found, notes = (found, []) if self.request.language else mended(found)
        self.tokens = counted(portions(found))
        self.request.understood += notes
        self.names = outline.names(self.tokens, self.request.text) | outline.moments(self.tokens)
        """Names in one piece, `order_date`: their first tokens to their last."""
        self.inside = {at for first, last in self.names.items() for at in range(first, last + 1)}
        self.brackets = outline.brackets(self.tokens)
        """Where each bracket that opens is closed."""
        self.norm = limits.Norm(self.tokens)
        self.used = [""] * len(self.tokens)
        self._start()
        self._take_limits()
        self._take_rhythm()
        for first, last in purposes(self.norm):
            if last - first < len(self.tokens) - 2:
                self.use(first, last, "purpose")
        self.yes_or_no = [self.norm.span(*match.span()) for match in _YES_OR_NO.finditer(self.norm.text)]
        """Where a field is said to be so or not: the words for that are none of its name."""
        for first, last in self.yes_or_no:
            self.use(first, last, "yes or no")
        for limit in self.ranges:
            self._use_unit(limit.last + 1)
        self.request.domain = self._domain()
        self.near = self._near()
        """The domains of which something is said."""

    def _start(self) -> None:
        """Where the reading stands before the first word."""
        self.marks: dict[int, Mark] = {}
        self.values: dict[int, list[str]] = {}
        """Values that are listed, by a token of what they are values of."""
        self.subjects: dict[int, int] = {}
        """Words that are tables by the way they are spoken of: their first tokens to their last."""
        self.sections: list[tuple[int, str]] = []
        """From where on which table is spoken of."""
        self.table: Wanted | None = None
        self.is_listing_tables = False
        self.naming = False
        """Whether tables are listed by name: `tables: authors, books`."""
        self.listing = False
        self.in_part = False
        """Whether what is listed is a table's part under a head of its own."""
        self.is_named = False
        """Whether what is listed is said to be fields: `columns a, b and c`."""
        self.each = ""
        self.pending: list[Asked] = []
        self.adjectives: set[int] = set()
        """Words that name a field, and here only say which things are meant."""
        self.item: list[int] = []

    def _take_limits(self) -> None:
        """Periods and ranges."""
        self.periods = [one for one in limits.periods(self.norm) if not self._counts(one)]
        self.ranges = limits.ranges(self.norm, self.periods)
        for limit in [*self.periods, *self.ranges]:
            self.use(limit.first, limit.last, "limit")

    def _take_rhythm(self) -> None:
        """When things happen more often, and how far apart the rows of a series are."""
        self.request.rhythm, spans = limits.rhythm(self.norm)
        for first, last in spans:
            self.use(first, last, "rhythm")
            self._use_growth(last + 1)
        if step := limits.step(self.norm):
            self.request.step = step[0]
            if step[1][0] != step[1][1]:
                self.use(*step[1], "step")
            self.request.is_paced = bool(_PACED.search(self.norm.text))

    def _use_unit(self, at: int) -> None:
        """A word right after a range is its unit, where nothing but it stands before the next comma."""
        at += self.word(at) == "°"
        if self.word(at) == "mm" and self.word(at + 1) == "hg":
            self.use(at, at + 1, "unit")
        if self.word(at) and self.word(at + 1) in (",", ";", ".", ")", "", "and", "or"):
            token = self.tokens[at]
            if token.kind == "word" and (
                token.word in _AFTER
                or (
                    not token.is_plural
                    and (token.word,) not in field_phrases()
                    and token.word not in english()
                    and token.word not in terms.MISSING | {"optional", "nullable", "unique"}
                )
            ):
                self.use(at, at, "unit")
                if self.word(at - 1) == "°":
                    self.use(at - 1, at - 1, "unit")

    def _use_growth(self, at: int) -> None:
        """A percentage right after a rhythm is its growth."""
        if at < len(self.tokens) and self.tokens[at].is_share:
            self.use(at, at, "rhythm")

    def use(self, first: int, last: int, what: str) -> None:
        """Notes that tokens are understood."""
        for at in range(first, last + 1):
            self.used[at] = self.used[at] or what

    def word(self, at: int) -> str:
        """The word at a place; empty outside the text."""
        return word_at(self.tokens, at)

    def text_of(self, first: int, last: int) -> str:
        """The words of the description between two tokens."""
        return self.request.text[self.tokens[first].start : self.tokens[last].end]

    def _counts(self, period: limits.Limit) -> bool:
        """Whether `in 2000` is rather a count: rows or a table follow."""
        after = self.word(period.last + 1)
        return period.first == period.last and (after in terms.ROWS or after == "person" or (after,) in kinds())

    def _domain(self) -> str:
        scores: dict[str, float] = {}
        for at in range(len(self.tokens)):
            for size in range(4, 0, -1):
                phrase = self.phrase_at(at, size)
                if phrase is None or self.used[at] == "purpose":
                    continue
                for domain in domains().values():
                    weight = 2.0 if phrase in domain.phrases else 0.0
                    hits = [kind for kind in domain.kinds.values() if phrase in kind.phrases]
                    weight += 1.0 * any(not kind.is_soft for kind in hits) + 0.4 * any(kind.is_soft for kind in hits)
                    if weight and domain.name != "general":
                        scores[domain.name] = (
                            scores.get(domain.name, 0) + weight * (1 + 0.5 * (size - 1)) + (0.1 if at < 6 else 0)
                        )
        return max(scores, key=lambda name: scores[name]) if scores else ""

    def phrase_at(self, at: int, size: int) -> Phrase | None:
        """The words of `size` tokens, where all are words or numbers."""
        found = self.tokens[at : at + size]
        if len(found) < size or any(token.kind not in ("word", "number") for token in found) or found[0].kind != "word":
            return None
        return tuple(token.word for token in found)

    def find_marks(self) -> list[Mark]:
        """The longest phrases of the catalogue, from left to right."""
        found, at = list[Mark](), 0
        while at < len(self.tokens):
            mark = next((one for size in range(9, 0, -1) if (one := self.mark_at(at, size))), None)
            if mark:
                found.append(mark)
                at = mark.last + 1
            else:
                at += 1
        return found

    def mark_at(self, at: int, size: int) -> Mark | None:
        """What the catalogue has for so many tokens; None where it has nothing or they are used."""
        phrase = self.phrase_at(at, size)
        if phrase is None or any(self.used[at : at + size]) or (size == 1 and phrase[0] in terms.STOPS):
            return None
        if phrase == ("like",) and self._is_verb(at):
            return None
        if "and" in phrase and self.word(at - 1) in terms.OPENERS:
            # `people with names and addresses`: fields, and no table of that name
            return None
        if phrase == ("make",) and self.word(at + 1) not in (",", "and", "or", ")", "", "/", ";", "."):
            return None
        if size == 1 and _is_doer(self.word(at - 1)) and not self.tokens[at].is_plural:
            return None
        is_name = self.names.get(at) == at + size - 1
        if not is_name and not self.inside.isdisjoint(range(at, at + size)):
            return None
        found = kinds().get(phrase, [])
        many = self.tokens[at + size - 1].is_plural and at > 0 and self.tokens[at - 1].kind == "number"
        if not found and size > 1 and many and self.is_field(phrase):
            found = kinds().get(phrase[-1:], [])
        is_field = self.is_field(phrase) or (is_name and not found)
        if not is_field and not found:
            return None
        many = self.tokens[at + size - 1].is_plural or phrase[-1] in terms.COLLECTIVE
        return Mark(at, at + size - 1, phrase, is_field, found, many, self.is_field(phrase) or bool(found))

    def kind_of(self, mark: Mark) -> Kind:
        """The table of the catalogue that a phrase means here: one that is there already, or of the domain."""
        name = plural("_".join(mark.phrase))
        if (exact := next((kind for kind in mark.kinds if kind.name == name), None)) is not None:
            return exact
        for kind in mark.kinds:
            if self.request.table(kind.name):
                return kind
        named = domains().get(self.request.domain)
        return next(
            (kind for kind in mark.kinds if named and kind.name in named.kinds and named.kinds[kind.name] is kind),
            mark.kinds[0],
        )

    def _is_verb(self, at: int) -> bool:
        """Whether `like` is what somebody does, or `such as`, and no number of likes."""
        before = self.tokens[at - 1] if at else None
        is_listed = before is None or before.kind != "word" or before.word in terms.OPENERS | terms.JOINERS
        return not is_listed and not self.tokens[at].is_plural and self.word(at + 1) not in ("count", "button")

    def is_field(self, phrase: Phrase) -> bool:
        """Whether a phrase names a field: of any table, or of one in a domain that is spoken of. A single word that one
        far table has for a field means something else here."""
        where = homes().get(phrase)
        return phrase in field_phrases() and (where is None or len(phrase) > 1 or not where.isdisjoint(self.near))

    def _near(self) -> set[str]:
        """The domain, and those of every table that the text has a word for."""
        found = {self.request.domain, "general"}
        for at in range(len(self.tokens)):
            for size in range(1, 4):
                phrase = self.phrase_at(at, size)
                if phrase is not None:
                    found |= {kind.domain for kind in kinds().get(phrase, [])}
        return found

    def is_part(self, at: int) -> bool:
        """Whether a word may be part of a field's name."""
        word = self.word(at)
        glued = at + 1 < len(self.tokens) and self.tokens[at + 1].is_glued
        if self.listing and word in terms.NOUNS:
            return True
        if self.tokens[at].is_glued and word in ("on", "at", "by"):
            return True
        if self.is_named and len(word) == 1 and self.word(at + 1) in (",", "and", ".", ";", ""):
            return True
        return (
            word not in idle_words()
            or (glued and word in ("from", "to"))
            or (word in _KEPT and (at + 1) < len(self.tokens))
        )


def _is_doer(before: str) -> bool:
    """Whether the word after this one is what somebody does: `they log in`."""
    return before in ("they", "we", "you", "i", "he", "she", "people", "users", "who", "can", "will", "cannot")


@cache
def domain_phrases() -> frozenset[Phrase]:
    """The phrases that name a domain."""
    return frozenset(phrase for one in domains().values() for phrase in one.phrases)

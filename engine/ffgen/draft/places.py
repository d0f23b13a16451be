"""Where the people and places of a description are from: countries, nationalities, cities and locales it names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ffgen.draft.catalogue import kinds
from ffgen.draft.words import Phrase, Token, fold, lexicon, word_at

_CODE = re.compile(r"(?<![\w-])([a-z]{2})[_-]([A-Z]{2})(?![\w-])")
_BEFORE = set(
    """
    in from of across within based for throughout around the are living at near an a our my their all only purely be
    look sound mostly typical real fictional fake is use used using as plausible realistic some like
    """.split()
)
_CLEAR = {"in", "from", "across", "within", "throughout", "around", "near", "based", "living", "for", "of", "at"}
_OF_A_PLACE = set(
    """
    name address city people phone citizen resident market based adult person company style postcode zip format locale
    bank school hospital university clinic shop store webshop firm agency startup office factory supermarket airline
    hotel insurer insurance town household family household guest data region state branch subsidiary population
    retailer business customer user number iban business utility government citizen public tax phone postal village
    street bookshop bakery pharmacy gym library club online e ecommerce dental law medical real first last full
    """.split()
)
_NO_PLACE = set(
    """
    press fry toast sandwich pastry cheese bulldog shepherd bread food cuisine dish wine roast dressing door kiss
    horn window roulette salad cucumber setter spaniel terrier mastiff cocker course class lesson teacher exam grammar
    literature language translation word text subtitle speaker keyboard breakfast muffin oven knife army franc dollar
    bacon coffee tea beer pizza pasta sausage chocolate whisky rose lop rex blue shorthair level skill proficiency
    speaking version edition revolution polish
    """.split()
)
_SPOKEN = {"speak", "spoken", "speaking", "learn", "learning", "teach", "language", "into", "fluent", "nail", "shoe"}
_FIELDS = set(
    """
    language country nationality cuisine origin destination citizenship currency market region nation ethnicity like
    team
    """.split()
)
_JOINS = {",", "and", "or", "/", "&", "+", ";"}
_OF_PEOPLE = {"be", "look", "sound", "all", "only", "purely", "mostly", "is", "are", "an", "a"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place among the tokens, and the locale that is nearest to it."""

    first: int
    last: int
    locale: str
    is_exact: bool


def places(found: Sequence[Token], text: str) -> list[Place]:
    """The places that say where people and addresses are from; values that are listed are none."""
    made = [*_coded(found, text)]
    at = 0
    while at < len(found):
        size = next((size for size in range(4, 0, -1) if _words(found, at, size) in _known()), 0)
        if size and not any(one.first <= at <= one.last for one in made):
            locale, is_exact, is_adjective = _known()[_words(found, at, size)]
            if _is_place(found, at, at + size - 1, is_adjective, bool(made)):
                made.append(Place(at, at + size - 1, locale, is_exact))
        at += size or 1
    return made


def _coded(found: Sequence[Token], text: str) -> Iterator[Place]:
    """`locale de_DE`, `pt-BR`."""
    codes = list(_CODE.finditer(text))
    for match in codes:
        inside = [at for at, token in enumerate(found) if match.start() <= token.start < match.end()]
        exact = f"{match[1]}_{match[2]}"
        locale = exact if exact in lexicon()["locales"] else _nearest(match[1], match[2])
        if not inside or not locale:
            continue
        before = found[inside[0] - 1].word if inside[0] else ""
        if len(codes) == 1 or before in ("locale", "in", "for", "and", "use", "from"):
            first = inside[0] - (before == "locale")
            yield Place(first, inside[-1], locale, locale == exact)


def _nearest(language: str, country: str) -> str:
    """The locale of a language that is spoken in another country."""
    said = {name.partition("_")[0]: name for name in lexicon()["locales"]}
    return "en_GB" if language == "en" and country != "US" else said.get(language, "")


def _words(found: Sequence[Token], at: int, size: int) -> Phrase:
    if at < 0 or at + size > len(found):
        return ()
    return tuple(fold(token.text).removesuffix("'s") for token in found[at : at + size])


def _is_place(found: Sequence[Token], first: int, last: int, is_adjective: bool, is_more: bool) -> bool:
    text, before, after = found[first].text, word_at(found, first - 1), word_at(found, last + 1)
    if text == "us" or (text == "rom" and not is_adjective) or after in _NO_PLACE or before in _SPOKEN:
        return False
    start = _list_start(found, first)
    opening = word_at(found, start - 1)
    if opening == "the" and word_at(found, start - 2) in _CLEAR:
        opening = "in"
    if _is_value(found, start, last, opening):
        return False
    follows = _is_of(found, last)
    if text == "polish":
        return follows and before not in ("to", "please", "can", "we", "i", "you")
    if opening in _CLEAR or follows or (before in _JOINS and is_more):
        return True
    if is_adjective:
        return opening in _OF_PEOPLE and (last + 1 == len(found) or found[last + 1].kind != "word" or after in _POLITE)
    if not text[:1].isupper():
        return opening in _BEFORE and first != start - 1
    return opening in _BEFORE or _is_country(_words(found, first, last - first + 1))


_POLITE = {"please", "pls", "and", "or", "only", "with"}


def _list_start(found: Sequence[Token], first: int) -> int:
    """Where the list begins that a place is in."""
    at = first
    while at > 1 and found[at - 1].word in _JOINS:
        back = at - 2
        while back > 0 and found[back].kind == "number":
            back -= 1
        size = next((size for size in range(1, 4) if _words(found, back - size + 1, size) in _known()), 0)
        if not size or back - size + 1 < 0:
            break
        at = back - size + 1
    return at


def _is_value(found: Sequence[Token], start: int, last: int, opening: str) -> bool:
    """Whether a place is one of the values of a field."""
    if opening in _FIELDS or opening == "=" or (opening == "as" and word_at(found, start - 2) == "such"):
        return True
    if opening == ":":
        return word_at(found, start - 2) not in ("locale", "place", "region")
    inside = sum((token.text == "(") - (token.text == ")") for token in found[:start])
    if inside <= 0 or opening in _CLEAR:
        return False
    is_alone = opening == "(" and word_at(found, last + 1) == ")" and found[last + 1].text == ")"
    return not is_alone or word_at(found, start - 2) in _FIELDS


def _is_of(found: Sequence[Token], last: int) -> bool:
    """Whether what follows has a place: a table, people, a company."""
    for at in range(last + 1, min(last + 4, len(found))):
        if found[at].kind != "word" or found[at].word in ("and", "or", "with", "has", "have", "in", "for", "to"):
            return False
        if (found[at].word,) in kinds() or found[at].word in _OF_A_PLACE:
            return True
    return False


@cache
def _known() -> dict[Phrase, tuple[str, bool, bool]]:
    """The locale of every place, whether it is that very one, and whether the word is said of things."""
    said = lexicon()
    described = {tuple(fold(one).split()) for one in said["adjectives"].split(",")}
    made: dict[Phrase, tuple[str, bool, bool]] = {}
    for is_exact, group in ((True, said["locales"]), (False, said["nearest"])):
        for locale, text in group.items():
            for name in text.split(","):
                phrase = tuple(fold(name).split())
                made.setdefault(phrase, (locale, is_exact, phrase in described))
    return made


@cache
def _countries() -> frozenset[Phrase]:
    """Those by which a country is called in English; a city needs to be said to be a place."""
    names = """usa,united states,america,uk,united kingdom,great britain,britain,england,scotland,wales,germany,france
    ,spain,italy,brazil,netherlands,holland,poland,sweden,denmark,japan,austria,switzerland,portugal,mexico,argentina,colombia
    ,chile,peru,canada,australia,ireland,new zealand,india,south africa,belgium,norway,finland,deutschland,espana,italia
    ,brasil,nederland,polska,sverige,danmark,frankreich,spanien,italien"""
    return frozenset(tuple(one.split()) for one in names.split(","))


def _is_country(phrase: Phrase) -> bool:
    return phrase in _countries()

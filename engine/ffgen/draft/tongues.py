"""Descriptions in other languages, word by word in English: enough to see tables, fields and what holds for them.

What is listed as a value keeps its words; a token of the English text stands where the words stand that it is for.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from ffgen.draft.almanac import dated
from ffgen.draft.phrasing import HEADS, Item, described, keep_values, named, pair_names, set_small, tokens_of
from ffgen.draft.tongue import SHORTEST_STEM, Tongue, plain, tongues
from ffgen.draft.words import Phrase, Token, fold, lexicon, singular

_ENGLISH = {"the", "with", "and", "of", "for", "each", "has", "have", "their", "between", "generate", "including"}
_ENGLISH |= {"from", "to", "need", "that", "are", "is", "data", "want", "list", "give", "create", "make"}
_LINKS = ("", "s", "n", "en", "er", "e")
_LONGEST_PHRASE = 6
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff01-\uff5e\u3001-\u3015\u301c]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_COUNTED = re.compile(r"([\u3040-\u30ff\u3400-\u9fff]+?)(\d[\d,]*)(?:人|名|個|台|冊|回)分?")
_AGES = re.compile(r"(?<=\d)[歳才円年]")
_LEAST = 2
"""Words of a language that must be there; and more than English ones."""
_TWO = str.maketrans({"ä": "a", "ö": "o", "ü": "u"})
_FLAGS = {"unique", "optional", "last"}


def spaced(text: str) -> tuple[str, str]:
    """A text in a language without spaces in English words, and the language; a text in another language with its
    dates and numbers as the English reader writes them; and any other as it is, with no language."""
    if not _UNSPACED.search(text):
        return (_numbered(dated(text)) if _told(text) else dated(text)), ""
    text = _COUNTED.sub(r"\2 \1", _AGES.sub("", text))
    made = _UNSPACED.sub(lambda match: _in_english(match[0], "ja"), text)
    return made, "ja" if _KANA.search(text) or made != text else ""


def _told(text: str) -> str:
    """The language that the small words of a text are of, if they are enough."""
    words = set(re.findall(r"[^\W\d_]+", plain(text)))
    hits = {code: len(words & tongue.idle) for code, tongue in tongues().items()}
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] >= _LEAST and hits[best] > len(words & _ENGLISH) else ""


def _numbered(text: str) -> str:
    """Days before months, groups of digits without spaces, and a word cut short at its hyphen."""
    text = re.sub(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])", _day_first, text)
    text = re.sub(
        r"(?<![\d.,])\b\d{1,3}(?:[ \u00a0\u202f]\d{3})+\b(?![.,]?\d)", lambda m: re.sub(r"\s", "", m[0]), text
    )
    text = re.sub(r"\bm²", "m2", re.sub(r"\b(\d{4}) (?:roku\b|r\.)", r"\1", text))
    return re.sub(r"(?<=\w)- (?=(?:und|oder|en|of|och|og|eller) )", " ", text)


def _day_first(match: re.Match[str]) -> str:
    day, month = int(match[1]), int(match[2])
    return f"{match[3]}-{month:02}-{day:02}" if 1 <= day <= 31 and 1 <= month <= 12 else match[0]


def _in_english(run: str, code: str) -> str:
    words = lexicon()["unspaced"][code]
    longest, made, at = _longest(code), list[str](), 0
    while at < len(run):
        for size in range(min(longest, len(run) - at), 0, -1):
            if run[at : at + size] in words:
                made.append(words[run[at : at + size]])
                at += size
                break
        else:
            at += 1
    return f" {' '.join(made)} "


@cache
def _longest(code: str) -> int:
    return max(map(len, lexicon()["unspaced"][code]))


def translated(found: list[Token], english: frozenset[str]) -> tuple[list[Token], str]:
    """The tokens in English, and the language they were in, of those in words.yaml; or nothing for English. `english`
    are words (in the singular) that tell no other language."""
    code = _language(found, english)
    if not code:
        return found, ""
    tongue = tongues()[code]
    items = list(_items(_apart(found, tongue), tongue, english))
    keep_values(items)
    items = described(items)
    items = named(items, tongue, "" if code == "pl" else "of")
    pair_names(items)
    set_small(items)
    return [token for item in items for token in tokens_of(item)], code


def _language(found: list[Token], english: frozenset[str]) -> str:
    """The language of most words; small words and letters of its own tell more."""
    texts = {token.text for token in found if token.kind == "word"}
    words = {plain(text) for text in texts}
    said = {word for word in words if singular(word) not in english and word not in english}
    letters = {letter for text in texts for letter in text.lower()}
    hits = {code: len(said & tongue.told_by) for code, tongue in tongues().items()}

    def weight(code: str) -> float:
        tongue = tongues()[code]
        return hits[code] + 1.5 * len(said & tongue.idle) + 2 * bool(letters & tongue.letters)

    best = max(hits, key=weight)
    is_told = any(len(word) > 2 for word in said & tongues()[best].told_by)
    return best if is_told and hits[best] >= _LEAST and hits[best] > len(words & _ENGLISH) else ""


def _apart(found: list[Token], tongue: Tongue) -> list[Token]:
    """The tokens, `d'embauche` as two, and an article that is cut short as none."""
    made: list[Token] = []
    for token in found:
        match = re.fullmatch(r"(\w+)['’](\w.*)", token.text) if tongue.elided and token.kind == "word" else None
        if match is None or plain(match[1]) not in tongue.elided:
            made.append(token)
            continue
        cut = token.start + match.start(2)
        if whole := tongue.elided[plain(match[1])]:
            made.append(replace(token, text=whole, word=whole, end=cut))
        rest = fold(match[2])
        made.append(replace(token, text=match[2], word=singular(rest), start=cut, is_plural=singular(rest) != rest))
    return made


def _items(found: list[Token], tongue: Tongue, english: frozenset[str]) -> Iterator[Item]:
    at = 0
    while at < len(found):
        item = _phrase(found, at, tongue) or _word(found[at], tongue, english)
        yield item
        at += len(item.found)


def _phrase(found: list[Token], at: int, tongue: Tongue) -> Item | None:
    keys = tuple(plain(token.text) for token in found[at : at + _LONGEST_PHRASE])
    for size in range(len(keys), 0, -1):
        key = keys[:size]
        if size == 1 and (exact := tongue.exact.get(found[at].text.lower())):
            return Item(found[at : at + 1], exact, "holding")
        if key in tongue.holding:
            return Item(found[at : at + size], tongue.holding[key], "holding")
        if key in tongue.things:
            return Item(found[at : at + size], tongue.things[key], "thing")
    return None


def _word(token: Token, tongue: Tongue, english: frozenset[str]) -> Item:
    word = plain(token.text)
    if token.kind != "word":
        return Item([token])
    if word in tongue.described:
        return Item([token], tongue.described[word], "described")
    if word in tongue.idle:
        return Item([token], "", "idle")
    if singular(word) in english or len(word) < SHORTEST_STEM:
        return Item([token])
    known = _inflected(word, tongue) or _inflected(plain(token.text.lower().translate(_TWO)), tongue)
    if not known and tongue.is_compound:
        known = _compound(word, tongue)
    return Item([token], known, "guess") if known else Item([token])


def _inflected(word: str, tongue: Tongue) -> str:
    """The English of a word with another ending; empty for others."""
    for ending in ("", *tongue.endings):
        stem = word.removesuffix(ending) if ending else word
        if (ending and stem == word) or len(stem) < SHORTEST_STEM - 1:
            continue
        if (stem,) in tongue.things:
            return tongue.things[(stem,)]
        if len(stem) >= SHORTEST_STEM and stem in tongue.stems:
            return tongue.stems[stem]
        if tongue.holding.get((stem,)) in _FLAGS:
            return tongue.holding[(stem,)]
    for pair in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        if pair[0] in word and (other := tongue.things.get((word.replace(*pair),))):
            return other
    return ""


def _compound(word: str, tongue: Tongue) -> str:
    """The English of a word that is made of two, of which the last at least is known."""
    for at in range(SHORTEST_STEM - 1, len(word) - SHORTEST_STEM + 2):
        tail = _part(word[at:], ("", *tongue.endings), tongue)
        if not tail:
            continue
        head = _part(word[:at], _LINKS, tongue)
        if head:
            return f"{' '.join(singular(one) for one in head.split())} {tail}"
        if len(word) - at > SHORTEST_STEM and at >= SHORTEST_STEM and tail.split()[-1] in HEADS:
            return f"{word[:at].removesuffix('s')} {tail}"
    return ""


def _part(word: str, endings: tuple[str, ...], tongue: Tongue) -> str:
    stems = [(word.removesuffix(ending),) for ending in endings if word.endswith(ending)]
    stems = [stem for stem in stems if len(stem[0]) >= SHORTEST_STEM - 1]
    return next((tongue.things.get(stem) or tongue.holding[stem] for stem in stems if _is_part(stem, tongue)), "")


def _is_part(stem: Phrase, tongue: Tongue) -> bool:
    return stem in tongue.things or (stem in tongue.holding and tongue.holding[stem] in lexicon()["numbers"])

"""Descriptions in other languages, word by word in English: enough to see fields and tables, and no more."""

import re
from dataclasses import replace
from functools import cache

from ffgen.draft.words import Phrase, Token, fold, lexicon, singular, tokens

_ENGLISH = {"the", "with", "and", "of", "for", "each", "has", "have", "their", "between", "generate", "including"}
_ENGLISH |= {"from", "to", "need", "that", "are", "is", "data", "want", "list", "give", "create", "make"}
_ENDINGS = {"de": ("s", "n", "e", "en", "es", "er"), "fr": ("s", "es", "e"), "es": ("s", "es"), "pt": ("s", "es")}
_LINKS = ("", "s", "n", "en", "er")
_TAILS = ("", "s", "n", "e", "en")
_SHORTEST_PART = 4
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff01-\uff5e\u3001-\u3015\u301c]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_COUNTED = re.compile(r"([\u3040-\u30ff\u3400-\u9fff]+?)(\d[\d,]*)(?:人|名|個|台|冊|回)分?")
_AGES = re.compile(r"(?<=\d)[歳才円年]")
_LEAST = 2
"""Words of a language that must be there; and more than English ones."""


def spaced(text: str) -> tuple[str, str]:
    """A text in a language without spaces in English words, and the language; the text as it is, and nothing, for any
    other."""
    if not _UNSPACED.search(text):
        return text, ""
    text = _COUNTED.sub(r"\2 \1", _AGES.sub("", text))
    made = _UNSPACED.sub(lambda match: _in_english(match[0], "ja"), text)
    return made, "ja" if _KANA.search(text) or made != text else ""


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
    """The tokens in English, and the language they were in: de, fr, es, pt, or nothing for English. `english` are words
    (in the singular) that tell no other language."""
    words = {fold(token.text) for token in found if token.kind == "word"}
    said = {word for word in words if singular(word) not in english and word not in english}
    plain = len(words & _ENGLISH)
    scores = {code: len(said & _foreign(code)[0]) for code in lexicon()["languages"]}
    best = max(scores, key=lambda code: scores[code])
    if scores[best] < _LEAST or scores[best] <= plain:
        return found, ""
    _, phrases = _foreign(best)
    idle = {fold(one.strip()) for one in lexicon()["languages"][best]["words"].split(",")}
    made, at = list[Token](), 0
    while at < len(found):
        for size in range(min(4, len(found) - at), 0, -1):
            key = tuple(fold(token.text) for token in found[at : at + size])
            if key in phrases:
                made += _replaced(found[at], found[at + size - 1], phrases[key])
                at += size
                break
        else:
            word = fold(found[at].text)
            if word not in idle:
                known = _inflected(word, best) if found[at].kind == "word" and singular(word) not in english else ""
                made += _replaced(found[at], found[at], known) if known else [found[at]]
            at += 1
    return made, best


@cache
def _inflected(word: str, code: str) -> str:
    """The English of a word with another ending, or that is made of two that are known (German); empty for others."""
    _, phrases = _foreign(code)
    for ending in _ENDINGS[code]:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_PART - 1 and (stem,) in phrases:
            return phrases[(stem,)]
    if code != "de":
        return ""
    for at in range(_SHORTEST_PART - 1, len(word) - _SHORTEST_PART + 1):
        head, tail = _part(word[:at], _LINKS, phrases), _part(word[at:], _TAILS, phrases)
        if tail and (head or len(word) - at > _SHORTEST_PART):
            return f"{head} {tail}".strip()
    return ""


def _part(word: str, endings: tuple[str, ...], phrases: dict[Phrase, str]) -> str:
    stems = (word.removesuffix(ending) for ending in endings)
    return next((phrases[(stem,)] for stem in stems if (stem,) in phrases), "")


def _replaced(first: Token, last: Token, english: str) -> list[Token]:
    words = fold(english).split()
    span = (first.start, last.end)
    return [
        replace(
            first,
            text=word,
            word=singular(word),
            kind="word",
            start=span[0],
            end=span[1],
            is_plural=singular(word) != word,
            is_glued=at > 0,
        )
        for at, word in enumerate(words)
    ]


@cache
def _foreign(code: str) -> tuple[frozenset[str], dict[Phrase, str]]:
    said = lexicon()["languages"][code]
    phrases = {tuple(fold(part.text) for part in tokens(key)): str(value) for key, value in said["map"].items()}
    words = {fold(one.strip()) for one in said["words"].split(",")} | {key[0] for key in phrases}
    return frozenset(words), phrases

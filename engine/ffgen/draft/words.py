"""Text to tokens: numbers read, words in the singular without capitals and accents."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ffgen.draft.files import data

Phrase = tuple[str, ...]
"""Words as they are compared."""

_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{2}(?:-\d{2})?(?![\d-]))"
    r"|(?P<minus>(?:(?<=[\s(.,:=\[])|^)[-−](?=\d))?(?P<sign>[$€£]\s?)?"
    r"(?P<number>\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d{1,3}(?:[,.'\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3}\b)?)"
    r"(?:\s?(?P<scale>k|mio|bn)\b|(?P<tight>[mM])\b(?!\s?²))?"
    r"(?P<percent>\s?(?:%|percent\b|per cent\b))?(?P<after>\s?[$€£])?"
    r"|(?P<word>[^\W\d_][^\W_]*(?:['’][^\W\d_]+)?)"
    r"|(?P<mark>\.\.+|…|[^\w\s])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z]{2})(?=[A-Z]{2})")
_CAPITALS = re.compile(r"[A-Z]{2,}s")
_SCALE = {"k": 1e3, "m": 1e6, "mio": 1e6, "bn": 1e9}
_BIG = {"hundred", "thousand", "million", "billion", "dozen", "k", "mio", "bn", "lakh", "crore"}
_KEPT = ("ss", "us", "is", "os")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number, a date or a mark, and where it stands in the text."""

    text: str
    word: str
    kind: str
    start: int
    end: int
    number: float = 0.0
    is_share: bool = False
    is_money: bool = False
    is_plural: bool = False
    is_glued: bool = False
    """Whether a hyphen or an underscore joins it to the one before."""

    @property
    def value(self) -> int | float:
        """The number, whole where it is."""
        return int(self.number) if self.number == int(self.number) else self.number


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def lexicon() -> dict[str, Any]:
    """words.yaml."""
    found: dict[str, Any] = data("words")
    return found


@cache
def idle_words() -> frozenset[str]:
    """Words that say nothing here, in the singular."""
    return frozenset(singular(one.strip()) for one in fold(lexicon()["empty"]).split(","))


@cache
def singular(word: str) -> str:
    """The singular of an English word that is folded already; the same word where it is none."""
    irregular = _irregular()
    if word in irregular:
        return irregular[word]
    if len(word) < 3 or not word.endswith("s") or word.endswith(_KEPT):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@cache
def _irregular() -> dict[str, str]:
    found: dict[str, str] = lexicon()["irregular"]
    return found


def plural(word: str) -> str:
    """The plural of an English word or of the last word of a name."""
    if singular(word) != word:
        return word
    for many, one in _irregular().items():
        if one == word and many != word:
            return many
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def phrase_of(text: str) -> Phrase:
    """The words of a phrase as they are compared."""
    return tuple(singular(word) for word in re.findall(r"[^\W_]+", fold(text)))


def tokens(text: str) -> list[Token]:
    """The text in pieces. Marks between letters, which only join words, are left out."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        if match["word"] is not None:
            found += _words(match, text)
        elif match["date"] is not None:
            found.append(Token(match[0], match[0], "date", *match.span()))
        elif match["number"] is not None:
            found.append(_number(match))
        elif not _joins(text, match.start(), match.end()):
            found.append(Token(match[0], match[0], "mark", *match.span()))
    return found


_WHOLE = set(
    """
    TikTok YouTube LinkedIn PayPal WhatsApp GitHub GitLab FedEx eBay iPhone iPad PostNL HubSpot WeChat SnapChat
    JavaScript TypeScript MySQL PostgreSQL AliExpress kWh mWh kHz mHz pH mmHg kPa hPa mAh dBm kW mV DoorDash
    """.split()
)
"""Names and units with capitals inside that are one word."""


def _joins(text: str, start: int, end: int) -> bool:
    if re.search(r"\d[kKmM]?$", text[:start][-3:]) and text[end : end + 1].isdigit():
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    return text[start:end] in "-'’" and before.isalpha() and after.isalnum()


def word_at(found: Sequence[Token], at: int) -> str:
    """The word at a place; empty outside the text."""
    return found[at].word if 0 <= at < len(found) else ""


def _words(match: re.Match[str], text: str) -> list[Token]:
    found: list[Token] = []
    parts, at = [match[0]] if match[0] in _WHOLE else _CAMEL.split(match[0]), match.start()
    for part in parts:
        folded = re.sub(r"'s?$", "", fold(part)).replace("'", " ").strip() or fold(part)
        one = folded[:-1] if _CAPITALS.fullmatch(part) else singular(folded)
        glued = bool(found) or (at > 0 and text[at - 1] in "-_" and text[max(at - 2, 0)].isalnum())
        found.append(
            Token(part, one, "word", at, at + len(part), is_plural=one != folded or folded in _SAME, is_glued=glued)
        )
        at += len(part)
    return found


_SAME = {"series", "staff", "people", "data", "inventory", "weather", "telemetry", "housing"}


def _number(match: re.Match[str]) -> Token:
    text = match["number"]
    if re.fullmatch(r"\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:[,.'\u202f]\d{3})+", text) and not re.fullmatch(
        r"0[.,]\d{3}", text
    ):
        number = float(re.sub(r"\D", "", text))
    else:
        number = min(float(text.replace(",", ".")), 1e300)
    number *= _SCALE.get((match["scale"] or match["tight"] or "").lower(), 1)
    number = -number if match["minus"] else number
    money = bool(match["sign"] or match["after"])
    return Token(match[0], f"{number:.15g}", "number", *match.span(), number, bool(match["percent"]), money)


def counted(found: list[Token]) -> list[Token]:
    """Number words joined: `a thousand`, `two hundred`, `1.5 million`, `half`."""
    words, made, at = lexicon()["numbers"], list[Token](), 0
    while at < len(found):
        first, end, total = found[at], at, 0.0
        while end < len(found) and _is_numeral(found, at, end, words):
            token = found[end]
            value = token.number if token.kind == "number" else float(words[token.word])
            if token.kind == "word" and token.word in _BIG:
                total = (total or 1) * value
            else:
                total += value
            end += 1
        if end == at or (end == at + 1 and first.kind == "number"):
            made.append(first)
            at += 1
            continue
        last = found[end - 1]
        share = last.is_share or (end < len(found) and found[end].word == "percent")
        money = first.is_money
        made.append(Token(first.text, f"{total:.15g}", "number", first.start, last.end, total, share, money))
        at = end + (1 if share and not last.is_share else 0)
    return made


def _is_numeral(found: list[Token], start: int, at: int, words: dict[str, float]) -> bool:
    token = found[at]
    following = found[at + 1] if at + 1 < len(found) else None
    leads = following is not None and following.kind == "word" and following.word in _BIG
    if token.kind == "number":
        return at == start
    if token.kind != "word" or token.word not in words or token.word in ("m", "k", "mio", "bn"):
        return False
    if token.word in ("a", "an", "couple", "half"):
        return leads and at == start
    if token.word == "one" and following is not None and following.word in ("of", "row", "per", "table", "file"):
        return False
    if token.word == "one" and at and found[at - 1].word in ("every", "each", "any", "no", "which", "this", "that"):
        return False
    return at == start or token.word in _BIG or (found[at - 1].kind == "word" and found[at - 1].word in words)

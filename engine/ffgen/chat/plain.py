"""What somebody typed, made plain: one line, nothing that a terminal would obey, numbers in digits, no courtesies."""

import re
import unicodedata

from ffgen.chat.standing import MOST_SAID
from ffgen.draft.words import Token, counted, fold, lexicon, tokens
from ffgen.errors import UsageError

_BEFORE = re.compile(
    r"^(?:please|pls|ok(?:ay)?|yes|actually|so|well|hm+|oh|now|then|but|hi|hello|thanks|"
    r"(?:can|could|would|will) (?:you|we)|i(?:'d| would) (?:like|want|prefer|rather)(?: to have| have| to)?|"
    r"i (?:want|need)(?: to have| to)?|"
    r"we (?:want|need)(?: to have)?|let(?:'s| us)(?: have)?|give me|there should be|it should be|maybe|just)[,:]?\s+",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[\s,]*(?:\bplease|\bthanks|\bthank you|\binstead|\bfor me|\bnow|[.!;,])$", re.IGNORECASE)


def cleaned(line: str) -> str:
    """A line as it is kept. UsageError for one that is too long."""
    text = _one_line(line)
    if len(text) > MOST_SAID:
        what = f"That line has {len(text):,} characters; {MOST_SAID:,} are heard at most."
        raise UsageError(what, hint="Say it in several sentences.")
    return text


def clean_line(line: str) -> str:
    """The same, as long as is kept of it."""
    return _one_line(line[: 2 * MOST_SAID])[:MOST_SAID]


def _one_line(text: str) -> str:
    seen = "".join(" " if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs") else one for one in text)
    return " ".join(unicodedata.normalize("NFC", seen).split())


def plain(line: str) -> str:
    """A line as sentences are compared with it: without courtesies, e-mail as one word, numbers in digits."""
    text = re.sub(r"\be[- ]?mail", "email", line.replace("’", "'"), flags=re.IGNORECASE)
    text = re.sub(r"^(?:can|could|would|will) (?:you|we) (.*)\?$", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r"^let (?:the )?(.+?) be (.+)$", r"\1 is \2", text, flags=re.IGNORECASE)
    text = re.sub(r"^replace (.+?) (?:with|by) (.+)$", r"no \1; add \2", text, flags=re.IGNORECASE)
    while (shorter := _AFTER.sub("", _BEFORE.sub("", text.strip()))) != text and shorter:
        text = shorter
    return in_digits(text)


def in_digits(text: str) -> str:
    """`five thousand` and `5k` as 5000; `1,000` as 1000."""
    found = counted(tokens(text))
    for token in reversed(found):
        if token.kind != "number" or token.number != token.number:
            continue
        sign = "%" if token.is_share and "%" not in text[token.end - 1 : token.end] else ""
        digits = f"{token.number:.10g}"
        if "e" in digits:
            digits = str(int(token.number))
        money = "$" if token.is_money and "$" in text[token.start : token.end] else ""
        sign = "%" if token.is_share else sign
        text = f"{text[: token.start]}{money}{digits}{sign}{text[token.end :]}"
    return text


def number_tokens(text: str) -> list[Token]:
    """The tokens of a text, numbers joined."""
    return counted(tokens(text))


def places_in(text: str) -> tuple[list[str], str]:
    """The locales of the countries that a text names, and what is left of it."""
    said = lexicon()
    found: dict[int, str] = {}
    words = re.sub(r"\W+", " ", fold(text))
    left = f" {words} "
    names = [
        (name.strip(), locale)
        for group in (said["locales"], said["nearest"])
        for locale, listed in group.items()
        for name in listed.split(",")
    ]
    for name, locale in sorted(names, key=lambda one: -len(one[0])):
        if len(name) < 4 and name not in ("usa", "uk", "us"):
            continue
        at = left.find(f" {fold(name)} ")
        if at >= 0:
            found[at] = locale
            left = f"{left[: at + 1]}{'|' * len(name)}{left[at + 1 + len(fold(name)) :]}"
    return list(dict.fromkeys(found[at] for at in sorted(found))), " ".join(left.replace("|", " ").split())

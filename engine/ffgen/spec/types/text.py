"""Types that are text: string, text, and the formats that have a grammar of their own."""

import random
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

import polars as pl
from msgspec import Meta

from ffgen.pattern import Language, matches, wrapped
from ffgen.spec.model import Field
from ffgen.spec.types.base import LISTED, Doubt, ValueType, check_pattern, lengths, settle_text, span, tidy
from ffgen.spec.types.hints import hint


class Text(ValueType):
    """Any text; `length` counts characters. Not empty unless `length` says so."""

    keys = LISTED | {"pattern", "length"}
    meaning = "text"
    ceiling = 80
    """Characters a model is given room for when the spec sets no length."""
    usual = 18

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        check_pattern(field)
        self.low, self.high = lengths(field)
        self.low = 1 if self.low is None else self.low
        self.forbidden = re.compile(any_word(field.forbidden_words)) if field.forbidden_words else None
        self.annotation = Annotated[str, Meta(min_length=self.low, max_length=self.high)]

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        return settle_text(values)

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from super().refuse(values, making)
        low, high = self.low or 0, sys.maxsize if self.high is None else self.high
        yield from ((i, "length") for i, v in enumerate(values) if v is not None and not low <= len(v) <= high)
        if self.field.pattern is not None:
            yield from unmatched(self.field.pattern, values, "pattern")
        if self.forbidden:
            pattern = self.forbidden
            yield from ((i, "forbidden word") for i, v in enumerate(values) if v is not None and pattern.search(v))

    def coerce(self, value: Any) -> Any:
        return tidy(value)

    def doubts(self) -> Iterator[Doubt]:
        if self.field.pattern is not None and not self.field.values and self.capacity() == 0:
            what, hint = f"no text {self.sized()}matches `{self.field.pattern}`.", "Change it, or `length`."
            yield "pattern", what, hint, "error"

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": self.choices}
        schema: dict[str, Any] = {"type": "string"}
        pattern = self.asked_pattern(making)
        if pattern:
            return schema | {"pattern": pattern}
        high = max(self.ceiling, self.low or 0) if self.high is None else self.high
        return schema | {"minLength": self.low, "maxLength": high}

    def asked_pattern(self, making: bool) -> str:
        """The pattern a model is held to: anchored on both ends, or empty."""
        return wrapped(self.field.pattern) if self.field.pattern else ""

    def widths(self) -> tuple[int, int]:
        if self.field.values:
            return super().widths()
        most = self.high if self.high is not None else max(self.ceiling, self.low or 0)
        return max(self.low or 0, min(most, self.usual)) + 2, most + 2

    def dtype(self) -> Any:
        return pl.String

    def capacity(self) -> int | None:
        if self.field.values:
            return super().capacity()
        language = self.language()
        return language.allowed(self.low or 0, self.high) if language else None

    def language(self) -> Language | None:
        """All texts of the pattern; None when there is none, or when they can't be told."""
        return language_of("", self.field.pattern) if self.field.pattern else None

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is not None:
            return shown
        named = hint(self.field.name, index)
        return named if named is not None and self.fits(named) else self.drawn(index)

    def drawn(self, index: int) -> str | None:
        """A text of the pattern where that is a code; nonsense letters would teach a model to write nonsense."""
        language = Language.of(self.field.pattern, searched=False) if self.field.pattern else None
        text = language.draw(random.Random(index), self.low or 0, self.high) if language else None
        return text if text is not None and self.fits(text) and any(map(str.isdecimal, text)) else None

    def words(self) -> str:
        if self.field.values:
            return super().words()
        return f"{self.meaning} {self.sized()}{self.matching()}".strip()

    def sized(self) -> str:
        """`length` in words."""
        return "" if self.field.length is None else f"of {span(self.low, self.high)} characters "

    def matching(self) -> str:
        """`pattern` in words."""
        return f"that matches the regular expression {self.field.pattern}" if self.field.pattern else ""


def any_word(words: Sequence[str]) -> str:
    """A pattern that finds any of some words, whole and in any case."""
    return rf"(?i)(?:^|\W)(?:{'|'.join(map(re.escape, words))})(?:\W|$)"


class LongText(Text):
    """Text of one or more sentences."""

    meaning = "prose of one or more sentences"
    ceiling = 600
    usual = 160

    def sized(self) -> str:
        return super().sized().replace("of ", "in ", 1)


class Grammar(Text):
    """Text with a grammar of its own; `pattern` narrows it."""

    keys = LISTED | {"pattern"}
    grammar = ""
    """What every value must match, whole."""
    reserved = ""
    """What an invented value must match unless the spec gives a pattern; empty when there is no such rule."""
    asked = ""
    """What a model is held to when the spec gives no pattern."""
    example = ("", "")
    where = ""
    """What an invented value looks like, in words."""

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from unmatched(self.grammar, values, "format")
        yield from super().refuse(values, making)
        if making and self.reserved and self.is_free:
            yield from unmatched(self.reserved, values, "reserved")

    @property
    def is_free(self) -> bool:
        """Whether the spec leaves the values to us."""
        return self.field.pattern is None and not self.field.values

    def asked_pattern(self, making: bool) -> str:
        return super().asked_pattern(making) or (self.asked if making else "")

    def language(self) -> Language | None:
        if self.field.pattern is None:
            return language_of(self.reserved or self.grammar, "")
        return language_of(self.grammar, self.field.pattern)

    def doubts(self) -> Iterator[Doubt]:
        if not self.is_free and not self.field.values and self.capacity() == 0:
            what = f"no value of type {self.field.type} matches `{self.field.pattern}`."
            yield "pattern", what, f"A value is {self.meaning}, e.g. {self.example[0]}.", "error"

    def sample(self, index: int) -> Any:
        shown = ValueType.sample(self, index)
        if shown is not None:
            return shown
        near = self.example[index % len(self.example)]
        return near if self.fits(near) else self.drawn(index)

    def drawn(self, index: int) -> str | None:
        language = language_of(self.grammar, self.field.pattern or "")
        text = language.draw(random.Random(index)) if language else None
        return text if text is not None and self.fits(text) else None

    def words(self) -> str:
        return f"{self.meaning} {self.where}".strip() if self.is_free else super().words()


LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = rf"{LABEL}(?:\.{LABEL})+"
RESERVED_HOST = r"(?i:(?:[a-z0-9-]+\.)*(?:example\.(?:com|org|net)|example|test|invalid))"


class Email(Grammar):
    """An e-mail address. Invented ones are at reserved domains (RFC 2606) unless `pattern` names others."""

    meaning = "an e-mail address"
    grammar = rf"^[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*@{HOST}$"
    reserved = rf"@{RESERVED_HOST}$"
    asked = r"^[a-z][a-z0-9]{1,15}[.][a-z][a-z0-9]{1,15}@example[.](com|org|net)$"
    example = ("maria.lopez@example.com", "john.okafor@example.org")
    where = "at example.com, example.org or example.net"

    def asked_pattern(self, making: bool) -> str:
        tail = self.field.pattern or ""
        if tail.startswith("@") and (whole := wrapped(rf"^[a-z][a-z0-9]{{1,15}}[.][a-z][a-z0-9]{{1,15}}(?:{tail})")):
            return whole
        return super().asked_pattern(making)

    def drawn(self, index: int) -> str | None:
        if domain := plain_domain(self.field.pattern or ""):
            return self.example[index % 2].split("@")[0] + "@" + domain
        return super().drawn(index)


class Phone(Grammar):
    """A phone number in E.164. Invented ones are +1 NXX 555 01XX (reserved for fiction) unless `pattern` says."""

    meaning = "a phone number in E.164"
    grammar = r"^\+[1-9][0-9]{6,14}$"
    reserved = r"^\+1[2-9][0-9]{2}55501[0-9]{2}$"
    asked = r"^[+]1[2-9][0-9]{2}55501[0-9]{2}$"
    example = ("+12025550143", "+14155550178")
    where = "in the form +1AAA55501NN"


class Url(Grammar):
    """A web address. Invented ones are at reserved domains unless `pattern` names others."""

    meaning = "a web address"
    grammar = rf"^https?://{HOST}(?::[0-9]{{1,5}})?(?:[/?#][^\s]*)?$"
    reserved = rf"^https?://{RESERVED_HOST}(?:[:/?#]|$)"
    asked = r"^https://example[.](com|org|net)/[a-z0-9-]{1,40}$"
    example = ("https://example.com/garden-tools", "https://example.org/about-us")
    where = "at example.com, example.org or example.net"


class Ipv4(Grammar):
    """An IPv4 address in dotted form."""

    meaning = "an IPv4 address"
    octet = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    grammar = rf"^{octet}(?:\.{octet}){{3}}$"
    asked = r"^(1[0-9]{2}|[1-9][0-9]?)([.](1[0-9]{2}|[1-9]?[0-9])){3}$"
    example = ("192.0.2.17", "198.51.100.203")


class Uuid(Grammar):
    """A UUID in lower case; capitals are taken and counted as a conversion."""

    meaning = "a UUID"
    grammar = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    asked = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    example = ("3f0c9a52-7d1e-4b66-9a83-5e2f1c0d4b7a", "b81d6c3e-02f4-4a9d-8c57-90e1a7f36d25")

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        lowered = [value if value is None else value.strip().lower() for value in values]
        return lowered, sum(a != b for a, b in zip(values, lowered, strict=True))

    def coerce(self, value: Any) -> Any:
        return tidy(value).lower()


def unmatched(pattern: str, values: Sequence[Any], reason: str) -> Iterator[tuple[int, str]]:
    """Indices of values that `pattern` does not find."""
    found = matches(pattern, values)
    if not all(found):
        yield from ((i, reason) for i, ok in enumerate(found) if not ok)


@lru_cache(maxsize=256)
def language_of(grammar: str, pattern: str) -> Language | None:
    """The texts in which both patterns are found; an empty one asks for nothing. None when they can't be told."""
    languages = [Language.of(each) for each in (grammar, pattern) if each]
    if any(language is None for language in languages):
        return None
    first, *others = [language for language in languages if language is not None]
    return first.intersect(others[0]) if others else first


def plain_domain(pattern: str) -> str:
    """The first domain that a pattern like `@(gmail|yahoo)\\.com$` names; empty when it names none plainly.

    >>> plain_domain(r"@(gmail|yahoo)\\.com$")
    'gmail.com'
    """
    match = re.fullmatch(r"@(?:\(([a-z0-9-]+)[a-z0-9|-]*\)|([a-z0-9-]+))((?:\\\.[a-z]+)+)\$", pattern)
    return (match[1] or match[2]) + match[3].replace("\\", "") if match else ""

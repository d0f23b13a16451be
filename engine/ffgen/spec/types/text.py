"""Types that are text: string, text, and the formats that have a grammar of their own."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import polars as pl
from msgspec import Meta

from ffgen.pattern import Language, matches, wrapped
from ffgen.spec.model import Field
from ffgen.spec.types.base import Unfit, ValueType, check_pattern, lengths, settle_text


class Text(ValueType):
    """Any text; `length` counts characters. Not empty unless `length` says so."""

    keys = frozenset({"pattern", "length"})
    meaning = "text"
    ceiling = 80
    """Characters a model is given room for when the spec sets no length."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        check_pattern(field)
        self.low, self.high = lengths(field)
        self.low = 1 if self.low is None else self.low
        self.annotation = Annotated[str, Meta(min_length=self.low, max_length=self.high)]

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        return settle_text(values)

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from super().refuse(values, making)
        low, high = self.low or 0, sys.maxsize if self.high is None else self.high
        yield from ((i, "length") for i, v in enumerate(values) if v is not None and not low <= len(v) <= high)
        if self.field.pattern is not None:
            yield from unmatched(self.field.pattern, values, "pattern")

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise Unfit("type")
        return value.strip()

    def schema(self, making: bool = True) -> dict[str, Any]:
        if self.field.values:
            return {"enum": list(self.field.values)}
        schema: dict[str, Any] = {"type": "string"}
        pattern = self.asked_pattern(making)
        if pattern:
            return schema | {"pattern": pattern}
        return schema | {"minLength": self.low, "maxLength": self.high or max(self.ceiling, self.low or 0)}

    def asked_pattern(self, making: bool) -> str:
        """The pattern a model is held to: anchored on both ends, or empty."""
        return wrapped(self.field.pattern) if self.field.pattern else ""

    def dtype(self) -> Any:
        return pl.String

    def capacity(self) -> int | None:
        if self.field.values:
            return len(set(self.field.values))
        if self.field.pattern is None:
            return None
        language = Language.of(self.field.pattern)
        return language.allowed(self.low or 0, self.high) if language else None

    def words(self) -> str:
        parts = [super().words()]
        if self.field.length is not None:
            parts.append(f"{self.low} to {self.high} characters" if self.low != self.high else f"{self.low} characters")
        if self.field.pattern:
            parts.append(f"matches the regular expression {self.field.pattern}")
        return ", ".join(part for part in parts if part)


class LongText(Text):
    """Text of one or more sentences."""

    meaning = "a text of one or more sentences"
    ceiling = 600


class Grammar(Text):
    """Text with a grammar of its own; `pattern` narrows it."""

    keys = frozenset({"pattern"})
    grammar = ""
    """What every value must match, whole."""
    reserved = ""
    """What an invented value must match unless the spec gives a pattern; empty when there is no such rule."""
    asked = ""
    """What a model is held to when the spec gives no pattern."""
    example = ("", "")

    def refuse(self, values: Sequence[Any], making: bool) -> Iterator[tuple[int, str]]:
        yield from unmatched(self.grammar, values, "format")
        yield from super().refuse(values, making)
        if making and self.reserved and self.field.pattern is None and not self.field.values:
            yield from unmatched(self.reserved, values, "reserved")

    def asked_pattern(self, making: bool) -> str:
        return super().asked_pattern(making) or (self.asked if making else "")

    def capacity(self) -> int | None:
        return super().capacity() if self.field.values else None

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        return self.example[index % len(self.example)] if shown is None and self.field.pattern is None else shown


LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = rf"{LABEL}(?:\.{LABEL})+"
RESERVED_HOST = r"(?:[a-z0-9-]+\.)*(?:example\.(?:com|org|net)|example|test|invalid)"


class Email(Grammar):
    """An e-mail address. Invented ones are at reserved domains (RFC 2606) unless `pattern` names others."""

    meaning = "an e-mail address"
    grammar = rf"^[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*@{HOST}$"
    reserved = rf"@{RESERVED_HOST}$"
    asked = r"^[a-z][a-z0-9]{1,15}[.][a-z][a-z0-9]{1,15}@example[.](com|org|net)$"
    example = ("maria.lopez@example.com", "john.okafor@example.org")

    def asked_pattern(self, making: bool) -> str:
        tail = self.field.pattern or ""
        if tail.startswith("@") and (whole := wrapped(rf"^[a-z][a-z0-9]{{1,15}}[.][a-z][a-z0-9]{{1,15}}(?:{tail})")):
            return whole
        return super().asked_pattern(making)

    def sample(self, index: int) -> Any:
        shown = super().sample(index)
        if shown is None and (domain := plain_domain(self.field.pattern or "")):
            return self.example[index % 2].split("@")[0] + "@" + domain
        return shown

    def words(self) -> str:
        if self.field.pattern is None and not self.field.values:
            return "at example.com, example.org or example.net"
        return super().words()


class Phone(Grammar):
    """A phone number in E.164. Invented ones are +1 NXX 555 01XX (reserved for fiction) unless `pattern` says."""

    meaning = "a phone number in E.164"
    grammar = r"^\+[1-9][0-9]{6,14}$"
    reserved = r"^\+1[2-9][0-9]{2}55501[0-9]{2}$"
    asked = r"^[+]1[2-9][0-9]{2}55501[0-9]{2}$"
    example = ("+12025550143", "+14155550178")

    def capacity(self) -> int | None:
        return super().capacity() if self.field.values or self.field.pattern else 800 * 100

    def words(self) -> str:
        return super().words() or "in the form +1AAA55501NN"


class Url(Grammar):
    """A web address. Invented ones are at reserved domains unless `pattern` names others."""

    meaning = "a web address"
    grammar = rf"^https?://{HOST}(?::[0-9]{{1,5}})?(?:[/?#][^\s]*)?$"
    reserved = rf"^https?://{RESERVED_HOST}(?:[:/?#]|$)"
    asked = r"^https://example[.](com|org|net)/[a-z0-9-]{1,40}$"
    example = ("https://example.com/garden-tools", "https://example.org/about-us")

    def words(self) -> str:
        return super().words() or "at example.com, example.org or example.net"


class Ipv4(Grammar):
    """An IPv4 address in dotted form."""

    meaning = "an IPv4 address"
    octet = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    grammar = rf"^{octet}(?:\.{octet}){{3}}$"
    asked = r"^(1[0-9]{2}|[1-9][0-9]?)([.](1[0-9]{2}|[1-9]?[0-9])){3}$"
    example = ("192.0.2.17", "198.51.100.203")

    def capacity(self) -> int | None:
        return 2**32 if not self.field.values else super().capacity()


class Uuid(Grammar):
    """A UUID in lower case; capitals are taken and counted as a conversion."""

    meaning = "a UUID"
    grammar = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    asked = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    example = ("3f0c9a52-7d1e-4b66-9a83-5e2f1c0d4b7a", "b81d6c3e-02f4-4a9d-8c57-90e1a7f36d25")

    def settle(self, values: Sequence[Any]) -> tuple[Sequence[Any], int]:
        lowered = [value if value is None else value.strip().lower() for value in values]
        return lowered, sum(a != b for a, b in zip(values, lowered, strict=True))

    def capacity(self) -> int | None:
        return 2**128 if not self.field.values else super().capacity()


def unmatched(pattern: str, values: Sequence[Any], reason: str) -> Iterator[tuple[int, str]]:
    """Indices of values that `pattern` does not find."""
    found = matches(pattern, values)
    if not all(found):
        yield from ((i, reason) for i, ok in enumerate(found) if not ok)


def plain_domain(pattern: str) -> str:
    """The first domain that a pattern like `@(gmail|yahoo)\\.com$` names; empty when it names none plainly.

    >>> plain_domain(r"@(gmail|yahoo)\\.com$")
    'gmail.com'
    """
    match = re.fullmatch(r"@(?:\(([a-z0-9-]+)[a-z0-9|-]*\)|([a-z0-9-]+))((?:\\\.[a-z]+)+)\$", pattern)
    return (match[1] or match[2]) + match[3].replace("\\", "") if match else ""

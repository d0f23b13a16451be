"""What a text that looks like a call says, read and never evaluated: `faker.random.choice(['a', 'b'])`.

call    = name [ "(" [ argument { "," argument } ] ")" ]
name    = word { "." word }
argument = [ word "=" ] value
value   = text | number | true | false | null | list | mapping, in the words of Python, JavaScript or JSON
"""

import re
from typing import Any

from msgspec import Struct

LONGEST = 10_000
DEEPEST = 6
MOST_VALUES = 2000
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]{0,30}(?:\.\d{1,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?")
_TEXT = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_CONSTANTS: dict[str, Any] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None, "undefined": None,
}  # fmt: skip
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


class Call(Struct, frozen=True):
    """A dotted name, and what stands in its brackets."""

    name: str
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = {}


class Unread(Exception):
    """A text that is no such call."""


def read_call(text: str) -> Call:
    """The call that a text is, its name as it stands. Unread for anything else, with the reason. Linear in the text."""
    if len(text) > LONGEST:
        raise Unread(f"it is longer than {LONGEST:,} characters")
    reader = _Reader(text.strip().removesuffix(";"))
    found = reader.call()
    reader.end()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._values = 0

    def call(self) -> Call:
        name = self._match(_NAME, "a name")[0]
        args: list[Any] = []
        named: dict[str, Any] = {}
        if self._take("("):
            while not self._take(")"):
                word = self._keyword()
                if word:
                    named[word] = self._value(0)
                else:
                    args.append(self._value(0))
                if not self._take(",") and not self._peek(")"):
                    raise Unread(f"{self._here()} is neither a comma nor a closing bracket")
        return Call(name, tuple(args), named)

    def end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise Unread(f"{self._here()} follows what should be its end")

    def _value(self, depth: int) -> Any:
        self._values += 1
        if depth > DEEPEST or self._values > MOST_VALUES:
            raise Unread("it is too deep or has too many values")
        if self._take("["):
            return self._list(depth, "]")
        if self._take("("):
            return self._list(depth, ")")
        if self._take("{"):
            return self._mapping(depth)
        if match := _TEXT.match(self._text, self._at):
            self._at = match.end()
            return _ESCAPE.sub(_unescaped, match[1] if match[1] is not None else match[2])
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            digits = match[0].replace("_", "")
            return int(digits) if re.fullmatch(r"[-+]?\d+", digits) else float(digits)
        match = _NAME.match(self._text, self._at)
        if match and match[0] in _CONSTANTS:
            self._at = match.end()
            return _CONSTANTS[match[0]]
        raise Unread(f"{self._here()} is no plain value")

    def _list(self, depth: int, closing: str) -> list[Any]:
        found: list[Any] = []
        while not self._take(closing):
            found.append(self._value(depth + 1))
            if not self._take(",") and not self._peek(closing):
                raise Unread(f"{self._here()} is neither a comma nor {closing}")
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._take("}"):
            self._skip()
            if match := _TEXT.match(self._text, self._at):
                self._at = match.end()
                key = _ESCAPE.sub(_unescaped, match[1] if match[1] is not None else match[2])
            else:
                key = self._match(_NAME, "a key")[0]
            if not self._take(":"):
                raise Unread(f"{self._here()} is no colon")
            found[key] = self._value(depth + 1)
            if not self._take(",") and not self._peek("}"):
                raise Unread(f"{self._here()} is neither a comma nor a closing brace")
        return found

    def _keyword(self) -> str:
        """The name of an argument, where it has one: `min=`."""
        self._skip()
        match = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)").match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        self._skip()
        return match[1]

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        self._skip()
        match = pattern.match(self._text, self._at)
        if match is None:
            raise Unread(f"{self._here()} is not {what}")
        self._at = match.end()
        return match

    def _take(self, letter: str) -> bool:
        if not self._peek(letter):
            return False
        self._at += 1
        self._skip()
        return True

    def _peek(self, letter: str) -> bool:
        self._skip()
        return self._text.startswith(letter, self._at)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _here(self) -> str:
        rest = self._text[self._at : self._at + 20]
        return f"`{rest}`" if rest else "its end"


def _unescaped(match: re.Match[str]) -> str:
    letter = match[1]
    if len(letter) > 1:
        code = int(letter[1:], 16)
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    return _LETTERS.get(letter, letter)

"""A parsed spec: plain values, and where each of them stands in its file."""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from ffgen.errors import Finding

Path: TypeAlias = tuple[str | int, ...]
Severity: TypeAlias = Literal["error", "warning"]

# Line and column of a value (from 1), and the marks of what it holds; a mapping's entry has its key's place first.
# Tuples, not objects: a spec at the limit has 200,000 of them.
Mark: TypeAlias = "tuple[int, int, None | list[Mark] | dict[str, tuple[int, int, Mark]]]"
NOWHERE: Mark = (0, 0, None)

MAX_NODES = 200_000
MAX_DEPTH = 64
MAX_BYTES = 1 << 20
MAX_DIGITS = 31
MAX_FINDINGS = 20

_BARE_KEY = re.compile(r"[^\W\d][\w-]*")
_BREAK = re.compile(r"\r\n|\r|\n")


class Override(NamedTuple):
    """Who put a value over the file's, such as `--count`. `created` is a mapping made only to hold one."""

    origin: str
    created: bool = False


class Refused(Exception):
    """A value that no spec may hold. Stays inside this package: it becomes a finding where the place is known."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def quoted(value: object, limit: int = 40) -> str:
    """Foreign text for a message: in backticks, cut at `limit`, nothing in it that a terminal would obey."""
    text = value if isinstance(value, str) else str(value)
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return f"`{''.join(c if c.isprintable() else json.dumps(c)[1:-1] for c in cut)}`"


def dotted(path: Path) -> str:
    """A path as people write it: `dataset.fields[3].range`; a key that isn't a word is `["in quotes"]`."""
    parts = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _BARE_KEY.fullmatch(step) and len(step) <= 100:
            parts.append(f".{step}")
        else:
            parts.append(f'["{quoted(json.dumps(step, ensure_ascii=False)[1:-1], 100)[1:-1]}"]')
    return "".join(parts).removeprefix(".")


class Text:
    """A file's name and characters. Makes the findings that point into it."""

    __slots__ = ("_lines", "_pairs", "characters", "file")

    def __init__(self, file: str, characters: str, pairs: Mapping[int, list[int]] | None = None) -> None:
        self.file = file
        self.characters = characters
        self._pairs = pairs or {}
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """Line `number`, from 1, without its end; what a terminal would obey is U+FFFD. Empty when there is none."""
        if self._lines is None:
            self._lines = _BREAK.split(self.characters)
        line = self._lines[number - 1] if 0 < number <= len(self._lines) else ""
        return line if line.isprintable() else "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)

    def column(self, line: int, column: int) -> int:
        """The column as an editor counts it: `load.parse` writes a JSON surrogate pair two characters shorter."""
        return column + 2 * bisect_left(self._pairs.get(line, []), column)

    def finding(
        self, line: int, column: int, path: Path, what: str, hint: str = "", severity: Severity = "error"
    ) -> Finding:
        """A finding at a place of this file; line 0 when there is none."""
        place = self.column(line, column) if line else 0
        return Finding(dotted(path), what, hint, severity, self.file, line, place, self.line(line))


class Document:
    """A spec as plain dicts, lists, text, numbers, booleans and None, and where each value came from.

    The value is not to be changed: aliases of one anchor share it. Looking a place up costs one step a key.
    """

    __slots__ = ("_mark", "overrides", "text", "value")

    def __init__(
        self, value: Any, text: Text, mark: Mark = NOWHERE, overrides: Mapping[Path, Override] | None = None
    ) -> None:
        self.value = value
        self.text = text
        self.overrides = dict(overrides or {})
        self._mark = mark

    @property
    def file(self) -> str:
        """The file's name as it was given; empty when there is none."""
        return self.text.file

    def where(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its nearest parent; (0, 0) when no file holds it."""
        return (0, 0) if self.origin(path) else self._shown(path, key=False)

    def where_key(self, path: Path) -> tuple[int, int]:
        """Line and column of the last key of `path`; those of the value where it is no key."""
        return (0, 0) if self.origin(path, key=True) else self._shown(path, key=True)

    def origin(self, path: Path, *, key: bool = False) -> str:
        """Who put the value at `path` over the file's, such as `--count`; empty when it is the file's own.

        A mapping made only to hold an override is not blamed for what it lacks: only its key has that origin.
        """
        for size in range(len(path), -1, -1) if self.overrides else ():
            override = self.overrides.get(path[:size])
            if override and (key or size < len(path) or not override.created):
                return override.origin
        return ""

    def finding(
        self, path: Path, what: str, hint: str = "", severity: Severity = "error", key: bool = False
    ) -> Finding:
        """A finding at the value of `path`, or at its key; an override's has its origin for a file."""
        origin = self.origin(path, key=key)
        if origin:
            return Finding(dotted(path), what, hint, severity, origin)
        return self.text.finding(*self._place(path, key), path, what, hint, severity)

    def replaced(self, value: Any, overrides: Mapping[Path, Override]) -> "Document":
        """The same file with another value, parts of which `overrides` put there."""
        return Document(value, self.text, self._mark, overrides)

    def mark(self, path: Path) -> Mark:
        """The mark of the value at `path`, or of its nearest parent."""
        mark = self._mark
        for step in path:
            inner = mark[2]
            if isinstance(inner, dict) and isinstance(step, str) and step in inner:
                mark = inner[step][2]
            elif isinstance(inner, list) and isinstance(step, int) and 0 <= step < len(inner):
                mark = inner[step]
            else:
                break
        return mark

    def _shown(self, path: Path, *, key: bool) -> tuple[int, int]:
        line, column = self._place(path, key)
        return line, self.text.column(line, column)

    def _place(self, path: Path, key: bool) -> tuple[int, int]:
        mark, place = self._mark, (0, 0)
        for step in path:
            inner = mark[2]
            if isinstance(inner, dict) and isinstance(step, str) and step in inner:
                entry = inner[step]
                place, mark = entry[:2], entry[2]
            elif isinstance(inner, list) and isinstance(step, int) and 0 <= step < len(inner):
                mark = inner[step]
                place = mark[:2]
            else:
                return mark[:2]
        return place if key and path else mark[:2]

"""Reading a spec: YAML or JSON to a Document, whatever the file holds.

A composer over libyaml's events, asked for one at a time, so that a limit stops a hostile file before the parser
gets deep or slow: `yaml.safe_load` dies of 100,000 brackets and never returns from a merge-key bomb. Knowing what a
spec may hold, it is also faster (0.4 s against 1.5 s for 858 kB).
"""

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path as FilePath
from typing import Any

import yaml

from ffgen.errors import DestinationError, Finding, SpecError
from ffgen.spec.assign import assign, of_value
from ffgen.spec.document import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FINDINGS,
    MAX_NODES,
    Document,
    Mark,
    Path,
    Refused,
    Text,
    quoted,
)
from ffgen.spec.scalar import collection_tag, plain, tagged
from ffgen.spec.syntax import syntax_finding

__all__ = ["Document", "assign", "of_value", "parse", "read"]

MAX_ALIASES = 1000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What YAML can't hold unescaped, and its three odd line breaks: editors and YAML 1.2 don't count lines by those.
_UNFIT = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)|\n", re.DOTALL)
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


def parse(text: str | bytes, file: str = "") -> Document:
    """The document in `text`; `file` is its name in findings, and `.json` in it allows JSON's escapes.

    Raises SpecError with every finding, up to 20. Takes well under a second for the 1 MiB that a spec may have.
    """
    source = _text(text, file)
    characters = source.characters
    if file.endswith(".json"):
        characters, pairs = _join_surrogates(characters)
        source = Text(file, source.characters, pairs)
    return _Composer(source).document(characters)


def read(path: str | os.PathLike[str]) -> Document:
    """The document in a file. Raises SpecError for what it holds, DestinationError when it can't be read."""
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise DestinationError(f"There is no spec {quoted(name, 200)}.", hint=_nearest(name)) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DestinationError(f"The spec {quoted(name, 200)} can't be read: {reason}.") from error
    return parse(data, name)


def _nearest(name: str) -> str:
    wanted = FilePath(name)
    try:
        names = [entry for entry in os.listdir(wanted.parent) if entry.endswith((".yaml", ".yml", ".json"))]
    except OSError:
        return f"There is no folder {quoted(wanted.parent, 200)} either."
    near = difflib.get_close_matches(wanted.name, names[:1000], n=1, cutoff=0.5)
    return f"Did you mean {quoted(wanted.with_name(near[0]), 200)}?" if near else "Check the path."


def _text(text: str | bytes, file: str) -> Text:
    size = len(text) if isinstance(text, bytes) or len(text) > MAX_BYTES else len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        what = "a spec has at most 1 MiB."
        raise SpecError([Finding("", what, "Leave out long lists of values.", file=file)])
    source = Text(file, (_decoded(text, file) if isinstance(text, bytes) else text).removeprefix("\ufeff"))
    _refuse_unfit(source, _UNFIT, "Write it as an escape in double quotes, or take it out.")
    # libyaml compares each %TAG with all before it: a megabyte of them takes minutes.
    _refuse_unfit(source, _TAG_DIRECTIVE, "Take the line out: a spec holds plain values only.")
    return source


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]
        before = data[data.rfind(b"\n", 0, error.start) + 1 : error.start]
        what = "this is UTF-16 or UTF-32." if wide else f"the byte 0x{data[error.start]:02x} isn't UTF-8."
        column = len(before.decode("utf-8", "replace")) + 1
        hint = "Save the file as UTF-8."
        raise SpecError([Finding("", what, hint, file=file, line=line, column=column)]) from error


def _refuse_unfit(source: Text, pattern: re.Pattern[str], hint: str) -> None:
    found = pattern.search(source.characters)
    if found:
        before = re.split(r"\r\n|\r|\n", source.characters[: found.start()])
        name = "a `%TAG` line" if found[0] == "%TAG" else f"the character U+{ord(found[0]):04X}"
        raise SpecError([source.finding(len(before), len(before[-1]) + 1, (), f"{name} can't stand here.", hint)])


def _join_surrogates(text: str) -> tuple[str, dict[int, list[int]]]:
    """JSON's two-escape characters as YAML's one, and their columns in the new text by line."""
    if "\\u" not in text:
        return text, {}
    pairs: dict[int, list[int]] = {}
    line, start, saved = 1, 0, 0

    def joined(found: re.Match[str]) -> str:
        nonlocal line, start, saved
        if found[0].endswith("\n"):
            line, start, saved = line + 1, found.end(), 0
        if not found[1]:
            return found[0]
        pairs.setdefault(line, []).append(found.start() - start - saved + 1)
        saved += 2
        high, low = int(found[1], 16), int(found[2], 16)
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08X}"

    return _ESCAPE.sub(joined, text), pairs


class _Stop(Exception):
    """Enough is known: nothing after this finding is worth reading."""


class _Frame:
    """A collection that is still open."""

    __slots__ = ("anchor", "column", "key", "key_column", "key_line", "line", "marks", "size", "value")

    def __init__(self, mapping: bool, line: int, column: int, anchor: str | None, size: int) -> None:
        self.value: Any = {} if mapping else []
        self.marks: Any = {} if mapping else []
        self.line = line
        self.column = column
        self.anchor = anchor
        self.size = size
        self.key: str | None = None
        self.key_line = 0
        self.key_column = 0


class _Composer:
    """Events to values and marks. Counts what it makes, and stops where a limit is passed."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._findings: list[Finding] = []
        self._open: list[_Frame] = []
        self._root: tuple[Any, Mark] | None = None
        self._documents = 0
        self._size = 0
        self._aliases = 0
        # An anchor's value, mark and size; None while its collection is open.
        self._anchors: dict[str, tuple[Any, Mark, int] | None] = {}

    def document(self, characters: str) -> Document:
        """The one document in `characters`. Raises SpecError."""
        cause: Exception | None = None
        try:
            # A generator, whatever its stub says: closing it frees libyaml's parser.
            events: Any = yaml.parse(characters, Loader=_LOADER)
            with closing(events):
                self._compose(events)
        except _Stop:
            pass
        except Exception as error:  # whatever the parser does to a hostile file, it is the file that is wrong
            cause = error
            self._findings.append(syntax_finding(error, self._text, characters, self._path()))
        if self._root is None and not self._findings:
            self._report(0, 0, "the spec is empty.", "Start with `dataset:` and its `fields:`.")
        if self._findings or self._root is None:
            raise SpecError(self._findings) from cause
        return Document(self._root[0], self._text, self._root[1])

    def _compose(self, events: Iterator[Any]) -> None:
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._start(event, kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._documents += 1
                if self._documents > 1:
                    self._stop(event, "a second document starts here.", "A spec is one document: drop this `---`.")

    def _scalar(self, event: Any) -> None:
        self._grow(event, 1)
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        text: str = event.value
        value: Any = text
        try:
            if event.tag is not None and event.tag != "!":
                value = tagged(text, event.tag)
            elif event.implicit[0] and not event.style:
                value = plain(text)
            elif not text.isascii() and _SURROGATE.search(text):
                raise Refused("half of a surrogate pair is no character.", r"Write it as \U and eight digits.")
        except Refused as refused:
            self._report(line, column, refused.what, refused.hint)
        self._add(value, (line, column, None), 1, event.anchor, key_text=text)

    def _start(self, event: Any, mapping: bool) -> None:
        self._grow(event, 1)
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, f"a spec is at most {MAX_DEPTH} levels deep.", "Close the brackets, or nest less.")
        frame = self._open[-1] if self._open else None
        if frame and type(frame.value) is dict and frame.key is None:
            self._stop(event, "a key must be text.", "Quote it if it is text.")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if event.tag is not None and event.tag != "!":
            try:
                collection_tag(event.tag, "map" if mapping else "seq")
            except Refused as refused:
                self._report(line, column, refused.what, refused.hint)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Frame(mapping, line, column, event.anchor, self._size - 1))

    def _end(self) -> None:
        frame = self._open.pop()
        self._add(frame.value, (frame.line, frame.column, frame.marks), self._size - frame.size, frame.anchor)

    def _alias(self, event: Any) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop(event, f"a spec has at most {MAX_ALIASES} aliases.", "Write the values out.")
        found = self._anchors.get(event.anchor)
        if found is None:
            known = event.anchor in self._anchors
            what = "holds itself" if known else "isn't defined above"
            self._stop(event, f"{quoted('*' + event.anchor)} {what}.", "Write the value out.")
            return
        value, mark, size = found
        self._grow(event, size)
        place = event.start_mark
        self._add(value, (place.line + 1, place.column + 1, mark[2]), size, None)

    def _add(self, value: Any, mark: Mark, size: int, anchor: str | None, key_text: str | None = None) -> None:
        if anchor:
            self._anchors[anchor] = (value, mark, size)
        if not self._open:
            self._root = (value, mark)
            return
        frame = self._open[-1]
        if type(frame.value) is list:
            frame.value.append(value)
            frame.marks.append(mark)
        elif frame.key is None:
            frame.key_line, frame.key_column = mark[0], mark[1]
            frame.key = self._key(frame, value, key_text)
        else:
            frame.value[frame.key] = value
            frame.marks[frame.key] = (frame.key_line, frame.key_column, mark)
            frame.key = None

    def _key(self, frame: _Frame, value: Any, text: str | None) -> str:
        line, column = frame.key_line, frame.key_column
        if not isinstance(value, str):
            shown = quoted(text) if text else "this one"
            self._report(line, column, f"a key must be text, {shown} is not.", "Quote it if it is text.")
            return text or ""
        if value == "<<":
            self._report(line, column, "merge keys (`<<`) are not taken.", "Write the keys out.")
        elif value in frame.value:
            first = frame.marks[value][0]
            self._report(line, column, f"the key {quoted(value)} stands here twice.", f"The first is on line {first}.")
        return value

    def _grow(self, event: Any, size: int) -> None:
        self._size += size
        if self._size > MAX_NODES:
            self._stop(event, f"a spec has at most {MAX_NODES} values, aliases written out.", "Shorten its lists.")

    def _path(self) -> Path:
        steps = (len(frame.value) if type(frame.value) is list else frame.key for frame in self._open)
        return tuple(step for step in steps if step is not None)

    def _report(self, line: int, column: int, what: str, hint: str) -> None:
        self._findings.append(self._text.finding(line, column, self._path(), what, hint))
        if len(self._findings) >= MAX_FINDINGS:
            raise _Stop

    def _stop(self, event: Any, what: str, hint: str) -> None:
        self._report(event.start_mark.line + 1, event.start_mark.column + 1, what, hint)
        raise _Stop

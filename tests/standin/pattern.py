"""Text that a regular expression matches, made from one 64-bit word.

A pattern is unrolled once into a few variants (lengths, optional parts and larger branches decided), each a template
with tables of short texts; writing is then a handful of table look-ups. Not every word of the language can come out:
classes with ten letters and digits or more give only those, and open-ended repeats stop at 16.
"""

import importlib
import json
import math
import random
import re
import string
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

_parser: Any = importlib.import_module("re._parser")

_ALNUM = string.ascii_lowercase + string.digits + string.ascii_uppercase
_PRINTABLE = [chr(code) for code in range(32, 127)]
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": _ALNUM + "_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_NOT_WORD": " -.",
    "CATEGORY_NOT_SPACE": _ALNUM,
}
_VARIANTS = 16
# Small enough for a processor's cache: with 65,536 texts a table, fewer look-ups took longer.
_TABLE_LIMIT = 1 << 11
MASK = (1 << 64) - 1
# Lengths tried for open repeats: the first pair that fits minLength and maxLength is used. 11 letters or digits and
# more hold over 50 bits, so that a million of them are distinct.
_SPANS = ((11, 16), (8, 12), (5, 8), (3, 5), (1, 3), (0, 1), (16, 24), (24, 40), (40, 64), (64, 128), (128, 256))


class Unsupported(ValueError):
    """A schema or a pattern that this stand-in can't write for."""


# (texts, how many, by how much a word is shifted to look one up)
_Group = list[tuple[tuple[str, ...], int, int]]


class Table(NamedTuple):
    """Texts to choose from, escaped for JSON, and how long they are unescaped."""

    texts: tuple[str, ...]
    shortest: int
    longest: int


class Variant(NamedTuple):
    """One unrolled form of a pattern: `template` has a %s for each table of JSON-escaped texts."""

    template: str
    tables: list[Table]
    lengths: tuple[int, int]
    bits: float


def remix(word: int) -> int:
    """Another 64-bit word, for when one is used up."""
    word = (word * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & MASK
    return word ^ (word >> 29)


def writer(pattern: str, low: int = 0, high: int | None = None) -> tuple[Callable[[int], str], float]:
    """A function from a word to JSON text (with quotes) of `low` to `high` characters, and its bits of variety.

    Unsupported for look-around, back references, and lengths that can't be met.
    """
    variants = _fitting(pattern, low, math.inf if high is None else high)
    choices = [(variant.template, *_grouped(variant.tables)) for variant in variants]

    def write(word: int) -> str:
        template, tables, more = choices[word & (_VARIANTS - 1)]
        texts = [table[(word >> shift) % size] for table, size, shift in tables]
        for group in more:
            word = remix(word)
            texts += [table[(word >> shift) % size] for table, size, shift in group]
        return template % tuple(texts)

    _prove(pattern, write)
    # Just below a made-up name, which costs an eighth: `ready` takes the cell with most bits.
    return write, min(49.0, min(variant.bits for variant in variants))


def _grouped(tables: list[Table]) -> tuple[_Group, list[_Group]]:
    """Tables with the bits of a word at which they look; a group uses up one word."""
    groups: list[_Group] = [[]]
    shift = 4
    for texts, _, _ in tables:
        if shift > 48:
            groups.append([])
            shift = 0
        groups[-1].append((texts, len(texts), shift))
        shift += len(texts).bit_length()
    return groups[0], groups[1:]


def _fitting(pattern: str, low: int, high: float) -> list[Variant]:
    try:
        tree = _parser.parse(pattern)
    except re.error as error:
        raise Unsupported(f"`{pattern}` is not a regular expression: {error}") from error
    for span in _SPANS:
        unrolled = [_Unroll(span, random.Random(number)).variant(tree) for number in range(_VARIANTS)]
        fitting = [one for one in unrolled if low <= one.lengths[0] and one.lengths[1] <= high]
        if fitting:
            return [fitting[number % len(fitting)] for number in range(_VARIANTS)]
    raise Unsupported(f"no text of {low} to {high} characters found for `{pattern}`")


def _prove(pattern: str, write: Callable[[int], str]) -> None:
    for word in range(_VARIANTS * 4):
        text = json.loads(write(word * 0x9E3779B97F4A7C15 & MASK))
        if not re.search(pattern, text):
            raise Unsupported(f"`{pattern}`: made {text!r}, which does not match")


class _Unroll:
    """One walk over a parsed pattern, deciding lengths and branches with `chooser`."""

    def __init__(self, span: tuple[int, int], chooser: random.Random) -> None:
        self._span = span
        self._chooser = chooser
        self._tables: list[Table] = []
        self._is_filled = False
        self._is_closed = False

    def variant(self, tree: Iterable[tuple[Any, Any]]) -> Variant:
        self._walk(tree)
        template = ["%s" if len(one.texts) > 1 else one.texts[0].replace("%", "%%") for one in self._tables]
        lengths = sum(one.shortest for one in self._tables), sum(one.longest for one in self._tables)
        tables = [one for one in self._tables if len(one.texts) > 1]
        bits = sum(math.log2(len(one.texts)) for one in tables)
        return Variant('"' + "".join(template) + '"', tables, lengths, bits)

    def _walk(self, tree: Iterable[tuple[Any, Any]]) -> None:
        for operation, value in tree:
            name = str(operation)
            if name == "AT":
                self._anchor(str(value))
            elif self._is_closed and not (name.endswith("REPEAT") and value[0] == 0):
                raise Unsupported("text after `$`")
            elif self._is_closed:
                continue
            elif name.endswith("REPEAT"):
                self._repeat(*value)
            elif name == "SUBPATTERN":
                self._walk(value[3])
            elif name == "BRANCH":
                self._branch(value[1])
            else:
                self._tables.append(_table(_characters(name, value), 1))

    def _anchor(self, name: str) -> None:
        if name.startswith("AT_BEGINNING"):
            # `^.*(^a).*$`, a wrapped pattern that had its own anchor: what was put before it goes.
            self._tables.clear()
        elif name.startswith("AT_END"):
            self._is_closed = True
        else:
            raise Unsupported("`\\b` and `\\B`")

    def _repeat(self, low: int, high: Any, tree: Any) -> None:
        most = 1 << 30 if high is _parser.MAXREPEAT else int(high)
        characters = _class_of(tree)
        if characters is None or (low, most) == (0, 1):
            for _ in range(self._chooser.randint(low, min(most, low + 2))):
                self._walk(tree)
            return
        if low == 0 and str(tree[0][0]) == "ANY":
            if self._is_filled:
                return
            self._is_filled = True
        shortest = max(low, min(most, self._span[0]))
        length = self._chooser.randint(shortest, max(shortest, min(most, self._span[1])))
        self._tables += _blocks(characters, length)

    def _branch(self, branches: list[Any]) -> None:
        fixed = [_fixed_text(branch) for branch in branches]
        texts = [text for text in fixed if text is not None]
        if len(texts) == len(branches):
            self._tables.append(_listed(texts))
        else:
            self._walk(self._chooser.choice(branches))


def _listed(texts: list[str]) -> Table:
    escaped = tuple(json.dumps(text, ensure_ascii=False)[1:-1] for text in texts)
    return Table(escaped, min(map(len, texts)), max(map(len, texts)))


def _class_of(tree: Any) -> str | None:
    """The characters of a tree that is one class or character, else None."""
    if len(tree) != 1 or str(tree[0][0]) not in ("IN", "ANY", "LITERAL", "NOT_LITERAL"):
        return None
    return _characters(str(tree[0][0]), tree[0][1])


def _fixed_text(tree: Any) -> str | None:
    return "".join(chr(value) for _, value in tree) if all(str(name) == "LITERAL" for name, _ in tree) else None


def _characters(name: str, value: Any) -> str:
    if name == "LITERAL":
        return chr(value)
    if name == "ANY":
        return _ALNUM[:36]
    if name == "NOT_LITERAL":
        return _preferred([one for one in _PRINTABLE if one != chr(value)])
    if name != "IN":
        raise Unsupported(f"{name.lower()} in a pattern")
    negated = str(value[0][0]) == "NEGATE"
    members = {one for item, inner in value if str(item) != "NEGATE" for one in _members(str(item), inner)}
    return _preferred([one for one in _PRINTABLE if one not in members] if negated else sorted(members))


def _members(name: str, value: Any) -> Iterable[str]:
    if name == "LITERAL":
        return chr(value)
    if name == "RANGE":
        return map(chr, range(value[0], min(value[1], value[0] + 255) + 1))
    return _CATEGORIES[str(value)]


def _preferred(characters: list[str]) -> str:
    """Letters and digits alone where there are enough: `a..b@gmail.com` fits many a pattern and is no e-mail."""
    plain = [one for one in characters if one in _ALNUM]
    if not characters:
        raise Unsupported("a class without characters")
    return "".join(plain if len(plain) >= 10 else characters)


@lru_cache(maxsize=256)
def _table(characters: str, length: int) -> Table:
    """All texts of `length` of these characters."""
    texts = [""]
    for _ in range(length):
        texts = [text + one for text in texts for one in characters]
    return _listed(texts)


def _blocks(characters: str, length: int) -> list[Table]:
    """Tables whose texts together are `length` characters: as few as stay below the limit of a table."""
    if len(characters) == 1:
        return [_listed([characters * length])]
    block = max(1, min(4, int(math.log(_TABLE_LIMIT, len(characters)))))
    sizes = [block] * (length // block) + ([length % block] if length % block else [])
    return [_table(characters, size) for size in sizes]

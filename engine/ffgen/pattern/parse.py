"""A pattern's text as a tree, in the Rust dialect, for the subset that automata can say: everything but word
boundaries and the flags m, x, R and -u. What is outside gives None, never a wrong tree."""

import re
from dataclasses import dataclass

from ffgen.pattern.chars import ASCII, EVERY, LATIN, PRINTABLE, CharSet
from ffgen.pattern.engine import NEAR, members, problem

MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Chars:
    """One character. `full` is what the engine accepts there, `drawn` the part that is drawn from: what the pattern
    lists, and printable ASCII for shorthand, negation and the dot."""

    full: CharSet
    drawn: CharSet


@dataclass(frozen=True, slots=True)
class Anchor:
    """The start of the text (`^`, `\\A`) or its end (`$`, `\\z`)."""

    end: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after the other; none is the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of the branches."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times, None for no limit. Greed is dropped: it changes what is captured, not what matches."""

    item: "Node"
    low: int
    high: int | None


Node = Chars | Anchor | Chain | Either | Repeat

ANY = Chars(EVERY, PRINTABLE)
START, END = Anchor(False), Anchor(True)

_COUNT = re.compile(r"\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}")
_GROUP = re.compile(r"\?(?:P?<[^>]*>|(?P<flags>[a-zA-Z-]*)(?P<stop>[:)]))")
_ESCAPE = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|[xuU]\{[^}]*\}|x..|u....|U.{8}|.)", re.DOTALL)
_SIMPLE_ESCAPES = dict(zip("tnrfva", "\t\n\r\f\v\a", strict=True))
_STARS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Unknown(Exception):
    """Something outside the subset."""


def parse(pattern: str) -> Node | None:
    """The tree of a pattern; None if it isn't valid, or uses something that a tree of ours can't say."""
    if problem(pattern) is not None:
        return None
    try:
        return _Parser(pattern).all()
    except _Unknown:
        return None


class _Parser:
    """Recursive descent over a pattern that the engine took: it need not find errors, only unknown things."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.folded = False
        self.dotall = False
        self.depth = 0

    def all(self) -> Node:
        node = self.either()
        if self.at < len(self.text):
            raise _Unknown
        return node

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def either(self) -> Node:
        flags = self.folded, self.dotall
        branches = [self.chain()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.chain())
        self.folded, self.dotall = flags
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def chain(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            part = self.repeated(self.atom())
            parts.extend(part.parts if isinstance(part, Chain) else (part,))
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def repeated(self, node: Node) -> Node:
        for _ in range(4):
            if self.peek() in _STARS:
                low, high = _STARS[self.peek()]
                self.at += 1
            elif self.peek() == "{":
                low, high = self.counts()
            else:
                return node
            if self.peek() == "?":
                self.at += 1
            node = Repeat(node, low, high)
        raise _Unknown

    def counts(self) -> tuple[int, int | None]:
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise _Unknown
        self.at = found.end()
        low = int(found[1])
        return low, (low if not found[2] else int(found[3]) if found[3] else None)

    def atom(self) -> Node:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return self.bracket()
        if char == "\\":
            return self.escape()
        self.at += 1
        if char in "^$":
            return END if char == "$" else START
        if char == ".":
            return ANY if self.dotall else _dot()
        return self.literal(char)

    def group(self) -> Node:
        self.at += 1
        found = _GROUP.match(self.text, self.at)
        outside = self.folded, self.dotall
        if found:
            self.at = found.end()
            self.set_flags(found["flags"] or "")
            if found["stop"] == ")":
                return Chain(())  # bare flags hold to the end of the group around them
        elif self.peek() == "?":
            raise _Unknown
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unknown
        node = self.either()
        self.depth -= 1
        self.at += 1
        self.folded, self.dotall = outside
        return node

    def set_flags(self, flags: str) -> None:
        on, _, off = flags.partition("-")
        if set(on) - set("isuU") or set(off) - set("isUmx"):
            raise _Unknown
        self.folded = (self.folded or "i" in on) and "i" not in off
        self.dotall = (self.dotall or "s" in on) and "s" not in off

    def bracket(self) -> Node:
        """A class in brackets, left to the engine whole: nested classes, set operations and POSIX names included."""
        start = self.at
        body = self.class_body()
        text = self.text[start : self.at]
        letters = {escape[1] for escape in _ESCAPE.findall(body) if escape[1].isalnum()}
        wide = not text.isascii() or "[" in body or bool(letters - set(_SIMPLE_ESCAPES))
        listed = not text.startswith("[^") and "[" not in body and not letters & set("dDwWsSpP")
        return self.asked(text, wide=wide, listed=listed, negated=text.startswith("[^"))

    def class_body(self) -> str:
        """Moves past a class; its text without the outer brackets."""
        start, depth = self.at + 1, 0
        while True:
            char = self.peek()
            if char == "":
                raise _Unknown
            if char == "\\":
                self.at += 1
            elif char == "[":
                depth += 1
                if self.text.startswith("^", self.at + 1):
                    self.at += 1
                if self.text.startswith("]", self.at + 1):
                    self.at += 1
            elif char == "]":
                depth -= 1
            self.at += 1
            if depth == 0:
                return self.text[start : self.at - 1]

    def escape(self) -> Node:
        found = _ESCAPE.match(self.text, self.at)
        if found is None:
            raise _Unknown
        self.at = found.end()
        text, letter = found[0], found[0][1]
        if letter in "Az":
            return START if letter == "A" else END
        if letter in "dDwWsSpP":
            return self.asked(text, wide=True, listed=False)
        if letter in "xuU":
            return self.asked(text, wide=True, listed=True)
        if letter in _SIMPLE_ESCAPES:
            return self.literal(_SIMPLE_ESCAPES[letter])
        if letter.isalnum() or letter in "<>" or not letter.isascii():
            raise _Unknown
        return self.literal(letter)

    def literal(self, char: str) -> Node:
        if self.folded and (char.isalpha() or not char.isascii()):
            return self.asked(char, wide=not char.isascii(), listed=True)
        chars = CharSet(((ord(char), ord(char)),))
        return Chars(chars, chars)

    def asked(self, text: str, *, wide: bool, listed: bool, negated: bool = False) -> Node:
        full = members(f"(?i:{text})" if self.folded else text, wide=wide)
        if full is None:
            raise _Unknown
        if negated and not wide:  # ASCII was looked at; all that lies beyond it is in the class too
            full = EVERY - (NEAR - full)
        if listed:
            return Chars(full, full if wide else full & ASCII)
        drawn = full & PRINTABLE or full & LATIN or full
        return Chars(full, drawn)


def _dot() -> Chars:
    return Chars(EVERY - CharSet(((10, 10),)), PRINTABLE)

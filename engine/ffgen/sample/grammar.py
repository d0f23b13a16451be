"""Texts of a context-free grammar: `grammar`."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, TypeVar

import numpy as np
import orjson
import polars as pl
from msgspec import Meta

from ffgen.rng import U64, Stream, stream
from ffgen.sample.base import Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.excerpt import SIZE, Book
from ffgen.sample.text import MERGED, Part, concatenated, merged
from ffgen.sample.weighted import TEXT_TYPES, Pool, weighed
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import shown

K = TypeVar("K")
T = TypeVar("T")

SYMBOL = re.compile(r"<<|<([^<>]*)>")
MOST_TEXTS = 1 << 16
"""A grammar with no more texts than this is drawn from the list of them."""
MOST_PARTS = 500
LONGEST_EXCERPT = 10_000
AT_ONCE = 1 << 21
"""Parts that are in memory at a time."""


class Expansion:
    """One way to write a symbol: texts, and symbols in `<...>`."""

    def __init__(self, text: str, weight: float, names: Sequence[str], key: str) -> None:
        self.weight = weight
        self.pieces = list(pieces(unicodedata.normalize("NFC", text)))
        self.symbols = [name for is_symbol, name in self.pieces if is_symbol]
        for name in self.symbols:
            if name not in names:
                what = f"there is no rule {shown(name)} for `<{name}>`."
                raise Problem(key, what, "Add it under `rules`, or write << for a plain <.")
        self.parts: list[Part] = []


Rules = dict[str, list[Expansion]]


class Grammar(Sampler):
    """Text that a grammar makes: `start` is written out until no `<symbol>` is left.

    - `rules`: for each symbol the ways to write it, `[...]` alike or `{...}` by weight. In them `<name>` stands for
      the symbol of that name, `<<` for a plain `<`.
    - `depth`: how deep rules that lead back to themselves may nest; from there on only what ends is taken. 12 unless
      said.
    - `excerpt`: true cuts pieces out of a long run of such texts, beginning and ending anywhere, as long as the
      field's `length` says (all lengths alike). By far the quickest way to texts that differ.
    """

    serves: ClassVar[frozenset[str]] = TEXT_TYPES
    example: ClassVar[str] = """\
- name: greeting
  generator:
    name: grammar
    rules:
      start: ["<hello>, <name>!", "<hello>, <name> and <name>!"]
      hello: {Hello: 3, Good morning: 1}
      name: [Ann, Ben, "<title> <surname>"]
      title: [Ms, Mr, Dr]
      surname: [Okafor, Lopez, Novak]
"""

    rules: Annotated[dict[str, dict[str, Any] | list[str]], Meta(description="How each symbol may be written.")]
    depth: Annotated[int, Meta(ge=1, le=100, description="How deep rules may nest.")] = 12
    excerpt: bool = False

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        key = "generator.rules"
        if "start" not in self.rules:
            raise Problem(key, "there is no rule `start`.", "E.g. rules: {start: [Hello <name>!], name: [Ann, Ben]}.")
        self.name = orjson.dumps([self.rules, self.depth], option=orjson.OPT_NON_STR_KEYS)
        self.pool, self.nested = kept(_texts, self.name, lambda: written_by(self.rules, self.depth, key))
        if self.excerpt:
            self._check_length(kind)
        elif self.pool is not None:
            self.pool = self.checked(self.pool)

    def _check_length(self, kind: ValueType) -> None:
        low, high = int(getattr(kind, "low", None) or 1), getattr(kind, "high", None)
        if self.field.length is None or high is None or high < low:
            raise Problem("generator.excerpt", "needs the field's `length`.", "E.g. length: [10, 40].")
        if high > LONGEST_EXCERPT:
            raise Problem("length", f"an excerpt has {LONGEST_EXCERPT:,} characters at most.", "Lower it.")
        self.span = (low, high)
        if low < high:
            vars(self)["holds"] = frozenset({"length"})

    @cached_property
    def book(self) -> Book:
        """What excerpts are cut from: the same for all fields of a spec with the same rules."""
        return kept(_books, (self.scope.seed, self.name), self._book)

    def _book(self) -> Book:
        """Texts one after the other, in any order; 50 ms."""
        rng = stream(self.scope.seed, "excerpt", self.name.decode())
        text = ""
        while len(text) < SIZE:
            text += self.texts(rng, 4096).str.join(" ").item() + " "
        return Book(text[:SIZE])

    def checked(self, pool: Pool) -> Pool:
        """The texts without space around them, those that the field takes."""
        weights: dict[str, float] = {}
        for text, weight in zip(pool.values.str.strip_chars(), pool.weights or [1.0] * len(pool), strict=True):
            weights[text] = weights.get(text, 0.0) + weight
        return Pool(pl.Series(list(weights), dtype=pl.String), list(weights.values())).fitting(self.kind)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.book.cut(rng, n, *self.span) if self.excerpt else self.texts(rng, n)

    def texts(self, rng: Stream, n: int) -> pl.Series:
        """n whole texts."""
        if self.pool is not None:
            return self.pool.draw(rng, n)
        assert self.nested is not None
        return self.nested.draw(rng, n)

    def room(self) -> int | None:
        if self.excerpt:
            return None
        plain = all(isinstance(listed, list) for listed in self.rules.values())
        return len(self.pool) if self.pool is not None and plain else None

    def at(self, index: U64) -> Column:
        assert self.pool is not None
        return self.pool.at(index)


def written_by(rules: dict[str, Any], depth: int, key: str) -> "tuple[Pool | None, Nested | None]":
    """What makes the texts: the list of them, or what writes them out; raises `Problem`."""
    read = {
        name: [Expansion(text, weight, list(rules), key) for text, weight in weighed(listed, key)]
        for name, listed in rules.items()
    }
    check_ends(read, key)
    pools = flattened(read)
    pool = pools.get("start")
    return pool, Nested(read, pools, depth) if pool is None else None


_texts: "dict[bytes, tuple[Pool | None, Nested | None]]" = {}
_books: dict[tuple[int, bytes], Book] = {}


def kept(made: dict[K, T], name: K, make: Callable[[], T]) -> T:
    """What was made under this name before: fields often share their rules, and each is bound more than once."""
    if name not in made:
        found = make()
        if len(made) >= 8:
            made.pop(next(iter(made)))
        made[name] = found
    return made[name]


class Nested:
    """A grammar with more texts than can be listed, written out level by level: all rows advance together.

    Going down, each symbol of a level chooses how it is written; coming up, the texts are put together. One polars
    call for each level, symbol and way of writing it, whatever the number of rows.
    """

    def __init__(self, rules: Rules, pools: dict[str, Pool], depth: int) -> None:
        self.rules = {name: ways for name, ways in rules.items() if name not in pools}
        for way in (way for ways in self.rules.values() for way in ways):
            listed = [pools.get(name, name) if symbol else Pool(pl.Series([name])) for symbol, name in way.pieces]
            way.parts = merged(listed, MERGED)
        self.least = least_depths(self.rules)
        lists = sum(1 for name in self.rules if not leads_back(name, self.rules))
        self.depth = max(depth + lists, int(self.least["start"]))
        self.shares = {(name, left): self.shares_of(name, left) for name in self.rules for left in range(self.depth)}
        self.size = self.expected()
        if self.size > MOST_PARTS:
            what = f"a text has {self.size:.0f} parts on average, more than {MOST_PARTS}."
            raise Problem("generator.depth", what, "Lower `depth`, or give more weight to what ends sooner.")

    def shares_of(self, name: str, left: int) -> Any:
        """Cumulated shares of the ways to write a symbol that end within `left` more levels."""
        weights = [way.weight if self.ends(way, left) else 0.0 for way in self.rules[name]]
        return cumulated(weights) if any(weights) else None

    def ends(self, way: Expansion, left: int) -> bool:
        return all(self.least[part] <= left for part in way.parts if isinstance(part, str))

    def expected(self) -> float:
        """Parts that a text has on average."""
        sizes = dict.fromkeys(self.rules, 1.0)
        for left in range(self.depth):
            below = dict(sizes)
            for name, ways in self.rules.items():
                if (shares := self.shares[name, left]) is not None:
                    parts = [sum(below[part] if isinstance(part, str) else 1.0 for part in way.parts) for way in ways]
                    sizes[name] = float(np.diff(shares, prepend=0.0) @ parts)
        return sizes["start"]

    def draw(self, rng: Stream, n: int) -> pl.Series:
        """n texts."""
        slice_size = max(1, int(AT_ONCE / self.size))
        slices = [self.texts(rng, min(slice_size, n - start)) for start in range(0, n, slice_size)]
        return pl.concat(slices).str.strip_chars() if slices else pl.Series(dtype=pl.String)

    def texts(self, rng: Stream, n: int) -> pl.Series:
        counts = {"start": n}
        levels = []
        for left in reversed(range(self.depth)):
            level = [Spot(name, self, rng, count, left) for name, count in counts.items()]
            levels.append(level)
            counts = {}
            for spot in level:
                spot.place_children(counts)
            if not counts:
                break
        texts: dict[str, pl.Series] = {}
        for level in reversed(levels):
            texts = {spot.name: spot.written(rng, texts) for spot in level}
        return texts["start"]


class Spot:
    """All places of one level where one symbol is to be written."""

    def __init__(self, name: str, grammar: Nested, rng: Stream, count: int, left: int) -> None:
        self.name = name
        self.ways = grammar.rules[name]
        codes = choose(rng, count, grammar.shares[name, left])
        self.order = np.argsort(codes, kind="stable")
        self.counts = np.bincount(codes, minlength=len(self.ways)).tolist()
        self.children: list[list[int]] = []

    def place_children(self, counts: dict[str, int]) -> None:
        """Takes room on the next level for the symbols within: `counts` says how much of it is taken."""
        for way, count in zip(self.ways, self.counts, strict=True):
            starts = []
            for part in way.parts:
                if isinstance(part, str) and count:
                    starts.append(counts.get(part, 0))
                    counts[part] = starts[-1] + count
            self.children.append(starts)

    def written(self, rng: Stream, below: dict[str, pl.Series]) -> pl.Series:
        """The texts, from those of the next level."""
        groups = []
        for way, count, starts in zip(self.ways, self.counts, self.children, strict=True):
            if count:
                child = iter(starts)
                columns = [
                    below[part].slice(next(child), count) if isinstance(part, str) else part.draw(rng, count)
                    for part in way.parts
                ]
                groups.append(concatenated(columns))
        back = np.empty(len(self.order), dtype=np.uint32)
        back[self.order] = np.arange(len(back), dtype=np.uint32)
        return pl.concat(groups).gather(pl.Series(back))


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a rule: whether it is a symbol, and its name or the text."""
    start, plain = 0, ""
    for found in SYMBOL.finditer(text):
        plain += text[start : found.start()]
        start = found.end()
        if found[0] == "<<":
            plain += "<"
            continue
        if plain:
            yield False, plain
        yield True, found[1]
        plain = ""
    if plain + text[start:] or start == 0:
        yield False, plain + text[start:]


def least_depths(rules: Rules) -> dict[str, float]:
    """The fewest levels in which each symbol can be written out; infinite where it never ends. Symbols that are not
    among the rules take none."""
    least = dict.fromkeys(rules, float("inf"))
    for _ in rules:
        for name, ways in rules.items():
            least[name] = min(1 + max((least.get(part, 0) for part in way.symbols), default=0) for way in ways)
    return least


def check_ends(rules: Rules, key: str) -> None:
    """Every symbol can be written out."""
    endless = next((name for name, least in least_depths(rules).items() if least == float("inf")), None)
    if endless is not None:
        what = f"`<{endless}>` never ends: every way to write it leads on."
        raise Problem(key, what, "Give it one without symbols that lead back to it.")


def leads_back(name: str, rules: Rules) -> bool:
    """Whether a symbol can come up within itself."""
    seen: set[str] = set()
    ahead = {name}
    while ahead:
        ahead = {part for each in ahead if each in rules for way in rules[each] for part in way.symbols} - seen
        seen |= ahead
    return name in seen


def flattened(rules: Rules) -> dict[str, Pool]:
    """All texts, with their weights, of each symbol that has few enough."""
    pools: dict[str, Pool] = {}
    for _ in rules:
        for name, ways in rules.items():
            most = MOST_TEXTS if name == "start" else MERGED
            if name not in pools and all(part in pools for way in ways for part in way.symbols):
                sizes = [float(np.prod([len(pools[part]) for part in way.symbols], dtype=float)) for way in ways]
                if sum(sizes) <= most:
                    pools[name] = written_out(ways, pools)
    return pools


def written_out(ways: Sequence[Expansion], pools: dict[str, Pool]) -> Pool:
    """All texts of one symbol, from those of the symbols within; what can be written in two ways comes up once."""
    weights: dict[str, float] = {}
    for way in ways:
        parts: list[Part] = [pools[name] if symbol else Pool(pl.Series([name])) for symbol, name in way.pieces]
        (pool,) = merged(parts, MOST_TEXTS)
        assert isinstance(pool, Pool)
        each = np.array(pool.weights or [1.0] * len(pool))
        for text, share in zip(pool.values, (each / each.sum() * way.weight).tolist(), strict=True):
            weights[text] = weights.get(text, 0.0) + share
    return Pool(pl.Series(list(weights), dtype=pl.String), list(weights.values()))

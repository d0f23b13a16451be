"""Text put together from parts: `template`, `words`."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta

from ffgen.rng import U64, Stream
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope
from ffgen.sample.beside import Beside
from ffgen.sample.lexicon import WORDS
from ffgen.sample.weighted import TEXT_TYPES, Codes, Listed, Pool, weighed
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import shown, tidy

SLOT = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
MERGED = 4096
"""Slots that stand together are drawn as one up to this many combinations: one look-up in place of two."""

Part = Pool | str
"""A piece of a template: texts to draw from, or the name of a field."""


class Template(Sampler):
    """Text with slots: `"Order {number} for {first_name}: {adjective} {noun}"`.

    A slot is another field of the record, by name, or a list of its own under `slots`. Numbers and dates stand as
    they do in the output. Where a field is null, so is the text. Write `{{` and `}}` for braces.

    - `text`: the text with its slots.
    - `slots`: what is drawn here: `{adjective: [red, blue], noun: {chair: 3, table: 1}}`, alike or by weight.
    """

    serves: ClassVar[frozenset[str]] = TEXT_TYPES
    example: ClassVar[str] = """\
- name: number
  type: integer
  values: [1001, 1002, 1003]
- name: subject
  generator:
    name: template
    text: "Order {number}: {adjective} {noun}"
    slots:
      adjective: [red, blue, green]
      noun: {chair: 3, table: 1}
"""

    text: Annotated[str, Meta(min_length=1, description="The text with {slots}.")]
    slots: Annotated[
        dict[str, dict[str, Any] | list[Any]], Meta(description="Lists to draw from, by the name of their slot.")
    ] = {}

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        pieces = list(cut(tidy(self.text)))
        named = [name for is_slot, name in pieces if is_slot]
        unused = next((name for name in self.slots if name not in named), None)
        if unused is not None:
            raise Problem("generator.slots", f"{shown(unused)} is no slot of the text.", f"Write {{{unused}}} in it.")
        lists = {name: pool_of(listed) for name, listed in self.slots.items()}
        self.fields = {name: self.beside(name) for name in named if name not in lists}
        parts: list[Part] = [
            name if name in self.fields else lists[name] if is_slot else Pool(pl.Series([name]))
            for is_slot, name in pieces
        ]
        self.parts = merged(parts, MERGED)
        # A list may have an empty text, which leaves a space at the end of the whole.
        self.loose = any((pool.values == "").any() for pool in lists.values())
        self.digits = self.numbering([part for part in parts if isinstance(part, Pool)])
        if len(self.parts) == 1 and isinstance(self.parts[0], Pool):
            self.parts = [Pool(self.parts[0].values.str.strip_chars(), self.parts[0].weights).fitting(kind)]
            self.loose = False

    def beside(self, name: str) -> Field | None:
        """The field that a slot names; one that nests has no text."""
        field = Beside(name, self.scope, "generator.text").field
        if field is not None and (field.fields or field.items):
            raise Problem("generator.text", f"`{name}` holds others.", "Name a field of plain values.")
        return field

    def numbering(self, pools: list[Pool]) -> list[Pool] | None:
        """The parts by which values are numbered; None where they can't be, or where two could be the same text."""
        constrained = self.field.pattern or self.field.length is not None or self.field.values
        if self.fields or constrained or not all(pool.even for pool in pools):
            return None
        whole = joined(pools) if np.prod([len(pool) for pool in pools], dtype=float) <= MERGED else None
        if whole is not None:
            return [Pool(whole.values.str.strip_chars().unique(maintain_order=True))]
        return pools if parts_tell(pools) and not self.loose else None

    @property
    def reads(self) -> Sequence[str]:
        return list(self.fields)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        columns = [
            part.draw(rng, n) if isinstance(part, Pool) else written(rows[part], self.fields[part])
            for part in self.parts
        ]
        text = concatenated(columns)
        return text.str.strip_chars() if self.loose else text

    def room(self) -> int | None:
        if self.digits is None:
            return None
        return min(math.prod(len(pool) for pool in self.digits), MOST_ROOM)

    def at(self, index: U64) -> Column:
        assert self.digits is not None
        return concatenated(list(spread(self.digits, index)))


class Words(Sampler):
    """A few words, one after the other: from a list of 600 common English ones, or from your own.

    - `count`: how many: a number, or `[low, high]`; 3 unless said.
    - `words`: words to draw from, `[red, blue]` or by weight `{red: 3, blue: 1}`.
    - `separator`: what stands between them, a space unless said; `"-"` makes slugs.
    - `distinct`: true lets no word come up twice in one text; there must be twice as many words as `count` then.
    """

    serves: ClassVar[frozenset[str]] = TEXT_TYPES
    example: ClassVar[str] = """\
- name: tags
  generator: {name: words, count: [2, 4], separator: ", "}
"""

    count: Annotated[
        Annotated[int, Meta(ge=1, le=1000)]
        | Annotated[list[Annotated[int, Meta(ge=1, le=1000)]], Meta(min_length=2, max_length=2)],
        Meta(description="How many words, or [low, high]."),
    ] = 3
    words: Annotated[dict[str, Any] | list[Any] | None, Meta(description="Words to draw from.")] = None
    separator: Annotated[str, Meta(description="What stands between words.")] = " "
    distinct: Annotated[bool, Meta(description="No word twice in a text.")] = False

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.low, self.high = span_of(self.count, "generator.count")
        self.first = pool_of(list(WORDS) if self.words is None else self.words, "generator.words")
        if self.distinct and len(self.first) < 2 * self.high:
            what = f"{len(self.first)} words are too few for {self.high} different ones in a text."
            raise Problem("generator.words", what, f"List {2 * self.high} or more.")
        if "" in self.first.values:
            raise Problem("generator.words", "a word is empty.", "Take it out.")
        # One more than there are words: none, for texts that have ended.
        self.next = pl.Series([*(self.separator + word for word in self.first.values), ""])

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        count = rng.integers(self.low, self.high + 1, n)
        picks = [self.first.codes(rng, n)]
        columns = [self.first.values.gather(pl.Series(picks[0]))]
        for place in range(1, self.high):
            codes = self.first.codes(rng, n)
            if self.distinct:
                self._tell_apart(rng, codes, picks)
                picks.append(codes.copy())
            codes[count <= place] = len(self.first)
            columns.append(self.next.gather(pl.Series(codes)))
        return concatenated(columns)

    def _tell_apart(self, rng: Stream, codes: Codes, picks: Sequence[Codes]) -> None:
        """Draws those again that came up before in the same text."""
        left = np.arange(len(codes))
        while len(left := left[np.logical_or.reduce([codes[left] == before[left] for before in picks])]):
            codes[left] = self.first.codes(rng, len(left))

    def room(self) -> int | None:
        constrained = self.field.pattern or self.field.length is not None or self.field.values or self.distinct
        apart = self.separator != "" and not any(self.separator in word for word in self.first.values)
        if constrained or not self.first.even or not apart or self.low != self.high:
            return None
        return min(int(len(self.first) ** self.high), MOST_ROOM)

    def at(self, index: U64) -> Column:
        later = Pool(self.next.head(len(self.first)))
        return concatenated(list(spread([self.first, *[later] * (self.high - 1)], index)))


def span_of(said: int | list[int], key: str) -> tuple[int, int]:
    """A number, or two, as low and high."""
    low, high = (said, said) if isinstance(said, int) else said
    if high < low:
        raise Problem(key, f"high ({high}) is below low ({low}).", "Swap them, or raise high.")
    return low, high


def cut(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a template: whether it is a slot, and its name or the text."""
    start, plain = 0, ""
    for found in SLOT.finditer(text):
        plain += text[start : found.start()]
        start = found.end()
        if found[0] in ("{{", "}}"):
            plain += found[0][0]
        elif not found[1]:
            what = f"`{found[0]}` at character {found.start() + 1} is no slot."
            raise Problem("generator.text", what, "Write {name}, or {{ and }} for braces.")
        else:
            if plain:
                yield False, plain
            yield True, found[1]
            plain = ""
    if plain + text[start:]:
        yield False, plain + text[start:]


def pool_of(listed: Listed, key: str = "generator.slots") -> Pool:
    """Texts to draw from. Numbers, true and false are written as in JSON."""
    weights: dict[str, float] = {}
    for value, given in weighed(listed, key):
        if isinstance(value, dict | list | None):
            raise Problem(key, f"{shown(value)} is no text.", "List texts or numbers.")
        text = tidy(value if isinstance(value, str) else shown(value))
        weights[text] = weights.get(text, 0.0) + given
    return Pool(pl.Series(list(weights), dtype=pl.String), list(weights.values()))


def merged(parts: Sequence[Part], most: int) -> list[Part]:
    """Parts with neighbouring pools made one, as long as that has no more than `most` texts."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Pool) and isinstance(last, Pool) and len(last) * len(part) <= most:
            found[-1] = joined([last, part])
        else:
            found.append(part)
    return found


def joined(pools: Sequence[Pool]) -> Pool:
    """All texts made of one of each pool, in turn."""
    texts = pl.Series(["".join(parts) for parts in product(*(pool.values for pool in pools))], dtype=pl.String)
    if all(pool.even for pool in pools):
        return Pool(texts)
    weights = (pool.weights or [1.0] * len(pool) for pool in pools)
    return Pool(texts, [math.prod(each) for each in product(*weights)])


def parts_tell(pools: Sequence[Pool]) -> bool:
    """Whether a text tells which parts it is made of: no part of a pool begins another one of it, or none ends one.
    Where both fail it may still be so."""
    texts = [pool.values.to_list() for pool in pools]
    backward = [[text[::-1] for text in each] for each in reversed(texts)]
    return any(all(map(apart, glued(each)[:-1])) for each in (texts, backward))


def glued(lists: Sequence[list[str]]) -> list[list[str]]:
    """Lists of texts with those of a single text added to what stands before them: `1-` does not begin `10-`."""
    found: list[list[str]] = []
    for texts in lists:
        if found and len(texts) == 1:
            found[-1] = [text + texts[0] for text in found[-1]]
        else:
            found.append(texts)
    return found


def apart(texts: Sequence[str]) -> bool:
    """Whether no text begins with another."""
    known = sorted(texts)
    return not any(after.startswith(before) for before, after in zip(known, known[1:], strict=False))


def spread(pools: Sequence[Pool], index: U64) -> Iterator[pl.Series]:
    """The parts that a number stands for: its digits, the last pool's the lowest."""
    digits: list[pl.Series] = []
    for pool in reversed(pools):
        digits.append(pool.at(index % np.uint64(len(pool))))
        index = index // np.uint64(len(pool))
    yield from reversed(digits)


def concatenated(columns: Sequence[pl.Series]) -> pl.Series:
    """Texts put together row by row, null where a part is; 7 ns a part and row."""
    return columns[0] if len(columns) == 1 else pl.select(pl.concat_str(columns)).to_series()


def written(column: pl.Series, field: Field | None) -> pl.Series:
    """A column as text: as it stands in the output, without quotes."""
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if field is not None and field.format is not None and dtype.is_temporal():
        return column.dt.strftime(field.format)
    if isinstance(dtype, pl.Datetime):
        return exact(column, "%Y-%m-%dT%H:%M:%S", "Z")
    if dtype == pl.Time:
        return exact(column, "%H:%M:%S", "")
    if dtype.is_float():
        # polars writes 1e+16 where JSON of everything else here has 1e16.
        return column.cast(pl.String).str.replace("e+", "e", literal=True)
    return column.cast(pl.String)


def exact(column: pl.Series, format: str, zone: str) -> pl.Series:
    """Moments in ISO 8601, with microseconds only where there are any."""
    whole = column.dt.strftime(format + zone)
    fine = column.dt.microsecond() != 0
    return whole.zip_with(~fine, column.dt.strftime(f"{format}%.6f{zone}")) if fine.any() else whole

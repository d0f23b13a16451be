"""What people, places and companies share: names by locale, a mixture of locales, and picks by cumulated quotas."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import orjson
import polars as pl
import pyzstd
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.pattern import Language
from ffgen.rng import U64, key_of, permute
from ffgen.sample.base import STEPS, Rows, Sampler, Scope, choose, cumulated
from ffgen.spec.types import Problem

T = TypeVar("T")
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR", "pl_PL", "sv_SE", "da_DK", "ja_JP",
)  # fmt: skip
WORLD = "world"
MOST_DOMAINS = 64
LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss"})
DATA = Path(__file__).parent / "data"

Of = Annotated[str, Meta(description="Whose it is, where a row has several, e.g. buyer and seller.")]
Locale = Annotated[
    str | list[str] | dict[str, Annotated[float, Meta(ge=0)]] | None,
    Meta(description="A locale such as de_DE, a list of them, or {locale: weight}; the table's unless said."),
]


@cache
def known(name: str) -> dict[str, Any]:
    """The names and places of a locale, or of the world's cities: read once a process, 1-8 ms."""
    found: dict[str, Any] = orjson.loads(pyzstd.decompress((DATA / f"{name}.json.zst").read_bytes()))
    return found


def locale_of(text: str) -> str:
    """The known locale that a text such as `de_DE`, `de-DE` or `de` names; raises Problem when there is none."""
    plain = text.replace("-", "_").lower()
    for name in LOCALES:
        if plain in (name.lower(), name[:2]):
            return name
    raise Problem("generator.locale", f"there are no names of `{text[:40]}`.", f"Known are {', '.join(LOCALES)}.")


def home(rows: Rows) -> Rows:
    """The rows that identities belong to: inside an object, those of the record around it."""
    while rows.outer is not None and rows.owner is None:
        rows = rows.outer
    return rows


def unit_of(kind: Callable[[tuple[str, ...], Scope], T], name: str, of: str, scope: Scope) -> T:
    """The unit of a table's fields, or of an array's items, that are drawn together."""
    record = scope.path.rpartition(".")[0] if scope.inner else ""
    key = (name, of, record)
    return scope.unit(key, lambda: kind(key, scope))


class Locales:
    """The locale of each row's identity: one for all, or a mixture, shared by a person and place of one `of`."""

    def __init__(self, key: tuple[str, ...], scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.said: dict[str, float] | None = None
        self.rows = 0
        """The rows of the table, where locales are given by row number (see `keyed`); 0: by chance."""

    def say(self, given: str | list[str] | dict[str, float] | None) -> None:
        """Takes a field's `locale`; all fields of one person must agree."""
        if given is None:
            locale_of(self.scope.locale)
            return
        pairs = {given: 1.0} if isinstance(given, str) else given
        shares = pairs if isinstance(pairs, dict) else dict.fromkeys(pairs, 1.0)
        named = {locale_of(name): weight for name, weight in shares.items() if weight > 0}
        if not named:
            raise Problem("generator.locale", "names no locale.", "E.g. locale: [en_US, de_DE].")
        if self.said is not None and self.said != named:
            what = f"is {', '.join(named)} here and {', '.join(self.said)} in another field of the same identity."
            raise Problem("generator.locale", what, "Say it once, or tell them apart with `of`.")
        self.said = named

    @property
    def shares(self) -> dict[str, float]:
        """Each locale and its weight."""
        return self.said or {locale_of(self.scope.locale): 1.0}

    @property
    def names(self) -> list[str]:
        """The locales, in order."""
        return list(self.shares)

    def drawn(self, rows: Rows) -> Codes | None:
        """The number of each row's locale; None when there is only one."""
        if len(self.shares) == 1:
            return None
        return rows.shared(self.key, lambda: self._draw(rows))

    def _draw(self, rows: Rows) -> Codes:
        if self.rows:
            return self.keyed(rows.index, self.rows)[0]
        return choose(rows.stream(*self.key), len(rows), cumulated(list(self.shares.values())))

    def keyed(self, index: U64, count: int) -> tuple[Codes, Codes, Codes]:
        """The locale of each of `count` rows by its number, the row's place among those of the locale, in an order
        without pattern, and how many they are: by quota, so that each has its share to the row."""
        key = key_of(self.scope.seed, self.scope.table, *self.key)
        place = permute(index, count, key).astype(np.int64)
        ends = np.rint(cumulated(list(self.shares.values())) * count).astype(np.int64)
        starts = np.concatenate([[0], ends[:-1]])
        code = np.searchsorted(ends, place, side="right")
        return code, place - starts[code], (ends - starts)[code]


def locales_of(scope: Scope, of: str) -> Locales:
    """The locales of an identity."""
    return unit_of(Locales, "locale", of, scope)


class Quotas:
    """Blocks of a row of numbers in proportion to shares, found without counting: where a block ends is a formula of
    its shares and the row's length. About 25 ns a number.

    Systematic sampling: `size` points lie evenly in the unit interval, the first at `start / size`, and each belongs
    to the share it falls into. A share s gets floor or ceil of s * size points; which, depends on `start`, so that
    over many starts in [0, 1) it gets s * size.
    """

    def __init__(self, ends: Floats) -> None:
        self.starts = np.concatenate([[0.0], ends[:-1]])
        self.ends = ends
        # A table of steps, as `choose` has; no more of them than pay, for three tables share the cache.
        self.steps = min(STEPS, 64 << len(ends).bit_length())
        edges = np.arange(self.steps) / self.steps
        first = np.searchsorted(ends, edges, side="right")
        last = np.searchsorted(ends, np.nextafter(edges + 1 / self.steps, 0), side="right")
        self.table = np.where(first == last, first, -1)

    def find(self, point: Floats) -> Codes:
        """The share that each point of the unit interval falls into."""
        found = self.table[(point * self.steps).astype(np.int64)]
        border = np.flatnonzero(found < 0)
        found[border] = np.searchsorted(self.ends, point[border], side="right")
        return np.minimum(found, len(self.ends) - 1)

    def split(
        self,
        offset: Codes,
        size: Codes | int,
        start: Floats | float,
        low: Floats | float = 0.0,
        width: Floats | float = 1.0,
    ) -> tuple[Codes, Codes, Codes]:
        """The block of each point by its number `offset` among `size`, its number in the block, and the block's size.

        `low` and `width` narrow the unit interval to a part of it that begins and ends where shares do.
        """
        found = self.find(np.minimum(low + (offset + start) / size * width, 1 - 1e-16))
        scale = size / width
        begin = self._edge(self.starts[found], low, scale, start)
        end = self._edge(self.ends[found], low, scale, start)
        # Rounding may put a point that lies on an edge to the wrong side of it: the edges decide.
        wrong = np.flatnonzero((offset < begin) | (offset >= end))
        while len(wrong):
            found[wrong] += np.where(offset[wrong] < begin[wrong], -1, 1)
            at = tuple(each[wrong] if isinstance(each, np.ndarray) else each for each in (low, scale, start))
            begin[wrong] = self._edge(self.starts[found[wrong]], *at)
            end[wrong] = self._edge(self.ends[found[wrong]], *at)
            wrong = wrong[(offset[wrong] < begin[wrong]) | (offset[wrong] >= end[wrong])]
        begin = np.maximum(begin, 0)
        return found, (offset - begin).astype(np.int64), (np.minimum(end, size) - begin).astype(np.int64)

    @staticmethod
    def _edge(share: Floats, low: Floats | float, scale: Floats | float, start: Floats | float) -> Floats:
        edge: Floats = np.ceil((share - low) * scale - start)
        return edge


def uniform(number: U64) -> Floats:
    """A keyed number, such as `mix` gives, as a point of the unit interval."""
    point: Floats = (number >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return point


def pool(values: Iterable[str], before: str = "", after: str = "") -> pl.Series:
    """Texts to gather from, with what always stands before or after them."""
    return pl.Series([f"{before}{value}{after}" for value in values], dtype=pl.String)


def joined(*parts: pl.Series | str) -> pl.Series:
    """Texts put together row by row: 20-30 ns a part."""
    return pl.select(pl.concat_str([pl.lit(part) for part in parts])).to_series()


def filtered(names: Sequence[str], sampler: Sampler, weights: Floats) -> Floats:
    """Weights with 0 for names that the sampler's field does not allow."""
    field = sampler.field
    if field.values is None and field.pattern is None and field.length is None:
        return weights
    kept = weights.copy()
    kept[[i for i, _ in sampler.kind.refuse(list(names), making=True)]] = 0
    return kept


def refuse_empty(sampler: Sampler, what: str, locales: Sequence[str]) -> None:
    """Raises Problem: nothing known is what the field allows."""
    field = sampler.field
    key = "values" if field.values is not None else "pattern" if field.pattern is not None else "length"
    raise Problem(key, f"no {what} of {', '.join(locales)} is like that.", "Loosen it, or choose another locale.")


def label(text: str, latin: dict[str, str]) -> str:
    """A company's name, or a part of it, in the letters of a domain name."""
    for word, said in latin.items():
        text = text.replace(word, f" {said} ")
    text = unicodedata.normalize("NFKD", text.replace("&", " and ").lower().translate(LETTERS))
    words = re.findall("[a-z0-9]+", re.sub(r"(?<=\w)[./](?=\w)|\.", "", "".join(c for c in text if c.isascii())))
    return "-".join(words)


def spelled(pattern: str) -> dict[str, float]:
    """The domains that a pattern such as @(gmail|yahoo)\\.com$ spells out, all alike often.

    >>> sorted(spelled(r"@(gmail|yahoo)\\.com$"))
    ['gmail.com', 'yahoo.com']
    """
    language = None
    if pattern.startswith("@") and pattern.endswith("$"):
        language = Language.of(pattern[1:-1], searched=False)
    count = language.count() if language else None
    if language is None or not count or count > MOST_DOMAINS:
        what = f"`{pattern[:60]}` does not spell out at most {MOST_DOMAINS} domains."
        raise Problem("pattern", what, r"E.g. pattern: '@(gmail|yahoo)\.com$', or take `generator: pattern`.")
    words: list[str] = []
    length = 0
    while len(words) < count:
        words += [language.word(i, length) for i in range(language.count(length, length) or 0)]
        length += 1
    return dict.fromkeys(words, 1.0)

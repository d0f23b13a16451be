"""The person of a row: which names, drawn once for all of a row's fields, by chance or by row number.

By number, an address made of the names is unique without memory. The rows, in an order without pattern, fall into
blocks by cumulated quotas: a block for each initial of a first name, in it one for each last name, in it one for
each first name. A row's place in its block is what tells it from its namesakes (ann.smith, ann.smith2): so names
are as frequent as by chance, and agree with the address.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.rng import U64, key_of, mix, permute, stream
from ffgen.sample.base import Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.identity import (
    Codes,
    Floats,
    Quotas,
    filtered,
    home,
    known,
    locales_of,
    pool,
    refuse_empty,
    uniform,
    unit_of,
)


@dataclass(frozen=True)
class Drawn:
    """People by the numbers of their names in `Names`; by row number, also the number that tells namesakes apart:
    those whose e-mail address would begin alike, and those whose user name would."""

    first: NDArray[np.uint32]
    last: NDArray[np.uint32]
    namesake: Codes | None = None
    nickname_sake: Codes | None = None


class Person:
    """The unit of a table's `person.*` fields with one `of`."""

    def __init__(self, key: tuple[str, ...], scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.locales = locales_of(scope, key[1])
        self.female = 0.5
        self.filters: dict[str, list[Sampler]] = {"first": [], "last": []}
        self.by: Literal["chance", "address", "full name"] = "chance"
        self._last: tuple[U64, Drawn] | None = None
        self._names: tuple[Any, Names] | None = None

    def number_by(self, by: Literal["address", "full name"]) -> None:
        """Has people drawn by row number, so that addresses, or full names too, are unique. Not in an array, whose
        items have no numbers; nor full names of several locales, which share some."""
        if not self.scope.count or (by == "full name" and len(self.locales.shares) > 1):
            return
        if self.by != "full name":
            self.by = by
        self.locales.rows = self.scope.count if len(self.locales.shares) > 1 else 0

    def narrow(self, part: Literal["first", "last"], sampler: Sampler) -> None:
        """Keeps to the names that a field allows; raises Problem when there is none."""
        self.filters[part].append(sampler)
        self.names  # noqa: B018

    @property
    def names(self) -> "Names":
        """The names to draw from, as the fields of the person want them that are bound so far."""
        state = self.locales.names, self.female, sum(map(len, self.filters.values()))
        if self._names is None or self._names[0] != state:
            self._names = state, Names(self.locales.names, self.female, self.filters)
        return self._names[1]

    @cached_property
    def quotas(self) -> list["Blocks"]:
        """The blocks of each locale."""
        return [Blocks(self.names, i, stream(self._seed("starts"), i)) for i in range(len(self.locales.shares))]

    def drawn(self, rows: Rows) -> Drawn:
        """The people of these rows."""
        rows = home(rows)
        make = self._by_chance if self.by == "chance" else lambda rows: self.keyed(rows.index)
        return rows.shared(self.key, lambda: make(rows))

    def keyed(self, index: U64) -> Drawn:
        """The people of rows by number. Remembers its last answer: the fields of a shard ask alike."""
        if self._last is None or self._last[0] is not index:
            found = self._by_pair(index) if self.by == "full name" else self._by_quota(index)
            self._last = (index, found)
        return self._last[1]

    def _seed(self, *name: str) -> int:
        return key_of(self.scope.seed, self.scope.table, *self.key, *name)

    def _by_chance(self, rows: Rows) -> Drawn:
        rng, names, n = rows.stream(*self.key), self.names, len(rows)
        codes = self.locales.drawn(rows)
        if codes is None:
            return Drawn(small(choose(rng, n, names.first_ends[0])), small(choose(rng, n, names.last_ends[0])))
        first, last = np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.uint32)
        for i in range(len(names.locales)):
            at = np.flatnonzero(codes == i)
            first[at] = choose(rng, len(at), names.first_ends[i]) + names.first_starts[i]
            last[at] = choose(rng, len(at), names.last_ends[i]) + names.last_starts[i]
        return Drawn(first, last)

    def _by_quota(self, index: U64) -> Drawn:
        count, key = self.scope.count, self._seed()
        if len(self.quotas) == 1:
            place = permute(index, count, key).astype(np.int64)
            return self.quotas[0].drawn(place, count, mix(index, key))
        codes, place, size = self.locales.keyed(index, count)
        parts: list[Any] = [np.empty(len(index), dtype=kind) for kind in (np.uint32, np.uint32, np.int64, np.int64)]
        for i, blocks in enumerate(self.quotas):
            at = np.flatnonzero(codes == i)
            if len(at):
                found = blocks.drawn(place[at], int(size[at[0]]), mix(index[at], key))
                for part, values in zip(parts, self.names.told_apart(found, i, len(self.quotas)), strict=True):
                    part[at] = values
        first, last, namesake, nickname = parts
        return Drawn(first, last, namesake, nickname)

    def _by_pair(self, index: U64) -> Drawn:
        return self.pairs.drawn(permute(index, self.pairs.room, self._seed()), mix(index, self._seed("gender")))

    @cached_property
    def pairs(self) -> "Pairs":
        """All full names of the locale."""
        return Pairs(self.names)


def person_of(scope: Scope, of: str) -> Person:
    """The person that fields with this `of` are about."""
    return unit_of(Person, "person", of, scope)


def small(codes: Codes) -> NDArray[np.uint32]:
    """As polars numbers rows."""
    return codes.astype(np.uint32)


class Names:
    """The names of some locales, one after the other: first names of men, then of women, and last names."""

    def __init__(self, locales: list[str], female: float, filters: dict[str, list[Sampler]]) -> None:
        self.locales = locales
        data = [known(name) for name in locales]
        self.first = [name for each in data for sex in ("male", "female") for name in each[sex]["names"]]
        self.first_slugs = [slug for each in data for sex in ("male", "female") for slug in each[sex]["slugs"]]
        self.last = [name for each in data for name in each["last"]["names"]]
        self.last_slugs = [slug for each in data for slug in each["last"]["slugs"]]
        self.of_woman = [name for each in data for name in each["last"].get("female", each["last"]["names"])]
        self.last_first = [each["full"].startswith("{last}") for each in data]
        self.first_starts = starts([len(each["male"]["names"]) + len(each["female"]["names"]) for each in data])
        self.last_starts = starts([len(each["last"]["names"]) for each in data])
        shares = (("male", 1 - female), ("female", female))
        first = [share * weight for each in data for sex, share in shares for weight in each[sex]["weights"]]
        self.first_weights = np.array(first)
        self.last_weights = np.array([weight for each in data for weight in each["last"]["weights"]])
        self.is_woman = np.concatenate(
            [np.repeat([False, True], [len(each[sex]["names"]) for sex in ("male", "female")]) for each in data]
        )
        for sampler in filters["first"]:
            self.first_weights = filtered(self.first, sampler, self.first_weights)
        for sampler in filters["last"]:
            allowed = filtered(self.last, sampler, self.last_weights)
            self.last_weights = np.minimum(allowed, filtered(self.of_woman, sampler, self.last_weights))
        for part, weights, runs in (
            ("first", self.first_weights, self.first_starts),
            ("last", self.last_weights, self.last_starts),
        ):
            if not np.add.reduceat(weights, runs[:-1]).all():
                refuse_empty(filters[part][-1], f"{part} name", locales)

    @cached_property
    def first_ends(self) -> list[Floats]:
        """Cumulated shares of each locale's first names."""
        return ends_of(self.first_weights, self.first_starts)

    @cached_property
    def last_ends(self) -> list[Floats]:
        """Cumulated shares of each locale's last names."""
        return ends_of(self.last_weights, self.last_starts)

    @cached_property
    def first_pool(self) -> pl.Series:
        """First names."""
        return pool(self.first)

    @cached_property
    def last_pool(self) -> pl.Series:
        """Last names, as men bear them, then as women do."""
        return pool([*self.last, *self.of_woman] if self.has_forms else self.last)

    @cached_property
    def has_forms(self) -> bool:
        """Whether women's last names differ (in Polish)."""
        return self.last != self.of_woman

    def last_codes(self, drawn: Drawn) -> NDArray[np.uint32]:
        """Where each person's last name is in `last_pool`."""
        if not self.has_forms:
            return drawn.last
        return drawn.last + small(self.is_woman[drawn.first] * np.int64(len(self.last)))

    @cached_property
    def told_by(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """First names, and last names, that another locale has in the same letters."""
        return shared(self.first_slugs, self.first_starts), shared(self.last_slugs, self.last_starts)

    def told_apart(self, drawn: Drawn, locale: int, count: int) -> tuple[Any, ...]:
        """One locale's people for a mixture: all numbers are global, and namesakes from different locales differ."""
        assert drawn.namesake is not None and drawn.nickname_sake is not None
        first, last = self.told_by[0][drawn.first], self.told_by[1][drawn.last]
        namesake = np.where(first & last, drawn.namesake * count + locale, drawn.namesake)
        nickname = np.where(last, drawn.nickname_sake * count + locale, drawn.nickname_sake)
        return drawn.first, drawn.last, namesake, nickname


def starts(sizes: list[int]) -> list[int]:
    """Where each of several runs starts, and where the last one ends."""
    return [0, *np.cumsum(sizes).tolist()]


def ends_of(weights: Floats, begins: list[int]) -> list[Floats]:
    """Cumulated shares of each run."""
    return [cumulated(weights[a:b].tolist()) for a, b in zip(begins, begins[1:], strict=False)]


def shared(slugs: list[str], begins: list[int]) -> NDArray[np.bool_]:
    """Which texts are in several runs."""
    runs = [set(slugs[a:b]) for a, b in zip(begins, begins[1:], strict=False)]
    return np.array([sum(slug in run for run in runs) > 1 for slug in slugs], dtype=bool)


class Slugs:
    """The distinct spellings of some names in order, and the names of each (its variants)."""

    def __init__(self, slugs: list[str], weights: Floats, begin: int) -> None:
        groups: dict[str, list[int]] = {}
        for number, (slug, weight) in enumerate(zip(slugs, weights.tolist(), strict=True)):
            if weight > 0:
                groups.setdefault(slug, []).append(number)
        self.texts = sorted(groups)
        self.variants = [groups[text] for text in self.texts]
        self.weights = np.array([weights[each].sum() for each in self.variants])
        self.counts = np.array([len(each) for each in self.variants], dtype=np.int64)
        most = int(self.counts.max())
        self.table = np.array([[*each, *[each[-1]] * (most - len(each))] for each in self.variants]) + begin
        self.edges = np.ones((len(groups), most))
        for row, each in enumerate(self.variants):
            self.edges[row, : len(each)] = cumulated(weights[each].tolist())

    def name(self, code: Codes, chance: U64) -> NDArray[np.uint32]:
        """A name with each spelling: by weight, where there are several."""
        found = self.table[code, 0]
        several = np.flatnonzero(self.counts[code] > 1)
        if len(several):
            which, point = code[several], uniform(chance[several])
            found[several] = self.table[which, (self.edges[which] <= point[:, None]).sum(axis=1)]
        return small(found)


class Blocks:
    """The blocks of one locale's rows: initial, last name, first name."""

    def __init__(self, names: Names, locale: int, rng: np.random.Generator) -> None:
        a, b = names.first_starts[locale : locale + 2]
        self.first = Slugs(names.first_slugs[a:b], names.first_weights[a:b], a)
        a, b = names.last_starts[locale : locale + 2]
        self.last = Slugs(names.last_slugs[a:b], names.last_weights[a:b], a)
        ends = cumulated(self.first.weights.tolist())
        initials = np.array([ord(text[0]) for text in self.first.texts])
        closing = np.flatnonzero(np.diff(initials, append=0))
        self.initial_quotas = Quotas(ends[closing])
        self.last_quotas = Quotas(cumulated(self.last.weights.tolist()))
        self.first_quotas = Quotas(ends)
        self.low = self.initial_quotas.starts
        self.width = self.initial_quotas.ends - self.low
        self.begin = float(rng.random())
        self.last_begin = rng.random(len(closing))
        self.first_begin = rng.random((len(closing), len(self.last.texts)))

    def drawn(self, place: Codes, count: int, chance: U64) -> Drawn:
        """The people at these places among `count`."""
        initial, offset, size = self.initial_quotas.split(place, count, self.begin)
        last, nickname, size = self.last_quotas.split(offset, size, self.last_begin[initial])
        start = self.first_begin[initial, last]
        first, namesake, _ = self.first_quotas.split(nickname, size, start, self.low[initial], self.width[initial])
        return Drawn(self.first.name(first, chance), self.last.name(last, mix(chance, 1)), namesake, nickname)


class Pairs:
    """All full names of a locale, each once."""

    def __init__(self, names: Names) -> None:
        self.first = Slugs(names.first, names.first_weights, 0)
        self.last = Slugs(names.last, names.last_weights, 0)
        self.room = len(self.first.texts) * len(self.last.texts)
        slugs = [names.first_slugs[each[0]] for each in self.first.variants]
        self.same_first, _ = ranks(slugs)
        self.same_initial, _ = ranks([slug[0] for slug in slugs])
        self.same_last, self.lasts = ranks([names.last_slugs[each[0]] for each in self.last.variants])

    def drawn(self, pair: U64, chance: U64) -> Drawn:
        """The people with these full names, by number."""
        first, last = np.divmod(pair.astype(np.int64), len(self.last.texts))
        lasts, same = self.lasts[last], self.same_last[last]
        namesake, nickname = self.same_first[first] * lasts + same, self.same_initial[first] * lasts + same
        return Drawn(self.first.name(first, chance), self.last.name(last, chance), namesake, nickname)


def ranks(texts: list[str]) -> tuple[Codes, Codes]:
    """For each text, how many like it went before, and how many there are."""
    seen: dict[str, int] = {}
    rank = np.empty(len(texts), dtype=np.int64)
    for number, text in enumerate(texts):
        rank[number] = seen[text] = seen.get(text, -1) + 1
    return rank, np.array([seen[text] + 1 for text in texts], dtype=np.int64)

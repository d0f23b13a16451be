"""Companies whose name, domain and e-mail address agree."""

import re
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, key_of, permute
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.identity import Codes, Locale, Of, home, joined, known, label, locales_of, pool, unit_of
from ffgen.spec.types import ValueType

TOP = ".example"
"""The top-level domain of invented companies: reserved (RFC 2606)."""
NAMES = "abc"

Parts = NDArray[np.uint32]
"""A company a column: the number of its form with suffix, then of up to three last names."""


class Company:
    """The unit of a table's `company.*` fields with one `of`."""

    def __init__(self, key: tuple[str, ...], scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.locales = locales_of(scope, key[1])
        self.is_unique = False

    @cached_property
    def firms(self) -> list["Firms"]:
        """What companies of each locale are named."""
        return [Firms(name) for name in self.locales.names]

    @property
    def room(self) -> int | None:
        """How many distinct names there are; None where they have no numbers: in an array, or in several locales,
        which share some."""
        if not self.is_unique or not self.scope.count or len(self.locales.shares) > 1:
            return None
        return min(self.firms[0].room, MOST_ROOM)

    def drawn(self, rows: Rows) -> list[tuple[Codes | None, Parts]]:
        """The companies of these rows by locale: which rows (None: all) and what they are made of."""
        rows = home(rows)
        make = self._by_chance if self.room is None else lambda rows: self.keyed(rows.index)
        return rows.shared(self.key, lambda: make(rows))

    def keyed(self, index: U64) -> list[tuple[Codes | None, Parts]]:
        """The companies of rows by number, all distinct."""
        key = key_of(self.scope.seed, self.scope.table, *self.key)
        return [(None, self.firms[0].numbered(index, min(self.scope.count, self.firms[0].room), key))]

    def _by_chance(self, rows: Rows) -> list[tuple[Codes | None, Parts]]:
        rng, codes = rows.stream(*self.key), self.locales.drawn(rows)
        if codes is None:
            return [(None, self.firms[0].drawn(rng, len(rows)))]
        places = [np.flatnonzero(codes == i) for i in range(len(self.firms))]
        return [(at, firms.drawn(rng, len(at))) for at, firms in zip(places, self.firms, strict=True)]

    def names(self, drawn: list[tuple[Codes | None, Parts]]) -> pl.Series:
        """Companies' names."""
        return together(drawn, [firms.names(parts) for firms, (_, parts) in zip(self.firms, drawn, strict=True)])

    def labels(self, drawn: list[tuple[Codes | None, Parts]]) -> pl.Series:
        """Companies' domains; each name has its own."""
        return together(drawn, [firms.domains(parts) for firms, (_, parts) in zip(self.firms, drawn, strict=True)])

    def domains(self, rows: Rows) -> pl.Series:
        """The domain of each row's company."""
        return self.labels(self.drawn(rows))


def company_of(scope: Scope, of: str) -> Company:
    """The company that fields with this `of` are about."""
    return unit_of(Company, "company", of, scope)


def together(drawn: list[tuple[Codes | None, Parts]], columns: list[pl.Series]) -> pl.Series:
    """The columns of several locales, back in the rows' order."""
    if drawn[0][0] is None:
        return columns[0]
    order = np.argsort(np.concatenate([at for at, _ in drawn if at is not None]), kind="stable")
    return pl.concat(columns).gather(order.astype(np.uint32))


class Firms:
    """Company names of a locale: forms such as `{a}, {b} and {c}` and `{a} {s}`, last names and suffixes.

    Last names that are spelt alike in a domain count once, by the most frequent, so that names and domains
    correspond one to one.
    """

    def __init__(self, locale: str) -> None:
        data, said = known(locale)["last"], known(locale)["company"]
        self.latin: dict[str, str] = said.get("latin", {})
        forms: list[str] = said["forms"]
        suffixes: list[str] = said["suffixes"]
        fixed = {
            word for text in [*forms, *suffixes] for word in label(re.sub(r"{\w}", " ", text), self.latin).split("-")
        }
        best: dict[str, tuple[float, str]] = {}
        for name, slug, weight in zip(data["names"], data["slugs"], data["weights"], strict=True):
            if slug not in fixed and (slug not in best or best[slug][0] < weight):
                best[slug] = weight, name
        self.slugs = list(best)
        self.last = [name for _, name in best.values()]
        self.ends = cumulated([weight for weight, _ in best.values()])
        self.forms = [(form, suffixes if "{s}" in form else [""]) for form in forms]
        self.used = [sum(f"{{{name}}}" in form for name in NAMES) for form in forms]
        whole = [form.replace("{s}", suffix) for form, each in self.forms for suffix in each]
        self.begins = np.cumsum([0, *[len(each) for _, each in self.forms]])
        self.texts = [re.split(r"{\w}", form) for form in whole]
        self.many = np.repeat(self.used, [len(each) for _, each in self.forms])

    @cached_property
    def rooms(self) -> list[int]:
        """How many names each form makes. No last name stands beside itself."""
        n = len(self.last)
        return [len(each) * n * (n - 1) ** (used - 1) for (_, each), used in zip(self.forms, self.used, strict=True)]

    @property
    def room(self) -> int:
        """How many distinct names there are."""
        return sum(self.rooms)

    def drawn(self, rng: Stream, n: int) -> Parts:
        """Companies by chance: all forms and suffixes alike often, last names as frequent as they are."""
        parts = np.empty((4, n), dtype=np.uint32)
        form = rng.integers(0, len(self.forms), n)
        sizes = np.diff(self.begins)[form]
        parts[0] = self.begins[form] + (rng.random(n) * sizes).astype(np.int64)
        for i in range(1, 4):
            parts[i] = choose(rng, n, self.ends)
            if i > 1:
                parts[i] = np.where(parts[i] == parts[i - 1], (parts[i] + 1) % len(self.last), parts[i])
        return self._trimmed(parts)

    def numbered(self, index: U64, count: int, key: int) -> Parts:
        """Distinct companies by row number below `count`: forms alike often as far as they go, last names too."""
        quotas = self._quotas(count)
        ends = np.cumsum(quotas)
        place = permute(index, count, key).astype(np.int64)
        form = np.searchsorted(ends, place, side="right")
        parts = np.zeros((4, len(index)), dtype=np.uint32)
        for i, room in enumerate(self.rooms):
            at = np.flatnonzero(form == i)
            offset = (place[at] - (ends[i] - quotas[i])).astype(np.uint64)
            parts[:, at] = self._decoded(i, permute(offset, room, key_of(key, i)).astype(np.int64))
        return self._trimmed(parts)

    def _quotas(self, count: int) -> list[int]:
        """How many of so many companies have each form: the same, but for forms that have no more names."""
        left, quotas = count, [0] * len(self.rooms)
        for rank, i in enumerate(sorted(range(len(self.rooms)), key=lambda i: self.rooms[i])):
            quotas[i] = min(self.rooms[i], left // (len(self.rooms) - rank))
            left -= quotas[i]
        return quotas

    def _decoded(self, form: int, number: Codes) -> NDArray[np.int64]:
        """The companies of a form by number."""
        n, parts = len(self.last), np.zeros((4, len(number)), dtype=np.int64)
        number, suffix = np.divmod(number, len(self.forms[form][1]))
        parts[0] = self.begins[form] + suffix
        number, parts[1] = np.divmod(number, n)
        for i in range(2, self.used[form] + 1):
            number, step = np.divmod(number, n - 1)
            parts[i] = (parts[i - 1] + 1 + step) % n
        return parts

    def _trimmed(self, parts: Parts) -> Parts:
        """The names beyond those that the form has are the empty one, the last of the pool."""
        used = self.many[parts[0]]
        for i in (2, 3):
            parts[i] = np.where(used < i, len(self.last), parts[i])
        return parts

    @cached_property
    def _between(self) -> list[pl.Series]:
        return [pool(text[i] if i < len(text) else "" for text in self.texts) for i in range(4)]

    @cached_property
    def _last(self) -> pl.Series:
        return pool([*self.last, ""])

    @cached_property
    def _slugs(self) -> pl.Series:
        return pool([*self.slugs, ""])

    @cached_property
    def _links(self) -> list[pl.Series]:
        """What stands between last names in a domain: the words of the form and the suffix, and hyphens."""
        links: list[list[str]] = [[], [], [], []]
        for text in self.texts:
            words = [label(each, self.latin) for each in text]
            made = [words[0] + "-" if words[0] else "", *[f"-{word}-" if word else "-" for word in words[1:]]]
            made[-1] = (f"-{words[-1]}" if words[-1] else "") + TOP
            for i in range(4):
                links[i].append(made[i] if i < len(made) else "")
        return [pool(each) for each in links]

    def names(self, parts: Parts) -> pl.Series:
        """Companies' names."""
        return self._joined(parts, self._between, self._last)

    def domains(self, parts: Parts) -> pl.Series:
        """Companies' domains."""
        return self._joined(parts, self._links, self._slugs)

    def _joined(self, parts: Parts, between: list[pl.Series], names: pl.Series) -> pl.Series:
        columns: list[pl.Series | str] = []
        for i in range(4):
            if i:
                columns.append(names.gather(parts[i]))
            if (between[i] != "").any():
                columns.append(between[i].gather(parts[0]))
            if i == max(self.used):
                break
        return joined(*columns)


class CompanyPart(Sampler):
    """A field of a company. Fields of a row with the same `of` are about one company."""

    of: Of = ""
    locale: Locale = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.company = company_of(scope, self.of)
        self.company.locales.say(self.locale)
        if self.field.unique or scope.dataset.unique_by == [self.field.name]:
            self.company.is_unique = True

    def room(self) -> int | None:
        return self.company.room

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.made(self.company.drawn(rows))

    def keyed(self, index: U64, key: int) -> Column:
        """The value of each row, which agrees with the company's others: so the key is the company's."""
        return self.made(self.company.keyed(index))

    def made(self, drawn: Any) -> pl.Series:
        """The field's value for each company."""
        raise NotImplementedError


class CompanyName(CompanyPart):
    """A company's name, made of last names in the way of the country: Miller, Jones and Brown.

    With `unique: true` every name is distinct. `of` tells several companies of a row apart (supplier, client);
    `locale` is a locale, a list, or {locale: weight}.
    """

    example: ClassVar[str] = "- {name: supplier, generator: {name: company.name, locale: de_DE}}"

    def made(self, drawn: Any) -> pl.Series:
        return self.company.names(drawn)


class CompanyDomain(CompanyPart):
    """The domain of a company, made of its name and always under the reserved .example: miller-llc.example."""

    example: ClassVar[str] = "- {name: company, generator: company.name}\n- {name: domain, generator: company.domain}"

    def made(self, drawn: Any) -> pl.Series:
        return self.company.labels(drawn)


class CompanyEmail(CompanyPart):
    """A company's e-mail address at its domain: info@miller-llc.example. `local` is what stands before the @."""

    local: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,30}$", description="What stands before the @.")] = (
        "info"
    )

    gives: ClassVar[str] = "email"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"format"})
    example: ClassVar[str] = "- {name: contact, generator: {name: company.email, local: sales}}"

    def made(self, drawn: Any) -> pl.Series:
        return joined(f"{self.local}@", self.company.labels(drawn))

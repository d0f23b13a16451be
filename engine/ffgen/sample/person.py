"""People whose name, e-mail address, user name, gender and birth date agree."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, key_of, mix
from ffgen.sample.base import MOST_ROOM, Column, Rows, Sampler, Scope, choose, cumulated
from ffgen.sample.born import EPOCH, Born, born_between, years_since
from ffgen.sample.checks import unheld
from ffgen.sample.company import company_of
from ffgen.sample.identity import Locale, Of, Quotas, home, joined, pool, spelled, uniform, unit_of
from ffgen.sample.people import Drawn, person_of
from ffgen.spec.model import Near
from ffgen.spec.types import Problem, ValueType

RESERVED = {"example.com": 1.0, "example.org": 1.0, "example.net": 1.0}
PLAIN_SHARE = 0.4
"""The share of addresses and user names without a number, where these need not be unique."""
READY = 4096
"""Numbers after a name that are kept as text."""


class PersonPart(Sampler):
    """A field of a person. Fields of a row with the same `of` are about one person."""

    of: Of = ""
    locale: Locale = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.person = person_of(scope, self.of)
        self.person.locales.say(self.locale)


class FirstName(PersonPart):
    """A person's first name, as frequent as in the country where that is known.

    Agrees with the row's other `person.*` fields. `pattern`, `values` and `length` narrow the names. `of` tells
    several people of a row apart (buyer, seller); `locale` is a locale, a list, or {locale: weight}.
    """

    holds: ClassVar[frozenset[str]] = frozenset({"values", "pattern", "length"})
    example: ClassVar[str] = "- {name: first_name, generator: {name: person.first_name, locale: de_DE}}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.person.narrow("first", self)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.person.names.first_pool.gather(self.person.drawn(rows).first)


class LastName(PersonPart):
    """A person's last name, as frequent as in the country where that is known.

    Agrees with the row's other `person.*` fields. `pattern`, `values` and `length` narrow the names. `of` tells
    several people of a row apart (buyer, seller); `locale` is a locale, a list, or {locale: weight}.
    """

    holds: ClassVar[frozenset[str]] = frozenset({"values", "pattern", "length"})
    example: ClassVar[str] = "- {name: last_name, generator: {name: person.last_name, locale: [en_US, es_ES]}}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.person.narrow("last", self)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        names = self.person.names
        return names.last_pool.gather(names.last_codes(self.person.drawn(rows)))


class FullName(PersonPart):
    """A person's first and last name, in the order of the locale.

    Agrees with the row's other `person.*` fields. With `unique: true` each full name is drawn once at most, all
    alike often; `of` tells several people of a row apart; `locale` is a locale, a list, or {locale: weight}.
    """

    example: ClassVar[str] = "- {name: customer, generator: {name: person.full_name, of: buyer}}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if alone(bool(self.field.unique), self.field.name, scope):
            self.person.number_by("full name")

    def room(self) -> int | None:
        return self.person.pairs.room if self.person.by == "full name" else None

    def keyed(self, index: U64, key: int) -> Column:
        return self._names(self.person.keyed(index), None)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self._names(self.person.drawn(rows), self.person.locales.drawn(home(rows)))

    def _names(self, drawn: Drawn, locales: NDArray[np.int64] | None) -> pl.Series:
        names = self.person.names
        last = names.last_codes(drawn)
        if not any(names.last_first):
            return joined(self._spaced()[0].gather(drawn.first), names.last_pool.gather(last))
        if all(names.last_first):
            return joined(self._spaced()[1].gather(last), names.first_pool.gather(drawn.first))
        assert locales is not None
        turned = np.array(names.last_first)[locales]
        front = np.where(turned, last + np.uint32(len(names.first)), drawn.first)
        back = np.where(turned, drawn.first + np.uint32(len(names.last_pool)), last)
        ends = pl.concat([names.last_pool, names.first_pool])
        return joined(pl.concat(self._spaced()).gather(front), ends.gather(back))

    def _spaced(self) -> tuple[pl.Series, pl.Series]:
        if "spaced" not in self.__dict__:
            names = self.person.names
            self.spaced = pool(names.first, after=" "), pool(names.last_pool.to_list(), after=" ")
        found: tuple[pl.Series, pl.Series] = self.spaced
        return found


class Gender(PersonPart):
    """A person's gender, which the first name agrees with: male or female.

    `female` is the share of women (0.5 unless said), `values` the words, e.g. {male: M, female: F}. A field with
    `values: [M, F]` is understood, and its `weights` are the shares.
    """

    values: Annotated[dict[str, str], Meta(description="What stands for male and for female.")] = {}
    female: Annotated[float, Meta(ge=0, le=1, description="The share of women.")] = 0.5

    serves: ClassVar[frozenset[str]] = frozenset({"enum"})
    holds: ClassVar[frozenset[str]] = frozenset({"values"})
    example: ClassVar[str] = "- {name: gender, values: [M, F], weights: [0.48, 0.52], generator: person.gender}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if unknown := self.values.keys() - {"male", "female"}:
            raise Problem("generator.values", f"`{min(unknown)}` is unknown.", "Give `male` and `female`.")
        words, share = self._words(), self.female
        if self.field.values is not None:
            given = [str(value) for value in self.field.values]
            if sorted(given) != sorted(words):
                what = f"does not say which of {', '.join(given[:5])} is male and which female."
                raise Problem("values", what, "Say it: generator: {name: person.gender, values: {male: M, female: W}}.")
            if self.field.weights is not None:
                share = self.field.weights[given.index(words[1])] / sum(self.field.weights)
        self.words = pool(words)
        self.person.female = share

    def _words(self) -> list[str]:
        found = {"male": "male", "female": "female"}
        for value in self.field.values or []:
            start = str(value)[:1].lower()
            if start in "mf":
                found["male" if start == "m" else "female"] = str(value)
        return [self.values.get(sex, said) for sex, said in found.items()]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        women = self.person.names.is_woman[self.person.drawn(rows).first]
        return self.words.gather(women.astype(np.uint32))


class Suffixed(PersonPart):
    """An address or user name: by row number where it is unique, else with a number now and then."""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        # What a constraint may refuse is drawn again, which one that follows from the row number can't be.
        free = self._may_number() and not unheld(self)
        self.is_numbered = free and alone(bool(self.field.unique), self.field.name, scope)
        if self.is_numbered:
            self.person.number_by("address")
            self.is_numbered = self.person.by != "chance"

    def _may_number(self) -> bool:
        return True

    def room(self) -> int | None:
        if not self.is_numbered:
            return None
        return self.person.pairs.room if self.person.by == "full name" else MOST_ROOM

    def _tails(self, ends: Sequence[str], shares: Sequence[float]) -> tuple[pl.Series, Any]:
        """What may follow a name, and how often: each end plain, or after a number up to 99."""
        numbers = ["", *map(str, range(1, 100))]
        often = [PLAIN_SHARE, *[(1 - PLAIN_SHARE) / 99] * 99]
        tails = [f"{number}{end}" for end in ends for number in numbers]
        return pool(tails), cumulated([share * each for share in shares for each in often])

    @property
    def ready(self) -> pl.Series:
        """The numbers of namesakes as text; the first of a name has none."""
        return pool(["", *map(str, range(2, READY + 1))])


def numbered(namesake: NDArray[np.int64], ready: pl.Series) -> pl.Series:
    """What tells namesakes apart, as text: nothing for the first, then 2, 3 and so on."""
    if int(namesake.max(initial=0)) < len(ready):
        return ready.gather(namesake.astype(np.uint32))
    text = pl.Series(namesake + 1).cast(pl.String)
    return text.zip_with(pl.Series(namesake > 0), pl.Series([""]))


class PersonEmail(Suffixed, rename={"work": "at"}):
    """A person's e-mail address, made of the row's names: ann.smith@example.com.

    With `unique: true` namesakes are numbered (ann.smith2), names stay as frequent as they are, and any row's
    address can be made again from its number. The domain is a reserved one (RFC 2606), or one that `domains` names
    (a list, or {domain: weight}), or that the field's `pattern` spells out, such as @(gmail|yahoo)\\.com$.
    `at: company` takes the domain of the row's company (the one with the same `of`).
    """

    domains: Annotated[
        list[str] | dict[str, Annotated[float, Meta(ge=0)]] | None,
        Meta(description="Domains, or {domain: weight}; reserved ones unless said."),
    ] = None
    work: Annotated[str, Meta(pattern="^(company)?$", description="`company`: the domain of the row's company.")] = ""

    gives: ClassVar[str] = "email"
    serves: ClassVar[frozenset[str]] = frozenset({"string"})
    holds: ClassVar[frozenset[str]] = frozenset({"pattern", "format"})
    example: ClassVar[str] = "- {name: email, type: email, unique: true}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        shares = self._shares(kind)
        super().bind(kind, scope)
        if self.work:
            self.company = company_of(scope, self.of)
            self.company.locales.say(self.locale)
        ends = [""] if self.work else [f"@{domain}" for domain in shares]
        weights = [1.0] if self.work else list(shares.values())
        self.tails, self.shares = self._tails(ends, weights)
        self.ends, self.quotas, self.numbers = pool(ends), Quotas(cumulated(weights)), self.ready
        self.key = key_of(scope.seed, scope.table, *self.person.key, "domain")

    def _may_number(self) -> bool:
        # A company's domain is drawn by chance, so it has no number: the gate sees to uniqueness.
        return not self.work

    def _shares(self, kind: ValueType) -> dict[str, float]:
        given = dict.fromkeys(self.domains, 1.0) if isinstance(self.domains, list) else self.domains
        if self.work and (given is not None or kind.field.pattern):
            raise Problem("generator.at", "the company has its own domain.", "Take `domains` or `pattern` away.")
        if given is not None:
            kept = {domain: weight for domain, weight in given.items() if weight > 0}
            bad = [domain for domain in kept if not fits(kind, f"ann.smith@{domain}")]
            if bad or not kept:
                what = f"`{bad[0][:60]}` is no domain that the field allows." if bad else "names no domain."
                raise Problem("generator.domains", what, "E.g. domains: [example.com].")
            return kept
        return spelled(kind.field.pattern) if kind.field.pattern else RESERVED

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.is_numbered:
            return self.keyed(home(rows).index, 0)
        drawn, (first, last) = self.person.drawn(rows), self._pools()
        tails = self.tails.gather(choose(rng, n, self.shares).astype(np.uint32))
        parts = [first.gather(drawn.first), last.gather(drawn.last), tails]
        return joined(*parts, "@", self.company.domains(rows)) if self.work else joined(*parts)

    def keyed(self, index: U64, key: int) -> Column:
        """The address of each row, which agrees with its names: so the key is the person's, not the field's own."""
        drawn, (first, last) = self.person.keyed(index), self._pools()
        assert drawn.namesake is not None
        end = self.quotas.find(uniform(mix(index, self.key)))
        number = numbered(drawn.namesake, self.numbers)
        return joined(
            first.gather(drawn.first), last.gather(drawn.last), number, self.ends.gather(end.astype(np.uint32))
        )

    def _pools(self) -> tuple[pl.Series, pl.Series]:
        if "pools" not in self.__dict__:
            names = self.person.names
            self.pools = pool(names.first_slugs, after="."), pool(names.last_slugs)
        found: tuple[pl.Series, pl.Series] = self.pools
        return found


def fits(kind: ValueType, address: str) -> bool:
    """Whether the field allows an address, reserved or not."""
    return next(kind.refuse([address], making=False), None) is None


class UserName(Suffixed):
    """A person's user name, made of the row's names: asmith42.

    With `unique: true` namesakes are numbered (asmith, asmith2), and names stay as frequent as they are.
    """

    example: ClassVar[str] = "- {name: user_name, generator: person.user_name, unique: true}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.tails, self.shares = self._tails([""], [1.0])
        self.numbers = self.ready

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.is_numbered:
            return self.keyed(home(rows).index, 0)
        tails = self.tails.gather(choose(rng, n, self.shares).astype(np.uint32))
        return self._named(self.person.drawn(rows), tails)

    def keyed(self, index: U64, key: int) -> Column:
        """The user name of each row, which agrees with its names: so the key is the person's, not the field's own."""
        drawn = self.person.keyed(index)
        assert drawn.nickname_sake is not None
        return self._named(drawn, numbered(drawn.nickname_sake, self.numbers))

    def _named(self, drawn: Drawn, tail: pl.Series) -> pl.Series:
        if "pools" not in self.__dict__:
            names = self.person.names
            self.pools = pool(slug[0] for slug in names.first_slugs), pool(names.last_slugs)
        first, last = self.pools
        return joined(first.gather(drawn.first), last.gather(drawn.last), tail)


def alone(unique: bool | Near, name: str, scope: Scope) -> bool:
    """Whether the field alone tells rows apart."""
    return bool(unique) or scope.dataset.unique_by == [name]


class BirthDate(PersonPart):
    """A person's birth date: of an adult from 18 to 80 at the data's date (`as_of`), every day alike likely.

    `range` gives other days. A `person.age` field with the same `of` agrees with it.
    """

    gives: ClassVar[str] = "date"
    holds: ClassVar[frozenset[str]] = frozenset({"range", "format"})
    example: ClassVar[str] = "- {name: born, generator: person.birth_date, range: ['1950-01-01', '2005-12-31']}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.born = unit_of(Born, "born", self.of, scope)
        low, high = getattr(kind, "low", None), getattr(kind, "high", None)
        if low is not None and high is not None:
            self.born.between(low, high)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return pl.Series(self.born.drawn(rows).astype("datetime64[D]"))


class Age(PersonPart):
    """A person's age in whole years at the data's date (`as_of`): 18 to 80, or within `range`.

    A `person.birth_date` field with the same `of` agrees with it.
    """

    gives: ClassVar[str] = "integer"
    serves: ClassVar[frozenset[str]] = frozenset({"number"})
    holds: ClassVar[frozenset[str]] = frozenset({"range", "decimals"})
    example: ClassVar[str] = "- {name: age, generator: person.age, range: [18, 65]}"

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        self.born = unit_of(Born, "born", self.of, scope)
        low, high = getattr(kind, "low", None), getattr(kind, "high", None)
        if low is not None and high is not None:
            youngest, oldest = int(np.ceil(low)), int(np.floor(high))
            if youngest < 0 or youngest > oldest or oldest > 150:
                raise Problem("range", f"[{low}, {high}] holds no age from 0 to 150.", "E.g. range: [18, 80].")
            self.born.between(*born_between(self.born.today, youngest, oldest))

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        born = self.born.drawn(rows)
        if "years" not in self.__dict__:
            low, high = self.born.days()
            days = np.arange(np.datetime64(low, "D"), np.datetime64(high, "D") + 1)
            self.start, self.years = (low - EPOCH).days, years_since(days, self.born.today)
        years: NDArray[np.int64] = self.years
        return years[born - self.start]

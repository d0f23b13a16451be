"""Values of Faker, by either of its naming styles, through pools."""

import difflib
import importlib
import inspect
import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta

from ffgen.rng import U64, Stream, key_of
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.catalogue import BARRED, JAVASCRIPT, NOT_FOR, PYTHON, SIZE, Method
from ffgen.sample.foreign import CONSTRAINTS, SCALARS, fitted
from ffgen.spec.types import Problem, ValueType

LARGEST = 100_000
BLOCK = 1000
LONGEST = 10_000
_HOST = re.compile(r"((?:[a-z]+://)?(?:[^/@\s]+@)?)([^/:?#@\s]+)(.*)", re.DOTALL)
_FREE = re.compile(r"(?:.*\.)?(?:example\.(?:com|org|net)|example|test|invalid)")


class Provider(Sampler):
    """A value of Faker, called as in Python Faker (`name`, `iban`) or in Faker.js (`person.fullName`, `finance.iban`).

    A pool of values is drawn once, and rows pick from it; Faker itself is too slow for a value a row. Values agree
    with nothing else in the row: a name and an e-mail from here are two people's. Faker is a package of its own:
    `pip install 'ffgen[faker]'`. Hosts are moved to reserved domains; phone numbers and codes are as Faker has them,
    and may be somebody's. What Faker counts from today counts from the table's `as_of`.

    - `method`: its name in either style. Methods that read files, evaluate templates or give no plain value are not
      there.
    - `params`: what it takes, such as {min: 1, max: 6}: plain values, or lists of them. Dates are ISO text, or
      relative to `as_of` such as -30d.
    - `pool`: how many values are drawn. A value of the field is one of them; a unique field has a pool as large as
      it needs, up to 100,000 distinct values.
    - `locale`: another one than the table's.
    """

    example: ClassVar[str] = "- {name: role, generator: {name: provider, method: person.jobTitle, pool: 200}}\n"
    serves = SCALARS
    holds = CONSTRAINTS

    method: Annotated[str, Meta(min_length=1, max_length=100)]
    params: dict[str, Any] = {}
    pool: Annotated[int, Meta(ge=1, le=LARGEST)] = 1000
    locale: Annotated[str, Meta(max_length=20)] = ""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        locale = (self.locale or scope.locale).replace("-", "_")
        wanted = max(self.pool, scope.count) if kind.field.unique else self.pool
        if wanted > LARGEST:
            what = f"a pool has at most {LARGEST:,} distinct values; {scope.count:,} rows are asked for."
            raise Problem("unique", what, "Use a generator with more room, e.g. a pattern or a uuid.")
        key = key_of(scope.seed, scope.table, scope.path, "pool")
        place = msgspec.json.encode([kind.field, locale, self.method, self.params, wanted, key, scope.as_of])
        self.values = remembered(place, lambda: self._drawn(kind, key, locale, wanted))
        if kind.field.unique and len(self.values) < scope.count:
            what = f"Faker's `{self.method}` has {len(self.values):,} distinct values that fit; "
            what += f"{scope.count:,} rows are asked for."
            raise Problem("unique", what, f"Lower count to {len(self.values):,}, or use a generator with more room.")

    def room(self) -> int | None:
        return len(self.values) if self.field.unique else None

    def at(self, index: U64) -> Column:
        return self.values.gather(index)

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.values.gather(rng.integers(0, len(self.values), n, dtype=np.uint32))

    def _drawn(self, kind: ValueType, key: int, locale: str, wanted: int) -> pl.Series:
        """The pool. A unique field's is distinct, and ends when a block of draws has brought next to nothing."""
        method = found(self.method)
        source = picked(method, key, self.params) if method.words else asked(method, self, key, locale)
        values: list[Any] = []
        while len(values) < wanted:
            size = max(BLOCK, wanted - len(values))
            drawn = list(islice(source, size))
            settled, wrong = fitted(kind, drawn)
            fresh = [value for i, value in enumerate(settled) if i not in wrong]
            if not fresh:
                i, reason = min(wrong.items())
                what = f"no value of Faker's `{self.method}` fits ({reason}), e.g. {str(drawn[i])[:40]!r}."
                raise Problem("generator.method", what, "Change the field's type or constraints, or the method.")
            before = len(values)
            values = list(dict.fromkeys([*values, *fresh])) if kind.field.unique else [*values, *fresh]
            if len(values) - before < size // 100:
                break
        return pl.Series(values[:wanted], dtype=kind.value_dtype())


_pools: dict[bytes, pl.Series] = {}


def remembered(place: bytes, make: Callable[[], pl.Series]) -> pl.Series:
    """The pool of a place. A spec is looked at, planned and run: three times bound, and once drawn."""
    pool = _pools.get(place)
    if pool is None:
        pool = make()
        if len(_pools) >= 32:
            _pools.pop(next(iter(_pools)), None)
        _pools[place] = pool
    return pool


def found(name: str) -> Method:
    """A method by its name in either style; raises `Problem`."""
    bare = name.removeprefix("faker.").removesuffix("()")
    method = JAVASCRIPT.get(bare) or PYTHON.get(bare)
    if method is None:
        near = difflib.get_close_matches(bare, [*JAVASCRIPT, *PYTHON], 1)
        hint = f"Did you mean `{near[0]}`?" if near else "Names are those of Python Faker, or of Faker.js 9."
        raise Problem("generator.method", f"no method of Faker called `{name[:60]}` can be used here.", hint)
    return method


def picked(method: Method, key: int, params: Mapping[str, Any]) -> Iterator[str]:
    """Endless picks from the method's own lists."""
    if params:
        raise Problem("generator.params", f"`{next(iter(params))}` means nothing here.", "It takes no parameters.")
    chance = random.Random(key)
    while True:
        yield " ".join(chance.choice(each) for each in method.words)


def asked(method: Method, wanted: Provider, key: int, locale: str) -> Iterator[Any]:
    """Endless values of a method of Faker; raises `Problem` when it can't be called so."""
    faker = faker_of(locale, wanted.scope.as_of)
    call = getattr(faker, method.name, None)
    if call is None or locale in NOT_FOR.get(method.name, ()):
        what = f"Faker has no `{wanted.method}` for {locale}."
        raise Problem("generator.method", what, "Choose another method, or say another `locale`.")
    given = {**method.gives, **translated(method, wanted.params, inspect.signature(call).parameters)}
    faker.seed_instance(key)
    while True:
        try:
            value = call(**given)
        except Exception as error:
            what = f"Faker refuses `{wanted.method}`: {str(error)[:200]}"
            raise Problem("generator.params", what.rstrip(".") + ".", "Change the parameters.") from error
        yield finished(method, value)


def finished(method: Method, value: Any) -> Any:
    """The value as a field takes it."""
    if method.after == "reserved":
        return reserved(value)
    return {"words": " ", "lines": "\n"}[method.after].join(value) if method.after else value


def reserved(text: str) -> str:
    """An address, a URL or a domain whose host is moved to the reserved top level domain.

    >>> reserved("ann@smith.com"), reserved("https://www.smith.co.uk/a?b"), reserved("example.net")
    ('ann@smith.example', 'https://www.smith.co.example/a?b', 'example.net')
    """
    match = _HOST.fullmatch(text)
    if match is None or _FREE.fullmatch(match[2].lower()):
        return text
    return f"{match[1]}{match[2].rpartition('.')[0] or match[2]}.example{match[3]}"


def translated(method: Method, params: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The spec's parameters as the method's own; raises `Problem` for one that it does not take."""
    given: dict[str, Any] = {}
    for name, value in params.items():
        target, _, form = method.takes.get(name, name).partition(":")
        if target not in known or target in BARRED:
            fitting = ", ".join(sorted({*method.takes, *(set(known) - BARRED)})) or "nothing"
            raise Problem("generator.params", f"`{name}` means nothing here.", f"It takes {fitting}.")
        for each in value if isinstance(value, list) else [value]:
            if each is not None and not isinstance(each, str | int | float):
                raise Problem("generator.params", f"`{name}` is no plain value.", "Give text, a number or a list.")
        if target in SIZE and isinstance(value, int) and value > LONGEST:
            raise Problem("generator.params", f"`{name}` is above {LONGEST:,}.", "Lower it.")
        given[target] = form.format(value) if form and isinstance(value, int) else value
    return given


def faker_of(locale: str, now: datetime) -> Any:
    """A generator of Faker for a locale, whose today is `now`. Its chance is its own, and nothing global is touched."""
    try:
        factory = importlib.import_module("faker.factory").Factory
    except ImportError:
        raise Problem("generator.method", "Faker is not installed.", "pip install 'ffgen[faker]'") from None
    try:
        faker = factory.create(locale)
    except AttributeError:
        raise Problem("generator.locale", f"Faker has no locale {locale[:20]}.", "Name one as in de_DE.") from None
    address = faker.provider("faker.providers.address")
    if isinstance(getattr(address, "cities", None), list):
        # Italy's are made from a set: their order is another one in every process.
        address.cities = sorted(address.cities)
    faker.add_provider(dated(type(faker.provider("faker.providers.date_time")), now.replace(tzinfo=None)))
    return faker


def dated(kind: Any, now: datetime) -> Any:
    """A class of Faker's dates for which it is always `now`: what it reads from the clock is said to it instead."""

    class Dated(kind):  # type: ignore[misc]
        @classmethod
        def _parse_end_datetime(cls, value: Any) -> Any:
            return cls._parse_date_time("now" if value is None else value)

        @classmethod
        def _parse_date_time(cls, value: Any, tzinfo: Any = None) -> Any:
            return super()._parse_date_time(absolute(cls, value, now), tzinfo)

        @classmethod
        def _parse_date(cls, value: Any) -> Any:
            return super()._parse_date(absolute(cls, value, now))

        def date_time_between_dates(
            self, datetime_start: Any = "now", datetime_end: Any = "now", tzinfo: Any = None
        ) -> datetime:
            """As Faker's."""
            ends = ["now" if end is None else end for end in (datetime_start, datetime_end)]
            made: datetime = super().date_time_between_dates(*ends, tzinfo)
            return made

        def date_of_birth(self, minimum_age: int = 0, maximum_age: int = 115) -> date:
            """As Faker's."""
            if not 0 <= minimum_age <= maximum_age <= 1000:
                raise ValueError("ages are from 0 up, the least first")
            return born(self.generator.random, now.date(), minimum_age, maximum_age)

    return Dated


def absolute(kind: Any, value: Any, now: datetime) -> Any:
    """A moment that Faker would count from the clock, counted from `now`: now, today, this year, -30d, or ISO text."""
    if not isinstance(value, str):
        return value
    starts = {"century": now.year // 100 * 100, "decade": now.year // 10 * 10, "year": now.year, "month": now.year}
    if value in ("now", "today"):
        return now
    if (period := value.removeprefix("this ")) in starts:
        return datetime(starts[period], now.month if period == "month" else 1, 1)
    if value[:1] in "+-":
        return now + timedelta(**kind._parse_date_string(value))
    return datetime.fromisoformat(value)


def born(chance: random.Random, today: date, least: int, most: int) -> date:
    """A day of birth of somebody who is from `least` to `most` years old today."""
    first = _years_before(today, most + 1) + timedelta(days=1)
    return first + timedelta(days=chance.randint(0, (_years_before(today, least) - first).days))


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)

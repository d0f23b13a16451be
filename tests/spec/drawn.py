"""Hypothesis strategies: fields of every type, and raw JSON values that fit them, nearly fit them, or don't."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from ffgen.spec.model import Dataset, Field

# Composed and decomposed letters, a letter that NFC makes two of, escapes, a surrogate pair, a line separator.
LETTERS = st.sampled_from(
    list("ab Z09-'\"\\/\n\t\x7f,{}[]") + ["é", "e\u0301", "\u0958", "ß", "日", "😀", "\u2028", "\u00a0"]
)
TEXTS = st.lists(LETTERS, max_size=8).map("".join)
INTS = st.one_of(st.integers(-5, 40), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**63, 10**25]))
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-0.0, 0.0, 1.0, 1e16, 1e-7, 0.1 + 0.2, 2.5, 123456789.125]),
)
ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))])
MOMENTS = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), ZONES).map(
    lambda moment: moment.isoformat().replace("+00:00", "Z")
)
TIMES = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.times(), ZONES).map(time.isoformat)
DATES = st.dates().map(date.isoformat)
EMAILS = st.sampled_from(["a.b@example.com", "A@Example.ORG", "x@corp.io", "no at", " a@b.test ", "a@b"])
URLS = st.sampled_from(["https://example.com/a", "http://shop.test", "https://real.io/x", "ftp://example.com"])
STAMPS = st.datetimes(min_value=datetime(2, 1, 1)).map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
PHONES = st.sampled_from(["+12025550143", "+351912345678", "12025550143", "+12025550143 "])
IPS = st.sampled_from(["10.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3", "01.2.3.4"])
UUIDS = st.uuids().flatmap(lambda uuid: st.sampled_from([str(uuid), str(uuid).upper(), f" {uuid}", uuid.hex]))
JUNK = st.one_of(
    st.none(), st.booleans(), INTS, FLOATS, TEXTS, DATES, st.just([]), st.just({}), st.just([1]), st.just({"a": 1})
)
SLIPS = st.one_of(
    st.integers(-5, 40).map(str), st.integers(-5, 40).map(float), st.sampled_from(["true", " False ", "2.50", " 7 "])
)
LISTS: list[list[Any]] = [["a", "b c"], ["é", "e\u0301x"], [1, 2, 3], [1, 2.5, 0], [True, False], ["1", "true"]]
_FLAGS = {"nullable": st.booleans()}


def field(type: str, **parts: Any) -> st.SearchStrategy[Field]:
    return st.builds(Field, type=st.just(type), **(_FLAGS | parts))


def hundredth(value: int) -> float:
    return value / 100


@cache
def plain_fields() -> st.SearchStrategy[tuple[Field, st.SearchStrategy[Any]]]:
    """A field without fields inside, and a strategy of raw values that often fit it."""
    ranges = st.tuples(st.integers(-9, 9), st.integers(0, 30)).map(lambda pair: [pair[0], pair[0] + pair[1]])
    days = st.tuples(st.dates(), st.dates()).map(lambda pair: [day.isoformat() for day in sorted(pair)])
    maybe = st.none
    kinds: list[tuple[st.SearchStrategy[Field], st.SearchStrategy[Any]]] = [
        (field("string", length=st.sampled_from([None, [0, 4], [2, 6], 3])), TEXTS),
        (field("string", pattern=st.sampled_from(["^[a-z]+$", "a", r"\d"])), TEXTS),
        (field("text"), TEXTS),
        (field("integer", range=maybe() | ranges), INTS),
        (field("integer", range=st.just([0, 50])), st.integers(0, 50)),
        (field("number"), FLOATS | INTS),
        (
            field("number", range=maybe() | ranges, decimals=st.sampled_from([0, 2])),
            st.integers(-900, 3900).map(hundredth),
        ),
        (field("boolean"), st.booleans()),
        (field("date", range=maybe() | days, format=st.sampled_from([None, "%d.%m.%Y"])), DATES),
        (field("datetime"), MOMENTS),
        (field("datetime", format=st.just("%d.%m.%Y %H:%M:%S")), STAMPS),
        (field("time", range=st.sampled_from([None, ["08:00", "17:30:15"]])), TIMES),
        (field("email"), EMAILS),
        (field("email", pattern=st.just("@corp[.]io$")), EMAILS),
        (field("url"), URLS),
        (field("phone"), PHONES),
        (field("ipv4"), IPS),
        (field("uuid"), UUIDS),
    ]
    drawn = [st.tuples(fields, st.just(values)) for fields, values in kinds]
    drawn += [st.tuples(field("enum", values=st.just(each)), st.just(st.sampled_from(each))) for each in LISTS]
    return st.sampled_from(drawn).flatmap(lambda kind: kind)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Field, st.SearchStrategy[Any]]]:
    """Arrays and objects of what `inner` draws."""

    def array(pair: tuple[Field, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
        values = st.lists(pair[1] | SLIPS, max_size=3)
        return st.tuples(
            field("array", items=st.just(pair[0]), length=st.sampled_from([None, [1, 2]])), st.just(values)
        )

    def object_(pairs: list[tuple[Field, st.SearchStrategy[Any]]]) -> st.SearchStrategy[Any]:
        named = [msgspec.structs.replace(inner, name=f"n{i}") for i, (inner, _) in enumerate(pairs)]
        values = st.fixed_dictionaries({}, optional={f"n{i}": values for i, (_, values) in enumerate(pairs)})
        return st.tuples(field("object", fields=st.just(named)), st.just(values))

    return st.one_of(inner.flatmap(array), st.lists(inner, min_size=1, max_size=3).flatmap(object_))


@cache
def fields() -> st.SearchStrategy[tuple[Field, st.SearchStrategy[Any]]]:
    """A field of any type, up to two levels deep."""
    flat = plain_fields()
    return st.sampled_from([flat] * 7 + [nested(flat)] * 2 + [nested(nested(flat))]).flatmap(lambda kind: kind)


@st.composite
def tables(draw: st.DrawFn, flat: bool = False, rows: int = 6) -> tuple[Dataset, list[list[Any]]]:
    """A dataset, and rows of raw values: most of values of its types, some with a cell that is nothing like it."""
    drawn = draw(st.lists(plain_fields() if flat else fields(), min_size=1, max_size=3))
    names = draw(st.sampled_from([["b", "a", "Z"], ["Z", "é z", "a"], ["f10", "f2", "f1"]]))
    named = [msgspec.structs.replace(inner, name=name) for (inner, _), name in zip(drawn, names, strict=False)]
    values = st.tuples(*(values for _, values in drawn)).map(list)
    slips = st.tuples(values, st.integers(0, len(drawn) - 1), SLIPS | JUNK).map(
        lambda slip: [slip[2] if i == slip[1] else cell for i, cell in enumerate(slip[0])]
    )
    return Dataset(fields=named), draw(st.lists(st.one_of(values, values, slips), min_size=1, max_size=rows))

"""Values that depend on other fields of the record: `given`, `map`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta

from ffgen.rng import Stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.beside import Beside, codes_of
from ffgen.sample.weighted import PLAIN_TYPES, Listed, Switch, Vocabulary, settled, weighed
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import tidy

HELD = frozenset({"values", "range", "pattern", "length", "decimals", "format"})
MOST_GROUPS = 1 << 20
"""Combinations of parent values that a table may have."""

Path = tuple[str, ...]


class Lists:
    """Draws by the values of other columns: a list for each combination of them, null where there is none."""

    def __init__(self, vocabulary: Vocabulary, lists: Mapping[Path, Listed], otherwise: Listed | None) -> None:
        """Each list has a path: the value of each column that leads to it."""
        self.keys = [list(dict.fromkeys(step)) for step in zip(*lists, strict=True)]
        groups = [vocabulary.group(listed) for listed in lists.values()]
        rest = vocabulary.group(otherwise) if otherwise is not None else None
        nothing = ([len(vocabulary.codes)], [1.0])
        self.switch = Switch([*groups, rest or nothing])
        self.values = vocabulary.values()
        shape = [len(keys) + 1 for keys in self.keys]
        if np.prod(shape, dtype=float) > MOST_GROUPS:
            what = f"the table has more than {MOST_GROUPS} combinations."
            raise Problem(vocabulary.key, what, "Read fewer fields, or list fewer values.")
        self.group = np.full(shape, len(groups), dtype=np.int64)
        places = [{key: place for place, key in enumerate(keys)} for keys in self.keys]
        for number, path in enumerate(lists):
            self.group[tuple(place[step] for place, step in zip(places, path, strict=True))] = number

    def draw(self, rng: Stream, columns: Sequence[pl.Series]) -> pl.Series:
        """A value for each row."""
        codes = tuple(codes_of(column, keys) for column, keys in zip(columns, self.keys, strict=True))
        return self.values.gather(pl.Series(self.switch.pick(rng, self.group[codes])))


class Given(Sampler):
    """A value whose chances depend on other fields: for each value of theirs, a list of its own.

    - `of`: the field it depends on, or a list of fields.
    - `table`: for each value of that field, the values to choose from, with weights: `{gold: {card: 3, cash: 1}}`,
      or alike: `{gold: [card, cash]}`. For several fields one level deeper each, in the order of `of`.
    - `otherwise`: the list for values that the table does not have, and for null; without it they give null, which
      the field must allow.
    """

    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = HELD
    example: ClassVar[str] = """\
- name: tier
  values: [basic, gold]
  weights: [4, 1]
- name: payment
  generator:
    name: given
    of: tier
    table:
      basic: {card: 60, cash: 30, invoice: 10}
      gold: {card: 40, invoice: 60}
"""

    of: Annotated[str | Annotated[list[str], Meta(min_length=1, max_length=8)], Meta(description="What it depends on.")]
    table: Annotated[dict[str, Any], Meta(min_length=1, description="A list for each value of the other field.")]
    otherwise: Annotated[dict[str, Any] | list[Any] | None, Meta(description="The list for all other values.")] = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        vocabulary = Vocabulary(kind, "generator.table")
        lists = dict(branches(self.table, len(self.reads), "generator.table"))
        self.lists = Lists(vocabulary, lists, self.otherwise)
        whole = self.otherwise is not None or bool(kind.field.nullable)
        for name, keys in zip(self.reads, self.lists.keys, strict=True):
            Beside(name, scope, "generator.of").check(keys, whole, "generator.table")

    @property
    def reads(self) -> Sequence[str]:
        return [self.of] if isinstance(self.of, str) else self.of

    def outcomes(self, field: Field) -> Sequence[Any]:
        """Every value it may give, as the spec writes it."""
        lists = [listed for _, listed in branches(self.table, len(self.reads), "generator.table")]
        lists += [] if self.otherwise is None else [self.otherwise]
        return [value for listed in lists for value, _ in weighed(listed, "generator.table")]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.lists.draw(rng, [rows[name] for name in self.reads])


def branches(table: Any, depth: int, key: str, path: Path = ()) -> Iterator[tuple[Path, Listed]]:
    """The lists of a nested table and the way to each."""
    if depth == 0:
        if not isinstance(table, dict | list):
            raise Problem(key, f"{' > '.join(path)} has no list of values.", "E.g. {gold: {card: 3, cash: 1}}.")
        yield path, table
        return
    if not isinstance(table, dict) or not table:
        raise Problem(key, f"{' > '.join(path) or 'it'} needs a mapping by value.", "One level for each field of `of`.")
    for value, inner in table.items():
        yield from branches(inner, depth - 1, key, (*path, tidy(value)))


class Map(Sampler):
    """A value that another field settles: to each value of that field belongs one of this one.

    - `of`: the other field.
    - `values`: its values, and what belongs to each: `{DE: Germany, FR: France}`.
    - `otherwise`: what belongs to all others, and to null; without it they give null, which the field must allow.
    """

    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = HELD
    example: ClassVar[str] = """\
- name: country_code
  values: [DE, FR, JP]
- name: currency
  generator: {name: map, of: country_code, values: {DE: EUR, FR: EUR, JP: JPY}}
"""

    of: Annotated[str, Meta(description="The field that settles it.")]
    values: Annotated[dict[str, Any], Meta(min_length=1, description="What belongs to each value of that field.")]
    otherwise: Annotated[Any, Meta(description="What belongs to all others.")] = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        rest = None if self.otherwise is None else settled(kind, self.otherwise, "generator.otherwise")
        found = {tidy(key): settled(kind, value, "generator.values") for key, value in self.values.items()}
        self.keys = list(found)
        self.found = pl.Series([*found.values(), rest], dtype=kind.value_dtype())
        whole = rest is not None or bool(kind.field.nullable)
        Beside(self.of, scope, "generator.of").check(self.keys, whole, "generator.values")

    @property
    def reads(self) -> Sequence[str]:
        return [self.of]

    def outcomes(self, field: Field) -> Sequence[Any]:
        """Every value it may give, as the spec writes it."""
        return [*self.values.values(), *([] if self.otherwise is None else [self.otherwise])]

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        return self.found.gather(pl.Series(codes_of(rows[self.of], self.keys)))

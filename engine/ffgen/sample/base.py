"""The contract of a sampler: how the values of one drawn field are made, a column at a time.

A sampler is a class whose parameters are its fields: what stands beside `name` under `generator:` in the spec
becomes an instance. `bind` gives it its field once; `draw` makes a column. That is all that a sampler must have.
One whose values can be numbered (`room`, `at`) can be unique without memory, and can be a key that children refer
to, for any row's value can be made again from its number alone.
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ffgen.rng import U64, Stream, permute, stream
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import ValueType

T = TypeVar("T")

Column = pl.Series | NDArray[Any]
"""What `draw` gives: n values, as polars or numpy has them. Cast to the field's own type by the caller."""

MOST_ROOM = 1 << 62
"""Values beyond which a sampler need not count."""


class Rows:
    """The rows of one draw, as far as they stand: what a sampler may look at.

    `index` holds each row's number in its table (u64). Fields that were drawn before are columns, by name; a field is
    drawn after all that its sampler `reads`. `parent` is there in a table whose rows are laid out parent by parent
    (`parents` has it by table and role). `children` gives fields of the rows that a table has under this one's whole
    shard, and for each of them the row number of its parent. `owner` is there inside an array: the outer row of each
    item.
    """

    def __init__(
        self,
        index: U64,
        place: tuple[int | str, ...],
        *,
        outer: "Rows | None" = None,
        owner: NDArray[np.int64] | None = None,
        parent: "Parents | None" = None,
        parents: "dict[tuple[str, str], Parents] | None" = None,
        children: "Callable[[str, Sequence[str]], tuple[pl.DataFrame, NDArray[np.int64]]] | None" = None,
    ) -> None:
        self.index = index
        self.place = place
        self.outer = outer
        self.owner = owner
        self.parent = parent
        self.parents = {} if parents is None else parents
        self.children = children
        self.columns: dict[str, pl.Series] = {}
        self._shared: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, name: str) -> pl.Series:
        """A field that was drawn before; inside an object or array, one of the outer record, too."""
        if name in self.columns:
            return self.columns[name]
        if self.outer is None:
            raise KeyError(name)
        found = self.outer[name]
        return found if self.owner is None else found.gather(self.owner)

    def stream(self, *name: int | str) -> Stream:
        """A stream of its own for a purpose, e.g. `rows.stream("person", "buyer")`."""
        return stream(*self.place, *name)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """What several fields of these rows have in common: made by the first that asks."""
        if key not in self._shared:
            self._shared[key] = make()
        found: T = self._shared[key]
        return found

    def frame(self, names: Sequence[str]) -> pl.DataFrame:
        """Columns that were drawn before."""
        return pl.DataFrame({name: self[name] for name in names})


class Parents(msgspec.Struct, frozen=True):
    """Rows laid out parent by parent: whose child each row is, and which one.

    `row` is the parent's row number (u64, rising), `rank` the child's place among its siblings from 0 (int64),
    `size` how many siblings there are, itself included (int64); each has one entry a row. A parent's children are
    always in one draw, all of them.
    """

    row: U64
    rank: NDArray[np.int64]
    size: NDArray[np.int64]
    position: NDArray[np.int64] = msgspec.field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Where the parent stands among the rows of its own shard."""
    column: Callable[[str], pl.Series] | None = None
    """The parents' own fields, by name, one entry a parent of the shard."""


class Scope:
    """What surrounds a field when its sampler is bound.

    `names` are the fields of the same record, `count` the rows of the table (0 inside an array: unknown). `path`
    names the field from the table down (`items.price`), for streams and messages. `units` is shared by the
    samplers of a table: see `unit`.
    """

    def __init__(
        self,
        dataset: Dataset,
        seed: int,
        build: "Callable[[Field, Scope], Sampler]",
        *,
        path: str = "",
        names: Sequence[str] = (),
        count: int = 0,
        as_of: datetime | None = None,
        units: dict[Hashable, Any] | None = None,
        lookup: Any = None,
        inner: bool = False,
    ) -> None:
        self.dataset = dataset
        self.seed = seed
        self.build = build
        self.path = path
        self.names = list(names)
        self.count = count
        self.as_of = as_of or datetime.fromisoformat(dataset.as_of)
        self.units = {} if units is None else units
        self.lookup = lookup
        self.inner = inner

    @property
    def table(self) -> str:
        """The table's name."""
        return self.dataset.name

    @property
    def locale(self) -> str:
        """The table's locale, such as de_DE."""
        return self.dataset.locale

    def unit(self, key: Hashable, make: Callable[[], T]) -> T:
        """What the fields of a table draw together, such as one person's names and address: made by the first
        sampler that asks while it is bound, so that each can say what it needs."""
        if key not in self.units:
            self.units[key] = make()
        found: T = self.units[key]
        return found


class Sampler(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, dict=True, eq=False):
    """How values of one field are drawn. The class's docstring is its page in the manual: what it draws, in one
    line; then what its parameters mean, and an example in YAML.

    Bound once a process, then used for many draws; keeps no state between them.
    """

    example: ClassVar[str] = ""
    """A list of fields in YAML, the last one drawn by this sampler: shown in the manual, and run by tests."""
    gives: ClassVar[str] = "string"
    """The type of a field that names this generator and no type."""
    serves: ClassVar[frozenset[str]] = frozenset()
    """Other types whose fields it can fill."""
    holds: ClassVar[frozenset[str]] = frozenset()
    """The field's constraints (range, values, pattern, length, decimals, format) that every value satisfies by the
    way it is drawn, or that `bind` refuses. The others are checked after the draw, and rows drawn again. `format`
    stands for the type's own grammar and, for invented data, its reserved ranges."""

    numbered: ClassVar[bool] = False
    """Whether values are a function of the row number even where nobody asks for unique ones (a sequence)."""
    grouped: ClassVar[bool] = False
    """Whether a value depends on its siblings under one parent, so that a family is drawn again as a whole."""

    def bind(self, kind: ValueType, scope: Scope) -> None:
        """Takes its field: prepares tables, and refuses with `Problem(key, what, hint)` what can't be (the key is
        one of the field, or `generator.PARAMETER`). Called before anything else; calls `super().bind` first."""
        self.kind = kind
        self.scope = scope
        self.field: Field = kind.field
        self.path = scope.path

    @property
    def reads(self) -> Sequence[str]:
        """Fields of the same record that must be drawn before."""
        return ()

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        """n values, one a row of `rows`. Chance comes from `rng` alone (or from `rows.stream`, where fields share)."""
        raise NotImplementedError

    def room(self) -> int | None:
        """How many distinct values `at` knows; None when values have no numbers. At most 2**62."""
        return None

    def at(self, index: U64) -> Column:
        """The values with these numbers, each below `room()`: distinct numbers give distinct values."""
        raise NotImplementedError

    def keyed(self, index: U64, key: int) -> Column:
        """The value of each row of a unique field, by row number, each below `room()`: distinct, without memory.
        Called in place of `draw`. Spread by a keyed permutation, unless order is the point (a sequence)."""
        room = self.room()
        assert room is not None
        return self.at(permute(index, room, key))


def choose(rng: Stream, n: int, cumulated: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of n picks by cumulated shares (rising, the last one 1.0): a table of 65,536 steps first, which is
    exact for what lies within a step, and a search for picks that fall into a step with a border."""
    table = _steps(cumulated)
    uniform = rng.random(n)
    if table is None:
        return np.minimum(np.searchsorted(cumulated, uniform, side="right"), len(cumulated) - 1)
    picks = table[(uniform * STEPS).astype(np.int64)]
    border = np.flatnonzero(picks < 0)
    picks[border] = np.minimum(np.searchsorted(cumulated, uniform[border], side="right"), len(cumulated) - 1)
    return picks


STEPS = 1 << 16
_tables: dict[int, tuple[NDArray[np.float64], NDArray[np.int64]]] = {}


def _steps(cumulated: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The pick for each step of the unit interval, -1 where a border lies within; None for long tables."""
    if len(cumulated) > STEPS // 8:
        return None
    known = _tables.get(id(cumulated))
    if known is not None and known[0] is cumulated:
        return known[1]
    edges = np.arange(STEPS + 1) / STEPS
    first = np.searchsorted(cumulated, edges[:-1], side="right")
    last = np.searchsorted(cumulated, np.nextafter(edges[1:], 0), side="right")
    table = np.where(first == last, np.minimum(first, len(cumulated) - 1), -1)
    if len(_tables) > 256:
        _tables.clear()
    _tables[id(cumulated)] = (cumulated, table)
    return table


def cumulated(weights: Sequence[float]) -> NDArray[np.float64]:
    """Cumulated shares for `choose`. The last is exactly 1."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    shares: NDArray[np.float64] = total / total[-1]
    shares[-1] = 1.0
    return shares

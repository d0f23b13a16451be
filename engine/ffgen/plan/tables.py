"""How drawn tables are cut into shards, and in which order they are made.

A shard has 65,536 rows, fewer where they are very wide. A table laid out under its parents (`ref` with children per
parent) has a shard for each of its parent table's, so that a family of rows is always made in one place; its parents'
shards are smaller then, so that the largest of the family still has about 65,536 rows.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from ffgen.plan.settle import layout_of
from ffgen.rng import stream
from ffgen.sample.reference import Counts, children, fit, mean_children
from ffgen.spec.model import Dataset, Ref
from ffgen.spec.types import build_type

SHARD_ROWS = 65_536
SHARD_TEXT = 128 << 20
"""Characters of a shard, about, of which a worker takes ten times as much memory: rows of more than 2,048 come in
smaller shards."""
MOST_ROWS = 1 << 24
"""Rows of a shard that a worker can still be asked to hold: a family is made in one place."""
MOST_SHARDS = 20_000
"""Shards of parents whose children are counted one by one: some minutes for a billion parents."""


class Layout(Struct, frozen=True):
    """The shards of one drawn table: of `size` rows each, or, under a parent, from `starts[i]` to `starts[i + 1]`."""

    table: str
    count: int
    size: int
    parent: str = ""
    role: str = ""
    starts: list[int] = []

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.starts) - 1 if self.parent else -(-self.count // self.size)

    def span(self, shard: int) -> tuple[int, int]:
        """The first row of a shard, and how many it has."""
        if self.parent:
            return self.starts[shard], self.starts[shard + 1] - self.starts[shard]
        first = shard * self.size
        return first, min(self.size, self.count - first)


def layouts(tables: Sequence[Dataset], seed: int) -> dict[str, Layout]:
    """The layout of every table, parents before children. Counts the children of every parent once: about a second
    for 10 million parents. ValueError, in words, for a count that children per parent can't add up to."""
    by_name = {table.name: table for table in tables}
    for table in tables:
        if table.name in above(table, by_name):
            raise ValueError(f"the rows of {table.name} are counted by those of a table that they count in turn")
    laid: dict[str, Layout] = {}
    for table in ordered(tables):
        field = layout_of(table)
        ref = field.reference if field is not None else None
        if ref is None or ref.table not in laid:
            laid[table.name] = Layout(table.name, table.count, root_size(table, tables))
        else:
            laid[table.name] = under(table, ref, laid[ref.table], seed)
    return laid


def root_size(table: Dataset, tables: Sequence[Dataset]) -> int:
    """Rows of a shard of a table that stands for itself: a power of two."""
    largest = min(SHARD_ROWS / max(1.0, multiple(table, tables)), SHARD_TEXT / width(table, tables))
    return 1 << max(0, int(largest).bit_length() - 1)


def multiple(table: Dataset, tables: Sequence[Dataset]) -> float:
    """Rows of the most numerous table laid out under this one, for each of its rows."""
    return max([1.0, *(mean * multiple(child, tables) for child, mean in families(table, tables))])


def families(table: Dataset, tables: Sequence[Dataset]) -> Iterator[tuple[Dataset, float]]:
    """The tables laid out right under this one, and how many rows each has for each of its rows."""
    for child in tables:
        field = layout_of(child)
        ref = field.reference if field is not None else None
        if ref is not None and ref.table == table.name and child.name != table.name:
            yield child, child.count / table.count if child.count and table.count else mean_children(ref)


def width(table: Dataset, tables: Sequence[Dataset]) -> float:
    """Characters that a row usually has, with the rows laid out under it."""
    own = sum(build_type(field).widths()[0] for field in table.fields)
    below = (mean * width(child, tables) for child, mean in families(table, tables))
    return max(1.0, own + sum(below))


def under(table: Dataset, ref: Ref, parent: Layout, seed: int) -> Layout:
    """The layout of a table under its parents."""
    if parent.shards > MOST_SHARDS:
        raise ValueError(f"{parent.count:,} rows of {parent.table} are too many to count the children of each")
    if mean_children(ref) * (parent.span(0)[1] if parent.shards else 0) > MOST_ROWS:
        raise ValueError(f"{mean_children(ref):,.0f} children per row of {parent.table} are too many to hold at once")
    totals = [shard_total(table.name, ref, parent, shard, seed) for shard in range(parent.shards)]
    if table.count:
        low, high = ref.min or 0, ref.max
        most = None if high is None else high * parent.count
        if table.count < low * parent.count or (most is not None and table.count > most):
            allowed = f"{low * parent.count} to {most}" if most is not None else f"at least {low * parent.count}"
            raise ValueError(f"{parent.count} rows of {parent.table} have {allowed} children, not {table.count}")
        totals = shares(totals, table.count, parent, low, high)
    starts = [0, *np.cumsum(totals, dtype=np.int64).tolist()]
    return Layout(table.name, starts[-1], 0, ref.table, ref.role, starts)


def shard_total(table: str, ref: Ref, parent: Layout, shard: int, seed: int) -> int:
    """How many children the parents of a shard have in all, if no count is said."""
    if ref.mean is None and ref.min is not None and ref.min == ref.max:
        return ref.min * parent.span(shard)[1]
    return int(drawn_children(table, ref, parent, shard, seed).sum())


def shares(totals: Sequence[int], count: int, parent: Layout, low: int, high: int | None) -> list[int]:
    """Totals of shards that add up to `count`, in proportion, within what their parents may have."""
    sizes = np.array([parent.span(shard)[1] for shard in range(parent.shards)], dtype=np.int64)
    least = sizes * low
    most = sizes * high if high is not None else np.full(len(sizes), 2**62)
    whole = max(sum(totals), 1)
    exact = np.array(totals, dtype=np.float64) * (count / whole)
    found = np.clip(np.floor(exact).astype(np.int64), least, most)
    order = np.argsort(-(exact - np.floor(exact)), kind="stable")
    while (left := count - int(found.sum())) != 0:
        room = (most - found if left > 0 else found - least)[order]
        step = np.minimum(room, max(1, abs(left) // len(order)))
        step[np.cumsum(step) > abs(left)] = 0
        found[order] += step if left > 0 else -step
    return [int(total) for total in found]


def drawn_children(table: str, ref: Ref, parent: Layout, shard: int, seed: int) -> Counts:
    """How many children each parent of a shard would have if no count were said."""
    return children(ref, parent.span(shard)[1], stream(seed, table, "children", shard))


def children_of(table: str, ref: Ref, own: Layout, parent: Layout, shard: int, seed: int) -> Counts:
    """How many children each parent of a shard has."""
    counts = drawn_children(table, ref, parent, shard, seed)
    total = own.span(shard)[1]
    return counts if int(counts.sum()) == total else fit(counts, total, ref, stream(seed, table, "fit", shard))


def ordered(tables: Sequence[Dataset]) -> list[Dataset]:
    """Tables with parents before children; a circle of tables is broken where the spec comes to it first, but never
    between a table and the one that its rows are laid out under. What the rows read that a total adds up comes before
    the total's table, too, where it can."""
    by_name = {table.name: table for table in tables}
    done: dict[str, Dataset] = {}

    def visit(table: Dataset, path: tuple[str, ...]) -> None:
        if table.name in done or table.name in path:
            return
        path = (*path, table.name)
        for name in [*parents_of(table, by_name), *parents_of_added(table, by_name)]:
            if not set(above(by_name[name], by_name)) & set(path):
                visit(by_name[name], path)
        done[table.name] = table

    for table in tables:
        visit(table, ())
    return list(done.values())


def above(table: Dataset, by_name: Mapping[str, Dataset]) -> list[str]:
    """The table that the rows are laid out under, the one that its rows are laid out under, and so on."""
    found: list[str] = []
    field = layout_of(table)
    while field is not None and field.reference is not None and field.reference.table not in found:
        found.append(field.reference.table)
        field = layout_of(by_name[found[-1]]) if found[-1] in by_name else None
    return found


def parents_of_added(table: Dataset, by_name: Mapping[str, Dataset]) -> list[str]:
    """The tables that those refer to whose rows this one adds up, save those that refer to this one in turn."""
    found: list[str] = []
    left = added_up(table)
    for name in left:
        below = by_name.get(name)
        if below is not None and below is not table:
            found += parents_of(below, by_name)
            left += [each for each in added_up(below) if each not in left]
    return [name for name in dict.fromkeys(found) if not refers(by_name[name], table.name, by_name)]


def added_up(table: Dataset) -> list[str]:
    """The tables whose rows a table adds up."""
    generators = [field.generator for field in table.fields]
    generators += [case.generator for field in table.fields for case in field.cases or []]
    said = [each.get("of") for each in generators if isinstance(each, dict) and each.get("name") == "total"]
    return list(dict.fromkeys(of.partition(".")[0] for of in said if isinstance(of, str)))


def refers(table: Dataset, to: str, by_name: Mapping[str, Dataset]) -> bool:
    """Whether a table is another, or refers to it, be it by way of others."""
    reached = [table.name]
    for name in reached:
        reached += [each for each in parents_of(by_name[name], by_name) if each not in reached]
    return to in reached


def parents_of(table: Dataset, by_name: Mapping[str, Dataset]) -> list[str]:
    """The other tables that a table refers to."""
    refs = [field.reference for field in table.fields]
    names = [ref.table for ref in refs if ref is not None and ref.table in by_name and ref.table != table.name]
    return list(dict.fromkeys(names))

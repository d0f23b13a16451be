"""Whether the foreign keys of tables that are read resolve: the keys of each parent as a set of hashes."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from ffgen.admit.exact import KeySet
from ffgen.batch import encode_sorted, hash_text
from ffgen.expr import Expression, ExpressionError, first_failure, parse
from ffgen.spec.model import Dataset
from ffgen.spec.record import Cells, RecordType


class Link(Struct, frozen=True):
    """Fields of a table that together are the key of one row of its parent; `where` says which rows may be meant."""

    table: str
    fields: tuple[str, ...]
    parent: str
    columns: tuple[str, ...]
    where: str | None

    @property
    def to(self) -> "Key":
        """What the parent must hold."""
        return self.parent, self.columns, self.where

    @property
    def words(self) -> str:
        """The reason of a row whose parent there isn't."""
        wanted = f" where {self.where}" if self.where else ""
        return f"no such {', '.join(f'{self.parent}.{column}' for column in self.columns)}{wanted}"


Key = tuple[str, tuple[str, ...], str | None]


def links_of(tables: Sequence[Dataset]) -> list[Link]:
    """The foreign keys between tables as they are written. Keys with orphans on order are not among them: they need
    not resolve; nor is what a hidden field would tell."""
    shown = {each.name: {field.name for field in each.fields if not field.hidden} for each in tables}
    found: dict[tuple[str, str, str], list[tuple[str, str, str | None, float]]] = {}
    for table in tables:
        for field in table.fields:
            ref = field.reference
            if ref is not None and not field.hidden and ref.column in shown.get(ref.table, ()):
                group = found.setdefault((table.name, ref.table, ref.role), [])
                group.append((field.name, ref.column, ref.where, ref.orphans))
    links = []
    for (child, parent, _), group in found.items():
        names, columns, wheres, orphans = zip(*group, strict=True)
        if not any(orphans):
            where = next((each for each in wheres if each), None)
            links.append(Link(child, names, parent, columns, known(where, shown[parent])))
    return links


def known(where: str | None, names: set[str]) -> str | None:
    """The condition, None when it reads what is not written."""
    if where is None:
        return None
    try:
        parse(where, names)
    except ExpressionError:
        return None
    return where


class Links:
    """The keys that parents have. Each set keeps to its share of `memory`; the rest goes to disk."""

    def __init__(self, tables: Sequence[Dataset], memory: int) -> None:
        self.links = links_of(tables)
        wanted = dict.fromkeys(link.to for link in self.links)
        counts = {table.name: table.count for table in tables}
        self._sets = {key: KeySet(counts[key[0]], memory // len(wanted)) for key in wanted}
        self.complete: set[str] = set()
        self.resolved: list[Link] = []

    def close(self) -> None:
        """Gives back memory and files."""
        for known in self._sets.values():
            known.close()

    def of(self, table: str) -> list[Link]:
        """The foreign keys of a table."""
        return [link for link in self.links if link.table == table]

    def ready(self, table: str) -> list[Link]:
        """Those that can be looked at while the table is read for the first time: the parent has been read."""
        found = [link for link in self.of(table) if link.parent in self.complete]
        self.resolved += found
        return found

    def offer(self, table: str, record: RecordType, rows: Sequence[Cells]) -> None:
        """Takes the keys of rows that others may refer to."""
        for key, known in self._sets.items():
            if key[0] == table and rows:
                _, columns, where = key
                kept = rows if where is None else fulfilling(record, rows, parse(where, record.names))
                found = [hashed for hashed in keys_of(record, columns, kept) if hashed]
                known.add(np.array(found, dtype=np.uint64))

    def unresolved(self, link: Link, record: RecordType, rows: Sequence[Cells]) -> Iterator[int]:
        """The indices of rows whose parent there isn't; a key with a null refers to none."""
        keys = np.array(keys_of(record, link.fields, rows), dtype=np.uint64)
        missing = keys != 0
        missing[missing] = ~self._sets[link.to].holds(keys[missing])
        yield from np.flatnonzero(missing).tolist()


def keys_of(record: RecordType, names: Sequence[str], rows: Sequence[Cells]) -> list[int]:
    """A hash of these fields' values for each row, 0 where one of them is null."""
    columns = record.settled(rows, names)
    return [
        0 if any(value is None for value in values) else hash_text(encode_sorted([*map(plain, values)]))
        for values in zip(*columns, strict=True)
    ]


def plain(value: object) -> object:
    """One form for numbers that are equal: a key and what refers to it may be of two types."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fulfilling(record: RecordType, rows: Sequence[Cells], condition: Expression) -> list[Cells]:
    """The rows for which a condition holds."""
    held = first_failure([condition], record.frame(rows)).to_list()
    return [row for row, failure in zip(rows, held, strict=True) if failure < 0]

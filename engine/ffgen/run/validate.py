"""Existing data held against a spec: count, uniqueness, every constraint. Streams, so memory stays flat."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing

import numpy as np
from msgspec import Struct, structs

from ffgen.admit.gate import Gate
from ffgen.expr import parse
from ffgen.plan.tables import ordered
from ffgen.run.conditions import conditionals, misplaced
from ffgen.run.links import Link, Links
from ffgen.run.options import GATE_MEMORY
from ffgen.shingles import Digests
from ffgen.source import Block, read
from ffgen.spec.model import Dataset
from ffgen.spec.record import Cells, Misfit, RecordType, requirements

KINDS = 500
NEAR_MEMORY = 1 << 30
"""For near twins, which are looked for in memory: a million texts of 160 characters."""


class Fault(Struct, frozen=True, kw_only=True):
    """Rows that break one rule at one field; `first` is the number of the first of them."""

    field: str
    reason: str
    count: int
    first: int


class TableValidity(Struct, frozen=True, kw_only=True):
    """What was found in the data of one of several tables."""

    table: str
    data: str
    rows: int
    wanted: int
    duplicates: int
    problems: list[Fault]
    valid: bool


class Validity(Struct, frozen=True, kw_only=True):
    """What was found. `valid` is True when all rows are valid and unique, there are as many as wanted, and all keys
    resolve. Of several tables, `problems` names the fields with their tables, and `tables` has each by itself."""

    schema_version: int = 1
    rows: int
    wanted: int
    duplicates: int
    problems: list[Fault]
    valid: bool
    tables: list[TableValidity] = []


def validate_data(tables: Sequence[Dataset], files: Mapping[str, str]) -> Validity:
    """Reads the data of these tables, parents first, and says what is wrong. DestinationError when some can't be read.

    `files` has the path of each. A table that refers to itself, or to one that refers to it, is read twice; from
    standard input such keys are not looked at. Memory stays flat: 64 MiB for known rows, as much for known keys; where
    near twins are to be refused, up to 1 GiB for the texts, and ShortfallError beyond.
    """
    laid = ordered(tables)
    checks = {table.name: Check(table, files[table.name]) for table in laid}
    with closing(Links(laid, GATE_MEMORY)) as links:
        for check in checks.values():
            check.read(links)
        for check in checks.values():
            check.read_again(links)
    found = {table.name: checks[table.name].found() for table in tables}
    if len(found) == 1:
        (only,) = found.values()
        parts = {name: getattr(only, name) for name in ("rows", "wanted", "duplicates", "problems", "valid")}
        return Validity(**parts)
    problems = [
        structs.replace(fault, field=f"{name}.{fault.field}".rstrip("."))
        for name, each in found.items()
        for fault in each.problems
    ]
    return Validity(
        rows=sum(each.rows for each in found.values()),
        wanted=sum(each.wanted for each in found.values()),
        duplicates=sum(each.duplicates for each in found.values()),
        problems=sorted(problems, key=lambda fault: -fault.count),
        valid=all(each.valid for each in found.values()),
        tables=list(found.values()),
    )


class Check:
    """The data of one table, read block by block."""

    def __init__(self, dataset: Dataset, path: str) -> None:
        self.dataset = written(dataset)
        self.path = path
        self.record = RecordType(self.dataset, making=False)
        self.conditionals = conditionals(self.dataset)
        self.faults = Faults()
        self.rows = self.duplicates = 0

    def read(self, links: Links) -> None:
        """Holds every row against the table, and against the parents that are known already."""
        name = self.dataset.name
        ready = links.ready(name)
        near = self.record.near
        memory = GATE_MEMORY + (NEAR_MEMORY if near else 0)
        with closing(Gate(self.record.sets, self.dataset.count, memory, near=near)) as gate:
            for block in read(self.path, self.dataset.fields):
                self.rows += len(block.rows) + len(block.bad)
                for bad in block.bad:
                    self.faults.note(bad.line, "", bad.what)
                numbers, cells = typed_rows(self.record, block, self.faults)
                self._check(numbers, cells, gate)
                links.offer(name, self.record, cells)
                self._resolve(links, ready, numbers, cells)
        links.complete.add(name)

    def read_again(self, links: Links) -> None:
        """Holds every row against the parents that were not known at first."""
        late = [link for link in links.of(self.dataset.name) if link not in links.resolved]
        if not late or self.path == "-":
            return
        for block in read(self.path, self.dataset.fields):
            self._resolve(links, late, *typed_rows(self.record, block, Faults()))

    def found(self) -> TableValidity:
        """What is wrong."""
        problems = self.faults.listed()
        return TableValidity(
            table=self.dataset.name,
            data=self.path,
            rows=self.rows,
            wanted=self.dataset.count,
            duplicates=self.duplicates,
            problems=problems,
            valid=not problems and self.rows == self.dataset.count,
        )

    def _check(self, numbers: list[int], cells: list[Cells], gate: Gate) -> None:
        checked = self.record.check(cells)
        for index, field, reason in checked.bad:
            self.faults.note(numbers[index], field, reason)
        refused = {index for index, *_ in checked.bad}
        kept = [index for index in range(len(cells)) if index not in refused]
        verdict = gate.judge(checked.batch.key_table(), [Digests.unpack(each) for each in checked.batch.near])
        for place in np.flatnonzero(~verdict).tolist():
            self.duplicates += 1
            alike = len(gate.twins) > 0 and bool(gate.twins[place])
            field = ", ".join(name for name, _ in self.record.near) if alike else ""
            self.faults.note(numbers[kept[place]], field, "near twin" if alike else "duplicate")
        for each in self.conditionals if kept else ():
            for position, reason in misplaced(each, self.record, [cells[index] for index in kept]):
                self.faults.note(numbers[kept[position]], each.name, reason)

    def _resolve(self, links: Links, some: Sequence[Link], numbers: list[int], cells: list[Cells]) -> None:
        for link in some if cells else ():
            for index in links.unresolved(link, self.record, cells):
                self.faults.note(numbers[index], ", ".join(link.fields), link.words)


def written(dataset: Dataset) -> Dataset:
    """The table as its data show it: without hidden fields, and without conditions that read one."""
    hidden = {field.name for field in dataset.fields if field.hidden}
    if not hidden:
        return dataset
    names = [field.name for field in dataset.fields]
    known = [text for text in requirements(dataset) if not hidden & set(parse(text, names).columns)]
    fields = [field for field in dataset.fields if not field.hidden]
    unique_by = None if hidden & set(dataset.unique_by or []) else dataset.unique_by
    return structs.replace(dataset, fields=fields, require=known, unique_by=unique_by)


def typed_rows(record: RecordType, block: Block, faults: "Faults") -> tuple[list[int], list[Cells]]:
    """The rows of a block that can be read as the table's types, and their numbers."""
    cells: list[Cells] = []
    numbers: list[int] = []
    for number, raw in zip(block.numbers, block.rows, strict=True):
        try:
            cells.append(record.coerce(raw)[0])
            numbers.append(number)
        except Misfit as misfit:
            faults.note(number, misfit.field, misfit.reason)
    return numbers, cells


class Faults:
    """What is wrong, counted by field and reason. What the file itself says (unknown keys, where a line breaks off)
    has no end, so past `KINDS` of them they are counted as one."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._firsts: dict[tuple[str, str], int] = {}

    def note(self, number: int, field: str, reason: str) -> None:
        """Row `number` breaks a rule."""
        kind = (field, reason)
        if kind not in self._counts and len(self._counts) >= KINDS:
            kind = ("", "other")
        self._counts[kind] += 1
        self._firsts.setdefault(kind, number)

    def listed(self) -> list[Fault]:
        """All of them, most frequent first, then by the first row."""
        kinds = sorted(self._counts, key=lambda kind: (-self._counts[kind], self._firsts[kind]))
        return [Fault(field=k[0], reason=k[1], count=self._counts[k], first=self._firsts[k]) for k in kinds]

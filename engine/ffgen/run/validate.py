"""Existing data held against a spec: count, uniqueness, every constraint. Streams, so memory stays flat."""

from collections import Counter
from contextlib import closing

from msgspec import Struct, structs

from ffgen.admit.gate import Gate
from ffgen.expr import parse
from ffgen.run.options import GATE_MEMORY
from ffgen.source import Block, read
from ffgen.spec.model import Dataset
from ffgen.spec.record import Cells, Checked, Misfit, RecordType, requirements

KINDS = 500


class Fault(Struct, frozen=True, kw_only=True):
    """Rows that break one rule at one field; `first` is the number of the first of them."""

    field: str
    reason: str
    count: int
    first: int


class Validity(Struct, frozen=True, kw_only=True):
    """What was found. `valid` is True when all rows are valid and unique and there are as many as wanted."""

    schema_version: int = 1
    rows: int
    wanted: int
    duplicates: int
    problems: list[Fault]
    valid: bool


def validate_data(dataset: Dataset, path: str) -> Validity:
    """Reads `path` once and says what is wrong with it. DestinationError when it can't be read."""
    dataset = written(dataset)
    record = RecordType(dataset, making=False)
    faults = Faults()
    rows = duplicates = 0
    with closing(Gate(record.sets, dataset.count, GATE_MEMORY)) as gate:
        for block in read(path, dataset.fields):
            rows += len(block.rows) + len(block.bad)
            for bad in block.bad:
                faults.note(bad.line, "", bad.what)
            numbers, checked = check_rows(record, block, faults)
            verdict = gate.judge(checked.batch.key_table())
            refused = {index for index, *_ in checked.bad}
            kept = (number for index, number in enumerate(numbers) if index not in refused)
            for number, admitted in zip(kept, verdict.tolist(), strict=True):
                if not admitted:
                    duplicates += 1
                    faults.note(number, "", "duplicate")
    problems = faults.listed()
    return Validity(
        rows=rows,
        wanted=dataset.count,
        duplicates=duplicates,
        problems=problems,
        valid=not problems and rows == dataset.count,
    )


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


def check_rows(record: RecordType, block: Block, faults: "Faults") -> tuple[list[int], Checked]:
    """Holds the rows of a block against their types; those that could be read, with their numbers."""
    cells: list[Cells] = []
    numbers: list[int] = []
    for number, raw in zip(block.numbers, block.rows, strict=True):
        try:
            cells.append(record.coerce(raw)[0])
            numbers.append(number)
        except Misfit as misfit:
            faults.note(number, misfit.field, misfit.reason)
    checked = record.check(cells)
    for index, field, reason in checked.bad:
        faults.note(numbers[index], field, reason)
    return numbers, checked


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

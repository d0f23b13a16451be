"""Existing data held against a spec: count, uniqueness, every constraint. Streams, so memory stays flat."""

from collections import Counter
from typing import Any

from msgspec import Struct

from ffgen.admit.gate import Gate
from ffgen.run.carry import GATE_MEMORY
from ffgen.source import read
from ffgen.spec.model import Dataset
from ffgen.spec.record import Cells, Misfit, RecordType


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
    record = RecordType(dataset, making=False)
    gate = Gate(record.sets, dataset.count, GATE_MEMORY)
    faults: Counter[tuple[str, str]] = Counter()
    firsts: dict[tuple[str, str], int] = {}
    rows = duplicates = 0

    def note(number: int, field: str, reason: str) -> None:
        faults[field, reason] += 1
        firsts.setdefault((field, reason), number)

    for block in read(path, dataset.fields):
        for bad in block.bad:
            note(bad.line, "", bad.what)
        rows += len(block.rows) + len(block.bad)
        cells: list[Cells] = []
        numbers: list[int] = []
        for number, raw in zip(block.numbers, block.rows, strict=True):
            try:
                cells.append(record.coerce(raw)[0])
                numbers.append(number)
            except Misfit as misfit:
                note(number, misfit.field, misfit.reason)
        checked = record.check(cells)
        for index, field, reason in checked.bad:
            note(numbers[index], field, reason)
        refused = {index for index, *_ in checked.bad}
        kept = [number for index, number in enumerate(numbers) if index not in refused]
        verdict = gate.judge(checked.batch.key_table())
        duplicates += int(len(kept) - verdict.sum())
        for number, admitted in zip(kept, verdict, strict=True):
            if not admitted:
                note(number, "", "duplicate")
                break
    gate.close()
    return Validity(
        rows=rows,
        wanted=dataset.count,
        duplicates=duplicates,
        problems=problems_of(faults, firsts, duplicates),
        valid=not faults and not duplicates and rows == dataset.count,
    )


def problems_of(faults: Counter[tuple[str, str]], firsts: dict[tuple[str, str], int], duplicates: int) -> list[Any]:
    """The faults, most frequent first."""
    if duplicates:
        faults["", "duplicate"] = duplicates
    return [
        Fault(field=field, reason=reason, count=count, first=firsts[field, reason])
        for (field, reason), count in faults.most_common()
    ]

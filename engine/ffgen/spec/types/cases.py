"""What a field with cases may hold, whichever case it is in."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from ffgen.spec.model import Case, Field


def in_case(field: Field, case: Case) -> Field:
    """The field as it is where the case holds."""
    given = {name: value for name, value in structs.asdict(case).items() if name != "when" and value is not None}
    changes: dict[str, Any] = {"cases": None, "when": None, **given}
    if "values" in given and "weights" not in given:
        changes["weights"] = None
    if "derive" in given:
        changes["generator"] = None
    if "generator" in given:
        changes["derive"] = None
    return structs.replace(field, **changes)


def widest(field: Field, build: Callable[[Field], Any]) -> Field:
    """The field with constraints that its values satisfy in every case. What no case changes stays."""
    if not field.cases:
        return field
    every = [in_case(field, case) for case in field.cases] + [structs.replace(field, cases=None, when=None)]
    changes: dict[str, Any] = {"cases": None, "range": _hull(every, build), "length": _span(every)}
    changes["pattern"] = field.pattern if all(each.pattern == field.pattern for each in every) else None
    changes["values"] = changes["weights"] = None
    if all(each.values is not None for each in every):
        listed = [value for each in every for value in each.values or []]
        changes["values"] = [value for i, value in enumerate(listed) if value not in listed[:i]]
    return structs.replace(field, **changes)


def _hull(every: Sequence[Field], build: Callable[[Field], Any]) -> list[Any] | None:
    if any(each.range is None for each in every):
        return None
    kinds: list[Any] = [build(structs.replace(each, cases=None)) for each in every]
    low = min(kinds, key=lambda kind: kind.low)
    high = max(kinds, key=lambda kind: kind.high)
    return [low.field.range[0], high.field.range[1]]


def _span(every: Sequence[Field]) -> list[int] | None:
    if any(each.length is None for each in every):
        return None
    ends = [[each.length, each.length] if isinstance(each.length, int) else each.length or [] for each in every]
    return [min(low for low, *_ in ends), max(high for *_, high in ends)]

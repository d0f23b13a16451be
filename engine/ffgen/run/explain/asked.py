"""An asked row told: the kept replies before it are read and judged again, up to its own."""

from typing import Any

import msgspec
from msgspec import structs

from ffgen.plan.compile import Plan
from ffgen.plan.estimate import uniqueness, view_field
from ffgen.run.desk import desk_of
from ffgen.run.explain.drawn import unlike
from ffgen.run.explain.replay import Cell, find, line_of, view_reply
from ffgen.run.explain.standing import Standing, asked_as_read
from ffgen.run.explain.story import Explanation, Fact, FieldStory
from ffgen.run.origin import Known
from ffgen.source.single import Row
from ffgen.spec.types import ValueType


def tell_asked(here: Standing, known: Known, plan: Plan, cache: str | None, notes: list[str]) -> Explanation:
    """The row that stands here, made again from its reply. Raises `Gone` where one up to it is kept no more."""
    row = here.record - 1
    with desk_of(plan, cache) as desk:
        replayed = find(desk, row)
        valid, line = line_of(replayed, row)
        reply, cell = view_reply(desk, replayed, valid)
        record = desk.maker.record
        remade = asked_as_read(record, here.format, line, here.fields)
    differs = here.differs(remade)
    said = raw_values(cell, record.names)
    return structs.replace(
        here.begun(known, plan, {"record": uniqueness(plan)}),
        shard=replayed.shard,
        position=valid,
        agrees=not differs,
        notes=[*notes, *unlike(differs)],
        reply=reply,
        fields=[tell_field(here, kind, remade, said, plan.model.reply) for kind in record.types],
    )


def tell_field(here: Standing, kind: ValueType, remade: Row, said: dict[str, Any], form: str) -> FieldStory:
    """One field, and what the reply said of it where that was another value."""
    name = kind.field.name
    agrees = here.agrees(name, remade)
    facts = []
    if name in said and not is_same(said[name], remade.get(name), form):
        facts.append(Fact(kind="converted", says=f"the reply said {msgspec.json.encode(said[name]).decode()}"))
    story = FieldStory.of(view_field(kind), here.row.get(name), agrees, remade.get(name))
    return structs.replace(story, facts=facts)


def raw_values(cell: Cell | None, names: list[str]) -> dict[str, Any]:
    """The row of a reply by field, as it stands there."""
    if cell is None:
        return {}
    return cell.raw if isinstance(cell.raw, dict) else dict(zip(names, cell.raw, strict=False))


def is_same(said: Any, value: Any, form: str) -> bool:
    """Whether a value is what the reply said; where that is CSV, all is text."""
    if form == "csv" or isinstance(value, str):
        return text(said) == text(value)
    return msgspec.json.encode(said) == msgspec.json.encode(value) or text(said) == value


def text(value: Any) -> str:
    """A value as text."""
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()

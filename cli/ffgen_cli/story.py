"""What an explained row, and refused ones, look like to a person. Returns text, writes nothing."""

from __future__ import annotations  # naming a type of the library must not load the library

from typing import Any

import ffgen
from ffgen_cli.report import aligned, cell, many
from ffgen_cli.terminal import clean

MOST_DRAWS = 8
"""Draws of one row that are listed."""
WHO = {
    "check": "",
    "plugin": "a plugin: ",
    "twin": "",
    "gate": "the gate: ",
    "family": "",
}


def story_report(story: ffgen.Explanation, width: int = 0) -> str:
    """One row: where it stands, how often it was made, then its fields with all that made them."""
    head = f"{story.path}:{story.line} is record {story.record:,} of {story.table}"
    as_made = {True: ", as it is made now", False: ", NOT as it is made now", None: ""}[story.agrees]
    rows = [
        ("made", _made(story)),
        ("drawn", _draws(story)),
        ("streams", f"{_path(story.place)}/..." if story.place else ""),
        *(_reply(story.reply) if story.reply is not None else []),
        *(("note", note) for note in story.notes),
        ("unique", "\n".join(f"{key}: {how}" for key, how in story.unique.items())),
    ]
    told = aligned([(_name(field), f"{_value(field)}\n{_how(field, story.place)}") for field in story.fields], width)
    return f"{clean(head + as_made)}\n{aligned(rows, width)}\n\n{told}"


def refused_report(rows: ffgen.RefusedRows, width: int = 0) -> str:
    """Why rows were refused: a part a reason, with samples."""
    looked = f"{many(rows.rows, 'row')} of {rows.table} in {rows.shards:,} of {many(rows.of_shards, 'shard')}"
    parts = [clean(f"{rows.path}: {rows.refused:,} refused while making {looked}")]
    parts[0] += "".join(f"\n{aligned([('note', note)], width)}" for note in rows.notes)
    for reason in rows.reasons:
        name = f"{reason.field}: " if reason.field else ""
        told = [(_where(sample), sample.text) for sample in reason.samples]
        parts.append(
            f"{reason.count:,} {WHO.get(reason.by, '')}{clean(name)}{clean(reason.reason)}\n{aligned(told, width)}"
        )
    return "\n\n".join(part.rstrip() for part in parts)


def _where(sample: Any) -> str:
    """Where a refused row was made."""
    drawn = f"round {sample.round}, " if sample.round else ""
    again = f"{drawn}draw {sample.attempt + 1}, " if sample.attempt or drawn else ""
    return f"shard {sample.shard}, {again}row {sample.position:,}"


def _made(story: ffgen.Explanation) -> str:
    place = "" if story.shard is None else f"shard {story.shard:,}, row {story.position:,} of it; "
    when = f", {story.at}" if story.at else ""
    version = f", ffgen {story.version}" if story.version else ""
    return f"{place}seed {story.seed}, spec {story.spec_hash[:12]}{version}{when}"


def _draws(story: ffgen.Explanation) -> str:
    """Each time that the row was drawn, if it was more than once."""
    if not story.draws:
        return ""
    *refused, last = story.draws
    lines = [] if story.drawn_as is None else [f"as row {story.drawn_as:,} of the table"]
    lines += [_refused(draw) for draw in refused[:MOST_DRAWS]]
    if len(refused) > MOST_DRAWS:
        lines.append(f"and {many(len(refused) - MOST_DRAWS, 'more draw')} that were refused")
    if refused:
        lines.append(f"round {last.round}, draw {last.attempt + 1}: this one")
    return "\n".join(lines) or "once"


def _refused(draw: Any) -> str:
    """A draw that was refused, and why."""
    why = f"{draw.field}: {draw.reason}" if draw.field else draw.reason
    return f"round {draw.round}, draw {draw.attempt + 1}, refused by {WHO[draw.by]}{why}: {draw.row}"


def _reply(reply: Any) -> list[tuple[str, str]]:
    """The reply that a row stands in."""
    again = f", attempt {reply.attempt + 1}" if reply.attempt else ""
    broken = ", from a broken document" if reply.broken else ""
    tokens = f"{reply.tokens_in:,} in, {reply.tokens_out:,} out for {many(reply.rows, 'row')}"
    return [
        ("reply", f"{reply.key}, {reply.model} ({reply.api}), model seed {reply.seed}"),
        ("", f"row {reply.position} of it, {reply.rows} valid of {reply.asked} asked{again}{broken}"),
        ("tokens", f"{tokens}, {reply.tokens_per_row:.1f} out a row"),
        ("slice", reply.slice),
        ("said", reply.said),
    ]


def _name(field: ffgen.FieldStory) -> str:
    return f"{field.name} (hidden)" if not field.written else field.name


def _value(field: ffgen.FieldStory) -> str:
    """What stands there; where that is not what is made now, both."""
    return (
        cell(field.value)
        if field.agrees is not False
        else f"{cell(field.value)}, NOT {cell(field.remade)} as it is made now"
    )


def _how(field: ffgen.FieldStory, place: list[int | str]) -> str:
    """All that made a value: who, to what it was held, what happened, and the streams past what they all begin with."""
    parts = [f"{field.made_by}: {field.constraints}", *(fact.says for fact in field.facts)]
    parts += [f"stream {_path(_rest(stream, place))}" for stream in field.streams]
    if field.reply is not None:
        reply = field.reply
        parts.append(
            f"reply {reply.key}, seed {reply.seed}, {reply.tokens_per_row:.1f} tokens, its row {reply.position}"
        )
    if field.spoilt is not None:
        parts.append(f"spoiled on order ({field.spoilt.kind}): it was {cell(field.spoilt.before)}")
    return "; ".join(part for part in parts if part)


def _rest(stream: list[int | str], place: list[int | str]) -> list[int | str]:
    return stream[len(place) :] if place and stream[: len(place)] == place else stream


def _path(place: list[int | str]) -> str:
    return "/".join(str(part) for part in place)

"""Why N was not reached, in words a user can act on: how many there were, which field repeats, what to change."""

from collections import Counter
from typing import Any

from ffgen.errors import ShortfallError
from ffgen.plan.compile import Plan
from ffgen.run.state import State
from ffgen.shard.asked import Maker


def explain_shortfall(
    plan: Plan, maker: Maker, state: State, refused: Counter[tuple[str, str]], replies: list[tuple[int, bytes]]
) -> ShortfallError:
    """The error of a run whose budget is used up."""
    counts, wanted = state.counts, plan.shards.count
    what = [f"The model gave {counts.admitted} distinct records of {wanted} in {counts.asks} asks"]
    what.append(f" ({plan.shards.base} would do if every row were good): ")
    what.append(f"{counts.duplicates} duplicates, {sum(refused.values())} refused, {counts.bad_replies} bad replies.")
    repeats = repeating(maker, replies)
    if repeats and counts.duplicates >= sum(refused.values()):
        field, distinct, seen = repeats
        what.append(f" `{field}` repeats most: {distinct} different values in {seen} rows.")
        hint = f"Raise model.temperature, give `{field}` more room or examples, add a field, lower count"
    elif refused:
        (field, reason), count = refused.most_common(1)[0]
        what.append(
            f" Most refusals: {count} by `{field}` ({reason})." if field else f" Most refusals: {count} ({reason})."
        )
        hint = f"Loosen or describe `{field}`, l" if field else "L"
        hint += "ower model.batch_size, use a larger model"
    else:
        hint = "Lower model.batch_size, raise model.max_tokens, use a larger model"
    return ShortfallError("".join(what), hint=f"{hint}, or allow more asks: --max-asks.")


def repeating(maker: Maker, replies: list[tuple[int, bytes]]) -> tuple[str, int, int] | None:
    """The field with the fewest different values for what it could have: its name, how many, in how many rows."""
    columns: list[set[Any]] = [set() for _ in maker.record.names]
    rows = 0
    for asked, reply in replies:
        answer = maker.dialect.read(reply)
        for cells in maker.reader.read(answer.text, answer.truncated).cells[:asked]:
            rows += 1
            for column, cell in zip(columns, cells, strict=True):
                column.add(repr(cell))
    # A list or a yes and no repeat by nature; the field to blame is one that could have been different.
    open_fields = [
        (len(column), name)
        for name, column, kind in zip(maker.record.names, columns, maker.record.types, strict=True)
        if kind.capacity() is None or (kind.capacity() or 0) > 100
    ]
    if not rows or not open_fields:
        return None
    distinct, name = min(open_fields)
    return name, distinct, rows

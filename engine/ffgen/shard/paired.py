"""Parts of given rows from a model's reply. A pure function of plan, given rows and reply.

A row of a reply is used when its number is one that was asked for and its mark is that row's: rows that are missing,
exchanged or said twice never get to another row.
"""

from collections import Counter
from typing import Any

from ffgen.ask.paired import KEYS, Given, PairedPrompts
from ffgen.ask.prompt import without_patterns
from ffgen.ask.reply import Reader
from ffgen.batch import Batch
from ffgen.plan.compile import Plan
from ffgen.shard.asked import dialect_of
from ffgen.shard.made import Made
from ffgen.shard.score import score
from ffgen.spec.record import RecordType, Refusals
from ffgen.spec.types.text import Text

AGAIN = 4
"""Rows of a reply that are looked at, as a multiple of those asked for: a model may repeat itself."""


class PairedMaker:
    """Asks for and reads the asked part of given rows. Built once a process. `shown` are the names of their values."""

    def __init__(self, plan: Plan, api: str, model: str, shown: list[str]) -> None:
        self.plan = plan
        self.record = RecordType(plan.dataset)
        self.prompts = PairedPrompts(plan.dataset, self.record.types, plan.model.reply, plan.model.max_tokens)
        self.prompts.shown = shown
        self.reader = Reader(self.record, plan.model.reply)
        self.dialect = dialect_of(plan, api, model)
        self.scored = [
            (i, kind) for i, kind in enumerate(self.record.types) if isinstance(kind, Text) and kind.field.min_score
        ]

    def body(self, index: int, given: Given, plain: bool = False) -> bytes:
        """The request's body for some given rows. `plain` leaves patterns out of the schema."""
        prompt = self.prompts.given(given)
        if plain:
            prompt = type(prompt)(prompt.messages, without_patterns(prompt.schema), prompt.max_tokens)
        return self.dialect.body(prompt, self.plan.shards.seed_of(index, given.attempt))

    def make(self, reply: bytes, given: Given) -> Made:
        """What a reply says of the given rows: one line of JSON for each that it completes. Never raises."""
        answer = self.dialect.read(reply)
        rows = self.reader.read(answer.text, answer.truncated, AGAIN * len(given.numbers))
        checked = self.record.check(rows.cells)
        bad = {i for i, _, _ in checked.bad}
        good = [cells for i, cells in enumerate(rows.cells) if i not in bad]
        kept, strange = self._paired(good, given)
        refused = rows.refused + checked.refused + strange
        missing = len(given.numbers) - sum(kept) - sum(count for (field, _), count in refused.items() if field)
        if missing > 0:
            refused["", "missing"] += missing
        lines, count = checked.batch.take(kept)
        return Made(
            batch=Batch(lines, b"", count, 0),
            refused=[(field, reason, number) for (field, reason), number in sorted(refused.items())],
            converted=rows.converted + checked.converted,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            broken=rows.broken,
            problem=answer.problem or ("" if count else "no valid row in the reply"),
        )

    def _paired(self, rows: list[Any], given: Given) -> tuple[list[bool], Refusals]:
        """Which rows belong to a given one and are good enough, and why the others are not."""
        places = {number: place for place, number in enumerate(given.numbers)}
        number_name, mark_name = self.record.names[:KEYS]
        refused: Refusals = Counter()
        taken: dict[int, Any] = {}
        kept = []
        for cells in rows:
            place = places.get(cells[0])
            why: tuple[str, str] | None = None
            if place is None:
                why = number_name, "not asked for"
            elif cells[1] != given.marks[place]:
                why = mark_name, "another row's"
            elif place in taken:
                why = number_name, "said before"
            else:
                why = self._weak(cells, place, given, list(taken.values()))
            if why is None and place is not None:
                taken[place] = cells
            kept.append(why is None)
            refused[why or ("", "")] += why is not None
        return kept, +refused

    def _weak(self, cells: Any, place: int, given: Given, before: list[Any]) -> tuple[str, str] | None:
        """The first field whose text is not good enough for its row."""
        for i, kind in self.scored:
            own = [value for value in given.rows[place] if isinstance(value, str)]
            others = [
                value
                for other, row in enumerate(given.rows)
                for value in row
                if other != place and isinstance(value, str)
            ]
            if score(cells[i], kind, own, others, [row[i] for row in before]) < kind.field.min_score:
                return self.record.names[i], "score"
        return None

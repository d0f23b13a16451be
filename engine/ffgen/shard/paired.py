"""Parts of given rows from a model's reply. A pure function of plan, given rows and reply.

A row of a reply is used when its number is one that was asked for and its mark is that row's: rows that are missing,
exchanged or said twice never get to another row.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ffgen.ask.paired import KEYS, Given, Known, PairedPrompts
from ffgen.ask.prompt import compact, without_patterns
from ffgen.ask.reply import Reader
from ffgen.batch import Batch
from ffgen.plan.compile import Plan
from ffgen.shard.asked import dialect_of
from ffgen.shard.made import Made
from ffgen.shard.score import score
from ffgen.spec.record import RecordType, Refusals
from ffgen.spec.types.text import Text

NOT_ASKED, SAID_BEFORE = "not asked for", "said before"
AGAIN = 4
"""Rows of a reply that are looked at, as a multiple of those asked for: a model may repeat itself."""


class Mark(Text):
    """A mark as a model copies it: one that looks like a number may come back as one."""

    def coerce(self, value: Any) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return super().coerce(compact(value) if is_number else value)


class PairedMaker:
    """Asks for and reads the asked part of given rows. Built once a process."""

    def __init__(self, plan: Plan, api: str, model: str, known: Known) -> None:
        self.plan = plan
        self.record = RecordType(plan.dataset)
        self.record.types[KEYS - 1] = Mark(plan.dataset.fields[KEYS - 1])
        reply, room = plan.model.reply, plan.model.max_tokens
        self.prompts = PairedPrompts(plan.dataset, self.record.types, reply, room, known)
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
        surplus = ((self.record.names[0], reason) for reason in (NOT_ASKED, SAID_BEFORE))
        spoken = sum(count for (field, _), count in refused.items() if field) - sum(refused[each] for each in surplus)
        missing = len(given.numbers) - sum(kept) - spoken
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
        compared = comparer(given.marks)
        marks = [compared(mark) for mark in given.marks]
        number_name, mark_name = self.record.names[:KEYS]
        refused: Refusals = Counter()
        taken: dict[int, Any] = {}
        kept = []
        for cells in rows:
            place = places.get(cells[0])
            why: tuple[str, str] | None = None
            if place is None:
                why = number_name, NOT_ASKED
            elif compared(cells[1]) != marks[place]:
                why = mark_name, "another row's"
            elif place in taken:
                why = number_name, SAID_BEFORE
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


def comparer(marks: Sequence[str]) -> Callable[[str], str]:
    """How marks are compared: without case, unless two of them differ in case alone."""
    return folded if len({folded(mark) for mark in marks}) == len(set(marks)) else spaced


def folded(mark: str) -> str:
    """A mark without case.

    >>> folded(" Trail  BIKE")
    'trail bike'
    """
    return spaced(mark).casefold()


def spaced(mark: str) -> str:
    """A mark without what copying may change and nobody sees: space, and how an accent is written."""
    return " ".join(unicodedata.normalize("NFC", mark).split())

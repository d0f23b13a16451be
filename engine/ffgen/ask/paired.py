"""What a model is told to write parts of given rows: the rows it is given stand last, after what all requests share."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from ffgen.ask.dialect import Prompt
from ffgen.ask.prompt import CHARS_PER_TOKEN, Prompts, compact, csv_line
from ffgen.spec.model import Dataset
from ffgen.spec.types import ValueType
from ffgen.spec.types.nested import describe, one_line

KEYS = 2
"""Values of a reply's row that say which given row it belongs to: its number and its mark."""
STRICTER = (
    "",
    "Keep to every rule.",
    "Answers before broke these rules. Check each value against its rules before you write it.",
    "Last try: a value that breaks a rule is thrown away. Write something new for each row.",
)
"""What is added to a request that is asked again, by attempt."""
PLAINLY = {
    "missing": "rows were left out",
    "length": "wrong length",
    "pattern": "not of the pattern",
    "forbidden word": "a forbidden word",
    "score": "too short, too like another row's, or about another row",
    "null": "no value",
    "type": "wrong type",
    "values": "not one of the values",
    "another row's": "not copied from its row",
    "shape": "not as many values as asked for",
    "not asked for": "no such row",
    "said before": "a row written twice",
}
"""Reasons for refusing a row in words that a model understands; others are told as they are."""


class Known(Struct, frozen=True):
    """What a model is told of the given rows once: the drawn values they show, and conditions that hold in each."""

    fields: list[str] = []
    rules: list[str] = []


class Given(Struct, frozen=True):
    """Rows that a model is to complete: their numbers in the request, their marks, and the drawn values to show.

    `refused` says what was wrong with the answers before, in words; `taken` lists texts that other rows have;
    `attempt` is how often it was asked.
    """

    numbers: list[int]
    marks: list[str]
    rows: list[list[Any]]
    attempt: int = 0
    refused: str = ""
    taken: list[str] = []


class PairedPrompts(Prompts):
    """Writes the prompts of a hybrid table. The dataset's first two fields are the row's number and its mark."""

    def __init__(
        self, dataset: Dataset, types: list[ValueType], reply: str, max_tokens: int | None, known: Known
    ) -> None:
        self.known = known
        super().__init__(dataset, types, reply, max_tokens)

    def given(self, given: Given) -> Prompt:
        """The prompt for some given rows."""
        count = len(given.numbers)
        keys = zip(given.numbers, given.marks, given.rows, strict=True)
        line = csv_line if self.reply == "csv" else compact
        lines = [line([number, mark, *row]) for number, mark, row in keys]
        asked = ["Write this row." if count == 1 else f"Write these {count} rows."]
        asked += [f"Refused before: {given.refused}."] if given.refused else []
        taken = ", ".join(map(compact, given.taken))
        asked += [f"Taken already, so not to be used again: {taken}."] if taken else []
        asked += [STRICTER[min(given.attempt, len(STRICTER) - 1)]] if given.attempt else []
        head = "Given is 1 row:" if count == 1 else f"Given are {count} rows:"
        last = "\n".join([head, *lines, " ".join(asked)])
        return Prompt([*self.shared, ("user", last)], self._paired_schema(given), self.room(count))

    def tokens_given(self, characters: float) -> float:
        """Estimated tokens of one given row whose values have so many characters."""
        return characters / CHARS_PER_TOKEN + 4

    def _shared(self) -> list[tuple[str, str]]:
        number, mark = self.names[:KEYS]
        lines = ["You write synthetic test data. People, companies and facts are invented."]
        if domain := one_line(self.dataset.domain or ""):
            lines.append(f"Domain: {domain}")
        lines.append(f"You are given rows of known values: {', '.join([number, mark, *self.known.fields])}.")
        lines.append("For each given row you write a row with these values, in this order:")
        lines.append(f"1. {number}: copied from the given row")
        lines.append(f"2. {mark}: copied from the given row")
        for i, (name, kind) in enumerate(zip(self.names[KEYS:], self.types[KEYS:], strict=True), start=KEYS + 1):
            examples = [one_line(str(value)) for value in kind.field.examples[:3]]
            lines.append(f"{i}. {name}: {describe(kind)}" + (f", e.g. {' | '.join(examples)}" if examples else ""))
        if self.known.rules:
            lines.append("In every row this is true: " + " AND ".join(f"({one_line(r)})" for r in self.known.rules))
        lines.append("What you write fits the known values of its own row; no two rows read alike.")
        lines.append(self._form())
        return [("system", "\n".join(lines))]

    def _paired_schema(self, given: Given) -> dict[str, Any] | None:
        """Each row with its own number and mark: a server that holds replies to a schema can't mix them up."""
        plain = self._schema(1)
        if plain is None:
            return None
        item = plain["properties"]["rows"]["items"]
        rows = [self._held_to(item, number, mark) for number, mark in zip(given.numbers, given.marks, strict=True)]
        table = {"type": "array", "prefixItems": rows, "minItems": len(rows), "maxItems": len(rows)}
        return {**plain, "properties": {"rows": table}}

    def _held_to(self, item: dict[str, Any], number: int, mark: str) -> dict[str, Any]:
        keys = [{"const": number}, {"const": mark}]
        if "prefixItems" in item:
            return {**item, "prefixItems": [*keys, *item["prefixItems"][KEYS:]]}
        held = dict(zip(self.names[:KEYS], keys, strict=True))
        return {**item, "properties": {**item["properties"], **held}}


def in_words(refused: Iterable[tuple[tuple[str, str], int]]) -> str:
    """What was wrong with answers, by field and reason with how many, in words for a model.

    >>> in_words([(("note", "length"), 3), (("", "missing"), 2)])
    'note: wrong length (3); rows were left out (2)'
    """
    told = ((f"{field}: " if field else "", PLAINLY.get(reason, reason), count) for (field, reason), count in refused)
    return "; ".join(f"{field}{words} ({count})" for field, words, count in told)

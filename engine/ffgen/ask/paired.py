"""What a model is told to write parts of given rows: the rows it is given stand last, after what all requests share."""

from typing import Any

from msgspec import Struct

from ffgen.ask.dialect import Prompt
from ffgen.ask.prompt import CHARS_PER_TOKEN, Prompts, compact
from ffgen.spec.record import requirements
from ffgen.spec.types.nested import describe, one_line

KEYS = 2
"""Values of a reply's row that say which given row it belongs to: its number and its mark."""
STRICTER = (
    "",
    "Follow every rule to the letter.",
    "Answers before broke these rules. Check each value against its rules before you write it.",
    "Last try: a value that breaks a rule is thrown away. Keep to the limits, write something new for each row.",
)
"""What is added to a request that is asked again, by attempt."""


class Given(Struct, frozen=True):
    """Rows that a model is to complete: their numbers in the request, their marks, and the drawn values to show.

    `refused` says what was wrong with the answers before, in words; `attempt` how often it was asked.
    """

    numbers: list[int]
    marks: list[str]
    rows: list[list[Any]]
    attempt: int = 0
    refused: str = ""


class PairedPrompts(Prompts):
    """Writes the prompts of a hybrid table. The dataset's first two fields are the row's number and its mark."""

    shown: list[str] = []
    rules: list[str] = []

    def given(self, given: Given) -> Prompt:
        """The prompt for some given rows."""
        count = len(given.numbers)
        keys = zip(given.numbers, given.marks, given.rows, strict=True)
        lines = [compact([number, mark, *row]) for number, mark, row in keys]
        head = f"Given are {count} rows: {', '.join([*self.names[:KEYS], *self.shown])}"
        stricter = STRICTER[min(given.attempt, len(STRICTER) - 1)]
        refused = f" Refused before: {given.refused}." if given.refused else ""
        last = "\n".join([head, *lines, f"Write these {count} rows.{refused} {stricter}".rstrip()])
        return Prompt([*self.shared, ("user", last)], self._paired_schema(given), self.room(count))

    def tokens_given(self, characters: float) -> float:
        """Estimated tokens of one given row whose values have so many characters."""
        return characters / CHARS_PER_TOKEN + 4

    def _shared(self) -> list[tuple[str, str]]:
        lines = ["You write synthetic test data. People, companies and facts are invented."]
        if domain := one_line(self.dataset.domain or ""):
            lines.append(f"Domain: {domain}")
        lines.append(
            "Each request gives rows with some values known. Write a row for each, with these values in order:"
        )
        for i, (name, kind) in enumerate(zip(self.names, self.types, strict=True), start=1):
            examples = [one_line(str(value)) for value in kind.field.examples[:3]]
            lines.append(f"{i}. {name}: {describe(kind)}" + (f", e.g. {' | '.join(examples)}" if examples else ""))
        if rules := requirements(self.dataset):
            lines.append("In every row this is true: " + " AND ".join(f"({one_line(rule)})" for rule in rules))
        number, mark = self.names[:KEYS]
        lines.append(f"`{number}` and `{mark}` are copied from the given row, in the order in which rows are given.")
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

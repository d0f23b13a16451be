"""Refused rows, piled up by reason."""

from typing import Any

from msgspec import Struct, field

from ffgen.run.explain.story import Refusals, RefusedRow

Why = tuple[Any, str, str]
"""What refused a row, the field, the reason."""


class Pile(Struct):
    """Refused rows of one reason: how many, and the first of them."""

    count: int = 0
    samples: list[RefusedRow] = field(default_factory=list)


class Piles:
    """Refused rows by reason; holds `most` of each."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.by_reason: dict[Why, Pile] = {}

    def wants(self, why: Why, count: int = 1) -> bool:
        """Counts some rows; whether a sample of them is wanted."""
        pile = self.by_reason.setdefault(why, Pile())
        pile.count += count
        return len(pile.samples) < self.most

    def put(self, why: Why, row: RefusedRow) -> None:
        """A sample."""
        self.by_reason[why].samples.append(row)

    def view(self) -> list[Refusals]:
        """All reasons, the most frequent first."""
        return [
            Refusals(by=by, field=name, reason=reason, count=pile.count, samples=pile.samples)
            for (by, name, reason), pile in sorted(self.by_reason.items(), key=lambda item: -item[1].count)
        ]

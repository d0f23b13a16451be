"""What an output tells of itself: who made each value of a row, and why rows were refused. Data only."""

from typing import Any, Literal, Self

from msgspec import Struct

from ffgen.plan.estimate import FieldView

Place = list[int | str]
"""What names a stream of chance (see `rng.stream`): seed, table, shard, round, attempt, and what it is for."""

MOST_TEXT = 300
"""Characters of a sample that are shown."""


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that made a value what it is. `kind` is one word for programs, `says` the same for people."""

    kind: Literal[
        "number", "null", "case", "formula", "given", "parent", "orphan", "total", "pool", "correlation", "shared",
        "reply", "converted", "fallback",
    ]  # fmt: skip
    says: str


class ReplyView(Struct, frozen=True, kw_only=True):
    """The kept reply that a row or a value stands in. `key` is what it is kept under, in hex; hosts have no part in it.

    `position` counts from 0 in the reply, `rows` those of it that were valid, of `asked`. `tokens_per_row` is of what
    came out, for each valid row. `slice` is what set this request apart, in the prompt's own words.
    """

    key: str
    model: str
    api: str
    seed: int
    shard: int
    attempt: int
    position: int
    rows: int
    asked: int
    tokens_in: int
    tokens_out: int
    tokens_per_row: float
    slice: str
    broken: bool
    said: str
    """The row as it stands in the reply, clipped."""


class Spoilt(Struct, frozen=True, kw_only=True):
    """What was done to a cell on order, and what it was before, as text."""

    kind: str
    before: str | None
    after: str | None


class FieldStory(Struct, frozen=True, kw_only=True):
    """One field of a row. `value` is what stands in the file; `remade` what is made now, where that is another."""

    name: str
    type: str
    made_by: str
    constraints: str
    value: Any
    agrees: bool | None
    remade: Any = None
    written: bool = True
    """Whether it stands in the output: hidden fields don't, and `value` is what was drawn."""
    streams: list[Place] = []
    """The streams that it was drawn from; none where it is a function of the row number or of other fields."""
    facts: list[Fact] = []
    reply: ReplyView | None = None
    spoilt: Spoilt | None = None

    @classmethod
    def of(cls, view: FieldView, value: Any, agrees: bool | None, remade: Any) -> Self:
        """As the plan speaks of the field. `agrees` where it can be made again, and is `remade`."""
        return cls(
            name=view.name,
            type=view.type,
            made_by=view.made_by,
            constraints=view.constraints,
            value=value,
            agrees=agrees,
            remade=remade if agrees is False else None,
        )


class DrawView(Struct, frozen=True, kw_only=True):
    """One time that a row was drawn. All but the last were refused: `by` says what did it, `field` and `reason` why,
    and `row` what it was, clipped. A new `round` begins each time that the gate refused a row of the shard."""

    round: int
    attempt: int
    by: Literal["", "check", "plugin", "twin", "gate", "family"]
    field: str = ""
    reason: str = ""
    row: str = ""


class Explanation(Struct, frozen=True, kw_only=True):
    """One row of an output, and who made it.

    `line` is its number as it was asked for, `record` counts records from 1, `row` from 0 as labels do; `position` is
    its place in its shard, `drawn_as` the row that stands there, which is another one where rows were copied or are
    late. `agrees` is None where the row can't be made again; `notes` say why, and what else is not as it should be.
    """

    schema_version: int = 1
    path: str
    line: int
    table: str
    record: int
    row: int
    mode: Literal["drawn", "asked"]
    shard: int | None
    position: int | None
    drawn_as: int | None = None
    agrees: bool | None
    notes: list[str] = []
    known_by: str
    seed: int
    spec_hash: str
    version: str
    at: str
    unique: dict[str, str]
    place: Place = []
    """What the names of most of its streams begin with."""
    draws: list[DrawView] = []
    reply: ReplyView | None = None
    fields: list[FieldStory]


class Refusals(Struct, frozen=True, kw_only=True):
    """Rows that were refused for one reason, and some of them."""

    by: Literal["reply", "check", "plugin", "twin", "gate", "score"]
    field: str
    reason: str
    count: int
    samples: list["RefusedRow"]


class RefusedRow(Struct, frozen=True, kw_only=True):
    """One refused row: where it was made, and what it was, clipped. `round` is of drawn rows only."""

    shard: int
    attempt: int
    position: int
    text: str
    round: int = 0


class RefusedRows(Struct, frozen=True, kw_only=True):
    """Why rows of an output were refused, most first. `rows` is how many were let in, in the first `shards` of its
    `of_shards`, which were looked at."""

    schema_version: int = 1
    path: str
    table: str
    mode: Literal["drawn", "asked"]
    known_by: str
    seed: int
    spec_hash: str
    shards: int
    of_shards: int
    rows: int
    refused: int
    reasons: list[Refusals]
    notes: list[str] = []


def clipped(text: str) -> str:
    """A sample, not longer than anybody reads."""
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"

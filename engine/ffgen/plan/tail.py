"""How the values of a pool are asked for: from the tail of what is possible, in slices that no two requests share.

Asked often for a name, a model gives the same few. Told that each value should be one that comes to mind seldom, it
gives far more different ones (J. Zhang et al., Verbalized sampling: how to mitigate mode collapse and unlock LLM
diversity, 2025: up to twice as many), and told of an initial, a length and a matter, it leaves those of other requests
to them. Requests that come later ask for rarer values.
"""

from collections.abc import Sequence

from ffgen.spec.model import Dataset
from ffgen.spec.types import ValueType
from ffgen.spec.types.text import Text

LETTERS = "MARCSEJLTBDGKPHNVFOIW"
"""Initials that many words begin with, spread so that neighbours differ."""
SIZES = ("short ones", "long ones", "ones of middling length")
MATTERS = (
    "a thing one can touch",
    "a place",
    "a person or an animal",
    "a time of day or of the year",
    "a colour, a sound or a smell",
    "a number or a measure",
    "a mishap",
    "a feeling",
)
RARE = (10, 100, 1_000, 10_000)
"""How seldom a value comes to mind, in each third of the requests, and in those that make up for what was refused."""
NARROW = 12
"""A range of lengths that is not wider is not cut."""
REQUESTS = 160
"""Into so many requests a large pool is cut: enough to keep eight at a time busy to the end, few enough to be cheap."""
FEWEST = 16
MOST = 100
ROOM = 1_500
"""Tokens of one reply, about: a longer one costs more where it goes wrong."""


def rows_a_request(size: int, tokens: float) -> int:
    """Values to ask for at once, of a pool of `size` values of so many tokens each: 16 to 100, fewer of long ones, so
    that 5,000 take no more than 500 requests.

    >>> rows_a_request(5_000, 9), rows_a_request(5_000, 200), rows_a_request(50_000, 9), rows_a_request(100, 9)
    (32, 12, 100, 16)
    """
    wanted = min(MOST, max(FEWEST, -(-size // REQUESTS)))
    return min(wanted, max(12, int(ROOM / tokens)))


def is_pool(dataset: Dataset) -> bool:
    """Whether a table is that of a pool, to be written by the model once: see `plan.pools`."""
    return any(field.pool is not None and field.source is None for field in dataset.fields)


class Tail:
    """The slices of one pool, whose values are the one field of a table. `base` requests would do if every value were
    new; `turn` is where the slices begin. Pure: a slice is a function of the request's number."""

    def __init__(self, types: Sequence[ValueType], base: int, turn: int) -> None:
        self.kind = types[0]
        self.base = max(base, 1)
        self.turn = turn

    def slices(self, index: int, step: int = 0) -> str:
        """The part of the space that a request is for, in words for the prompt. None comes again within 504. `step` is
        how often steering was changed because too little came: the values are to be rarer still."""
        rare = RARE[min(3, 3 * index // self.base + step)]
        name = self.kind.field.name
        seldom = f"each {name} is one that comes to mind less than 1 time in {rare:,}, specific and believable"
        cut = self.cut(index)
        return f"{cut}; {seldom}" if cut else seldom

    def cut(self, index: int) -> str:
        """Initial, length and matter of a request. Nothing where a pattern or a list says what values look like."""
        field = self.kind.field
        if field.pattern or field.values:
            return ""
        place = index + self.turn
        letter, place = LETTERS[place % len(LETTERS)], place // len(LETTERS)
        size, round_ = place % len(SIZES), place // len(SIZES)
        # Twice: an even step lets all eight matters come to each letter and length.
        matter = MATTERS[(round_ + 2 * (index + self.turn)) % len(MATTERS)]
        return f"{field.name} starts with {letter}, {self.sizes()[size]}, where it fits with {matter} in it"

    def sizes(self) -> Sequence[str]:
        """Three parts of the lengths that are allowed, in words."""
        kind = self.kind
        low, high = (kind.low or 1, kind.high) if isinstance(kind, Text) else (1, None)
        if high is None or high - low < NARROW:
            return SIZES
        step = (high - low) / 3
        ends = [round(low + step * i) for i in range(4)]
        return [f"{ends[i]} to {ends[i + 1]} characters" for i in (0, 2, 1)]

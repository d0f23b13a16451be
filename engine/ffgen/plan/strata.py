"""Slices of the space: each request of an asked table is steered to another part of it, so that no two ask alike.

A field with a range, listed values or a yes and no is cut into `CELLS` cells, and request i takes one of each field.
The number is prime, which is what lets every two fields (of the first six) meet in all pairs of cells in `CELLS`
squared requests, while any run of requests uses the cells of each field evenly and two requests in a row never the
same one. Texts are steered by initials, long ones by who writes them; these turn with lengths of their own.
"""

import random
from collections.abc import Collection, Sequence

import xxhash
from msgspec import Struct

from ffgen.plan.bands import bands_of, small_values
from ffgen.plan.facets import FACETS, voice
from ffgen.plan.shards import Shards
from ffgen.spec.types import ValueType
from ffgen.spec.types.nested import one_line

CELLS = 7
LETTERS = "MARCSEJLTBDGKPHNVFOIWYZ"
"""Initials that many names begin with, spread so that neighbours differ; as many as share no factor with the rest."""
SHOWN = 6
"""Values of a cell that are named at once; a cell that holds more goes through them."""
LONGEST = 60
"""Characters of a value above which a field's values are no slices."""
MOST = 12
"""Fields that are steered at once: more than that nobody can follow."""
PROSE = 100
"""Characters from which a text is steered by its writer, not by its initial."""
STEPS = 3
"""Ways of steering: as the run begins, in another order, and with values to leave alone."""
_PACES = (1, 5, 9)
_SHIFTS = (0, 1, 2, 3, 4, 5)  # not 6: 1 + 6 is no step
_OF_THREE = (0, 1, 4, 5)  # three values stand twice each, three apart; steps of 3 and 4 would bring one twice in a row

Picks = tuple[int, ...]
"""A cell of each field."""


class Steer(Struct, frozen=True):
    """What one request asks for beside the spec: so many rows, a cell of each field, values to leave alone."""

    rows: int
    step: int = 0
    picks: Picks = ()
    avoid: tuple[str, ...] = ()


class Axis:
    """One field cut into cells. A cell is a list of what may be named of it, empty where the field is left free."""

    def __init__(self, kind: ValueType, shift: int, turn: int, starts: Sequence[int]) -> None:
        self.name = kind.field.name
        self.cells = cells_of(kind, CELLS)
        self._shift, self._turn, self._starts = shift, turn, starts

    def cell(self, index: int, step: int) -> int:
        """The cell of request `index`. Each step has another order."""
        block = index // CELLS
        shift = self._shift if step == 0 else _SHIFTS[-1] - self._shift
        return (index + shift * block + self._turn * (block // CELLS) + self._starts[step]) % CELLS


class Strata:
    """The slices of one asked table. A pure function of spec, seed, request and step; some microseconds a call.

    `tied` are sets of fields that a condition ties together: only one of each is steered, or else a request would ask
    for rows that can't be. The first requests of a table too small to fill `CELLS` cut the space into as many parts
    as there are requests; a table of one request isn't cut at all.
    """

    def __init__(
        self,
        types: Sequence[ValueType],
        shards: Shards,
        personas: Sequence[str] = (),
        tied: Collection[Collection[str]] = (),
    ) -> None:
        self.shards = shards
        self.personas = [one_line(text) for text in personas]
        steered = untied([kind for kind in types if cells_of(kind, CELLS)], tied)[:MOST]
        self.axes = self._axes(steered)
        parts = min(CELLS, shards.base)
        self.parts = [cells_of(kind, parts) or [[]] * parts for kind in steered]
        self.named = next((kind for kind in [*filter(is_short, types), *filter(is_open, types)]), None)
        self.prose = next(filter(is_prose, types), None)
        self._orders: dict[tuple[str, int], list[int]] = {}

    @property
    def told(self) -> str | None:
        """The field whose values are shown where some are to be left alone."""
        kind = self.named or self.prose
        return None if kind is None else kind.field.name

    def is_lone(self, index: int) -> bool:
        """Whether a request is the whole table."""
        return index == 0 and self.shards.base == 1

    def is_small(self, index: int) -> bool:
        """Whether a request is one of so few that they cut the space among themselves."""
        return index < self.shards.base < CELLS

    def picks(self, index: int, step: int = 0) -> Picks:
        """The cells of request `index` where nothing that was admitted speaks for others."""
        if self.is_small(index):
            return tuple(self._order(f"part {i}", len(parts))[index] for i, parts in enumerate(self.parts))
        return tuple(axis.cell(index, step) for axis in self.axes)

    def slices(self, index: int, steer: Steer) -> str:
        """The part of the space that a request is for, in words for the prompt."""
        if self.is_lone(index):
            return ""
        cells = self.parts if self.is_small(index) else [axis.cells for axis in self.axes]
        turn = index // CELLS
        parts = zip(self.axes, cells, steer.picks, strict=True)
        words = [in_words(axis.name, each[pick], turn) for axis, each, pick in parts]
        return "; ".join(filter(None, [*words, self._initials(index, steer.step)]))

    def voice(self, index: int, step: int) -> str:
        """Who writes, where there is a text long enough to tell: one of the spec's own, else a mix of facets."""
        if self.prose is None or self.is_lone(index):
            return ""
        if self.personas:
            return self.personas[self._turned("persona", step, index, len(self.personas))]
        return voice(*(facet[self._turned(f"facet {i}", step, index, len(facet))] for i, facet in enumerate(FACETS)))

    @property
    def longest(self) -> int:
        """Characters that slices and voice take at most."""
        cells = [[(axis.name, cell) for cell in axis.cells] for axis in self.axes]
        words = [max(sum(sorted(map(len, cell))[-SHOWN:]) + len(name) + 30 for name, cell in each) for each in cells]
        voices = [len(text) for text in self.personas] or [sum(max(map(len, facet)) for facet in FACETS) + 60]
        return sum(words) + (max(voices) if self.prose else 0) + 60

    def initials(self, index: int, step: int) -> str:
        """Two letters that a request's texts mostly start with, in an order that comes back after 500 requests."""
        size, offset = len(LETTERS), self._number("letters", step) % len(LETTERS)
        # Another distance in each round of the alphabet, never 0.
        distance = 1 + (index // size + self._number("distance", step)) % (size - 1)
        first = (index * _PACES[step] + offset) % size
        return LETTERS[first] + LETTERS[(first + distance) % size]

    def _initials(self, index: int, step: int) -> str:
        kind = self.named or (self.prose if step else None)
        if kind is None:
            return ""
        both = " or ".join(self.initials(index, step))
        return f"{kind.field.name} mostly starting with {both.lower() if is_open(kind) else both}"

    def _axes(self, kinds: Sequence[ValueType]) -> list[Axis]:
        """Axes with shifts that differ, as far as there are such; those of three values choose first."""
        three = [len(distinct(cells_of(kind, CELLS))) == 3 for kind in kinds]
        left: list[int] = []
        found: dict[int, Axis] = {}
        for i in sorted(range(len(kinds)), key=lambda i: not three[i]):
            left = left or [*_SHIFTS]
            shift = next(iter([each for each in left if each in _OF_THREE] if three[i] else left[::-1]), left[0])
            left.remove(shift)
            starts = [self._number(f"start {i}", step) % CELLS for step in range(STEPS)]
            found[i] = Axis(kinds[i], shift, len(found) // len(_SHIFTS), starts)
        return [found[i] for i in range(len(kinds))]

    def _turned(self, what: str, step: int, index: int, size: int) -> int:
        """One of `size`, each in its turn, in a shuffled order that is the same in every round."""
        return self._order(f"{what} {step}", size)[index % size]

    def _order(self, what: str, size: int) -> list[int]:
        if (what, size) not in self._orders:
            order = [*range(size)]
            random.Random(self._number(what, size)).shuffle(order)
            self._orders[what, size] = order
        return self._orders[what, size]

    def _number(self, what: str, which: int) -> int:
        shards = self.shards
        return xxhash.xxh3_64_intdigest(f"{shards.seed}/{shards.table}/{what}/{which}".encode())


def cells_of(kind: ValueType, parts: int) -> list[list[str]]:
    """A field's space in `parts` cells, each with what may be named of it; none where it can't be cut."""
    if bands := bands_of(kind, parts):
        return [[band] for band in bands]
    values, weights = values_of(kind)
    if len(values) < 2 or any(len(value) > LONGEST for value in values):
        return []
    if len(values) > parts or len(set(weights)) > 1:
        return shared_out(values, weights, parts)
    cells: list[list[str]] = [[] for _ in range(parts)]
    copies = parts // len(values)
    for number in range(copies * len(values)):
        cells[number * parts // (copies * len(values))] = [values[number % len(values)]]
    return cells


def values_of(kind: ValueType) -> tuple[list[str], list[float]]:
    """The values that a field can have, where they can be counted on two hands or were listed, and their weights."""
    field = kind.field
    if field.values:
        pairs = zip(field.values, field.weights or [1.0] * len(field.values), strict=True)
        wanted = [(value, weight) for value, weight in pairs if weight > 0]
        return [said(value) for value, _ in wanted], [weight for _, weight in wanted]
    values = [said(value) for value in small_values(kind)]
    return values, [1.0] * len(values)


def shared_out(values: Sequence[str], weights: Sequence[float], parts: int) -> list[list[str]]:
    """Values in cells of about the same weight: a heavy one has several, spread out; light ones share. None where all
    cells would be alike."""
    total = sum(weights)
    heavy = [i for i, weight in enumerate(weights) if weight * parts >= total]
    light = [i for i in range(len(values)) if i not in heavy]
    groups = min(round(sum(weights[i] for i in light) / total * parts), parts, len(light))
    copies = apportioned([weights[i] for i in heavy], parts - groups)
    places = [((copy + 0.5) / n, [values[i]]) for i, n in zip(heavy, copies, strict=True) for copy in range(n)]
    places += [((group + 0.5) / groups, [values[i] for i in light[group::groups]]) for group in range(groups)]
    cells = [members for _, members in sorted(places, key=lambda place: place[0])]
    return cells + [[]] * (parts - len(cells)) if len(distinct(cells)) > 1 else []


def apportioned(weights: Sequence[float], seats: int) -> list[int]:
    """Seats by weight: the largest remainders get what is left over."""
    total = sum(weights) or 1.0
    shares = [weight / total * seats for weight in weights]
    counts = [int(share) for share in shares]
    by_rest = sorted(range(len(shares)), key=lambda i: counts[i] - shares[i])
    for i in by_rest[: seats - sum(counts)]:
        counts[i] += 1
    return counts


def in_words(name: str, members: Sequence[str], turn: int) -> str:
    """A cell in words, at most `SHOWN` of its members; `turn` says which."""
    if not members:
        return ""
    if len(members) > SHOWN:
        first = turn * SHOWN % len(members)
        members = [*members, *members][first : first + SHOWN]
    listed = members[0] if len(members) == 1 else f"{', '.join(members[:-1])} or {members[-1]}"
    return f"{name} mostly {listed}"


def untied(kinds: Sequence[ValueType], tied: Collection[Collection[str]]) -> list[ValueType]:
    """The first of the fields that a condition ties together, and all that no condition names."""
    found: list[ValueType] = []
    for kind in kinds:
        name = kind.field.name
        if not any(name in names and any(each.field.name in names for each in found) for names in tied):
            found.append(kind)
    return found


def distinct(cells: Sequence[Sequence[str]]) -> set[tuple[str, ...]]:
    """The cells that differ, free ones left out."""
    return {tuple(cell) for cell in cells if cell}


def said(value: object) -> str:
    """A value as a prompt says it."""
    return str(value).lower() if isinstance(value, bool) else one_line(str(value))


def is_made_up(kind: ValueType) -> bool:
    """Text that the model makes up: no list, no pattern."""
    return kind.field.type in ("string", "text") and not kind.field.values and not kind.field.pattern


def is_prose(kind: ValueType) -> bool:
    """Text long enough to have a writer."""
    return is_made_up(kind) and (kind.field.type == "text" or (getattr(kind, "high", None) or 0) >= PROSE)


def is_short(kind: ValueType) -> bool:
    """Text whose initial can be asked for."""
    return is_made_up(kind) and not is_prose(kind)


def is_open(kind: ValueType) -> bool:
    """An address whose start the model makes up, in small letters."""
    return kind.field.type == "email" and not kind.field.values and (kind.field.pattern or "@").startswith("@")

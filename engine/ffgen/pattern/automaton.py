"""Deterministic automata over intervals of characters: built from a tree, multiplied, counted, ranked.

Every step is paid for from a budget of work, not of time, so that a pattern is known or unknown alike on a fast
machine and a slow one. The budget lasts well below a second on the slow one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ffgen.pattern.chars import CharSet, atoms
from ffgen.pattern.parse import ANY, Anchor, Chain, Chars, Either, Node, Repeat

MAX_STATES = 10_000
WORK = 2_000_000


class TooLarge(Exception):
    """The budget of work, or the cap on states, is used up. Stays inside `ffgen.pattern`."""


class Budget:
    """Elementary steps left to one computation."""

    def __init__(self, steps: int = WORK) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooLarge


@dataclass(slots=True)
class _State:
    """A state of the non-deterministic automaton: moves on a character, free moves, and free moves at an anchor."""

    moves: list[tuple[int, int]]
    free: list[int]
    at_start: list[int]
    at_end: list[int]


class _Nfa:
    """Thompson's construction. State 0 is where a text starts, `final` where it has matched."""

    def __init__(self, node: Node, *, searched: bool, drawn: bool, budget: Budget) -> None:
        self.states: list[_State] = []
        self.sets: dict[CharSet, int] = {}
        self.drawn = drawn
        self.budget = budget
        start = self._new()
        if searched:
            self._move(start, ANY, start)
        self.final = self._build(node, start if not searched else self._after(start))
        if searched:
            self._move(self.final, ANY, self.final)
        self.sticky = searched

    def _new(self) -> int:
        self.budget.spend(20)
        self.states.append(_State([], [], [], []))
        return len(self.states) - 1

    def _after(self, state: int) -> int:
        fresh = self._new()
        self.states[state].free.append(fresh)
        return fresh

    def _move(self, start: int, chars: Chars, end: int) -> None:
        wanted = chars.drawn if self.drawn else chars.full
        self.states[start].moves.append((self.sets.setdefault(wanted, len(self.sets)), end))

    def _build(self, node: Node, start: int) -> int:
        """Adds a node behind a state; the state after it."""
        self.budget.spend(5)
        match node:
            case Chars():
                end = self._new()
                self._move(start, node, end)
            case Anchor():
                end = self._new()
                (self.states[start].at_end if node.end else self.states[start].at_start).append(end)
            case Chain(parts):
                end = start
                for part in parts:
                    end = self._build(part, end)
            case Either(branches):
                end = self._new()
                for branch in branches:
                    self.states[self._build(branch, self._after(start))].free.append(end)
            case Repeat(item, low, high):
                end = self._repeat(item, low, high, start)
        return end

    def _repeat(self, item: Node, low: int, high: int | None, start: int) -> int:
        for _ in range(low):
            start = self._build(item, start)
        if high is None:
            loop = self._after(start)
            self.states[self._build(item, loop)].free.append(loop)
            return self._after(loop)
        end = self._new()
        for _ in range(high - low):
            self.states[start].free.append(end)
            start = self._build(item, self._after(start))
        self.states[start].free.append(end)
        return end

    def reach(self, state: int, *, start: bool = False, end: bool = False) -> int:
        """The states that free moves lead to, as a bit mask; anchors are passed where the text starts or ends."""
        seen, waiting = 1 << state, [state]
        while waiting:
            here = self.states[waiting.pop()]
            for target in (*here.free, *(here.at_start if start else ()), *(here.at_end if end else ())):
                if not seen >> target & 1:
                    seen |= 1 << target
                    waiting.append(target)
            self.budget.spend()
        return seen


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class _Subsets:
    """The subset construction: what a set of states becomes on each atom of the alphabet."""

    def __init__(self, nfa: _Nfa, budget: Budget) -> None:
        self.nfa, self.budget = nfa, budget
        self.parts: list[CharSet] = []
        self.within: list[list[int]] = [[] for _ in nfa.sets]
        for part, holders in atoms(nfa.sets):
            for holder in holders:
                self.within[holder].append(len(self.parts))
            self.parts.append(part)
        self.reached: dict[int, int] = {}
        self.unions: dict[tuple[int, ...], CharSet] = {}
        self.movers = sum(1 << number for number, state in enumerate(nfa.states) if state.moves or state.at_end)
        self.movers |= 1 << nfa.final
        at_end = (number for number, state in enumerate(nfa.states) if state.at_end)
        self.ending = sum(1 << number for number in at_end if nfa.reach(number, end=True) >> nfa.final & 1)
        self.ending |= 1 << nfa.final

    def closure(self, state: int) -> int:
        if state not in self.reached:
            self.reached[state] = self.nfa.reach(state) & self.movers
        return self.reached[state]

    def settle(self, mask: int) -> int:
        """Found in a searched text, found for good: whatever follows, one state says it all."""
        found = 1 << self.nfa.final
        return found if self.nfa.sticky and mask & found else mask

    def steps(self, mask: int) -> list[tuple[CharSet, int]]:
        targets: dict[int, int] = defaultdict(int)
        for state in _bits(mask):
            for chars, target in self.nfa.states[state].moves:
                reached = self.closure(target)
                for part in self.within[chars]:
                    targets[part] |= reached
                self.budget.spend(1 + len(self.within[chars]))
        merged: dict[int, list[int]] = defaultdict(list)
        for part, target in sorted(targets.items()):
            merged[self.settle(target)].append(part)
        return [(self.union(tuple(parts)), target) for target, parts in merged.items()]

    def union(self, parts: tuple[int, ...]) -> CharSet:
        """These parts as one set. Few different ones come up, again and again, and `\\w` alone has 700 ranges."""
        if len(parts) == 1:
            return self.parts[parts[0]]
        if parts not in self.unions:
            self.unions[parts] = CharSet.of(run for part in parts for run in self.parts[part].ranges)
        return self.unions[parts]


Edges = list[list[tuple[CharSet, int]]]


class Automaton:
    """A deterministic automaton in which every state lies on the way from the start to a word. State 0 is the start;
    without a word there is no state at all. Words of a length are numbered, in an order that is fixed but means
    nothing."""

    def __init__(self, edges: Edges, accepting: Iterable[int]) -> None:
        self.edges, self.accepting = _trimmed(edges, frozenset(accepting))
        self.longest = _longest(self.edges)
        self._into: list[list[tuple[int, int]]] = [[] for _ in self.edges]
        for state, leaving in enumerate(self.edges):
            for chars, target in leaving:
                self._into[target].append((state, chars.size))
        self._ways: list[dict[int, int]] = [dict.fromkeys(sorted(self.accepting), 1)]
        self._budget = Budget()

    @classmethod
    def of(cls, node: Node, *, searched: bool, drawn: bool) -> "Automaton":
        """What a tree accepts: as a whole, or `searched` for in a text; over the drawing alphabet, or over all of
        Unicode. Raises TooLarge."""
        budget = Budget()
        nfa = _Nfa(node, searched=searched, drawn=drawn, budget=budget)
        subsets = _Subsets(nfa, budget)
        first = subsets.settle(nfa.reach(0, start=True) & subsets.movers)
        numbers: dict[int, int] = {}
        masks = [first]  # the start keeps a number of its own: only there does ^ hold
        edges: Edges = []
        for mask in masks:
            edges.append([])
            for chars, target in subsets.steps(mask):
                if target not in numbers:
                    numbers[target] = len(masks)
                    masks.append(target)
                edges[-1].append((chars, numbers[target]))
            if len(masks) > MAX_STATES:
                raise TooLarge
        accepting = {number for number, mask in enumerate(masks) if number and mask & subsets.ending}
        if nfa.reach(0, start=True, end=True) >> nfa.final & 1:
            accepting.add(0)
        return cls(edges, accepting)

    def __mul__(self, other: "Automaton") -> "Automaton":
        """The words of both. Raises TooLarge."""
        if not self.edges or not other.edges:
            return Automaton([], ())
        budget = Budget()
        numbers = {(0, 0): 0}
        pairs = [(0, 0)]
        edges: Edges = []
        for mine, theirs in pairs:
            edges.append([])
            for chars, target in self.edges[mine]:
                for others, opposite in other.edges[theirs]:
                    both = chars & others
                    budget.spend(5 + len(chars.ranges) + len(others.ranges))
                    if both and (target, opposite) not in numbers:
                        numbers[target, opposite] = len(pairs)
                        pairs.append((target, opposite))
                    if both:
                        edges[-1].append((both, numbers[target, opposite]))
            if len(pairs) > MAX_STATES:
                raise TooLarge
        return Automaton(edges, (n for n, (a, b) in enumerate(pairs) if a in self.accepting and b in other.accepting))

    @property
    def alphabet(self) -> Iterator[CharSet]:
        """The characters of every edge."""
        return (chars for leaving in self.edges for chars, _ in leaving)

    def ways(self, length: int) -> dict[int, int]:
        """How many words of this length lead from each state to acceptance; states with none are left out. Kept:
        the tables of all lengths up to this one stay in memory, some 16 MB at most. Raises TooLarge beyond that."""
        while len(self._ways) <= length:
            row: dict[int, int] = defaultdict(int)
            for state, count in self._ways[-1].items():
                for source, size in self._into[state]:
                    self._budget.spend(1 + count.bit_length() // 64)
                    row[source] += size * count
            self._budget.spend()
            self._ways.append(dict(row))
        return self._ways[length]

    def count(self, length: int) -> int:
        """How many words have this length. Raises TooLarge."""
        if length < 0 or (self.longest is not None and length > self.longest):
            return 0
        return self.ways(length).get(0, 0)

    def word(self, index: int, length: int) -> str:
        """The word of a number, 0 <= index < count(length)."""
        chars, state = [], 0
        for left in range(length - 1, -1, -1):
            ways = self.ways(left)
            for found, target in self.edges[state]:
                each = ways.get(target, 0)
                if index < found.size * each:
                    break
                index -= found.size * each
            char, index = divmod(index, each)
            chars.append(found.nth(char))
            state = target
        return "".join(chars)

    def rank(self, word: str) -> int | None:
        """The number of a word among those of its length; None if it is not one."""
        state, rank = 0, 0
        if not self.edges:
            return None
        for left, char in zip(range(len(word) - 1, -1, -1), word, strict=True):
            ways = self.ways(left)
            for chars, target in self.edges[state]:
                at = chars.index(char)
                if at is not None:
                    break
                rank += chars.size * ways.get(target, 0)
            else:
                return None
            rank += at * ways.get(target, 0)
            state = target
        return rank if state in self.accepting else None


def _trimmed(edges: Edges, accepting: frozenset[int]) -> tuple[Edges, frozenset[int]]:
    """Only states from which a word can still end, numbered anew in the same order."""
    into: list[list[int]] = [[] for _ in edges]
    for state, leaving in enumerate(edges):
        for _, target in leaving:
            into[target].append(state)
    useful, waiting = set(accepting), list(accepting)
    while waiting:
        fresh = set(into[waiting.pop()]) - useful
        useful |= fresh
        waiting.extend(fresh)
    if 0 not in useful:
        return [], frozenset()
    numbers = {state: number for number, state in enumerate(sorted(useful))}
    kept = [[(chars, numbers[to]) for chars, to in edges[state] if to in numbers] for state in numbers]
    return kept, frozenset(numbers[state] for state in accepting if state in numbers)


def _longest(edges: Edges) -> int | None:
    """The length of the longest word; None if a loop makes words of any length, -1 if there is no word."""
    waits = [0] * len(edges)
    for leaving in edges:
        for _, target in leaving:
            waits[target] += 1
    depth = [0] * len(edges)
    ready = [state for state, count in enumerate(waits) if count == 0]
    for state in ready:
        for _, target in edges[state]:
            depth[target] = max(depth[target], depth[state] + 1)
            waits[target] -= 1
            if waits[target] == 0:
                ready.append(target)
    return None if len(ready) < len(edges) else max(depth, default=-1)

"""A drawn table as frames, in this process: for the library's iterator and for previews."""

import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from ffgen.admit.gate import Gate
from ffgen.errors import Interrupted, ShortfallError, UsageError
from ffgen.plan.compile import Plan
from ffgen.plan.recipes import Recipes
from ffgen.plan.tables import Layout
from ffgen.run.answers import Answers
from ffgen.run.drawer import shape_of
from ffgen.run.drawing import MOST_ROUNDS
from ffgen.run.labels import Spoiled, counts_of, tell
from ffgen.run.store import Store
from ffgen.shard.drawn import Drawer, Positions
from ffgen.shard.spoil import spoil
from ffgen.sink.block import Columns


def frames_of(plan: Plan, table: str | None, memory: int, spoiled: Spoiled | None = None) -> Iterator[pl.DataFrame]:
    """The frames of one table, a shard each, in order; `format` is applied. The only table, unless one is named.
    `spoiled` is added what was spoiled."""
    names = plan.chosen(table)
    if len(names) > 1:
        raise UsageError(f"The spec has {len(names)} tables, and frames are of one.", hint=f"Say table={names[0]!r}.")
    wanted = names[0]
    with tempfile.TemporaryDirectory(prefix="ffgen-") as folder:
        hand = Hand(plan, memory, folder)
        for layout in plan.layouts:
            if layout.table == wanted:
                yield from hand.written(layout, Counter() if spoiled is None else spoiled)
                return
            if hand.is_needed(layout.table):
                for _ in hand.shards(layout):
                    pass


class Hand:
    """Draws table after table; keeps what later tables need of earlier ones."""

    def __init__(self, plan: Plan, memory: int, folder: str) -> None:
        spec = plan.spec
        self.recipes = Recipes(spec, plan.layouts)
        self.drawer = Drawer(self.recipes, spec.seed)
        self.store = Store(folder, self.recipes)
        self.recipes.stored = self.store.value
        self.recipes.answers = Answers(plan.answers).get if plan.answers else None
        self.memory = memory
        self.folder = folder

    def is_needed(self, table: str) -> bool:
        """Whether other tables need this one to be drawn before them."""
        return bool(self.recipes.recipes[table].gated) or any(name == table for name, _ in self.recipes.wanted)

    def written(self, layout: Layout, told: Spoiled) -> Iterator[pl.DataFrame]:
        """The frames as they would be written."""
        recipe = self.recipes.recipes[layout.table]
        columns = Columns(*shape_of(recipe), iso=False)
        for shard, frame in enumerate(self.shards(layout)):
            spoiled, labels = spoil(recipe, shard, layout.span(shard)[0], frame.select(recipe.written))
            tell(told, layout.table, counts_of(labels))
            yield columns.written(spoiled)

    def shards(self, layout: Layout) -> Iterator[pl.DataFrame]:
        """Every shard's rows, the gate's refusals drawn again."""
        recipe = self.recipes.recipes[layout.table]
        gate = None
        if recipe.gated:
            gate = Gate(len(recipe.gated), layout.count, self.memory, self.folder, recipe.near)
        try:
            for shard in range(layout.shards):
                frame = self.drawer.draw(layout.table, shard)
                if gate is not None:
                    frame = self._judged(gate, layout.table, shard, frame)
                self.store.keep(layout.table, shard, frame)
                yield frame
        finally:
            if gate is not None:
                gate.close()

    def _judged(self, gate: Gate, table: str, shard: int, frame: pl.DataFrame) -> pl.DataFrame:
        rounds: list[Positions] = []
        changed: Positions | None = None
        while True:
            part = frame if changed is None else frame[changed]
            bad = np.flatnonzero(~gate.judge(self.drawer.keys(table, part), self.drawer.texts(table, part)))
            if not len(bad):
                self.drawer.history[table, shard] = rounds
                return frame
            if len(rounds) == MOST_ROUNDS:
                what = f"{table}: after {MOST_ROUNDS} draws there is still a row that is there already."
                raise ShortfallError(what, hint="Widen its fields, or lower count.")
            rounds.append(bad if changed is None else changed[bad])
            frame = self.drawer.again(table, shard, frame, rounds)
            changed = self.drawer.changed(table, shard, rounds)


def hand_over(
    plan: Plan, table: str | None, memory: int, take: Callable[[pl.DataFrame], bool], rows: int, spoiled: Spoiled
) -> int:
    """Gives frames of at most so many rows to `take` until all are given; says how many. Interrupted when it won't."""
    given = 0
    for frame in frames_of(plan, table, memory, spoiled):
        for part in frame.iter_slices(rows):
            if not take(part):
                raise Interrupted(signal.SIGINT, "The frames were closed before the run was over.")
            given += len(part)
    return given

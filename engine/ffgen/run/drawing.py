"""What a drawn table does next: events in, commands out. No clock, no I/O, no processes.

A shard is drawn (by any worker, in any order), judged where only the gate can keep rows apart (in order; refused rows
are drawn again at their places until none is refused), sealed (encoded; only then is its size known), and placed:
it gets the next free place in the file, in order. So the file is a function of the plan alone.
"""

from dataclasses import dataclass
from typing import Literal

DEATHS = 2
"""Workers a shard may take down before the run ends with its name."""
MOST_ROUNDS = 100
"""Times that the gate may refuse rows of one shard before there is taken to be no room."""


@dataclass(frozen=True, slots=True)
class DrawShard:
    """Draw the shard with all refusals so far; `seal` says to encode it, too."""

    shard: int
    seal: bool


@dataclass(frozen=True, slots=True)
class JudgeShard:
    """Ask the gate about the rows that were drawn last."""

    shard: int


@dataclass(frozen=True, slots=True)
class PlaceShard:
    """Put the shard's block at this offset."""

    shard: int
    offset: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Every shard is placed; the next free byte is at `offset`."""

    offset: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The table can't be made."""

    reason: Literal["crash", "full"]
    shard: int


Command = DrawShard | JudgeShard | PlaceShard | Finish | GiveUp

Phase = Literal["drawing", "drawn", "sealing", "sealed", "placing"]


@dataclass(slots=True)
class Shard:
    """One shard under way."""

    phase: Phase
    rounds: int = 0
    size: int = 0
    offset: int = -1
    deaths: int = 0


class Drawing:
    """Decides one table. `window` shards are under way at most, so that blocks waiting for their turn stay few."""

    def __init__(self, shards: int, *, gated: bool, window: int, offset: int = 0) -> None:
        self.shards = shards
        self.gated = gated
        self.window = window
        self.offset = offset
        self.open: dict[int, Shard] = {}
        self.launched = 0
        self.judge_next = 0
        self.place_next = 0
        self.placed = 0
        self.ended = False

    def begin(self) -> list[Command]:
        """The first commands."""
        return self._advance()

    def drawn(self, index: int) -> list[Command]:
        """A shard's rows are there, not yet sealed."""
        self.open[index].phase = "drawn"
        return self._advance()

    def judged(self, index: int, refused: int) -> list[Command]:
        """The gate has answered: so many rows were refused."""
        shard = self.open[index]
        if not refused:
            shard.phase = "sealing"
            self.judge_next += 1
            return [DrawShard(index, seal=True), *self._advance()]
        shard.rounds += 1
        if shard.rounds > MOST_ROUNDS:
            return self._give_up("full", index)
        shard.phase = "drawing"
        return [DrawShard(index, seal=False)]

    def sealed(self, index: int, size: int) -> list[Command]:
        """A shard's block is ready, so many bytes."""
        shard = self.open[index]
        if shard.offset >= 0:  # drawn again after its worker died: it has its place already
            shard.phase = "placing"
            return [PlaceShard(index, shard.offset)]
        shard.phase, shard.size = "sealed", size
        return self._advance()

    def put(self, index: int) -> list[Command]:
        """A shard's block is in its place."""
        del self.open[index]
        self.placed += 1
        return self._advance()

    def lost(self, indices: tuple[int, ...]) -> list[Command]:
        """A worker died with these shards in hand: they are drawn again."""
        commands: list[Command] = []
        for index in indices:
            shard = self.open.get(index)
            if shard is None:
                continue
            shard.deaths += 1
            if shard.deaths >= DEATHS:
                return self._give_up("crash", index)
            if shard.phase == "drawn":
                continue  # its keys are here; the rows are made again when they are needed
            seal = shard.phase != "drawing" or not self.gated
            shard.phase = "sealing" if seal else "drawing"
            commands.append(DrawShard(index, seal))
        return commands

    def _advance(self) -> list[Command]:
        if self.ended:
            return []
        commands = self._place()
        commands += self._judge()
        while self.launched < self.shards and len(self.open) < self.window:
            self.open[self.launched] = Shard("drawing")
            commands.append(DrawShard(self.launched, seal=not self.gated))
            self.launched += 1
        if self.placed == self.shards:
            self.ended = True
            commands.append(Finish(self.offset))
        return commands

    def _judge(self) -> list[Command]:
        shard = self.open.get(self.judge_next)
        if not self.gated or shard is None or shard.phase != "drawn":
            return []
        return [JudgeShard(self.judge_next)]

    def _place(self) -> list[Command]:
        commands: list[Command] = []
        while (shard := self.open.get(self.place_next)) is not None and shard.phase == "sealed":
            shard.phase, shard.offset = "placing", self.offset
            commands.append(PlaceShard(self.place_next, self.offset))
            self.offset += shard.size
            self.place_next += 1
        return commands

    def _give_up(self, reason: Literal["crash", "full"], shard: int) -> list[Command]:
        self.ended = True
        return [GiveUp(reason, shard)]

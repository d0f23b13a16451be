"""What a drawn table does next: events in, commands out. No clock, no I/O, no processes.

A shard is drawn (by any worker, in any order), judged where only the gate can keep rows apart (in order; refused rows
are drawn again at their places until none is refused), sealed (encoded; only then is its size known), and placed:
it gets the next free place in the file, in order. So the file is a function of the plan alone.
"""

from dataclasses import dataclass
from typing import Literal

DEATHS = 3
"""Workers a shard may take down before the run ends with its name. A second one draws it sparingly, a third one with
nothing else being drawn: what kills is memory more often than not, and a shard that others died beside is cleared."""
MOST_ROUNDS = 100
"""Times that the gate may refuse rows of one shard before there is taken to be no room."""


@dataclass(frozen=True, slots=True)
class DrawShard:
    """Draw the shard with all refusals so far; `seal` says to encode it, too; `care` how many workers it cost."""

    shard: int
    seal: bool
    care: int = 0


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
    """Decides one table. `window` shards are under way at most, so that blocks waiting for their turn stay few. The
    shards before `first` stand already, up to `offset`."""

    def __init__(self, shards: int, *, gated: bool, window: int, offset: int = 0, first: int = 0) -> None:
        self.shards = shards
        self.gated = gated
        self.window = window
        self.offset = offset
        self.open: dict[int, Shard] = {}
        self.launched = first
        self.judge_next = first
        self.place_next = first
        self.placed = first
        self.ended = False
        self._busy: set[int] = set()
        self._held: list[tuple[int, bool]] = []

    @property
    def standing(self) -> int:
        """So many shards stand in a row from the first one on."""
        return min(self.open, default=self.launched)

    @property
    def size(self) -> int:
        """Bytes of the file up to the last of these."""
        first = self.open.get(self.standing)
        return self.offset if first is None or first.offset < 0 else first.offset

    def begin(self) -> list[Command]:
        """The first commands."""
        return self._advance()

    def drawn(self, index: int) -> list[Command]:
        """A shard's rows are there, not yet sealed."""
        self._busy.discard(index)
        self.open[index].phase = "drawn"
        return self._advance()

    def judged(self, index: int, refused: int) -> list[Command]:
        """The gate has answered: so many rows were refused."""
        shard = self.open[index]
        if not refused:
            shard.phase = "sealing"
            self.judge_next += 1
            return [*self._draw(index, seal=True), *self._advance()]
        shard.rounds += 1
        if shard.rounds > MOST_ROUNDS:
            return self._give_up("full", index)
        shard.phase = "drawing"
        return self._draw(index, seal=False)

    def sealed(self, index: int, size: int) -> list[Command]:
        """A shard's block is ready, so many bytes."""
        self._busy.discard(index)
        shard = self.open[index]
        if shard.offset >= 0:  # drawn again after its worker died: it has its place already
            shard.phase = "placing"
            return [PlaceShard(index, shard.offset), *self._advance()]
        shard.phase, shard.size = "sealed", size
        return self._advance()

    def put(self, index: int) -> list[Command]:
        """A shard's block is in its place."""
        del self.open[index]
        self.placed += 1
        return self._advance()

    def lost(self, indices: tuple[int, ...]) -> list[Command]:
        """A worker died with these shards in hand: they are drawn again. What it had made already is not to blame."""
        self._held = [each for each in self._held if each[0] not in indices]
        again: list[tuple[int, bool]] = []
        for index in indices:
            shard = self.open.get(index)
            if shard is None:
                continue
            shard.deaths += index in self._busy or shard.phase == "placing"
            self._busy.discard(index)
            if shard.deaths >= DEATHS:
                return self._give_up("crash", index)
            if shard.phase == "drawn":
                continue  # its keys are here; the rows are made again when they are needed
            seal = shard.phase != "drawing" or not self.gated
            shard.phase = "sealing" if seal else "drawing"
            again.append((index, seal))
        return [command for each in again for command in self._draw(*each)] or self._advance()

    def _draw(self, index: int, seal: bool) -> list[Command]:
        """Has a shard drawn, now or when it may be: one that took down all workers but one is drawn alone."""
        self._held.append((index, seal))
        return self._release()

    def _release(self) -> list[Command]:
        """What may be drawn now of what is held back. Those that must be alone go first."""
        commands: list[Command] = []
        self._held.sort(key=lambda each: (not self._alone(each[0]), each[0]))
        while self._held and not any(map(self._alone, self._in_hand())):
            index, seal = self._held[0]
            if self._alone(index) and self._in_hand():
                break
            del self._held[0]
            self._busy.add(index)
            commands.append(DrawShard(index, seal, self.open[index].deaths))
        return commands

    def _in_hand(self) -> set[int]:
        """What a worker that dies now may have died of."""
        return self._busy | {index for index, shard in self.open.items() if shard.phase == "placing"}

    def _alone(self, index: int) -> bool:
        return self.open[index].deaths == DEATHS - 1

    def _advance(self) -> list[Command]:
        if self.ended:
            return []
        commands = self._place()
        commands += self._judge()
        while self.launched < self.shards and len(self.open) < self.window:
            self.open[self.launched] = Shard("drawing")
            self._held.append((self.launched, not self.gated))
            self.launched += 1
        commands += self._release()
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

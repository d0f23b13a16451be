"""One drawn table under way: carries out what `run.drawing` decides about it."""

import asyncio
import sys
from typing import Protocol

import numpy as np

from ffgen.admit.exact import Flags
from ffgen.admit.gate import Gate
from ffgen.errors import FfgenError, InternalError, ShortfallError
from ffgen.plan.recipe import Recipe
from ffgen.plan.tables import Layout
from ffgen.run import drawing
from ffgen.run.crew import Crew
from ffgen.run.drawer import encoder_of
from ffgen.run.drawing import Drawing
from ffgen.run.journal import Part, Standing
from ffgen.run.keeper import Advance
from ffgen.run.keylog import Judged, KeyLog
from ffgen.run.labels import Spoiled, tell
from ffgen.run.messages import Draw, Drawn, Message, Place, Placed, Sealed
from ffgen.run.options import Options
from ffgen.run.outputs import Output, Outputs
from ffgen.run.saving import Saving
from ffgen.run.stream import Stream
from ffgen.shingles import Digests
from ffgen.sink.target import Target

GRACE = 1.0
"""Seconds for which the end of a run waits for a reader."""


class Studio(Protocol):
    """What a table under way needs of its run; `window` is how many shards may be open at a time."""

    crew: Crew
    options: Options
    outputs: Outputs
    saving: Saving | None
    window: int
    store: str
    rows: int
    refused: int
    spoiled: Spoiled

    def refusals(self, table: str) -> dict[int, list[bytes]]:
        """What the gate refused of a table so far, by shard."""

    def history(self, layout: Layout, shard: int) -> dict[str, list[bytes]]:
        """The refusals of the same shard in the tables above."""

    def broke(self, error: Exception) -> None:
        """Something can't go on: the run ends with this error."""


class Making:
    """One table under way: its state, its gate, its file. `kept` is what stands of it already; `stores`: other tables
    look its columns up."""

    def __init__(
        self,
        studio: Studio,
        layout: Layout,
        recipe: Recipe,
        output: Output | None,
        kept: Standing | None = None,
        stores: bool = False,
    ) -> None:
        self.studio = studio
        self.layout = layout
        self.recipe = recipe
        self.output = output
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.encoder = encoder_of(recipe, output.format, output.compression) if output is not None else None
        header = self.encoder.header() if self.encoder is not None else b""
        kept = kept or Standing()
        first = len(kept.parts)
        self.gate: Gate | None = None
        if recipe.gated:
            memory, folder = studio.options.memory, studio.outputs.folder
            self.gate = Gate(len(recipe.gated), layout.count, memory, folder, recipe.near)
        self.log: KeyLog | None = None
        if self.gate is not None and studio.saving is not None:
            path = studio.saving.keeper.places.keys(layout.table)
            self.log = KeyLog(path, kept.keys.size if kept.keys is not None else 0)
        self.file: Target | None = None
        if output is not None:
            self.file = Target(sys.stdout.buffer if output.is_stream else output.work_path, go_on=first > 0)
        self.streams = output is not None and output.is_stream
        self.stream = Stream(self.file, self._streamed) if self.file is not None and self.streams else None
        if self.file is not None and header and not first:
            self.file.write(header)
        offset = len(header) if kept.file is None else kept.file.size
        gated = self.gate is not None
        self.state = Drawing(layout.shards, gated=gated, window=studio.window, offset=offset, first=first)
        self.keys: dict[int, Drawn] = {}
        self.parts = {i: (part.offset, part.footer, part.rows) for i, part in enumerate(kept.parts)}
        self.sizes: dict[int, Sealed] = {}
        self.waiting: dict[int, bytes] = {}
        self.next_out = 0
        self.writing = False
        self.finished = False
        self._stores = stores
        self._size = 0
        self._told = first
        self._placed_parts: dict[int, Part] = {}
        self._ends: dict[int, int] = {}

    async def begin(self) -> None:
        """Sets the workers to it, once the gate knows what it knew."""
        if self.log is not None:
            for judged in self.log:
                self._ask_gate(judged)
                await asyncio.sleep(0)
        self.do(self.state.begin())

    def advance(self) -> Advance | None:
        """See `run.saving.Source`."""
        first, end = self._told, self.state.standing
        if first == end and not self.finished:
            return None
        self._told = end
        parts = [self._placed_parts.pop(shard) for shard in range(first, end)]
        ends = [self._ends.pop(shard, 0) for shard in range(first, end)]
        size = self._size if self.finished else self.state.size
        return Advance(
            table=self.layout.table,
            first=first,
            parts=parts,
            size=None if self.output is None else size,
            keys=None if self.log is None else max(ends, default=self.log.size),
            stores=self._stores,
            done=self.finished,
        )

    def ends(self) -> dict[str, int]:
        """See `run.saving.Source`."""
        return {} if self.output is None or self.finished else {self.layout.table: self.state.size}

    def received(self, message: Message) -> None:
        """An answer of a worker."""
        match message:
            case Drawn():
                self.keys[message.shard] = message
                self.do(self.state.drawn(message.shard))
            case Sealed():
                self.sizes[message.shard] = message
                self.do(self.state.sealed(message.shard, message.size))
            case Placed() if self.streams:
                self.waiting[message.shard] = message.data
                self._stream()
            case Placed():
                self._placed(message.shard)

    def do(self, commands: list[drawing.Command]) -> None:
        """What the state says."""
        for command in commands:
            match command:
                case drawing.DrawShard():
                    self._send(command)
                case drawing.JudgeShard():
                    self._judge(command.shard)
                case drawing.PlaceShard():
                    sealed = self.sizes[command.shard]
                    self.parts[command.shard] = (command.offset, sealed.footer, sealed.rows)
                    place = -1 if self.streams or self.output is None else command.offset
                    self.studio.crew.send("worker", Place(command.shard, self.layout.table, place))
                case drawing.Finish():
                    self._finish(command.offset)
                case drawing.GiveUp():
                    self.studio.broke(self._reason(command))

    def _send(self, command: drawing.DrawShard) -> None:
        table, shard = self.layout.table, command.shard
        rounds = self.studio.refusals(table).get(shard, [])
        history = self.studio.history(self.layout, shard)
        self.studio.crew.send("worker", Draw(shard, table, rounds, command.seal, history, care=command.care))

    def _judge(self, shard: int) -> None:
        """Asks the gate about the rows that were drawn last; notes which of them it refuses."""
        drawn = self.keys.pop(shard)
        judged = Judged(drawn.keys, drawn.near)
        if self.log is not None:
            self.log.add(judged)
            self._ends[shard] = self.log.size
        bad = np.flatnonzero(~self._ask_gate(judged))
        if len(bad):
            if drawn.positions:
                bad = np.frombuffer(drawn.positions, dtype=np.uint32)[bad].astype(np.intp)
            rounds = self.studio.refusals(self.layout.table)
            rounds[shard] = [*rounds.get(shard, []), bad.astype(np.uint32).tobytes()]
            self.studio.refused += len(bad)
        self.do(self.state.judged(shard, len(bad)))

    def _ask_gate(self, judged: Judged) -> Flags:
        assert self.gate is not None
        keys = np.frombuffer(judged.keys, dtype=np.uint64).reshape(-1, len(self.recipe.gated))
        return self.gate.judge(keys, [Digests.unpack(each) for each in judged.near])

    def _placed(self, shard: int) -> None:
        sealed = self.sizes.pop(shard)
        if self.output is not None:
            self.studio.rows += sealed.rows
            self._spoiled(sealed)
        if self.studio.saving is not None:
            offset, footer, rows = self.parts[shard]
            rounds = self.studio.refusals(self.layout.table).get(shard, [])
            self._placed_parts[shard] = Part(offset, rows, footer, rounds, sealed.spoiled)
        self.do(self.state.put(shard))
        if self.studio.saving is not None:
            self.studio.saving.placed(sealed.size)

    def _spoiled(self, sealed: Sealed) -> None:
        """Notes what was spoiled in a shard that stands."""
        tell(self.studio.spoiled, sealed.table, sealed.spoiled)
        if self.studio.outputs.labels is not None:
            self.studio.outputs.labels.add(self.studio.store, sealed.table, sealed.shard)

    def _stream(self) -> None:
        """Writes what is next."""
        if self.writing or self.done.done() or self.next_out not in self.waiting:
            return
        self.writing = True
        assert self.stream is not None
        self.stream.write(self.waiting.pop(self.next_out))

    def _streamed(self, error: BaseException | None) -> None:
        self.writing = False
        if error is not None:
            self.studio.broke(error if isinstance(error, Exception) else InternalError(f"Writing failed: {error!r}."))
        if self.done.done():
            return
        shard, self.next_out = self.next_out, self.next_out + 1
        try:
            self._placed(shard)
        except Exception as failure:
            self.studio.broke(failure)
            return
        self._stream()

    async def stop(self) -> None:
        """Writes no more, and lets go of files; a stream ends with a whole line, if its reader reads."""
        if self.stream is not None:
            await self.stream.stop(GRACE)
        if self.file is not None:
            self.file.close(complete=False)
        if self.gate is not None:
            self.gate.close()
        if self.log is not None:
            self.log.close()

    def _finish(self, offset: int) -> None:
        """The footer, and the file is closed."""
        if self.gate is not None:
            self.gate.close()
        if self.log is not None:
            self.log.close()
        size = offset
        if self.file is not None and self.encoder is not None:
            footer = self.encoder.footer([self.parts[shard] for shard in sorted(self.parts)])
            if footer:
                self._append(footer, offset)
            size += len(footer)
            self.file.close()
        self._size, self.finished = size, True
        if not self.done.done():
            self.done.set_result(size)

    def _append(self, footer: bytes, offset: int) -> None:
        assert self.file is not None
        if not self.streams:
            self.file.seek(offset)
        self.file.write(footer)

    def _reason(self, command: drawing.GiveUp) -> FfgenError:
        table = self.layout.table
        if command.reason == "crash":
            deaths = drawing.DEATHS
            what = f"Shard {command.shard} of {table} took down {deaths} workers, the last with nothing beside it."
            return InternalError(what, hint="If memory is short, give it more; else please report it with the spec.")
        keys = "; ".join(", ".join(names) for names in self.recipe.gated)
        what = f"{table}: after {drawing.MOST_ROUNDS} draws there is still a row that is there already ({keys})."
        return ShortfallError(what, hint=f"{self.studio.rows:,} rows were made. Widen these fields, or lower count.")

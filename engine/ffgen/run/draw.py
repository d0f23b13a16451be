"""A drawn plan from first to last: holds the destinations, lets workers draw and place shards, publishes the files.

Tables are made one after the other, parents first. Blocks never pass through here: a worker encodes its shard, says
how large it is, and writes it at the offset that it is given, so one process decides the order and nobody copies.
Only a stream gets its blocks handed over.
"""

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import structs

from ffgen import failpoint
from ffgen.errors import DestinationError, FfgenError, InternalError, Interrupted, TimeLimitError
from ffgen.plan.compile import Plan, is_asked
from ffgen.plan.recipes import Recipes
from ffgen.plan.tables import Layout
from ffgen.run.audit import Audit
from ffgen.run.crew import Crew, Inline, Processes, own_use
from ffgen.run.drawer import DrawerRole
from ffgen.run.fence import fence
from ffgen.run.journal import Standing
from ffgen.run.labels import Spoiled, summed, tell
from ffgen.run.making import Making
from ffgen.run.messages import Message, Outlet, Setup
from ffgen.run.options import Options, Watch
from ffgen.run.outputs import Outputs
from ffgen.run.pools import fill_pools
from ffgen.run.remote import Remote, stoppable
from ffgen.run.report import ProcessUse, Progress, Report, TableReport
from ffgen.run.room import check_room
from ffgen.run.saving import Saving, may_go_on
from ffgen.run.space import check_disk, missing, rooms_of, told

INLINE_SHARDS = 8
"""Shards up to which a run stays in this process: starting others takes longer than it would last."""
TICK = 0.1
RESUME = "Nothing was left behind; the same command makes the same rows."

log = logging.getLogger("ffgen.run")


async def carry_out(
    plan: Plan,
    options: Options,
    watch: Watch | None = None,
    make_writer: Callable[..., Any] | None = None,
    remote: Remote | None = None,
) -> Report:
    """See `run.start`. `make_writer` gives what takes frames in place of files."""
    check_room(plan, options.memory)
    began = time.monotonic()
    plan, asked = await fill_pools(plan, options, watch, remote)
    with contextlib.ExitStack() as held:
        stop = held.enter_context(stoppable(remote))
        audit = Audit(options.audit, options.audit_prompts, plan.spec_hash)
        held.callback(audit.close)
        outputs = held.enter_context(Outputs.open(plan, options))
        if is_asked(plan):
            from ffgen.run.complete import ask_rows  # what draws only need not import what asks

            answers = held.enter_context(tempfile.TemporaryDirectory(prefix="answers-", dir=outputs.folder))
            left = options.after(time.monotonic() - began)
            plan, reports = await ask_rows(plan, left, answers, watch, stop)
            asked += reports
        if options.isolate:
            fence([])
        outputs.take_over(plan, options)
        artist = Artist(plan, options.after(time.monotonic() - began), outputs)
        stop.tell(artist)
        outcome = "failed"
        try:
            await artist.carry_out(watch)
            uses = await artist.crew.leave()
            failpoint.hit("coordinator.publish")
            outputs.publish(artist.tables)
            failpoint.hit("coordinator.published")
            outcome = "done"
        finally:
            await artist.crew.leave()
            audit.ended(outcome, artist.rows)
        if watch is not None:
            watch(artist.progress())
        return report_of(artist, options, [own_use(), *uses], time.monotonic() - began).with_asked(asked)


def crew_for(plan: Plan, options: Options) -> Crew:
    """Inline when asked for, or when the run is small; else a worker a core."""
    workers = options.workers
    if workers is None:
        small = sum(layout.shards for layout in plan.layouts) <= INLINE_SHARDS
        workers = (
            0 if small else max(1, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
        )
    if workers == 0 or os.name != "posix":
        return Inline({"worker": DrawerRole})
    return Processes(workers)


class Artist:
    """Carries out what `Drawing` decides, table by table (see crew.Listener)."""

    def __init__(self, plan: Plan, options: Options, outputs: Outputs) -> None:
        self.plan = plan
        self.options = options
        self.outputs = outputs
        self.crew = crew_for(plan, options)
        self.inline = isinstance(self.crew, Inline)
        self.window = 2 * self.crew.workers + 2 if isinstance(self.crew, Processes) else 2
        self.recipes = Recipes(plan.spec, plan.layouts)
        self.tables: list[TableReport] = []
        self.rows = 0
        self.wanted = sum(layout.count for layout in plan.layouts if outputs.has(layout.table))
        self.refused = 0
        self.spoiled: Spoiled = Counter()
        self.store = ""
        self.phase = "starting"
        self.began = time.monotonic()
        self.failure: Exception | None = None
        self.making: Making | None = None
        self.kept = {} if outputs.kept is None else outputs.kept.tables
        self.resumed = 0 if outputs.kept is None else outputs.kept.rows
        self.rooms = rooms_of(self.recipes, [] if outputs.keeper is None else outputs.each)
        self.saving: Saving | None = None
        if outputs.keeper is not None:
            self.saving = Saving(outputs.keeper, outputs.labels, self.resumed, self.broke)
        self._refusals: dict[str, dict[int, list[bytes]]] = {}

    async def carry_out(self, watch: Watch | None) -> None:
        """All tables are in their closed work files, or on the stream. Raises what ended it otherwise."""
        self._loop = asyncio.get_running_loop()
        limit = self._loop.call_later(self.options.timeout, self._time_over)
        ticker = asyncio.create_task(self._tick(watch)) if watch else None
        try:
            with self._folder() as self.store:
                try:
                    await self._draw()
                    await self._finish()
                except BaseException as error:
                    if self.making is not None:
                        await self.making.stop()
                    await self.crew.leave()  # while their folder is there
                    await self._keep(error)
                    raise
                log.info("run finished", extra={"run": self.plan.spec_hash, "records": self.rows})
        finally:
            limit.cancel()
            if ticker is not None:
                ticker.cancel()

    def _folder(self) -> contextlib.AbstractContextManager[str]:
        """Where workers keep what others look up: it stays with what can be gone on with."""
        if self.saving is not None:
            return contextlib.nullcontext(self.saving.keeper.places.store)
        return tempfile.TemporaryDirectory(prefix="ffgen-", dir=self.outputs.folder)

    async def _draw(self) -> None:
        """Sets the workers to one table after the other."""
        about = {"run": self.plan.spec_hash, "wanted": self.wanted}
        if self.rooms:
            there = {name: table.file.size for name, table in self.kept.items() if table.file is not None}
            check_disk(self.rooms, there, self.outputs.folder or "", self.options.to, self.plan.spec_hash)
        if self.outputs.kept is None or not self.outputs.kept.sums:
            await self.crew.start({"worker": self._setup(self.store)}, self)
        self.phase = "drawing"
        log.info("run resumed" if self.kept else "run started", extra=about | {"kept": self.resumed})
        for layout in self.plan.layouts:
            if self.failure is not None:
                raise self.failure
            await self._make(layout)

    def _setup(self, store: str) -> Setup:
        outlets = {each.table: Outlet(each.work_path, each.format, each.compression) for each in self.outputs.each}
        return Setup(
            role="drawer",
            plan=self.plan,
            isolate=self.options.isolate and not self.inline,
            failpoints=os.environ.get("FFGEN_FAILPOINTS", ""),
            outlets=outlets,
            store=store,
            labels=None if self.outputs.labels is None else self.outputs.labels.compression,
        )

    async def _make(self, layout: Layout) -> None:
        """One table, from its header to its footer."""
        recipe = self.recipes.recipes[layout.table]
        output = self.outputs.of(layout.table)
        needed = any(name == layout.table for name, _ in self.recipes.wanted)
        if output is None and not needed and not recipe.gated:
            return
        kept = self.kept.get(layout.table, Standing())
        self._stands(layout.table, kept)
        size = kept.file.size if kept.file is not None else 0
        if not kept.done:
            if self.outputs.labels is not None:
                self.outputs.labels.begin(len(kept.parts))
            self.making = Making(self, layout, recipe, output, kept, needed)
            if self.saving is not None:
                self.saving.follow(self.making)
            await self.making.begin()
            size = await self.making.done
        if output is not None:
            self.tables.append(
                TableReport(
                    table=layout.table, output=output.shown, format=output.format, records=layout.count, bytes=size
                )
            )

    def _stands(self, table: str, kept: Standing) -> None:
        """What an earlier run has committed of a table counts as made."""
        rounds = {shard: part.rounds for shard, part in enumerate(kept.parts) if part.rounds}
        self.refusals(table).update(rounds)
        self.refused += sum(len(refused) // 4 for each in rounds.values() for refused in each)
        if kept.file is not None:
            self.rows += kept.rows
            for part in kept.parts:
                tell(self.spoiled, table, part.spoiled)

    async def _finish(self) -> None:
        """All tables stand. That is committed, too, if anything was: the run may be killed while it publishes."""
        self.phase = "finishing"
        if self.outputs.labels is not None:
            self.outputs.labels.finish()
        if self.saving is not None and await self.saving.settle():
            await self.saving.finish(whole=True)
        if self.failure is not None:  # that checkpoint failed: what is written is suspect
            raise self.failure

    async def _keep(self, error: BaseException) -> None:
        """What stands is committed, where the same command may get further, and the error says so."""
        self.outputs.keeps = False
        if self.saving is not None and may_go_on(error):
            await self.saving.finish(whole=False)
            self.outputs.keeps = self.saving.keeper.is_begun
        elif self.saving is not None:
            await self.saving.settle()  # or it would write into a folder that is being removed
        if isinstance(error, DestinationError) and self.rooms:
            told(error, missing(self.rooms, self._sizes()), self.outputs.folder or "", self.options.to)
        if isinstance(error, FfgenError):
            error.hint = f"{error.hint} {self._kept_words(error)}".strip()

    def _kept_words(self, error: FfgenError) -> str:
        """What the next run with the same command finds."""
        if self.saving is not None and self.outputs.keeps:
            return f"{self.saving.rows:,} rows are kept: the same command goes on from there."
        return RESUME if isinstance(error, Interrupted | TimeLimitError) else ""

    def _sizes(self) -> dict[str, tuple[int, int]]:
        """Rows and bytes of each table that is written so far."""
        sizes = {each.table: (each.records, each.bytes) for each in self.tables}
        if self.making is not None and self.making.output is not None and self.making.layout.table not in sizes:
            state, layout = self.making.state, self.making.layout
            rows = layout.span(state.standing)[0] if state.standing < layout.shards else layout.count
            sizes[layout.table] = (rows, state.size)
        return sizes

    # From outside

    def received(self, message: Message) -> None:
        """An answer of a worker."""
        if self.making is None or self.failure is not None:
            return
        try:
            self.making.received(message)
        except Exception as error:
            self.broke(error)

    def lost(self, shards: tuple[int, ...]) -> None:
        """A worker died with these shards in hand."""
        log.warning("worker replaced", extra={"run": self.plan.spec_hash, "shards": list(shards)})
        try:
            if self.making is not None:
                self.making.do(self.making.state.lost(shards))
        except Exception as error:
            self.broke(error)

    def broke(self, error: Exception) -> None:
        """Something can't go on: the run ends with this error."""
        if self.failure is None:
            known = isinstance(error, FfgenError)
            self.failure = error if known else InternalError(f"A bug in ffgen: {error!r}.")
            if isinstance(error, MemoryError):
                self.failure = InternalError("There is not enough memory.", hint="Give it more, or fewer --workers.")
            if self.making is not None and not self.making.done.done():
                self.making.done.set_exception(self.failure)

    def interrupt(self, signal: int) -> None:
        """A signal: what stands is committed. A second one doesn't wait for that."""
        if self.failure is not None and self.saving is not None:
            self.saving.hurry()
        self.broke(Interrupted(signal, f"Stopped at {self.rows:,} of {self.wanted:,} rows."))

    def _time_over(self) -> None:
        what = f"The time limit of {self.options.limit:g} s passed at {self.rows:,} of {self.wanted:,} rows."
        self.broke(TimeLimitError(what, hint="Give it more with --timeout."))

    def refusals(self, table: str) -> dict[int, list[bytes]]:
        """What the gate refused of a table, by shard; kept for tables whose rows lie under it."""
        return self._refusals.setdefault(table, {})

    def history(self, layout: Layout, shard: int) -> dict[str, list[bytes]]:
        """The refusals of the same shard in the tables above."""
        found = {}
        while layout.parent:
            layout = self.recipes.laid[layout.parent]
            if rounds := self.refusals(layout.table).get(shard):
                found[layout.table] = rounds
        return found

    async def _tick(self, watch: Watch | None) -> None:
        assert watch is not None
        while True:
            try:
                watch(self.progress())
            except Exception as error:
                self.broke(error)
                return
            await asyncio.sleep(TICK)

    def progress(self) -> Progress:
        """Where the run stands."""
        seconds = time.monotonic() - self.began
        return Progress.of_drawn(self.phase, self.rows, self.wanted, seconds, self.refused, self.resumed)


def report_of(artist: Artist, options: Options, uses: list[ProcessUse], elapsed: float) -> Report:
    """The figures of a finished run."""
    plan = artist.plan
    report = Report.of_drawn(
        plan.spec.seed,
        plan.spec_hash,
        ", ".join(each.table for each in artist.tables) or plan.dataset.name,
        options.to,
        artist.tables[0].format if artist.tables else "",
        artist.rows,
        artist.wanted,
        elapsed,
        artist.refused,
        uses,
        artist.tables,
        summed(artist.spoiled),
    )
    rate = (artist.rows - artist.resumed) / elapsed if elapsed > 0 else 0.0
    return structs.replace(report, resumed=artist.resumed, records_per_second=rate)

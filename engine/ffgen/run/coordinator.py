"""Carries a run out: does what the state machine says, and tells it what came of it.

Owns the clock, signals and the end; decides nothing. Requests are made by `run.requests`; what a run is about, and what
becomes of the answers, is its subject's (`run.subject`).
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator

from ffgen.errors import EndpointError, FfgenError, InternalError, Interrupted, TimeLimitError
from ffgen.plan.compile import Plan
from ffgen.run.accounts import Accounts
from ffgen.run.crew import Crew
from ffgen.run.means import Means
from ffgen.run.messages import Answered, Finished, Message, Missed, Setup, Verdict, Wrote
from ffgen.run.moves import (
    AskShard,
    Command,
    Complete,
    DropRows,
    Event,
    GiveUp,
    Halted,
    JudgeShard,
    Lost,
    MakeShard,
    NoteStep,
    Started,
    Wake,
    Woken,
    WriteShard,
)
from ffgen.run.report import Progress
from ffgen.run.requests import Requests
from ffgen.run.subject import Subject

GRACE = 8.0
"""Seconds that replies in flight are waited for after a signal; they are paid for."""
TICK = 0.1
RESUME = "Replies are kept: the same command goes on from there."


class Coordinator:
    """One run. `carry_out` once; everything else is called back by crew, clock and signals."""

    def __init__(self, plan: Plan, crew: Crew, means: Means, subject: Subject, *, fresh: bool) -> None:
        """`fresh`: replies that are kept are not looked at."""
        self.plan = plan
        self.crew = crew
        self.subject = subject
        self.state = subject.state
        self.accounts = Accounts(plan, subject.state, subject.tally, means.audit)
        self.requests = Requests(self, plan, crew, means, subject, self.accounts, fresh=fresh)
        self._events: deque[Event] = deque()
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._signal = 0

    async def carry_out(
        self,
        setups: dict[str, Setup],
        timeout: float,
        watch: Callable[[Progress], None] | None,
        limit: float | None = None,
    ) -> None:
        """Runs to the end: all rows are written. Raises what ended it otherwise. `limit` is the time limit that the
        user knows, where `timeout` is what is left of it."""
        self._loop = asyncio.get_running_loop()
        self._limit = timeout if limit is None else limit
        self.done: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_later(timeout, self._time_over)
        ticker = asyncio.create_task(self._tick(watch)) if watch else None
        try:
            await self.crew.start(setups, self)
            self.accounts.phase = "asking"
            model = self.requests.endpoints.first.model
            self.accounts.tell(logging.INFO, "run started", wanted=self.plan.shards.count, model=model)
            self.feed(Started())
            await self.done
            counts = self.state.counts
            self.accounts.tell(logging.INFO, "run finished", records=counts.admitted, asks=counts.asks)
        finally:
            timer.cancel()
            if self._timer is not None:
                self._timer.cancel()
            self.requests.close()
            if ticker is not None:
                ticker.cancel()
            if self.done.done() and not self.done.cancelled():
                self.done.exception()

    # From outside

    def feed(self, event: Event) -> None:
        """Tells the state what happened and does what it says. Events that come meanwhile wait in line."""
        self._events.append(event)
        if self._pumping:
            return
        self._pumping = True
        try:
            with self.ending():
                while self._events:
                    now = self.accounts.pass_time()
                    for command in self.state.handle(self._events.popleft(), now):
                        if self.done.done():
                            return
                        self._do(command)
        finally:
            self._pumping = False

    def received(self, message: Message) -> None:
        """An answer of a role (see crew.Listener)."""
        match message:
            case Answered():
                self.requests.answered(message)
            case Missed():
                self.requests.missed(message)
            case Verdict() | Wrote():
                self.feed(self.subject.heard(message))
            case Finished():
                self._finish()

    def lost(self, shards: tuple[int, ...]) -> None:
        """A worker died (see crew.Listener)."""
        self.accounts.tell(logging.WARNING, "worker replaced", shards=list(shards))
        self.feed(Lost(shards))

    def broke(self, error: Exception) -> None:
        """Something can't go on (see crew.Listener): the run ends with this error."""
        self.state.ended = True
        if not self.done.done():
            known = isinstance(error, FfgenError)
            self.done.set_exception(error if known else InternalError(f"A bug in ffgen: {error!r}."))

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """What goes wrong in here ends the run: the loop would only log it, and the run would wait for ever."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
            raise
        except Exception as error:
            self.broke(error)
        except BaseException as error:  # so polars says that it panicked
            self.broke(InternalError(f"A library failed: {error}."))

    def interrupt(self, signal: int) -> None:
        """A signal: stop asking, wait for what is paid for; a second one ends the run at once."""
        if self._signal:
            self.broke(Interrupted(signal, hint=RESUME))
            return
        self._signal = signal
        self.accounts.tell(logging.INFO, "signal received", signal=signal, in_flight=self.state.in_flight)
        self.accounts.phase = "stopping"
        self.feed(Halted("signal", time.monotonic() + GRACE))

    def unkept(self, shard: int) -> None:
        """A reply is not kept, in a run that asks nobody (see requests.Run)."""
        if not self.subject.make_rest():
            raise EndpointError(f"the reply of shard {shard} is kept no more")
        self._finish()

    # Commands

    def _do(self, command: Command) -> None:
        match command:
            case AskShard():
                self.requests.ask(command)
            case NoteStep():
                self.accounts.steered(command)
            case MakeShard():
                self.requests.make(command)
            case DropRows():
                self.subject.drop(command.shard)
            case JudgeShard():
                self._heed(self.subject.judge(command.shard))
            case WriteShard():
                self.requests.forget(command.shard)
                self._heed(self.subject.write(command))
            case Wake():
                self._wake(command.at)
            case Complete():
                self._complete()
            case GiveUp():
                self._give_up(command)

    def _heed(self, event: Event | None) -> None:
        if event is not None:
            self.feed(event)

    def _complete(self) -> None:
        if self.subject.finish():
            self._finish()
        else:
            self.accounts.phase = "finishing"

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _give_up(self, command: GiveUp) -> None:
        if command.reason == "endpoint" and self.subject.make_rest():
            self.accounts.tell(logging.WARNING, "endpoint given up, fallbacks make the rest", what=command.what)
            self._finish()
        else:
            self.broke(self._reason(command))

    def _reason(self, command: GiveUp) -> FfgenError:
        admitted, wanted = self.state.counts.admitted, self.plan.shards.count
        match command.reason:
            case "signal":
                return Interrupted(self._signal, f"Stopped at {admitted} of {wanted} records.", hint=RESUME)
            case "time":
                what = f"The time limit of {self._limit:g} s passed at {admitted} of {wanted} records."
                return TimeLimitError(what, hint=f"{RESUME} Or give it more: --timeout.")
            case "endpoint":
                return EndpointError(command.what, hint=f"{command.hint} {RESUME}".strip())
            case "bug":
                return InternalError(command.what, hint=command.hint)
            case "short":
                return self.subject.short(self.requests.recent())

    # The clock

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            if not self._timer.cancelled() and self._timer.when() <= self._loop.time() + at - time.monotonic():
                return
            self._timer.cancel()
        # Not below a millisecond: uvloop makes a plain handle of less than half of one, which has no `when`.
        self._timer = self._loop.call_later(max(0.001, at - time.monotonic()), self._woken)

    def _woken(self) -> None:
        self._timer = None
        self.feed(Woken())

    def _time_over(self) -> None:
        self.accounts.phase = "stopping"
        self.feed(Halted("time", time.monotonic() + min(GRACE, self._limit)))

    async def _tick(self, watch: Callable[[Progress], None]) -> None:
        while True:
            try:
                watch(self.accounts.progress())
            except Exception as error:
                self.broke(error)
                return
            await asyncio.sleep(TICK)

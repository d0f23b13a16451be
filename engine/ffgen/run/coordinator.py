"""Carries a run out: does what the state machine says, and tells it what came of it.

Owns the kept replies, the rows that wait for their turn, and the clock; decides nothing. A reply is stored before
the state hears of it, so whatever is killed afterwards, it need not be asked again.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator

import orjson

from ffgen import failpoint
from ffgen.ask.address import Kind
from ffgen.ask.paired import Given
from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError, FfgenError, InternalError, Interrupted, TimeLimitError
from ffgen.plan.compile import Plan
from ffgen.run.audit import Audit
from ffgen.run.crew import Crew
from ffgen.run.endpoints import Endpoints
from ffgen.run.messages import (
    Answered,
    Ask,
    Finish,
    Finished,
    Judge,
    Make,
    Message,
    Missed,
    Setup,
    Verdict,
    Write,
    Wrote,
)
from ffgen.run.moves import (
    Arrived,
    AskShard,
    Command,
    Complete,
    DropRows,
    Event,
    Failed,
    GiveUp,
    Halted,
    Judged,
    JudgeShard,
    Lost,
    MakeShard,
    NoteStep,
    Outrun,
    Rephrased,
    Replied,
    Started,
    Wake,
    Woken,
    WriteShard,
    Written,
)
from ffgen.run.report import Progress
from ffgen.run.share import Share
from ffgen.run.shortfall import explain_shortfall
from ffgen.run.state import State
from ffgen.run.steering import Steering
from ffgen.run.tally import Tally
from ffgen.shard.asked import Maker
from ffgen.shard.made import Made
from ffgen.spec.duration import seconds
from ffgen.spec.types.nested import one_line

GRACE = 8.0
"""Seconds that replies in flight are waited for after a signal; they are paid for."""
TICK = 0.1
MOST_TOLD = 64
"""Refused rows of a shard whose values are remembered."""
WIDEST_TOLD = 60

log = logging.getLogger("ffgen.run")


class Coordinator:
    """One run. `carry_out` once; everything else is called back by crew, clock and signals."""

    def __init__(
        self, plan: Plan, crew: Crew, endpoints: Endpoints, replies: Replies, *, fresh: bool, audit: Audit
    ) -> None:
        model = plan.model
        self.plan = plan
        self.crew = crew
        self.endpoints = endpoints
        self.replies = replies
        self.audit = audit
        self.state = State(
            plan.shards,
            max_asks=plan.max_asks,
            retries=model.retries,
            concurrency=model.concurrency,
            patience=seconds(model.patience),
            endpoints=len(endpoints.found),
        )
        self.maker = Maker(plan, endpoints.first.api, endpoints.first.model)
        self.state.steering = Steering(self.maker.strata, plan.shards)
        self.tally = Tally()
        self.shares = [Share() for _ in endpoints.found]
        self.phase = "starting"
        self.began = time.monotonic()
        self._fresh = fresh
        self._asked: dict[int, bool] = {}
        # Shards under way, and whether they were asked without patterns.
        self._keys: dict[int, bytes] = {}
        self._recent: deque[tuple[int, bytes, int]] = deque(maxlen=200)
        self._made: dict[int, Made] = {}
        self._verdicts: dict[int, bytes] = {}
        self._written: deque[int] = deque()
        self._events: deque[Event] = deque()
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = self.began
        self._signal = 0
        self._chatty = log.isEnabledFor(logging.DEBUG)

    async def carry_out(
        self, setups: dict[str, Setup], timeout: float, watch: Callable[[Progress], None] | None
    ) -> None:
        """Runs to the end: N rows are in the closed work file. Raises what ended it otherwise."""
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        limit = self._loop.call_later(timeout, self._time_over, timeout)
        ticker = asyncio.create_task(self._tick(watch)) if watch else None
        try:
            await self.crew.start(setups, self)
            self.phase = "asking"
            log.info("run started", extra=self._told(wanted=self.plan.shards.count, model=self.endpoints.first.model))
            self.feed(Started())
            await self.done
            log.info("run finished", extra=self._told(records=self.state.counts.admitted, asks=self.state.counts.asks))
        finally:
            limit.cancel()
            if self._timer is not None:
                self._timer.cancel()
            for task in [*self._tasks, *([ticker] if ticker else [])]:
                task.cancel()
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
            with self._ending():
                while self._events:
                    self._account()
                    for command in self.state.handle(self._events.popleft(), self._last):
                        self._do(command)
        finally:
            self._pumping = False

    def received(self, message: Message) -> None:
        """An answer of a role (see crew.Listener)."""
        match message:
            case Answered():
                self._answered(message)
            case Missed():
                self._missed(message)
            case Verdict():
                failpoint.hit("coordinator.verdict")
                self._verdicts[message.shard] = message.admitted
                self.feed(Judged(message.shard, sum(message.admitted), self._repeated(message)))
            case Wrote():
                self.feed(Written(self._written.popleft()))
            case Finished():
                if not self.done.done():
                    self.done.set_result(None)

    def lost(self, shards: tuple[int, ...]) -> None:
        """A worker died (see crew.Listener)."""
        log.warning("worker replaced", extra=self._told(shards=list(shards)))
        self.feed(Lost(shards))

    def broke(self, error: Exception) -> None:
        """Something can't go on (see crew.Listener): the run ends with this error."""
        self.state.ended = True
        if not self.done.done():
            known = isinstance(error, FfgenError)
            self.done.set_exception(error if known else InternalError(f"A bug in ffgen: {error!r}."))

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
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
        log.info("signal received", extra=self._told(signal=signal, in_flight=self.state.in_flight))
        self.phase = "stopping"
        self.feed(Halted("signal", time.monotonic() + GRACE))

    # Commands

    def _do(self, command: Command) -> None:
        match command:
            case AskShard():
                self._ask(command)
            case NoteStep():
                self._note(command)
            case MakeShard():
                reply = self.replies.get(self._keys[command.shard])
                if reply is None:
                    raise InternalError(f"The kept reply of shard {command.shard} is gone.", hint="Run it again.")
                self._make(command.shard, command.attempt, reply)
            case DropRows():
                del self._made[command.shard]
            case JudgeShard():
                self._judge(command.shard)
            case WriteShard():
                self._write(command)
            case Wake():
                self._wake(command.at)
            case Complete():
                self._complete()
            case GiveUp():
                self.broke(self._reason(command))

    # What a run of given rows does otherwise (see run.asking)

    def _body(self, shard: int, attempt: int) -> bytes:
        """The request's body."""
        return self.maker.body(shard, attempt, self.endpoints.plain, self.state.open[shard].steer)

    def _given(self, shard: int) -> Given | None:
        """The rows that a shard completes; None where it makes rows of its own."""
        return None

    def _judge(self, shard: int) -> None:
        """Asks the gate about a shard."""
        batch = self._made[shard].batch
        self.crew.send("gate", Judge(shard, batch.rows, batch.sets, batch.keys, batch.near))

    def _complete(self) -> None:
        """All rows are admitted."""
        self.phase = "finishing"
        self.crew.send("writer", Finish())

    # Asking

    def _ask(self, command: AskShard) -> None:
        shard, attempt = command.shard, command.attempt
        if command.is_double:
            self._ask_double(command)
            return
        body = self._body(shard, attempt)
        key = self._key(body)
        self._asked[shard] = self.endpoints.plain
        self._keys[shard] = key
        self._recent.append((shard, key, self.state.open[shard].size))
        if not self._fresh and (reply := self.replies.get(key)) is not None:
            self._make(shard, attempt, reply)
            return
        self._tell_asked(command, key, body)
        self._send(command, body)

    def _ask_double(self, command: AskShard) -> None:
        """The same request once more, to another endpoint."""
        body = self._body(command.shard, command.attempt)
        key = self._key(body)
        if key != self._keys[command.shard]:  # servers turned out to refuse patterns in between
            self.feed(Rephrased(command.shard, command.endpoint))
            return
        log.info("asked twice", extra=self._told(shard=command.shard, endpoint=self._url(command.endpoint)))
        self._tell_asked(command, key, body)
        self._send(command, body)

    def _key(self, body: bytes) -> bytes:
        endpoint = self.endpoints.first
        return Replies.key(endpoint.api, endpoint.model, endpoint.digest, body)

    def _tell_asked(self, command: AskShard, key: bytes, body: bytes) -> None:
        shard, attempt = command.shard, command.attempt
        self.audit.asked(shard, attempt, self.plan.shards.seed_of(shard, attempt), key, body)
        self.tally.requests += 1
        self.shares[command.endpoint].send(shard, attempt, time.monotonic())
        if self._chatty:
            log.debug("asked", extra=self._told(shard=shard, attempt=attempt, bytes=len(body)))

    def _make(self, shard: int, attempt: int, reply: bytes) -> None:
        """Has a shard made from a reply that is kept."""
        self.crew.send("worker", Make(shard, attempt, reply, self._given(shard), self.state.open[shard].size))

    def _note(self, command: NoteStep) -> None:
        """A step of steering has begun."""
        log.info("steering", extra=self._told(step=command.step, shard=command.shard, why=command.why))
        self.audit.steered(command.step, command.shard, command.why)

    def _url(self, endpoint: int) -> str:
        return self.endpoints.found[endpoint].url

    def _send(self, command: AskShard, body: bytes) -> None:
        """Sends at once where the address is known; the embedded server is started first where it is not."""
        url = self._url(command.endpoint)
        if self.endpoints.absent is None and url.startswith("http"):
            self._send_to(url, command, body)
            return
        task = self._loop.create_task(self._send_later(command, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_later(self, command: AskShard, body: bytes) -> None:
        self.phase = "loading model" if self.endpoints.embedded is None else self.phase
        with self._ending():
            url = await self.endpoints.url(command.endpoint, self.slots, self.plan.context)
            self.phase = "asking"
            self._send_to(url, command, body)

    def _send_to(self, url: str, command: AskShard, body: bytes) -> None:
        shard = command.shard
        told = (self._given(shard), command.endpoint, self.state.open[shard].size)
        self.crew.send("worker", Ask(shard, command.attempt, url, body, *told))

    @property
    def slots(self) -> int:
        """Requests in flight at one endpoint at most."""
        concurrency = self.plan.model.concurrency
        return 2 if concurrency == "auto" else concurrency

    def _write(self, command: WriteShard) -> None:
        made, verdict = self._made.pop(command.shard), self._verdicts.pop(command.shard)
        self._keys.pop(command.shard, None)
        self._asked.pop(command.shard, None)
        admitted = [flag == 1 for flag in verdict]
        if sum(admitted) > command.take:
            left = command.take
            for row, flag in enumerate(admitted):
                left -= flag
                admitted[row] = flag and left >= 0
        lines, rows = made.batch.take(admitted)
        self._written.append(made.batch.size)
        self.crew.send("writer", Write(lines, rows))

    def _repeated(self, verdict: Verdict) -> tuple[str, ...]:
        """What the rows that the gate refused are told by."""
        name = self.maker.strata.told
        made = self._made.get(verdict.shard)
        if name is None or made is None or self.state.steering is None or 0 not in verdict.admitted:
            return ()
        lines = made.batch.lines.splitlines()
        refused = [line for line, admitted in zip(lines, verdict.admitted, strict=True) if not admitted]
        values = (orjson.loads(line)[name] for line in refused[:MOST_TOLD])
        return tuple(shortened(value) for value in values if isinstance(value, str))

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

    # Answers

    def _answered(self, message: Answered) -> None:
        if not message.reply:
            shard = self.state.open.get(message.shard)
            if shard is not None and (shard.phase == "making" or self.state.awaits(message.shard, message.attempt)):
                self._use(message, asked=False)
            return
        self.shares[message.endpoint].reply(message.shard, message.attempt, message.made, time.monotonic())
        if not self.state.awaits(message.shard, message.attempt):
            self.feed(Outrun(message.shard, message.attempt, message.endpoint))
            return

        def stored(error: FfgenError | None) -> None:
            self._loop.call_soon_threadsafe(self._stored, message, error)

        self.feed(Arrived(message.shard, message.endpoint))
        self.replies.put(self._keys[message.shard], message.reply, stored)

    def _stored(self, message: Answered, error: FfgenError | None) -> None:
        with self._ending():
            failpoint.hit("coordinator.stored")
            if error is not None:
                raise error
            self._use(message, asked=True)

    def _use(self, message: Answered, asked: bool) -> None:
        made = message.made
        shard = self.state.open.get(message.shard)
        if shard is None or self.state.ended:
            return
        if shard.phase != "making":
            self._count(message, asked)
        self._made[message.shard] = made
        self.feed(Replied(message.shard, made.batch.rows, made.batch.size, asked))

    def _count(self, message: Answered, asked: bool) -> None:
        made = message.made
        self.tally.use(made)
        if self._chatty or made.problem:
            level = logging.INFO if made.problem else logging.DEBUG
            told = self._told(shard=message.shard, attempt=message.attempt, rows=made.batch.rows, problem=made.problem)
            log.log(level, "bad reply" if made.problem else "answered", extra=told)
        self.audit.answered(message.shard, message.attempt, made, asked, message.reply)

    def _missed(self, message: Missed) -> None:
        kind: Kind = message.kind  # type: ignore[assignment]
        shard, attempt, endpoint = message.shard, message.attempt, message.endpoint
        self.shares[endpoint].fail(shard, attempt, kind, message.what)
        if not self.state.awaits(shard, attempt):
            self.feed(Outrun(shard, attempt, endpoint, kind, message.retry_after))
            return
        if kind == "fatal" and self._may_rephrase(message):
            self.endpoints.keep_plain(self.replies)
            log.warning("server refuses patterns in a schema", extra=self._told(what=message.what))
            self.feed(Rephrased(shard, endpoint))
            return
        log.info("request failed", extra=self._told(shard=shard, kind=kind, what=message.what))
        self.audit.missed(shard, attempt, kind, message.status, message.what)
        self.feed(Failed(shard, kind, message.what, message.hint, message.retry_after, endpoint))

    def _may_rephrase(self, message: Missed) -> bool:
        """A server that refuses the schema is asked once more without its patterns, all shards alike."""
        words = ("schema", "pattern", "grammar", "response_format", "format")
        about_schema = message.status == 400 and any(word in message.what.lower() for word in words)
        # Requests that were in flight when the first one was refused went with patterns, too.
        return about_schema and "context" not in message.what.lower() and not self._asked[message.shard]

    # Accounts

    def _told(self, **fields: object) -> dict[str, object]:
        """The fields of a log event: which run, and what happened."""
        return {"run": self.plan.spec_hash, **fields}

    def _account(self) -> None:
        now = time.monotonic()
        self.tally.pass_time(now - self._last, self.state.in_flight, self.state.permits)
        for share, server in zip(self.shares, self.state.servers, strict=True):
            share.busy += server.limit.in_flight * (now - self._last)
        self._last = now

    async def _tick(self, watch: Callable[[Progress], None] | None) -> None:
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
        counts = self.state.counts
        return Progress(
            phase=self.phase,
            records=counts.admitted,
            wanted=self.plan.shards.count,
            asks=counts.asks,
            in_flight=self.state.in_flight,
            limit=self.state.permits,
            duplicates=counts.duplicates,
            refused=sum(self.tally.refused.values()),
            retries=counts.retries + counts.bad_replies,
            tokens_out=self.tally.tokens_out,
            seconds=time.monotonic() - self.began,
        )

    def _time_over(self, timeout: float) -> None:
        self._limit = timeout
        self.phase = "stopping"
        self.feed(Halted("time", time.monotonic() + min(GRACE, timeout)))

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
                return explain_shortfall(self.plan, self.maker, self.state, self.tally.refused, self._kept_replies())

    def _kept_replies(self) -> list[tuple[int, bytes]]:
        """The last replies of the run and how many rows each was asked for, to see what they have in common."""
        found = ((rows, self.replies.get(key)) for _, key, rows in self._recent)
        return [(rows, reply) for rows, reply in found if reply is not None]


def shortened(value: str) -> str:
    """A value as it is named in a prompt."""
    text = one_line(value)
    return text if len(text) <= WIDEST_TOLD else f"{text[:WIDEST_TOLD]}..."


RESUME = "Replies are kept: the same command goes on from there."

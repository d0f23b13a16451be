"""What is told of a run while requests are made: figures, the log, the audit trail, progress. Decides nothing."""

import logging
import time

from ffgen.plan.compile import Plan
from ffgen.run.audit import Audit
from ffgen.run.messages import Answered, Missed
from ffgen.run.moves import AskShard, NoteStep
from ffgen.run.report import Progress
from ffgen.run.share import Share
from ffgen.run.state import State
from ffgen.run.tally import Tally

log = logging.getLogger("ffgen.run")


class Accounts:
    """Keeps the accounts of one run. `shares` has one for each endpoint."""

    def __init__(self, plan: Plan, state: State, tally: Tally, audit: Audit) -> None:
        self.plan = plan
        self.state = state
        self.tally = tally
        self.audit = audit
        self.shares = [Share() for _ in state.servers]
        self.phase = "starting"
        self.began = self.now = time.monotonic()
        self._chatty = log.isEnabledFor(logging.DEBUG)

    def tell(self, level: int, event: str, /, **fields: object) -> None:
        """A log event: which run, and what happened."""
        log.log(level, event, extra={"run": self.plan.spec_hash, **fields})

    def pass_time(self) -> float:
        """Counts busy slots up to now, and says when that is. Before anything changes."""
        now = time.monotonic()
        self.tally.pass_time(now - self.now, self.state.in_flight, self.state.permits)
        for share, server in zip(self.shares, self.state.servers, strict=True):
            share.busy += server.limit.in_flight * (now - self.now)
        self.now = now
        return now

    def asked(self, command: AskShard, key: bytes, body: bytes) -> None:
        """A request leaves."""
        shard, attempt = command.shard, command.attempt
        self.audit.asked(shard, attempt, self.plan.shards.seed_of(shard, attempt), key, body)
        self.tally.requests += 1
        self.shares[command.endpoint].send(shard, attempt, time.monotonic())
        if self._chatty:
            self.tell(logging.DEBUG, "asked", shard=shard, attempt=attempt, bytes=len(body))

    def came(self, message: Answered) -> None:
        """A complete reply is here, used or not."""
        self.shares[message.endpoint].reply(message.shard, message.attempt, message.made, time.monotonic())

    def answered(self, message: Answered, asked: bool) -> None:
        """A reply is used; `asked` is False when it was kept before."""
        made = message.made
        self.tally.use(made)
        if self._chatty or made.problem:
            level, what = (logging.INFO, "bad reply") if made.problem else (logging.DEBUG, "answered")
            told = {"shard": message.shard, "attempt": message.attempt, "rows": made.batch.rows}
            self.tell(level, what, **told, problem=made.problem)
        self.audit.answered(message.shard, message.attempt, made, asked, message.reply)

    def refused(self, message: Missed) -> None:
        """An endpoint gave no reply, whoever else may."""
        self.shares[message.endpoint].fail(message.shard, message.attempt, message.kind, message.what)

    def missed(self, message: Missed) -> None:
        """A request that was waited for brought no reply."""
        self.tell(logging.INFO, "request failed", shard=message.shard, kind=message.kind, what=message.what)
        self.audit.missed(message.shard, message.attempt, message.kind, message.status, message.what)

    def steered(self, command: NoteStep) -> None:
        """A step of steering has begun."""
        self.tell(logging.INFO, "steering", step=command.step, shard=command.shard, why=command.why)
        self.audit.steered(command.step, command.shard, command.why)

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

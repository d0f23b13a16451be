"""The requests of a run: in which words, of whom, and what came of them. A reply is stored before the state hears of
it, so whatever is killed afterwards, it need not be asked again.
"""

import asyncio
import logging
from collections import deque
from contextlib import AbstractContextManager
from typing import Protocol

from ffgen import failpoint
from ffgen.ask.address import Kind
from ffgen.ask.replies import Replies
from ffgen.errors import FfgenError, InternalError
from ffgen.plan.compile import Plan
from ffgen.run.accounts import Accounts
from ffgen.run.crew import Crew
from ffgen.run.means import Means
from ffgen.run.messages import Answered, Ask, Make, Missed
from ffgen.run.moves import Arrived, AskShard, Event, Failed, MakeShard, Outrun, Rephrased, Replied
from ffgen.run.subject import Subject


class Run(Protocol):
    """Who is told of what came of requests."""

    def feed(self, event: Event) -> None:
        """Something happened."""

    def ending(self) -> AbstractContextManager[None]:
        """What goes wrong in here ends the run."""

    def unkept(self, shard: int) -> None:
        """A reply is not kept, in a run that asks nobody."""


class Requests:
    """Asks for shards, or has them made from replies that are kept. `fresh`: those are not looked at."""

    def __init__(
        self, run: Run, plan: Plan, crew: Crew, means: Means, subject: Subject, accounts: Accounts, *, fresh: bool
    ) -> None:
        self.endpoints = means.endpoints
        self._run = run
        self._plan = plan
        self._crew = crew
        self._replies = means.replies
        self._asks = means.asks
        self._subject = subject
        self._state = subject.state
        self._accounts = accounts
        self._fresh = fresh
        self._plain: dict[int, bool] = {}
        # Shards under way, and whether they were asked without patterns.
        self._keys: dict[int, bytes] = {}
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=200)
        self._starting: set[asyncio.Task[None]] = set()

    # What is asked

    def ask(self, command: AskShard) -> None:
        """Has a shard made from its kept reply, or asks for it."""
        body = self._subject.body(command.shard, command.attempt, self.endpoints.plain)
        key = self._key(body)
        if command.is_double:
            self._ask_double(command, key, body)
            return
        self._plain[command.shard] = self.endpoints.plain
        self._keys[command.shard] = key
        self._recent.append((self._state.open[command.shard].size, key))
        if not self._fresh and (reply := self._replies.get(key)) is not None:
            self._make(command.shard, command.attempt, reply)
        elif self._asks:
            self._accounts.asked(command, key, body)
            self._send(command, body)
        else:
            self._run.unkept(command.shard)

    def make(self, command: MakeShard) -> None:
        """Has a shard made again."""
        reply = self._replies.get(self._keys[command.shard])
        if reply is None:
            raise InternalError(f"The kept reply of shard {command.shard} is gone.", hint="Run it again.")
        self._make(command.shard, command.attempt, reply)

    def forget(self, shard: int) -> None:
        """A shard is over."""
        self._keys.pop(shard, None)
        self._plain.pop(shard, None)

    def recent(self) -> list[tuple[int, bytes]]:
        """The last replies, and how many rows each was asked for, to see what they have in common."""
        found = ((rows, self._replies.get(key)) for rows, key in self._recent)
        return [(rows, reply) for rows, reply in found if reply is not None]

    def close(self) -> None:
        """Nobody is asked any more."""
        for task in self._starting:
            task.cancel()

    def _ask_double(self, command: AskShard, key: bytes, body: bytes) -> None:
        """The same request once more, to another endpoint."""
        if key != self._keys[command.shard]:  # servers turned out to refuse patterns in between
            self._run.feed(Rephrased(command.shard, command.endpoint))
            return
        self._accounts.tell(logging.INFO, "asked twice", shard=command.shard, endpoint=self.url_of(command.endpoint))
        self._accounts.asked(command, key, body)
        self._send(command, body)

    def _key(self, body: bytes) -> bytes:
        endpoint = self.endpoints.first
        return Replies.key(endpoint.api, endpoint.model, endpoint.digest, body)

    def _make(self, shard: int, attempt: int, reply: bytes) -> None:
        told = (self._subject.given(shard), self._state.open[shard].size)
        self._crew.send("worker", Make(shard, attempt, reply, *told))

    # Of whom

    def url_of(self, endpoint: int) -> str:
        """Where an endpoint is, or the name of one that is still to be started."""
        return self.endpoints.found[endpoint].url

    def _send(self, command: AskShard, body: bytes) -> None:
        """Sends at once where the address is known; the embedded server is started first where it is not."""
        url = self.url_of(command.endpoint)
        if self.endpoints.absent is None and url.startswith("http"):
            self._send_to(url, command, body)
            return
        task = asyncio.get_running_loop().create_task(self._send_later(command, body))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _send_later(self, command: AskShard, body: bytes) -> None:
        if self.endpoints.embedded is None:
            self._accounts.phase = "loading model"
        concurrency = self._plan.model.concurrency
        slots = 2 if concurrency == "auto" else concurrency
        with self._run.ending():
            url = await self.endpoints.url(command.endpoint, slots, self._plan.context)
            self._accounts.phase = "asking"
            self._send_to(url, command, body)

    def _send_to(self, url: str, command: AskShard, body: bytes) -> None:
        shard = command.shard
        told = (self._subject.given(shard), command.endpoint, self._state.open[shard].size)
        self._crew.send("worker", Ask(shard, command.attempt, url, body, *told))

    # What came

    def answered(self, message: Answered) -> None:
        """A shard was made from a reply: one that was kept, or one that came just now."""
        if not message.reply:
            shard = self._state.open.get(message.shard)
            if shard is not None and (shard.phase == "making" or self._state.awaits(message.shard, message.attempt)):
                self._use(message, asked=False)
            return
        self._accounts.came(message)
        if not self._state.awaits(message.shard, message.attempt):
            self._run.feed(Outrun(message.shard, message.attempt, message.endpoint))
            return
        loop = asyncio.get_running_loop()

        def stored(error: FfgenError | None) -> None:
            loop.call_soon_threadsafe(self._stored, message, error)

        self._run.feed(Arrived(message.shard, message.endpoint))
        self._replies.put(self._keys[message.shard], message.reply, stored)

    def _stored(self, message: Answered, error: FfgenError | None) -> None:
        with self._run.ending():
            failpoint.hit("coordinator.stored")
            if error is not None:
                raise error
            self._use(message, asked=True)

    def _use(self, message: Answered, asked: bool) -> None:
        shard = self._state.open.get(message.shard)
        if shard is None or self._state.ended:
            return
        if shard.phase != "making":
            self._accounts.answered(message, asked)
        rows, size = self._subject.answered(message, self._keys[message.shard])
        self._run.feed(Replied(message.shard, rows, size, asked))

    def missed(self, message: Missed) -> None:
        """A request brought no reply."""
        kind: Kind = message.kind  # type: ignore[assignment]
        shard, endpoint = message.shard, message.endpoint
        self._accounts.refused(message)
        if not self._state.awaits(shard, message.attempt):
            self._run.feed(Outrun(shard, message.attempt, endpoint, kind, message.retry_after))
        elif kind == "fatal" and self._may_rephrase(message):
            self.endpoints.keep_plain(self._replies)
            self._accounts.tell(logging.WARNING, "server refuses patterns in a schema", what=message.what)
            self._run.feed(Rephrased(shard, endpoint))
        else:
            self._accounts.missed(message)
            self._run.feed(Failed(shard, kind, message.what, message.hint, message.retry_after, endpoint))

    def _may_rephrase(self, message: Missed) -> bool:
        """A server that refuses the schema is asked once more without its patterns, all shards alike."""
        words = ("schema", "pattern", "grammar", "response_format", "format")
        about_schema = message.status == 400 and any(word in message.what.lower() for word in words)
        # Requests that were in flight when the first one was refused went with patterns, too.
        return about_schema and "context" not in message.what.lower() and not self._plain[message.shard]

"""A worker's role: asks, and makes shards from replies. Knows nothing but the plan."""

import asyncio
from collections.abc import Callable

from ffgen import failpoint
from ffgen.ask.client import AskFailed, Client
from ffgen.ask.paired import Given
from ffgen.run.messages import Answered, Ask, Make, Message, Missed, Setup
from ffgen.shard.asked import Maker, dialect_of
from ffgen.shard.made import Made
from ffgen.shard.paired import PairedMaker


def make_with(setup: Setup) -> Callable[[int, bytes, Given | None, int], Made]:
    """What makes a shard from a reply: whole records, or parts of given rows."""
    if setup.known is None:
        maker = Maker(setup.plan, setup.api, setup.model)
        return lambda shard, reply, given, rows: maker.make(shard, reply, rows)
    paired = PairedMaker(setup.plan, setup.api, setup.model, setup.known)
    return lambda shard, reply, given, rows: paired.make(reply, given or Given([], [], []))


class WorkerRole:
    """Answers `Make` at once; `Ask` when the reply is there, with `Answered` or `Missed`."""

    def __init__(self, setup: Setup) -> None:
        self.make = make_with(setup)
        self.path = dialect_of(setup.plan, setup.api, setup.model).path
        self.key = setup.key
        self.timeout = setup.timeout
        self.client = Client(max(setup.slots, 1))

    async def ask(self, message: Ask) -> Message:
        """One request and what came of it."""
        try:
            reply = await self.client.send(message.url, self.path, message.body, self.key, self.timeout)
        except AskFailed as failed:
            return Missed(
                message.shard,
                message.attempt,
                failed.kind,
                failed.status,
                failed.retry_after,
                failed.what,
                failed.hint,
                message.endpoint,
            )
        failpoint.hit("worker.reply")
        made = self.make(message.shard, reply, message.given, message.rows)
        return Answered(message.shard, message.attempt, reply, made, message.endpoint)

    def handle(self, message: Message) -> list[Message]:
        """A shard from its kept reply."""
        if not isinstance(message, Make):
            return []
        made = self.make(message.shard, message.reply, message.given, message.rows)
        return [Answered(message.shard, message.attempt, b"", made)]

    async def close(self) -> None:
        """Closes the connections."""
        await self.client.close()
        await asyncio.sleep(0)

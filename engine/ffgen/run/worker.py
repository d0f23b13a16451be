"""A worker's role: asks, and makes shards from replies. Knows nothing but the plan."""

import asyncio

from ffgen import failpoint
from ffgen.ask.client import AskFailed, Client
from ffgen.run.messages import Answered, Ask, Make, Message, Missed, Setup
from ffgen.shard.asked import Maker


class WorkerRole:
    """Answers `Make` at once; `Ask` when the reply is there, with `Answered` or `Missed`."""

    def __init__(self, setup: Setup) -> None:
        self.maker = Maker(setup.plan, setup.api, setup.model)
        self.key = setup.key
        self.timeout = setup.timeout
        self.client = Client(max(setup.slots, 1))

    async def ask(self, message: Ask) -> Message:
        """One request and what came of it."""
        try:
            reply = await self.client.send(message.url, self.maker.dialect.path, message.body, self.key, self.timeout)
        except AskFailed as failed:
            return Missed(
                message.shard,
                message.attempt,
                failed.kind,
                failed.status,
                failed.retry_after,
                failed.what,
                failed.hint,
            )
        failpoint.hit("worker.reply")
        return Answered(message.shard, message.attempt, reply, self.maker.make(message.shard, reply))

    def handle(self, message: Message) -> list[Message]:
        """A shard from its kept reply."""
        if not isinstance(message, Make):
            return []
        made = self.maker.make(message.shard, message.reply)
        return [Answered(message.shard, message.attempt, b"", made)]

    async def close(self) -> None:
        """Closes the connections."""
        await self.client.close()
        await asyncio.sleep(0)

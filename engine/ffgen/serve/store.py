"""The queue from the loop: one thread that calls it, so that nobody waits for the disk but whoever asked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from ffgen.serve.jobs import Jobs

T = TypeVar("T")


class Store:
    """Jobs, called in a thread of their own."""

    def __init__(self, jobs: Jobs, thread: ThreadPoolExecutor) -> None:
        self._jobs = jobs
        self._thread = thread

    @classmethod
    async def open(cls, folder: str) -> Self:
        """Opens the queue in a folder, and makes it when it is not there."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="ffgen-jobs")
        return cls(await asyncio.get_running_loop().run_in_executor(thread, Jobs, folder), thread)

    async def call(self, act: Callable[[Jobs], T]) -> T:
        """What `act` gives. A caller who goes away does not stop it halfway."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, act, self._jobs))

    def place(self, job: str, *parts: str) -> str:
        """A path in a job's folder."""
        return self._jobs.place(job, *parts)

    async def close(self) -> None:
        """After all that was asked for before."""
        await self.call(lambda jobs: jobs.close())
        self._thread.shutdown()

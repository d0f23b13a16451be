"""The makers of a service: a bounded number of processes, lent in turn to whoever asks.

Two lanes: quick answers, and those that stream, so that a few large ones don't keep the others waiting. Within a lane
each client (a key, or an address without one) has a line of its own, and the lines are served in turn.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import msgspec
import psutil

from ffgen.serve.frames import END, FAILURE, HEADER, LENGTH, End, Failure
from ffgen.serve.prepare import Errand, Kit
from ffgen.serve.problem import Refused, internal
from ffgen.serve.settings import MAKER_MEMORY, MOST_MEMORY, MOST_WAITING, PATIENCE, environment

log = logging.getLogger("ffgen.serve")

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered, for the log."""
COMMAND = [sys.executable, "-m", "ffgen.serve.maker"]
WATCH_SECONDS = 0.1
DRAIN_SECONDS = 2.0
"""For which a quick answer that nobody wants any more may still come to its end."""
LOWER = 5
"""How much nicer than the service a maker is: answering must not wait for drawing."""


class Maker:
    """One process. After an errand's end it may be given another; before it, it can only be ended."""

    def __init__(self, process: asyncio.subprocess.Process, home: str = "") -> None:
        self._process = process
        self._home = home
        self.is_idle = False
        self.rss = 0
        self._header = b""
        self._is_grown = False

    @classmethod
    async def start(cls, kit: Kit, folder: str) -> "Maker":
        """A maker that has loaded what it needs: half a second."""
        home = tempfile.mkdtemp(prefix="maker-", dir=folder)
        try:
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**environment(), "POLARS_MAX_THREADS": "1", "TMPDIR": home},
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
        maker = cls(process, home)
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, process.pid, LOWER)
        try:
            await maker._send(kit)
            await maker._frame()
        except BaseException:  # whoever waited for it has gone, and nobody else knows of it
            await maker.end()
            raise
        maker.is_idle = True
        return maker

    @property
    def is_alive(self) -> bool:
        """Whether the process is there; one that was killed may not have been noticed yet."""
        if self._process.returncode is not None:
            return False
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._process.pid).status() != psutil.STATUS_ZOMBIE
        return False

    async def frames(self, errand: Errand) -> AsyncIterator[tuple[bytes, bytes]]:
        """The frames of an errand up to its end. Raises what it failed with."""
        self.is_idle = False
        await self._send(errand)
        while True:
            kind, payload = await self._frame()
            if kind == FAILURE:
                self.is_idle = True
                failure = msgspec.json.decode(payload, type=Failure)
                if failure.cause:
                    log.error("errand failed", extra={**self._about(), "cause": failure.cause})
                raise failure.refused()
            if kind == END:
                self.rss = msgspec.json.decode(payload, type=End).rss
                self.is_idle = True
                yield kind, payload
                return
            yield kind, payload

    async def result(self, errand: Errand, kind: type[Any]) -> Any:
        """What an errand gives that has no body."""
        async for _, payload in self.frames(errand):
            end = msgspec.json.decode(payload, type=End)
        return msgspec.convert(end.result, kind)

    async def drain(self) -> None:
        """Reads the rest of an errand and throws it away."""
        while not self.is_idle:
            kind, _ = await self._frame()
            self.is_idle = kind in (END, FAILURE)

    async def watch(self) -> None:
        """Ends the process when it grows too large: what waits for it then hears so. Until it is cancelled."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            while process.memory_info().rss <= MOST_MEMORY:
                await asyncio.sleep(WATCH_SECONDS)
            self._is_grown = True
            await self.end()

    async def end(self) -> None:
        """Ends the process, whatever it does, and removes what it has left on the disk."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._home:
            await asyncio.to_thread(shutil.rmtree, self._home, ignore_errors=True)

    async def _send(self, message: Any) -> None:
        data = msgspec.json.encode(message)
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(LENGTH.pack(len(data)) + data)
            await pipe.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._lost() from error

    async def _frame(self) -> tuple[bytes, bytes]:
        pipe = self._process.stdout
        assert pipe is not None
        try:
            # Kept, so that whoever reads on after a reader was cancelled between the two begins at a frame.
            self._header = self._header or await pipe.readexactly(HEADER.size)
            kind, size = HEADER.unpack(self._header)
            payload = await pipe.readexactly(size)
            self._header = b""
            return kind, payload
        except asyncio.IncompleteReadError as error:
            raise self._lost() from error

    def _lost(self) -> Refused:
        if self._is_grown:
            log.warning("maker grew too large", extra=self._about())
            what = f"Making it takes more than {MOST_MEMORY >> 30} GiB of memory here."
            return Refused("too-large", what, "Ask for fewer rows, or for shorter ones.")
        log.error("maker died", extra={**self._about(), "code": self._process.returncode})
        return internal()

    def _about(self) -> dict[str, Any]:
        """Which maker it was, and for whom, where that is known."""
        request = REQUEST.get()
        return {"maker": self._process.pid, **({"request": request} if request else {})}


class Lane:
    """Makers of one kind. `lend` waits for its turn."""

    def __init__(self, size: int, kit: Kit, folder: str, *, drains: bool) -> None:
        self.size = size
        self.busy = 0
        self.started = 0
        self._kit = kit
        self._folder = folder
        self._drains = drains
        self._idle: list[Maker] = []
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Requests that wait for a maker."""
        return sum(map(len, self._lines.values()))

    async def warm(self) -> None:
        """Starts all makers, so that the first requests find them."""
        self._idle += await asyncio.gather(*(self._start() for _ in range(self.size - len(self._idle))))

    @contextlib.asynccontextmanager
    async def lend(self, client: str) -> AsyncIterator[Maker]:
        """A maker, for one errand after the other. Refused where too many wait, or for too long."""
        await self._turn(client)
        maker = None
        try:
            maker = await self._maker()
            watch = asyncio.create_task(maker.watch())
            try:
                yield maker
            finally:
                watch.cancel()
        finally:
            self._take_back(maker)

    async def close(self) -> None:
        """Ends all makers that nobody has."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await asyncio.gather(*(maker.end() for maker in self._idle))
        self._idle = []

    async def _turn(self, client: str) -> None:
        if self.busy < self.size and not self._lines:
            self.busy += 1
            return
        if self.waiting >= MOST_WAITING:
            raise busy(f"{self.waiting} requests wait already.")
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(turn)
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except BaseException as error:
            self._leave(client, turn)
            if isinstance(error, TimeoutError):
                raise busy(f"No room was found within {PATIENCE:g} s.") from None
            raise

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        """Out of the line; or, where the turn had just come, it is the next one's."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
            return
        line = self._lines.get(client, deque())
        with contextlib.suppress(ValueError):
            line.remove(turn)
        if not line:
            self._lines.pop(client, None)

    def _pass_on(self) -> None:
        """The place that has become free is the next client's."""
        while self._lines:
            client, line = self._lines.popitem(last=False)
            turn = line.popleft()
            if line:
                self._lines[client] = line
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1

    async def _maker(self) -> Maker:
        while self._idle:
            maker = self._idle.pop()
            if maker.is_alive:
                return maker
            await maker.end()
        return await self._start()

    async def _start(self) -> Maker:
        self.started += 1
        return await Maker.start(self._kit, self._folder)

    def _take_back(self, maker: Maker | None) -> None:
        """Keeps a maker that is done and small. Another is ended, its place free at once or when it is drained."""
        if maker is None:
            self._pass_on()
        elif maker.is_idle and maker.is_alive and maker.rss < MAKER_MEMORY:
            self._idle.append(maker)
            self._pass_on()
        else:
            task = asyncio.get_running_loop().create_task(self._let_go(maker))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _let_go(self, maker: Maker) -> None:
        try:
            if self._drains and maker.is_alive and maker.rss < MAKER_MEMORY:
                with contextlib.suppress(TimeoutError, Refused):
                    async with asyncio.timeout(DRAIN_SECONDS):
                        await maker.drain()
            if maker.is_idle and maker.is_alive and maker.rss < MAKER_MEMORY:
                self._idle.append(maker)
            else:
                await maker.end()
        except asyncio.CancelledError:
            await maker.end()
            raise
        finally:
            self._pass_on()


def busy(what: str) -> Refused:
    """Come again."""
    return Refused("busy", what, "Try again in a few seconds, or POST /jobs.", headers={"Retry-After": "5"})

"""Who carries a run out: the same three roles, in this process (inline) or one process each.

Both crews take messages for a role and hand the answers to a listener, so the coordinator does not know which it
has. Inline is for small runs, previews and library calls: first byte in well under a second, no process.
"""

import asyncio
import os
import pickle
import time
from collections.abc import Callable
from typing import Any, Protocol

from ffgen.errors import FfgenError, InternalError, UsageError
from ffgen.posix import usage
from ffgen.run.channel import Channel
from ffgen.run.child import main
from ffgen.run.messages import (
    Answered,
    Ask,
    Broke,
    Draw,
    Leave,
    Make,
    Message,
    Missed,
    Place,
    Placed,
    Ready,
    Setup,
    Used,
    encode,
)
from ffgen.run.report import ProcessUse
from ffgen.spawn import start_child

START_SECONDS = 60.0
LEAVE_SECONDS = 3.0
DEATHS_A_MINUTE = 5


class Listener(Protocol):
    """Whom a crew tells."""

    def received(self, message: Message) -> None:
        """An answer of a role."""

    def lost(self, shards: tuple[int, ...]) -> None:
        """A worker died with these shards in hand; another takes its place."""

    def broke(self, error: Exception) -> None:
        """A role can't go on."""


class Crew(Protocol):
    """Carries messages to roles: `worker`, `gate`, `writer`."""

    async def start(self, setups: dict[str, Setup], listener: Listener) -> None:
        """Sets the roles up; returns when all are ready."""

    def send(self, role: str, message: Message) -> None:
        """Hands a message to a role. Never blocks."""

    async def leave(self) -> list[ProcessUse]:
        """Ends all roles and says what their processes used. Idempotent."""


class Inline:
    """All roles in this process. `writer` makes the writer's role, so that a library call can take frames."""

    def __init__(self, kinds: dict[str, Callable[[Setup], Any]]) -> None:
        self._kinds = kinds
        self._tasks: set[asyncio.Task[None]] = set()
        self._roles: dict[str, Any] = {}

    async def start(self, setups: dict[str, Setup], listener: Listener) -> None:
        """See Crew."""
        self._listener = listener
        self._roles = {role: self._kinds[role](setup) for role, setup in setups.items()}

    def send(self, role: str, message: Message) -> None:
        """See Crew."""
        task = asyncio.get_running_loop().create_task(self._handle(role, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, role: str, message: Message) -> None:
        try:
            if isinstance(message, Ask):
                self._listener.received(await self._roles[role].ask(message))
                return
            for answer in self._roles[role].handle(message):
                self._listener.received(answer)
        except MemoryError as error:
            self._lack(message, InternalError(f"There is not enough memory: {error}."))
        except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit) as error:
            if not isinstance(error, Exception):
                raise
            self._listener.broke(error)
        except BaseException as error:  # so polars says that it panicked, mostly for want of memory
            self._lack(message, InternalError(f"A library failed: {error}."))

    def _lack(self, message: Message, error: InternalError) -> None:
        """A role died of something, as a process would have: what it drew is drawn again, with more care."""
        if isinstance(message, Draw):
            self._listener.lost((message.shard,))
        else:
            self._listener.broke(error)

    async def leave(self) -> list[ProcessUse]:
        """See Crew."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for role in self._roles.values():
            closing = role.close()
            if closing is not None:
                await closing
        self._roles = {}
        return []


class Member:
    """One child process, as its coordinator sees it."""

    def __init__(self, role: str, process: Any) -> None:
        self.role = role
        self.process = process
        self.channel: Channel | None = None
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.leaving = False
        self.in_hand: dict[int, int] = {}
        self.twice: set[int] = set()
        self.used: ProcessUse | None = None


class Processes:
    """A process for every role, and as many workers as are asked for; a lost worker is replaced."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._members: list[Member] = []
        self._leaving = False
        self._restarts: list[float] = []
        self._started = False
        self._backlog: list[Message] = []
        self._replacing: set[asyncio.Task[None]] = set()

    async def start(self, setups: dict[str, Setup], listener: Listener) -> None:
        """See Crew."""
        self._listener = listener
        self._setups = setups
        check_told(setups)
        others = [role for role in setups if role != "worker"]
        for role in [*others, *["worker"] * self.workers]:
            self._members.append(await self._spawn(role))
        waiting = [asyncio.create_task(self._become_ready(place)) for place in range(len(self._members))]
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*waiting)
        except TimeoutError:
            raise InternalError(f"The processes of the run did not start within {START_SECONDS:g} s.") from None
        finally:
            for task in waiting:
                task.cancel()
        self._started = True
        for member in [member for member in self._members if member.gone.is_set()]:
            self._lost(member)  # ready, and dead before the others were ready

    async def _become_ready(self, place: int) -> None:
        """Waits for a process; a worker that dies before it is ready is replaced."""
        while True:
            member = self._members[place]
            try:
                await member.ready
                return
            except InternalError:
                if member.role != "worker" or member.leaving or self._too_many_deaths():
                    raise
            self._members[place] = await self._spawn("worker")

    async def _spawn(self, role: str) -> Member:
        process, ours = start_child(main, (os.getpid(),), role)
        member = Member(role, process)
        member.channel = await Channel.open(
            ours, lambda messages: self._received(member, messages), lambda: self._lost(member)
        )
        member.channel.send(self._setups[role])
        return member

    def send(self, role: str, message: Message) -> None:
        """See Crew."""
        if role != "worker":
            member = next(member for member in self._members if member.role == role)
        else:
            alive = [m for m in self._members if m.role == "worker" and m.ready.done() and not m.gone.is_set()]
            if not alive:
                self._backlog.append(message)  # until the lost worker is replaced
                return
            assert isinstance(message, Ask | Make | Draw | Place)
            # A shard in hand stays there: its rows or its block are in that worker's memory.
            holding = [member for member in alive if message.shard in member.in_hand]
            member = holding[0] if holding else min(alive, key=lambda m: len(m.in_hand))
            if isinstance(message, Ask) and message.shard in member.in_hand:
                member.twice.add(message.shard)  # the same request is at two endpoints
            member.in_hand[message.shard] = message.attempt
        if member.channel is not None:
            member.channel.send(message)

    def _received(self, member: Member, messages: list[Message]) -> None:
        for message in messages:
            match message:
                case Ready():
                    if not member.ready.done():
                        member.ready.set_result(None)
                    self._send_backlog()
                case Used():
                    pid = member.process.pid
                    member.used = ProcessUse(
                        role=member.role, pid=pid, cpu_seconds=message.cpu_seconds, peak_memory=message.peak_memory
                    )
                case Broke():
                    self._broke(member, pickle.loads(message.error))
                case Answered() | Missed() | Placed():
                    if message.shard in member.twice:
                        member.twice.discard(message.shard)
                    else:
                        member.in_hand.pop(message.shard, None)
                    self._listener.received(message)
                case _:
                    self._listener.received(message)

    def _broke(self, member: Member, error: FfgenError) -> None:
        member.leaving = True
        if self._started:
            self._listener.broke(error)
        elif not member.ready.done():
            member.ready.set_exception(error)

    def _lost(self, member: Member) -> None:
        member.gone.set()
        if self._leaving or member.leaving:
            return
        if not self._started:
            if not member.ready.done():
                member.ready.set_exception(InternalError(f"The {member.role} process died while it started."))
            return
        if member.role != "worker":
            what = f"The {member.role} process (pid {member.process.pid}) died."
            hint = "Replies are kept: run the same command to go on."
            self._listener.broke(InternalError(what, hint=hint))
            return
        if self._too_many_deaths():
            pid = member.process.pid
            what = f"More than {DEATHS_A_MINUTE} worker processes died within a minute, the last of them pid {pid}."
            hint = "If memory is short, give it more, or use fewer --workers; then run the same command."
            self._listener.broke(InternalError(what, hint=hint))
            return
        task = asyncio.get_running_loop().create_task(self._replace(member))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        self._listener.lost(tuple(member.in_hand))

    def _too_many_deaths(self) -> bool:
        """Something is wrong that a new process does not mend."""
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < 60] + [now]
        return len(self._restarts) > DEATHS_A_MINUTE

    async def _replace(self, member: Member) -> None:
        """A new worker in place of a lost one. Gets nothing to do before it is ready: its setup must come alone."""
        if self._leaving:
            return
        try:
            self._members[self._members.index(member)] = await self._spawn("worker")
        except Exception as error:
            self._listener.broke(InternalError(f"No new worker process could be started: {error}."))

    def _send_backlog(self) -> None:
        backlog, self._backlog = self._backlog, []
        for message in backlog:
            self.send("worker", message)

    async def leave(self) -> list[ProcessUse]:
        """See Crew."""
        self._leaving = True
        await asyncio.gather(*self._replacing)
        for member in self._members:
            if member.channel is not None and not member.gone.is_set():
                member.channel.send(Leave())
        gone = [asyncio.create_task(member.gone.wait()) for member in self._members]
        if gone:
            _, late = await asyncio.wait(gone, timeout=LEAVE_SECONDS)
            for task in late:
                task.cancel()
        for member in self._members:
            if member.process.is_alive():
                member.process.kill()
            member.process.join()
            if member.channel is not None:
                member.channel.close()
        uses = [member.used for member in self._members if member.used is not None]
        self._members = []
        return uses


def check_told(setups: dict[str, Setup]) -> None:
    """UsageError for a path that is no text: processes are told theirs as UTF-8."""
    try:
        encode(list(setups.values()))
    except UnicodeEncodeError as error:
        what = f"The path {ascii(error.object)} is not valid UTF-8, and worker processes can't be told it."
        raise UsageError(what, hint="Choose another name, or say --workers 0.") from None


def own_use(role: str = "coordinator") -> ProcessUse:
    """What this process used."""
    cpu_seconds, peak_memory = usage()
    return ProcessUse(role=role, pid=os.getpid(), cpu_seconds=cpu_seconds, peak_memory=peak_memory)

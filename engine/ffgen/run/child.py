"""The main of every child process: read a frame, let the role answer, write a frame; leave when told to, or when
the coordinator is gone. Spawn targets live here, never in a caller's module.
"""

import asyncio
import importlib
import os
import pickle
from typing import Any

from ffgen import failpoint
from ffgen.errors import FfgenError, InternalError
from ffgen.posix import die_with_parent, usage
from ffgen.run.fence import fence
from ffgen.run.messages import Ask, Broke, Draw, Leave, Make, Message, Place, Ready, Setup, Used, decode, encode

ROLES = {
    "drawer": "ffgen.run.drawer:DrawerRole",
    "gate": "ffgen.run.gate:GateRole",
    "worker": "ffgen.run.worker:WorkerRole",
    "writer": "ffgen.run.writer:WriterRole",
}
"""Where each role is. Resolved on use: what draws need not import what asks."""


def resolve(role: str) -> Any:
    """The class of a role."""
    module, _, name = ROLES[role].partition(":")
    return getattr(importlib.import_module(module), name)


def main(connection: Any, parent: int) -> None:
    """Runs one role until told to leave. A parent that died in the meantime ends it at once.

    Signals that stop a run are the coordinator's: they are blocked here (see spawn).
    """
    die_with_parent(parent)
    role = "new"
    try:
        setup = decode(connection.recv_bytes())[0]
        assert isinstance(setup, Setup)
        role = setup.role
        if setup.isolate:
            fence(setup.hosts)
        failpoint.arm(setup.failpoints)
        if setup.role == "worker":
            run_worker(connection, setup)
        else:
            serve(connection, resolve(setup.role)(setup))
    except (EOFError, ConnectionError):
        os._exit(0)
    except FfgenError as error:
        report(connection, error)
    except OSError as error:
        report(connection, InternalError(f"The {role} process failed: {error}."))
    except MemoryError:
        if role == "drawer":  # its shards are drawn again, by another that takes more care
            os._exit(InternalError.exit_code)
        report(connection, InternalError(f"The {role} process ran out of memory."))
    except Exception as error:  # another process would only do the same again
        report(connection, InternalError(f"A bug in ffgen, in the {role} process: {error!r}."))
    except BaseException:  # so polars says that it panicked, mostly for want of memory
        os._exit(InternalError.exit_code)


def report(connection: Any, error: FfgenError) -> None:
    """Tells the coordinator why this process ends."""
    try:
        connection.send_bytes(encode([Broke(packed(error))]))
        connection.recv_bytes()
    except (EOFError, ConnectionError):
        pass
    os._exit(error.exit_code)


def packed(error: Exception) -> bytes:
    """An error as the coordinator can take it: a class of a plugin is not known there."""
    if isinstance(error, FfgenError) and type(error).__module__.startswith("ffgen."):
        try:
            return pickle.dumps(error)
        except Exception:
            return pickle.dumps(InternalError(str(error)))
    return pickle.dumps(InternalError(f"A bug in ffgen, in a worker: {error!r}."))


def serve(connection: Any, role: Any) -> None:
    """The loop of a role that works through messages one by one."""
    connection.send_bytes(encode([Ready()]))
    while True:
        answers: list[Message] = []
        for message in decode(connection.recv_bytes()):
            if isinstance(message, Leave):
                role.close()
                leave(connection, answers)
            answers += role.handle(message)
            if isinstance(message, Draw | Place):  # what takes a while is told at once
                connection.send_bytes(encode(answers))
                answers = []
        if answers:
            connection.send_bytes(encode(answers))


def leave(connection: Any, answers: list[Message]) -> None:
    """The last frame: what this process used."""
    connection.send_bytes(encode([*answers, Used(*usage())]))
    os._exit(0)


def run_worker(connection: Any, setup: Setup) -> None:
    """A worker waits for many replies at once, so it has a loop."""
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        runner.run(work(connection, setup))


async def work(connection: Any, setup: Setup) -> None:
    """The loop of a worker."""
    from ffgen.run.channel import Channel

    role = resolve("worker")(setup)
    tasks: set[asyncio.Task[None]] = set()
    left = asyncio.get_running_loop().create_future()

    async def ask(message: Ask) -> None:
        channel.send(await role.ask(message))

    def received(messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, Ask):
                task = asyncio.get_running_loop().create_task(ask(message))
                tasks.add(task)
                task.add_done_callback(finished)
            elif isinstance(message, Make):
                try:
                    made = role.handle(message)
                except Exception as error:
                    end(error)
                    return
                for answer in made:
                    channel.send(answer)
            elif isinstance(message, Leave) and not left.done():
                left.set_result(None)

    def finished(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            end(error)

    def end(error: BaseException) -> None:
        if isinstance(error, MemoryError) or not isinstance(error, Exception):
            os._exit(InternalError.exit_code)  # its shards go to another
        channel.send(Broke(packed(error)))

    channel = await Channel.open(connection, received, lambda: os._exit(0))
    channel.send(Ready())
    await left
    for task in tasks:
        task.cancel()
    await role.close()
    channel.send(Used(*usage()))
    await asyncio.sleep(0.05)
    os._exit(0)

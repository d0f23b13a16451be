"""Runs a service until it is told to stop."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import convert

from ffgen.errors import DestinationError, InternalError, LockedError
from ffgen.posix import holder, lock, raise_open_files
from ffgen.run.endpoints import read_key
from ffgen.run.options import new_loop
from ffgen.serve.app import application
from ffgen.serve.door import Door, most_connections
from ffgen.serve.guard import check_safe
from ffgen.serve.problem import Refused
from ffgen.serve.service import Service
from ffgen.serve.settings import KEEP_ALIVE, Settings
from ffgen.serve.store import Store
from ffgen.spec.model import Model

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name)]
BACKLOG = 1024


class _NotOurs(logging.Filter):
    """What is no HTTP is answered with 400, and is nothing that an operator must read, with a traceback at that."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


http_log = logging.getLogger("ffgen.serve.http")
http_log.addFilter(_NotOurs())


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. Then it takes nothing new, and what is under way has `grace` seconds; jobs go on
    by themselves. A second signal ends it at once. `ready` is called with the address when requests are taken.

    Raises UsageError for a service that strangers could use by mistake, LockedError where another one has the data
    folder, DestinationError where that can't be used, or the port is taken.
    """
    check_safe(settings)
    for model in settings.models.values():
        read_key(convert(model, Model).key, None)  # what can't be read must not wait for a request to say so
    with hold(settings.data), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(settings, ready))


@contextlib.contextmanager
def hold(folder: str) -> Iterator[None]:
    """The data folder, for this service alone, and swept of what one that was killed has left."""
    path = Path(folder, "lock")
    with _usable(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    held = lock(path)
    if held is None:
        hint = "Stop it, or give this one a folder of its own: --data-dir."
        raise LockedError(f"Another service has the data folder {folder}: {holder(path)}.", hint=hint)
    with held:
        with _usable(folder):
            shutil.rmtree(os.path.join(folder, "tmp"), ignore_errors=True)
            os.makedirs(os.path.join(folder, "tmp"), mode=0o700)
        yield


@contextlib.contextmanager
def _usable(folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"The data folder {folder} can't be used: {error.strerror}."
        raise DestinationError(what, hint="Name another: --data-dir.") from error


async def _serve(settings: Settings, ready: Callable[[str], None]) -> None:
    files = raise_open_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        try:
            loop.add_signal_handler(number, _told, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(_told, stop))
    store = await Store.open(settings.data)
    service = Service(settings, store)
    server = web.AppRunner(
        application(service),
        handler_cancellation=True,
        shutdown_timeout=settings.grace,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE,
        auto_decompress=False,
        logger=http_log,
    )
    listener: asyncio.Server | None = None
    try:
        await _warm(service)
        await service.runner.start()
        await server.setup()
        sock = bound(settings.host, settings.port)
        assert server.server is not None
        door = Door(server.server, most_connections(files))
        listener = await loop.create_server(door, sock=sock, backlog=BACKLOG)
        ready(address(settings.host, sock))
        await stop.wait()
    finally:
        if listener is not None:
            listener.close()
        await server.cleanup()
        await service.runner.stop()
        await asyncio.gather(service.quick.close(), service.long.close())
        await store.close()


async def _warm(service: Service) -> None:
    """The first requests find their makers; a service that can't have any is none."""
    try:
        await service.quick.warm()
    except Refused as error:
        raise InternalError("The processes that make answers can't be started.") from error


def _told(stop: asyncio.Event) -> None:
    """The second time, at once."""
    if stop.is_set():
        os._exit(130)
    stop.set()


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. DestinationError where it can't."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(where)
        except BaseException:
            sock.close()
            raise
        return sock
    except OSError as error:
        what = f"{host}:{port} can't be listened on: {error.strerror}."
        raise DestinationError(what, hint="Name another: --host, --port; --port 0 takes a free one.") from error


def address(host: str, sock: socket.socket) -> str:
    """Where the service is, as a URL."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{sock.getsockname()[1]}"

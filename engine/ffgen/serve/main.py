"""Runs a service until it is told to stop."""

import asyncio
import contextlib
import math
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from msgspec import convert

from ffgen.errors import DestinationError, InternalError, LockedError
from ffgen.posix import holder, lock, raise_open_files
from ffgen.run.endpoints import read_key
from ffgen.run.options import new_loop
from ffgen.serve.app import application
from ffgen.serve.door import Door, door, most_connections, reset
from ffgen.serve.guard import check_safe
from ffgen.serve.problem import Refused
from ffgen.serve.service import Service
from ffgen.serve.settings import KEEP_ALIVE, Settings
from ffgen.serve.store import Store
from ffgen.spec.model import Model

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name)]
BACKLOG = 1024
MOST_HEAD = 1 << 14
"""Bytes of the head of a request."""


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
    store = await Store.open(settings.data)
    service = Service(settings, store)
    config = uvicorn.Config(
        application(service),
        http=door(most_connections(files)),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # the application says what goes wrong, and no operator must read of what is no HTTP
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.grace),
        h11_max_incomplete_event_size=MOST_HEAD,
    )
    try:
        sock = bound(settings.host, settings.port)  # before anything begins that would have to be ended
        await _warm(service)
        await service.runner.start()
        await Server(config, service, lambda: ready(address(settings.host, sock))).serve([sock])
    finally:
        await service.runner.stop()
        await asyncio.gather(service.quick.close(), service.long.close())
        await store.close()


class Server(uvicorn.Server):
    """uvicorn's, which ends well when it is told to, and says when requests are taken."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = service.closing
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests are taken when this returns."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would die of the signal when all is done."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            try:
                loop.add_signal_handler(number, self._told)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._told))
        yield

    def _told(self) -> None:
        """The second time, at once: by a reset of what is under way, which nobody then takes for whole."""
        if self.should_exit:
            for connection in self.server_state.connections:
                if isinstance(connection, Door) and connection.is_answering:
                    reset(connection.transport)
            os._exit(130)
        self._closing.set()
        self.should_exit = True


async def _warm(service: Service) -> None:
    """The first requests find their makers; a service that can't have any is none."""
    try:
        await service.quick.warm()
    except Refused as error:
        raise InternalError("The processes that make answers can't be started.") from error


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

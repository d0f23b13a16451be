"""The server: look-ups and controls are answered at once, requests for text by way of the slots.

Control, never counted among requests or connections: GET /standin/stats, POST /standin/reset (counters and tries),
POST /standin/settings (a JSON object of changes; answers with all settings), POST /standin/stop.
"""

import asyncio
import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

import msgspec
import orjson
from tests.standin import decide
from tests.standin.order import Dialect, Refusal
from tests.standin.pattern import Unsupported
from tests.standin.settings import Settings
from tests.standin.slots import Answer, Counts, Slots
from tests.standin.wire import Connection, Request, message


class Server:
    """One listening stand-in. Belongs to its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopped = asyncio.Event()
        self._slots = Slots(settings.slots, Counts())
        self._controls = {
            ("GET", "/standin/stats"): self._stats,
            ("POST", "/standin/reset"): self._reset,
            ("POST", "/standin/settings"): self._change,
            ("POST", "/standin/stop"): self._stop,
        }

    async def listen(self) -> asyncio.Server:
        """The listening socket; its port is a free one where the settings say 0."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            partial(Connection, self), self.settings.host, self.settings.port, backlog=1024, reuse_address=True
        )

    def came(self, connection: Connection) -> None:
        self._slots.counts.connections_opened += 1
        self._slots.counts.connections_open += 1

    def left(self, connection: Connection) -> None:
        if not connection.is_control:
            self._slots.counts.connections_open -= 1

    def asked(self, connection: Connection, request: Request) -> None:
        """Answers a request, at once or by way of the slots."""
        if request.path.startswith("/standin/"):
            self._control(connection, request)
            return
        self._slots.counts.by_path[request.path] += 1
        dialect = decide.dialect_of(request.path, self.settings)
        if request.method == "POST" and request.path in dialect.ASK_PATHS:
            self._ask(connection, request, dialect)
        else:
            connection.write(self._look_up(request, dialect))
            connection.finish()

    def _ask(self, connection: Connection, request: Request, dialect: Dialect) -> None:
        counts = self._slots.counts
        try:
            decide.authorise(request, self.settings, dialect)
            answer = decide.answer(request, self.settings, counts, dialect)
        except Exception as error:
            status, body = _refusal(error, dialect)
            answer = Answer(0, status, [message(status, body)], is_free=True)
        counts.requests += 1
        if counts.first_request_at is None:
            counts.first_request_at = time.monotonic()
        if answer.fault:
            counts.faults[answer.fault] += 1
        self._slots.enter(connection, answer)

    def _look_up(self, request: Request, dialect: Dialect) -> bytes:
        is_head = request.method == "HEAD"
        try:
            decide.authorise(request, self.settings, dialect)
            status, body, kind = dialect.look_up(request.method, request.path, request.body, self.settings)
            return message(status, body, kind, is_head=is_head)
        except Exception as error:
            status, body = _refusal(error, dialect)
            return message(status, body, is_head=is_head)

    def _control(self, connection: Connection, request: Request) -> None:
        if not connection.is_control:
            connection.is_control = True
            self._slots.counts.connections_opened -= 1
            self._slots.counts.connections_open -= 1
        control = self._controls.get((request.method, request.path))
        try:
            status, body = (200, control(request.body)) if control else (404, {"error": "no such control"})
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            status, body = 400, {"error": str(error)}
        connection.write(message(status, orjson.dumps(body)))
        connection.finish()

    def _stats(self, body: bytes) -> dict[str, object]:
        shown = self._slots.counts.shown()
        return shown | {"busy_slot_seconds": shown["busy_slot_seconds"] + self._slots.busy_now()}

    def _reset(self, body: bytes) -> dict[str, object]:
        self._slots.restart(Counts())
        return {}

    def _change(self, body: bytes) -> dict[str, object]:
        self.settings = self.settings.changed(msgspec.json.decode(body, type=dict))
        self._slots.size = self.settings.slots
        self._slots.fill()
        found: dict[str, object] = msgspec.to_builtins(self.settings)
        return found

    def _stop(self, body: bytes) -> dict[str, object]:
        asyncio.get_running_loop().call_soon(self.stopped.set)
        return {}


def _refusal(error: Exception, dialect: Dialect) -> tuple[int, bytes]:
    """Status and body for what could not be answered; a fault of the stand-in itself must not pass for one on order."""
    if isinstance(error, Refusal):
        return error.status, dialect.error(error.status, error.text)
    if isinstance(error, Unsupported):
        return 400, dialect.error(400, f"the stand-in can't write this: {error}")
    traceback.print_exc()
    return 500, dialect.error(500, f"the stand-in itself is broken: {error!r}")


async def serve(settings: Settings, announce: Callable[[str], None], stop_at_end_of: int | None) -> None:
    """Listens until told to stop; `announce` gets the URL. The end of the file `stop_at_end_of` means stop, too."""
    server = Server(settings)
    listening = await server.listen()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stopped.set)
    host, port = listening.sockets[0].getsockname()[:2]
    announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    gc.freeze()
    if stop_at_end_of is not None:
        _watch_end(stop_at_end_of, partial(loop.call_soon_threadsafe, server.stopped.set))
    await server.stopped.wait()
    listening.close()


def _watch_end(descriptor: int, then: Callable[[], object]) -> None:
    """Calls `then` when a pipe, file or terminal reaches its end. A thread: loops can't watch all of these."""

    def watch() -> None:
        while os.read(descriptor, 4096):
            pass
        then()

    threading.Thread(target=watch, daemon=True).start()

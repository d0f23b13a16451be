"""The connections: how many there may be, for how long they may say nothing, and how one is cut off."""

import asyncio
import contextlib
import logging
import socket
import struct
from typing import Any, ClassVar

import msgspec
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from ffgen.serve.makers import busy
from ffgen.serve.settings import MOST_CONNECTIONS, STALL

_HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n"
)
LOOKS = 4
"""How often within STALL seconds a connection is looked at."""

log = logging.getLogger("ffgen.serve")


class Outlet:
    """A transport that counts: how much of what was written the client has taken."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._written = 0
        self.is_stalled = False
        """Whether it was cut off because its client took nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """The transport's."""
        self._written += len(data)
        self._transport.write(data)

    @property
    def taken(self) -> int | None:
        """Bytes that have gone out; None where none wait."""
        waiting = self._transport.get_write_buffer_size()
        return self._written - waiting if waiting else None


class Door(H11Protocol):
    """uvicorn's protocol, which takes any number of connections, and waits for ever for a first request. Built on h11,
    which tells HTTP/1.0 from 1.1 and holds heads to a size; httptools does neither."""

    most: ClassVar[int] = MOST_CONNECTIONS
    _watch: asyncio.TimerHandle
    _taken: int | None
    _taken_at: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """One more: each takes an open file, and a service that has none left can't even say so."""
        outlet: Any = Outlet(transport)
        super().connection_made(outlet)
        transport = outlet
        self._taken, self._taken_at = None, self.loop.time()
        self._watch = self.loop.call_later(STALL / LOOKS, self._look)
        self.app_state = {**self.app_state, "transport": transport}
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if len(self.connections) > self.most:
            body = msgspec.json.encode(busy("There are too many connections already.").problem)
            transport.write(_HEAD % len(body) + body)
            transport.close()

    @property
    def is_answering(self) -> bool:
        """Whether something of an answer has not gone out."""
        outlet: Any = self.transport
        return outlet.taken is not None or (self.cycle is not None and not self.cycle.response_complete)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is watched no more."""
        self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Cuts the connection off when its client has taken nothing for STALL seconds of what waits for it, which may
        be a whole answer: uvicorn waits before it writes, not after, and closing a transport waits for ever."""
        outlet: Any = self.transport
        now, taken = self.loop.time(), outlet.taken
        if taken is None or taken != self._taken:
            self._taken, self._taken_at = taken, now
        elif now - self._taken_at >= STALL:
            outlet.is_stalled = True
            log.warning("connection cut off", extra={"client": self.client and self.client[0], "reason": "too slow"})
            reset(outlet)
            return
        self._watch = self.loop.call_later(STALL / LOOKS, self._look)

    def data_received(self, data: bytes) -> None:
        """A part of a head doesn't stop the clock; a request does."""
        timer, self.timeout_keep_alive_task = self.timeout_keep_alive_task, None
        super().data_received(data)
        if timer is None:
            return
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_task = timer
        else:
            timer.cancel()


def door(most: int) -> type[Door]:
    """The protocol, for so many connections."""
    return type("Door", (Door,), {"most": most})


def most_connections(open_files: int) -> int:
    """How many connections fit into so many open files (0: nobody knows), with room for makers, jobs and SQLite."""
    return min(MOST_CONNECTIONS, max(open_files // 2, 16)) if open_files else MOST_CONNECTIONS


def cut(scope: Scope) -> None:
    """Ends a connection so that no client takes what it has for whole: without a last chunk, and by a reset, since to
    HTTP/1.0 a closed connection is a good end."""
    transport: Any = scope["state"].get("transport")
    if transport is None:
        return
    if scope["http_version"] == "1.0":
        reset(transport)
    else:
        transport.abort()


def reset(transport: Any) -> None:
    """Ends a connection by a reset, also where the process ends before the loop gets to it."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

"""HTTP/1.1 with keep-alive on bare asyncio protocols: the least that clients need, at a few microseconds a request.

Request bodies come with Content-Length. A second request on a connection waits until the first is answered.
"""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import NamedTuple, Protocol, cast

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_LARGEST_HEAD = 64 << 10
_REASONS = {status.value: status.phrase for status in HTTPStatus}
JSON = "application/json; charset=utf-8"


class Request(NamedTuple):
    method: str
    path: str
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, "" without one. Costs a search: not for the hot path."""
        found = re.search(rb"\r\n" + name.encode() + rb":[ \t]*([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode("latin-1").strip() if found else ""


class House(Protocol):
    """Who answers. All calls come from the loop; `came` and `left` once a connection."""

    def came(self, connection: "Connection") -> None: ...

    def left(self, connection: "Connection") -> None: ...

    def asked(self, connection: "Connection", request: Request) -> None: ...


class Connection(asyncio.Protocol):
    """One client. Whoever is `asked` writes, then calls `finish`, `close` or `reset` once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._buffer = b""
        self._is_asked = False
        self._is_last = False
        self._transport: asyncio.Transport | None = None
        self.is_control = False
        self.on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._house.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.on_lost:
            self.on_lost()
        self._house.left(self)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_asked:
            self._next()

    def _next(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if self._is_asked or self._transport is None or (end < 0 and len(self._buffer) < _LARGEST_HEAD):
            return
        head = self._buffer[: end + 2]
        line = head[: head.find(b"\r\n")].split(b" ")
        if end < 0 or len(line) != 3 or _CHUNKED.search(head):
            self._is_asked = self._is_last = True
            self.write(message(400, b"this server wants a request line and Content-Length", "text/plain"))
            self.finish()
            return
        found = _LENGTH.search(head)
        stop = end + 4 + (int(found[1]) if found else 0)
        if len(self._buffer) < stop:
            return
        body, self._buffer = self._buffer[end + 4 : stop], self._buffer[stop:]
        self._is_asked = True
        self._is_last = _CLOSE.search(head) is not None
        self._house.asked(self, Request(line[0].decode(), line[1].decode().partition("?")[0], head, body))

    def write(self, data: bytes) -> None:
        """Sends bytes of the answer; nothing once the client has gone."""
        if self._transport is not None:
            self._transport.write(data)

    def finish(self) -> None:
        """The answer is complete: the next request may come."""
        self.on_lost = None
        self._is_asked = False
        if self._is_last:
            self.close()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self._next)

    def close(self) -> None:
        """Ends the connection after what was written."""
        self.on_lost = None
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Breaks the connection with a TCP reset; what was written may be lost."""
        self.on_lost = None
        if self._transport is not None:
            link = self._transport.get_extra_info("socket")
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def message(status: int, body: bytes, kind: str = JSON, more: Iterable[str] = (), is_head: bool = False) -> bytes:
    """A whole response; `more` are header lines. Of a HEAD only the head."""
    return head(status, kind, [f"Content-Length: {len(body)}", *more]) + (b"" if is_head else body)


def head(status: int, kind: str, more: Iterable[str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", f"Content-Type: {kind}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; that of b"" ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)

"""A duplex pipe between the coordinator and one process, for asyncio. Never blocks: what the other side is slow
to read waits in memory, which the coordinator's own limits keep small.

The frame is multiprocessing's own (a signed 32-bit length, then bytes), so a child that has no event loop reads
and writes the same pipe with `recv_bytes` and `send_bytes`.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from ffgen.run.messages import Message, decode, encode

LENGTH = struct.Struct("!i")


class Channel(asyncio.Protocol):
    """One end of a pipe. Messages sent in one turn of the loop travel in one frame."""

    def __init__(self, received: Callable[[list[Message]], None], lost: Callable[[], None]) -> None:
        self._received = received
        self._lost = lost
        self._buffer = bytearray()
        self._outbox: list[Message] = []
        self._transport: Any = None

    @classmethod
    async def open(
        cls, connection: Any, received: Callable[[list[Message]], None], lost: Callable[[], None]
    ) -> "Channel":
        """Takes over a `multiprocess` connection; the caller's object is closed."""
        sock = socket.socket(fileno=os.dup(connection.fileno()))
        connection.close()
        sock.setblocking(False)
        channel = cls(received, lost)
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=sock)
        return channel

    def send(self, message: Message) -> None:
        """Queues a message; it leaves at the end of this turn of the loop."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(message)

    def close(self) -> None:
        """Ends the pipe: the other side reads its end."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, []
        try:
            frame = encode(outbox)
            length = LENGTH.pack(len(frame))
        except Exception:
            self.close()  # what can't be said must not be waited for
            raise
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(length + frame)

    def connection_made(self, transport: Any) -> None:
        """Called by the loop."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop; hands on every whole frame."""
        self._buffer += data
        start, end = 0, len(self._buffer)
        while end - start >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer, start)
            if end - start < LENGTH.size + length:
                break
            frame = bytes(self._buffer[start + LENGTH.size : start + LENGTH.size + length])
            start += LENGTH.size + length
            self._received(decode(frame))
        del self._buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the other side is gone."""
        self._transport = None
        self._lost()

"""A server that says exactly the bytes it was told to, for faults that no honest server makes."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable

import orjson
from msgspec import Struct

# Bytes to send; None says nothing and keeps the connection open; RESET tears it down.
Reply = bytes | None
RESET = b"\x00reset"
CLOSE = b"\x00close"


class Request(Struct):
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class Wire:
    """What the server saw."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self.connections = 0


def http(
    body: bytes | object, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
) -> bytes:
    """A reply's bytes; a `length` that is not the body's makes half a body."""
    payload = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(payload) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | (headers or {})).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


@contextlib.asynccontextmanager
async def wire(answer: Callable[[Request], Reply]) -> AsyncIterator[Wire]:
    """A server on loopback that answers each request with what `answer` returns."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        seen.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                request = await _request(reader)
                seen.requests.append(request)
                if not await _say(writer, answer(request)):
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0], headers, body)


async def _say(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Whether the connection goes on."""
    if reply is None:
        await asyncio.sleep(3600)
        return False
    for mark in (RESET, CLOSE):
        if reply.endswith(mark):
            writer.write(reply.removesuffix(mark))
            await writer.drain()
            if mark == RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
    writer.write(reply)
    await writer.drain()
    return True

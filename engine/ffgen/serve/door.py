"""How many connections there may be: each takes an open file, and a service that has none left can't even say so."""

import asyncio

import msgspec
from aiohttp import web

from ffgen.serve.makers import busy
from ffgen.serve.settings import MOST_CONNECTIONS

_HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n"
)


class Door:
    """What the listener calls for each connection: the server's protocol, or where it has `most`, one that says so."""

    def __init__(self, server: web.Server, most: int) -> None:
        self._server = server
        self._most = most

    def __call__(self) -> asyncio.BaseProtocol:
        return _Full() if len(self._server.connections) >= self._most else self._server()


class _Full(asyncio.Protocol):
    """Answers without reading, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        body = msgspec.json.encode(busy("There are too many connections already.").problem)
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(_HEAD % len(body) + body)
        transport.close()


def most_connections(open_files: int) -> int:
    """How many connections fit into so many open files (0: nobody knows), with room for makers, jobs and SQLite."""
    return min(MOST_CONNECTIONS, max(open_files // 2, 16)) if open_files else MOST_CONNECTIONS

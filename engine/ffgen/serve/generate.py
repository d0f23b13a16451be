"""`POST /generate`: an answer at once. What it holds until the first block is there is sent whole or refused; a longer
one is streamed, and cut off when it fails."""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from aiohttp import web
from msgspec import Struct

from ffgen.serve.frames import DATA, HEAD
from ffgen.serve.makers import Lane, Maker
from ffgen.serve.naming import headers_of
from ffgen.serve.prepare import Errand, Head
from ffgen.serve.problem import Refused
from ffgen.serve.settings import FIRST_BLOCK_SECONDS, HOLD, PATIENCE, STALL, STREAM_SECONDS
from ffgen.serve.wire import GenerateRequest

log = logging.getLogger("ffgen.serve")

QUICK_HOLD = 8 * HOLD
"""A quick answer is held whole, so that its maker can go on to the next while a slow client reads."""


async def generate(
    request: web.Request, asked: GenerateRequest, client: str, quick: Lane, long: Lane
) -> web.StreamResponse:
    """The answer, or the first lane's refusal."""
    errand = errand_of(asked)
    if errand.model is None:
        async with quick.lend(client) as maker:
            answer = Answer(maker, msgspec.structs.replace(errand, quick=True), asked.format)
            await answer.begin(PATIENCE, QUICK_HOLD)
            if not answer.head.is_large:
                return await answer.send(request)
    async with long.lend(client) as maker:
        answer = Answer(maker, errand, asked.format)
        await answer.begin(FIRST_BLOCK_SECONDS, HOLD)
        return await answer.send(request)


def errand_of(asked: Struct, do: Literal["make", "settle", "draft"] = "make") -> Errand:
    """What a maker is to do for a request."""
    return Errand(do=do, **said_in(asked))


def said_in(asked: Struct) -> dict[str, Any]:
    """What a request says, without what it leaves unsaid."""
    return {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not msgspec.UNSET}


class Answer:
    """One answer on its way from a maker to a client."""

    def __init__(self, maker: Maker, errand: Errand, format: str) -> None:
        self.head: Head
        self._format = format
        self._frames = maker.frames(errand)
        self._held: list[bytes] = []
        self._is_whole = False

    async def begin(self, seconds: float, hold: int) -> None:
        """Reads until the answer is whole, or `hold` bytes of it are there. Refused where it can't be."""
        size = 0
        try:
            async with asyncio.timeout(seconds):
                async for kind, payload in self._frames:
                    if kind == HEAD:
                        self.head = msgspec.json.decode(payload, type=Head)
                    elif kind == DATA:
                        self._held.append(payload)
                        if (size := size + len(payload)) >= hold:
                            return
        except TimeoutError:
            what = f"Nothing was ready after {seconds:g} s."
            raise Refused("too-large", what, "POST /jobs takes the same body and has the time.") from None
        self._is_whole = True

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Sends it: whole, with its length, or as a stream."""
        headers = headers_of(self.head, self._format)
        if self._is_whole:
            return web.Response(body=b"".join(self._held), headers=headers)
        return await stream(request, headers, self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        for piece in self._held:
            yield piece
        self._held = []
        async for kind, payload in self._frames:
            if kind == DATA:
                yield payload


async def stream(
    request: web.Request, headers: dict[str, str], pieces: AsyncIterator[bytes], limit: float | None = STREAM_SECONDS
) -> web.StreamResponse:
    """Sends pieces as they come. When they fail, or the client takes nothing for long, the body is cut off."""
    response = web.StreamResponse(headers=headers)
    if request.version >= (1, 1):
        response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async with asyncio.timeout(limit):
            async for piece in pieces:
                async with asyncio.timeout(STALL):
                    await response.write(piece)
            await response.write_eof()
    except (Refused, TimeoutError) as error:
        cut(request)
        request["cut"] = True
        log.warning("answer cut off", extra={"request": request["id"], "reason": str(error) or "too slow"})
    except ConnectionError:  # the client has gone; there is nobody to tell
        request["gone"] = True
    except BaseException:
        cut(request)
        raise
    return response


def cut(request: web.Request) -> None:
    """Ends a connection so that no client takes what it has for whole: without a last chunk, and by a reset, since to
    HTTP/1.0 a closed connection is a good end."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and request.version < (1, 1):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

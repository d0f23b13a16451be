"""`POST /generate`: an answer at once. What it holds until the first block is there is sent whole or refused; a longer
one is streamed, and cut off when it fails."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Response
from fastapi.responses import StreamingResponse

from ffgen.serve.asked import Body, GenerateRequest
from ffgen.serve.frames import DATA, END, HEAD
from ffgen.serve.makers import Lane, Maker
from ffgen.serve.naming import headers_of
from ffgen.serve.prepare import Errand, Head
from ffgen.serve.problem import Refused
from ffgen.serve.settings import FIRST_BLOCK_SECONDS, HOLD, PATIENCE, STREAM_SECONDS

QUICK_HOLD = 8 * HOLD
"""A quick answer is held whole, so that its maker can go on to the next while a slow client reads."""


async def _held() -> AsyncIterator[AsyncExitStack]:
    """What a request holds until its answer has been sent, or has failed."""
    async with AsyncExitStack() as stack:
        yield stack


Held = Annotated[AsyncExitStack, Depends(_held)]


async def generated(asked: GenerateRequest, client: str, quick: Lane, long: Lane, held: AsyncExitStack) -> Response:
    """The answer, or the first lane's refusal."""
    errand = errand_of(asked)
    if errand.model is None:
        async with AsyncExitStack() as lent:
            maker = await lent.enter_async_context(quick.lend(client))
            answer = Answer(maker, msgspec.structs.replace(errand, quick=True), asked.format)
            await answer.begin(PATIENCE, QUICK_HOLD)
            if not answer.head.is_large:
                if not answer.is_whole:
                    held.push_async_callback(lent.pop_all().aclose)
                return answer.response()
    answer = Answer(await held.enter_async_context(long.lend(client)), errand, asked.format)
    await answer.begin(FIRST_BLOCK_SECONDS, HOLD)
    return answer.response()


def errand_of(asked: Body, do: Literal["make", "settle", "draft"] = "make") -> Errand:
    """What a maker is to do for a request."""
    return Errand(do=do, **asked.said)


class Answer:
    """One answer on its way from a maker to a client."""

    def __init__(self, maker: Maker, errand: Errand, format: str) -> None:
        self.head: Head
        self._format = format
        self._frames = maker.frames(errand)
        self._held: list[bytes] = []
        self.is_whole = False

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
        self.is_whole = True

    def response(self) -> Response:
        """Whole, with its length, or as a stream."""
        headers = headers_of(self.head, self._format)
        if self.is_whole:
            return Response(b"".join(self._held), headers=headers)
        return StreamingResponse(pieces(self._frames, self._held), headers=headers)


async def pieces(frames: AsyncIterator[tuple[bytes, bytes]], held: Iterable[bytes] = ()) -> AsyncIterator[bytes]:
    """The body that a maker sends, after what is there of it. Raises TimeoutError where it takes too long."""
    until = asyncio.get_running_loop().time() + STREAM_SECONDS
    for piece in held:
        yield piece
    while True:
        async with asyncio.timeout_at(until):
            kind, payload = await anext(frames)  # without its end, it would be an error
        if kind == END:
            return
        if kind == DATA:
            yield payload

"""What happens around each request: who is let in, its name, what is noted of it, and its end when its client goes."""

import asyncio
import logging
import re
import secrets
import time
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ffgen.serve.door import cut
from ffgen.serve.guard import is_preflight
from ffgen.serve.makers import REQUEST
from ffgen.serve.naming import EXPOSED
from ffgen.serve.problem import MEDIA, Refused, internal
from ffgen.serve.service import Service
from ffgen.serve.settings import STALL

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
GONE = 499
"""What others say, too, of a request whose client went away."""
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST")
ASKED_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-Request-Id")
_UNKNOWN = "-"
"""The route of what has none, in metrics."""

log = logging.getLogger("ffgen.serve")


def answer(refused: Refused, instance: str) -> Response:
    """The response of a problem; `instance` is the request's id."""
    problem = replace(refused.problem, instance=f"urn:ffgen:request:{instance}")
    told = {name: value for name, value in msgspec.to_builtins(problem).items() if value}
    return Response(msgspec.json.encode(told), problem.status, refused.headers, MEDIA)


def in_origin_form(scope: Scope) -> Scope:
    """The same request by its path, where it was asked for by a whole URL, whose host goes before the header's (RFC
    9112, 3.2.2)."""
    try:
        scheme, host, path, _, _ = urlsplit(scope["raw_path"].decode("latin-1"))
    except (KeyError, ValueError):
        return scope
    if scheme not in ("http", "https") or not host:
        return scope
    path = path or "/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    headers.append((b"host", host.encode("latin-1")))
    return {**scope, "path": unquote(path), "raw_path": path.encode("latin-1"), "headers": headers}


class Cors(CORSMiddleware):
    """Starlette's, with problems in place of its words."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser asks before it asks."""
        made = super().preflight_response(request_headers)
        if made.status_code != 200:
            raise Refused("origin", f"{bytes(made.body).decode()} for this page.", "See --cors.")
        kept = {name: value for name, value in made.headers.items() if name not in ("content-length", "content-type")}
        return Response(status_code=204, headers=kept)


class Around:
    """Lets requests in or not, names them, notes them, and ends those whose client has gone."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._cors = Cors(
            self._let_in,
            allow_origins=service.settings.cors,
            allow_methods=METHODS,
            allow_headers=ASKED_HEADERS,
            expose_headers=EXPOSED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        metrics, talk = self._service.metrics, Talk(self._service, scope, receive, send)
        metrics.in_flight += 1
        try:
            await talk.hold(self._begin)
        finally:
            metrics.in_flight -= 1
            self._note(talk, time.monotonic() - began)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Past the rules for web pages, which a page also needs to read a refusal. What a browser asks ahead of a page
        is answered there, so that it must be let in before."""
        if is_preflight(HTTPConnection(scope)):
            await scope["state"]["talk"].answer(self._cors, scope, receive, send)
        else:
            await self._cors(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["state"]["talk"].answer(self._app, scope, receive, send)

    def _note(self, talk: "Talk", seconds: float) -> None:
        route = getattr(talk.scope.get("route"), "path", _UNKNOWN)
        method = talk.method if talk.method in METHODS else _UNKNOWN
        metrics = self._service.metrics
        metrics.answered(method, route, talk.status, seconds)
        metrics.cut += talk.is_cut
        metrics.rows += talk.rows
        told = {"method": method, "route": route, "status": talk.status, "ms": round(seconds * 1000, 1)}
        log.info("request", extra={"request": talk.id, **told})


class Talk:
    """One request and its answer, on their way."""

    def __init__(self, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        self._service, self._receive, self._send = service, receive, send
        given = Headers(scope=scope).get("X-Request-Id", "")
        self.id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        scope = in_origin_form(scope)
        scope.setdefault("state", {}).update(id=self.id, talk=self)
        self.method = scope["method"]
        # HEAD is GET without a body, which the server itself leaves out.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        self.status = GONE
        self.rows = 0
        self.is_cut = False
        self._has_begun = self._is_over = False
        self._read, self._gone = asyncio.Event(), asyncio.Event()

    async def hold(self, app: ASGIApp) -> None:
        """To its end, or until the client goes away."""
        REQUEST.set(self.id)
        work = asyncio.ensure_future(app(self.scope, self.receive, self.send))
        watch = asyncio.create_task(self._watch(work))
        try:
            await work
        except asyncio.CancelledError:
            if not self._gone.is_set():  # the service stops
                cut(self.scope)
                raise
        finally:
            watch.cancel()

    async def answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer; or a problem in its place, or its body cut off where it has begun."""
        try:
            scope["state"]["who"] = self._service.guard.admit(HTTPConnection(scope))
            await app(scope, receive, send)
        except ClientDisconnect:
            self.status = GONE
        except Exception as error:
            reason = error.__cause__ if isinstance(error.__cause__, Refused) else error
            if not isinstance(reason, Refused | TimeoutError):
                log.exception("request failed", extra={"request": self.id})
            if not self._has_begun:
                refused = reason if isinstance(reason, Refused) else internal()
                await answer(refused, self.id)(scope, receive, send)
                return
            log.warning("answer cut off", extra={"request": self.id, "reason": str(reason) or "too slow"})
            self.is_cut = True
            cut(scope)

    async def _watch(self, work: asyncio.Future[None]) -> None:
        """Ends the work when the client has gone before it had its answer."""
        if self.method != "POST":
            self._read.set()
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        if not self._is_over:
            if getattr(self.scope["state"].get("transport"), "is_stalled", False):
                self.is_cut = True
            else:
                self.status = GONE
            work.cancel()

    async def receive(self) -> Message:
        """The body, piece by piece; then nothing, until the client has gone."""
        if not self._read.is_set():
            message = await self._receive()
            if not message.get("more_body"):
                self._read.set()
            return message
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer. Raises TimeoutError where the client takes nothing for long."""
        if self._is_over:  # of HEAD, whose answer ends with its headers
            return
        if message["type"] == "http.response.start":
            self._has_begun, self.status = True, message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.id
            headers.setdefault("X-Content-Type-Options", "nosniff")
            self.rows = int(headers.get("X-Ffgen-Rows", "0"))
        else:
            self._is_over = not message.get("more_body", False)
        async with asyncio.timeout(STALL):
            await self._send(message)
            if self.method == "HEAD" and not self._is_over:
                self._is_over = True
                await self._send({"type": "http.response.body"})

"""The one place that sends bytes to a model's server, and the one that says what a failure means.

A reply is a complete HTTP 200 body and nothing else: half a body, a reset, a redirect or an error status is an
`AskFailed`, whose `kind` says whether the same request may go again.
"""

import asyncio
import socket
import time
from typing import Any

import aiohttp
from yarl import URL

from ffgen.ask.address import KEY_HINT, Auth, Kind, error_message, forbidden, printable
from ffgen.ask.retry import parse_date, parse_retry_after
from ffgen.errors import EndpointError, UsageError

ANTHROPIC_VERSION = "2023-06-01"
LARGEST_REPLY = 64 << 20
_LARGEST_ERROR = 64 << 10
_CONNECT_SECONDS = 10.0
_ERROR_SECONDS = 5.0
_STATUS_KINDS: dict[int, Kind] = {
    408: "server",
    429: "overloaded",
    500: "server",
    502: "server",
    503: "overloaded",
    504: "server",
    529: "overloaded",
}
_STATUS_HINTS = {
    401: KEY_HINT,
    403: KEY_HINT,
    404: "Check `model.name`, `model.endpoint` and `model.api`.",
    413: "Lower `model.batch_size`.",
}


class AskFailed(EndpointError):
    """A request that brought no reply.

    `refused` nobody listens there; `reset` the connection broke; `timeout` no complete reply in time; `overloaded`
    429, 503 or 529, slow down; `server` 408, 500, 502 or 504; all of them may go again. `fatal` will fail again just
    so. `status` is 0 when there was no HTTP status. `retry_after` is what the server asked for, in seconds, at most
    300.
    """

    def __init__(
        self, kind: Kind, what: str, *, status: int = 0, retry_after: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(what, hint=hint)
        self.kind: Kind = kind
        self.status = status
        self.retry_after = retry_after


class Client:
    """One keep-alive pool for all requests of a process, `limit` connections to an endpoint at most.

    Belongs to the event loop that first sends; `close` it there. Follows no redirect, keeps no cookie, reads no
    proxy variable, sends the key to no host but the one named. About 80 microseconds of CPU a request (60 on uvloop).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[tuple[str, str], URL] = {}
        self._headers: dict[tuple[str | None, Auth], dict[str, str]] = {}

    async def send(
        self, url: str, path: str, body: bytes, key: str | None, timeout: float, auth: Auth = "bearer"
    ) -> bytes:
        """The complete body of the HTTP 200 that answers a POST; else AskFailed. `timeout` seconds for all of it."""
        return await self._exchange("POST", url, path, body, key, timeout, auth)

    async def fetch(self, url: str, path: str, key: str | None, timeout: float) -> bytes:
        """As `send`, for a GET."""
        return await self._exchange("GET", url, path, None, key, timeout)

    async def close(self) -> None:
        """Closes all connections; requests in flight fail. Twice is fine."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _exchange(
        self,
        method: str,
        url: str,
        path: str,
        body: bytes | None,
        key: str | None,
        timeout: float,
        auth: Auth = "bearer",
    ) -> bytes:
        session = self._session or self._open()
        target = self._targets.get((url, path)) or self._target(url, path)
        headers = self._headers.get((key, auth)) or self._header(key, auth)
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_SECONDS))
        try:
            async with session.request(
                method, target, data=body, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                if response.status == 200:
                    return await _whole_body(response)
                raise _refusal(response, await _error_text(response), key)
        except (aiohttp.ClientError, OSError) as error:  # OSError: TimeoutError is one
            raise _broken(error, url, timeout) from error

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=self._limit, socket_factory=_open_socket)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, raise_for_status=False
        )
        return self._session

    def _target(self, url: str, path: str) -> URL:
        root = url.removesuffix("/v1") if path.startswith("/v1/") else url
        target = self._targets[url, path] = URL(root + path)
        return target

    def _header(self, key: str | None, auth: Auth) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "ffgen"}
        if key:
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise UsageError("The API key holds characters that no HTTP header can carry.", hint=KEY_HINT)
            headers |= {"Authorization": f"Bearer {key}"} if auth == "bearer" else {"x-api-key": key}
        if auth == "anthropic":
            headers["anthropic-version"] = ANTHROPIC_VERSION
        self._headers[key, auth] = headers
        return headers


def _open_socket(address: Any) -> socket.socket:
    """Where every connection starts, after names were resolved: the last place that can refuse an address."""
    family, kind, protocol, _, where = address
    if forbidden(where[0]):
        raise OSError(f"{where[0]} is a link-local address, which ffgen never asks")
    return socket.socket(family=family, type=kind, proto=protocol)


async def _whole_body(response: aiohttp.ClientResponse) -> bytes:
    length = response.content_length
    if length is not None and length > LARGEST_REPLY:
        raise _too_large(response)
    content = response.content
    body = await content.readany()
    if not content.at_eof():
        pieces, size = [body], len(body)
        while piece := await content.readany():
            pieces.append(piece)
            size += len(piece)
            # Counted after decompression, so that a small body can't unpack into all memory.
            if size > LARGEST_REPLY:
                raise _too_large(response)
        body = b"".join(pieces)
    if length is None and "Transfer-Encoding" not in response.headers and not body.rstrip().endswith((b"}", b"]")):
        # Only the closing of the connection ended this body, and a crash of the server closes it too.
        raise AskFailed("reset", f"{_host(response)} closed the connection inside a reply.", status=200)
    return body


def _too_large(response: aiohttp.ClientResponse) -> AskFailed:
    limit = LARGEST_REPLY >> 20
    return AskFailed(
        "fatal",
        f"{_host(response)} sent a reply of more than {limit} MiB.",
        status=200,
        hint="Lower `model.max_tokens`.",
    )


async def _error_text(response: aiohttp.ClientResponse) -> bytes:
    """The start of an error's body. What can't be read does not matter: the status has said it all."""
    body = b""
    try:
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _LARGEST_ERROR and (piece := await response.content.readany()):
                body += piece
    except (aiohttp.ClientError, OSError):
        pass
    return body[:_LARGEST_ERROR]


def _refusal(response: aiohttp.ClientResponse, body: bytes, key: str | None) -> AskFailed:
    status, headers = response.status, response.headers
    said = error_message(body, headers.get("Content-Type", ""))
    if 300 <= status < 400:
        said = f"a redirect to {headers.get('Location', 'nowhere')}, which ffgen does not follow"
    # A server that quotes the key back ("Incorrect API key provided: ...") must not get it into a log.
    said = printable(said.replace(key, "***") if key else said)
    now = parse_date(headers.get("Date")) or time.time()
    return AskFailed(
        _STATUS_KINDS.get(status, "fatal"),
        f"{_host(response)} answered HTTP {status}" + (f": {said}" if said else "."),
        status=status,
        retry_after=parse_retry_after(headers.get("Retry-After"), now),
        hint=_STATUS_HINTS.get(status, ""),
    )


def _broken(error: Exception, url: str, timeout: float) -> AskFailed:
    """What an exception of aiohttp or the system means. Order matters: aiohttp's classes inherit from each other."""
    reason = printable(str(error) or type(error).__name__)
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return AskFailed(
            "fatal", f"No secure connection to {url}: {reason}.", hint="Check `https` and the certificate."
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return AskFailed("refused", f"{url} does not accept connections.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return AskFailed("refused", f"Nothing answers at {url}: {_errno(error)}.")
    if isinstance(error, TimeoutError):
        return AskFailed(
            "timeout", f"{url} sent no complete reply within {timeout:g} s.", hint="Raise `model.timeout`."
        )
    if isinstance(error, aiohttp.InvalidURL):
        return AskFailed("fatal", f"{url} is not a URL.")
    return AskFailed("reset", f"The connection to {url} broke: {reason}.")


def _errno(error: aiohttp.ClientConnectorError) -> str:
    return printable(error.os_error.strerror or str(error.os_error))


def _host(response: aiohttp.ClientResponse) -> str:
    return str(response.url.origin())

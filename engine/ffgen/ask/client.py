"""The one place that sends bytes to a model's server, and the one that says what a failure means.

A reply is a complete HTTP 200 body and nothing else: half a body, a reset, a redirect or an error status is an
`AskFailed`, whose `kind` says whether the same request may go again.
"""

import asyncio
import ipaddress
import re
import socket
import time
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import aiohttp
import orjson
from yarl import URL

from ffgen.ask.retry import parse_date, parse_retry_after
from ffgen.errors import EndpointError, UsageError

Kind = Literal["refused", "reset", "timeout", "overloaded", "server", "fatal"]

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
}
KEY_HINT = "Set FFGEN_API_KEY, or FFGEN_API_KEY_FILE, or `model.key: {env: NAME}` in the spec."
_STATUS_HINTS = {
    401: KEY_HINT,
    403: KEY_HINT,
    404: "Check `model.name`, `model.endpoint` and `model.api`.",
    413: "Lower `model.batch_size`.",
}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# What people paste: the very path that their curl command had, or the API's root.
_CALL = re.compile(r"(?<=/v1)/((chat/)?completions|models)$|/api/(chat|generate|tags|version)$")
# `/api/v1` stays (OpenRouter): without its `/v1` it could not be told from Ollama's `/api`.
_ROOT = re.compile(r"((?<!/api)/v1|/api)$")
_FORBIDDEN_NETWORKS = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")))


class AskFailed(EndpointError):
    """A request that brought no reply.

    `refused` nobody listens there; `reset` the connection broke; `timeout` no complete reply in time; `overloaded`
    429 or 503, slow down; `server` 408, 500, 502 or 504; all of them may go again. `fatal` will fail again just so.
    `status` is 0 when there was no HTTP status. `retry_after` is what the server asked for, in seconds, 300 at most.
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
        self._headers: dict[str | None, dict[str, str]] = {}

    async def send(self, url: str, path: str, body: bytes, key: str | None, timeout: float) -> bytes:
        """The complete body of the HTTP 200 that answers a POST; else AskFailed. `timeout` seconds for all of it."""
        return await self._exchange("POST", url, path, body, key, timeout)

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
        self, method: str, url: str, path: str, body: bytes | None, key: str | None, timeout: float
    ) -> bytes:
        session = self._session or self._open()
        target = self._targets.get((url, path)) or self._target(url, path)
        headers = self._headers.get(key) or self._header(key)
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

    def _header(self, key: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "ffgen"}
        if key:
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise UsageError("The API key holds characters that no HTTP header can carry.", hint=KEY_HINT)
            headers["Authorization"] = f"Bearer {key}"
        self._headers[key] = headers
        return headers


def base_url(url: str) -> str:
    """An endpoint as it is used from here on: `http://host:port/prefix`, without a trailing slash, `/v1` or `/api`.

    Puts `http://` before a bare `host:port`. UsageError for anything else than http and https, for credentials,
    a query or a fragment in the URL, and for link-local addresses, where clouds keep their secrets.
    """
    text = url.strip()
    parts = _split(text if "://" in text else f"http://{text}", text)
    host = parts.hostname or ""
    if _forbidden(host):
        raise UsageError(f"{host} is a link-local address, which ffgen never asks.", hint="Name the model's server.")
    path = _ROOT.sub("", _CALL.sub("", parts.path.rstrip("/")))
    return f"{parts.scheme}://{parts.netloc.lower()}{path}".rstrip("/")


def _split(url: str, shown: str) -> SplitResult:
    hint = "Write it as http://host:port, e.g. http://localhost:11434."
    # Before anything quotes it: a URL with a password must not get into a message.
    if "@" in url:
        raise UsageError("The endpoint's URL holds credentials.", hint=KEY_HINT)
    shown = printable(shown)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The endpoint {shown!r} is not a URL: {error}.", hint=hint) from error
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"The endpoint {shown!r} is neither http nor https.", hint=hint)
    if not parts.hostname or port == 0 or re.search(r"[\s\x00-\x20\\]", url):
        raise UsageError(f"The endpoint {shown!r} is not a URL with a host.", hint=hint)
    if parts.query or parts.fragment:
        raise UsageError(f"The endpoint {shown!r} has a query or a fragment, which an endpoint can't have.", hint=hint)
    return parts


def _forbidden(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            # The system's resolver takes 2852039166 and 0xa9fea9fe for addresses too.
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in _FORBIDDEN_NETWORKS if network.version == mapped.version)


def _open_socket(address: Any) -> socket.socket:
    """Where every connection starts, after names were resolved: the last place that can refuse an address."""
    family, kind, protocol, _, where = address
    if _forbidden(where[0]):
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


def error_message(body: bytes, content_type: str = "application/json") -> str:
    """What an error says: a string, or an object's message, under `error`, `message` or `detail`; or plain text."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "" if "html" in content_type else body.decode("utf-8", "replace")
    for name in ("error", "message", "detail"):
        found = document.get(name) if isinstance(document, dict) else document
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found:
            return found
    return ""


def printable(text: str, limit: int = 300) -> str:
    """One line of at most `limit` characters, safe on a terminal: controls and bidirectional overrides are spaces."""
    text = _UNPRINTABLE.sub(" ", text[: limit * 4]).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


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

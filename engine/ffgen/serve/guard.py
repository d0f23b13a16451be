"""Who may ask: the host name that was meant, the web page that asks, the token, and how often."""

import hashlib
import hmac
import platform
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from ffgen.errors import UsageError
from ffgen.run.fence import is_address
from ffgen.serve.problem import Refused
from ffgen.serve.settings import Settings

OPEN = ("/health", "/healthz", "/ready", "/readyz")
"""Paths that need no token: whoever watches over the service has none."""
UNCOUNTED = (*OPEN, "/metrics")
"""Paths that no rate limits: whoever watches comes often."""
SAFE = ("GET", "HEAD", "OPTIONS")
MOST_CLIENTS = 10_000
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::\d{1,5})?")


class Principal(NamedTuple):
    """Who asks: a client, to be fair to, and an owner of jobs."""

    client: str
    owner: str


class Guard:
    """Who is let in."""

    def __init__(self, settings: Settings) -> None:
        self._digests = [_digest(token) for token in settings.tokens]
        self._cors = settings.cors
        self._hosts = {host.lower() for host in (*settings.hosts, settings.host, "localhost", platform.node()) if host}
        self._rate = Rate(settings.rate) if settings.rate else None

    def admit(self, request: HTTPConnection) -> Principal:
        """Who asks. Refused where it may not."""
        self._check_host(request)
        self._check_origin(request)
        who = _anyone(request) if self._is_open(request) else self._known(request)
        if self._rate is not None and request.scope["path"] not in UNCOUNTED:
            self._rate.take(who.client)
        return who

    def _is_open(self, request: HTTPConnection) -> bool:
        """Whether nobody needs a token for it. Browsers send none ahead of what they ask for a page."""
        return not self._digests or request.scope["path"] in OPEN or is_preflight(request)

    def _known(self, request: HTTPConnection) -> Principal:
        """Whose token it is. An address has so many wrong ones a minute; then a right one isn't looked at, either, or
        the answer would still tell it from the others. Right ones don't count here: many may come through one proxy.
        """
        guesser = f"guesses of {_anyone(request).client}"
        if self._rate is not None:
            self._rate.check(guesser)
        try:
            return self._check_token(request)
        except Refused:
            if self._rate is not None:
                self._rate.take(guesser)
            raise

    def _check_host(self, request: HTTPConnection) -> None:
        """DNS rebinding: a stranger's name that leads here. An address can't be anybody's name."""
        found = _HOST.fullmatch(request.headers.get("Host", ""))
        host = found[1].lower().rstrip(".") if found else ""
        if host in self._hosts or host.endswith(".localhost") or is_address(host.strip("[]")):
            return
        hint = "Use its address, or have the operator allow the name: --allow-host NAME."
        raise Refused("host", "The Host header has a name that is not the service's.", hint)

    def _check_origin(self, request: HTTPConnection) -> None:
        """A web page that has something done here without being allowed to."""
        origin = request.headers.get("Origin")
        if not origin or request.scope["method"] in SAFE or origin in self._cors or "*" in self._cors:
            return
        if origin.partition("://")[2].lower() != request.headers.get("Host", "").lower():
            hint = "Have the operator allow it: --cors ORIGIN."
            raise Refused("origin", "The page that asks has another origin than the service.", hint)

    def _check_token(self, request: HTTPConnection) -> Principal:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token.strip())
        # All are compared, so that the time tells nothing.
        matches = [hmac.compare_digest(given, known) for known in self._digests]
        if kind.lower() != "bearer" or not any(matches):
            hint = "Send Authorization: Bearer TOKEN, with a token that the operator has given out."
            what = "The token is not one of the service's." if token else "There is no token."
            raise Refused("unauthorized", what, hint, headers={"WWW-Authenticate": 'Bearer realm="ffgen"'})
        client = f"token {given.hex()[:16]}"
        return Principal(client, client)


class Rate:
    """So many requests a minute for each client, all of them at once if it likes."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """One request. Refused where none is left, with the seconds after which there is."""
        left, now = self._has(client)
        self._left.pop(client, None)
        self._left[client] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        self._refuse(left)

    def check(self, client: str) -> None:
        """Refused where none is left; takes none."""
        self._refuse(self._has(client)[0])

    def _has(self, client: str) -> tuple[float, float]:
        """What is left to a client, and now."""
        now = self._clock()
        left, at = self._left.get(client, (self._size, now))
        return min(self._size, left + (now - at) * self._size / 60), now

    def _refuse(self, left: float) -> None:
        if left < 1:
            wait = max(1, round((1 - left) * 60 / self._size + 0.5))
            what = f"More than {self._size:.0f} requests a minute."
            raise Refused("rate", what, f"Wait for {wait} s.", headers={"Retry-After": str(wait)})


def is_preflight(request: HTTPConnection) -> bool:
    """Whether a browser asks if a page may ask."""
    wanted = ("Origin", "Access-Control-Request-Method")
    return request.scope["method"] == "OPTIONS" and all(name in request.headers for name in wanted)


def _anyone(request: HTTPConnection) -> Principal:
    """Who asks, where that is known by its address alone."""
    return Principal(f"address {request.client.host if request.client else ''}", "anyone")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to a host."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def check_safe(settings: Settings) -> None:
    """UsageError for a service that strangers could use by mistake."""
    if not is_loopback(settings.host) and not settings.tokens and not settings.no_auth:
        what = f"{settings.host} can be reached from other machines, and there is no token."
        hint = "Set FFGEN_SERVE_TOKEN, or --token-file FILE; or say --no-auth where a network keeps strangers out."
        raise UsageError(what, hint=hint)
    for token in settings.tokens:
        if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
            hint = "E.g. that of: openssl rand -hex 24."
            raise UsageError("A token must have at least 16 printable characters and no space.", hint=hint)
    _check_origins(settings.cors)


def _check_origins(origins: Sequence[str]) -> None:
    for origin in origins:
        parts = urlsplit(origin)
        if origin != "*" and (parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}"):
            raise UsageError(f"--cors {origin} is no origin.", hint="E.g. https://app.example.com, without a path.")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

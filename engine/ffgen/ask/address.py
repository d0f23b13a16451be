"""What an endpoint's address may be, and what a failure to reach it is called. Light: plans need it, too."""

import ipaddress
import re
import socket
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import orjson

from ffgen.errors import UsageError

Kind = Literal["refused", "reset", "timeout", "overloaded", "server", "fatal"]
"""What a failed request is: whether the same one may go again depends on it."""

Auth = Literal["bearer", "anthropic"]
"""How a key is sent: as a bearer token, or in the headers of Anthropic's API."""

KEY_HINT = "Set FFGEN_API_KEY, or FFGEN_API_KEY_FILE, or `model.key: {env: NAME}` in the spec."
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# What people paste: the very path that their curl command had, or the API's root.
_CALL = re.compile(r"(?<=/v1)/((chat/)?completions|models|messages)$|/api/(chat|generate|tags|version)$")
# `/api/v1` stays (OpenRouter): without its `/v1` it could not be told from Ollama's `/api`.
_ROOT = re.compile(r"((?<!/api)/v1|/api)$")
_FORBIDDEN_NETWORKS = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")))


def base_url(url: str) -> str:
    """An endpoint as it is used from here on: `http://host:port/prefix`, without a trailing slash, `/v1` or `/api`.

    Puts `http://` before a bare `host:port`. UsageError for anything else than http and https, for credentials,
    a query or a fragment in the URL, and for link-local addresses, where clouds keep their secrets.
    """
    text = url.strip()
    parts = _split(text if "://" in text else f"http://{text}", text)
    host = parts.hostname or ""
    if forbidden(host):
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


def forbidden(host: str) -> bool:
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


def printable(text: str, limit: int = 300) -> str:
    """One line of at most `limit` characters, safe on a terminal: controls and bidirectional overrides are spaces."""
    text = _UNPRINTABLE.sub(" ", text[: limit * 4]).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


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

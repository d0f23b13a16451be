"""No host but those that are named: an audit hook over Python's sockets, in ffgen's own processes only.

Hooks can't be removed, so this is never installed in a caller's process. Native code does not pass it; a test in
an empty network namespace covers that.
"""

import ipaddress
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from ffgen.errors import EndpointError

LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def fence(urls: list[str]) -> None:
    """From now on this process connects to the hosts of these URLs, and to no other."""
    names, addresses = allowed(urls)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in LOOK_UPS:
            host = arguments[0]
            if host is not None and text(host) not in names and not is_address(text(host)):
                raise refusal(text(host))
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
            if isinstance(address, tuple) and address and text(address[0]) not in addresses | names:
                raise refusal(text(address[0]))

    sys.addaudithook(watch)


def allowed(urls: list[str]) -> tuple[set[str], set[str]]:
    """The names that may be looked up, and the addresses they have now."""
    names: set[str] = set()
    addresses: set[str] = set()
    for url in urls:
        parts = urlsplit(url)
        if not parts.hostname:
            continue
        names.add(parts.hostname)
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
        except OSError:
            continue
        addresses |= {str(entry[4][0]) for entry in found}
    return names, addresses


def is_address(host: str) -> bool:
    """Whether a host is an address already: looking it up asks nobody."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def text(host: object) -> str:
    """A host as text; sockets take bytes as well."""
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host)


def refusal(host: str) -> EndpointError:
    """The error for a host that nobody named."""
    what = f"Refused to connect to {host}: neither the spec nor the command line names it."
    return EndpointError(what, hint="If the model is there, name it: --endpoint URL.")

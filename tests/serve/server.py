"""A service in a process of its own, as a user starts it, and requests to it."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SECONDS = 20.0
BIKES = "customers of a bike shop with names, emails and how much they spent"
ORDERS = "Generate e-commerce customer data with purchase history"


class Reply(NamedTuple):
    """One answer, read to its end."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[str]:
        return self.body.decode().splitlines()


class Server:
    """A running service. Leaving its `with` kills it. `before` is done before it starts: Python, e.g. another limit."""

    def __init__(self, folder: Path, *flags: str, before: str = "pass", **environment: str) -> None:
        self.folder = folder
        code = f"import sys\n{before}\nfrom ffgen_cli.main import main\nsys.exit(main())"
        self._command = [sys.executable, "-c", code, "serve", "--port", "0", "--data-dir", str(folder), *flags]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FFGEN_")}
        state = {"FFGEN_STATE_DIR": str(folder / "state"), "FFGEN_CACHE_DIR": str(folder / "cache")}
        self._environment = {**clean, **state, **environment}
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again. It listens when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        with self.log.open("ab") as log:
            begins = log.tell()
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stderr=log, env=self._environment, cwd=self.folder
            )
        self.url = wait_for(lambda: self._address(begins))

    def _address(self, begins: int) -> str:
        said = self.log.read_bytes()[begins:].decode()
        assert self.process.poll() is None, said
        found = re.search(r"serves on (\S+)", said)
        return found[1] if found else ""

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, raw: bytes = b""
    ) -> Reply:
        """One request on a connection of its own."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=SECONDS)
        sent = {"Content-Type": "application/json"} if body is not None or raw else {}
        with contextlib.closing(connection):
            data = raw or (json.dumps(body) if body is not None else None)
            connection.request(method, path, data, {**sent, **(headers or {})})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())

    def generate(self, **said: Any) -> Reply:
        return self.ask("POST", "/generate", said)

    def job(self, id: str) -> Any:
        return self.ask("GET", f"/jobs/{id}").json

    def finished(self, id: str) -> Any:
        """The job when it is over."""
        over = ("done", "failed", "cancelled")
        return wait_for(lambda: job if (job := self.job(id))["state"] in over else None)

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an operator does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        said = self.log.read_text()
        assert "Traceback" not in said, said


def wait_for(look: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What `look` finds as soon as it finds something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"nothing within {seconds:g} s")


@contextlib.contextmanager
def opened(server: Server, body: Any, path: str = "/generate") -> Iterator[http.client.HTTPResponse]:
    """A stream that is not read yet."""
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        yield connection.getresponse()

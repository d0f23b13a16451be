"""`python -m tests.standin`: one JSON line with url and pid once it listens, then serves until stopped."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.standin.server import serve
from tests.standin.settings import parse

try:
    import uvloop
except ImportError:
    _new_loop: Callable[[], Any] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop


def announce(url: str) -> None:
    print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)


def main() -> None:
    settings, with_stdin = parse(sys.argv[1:])
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(settings, announce, sys.stdin.fileno() if with_stdin else None))


if __name__ == "__main__":
    main()

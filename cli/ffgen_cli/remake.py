"""`python -m ffgen_cli.remake`: one spec looked at, and made again where it is stale, in a process of its own.

A run may connect to its own endpoints only, for good, and may run the Python files of its spec: so each spec has a
process. It reads one line of JSON on standard input, writes one on standard output, and stops when standard input
ends before that: then the one who asked is gone.
"""

import json
import os
import signal
import threading
from contextlib import suppress
from typing import Any

import ffgen
from ffgen_cli.main import translated
from ffgen_cli.session import Session, manner, target
from ffgen_cli.terminal import error_document


def main() -> None:
    """One request, one answer."""
    request = json.loads(_line())
    threading.Thread(target=_watch, daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)  # what a plugin prints must not end up in the answer
    try:
        answer = refreshed(request)
    except BaseException as error:
        answer = {"error": error_document(translated(error, ["refresh", request["spec"]]))}
    with suppress(BrokenPipeError):  # who asked is gone
        os.write(out, json.dumps(answer).encode() + b"\n")


def refreshed(request: dict[str, Any]) -> dict[str, Any]:
    """What came of it."""
    chosen = Session().begin(request["flags"], verbose=request["verbose"], log=True)
    wanted = target(request["spec"], chosen)
    workers = chosen["workers"]
    done = ffgen.refresh(
        wanted.source,
        **wanted.changed,
        force=request["force"],
        look_only=request["look_only"],
        wait=request["wait"],
        workers=request["share"] if workers is None else workers,
        max_asks=chosen["max_asks"],
        **manner(chosen),
    )
    report = done.report
    return {
        "outcome": done.outcome,
        "reasons": done.reasons,
        "outputs": [os.path.abspath(path) for path in done.outputs],
        "records": None if report is None else report.records,
        "seconds": None if report is None else report.seconds,
    }


def _line() -> bytes:
    """One line of standard input, and not a byte more: the end of it must still be waited for."""
    parts = []
    while (one := os.read(0, 1)) not in (b"", b"\n"):
        parts.append(one)
    return b"".join(parts)


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

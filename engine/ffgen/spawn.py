"""Starting a child process: spawned, never forked (fork after polars hangs), and without the caller's main module."""

import contextlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import multiprocess


def start_child(target: Callable[..., None], args: tuple[Any, ...], name: str) -> tuple[Any, Any]:
    """Starts `target(connection, *args)` in a new process; gives the process and our end of the pipe.

    The child reads EOF from its end when this process is gone. Start children from a thread that outlives them:
    the kernel's parent-death signal follows the thread.
    """
    spawn = multiprocess.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=True)
    process = spawn.Process(target=target, args=(theirs, *args), name=f"ffgen-{name}", daemon=True)
    with theirs, without_main(), one_thread():
        process.start()
    return process, ours


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Hides the main module: spawn runs it anew in the child, and a plain script has no guard against that."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Processes are our parallelism: a polars pool in each would only get in the way of the others."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]

"""Starting a child process: spawned, never forked (fork after polars hangs), and without the caller's main module."""

import contextlib
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import multiprocess
import multiprocess.resource_tracker

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")


def start_child(target: Callable[..., None], args: tuple[Any, ...], name: str) -> tuple[Any, Any]:
    """Starts `target(connection, *args)` in a new process; gives the process and our end of the pipe.

    The child reads EOF from its end when this process is gone. Start children from a thread that outlives them:
    the kernel's parent-death signal follows the thread. SIGINT, SIGTERM and SIGHUP are blocked in the child.
    """
    spawn = multiprocess.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=True)
    process = spawn.Process(target=target, args=(theirs, *args), name=f"ffgen-{name}", daemon=True)
    with theirs, without_main(), one_thread(), held_signals():
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
def held_signals() -> Iterator[None]:
    """Blocks what a terminal sends to the whole group: a child inherits that, and no signal can end it before it has
    handlers. Here they wait for a millisecond.
    """
    if sys.platform == "win32":
        yield
        return
    multiprocess.resource_tracker.ensure_running()  # else the first start would, and unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in STOPPING])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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

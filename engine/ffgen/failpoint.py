"""Named places where a test can make a process fail: `FFGEN_FAILPOINTS=writer.write:kill@7,...`.

An action is `kill` (SIGKILL to this process), `crash` (SIGSEGV), `exit` (it ends without a word), `stop` (SIGSTOP: it
stands still until somebody lets it go on), `slow` (a twentieth of a second passes), `memory` (MemoryError), `raise` (an
error that can't be pickled), `panic` (a BaseException, as polars raises), `short` (at a write: half of it is written at
first), or the name of an errno (`ENOSPC`, `EIO`) that is raised as OSError; `@n` is the n-th time the place is passed,
first unless said, `@n+` that time and all after it. Costs one dictionary look-up when unset.
"""

import errno
import os
import signal
import time

_SIGNALS = {"kill": "SIGKILL", "crash": "SIGSEGV", "stop": "SIGSTOP"}
_armed: dict[str, tuple[str, int, bool]] = {}
_passed: dict[str, int] = {}


class _Odd(Exception):
    """What no other process can be told of as it is."""

    def __reduce__(self) -> str:
        raise TypeError("this error can't be pickled")


class _Panic(BaseException):
    """What goes past every `except Exception`."""


def arm(text: str) -> None:
    """Takes over what `FFGEN_FAILPOINTS` says; a child process gets it with its setup."""
    _armed.clear()
    _passed.clear()
    for part in filter(None, text.split(",")):
        name, _, what = part.partition(":")
        action, _, count = what.partition("@")
        _armed[name] = (action or "kill", int(count.rstrip("+") or 1), count.endswith("+"))


def hit(name: str) -> None:
    """Marks a place. Does nothing unless it is armed."""
    if name in _armed:
        _act(_due(name))


def clip(name: str, size: int) -> int:
    """Marks a write of so many bytes; says how many of them to write at once."""
    if name not in _armed:
        return size
    action = _due(name)
    if action == "short":
        return max(1, size // 2)
    _act(action)
    return size


def _due(name: str) -> str:
    """What happens here this time; empty for nothing."""
    action, count, on = _armed[name]
    passed = _passed[name] = _passed.get(name, 0) + 1
    return action if passed == count or (on and passed > count) else ""


def _act(action: str) -> None:
    match action:
        case "":
            return
        case "kill" | "crash" | "stop":
            os.kill(os.getpid(), getattr(signal, _SIGNALS[action]))
        case "exit":
            os._exit(9)
        case "slow":
            time.sleep(0.05)
        case "memory":
            raise MemoryError
        case "raise":
            raise _Odd
        case "panic":
            raise _Panic
        case _:
            code = getattr(errno, action)
            raise OSError(code, os.strerror(code))


arm(os.environ.get("FFGEN_FAILPOINTS", ""))

"""Named places where a test can make a process fail: `FFGEN_FAILPOINTS=writer.write:kill@7,...`.

An action is `kill` (SIGKILL to this process), or the name of an errno (`ENOSPC`, `EIO`) that is raised as
OSError; `@n` is the n-th time the place is passed, first unless said. Costs one dictionary look-up when unset.
"""

import errno
import os
import signal

_armed: dict[str, tuple[str, int]] = {}
_passed: dict[str, int] = {}


def arm(text: str) -> None:
    """Takes over what `FFGEN_FAILPOINTS` says; a child process gets it with its setup."""
    _armed.clear()
    _passed.clear()
    for part in filter(None, text.split(",")):
        name, _, what = part.partition(":")
        action, _, count = what.partition("@")
        _armed[name] = (action or "kill", int(count or 1))


def hit(name: str) -> None:
    """Marks a place. Does nothing unless it is armed."""
    if name not in _armed:
        return
    action, count = _armed[name]
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != count:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    code = getattr(errno, action)
    raise OSError(code, os.strerror(code))


arm(os.environ.get("FFGEN_FAILPOINTS", ""))

"""The only calls that not every system has: process death, locks, durability, limits.

Each has a fallback, so that everything imports and small inline runs work without `fcntl`, `resource` and libc
(Windows). What is weaker then is said at each function. Failures of the file system are `DestinationError`s.
"""

import errno
import json
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

from ffgen.errors import DestinationError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]
try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]
try:
    import ctypes
except ImportError:
    ctypes = None  # type: ignore[assignment]
try:
    import psutil  # on POSIX it needs `resource` itself
except ImportError:
    psutil = None  # type: ignore[assignment]

PR_SET_PDEATHSIG = 1
AT_FDCWD = -100
RENAME_EXCHANGE = 2
ENOUGH_FILES = 65_536
UNWRITTEN_SECONDS = 10.0  # a holder names itself at once: a file still empty after this has lost its maker
TRIES = 100  # a lock whose file keeps being replaced under us: each try lost means that another run came and went


class Usage(NamedTuple):
    """What this process has used since it started."""

    cpu_seconds: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. `started` is when it was taken, ISO 8601 in UTC."""

    pid: int
    host: str
    started: str
    note: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.started}"


@dataclass(slots=True)
class Lock:
    """A lock that is held until `release`, or until the process dies, however it dies.

    Held through a file descriptor that spawned children don't inherit. A forked child shares it: then the lock stays
    until both are gone. Without `fcntl`, the file's existence is the lock: see `lock`.
    """

    path: Path
    fd: int = field(default=-1, repr=False)
    held: bool = True

    def release(self, *, unlink: bool = True) -> None:
        """Lets the next one in. Removes the file while it is still locked, so that nobody's new lock is removed."""
        if not self.held:
            return
        self.held = False
        if unlink or self.fd < 0:
            with suppress(OSError):
                self.path.unlink()
        if self.fd >= 0:
            os.close(self.fd)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def die_with_parent(parent: int) -> bool:
    """Has the kernel kill this process when the process `parent`, which started it, dies. True where it can (Linux).

    A parent that is dead already kills at once. The kernel watches the parent's *thread* that started this process:
    start children from a thread that stays. Elsewhere nothing happens: watch a pipe of the parent for its end, too.
    """
    libc = _libc()
    if libc is None or not sys.platform.startswith("linux"):
        return False
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        return False
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return True


def _libc() -> Any:
    if ctypes is None or os.name != "posix":
        return None
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None


def lock(path: Path, note: bytes = b"") -> Lock | None:
    """Takes the lock at `path`, whose folder exists, or gives None at once when another holds it.

    Never waits. A holder's death frees it, kill -9 included, and a file left behind is no obstacle. The file says who
    holds it, and `note`: `holder` reads that. Without `fcntl` a file left behind is taken over when its process on this
    host is gone; two that take over in the same instant can both succeed, and a dead holder on another host stays.
    """
    with _failures("locked", path):
        for _ in range(TRIES):
            taken = _lock_by_existence(path, note) if fcntl is None else _lock_by_kernel(path, note)
            if taken is not True:
                return taken
    raise DestinationError(f"{path}: can't be locked, its file keeps changing.", hint="Try again.")


def _lock_by_kernel(path: Path, note: bytes) -> Lock | None | Literal[True]:
    """The lock, None when another has it, True to try again."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between open and flock the holder may have removed the file: then this locks a file that nobody else sees.
        if not _is_at(fd, path):
            os.close(fd)
            return True
        _write_holder(fd, note)
    except BlockingIOError:
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return Lock(path, fd)


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


def _lock_by_existence(path: Path, note: bytes) -> Lock | None | Literal[True]:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        if not _is_abandoned(path):
            return None
        path.unlink(missing_ok=True)
        return True
    try:
        _write_holder(fd, note)
    finally:
        os.close(fd)
    return Lock(path)


def _is_abandoned(path: Path) -> bool:
    """Whether the process is gone, or its number now belongs to one that started after the lock was taken."""
    held_by = holder(path)
    if held_by is None:
        with suppress(OSError):
            return time.time() - path.stat().st_mtime > UNWRITTEN_SECONDS
        return False
    if psutil is None or held_by.host != platform.node():
        return False
    try:
        born = psutil.Process(held_by.pid).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return born > datetime.fromisoformat(held_by.started).timestamp() + 1.0


def _write_holder(fd: int, note: bytes) -> None:
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    who = {"pid": os.getpid(), "host": platform.node(), "started": now, "note": note.decode("utf-8", "replace")}
    os.ftruncate(fd, 0)
    os.write(fd, json.dumps(who).encode() + b"\n")


def holder(path: Path) -> Holder | None:
    """Who wrote the lock file last, dead or alive; None when there is no file or it isn't written yet."""
    try:
        who = json.loads(path.read_bytes())
        return Holder(int(who["pid"]), str(who["host"]), str(who["started"]), str(who.get("note", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def sync_file(fd: int, path: Path | None = None) -> None:
    """What was written is on the disk when this returns. A failure means that the file is suspect: never call again.

    Pipes and terminals have nothing to sync and are left alone.
    """
    with _failures("written to the disk", path):
        try:
            if sys.platform == "darwin" and fcntl is not None:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            else:
                os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
                raise


def sync_directory(path: Path) -> None:
    """Renames and new files in a folder are on the disk when this returns. Windows can't, and needs no help for it."""
    if os.name != "posix":
        return
    with _failures("written to the disk", path):
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        sync_file(fd, path)
    finally:
        os.close(fd)


def replace(source: Path, target: Path) -> None:
    """`target` is now what `source` was, without a moment in between; both on one file system. Sync around it."""
    with _failures("put in place", target):
        os.replace(source, target)


def exchange_directories(first: Path, second: Path) -> bool:
    """Swaps two existing folders of one file system. True when it was atomic (Linux).

    Elsewhere it takes three renames: another process may see `second` missing for a moment, and a kill in between
    leaves its content beside it as `.<name>.aside-<pid>`. An error undoes what was done.
    """
    with _failures("swapped", second):
        if _swap_at_once(first, second):
            return True
        aside = second.with_name(f".{second.name}.aside-{os.getpid()}")
        os.rename(second, aside)
        try:
            os.rename(first, second)
        except OSError:
            os.rename(aside, second)
            raise
        try:
            os.rename(aside, first)
        except OSError:
            os.rename(second, first)
            os.rename(aside, second)
            raise
    return False


def _swap_at_once(first: Path, second: Path) -> bool:
    rename = getattr(_libc(), "renameat2", None) if sys.platform.startswith("linux") else None
    if rename is None:
        return False
    if rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # an old kernel, or a file system that can't
        return False
    raise OSError(number, os.strerror(number), os.fspath(first))


def usage() -> Usage:
    """CPU time of all threads, user and system, and the most memory ever resident, 0 where unknown."""
    if resource is None:
        memory = psutil.Process().memory_info() if psutil is not None else None
        return Usage(time.process_time(), getattr(memory, "peak_wset", getattr(memory, "rss", 0)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(used.ru_utime + used.ru_stime, _peak_of_status() or used.ru_maxrss * unit)


def _peak_of_status() -> int:
    """Linux's own peak of this program: `ru_maxrss` of a spawned process starts with its parent's."""
    try:
        with open("/proc/self/status", "rb") as status:
            line = next((line for line in status if line.startswith(b"VmHWM:")), b"")
        return int(line.split()[1]) * 1024 if line else 0
    except (OSError, ValueError, IndexError):
        return 0


def keep_memory() -> None:
    """Lets this process keep the memory of freed arrays for the next ones, where glibc is: giving half a megabyte back
    and asking for it again, page by page, doubles what a short numpy step takes."""
    try:
        mallopt = _libc().mallopt
    except (AttributeError, OSError):
        return
    for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
        mallopt(parameter, 1 << 30)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def raise_open_files() -> int:
    """Raises the soft limit of open files as far as allowed, 65,536 at most. The limit now; 0 where there is none."""
    if resource is None:
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = ENOUGH_FILES if hard == infinite else min(ENOUGH_FILES, hard)
    if soft != infinite and soft < wanted:
        with suppress(OSError, ValueError):  # macOS names a hard limit that it doesn't grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return ENOUGH_FILES if now == infinite else now


def free_bytes(path: Path) -> int:
    """Room that this user has on the file system where `path` is, or will be."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    with _failures("looked at", path):
        return shutil.disk_usage(place).free


HINTS = {
    errno.ENOSPC: "Free some room, or write elsewhere.",
    errno.EACCES: "Check the permissions of the folder.",
    errno.EPERM: "Check the permissions of the folder.",
    errno.EROFS: "The file system is read-only: write elsewhere.",
    errno.ENOENT: "Make the folder first.",
    errno.ENOLCK: "The file system has no locks: write to a local one.",
    errno.EXDEV: "Both must be on one file system.",
    errno.EIO: "The disk reports errors: what was written is suspect.",
}


@contextmanager
def _failures(doing: str, path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = HINTS.get(error.errno or 0, "")
        failure = DestinationError(f"{path or 'The output'}: can't be {doing}: {reason}.", hint=hint)
        failure.number = error.errno or 0
        raise failure from error

"""Where bytes live: a destination on this machine that changes whole or not at all.

Work happens in a hidden folder beside the destination (same filesystem, so that publishing is one rename). A run
that is killed at any moment leaves the destination as it was, or complete. What it left in the work folder is for the
next run with this destination, which goes on from it where it can, and else empties the folder.
"""

import errno
import os
import re
import shlex
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ffgen import failpoint, posix
from ffgen.disk import LocalDisk, forget, publish_file
from ffgen.errors import DestinationError, InternalError, LockedError, UsageError

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

_PART = re.compile(r"part-\d+\.parquet")
_NUMBER = re.compile(r"\(os error (\d+)\)")
_LOCK = "lock"
JOURNAL = "journal"
STORE = "store"
"""What a run that can be gone on from has in the work folder of its first file: see `run.journal`."""
_OURS = (_LOCK, JOURNAL, STORE)
_TAKE_OVERS = 20
_AGAIN = "Free space and run the same command again."
_SAYINGS = {
    errno.ENOSPC: ("Disk full at {path}.", _AGAIN),
    errno.EDQUOT: ("The disk quota is used up at {path}.", _AGAIN),
    errno.EFBIG: ("The file grew past the size allowed at {path}.", "Raise the limit (`ulimit -f`) or write fewer."),
    errno.EACCES: ("No permission for {path}.", "Choose a place of your own, or ask for the permission."),
    errno.EPERM: ("The system does not allow {path} to be changed.", "Choose another place."),
    errno.EROFS: ("{path} is on a read-only filesystem.", "Choose another place."),
    errno.EIO: ("The disk failed at {path} (input/output error).", "Check the disk; what is there now is suspect."),
    errno.ENOENT: ("{path} does not exist.", "Check the path."),
    errno.ENOTDIR: ("A part of {path} is a file, not a folder.", "Check the path."),
    errno.EISDIR: ("{path} is a folder.", "Name a file in it."),
    errno.ELOOP: ("The symbolic links of {path} go in a circle.", "Name the real file."),
    errno.ENAMETOOLONG: ("The name of {path} is too long.", "Use a shorter one: 240 bytes at most."),
    errno.EBADF: ("{path} is closed.", "Write to a file: -o FILE."),
    errno.EMFILE: ("Too many files are open to use {path}.", "Raise the limit: `ulimit -n 4096`."),
}


def destination_error(error: OSError, path: str, *, more: int | None = None) -> DestinationError:
    """The error of ours for what the system said about `path`. `more` is the room still needed, in bytes."""
    number = number_of(error)
    known = _SAYINGS.get(number)
    if known is None:
        reason = error.strerror or (os.strerror(number) if number else type(error).__name__)
        what, hint = f"{path} can't be used: {reason}.", "Choose another place, or try again."
    else:
        what, hint = known[0].format(path=path), known[1]
    if more is not None and number in (errno.ENOSPC, errno.EDQUOT):
        what = f"Disk full: about {human_size(more)} more is needed at {path}."
    failure = DestinationError(what, hint=hint)
    failure.number = number
    return failure


def number_of(error: OSError) -> int:
    """What the system called the failure; polars says it in words only."""
    said = _NUMBER.search(str(error))
    return error.errno or (int(said[1]) if said else 0)


def human_size(count: int) -> str:
    """`count` bytes as people read them: 2.1 GB."""
    size, unit = float(count), "bytes"
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def split_compression(path: str) -> tuple[str, str]:
    """The path without its compression's suffix, and the compression: none, gzip or zstd."""
    stem, suffix = os.path.splitext(path)
    compression = COMPRESSIONS.get(suffix.lower())
    return (stem, compression) if compression else (path, "none")


def work_folder(destination: str) -> str:
    """The hidden folder in which a destination is made."""
    parent, name = os.path.split(os.path.realpath(destination))
    return os.path.join(parent, f".{name}.ffgen")


class Workspace:
    """One run's hold on a destination: a lock, and a hidden folder `.{name}.ffgen` beside it for unfinished files.

    Nothing but `publish` touches the destination. The hold ends with `discard`, or with the process. Use it as a
    context manager, or call `discard` when done, published or not.
    """

    def __init__(
        self,
        destination: str,
        folder: str,
        lock: posix.Lock,
        *,
        whole_folder: bool,
        clobber: bool,
        made: Sequence[str] = (),
    ) -> None:
        self.destination = destination
        self.folder = folder
        self.whole_folder = whole_folder
        self._clobber = clobber
        self._lock: posix.Lock | None = lock
        self._published: set[str] = set()
        self._made = list(made)

    @classmethod
    def open(cls, destination: str, *, clobber: bool = True, keep: bool = False) -> Self:
        """Take hold of `destination`: a file, or a folder when it ends with `/`. Links are followed to the end.

        Folders above it that are not there are made, and taken away again when nothing is published.

        LockedError when another run holds it, UsageError when it exists and `clobber` is false, DestinationError
        when it can't be written. What a run that ended early left in the work folder is gone unless `keep` says that
        the caller looks at it: see `empty`.
        """
        whole_folder = destination.endswith("/")
        try:
            real = os.path.realpath(destination)
            parent, name = os.path.split(real)
            made = _make_parents(parent)
            _check_existing(destination, real, whole_folder=whole_folder, clobber=clobber)
            if not name:
                raise DestinationError(f"{destination} is no place for a folder of parts.", hint="Name a folder in it.")
            folder = work_folder(real)
            lock = _take(folder, destination)
            try:
                if not keep:
                    _empty(folder)
            except BaseException:
                lock.release(unlink=False)
                raise
        except OSError as error:
            raise destination_error(error, error.filename or destination) from error
        return cls(real, folder, lock, whole_folder=whole_folder, clobber=clobber, made=made)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.discard()

    def work_path(self, name: str = "") -> str:
        """Where an unfinished file of that name goes; the destination's own name unless said."""
        name = name or os.path.basename(self.destination)
        return os.path.join(self.folder, f"{name}.work" if name in _OURS else name)

    def empty(self, but: str = "") -> None:
        """Removes what another run left in the work folder, for good; not the folder in it that is named."""
        try:
            _empty(self.folder, but)
        except OSError as error:
            raise destination_error(error, self.folder) from error

    def free_bytes(self) -> int:
        """Bytes that this user may still write beside the destination."""
        return posix.free_bytes(Path(self.folder))

    def publish(self, work_name: str = "") -> None:
        """Put the finished file (or folder of parts) of that name at the destination, in one step, on disk.

        Permissions of a file that was there are kept. A second call does nothing.
        """
        work = self.work_path(work_name)
        if work in self._published:
            return
        if self._lock is None:
            raise InternalError(f"The work folder of {self.destination} was discarded before it was published.")
        try:
            if not self._clobber and os.path.lexists(self.destination):
                raise _exists_already(self.destination)
            if self.whole_folder:
                _publish_folder(work, self.destination)
            else:
                if os.path.exists(self.destination):
                    os.chmod(work, stat.S_IMODE(os.stat(self.destination).st_mode) & 0o777)
                publish_file(LocalDisk(), work, self.destination)
        except OSError as error:
            raise destination_error(error, self.destination) from error
        self._published.add(work)

    def mark_published(self, work_name: str = "") -> None:
        """An earlier run has put the file of that name at the destination already."""
        self._published.add(self.work_path(work_name))

    def leave(self) -> None:
        """Let go of the destination and leave the work folder to the next run. Where the lock is a file and no more
        (Windows), this is `discard`: nobody could tell the folder from one in use."""
        if self._lock is None or self._lock.fd < 0:
            self.discard()
            return
        lock, self._lock = self._lock, None
        lock.release(unlink=False)

    def discard(self) -> None:
        """Remove the work folder and let go of the destination. A second call does nothing."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        emptied = False
        try:
            _empty(self.folder)
            emptied = True
        except OSError:
            pass  # what stays is emptied by the next run; the first error is the one to report
        finally:
            lock.release(unlink=emptied)  # by its lock the next run knows that the folder is one of ours
        try:
            os.rmdir(self.folder)
        except OSError:
            return  # the next run is already in it
        if not self._published:
            _remove_empty(self._made)


def _make_parents(parent: str) -> list[str]:
    """Make the folders above a destination that are not there; those made, deepest first."""
    missing = []
    while not os.path.isdir(parent):
        if os.path.lexists(parent):
            raise DestinationError(f"{parent} is not a folder.", hint="Choose another place.")
        missing.append(parent)
        parent = os.path.dirname(parent)
    for folder in reversed(missing):
        os.makedirs(folder, exist_ok=True)
    return missing


def _remove_empty(folders: list[str]) -> None:
    """Take away folders that a run made and left empty."""
    for folder in folders:
        try:
            os.rmdir(folder)
        except OSError:
            return


def _check_existing(shown: str, real: str, *, whole_folder: bool, clobber: bool) -> None:
    try:
        mode = os.stat(real).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode) and not whole_folder:
        raise DestinationError(
            f"{shown} is a folder.", hint=f"Name a file in it, or write {shown}/ for a folder of Parquet parts."
        )
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise DestinationError(
            f"{shown} is not a regular file, so it can't be replaced whole.",
            hint=f"Write to standard output: -o - > {shlex.quote(shown)}",
        )
    if whole_folder:
        _check_folder(shown, real, mode)
    if not clobber:
        raise _exists_already(shown)
    if not os.access(real, os.W_OK):
        raise DestinationError(f"No permission to replace {shown}.", hint="Choose another place, or chmod u+w it.")


def _check_folder(shown: str, real: str, mode: int) -> None:
    """A folder is replaced whole, so it must hold nothing but parts that a run wrote."""
    if not stat.S_ISDIR(mode):
        raise DestinationError(f"{shown.rstrip('/')} is a file, not a folder.", hint="Leave out the / at the end.")
    other = next((name for name in sorted(os.listdir(real)) if not _PART.fullmatch(name)), None)
    if other is not None:
        raise DestinationError(
            f"{shown} holds {other}, which is not a part that ffgen wrote.", hint="Name a new or an empty folder."
        )


def _exists_already(path: str) -> UsageError:
    return UsageError(f"{path} exists already.", hint="Choose another name, or leave out --no-clobber.")


def _take(folder: str, destination: str) -> posix.Lock:
    """Make the work folder, or take over one whose run is dead, and lock it."""
    lock_path = Path(folder, _LOCK)
    for _ in range(_TAKE_OVERS):
        _make_folder(folder)
        try:
            lock = posix.lock(lock_path)
        except DestinationError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue  # the run before us removed the folder between our two steps
            raise
        if lock is not None:
            return lock
        break
    who = posix.holder(lock_path)
    shown = f"Another run ({who})" if who else "Another run"
    raise LockedError(f"{shown} is writing {destination}.", hint="Wait for it, stop it, or write to another place.")


def _make_folder(folder: str) -> None:
    try:
        os.mkdir(folder, 0o700)
        return
    except FileExistsError:
        pass
    try:
        ours = stat.S_ISDIR(os.lstat(folder).st_mode)
        names = os.listdir(folder) if ours else [""]
    except FileNotFoundError:
        return  # its run has just ended: the lock finds nothing to lie in, and we come back
    if names and _LOCK not in names:
        raise DestinationError(f"{folder} is in the way, and no run of ffgen made it.", hint="Move it away.")


def _empty(folder: str, but: str = "") -> None:
    forget(LocalDisk(), os.path.join(folder, JOURNAL))
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.name == _LOCK or entry.path == but:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _publish_folder(work: str, destination: str) -> None:
    for name in sorted(os.listdir(work)):
        _sync(os.path.join(work, name))
    posix.sync_directory(Path(work))
    failpoint.hit("place.exchange")
    if os.path.isdir(destination):
        os.chmod(work, stat.S_IMODE(os.stat(destination).st_mode) & 0o777)
        # The old folder is now the work folder's, and goes with it.
        posix.exchange_directories(Path(work), Path(destination))
    else:
        posix.replace(Path(work), Path(destination))
    failpoint.hit("place.exchanged")
    posix.sync_directory(Path(destination).parent)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        posix.sync_file(descriptor, Path(path))
    finally:
        os.close(descriptor)

"""What was made last at each destination, so that nobody need make it again, and anybody can verify it.

Small JSON files in the user's state folder (FFGEN_STATE_DIR), named by a digest of what they are about:

    runs/    a destination: what it was made from, and its files with their sizes, times and sums
    specs/   a spec file: what went into it when it was last refreshed, and the destinations it has
    plans/   a spec as it was understood, by its hash, so that a row can be explained later (see run/origin.py)

Paths are written relative to the state folder, so a folder that is copied or checked out together with its state is
known again: a file whose time differs is then told by its sum. Imports nothing heavy: twenty fresh specs are told
in the time in which polars would not even be imported.
"""

import json
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import platformdirs
import xxhash

from ffgen import __version__
from ffgen.errors import DestinationError

STATE_DIR = "FFGEN_STATE_DIR"
MANIFEST = "ffgen-manifest.json"
"""What lies beside the files of several tables, and says of each what is noted here."""
PLANS = "plans"
MANY = 2048
"""Records of destinations from which on those are forgotten that are no longer there."""
_CHUNK = 1 << 20  # 18 GB/s from the page cache, as from 64 KiB to 4 MiB
_MOST_SPEC = 1 << 20

Standing = Literal["same", "moved", "changed", "missing"]
"""How files stand against their record: untouched; other times or inodes, but the same bytes; else."""

log = logging.getLogger("ffgen.run")


@dataclass(frozen=True, slots=True)
class Mark:
    """One file as it was made. `name` is its name in a destination that is a folder, else empty; `sum` is the
    xxh3-128 of its bytes."""

    name: str
    bytes: int
    mtime_ns: int
    inode: int
    sum: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a destination was made from, and its files. `at` is when, ISO 8601 in UTC."""

    spec_hash: str
    seed: int
    version: str
    table: str
    format: str
    compression: str
    records: int
    at: str
    files: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Basis:
    """What went into a spec's last refresh: a digest of all that was said, plugins with their sums, and the marks of
    each destination, links in its path not followed: one that leads elsewhere now must be seen."""

    digest: str
    inputs: dict[str, str]
    outputs: dict[str, tuple[Mark, ...]]


def state_folder() -> str:
    """Where this user's state is kept: FFGEN_STATE_DIR, else the user's state folder."""
    said = os.environ.get(STATE_DIR)
    return os.path.realpath(os.path.expanduser(said) if said else platformdirs.user_state_dir("ffgen"))


def is_fresh(
    spec: str | os.PathLike[str],
    *,
    assign: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] = "",
    keep_notes: bool = True,
) -> bool:
    """Whether `refresh` would find nothing to do, told without reading the spec: the file, what is assigned over it,
    its plugins and the version of ffgen are those of its last refresh, and its files stand as they were made.

    False means only that somebody must look closer: see `refresh`. `folder` is where relative outputs count from,
    the working folder unless said. Takes 0.1 ms, and the time to read a file whose time was changed; that it is the
    same all the same is noted, unless `keep_notes` is false.
    """
    known = basis_of(spec)
    if known is None or known.digest != digest_of(spec, assign, folder):
        return False
    if any(sum_of(path_of(name)) != before for name, before in known.inputs.items()):
        return False
    stand = {name: standing(path_of(name), marks) for name, marks in known.outputs.items()}
    if any(how not in ("same", "moved") for how, _ in stand.values()):
        return False
    if keep_notes and any(how == "moved" for how, _ in stand.values()):
        with suppress(DestinationError):
            keep(spec, replace(known, outputs={name: marks for name, (_, marks) in stand.items()}))
    return True


def digest_of(
    spec: str | os.PathLike[str], assign: Mapping[str, Any] | None = None, folder: str | os.PathLike[str] = ""
) -> str:
    """A digest of what is said: the bytes of a spec, what is assigned over it, from where its outputs count, and by
    which ffgen. Empty when the spec can't be read or is too long to be one."""
    try:
        with open(spec, "rb") as file:
            content = file.read(_MOST_SPEC + 1)
    except (OSError, ValueError):
        return ""
    if len(content) > _MOST_SPEC:
        return ""
    told = [__version__, name_of(folder or os.curdir), sorted((assign or {}).items())]
    made = xxhash.xxh3_128(json.dumps(told, default=str).encode())
    made.update(content)
    return made.hexdigest()


def basis_of(spec: str | os.PathLike[str]) -> Basis | None:
    """What is noted of a spec's last refresh."""
    told = _read("specs", "spec", name_of(spec))
    try:
        outputs = {name: _marks(marks) for name, marks in told["outputs"].items()}
        return Basis(str(told["digest"]), dict(told["inputs"]), outputs)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def keep(spec: str | os.PathLike[str], known: Basis) -> None:
    """Notes a refresh. DestinationError when the state folder can't be written."""
    _write("specs", "spec", name_of(spec), asdict(known))


def made_at(destination: str) -> Made | None:
    """What is noted of a destination: what it was made from."""
    told = _read("runs", "destination", name_of(destination))
    try:
        fields = {name: told[name] for name in Made.__slots__ if name != "files"}
        return Made(**fields, files=_marks(told["files"]))
    except (KeyError, TypeError, ValueError):
        return None


def note(
    destination: str,
    spec_hash: str,
    seed: int,
    table: str,
    format: str,
    compression: str,
    records: int,
    files: tuple[Mark, ...],
) -> None:
    """Notes what a destination was made from. That the state folder can't be written stops nothing: the log has it."""
    made = Made(spec_hash, seed, __version__, table, format, compression, records, now(), files)
    try:
        _write("runs", "destination", name_of(destination), asdict(made))
        _forget_gone()
    except DestinationError as error:
        log.warning("run not recorded", extra={"destination": destination, "why": str(error)})


def lock_path(destination: str) -> str:
    """A file to lock while a destination is refreshed; its folder is there."""
    path = _at("locks", name_of(destination))
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def marks_of(path: str) -> tuple[Mark, ...]:
    """The marks of a file, or of the files of a folder. Reads all of it, at 18 GB/s where it was just written: 1 % of
    what it takes to draw it. A rename changes none of them."""
    try:
        if not os.path.isdir(path):
            return (_mark("", path),)
        return tuple(_mark(name, os.path.join(path, name)) for name in sorted(os.listdir(path)))
    except OSError as error:
        what = f"{path} can't be read back: {error.strerror}."
        raise DestinationError(what, hint="Check the disk; what is there now is suspect.") from error


def standing(path: str, marks: Sequence[Mark]) -> tuple[Standing, tuple[Mark, ...]]:
    """How a destination stands against its marks, and the marks with the times of today. Reads only files whose size
    is right and whose time is not."""
    if not marks:
        return "changed", ()
    try:
        if marks[0].name and sorted(os.listdir(path)) != [mark.name for mark in marks]:
            return "changed", ()
        today = tuple(_today(os.path.join(path, mark.name) if mark.name else path, mark) for mark in marks)
    except OSError:
        return "missing", ()
    if None in today:
        return "changed", ()
    kept = tuple(mark for mark in today if mark is not None)
    return "same" if kept == tuple(marks) else "moved", kept


def _today(path: str, mark: Mark) -> Mark | None:
    """The mark of the same bytes as they stand now; None when they are others."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode) or found.st_size != mark.bytes:
        return None
    today = replace(mark, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
    return today if today == mark or (mark.sum and sum_of(path) == mark.sum) else None


def sum_of(path: str) -> str:
    """The xxh3-128 of a file's bytes in hex; empty when it can't be read."""
    made, buffer = xxhash.xxh3_128(), memoryview(bytearray(_CHUNK))
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                made.update(buffer[:count])
    except (OSError, ValueError):
        return ""
    return made.hexdigest()


def name_of(path: str | os.PathLike[str], *, follow: bool = True) -> str:
    """A path as the ledger writes it: links followed unless told not to, relative to the state folder where there is
    a way."""
    whole = os.path.realpath(path) if follow else os.path.abspath(path)
    try:
        return os.path.relpath(whole, state_folder())
    except ValueError:  # another drive of Windows
        return os.fspath(whole)


def path_of(name: str) -> str:
    """The path that `name_of` wrote so."""
    return os.path.normpath(os.path.join(state_folder(), name))


def now() -> str:
    """This moment as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_whole(path: str, content: Mapping[str, Any]) -> None:
    """Replaces a small JSON file, readable by its owner alone; its folder is made where needed."""
    partial = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(partial)
        raise _unwritable(path, error) from error


def read_whole(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A small JSON file; empty when it is not there or holds something else."""
    try:
        told = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _unwritable(path: str, error: OSError) -> DestinationError:
    what = f"The state in {os.path.dirname(path)} can't be written: {error.strerror}."
    return DestinationError(what, hint=f"Set {STATE_DIR} to a folder that can be.")


def _mark(name: str, path: str) -> Mark:
    found = os.stat(path)
    return Mark(name, found.st_size, found.st_mtime_ns, found.st_ino, sum_of(path))


def _marks(told: Any) -> tuple[Mark, ...]:
    return tuple(Mark(**one) for one in told)


def _at(kind: str, name: str) -> str:
    return os.path.join(state_folder(), kind, f"{xxhash.xxh3_64_hexdigest(os.fsencode(name))}.json")


def _read(kind: str, key: str, name: str) -> dict[str, Any]:
    told = read_whole(_at(kind, name))
    return told if told.get(key) == name else {}


def _write(kind: str, key: str, name: str, content: Mapping[str, Any]) -> None:
    write_whole(_at(kind, name), {key: name, **content})


def _forget_gone() -> None:
    """Forgets destinations that are gone, now and then where there are many: temporary files come and go."""
    folder = os.path.join(state_folder(), "runs")
    names = os.listdir(folder)
    if len(names) < MANY or len(names) % 64:
        return
    needed = set()
    for name in names:
        told = read_whole(os.path.join(folder, name))
        if not os.path.exists(path_of(str(told.get("destination", "")))):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))
        else:
            needed.add(f"{told.get('spec_hash')}.json")
    plans = os.path.join(state_folder(), PLANS)
    with suppress(OSError):
        for name in set(os.listdir(plans)) - needed:
            os.unlink(os.path.join(plans, name))

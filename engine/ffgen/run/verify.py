"""Whether files still are, byte by byte, what a run made."""

import os
from typing import Any, Literal

from msgspec import Struct

from ffgen.errors import DestinationError
from ffgen.run.ledger import MANIFEST, Made, made_at, read_whole, sum_of


class FileCheck(Struct, frozen=True, kw_only=True):
    """One file as it stands. `problem` is empty where its bytes are those that were made."""

    file: str
    bytes: int
    problem: str


class Verification(Struct, frozen=True, kw_only=True):
    """How an output stands against what is known of the run that made it."""

    path: str
    known_by: Literal["record", "manifest", ""]
    """Where it is known from: the user's own state, or the manifest beside the files; empty for not at all."""
    spec_hash: str
    seed: int | None
    version: str
    at: str
    """When it was made, where that is known."""
    files: list[FileCheck]
    ok: bool
    """Whether every file is as it was made."""


def verify(path: str | os.PathLike[str]) -> Verification:
    """Reads an output again and holds it against the sums of the run that made it: a file, a folder of Parquet parts,
    or a folder or manifest of several tables.

    What a folder's manifest says goes first; of one file, what this user's state says. `known_by` is empty where no
    run is known. DestinationError when a file that is there can't be read.
    """
    name = os.fspath(path)
    inside = os.path.join(name, MANIFEST)
    if os.path.basename(name) == MANIFEST or os.path.isfile(inside):
        return _by_manifest(name, inside if os.path.isfile(inside) else name, None)
    made = made_at(name)
    if made is not None:
        return _by_record(name, made)
    return _by_manifest(name, os.path.join(os.path.dirname(name), MANIFEST), os.path.basename(name))


def _by_record(name: str, made: Made) -> Verification:
    files = []
    for mark in made.files:
        path = os.path.join(name, mark.name) if mark.name else name
        files.append(_checked(path, mark.bytes, mark.sum))
    known = {mark.name for mark in made.files}
    if os.path.isdir(name):
        more = sorted(set(os.listdir(name)) - known)
        files += [FileCheck(file=os.path.join(name, other), bytes=0, problem="no run made it") for other in more]
    return Verification(
        path=name,
        known_by="record",
        spec_hash=made.spec_hash,
        seed=made.seed,
        version=made.version,
        at=made.at,
        files=files,
        ok=are_good(files),
    )


def _by_manifest(name: str, manifest: str, only: str | None) -> Verification:
    told = read_whole(manifest)
    files = []
    try:
        for each in told.get("tables", []):
            if only is None or each["file"] == only:
                files.append(_listed(os.path.join(os.path.dirname(manifest), each["file"]), each))
        known: Any = {key: told[key] for key in ("spec_hash", "seed", "version")} if files else {}
    except (KeyError, TypeError) as error:
        raise DestinationError(f"{manifest} is no manifest that ffgen wrote.", hint="Make the tables again.") from error
    if not files:
        return Verification(path=name, known_by="", spec_hash="", seed=None, version="", at="", files=[], ok=False)
    return Verification(path=name, known_by="manifest", at="", files=files, ok=are_good(files), **known)


def are_good(files: list[FileCheck]) -> bool:
    """Whether none of them has a problem."""
    return not any(file.problem for file in files)


def _listed(path: str, told: dict[str, Any]) -> FileCheck:
    """A file of a manifest; one written before manifests had sums is held against the user's own state."""
    if "xxh3_128" in told:
        return _checked(path, int(told["bytes"]), str(told["xxh3_128"]))
    made = made_at(path)
    if made is None:
        return FileCheck(file=path, bytes=0, problem="the manifest has no sum for it")
    return _checked(path, made.files[0].bytes, made.files[0].sum)


def _checked(path: str, size: int, wanted: str) -> FileCheck:
    try:
        found = os.stat(path).st_size
    except FileNotFoundError:
        return FileCheck(file=path, bytes=0, problem="it is not there")
    except OSError as error:
        raise DestinationError(f"{path} can't be read: {error.strerror}.") from error
    if found != size:
        return FileCheck(file=path, bytes=found, problem=f"it has {found:,} bytes, and {size:,} were made")
    got = sum_of(path)
    if not got:
        raise DestinationError(f"{path} can't be read.", hint="Check its permissions.")
    return FileCheck(file=path, bytes=found, problem="" if got == wanted else "its bytes are others")

"""What the bytes of a drawn run depend on, by name: only where all of it is equal is one gone on with."""

import importlib.metadata
import json
import os
import platform
import zlib
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import numpy
import polars
import pyzstd
import xxhash

from ffgen import __version__
from ffgen.plan.compile import Plan, hash_of
from ffgen.sample.plugins import DRAW, VALIDATE

FORM = "1"
"""Of the journal and of what it holds."""


def basis_of(plan: Plan, outputs: Sequence[tuple[str, str, str, str]], labels: str | None) -> dict[str, str]:
    """A short text for everything that goes into the bytes. `plan` has its pools filled and its rows asked; `outputs`
    are table, file, format and compression, `labels` is the compression of theirs."""
    first = os.path.dirname(outputs[0][1])
    files = [(table, os.path.relpath(path, first), *rest) for table, path, *rest in outputs]
    libraries = [polars.__version__, numpy.__version__, pyzstd.zstd_version, zlib.ZLIB_RUNTIME_VERSION]
    return {
        "spec": hash_of(plan.spec),
        "seed": str(plan.spec.seed),
        "ffgen": f"{__version__}, form {FORM}",
        "shards": xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(plan.layouts)),
        "files": json.dumps(files),
        "labels": "" if labels is None else labels,
        "asked": plan.digest,
        "libraries": ", ".join([platform.python_version(), *libraries, platform.machine()]),
        "packages": ", ".join(packages()),
    }


def packages() -> list[str]:
    """The packages from which generators may come, with their versions; those of files are in the spec's hash."""
    points = [point for group in (DRAW, VALIDATE) for point in importlib.metadata.entry_points(group=group)]
    found = {f"{point.dist.name} {point.dist.version}" for point in points if point.dist is not None}
    with suppress(importlib.metadata.PackageNotFoundError):
        found.add(f"faker {importlib.metadata.version('faker')}")
    return sorted(found)

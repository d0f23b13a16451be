"""The catalogue's files, each parsed once a process, on first use."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from ffgen.spec.load import parse

FOLDER = Path(__file__).parent / "data"


@cache
def data(name: str) -> Any:
    """One of the files, as plain values."""
    path = FOLDER / f"{name}.yaml"
    return parse(path.read_text(encoding="utf-8"), str(path)).value


@cache
def english() -> frozenset[str]:
    """Common English words in the singular: what is one of them is no slip of the keyboard."""
    return frozenset(gzip.decompress((FOLDER / "english.txt.gz").read_bytes()).decode("ascii").split("\n"))

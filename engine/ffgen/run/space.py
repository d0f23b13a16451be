"""Room on the disk for what a drawn run writes: looked at before it begins, and told when there was too little."""

import errno
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ffgen import posix
from ffgen.errors import DestinationError
from ffgen.place import destination_error, human_size
from ffgen.plan.recipe import Recipe
from ffgen.plan.recipes import Recipes
from ffgen.run.outputs import Output

MARGIN = 1.2
PACKED = {"gzip": 0.3, "zstd": 0.32}
"""What is left of text; see `sink.block`. Of Parquet's values, whatever the codec, about 0.4."""
_FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger("ffgen.run")


class Room(Struct):
    """How large a table's file becomes: about, and at the very least; and what the gate notes of it meanwhile."""

    rows: int
    about: float
    least: int
    aside: int


def rooms_of(recipes: Recipes, outputs: Sequence[Output]) -> dict[str, Room]:
    """The room that each written table takes."""
    return {each.table: room_of(recipes.recipes[each.table], recipes.laid[each.table].count, each) for each in outputs}


def room_of(recipe: Recipe, rows: int, output: Output) -> Room:
    """The room of one table. At least: each cell one character, with the names where the format repeats them."""
    names = recipe.written
    values = sum(recipe.kinds[name].widths()[0] for name in names)
    if output.format == "jsonl":
        least = sum(len(name) + 5 for name in names) + 2
        about = values + sum(len(name) + 4 for name in names) + 2
    else:
        least, about = len(names), values + len(names)
    share = 0.4 if output.format == "parquet" else PACKED.get(output.compression, 1.0)
    if share < 1:
        least = 0
    return Room(rows, rows * about * share, rows * least, 8 * rows * len(recipe.gated))


def check_disk(rooms: Mapping[str, Room], there: Mapping[str, int], folder: str, shown: str, run: str) -> None:
    """Warns in the log where the disk is likely to become full; DestinationError where it must. `there` are the bytes
    of each table that are written already."""
    free = posix.free_bytes(Path(folder))
    about = sum(MARGIN * (room.about - there.get(name, 0)) + room.aside for name, room in rooms.items())
    least = sum(max(0, room.least - there.get(name, 0)) for name, room in rooms.items())
    if least > free:
        what = f"{shown} can't fit: it needs {human_size(least)} at the very least, and {human_size(free)} are free."
        raise DestinationError(what, hint="Free space, compress (.zst), or write elsewhere.")
    if about > free:
        log.warning("disk may be too small", extra={"run": run, "needed": int(about), "free": free, "folder": folder})


def missing(rooms: Mapping[str, Room], sizes: Mapping[str, tuple[int, int]]) -> int:
    """Bytes still to be written. `sizes` has rows and bytes so far, which tell more than an estimate does; a table that
    is not begun is taken to be off by as much as those that are."""
    known = {name: (rows, size) for name, (rows, size) in sizes.items() if rows}
    guess = sum(rooms[name].about * rows / max(rooms[name].rows, 1) for name, (rows, _) in known.items())
    ratio = sum(size for _, size in known.values()) / guess if guess else 1.0
    left = 0.0
    for name, room in rooms.items():
        rows, size = known.get(name, (0, 0))
        each = size / rows if rows else room.about * ratio / max(room.rows, 1)
        left += each * (room.rows - rows) + (room.aside if rows < room.rows else 0)
    return int(left)


def told(error: DestinationError, left: int, folder: str, shown: str) -> None:
    """Says how much more room is needed, where the disk was full."""
    if error.number in _FULL:
        free = 0 if error.number == errno.EDQUOT else posix.free_bytes(Path(folder))
        more = left - free if left > free else left
        said = destination_error(OSError(error.number, ""), shown, more=max(more, 1))
        error.what, error.hint = said.what, said.hint
        error.args = (said.what,)

"""Where the data of each table lie that are to be read."""

import json
import os
from collections.abc import Sequence

from ffgen.errors import DestinationError, UsageError
from ffgen.place import destination_error
from ffgen.run.ledger import MANIFEST
from ffgen.run.outputs import file_name, paths_of
from ffgen.source import SUFFIXES

PACKED = ("", ".gz", ".zst")


def files_of(tables: Sequence[str], path: str) -> dict[str, str]:
    """The file of each table, from what a run would call its destination: a folder with `<table>.jsonl` (or any
    other format that is read) or with a manifest, a name with `{table}`, `x.csv` for `x.<table>.csv`.

    For one table, `path` is its data, unless it is a folder that has a file of the table's name. UsageError and
    DestinationError where files can't be told.
    """
    if len(tables) == 1:
        (only,) = tables
        here = candidates(path, only) if os.path.isdir(path) else []
        return {only: one_of(here, only, path) if here else path.replace("{table}", file_name(only))}
    if os.path.isdir(path) or os.path.basename(path) == MANIFEST:
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        listed = by_manifest(os.path.join(folder, MANIFEST))
        return {name: listed.get(name) or one_of(candidates(folder, name), name, folder) for name in tables}
    if path == "-" or "{table}" not in path and os.path.exists(path):
        what = f"The spec has {len(tables)} tables, and {'standard input' if path == '-' else path} is the data of one."
        raise UsageError(what, hint=f"Name their folder, or say whose data these are: --table {tables[0]}.")
    return paths_of(path, tables, None, None)


def by_manifest(path: str) -> dict[str, str]:
    """The files that a manifest names, by table; none where there is no manifest."""
    if not os.path.isfile(path):
        return {}
    try:
        with open(path, "rb") as file:
            listed = json.load(file)["tables"]
        # A manifest speaks of its own folder only, whatever stands in it.
        return {each["table"]: os.path.join(os.path.dirname(path), os.path.basename(each["file"])) for each in listed}
    except OSError as error:
        raise destination_error(error, path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DestinationError(f"{path} is no manifest of ffgen: {error!r}.", hint="Take it away.") from error


def candidates(folder: str, table: str) -> list[str]:
    """What in a folder may be the data of a table."""
    name = os.path.join(folder, file_name(table))
    found = [f"{name}{suffix}{packed}" for suffix in SUFFIXES for packed in PACKED]
    return [path for path in found if os.path.exists(path)] + ([name] if os.path.isdir(name) else [])


def one_of(found: Sequence[str], table: str, folder: str) -> str:
    """The only one; an error in words otherwise."""
    if len(found) == 1:
        return found[0]
    if found:
        what = f"{folder} has several files for the table {table}: {', '.join(map(os.path.basename, found))}."
        raise UsageError(what, hint="Leave one there, or name it: --table and --data.")
    hint = f"It should be called {table}.jsonl, or .csv, .parquet, .json; each also .gz or .zst."
    raise DestinationError(f"{folder} has no file for the table {table}.", hint=hint)

"""Where the tables of a drawn run go: a file each, published together, a manifest last; or one stream."""

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import orjson
from msgspec import Struct

from ffgen import __version__
from ffgen.errors import UsageError
from ffgen.place import Workspace, destination_error, split_compression
from ffgen.plan.compile import Plan
from ffgen.run.labels import LabelFile
from ffgen.run.ledger import MANIFEST, marks_of, note
from ffgen.run.options import STDOUT, Options
from ffgen.run.report import TableReport
from ffgen.sink import SUFFIXES, format_of


class Output(Struct):
    """One table's way out."""

    table: str
    shown: str
    work_path: str
    format: str
    compression: str
    is_stream: bool = False


class Outputs:
    """Holds every destination of a run from the start to the end."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.each: list[Output] = []
        self.manifest = ""
        self.labels: LabelFile | None = None
        self._spaces: list[Workspace] = []
        self._held = contextlib.ExitStack()

    @classmethod
    def open(cls, plan: Plan, options: Options) -> Self:
        """Takes hold of all destinations; LockedError, DestinationError or UsageError when one can't be had."""
        outputs = cls(plan)
        try:
            outputs._open(options)
        except BaseException:
            outputs._held.close()
            raise
        return outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def folder(self) -> str | None:
        """A folder for work files; None where the system's temporary folder must do."""
        return self._spaces[0].folder if self._spaces else None

    def of(self, table: str) -> Output | None:
        """The way out of a table, None when it isn't asked for."""
        return next((each for each in self.each if each.table == table), None)

    def has(self, table: str) -> bool:
        """Whether a table is written."""
        return self.of(table) is not None

    def publish(self, tables: Sequence[TableReport]) -> None:
        """Every file takes its place; the manifest says that all have, and the ledger what they were made from."""
        files = {each.table: marks_of(each.work_path) for each in self.each if not each.is_stream}
        for space in self._spaces:
            space.publish()
        if self.manifest:
            write_manifest(self.manifest, self.plan, tables, {name: marks[0].sum for name, marks in files.items()})
        for each in tables:
            if each.table in files and (output := self.of(each.table)) is not None:
                about = (each.table, each.format, output.compression, each.records)
                note(each.output, self.plan.spec_hash, self.plan.spec.seed, *about, files[each.table])

    def _open(self, options: Options) -> None:
        paths = destinations(self.plan, options)
        for name, path in paths.items():
            format, compression = format_of(path, options.format, options.compression)
            work_path = ""
            if path != STDOUT:
                space = self._held.enter_context(Workspace.open(path, clobber=options.clobber))
                self._spaces.append(space)
                work_path = space.work_path()
            self.each.append(Output(name, path, work_path, format, compression, path == STDOUT))
        if options.labels is not None:
            self._open_labels(options.labels, options.clobber)
        if len(paths) > 1:
            self.manifest = manifest_of(options.to)

    def _open_labels(self, path: str, clobber: bool) -> None:
        if path == STDOUT or is_folder(path):
            raise UsageError(f"Labels go into a file, and {path} is none.", hint="E.g. --labels labels.jsonl.")
        taken = [os.path.realpath(each.shown) for each in self.each if not each.is_stream]
        if os.path.realpath(path) in taken:
            raise UsageError(f"{path} is to hold both records and labels.", hint="Write the labels to another file.")
        space = self._held.enter_context(Workspace.open(path, clobber=clobber))
        self._spaces.append(space)
        self.labels = self._held.enter_context(LabelFile(space.work_path(), split_compression(path)[1]))


def destinations(plan: Plan, options: Options) -> dict[str, str]:
    """The file of each table that a run would write; UsageError when there can be none."""
    names = plan.chosen(options.table)
    if not plan.is_drawn:
        return {names[0]: options.to}
    if options.to == STDOUT and len(names) > 1:
        hint = f"Say --table {names[0]}, or write files: -o out/"
        raise UsageError(f"The spec has {len(names)} tables, and standard output takes one.", hint=hint)
    return paths_of(options.to, names, options.format, options.compression)


def paths_of(to: str, tables: Sequence[str], format: str | None, compression: str | None) -> dict[str, str]:
    """The path of each table: in a folder, by a name with `{table}`, or with the table's name before the suffix."""
    if len(tables) == 1 or to == STDOUT:
        only = tables[0]
        name = file_name(only) + suffix_of(format, compression)
        return {only: os.path.join(to, name) if is_folder(to) else fill(to, only)}
    if is_folder(to):
        return {table: os.path.join(to, table + suffix_of(format, compression)) for table in tables}
    if "{table}" in to:
        return {table: fill(to, table) for table in tables}
    stem, _ = split_compression(to)
    packed = to[len(stem) :]
    root, suffix = os.path.splitext(stem)
    return {table: f"{root}.{table}{suffix}{packed}" for table in tables}


def is_folder(to: str) -> bool:
    """Whether a destination names a folder."""
    return to.endswith("/") or os.path.isdir(to)


def fill(to: str, table: str) -> str:
    """The path with the table's name filled in."""
    return to.replace("{table}", file_name(table))


def file_name(table: str) -> str:
    """A table's name as part of a file's: the one of a spec with one table may be anything."""
    return re.sub(r"[^\w.-]|^\.", "_", table)


def suffix_of(format: str | None, compression: str | None) -> str:
    """The suffix of a file in a folder: JSON Lines unless said."""
    chosen = format or "jsonl"
    suffix = next(suffix for suffix, name in SUFFIXES.items() if name == chosen)
    packed = {"gzip": ".gz", "zstd": ".zst"}.get(compression or "", "")
    return suffix if chosen == "parquet" else suffix + packed


def manifest_of(to: str) -> str:
    """Where the manifest of several files stands."""
    return os.path.join(to if is_folder(to) else os.path.dirname(to), MANIFEST)


def write_manifest(path: str, plan: Plan, tables: Sequence[TableReport], sums: Mapping[str, str]) -> None:
    """Replaces the manifest, whole. `sums` has the xxh3-128 of each table's file."""
    content: dict[str, Any] = {
        "schema_version": 1,
        "version": __version__,
        "spec_hash": plan.spec_hash,
        "seed": plan.spec.seed,
        "tables": [
            {
                "table": each.table,
                "file": os.path.basename(each.output),
                "records": each.records,
                "bytes": each.bytes,
                "xxh3_128": sums[each.table],
            }
            for each in tables
        ],
    }
    partial = f"{path}.{os.getpid()}"
    try:
        with open(partial, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise destination_error(error, path) from error

"""Where the tables of a drawn run go: a file each, published together, a manifest last; or one stream.

Where all of them are files, what an earlier run left in their work folders is taken over (see `run.journal`).
"""

import contextlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
from msgspec import Struct

from ffgen import __version__, failpoint, posix
from ffgen.disk import LocalDisk
from ffgen.errors import UsageError
from ffgen.place import JOURNAL, STORE, Workspace, destination_error, split_compression
from ffgen.plan.compile import Plan
from ffgen.run.basis import basis_of
from ffgen.run.journal import Kept
from ffgen.run.keeper import Keeper, Places
from ffgen.run.labels import LabelFile
from ffgen.run.ledger import MANIFEST, marks_of, note
from ffgen.run.options import STDOUT, Options
from ffgen.run.report import TableReport
from ffgen.sink import SUFFIX, format_of

log = logging.getLogger("ffgen.run")

LABELS = ""
"""The name of what is no table among a run's files."""


class Output(Struct):
    """One table's way out."""

    table: str
    shown: str
    work_path: str
    format: str
    compression: str
    is_stream: bool = False


class Outputs:
    """Holds every destination of a run from the start to the end.

    `keeper` commits what is made, `kept` is what an earlier run has committed: None where rows go to a stream, which
    can't be gone on with. `keeps`, once set, has the work folders stay for the next run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.each: list[Output] = []
        self.manifest = ""
        self.labels: LabelFile | None = None
        self.keeper: Keeper | None = None
        self.kept: Kept | None = None
        self.keeps = False
        self._can_keep = False
        self._packed: str | None = None
        self._spaces: dict[str, Workspace] = {}
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
        if self.keeper is not None:
            self.keeper.close()
        if self.keeps:
            for space in self._spaces.values():
                space.leave()
        self._held.close()

    @property
    def folder(self) -> str | None:
        """A folder for work files; None where the system's temporary folder must do."""
        return next(iter(self._spaces.values())).folder if self._spaces else None

    def of(self, table: str) -> Output | None:
        """The way out of a table, None when it isn't asked for."""
        return next((each for each in self.each if each.table == table), None)

    def has(self, table: str) -> bool:
        """Whether a table is written."""
        return self.of(table) is not None

    def publish(self, tables: Sequence[TableReport]) -> None:
        """Every file takes its place; the manifest says that all have, and the ledger what they were made from."""
        files = {name: marks_of(self._path_of(name)) for name in self._spaces}
        if self.keeper is not None:
            self._complete(self.keeper, {name: marks[0].sum for name, marks in files.items()})
        for space in self._spaces.values():
            space.publish()
        if self.manifest:
            sums = {name: marks[0].sum for name, marks in files.items()}
            write_manifest(self.manifest, self.folder or "", self.plan, tables, sums)
        for each in tables:
            if each.table in files and (output := self.of(each.table)) is not None:
                about = (each.table, each.format, output.compression, each.records)
                note(each.output, self.plan.spec_hash, self.plan.spec.seed, *about, files[each.table])
        self.keeps = False
        if self.keeper is not None:
            try:
                self.keeper.forget()
            except OSError as error:  # the files are where they belong
                log.warning("journal not removed", extra={"run": self.plan.spec_hash, "why": str(error)})

    def _complete(self, keeper: Keeper, sums: Mapping[str, str]) -> None:
        """Should this be cut short, the files that have taken their places are known by their sums."""
        try:
            keeper.complete(sums)
        except OSError as error:
            raise destination_error(error, keeper.places.journal) from error

    def _path_of(self, name: str) -> str:
        """Where a finished file is."""
        space = self._spaces[name]
        return space.destination if self.kept is not None and name in self.kept.published else space.work_path()

    def take_over(self, plan: Plan, options: Options) -> None:
        """Goes on from what an earlier run left, or empties the work folders; once, before anything is written. `plan`
        has all that the bytes depend on: its pools are filled, what is asked for its rows is there."""
        self.plan = plan
        if self._can_keep:
            self._take_over(options.fresh)
        if self._packed is not None and not (self.kept is not None and self.kept.sums):
            done = self.kept.labels.size if self.kept is not None and self.kept.labels is not None else 0
            self.labels = self._held.enter_context(LabelFile(self._spaces[LABELS].work_path(), self._packed, done))

    def _open(self, options: Options) -> None:
        paths = destinations(self.plan, options)
        self._can_keep = STDOUT not in paths.values()
        for name, path in paths.items():
            format, compression = format_of(path, options.format, options.compression)
            work_path = self._hold(name, path, options).work_path() if path != STDOUT else ""
            self.each.append(Output(name, path, work_path, format, compression, path == STDOUT))
        self._packed = None if options.labels is None else self._hold_labels(options.labels, options)
        self.keeps = self._can_keep and os.path.exists(os.path.join(self.folder or "", JOURNAL))
        if len(paths) > 1:
            self.manifest = manifest_of(options.to)

    def _hold(self, name: str, path: str, options: Options) -> Workspace:
        space = Workspace.open(path, clobber=options.clobber, keep=self._can_keep)
        self._spaces[name] = self._held.enter_context(space)
        return space

    def _take_over(self, fresh: bool) -> None:
        folder = self.folder or ""
        work = {name: space.work_path() for name, space in self._spaces.items()}
        final = {name: space.destination for name, space in self._spaces.items()}
        places = Places(os.path.join(folder, JOURNAL), os.path.join(folder, STORE), work, final)
        said = [(each.table, final[each.table], each.format, each.compression) for each in self.each]
        self.keeper = Keeper(LocalDisk(), places, lambda: basis_of(self.plan, said, self._packed))
        try:
            self.kept = None if fresh else self.keeper.take_over()
            if self.kept is None:
                self._begin_anew(self.keeper)
            os.makedirs(places.store, mode=0o700, exist_ok=True)
        except OSError as error:
            raise destination_error(error, error.filename or folder) from error
        for name in self.kept.published if self.kept is not None else ():
            self._spaces[name].mark_published()

    def _begin_anew(self, keeper: Keeper) -> None:
        if keeper.why:
            about = {"run": self.plan.spec_hash, "destination": self.each[0].shown, "why": keeper.why}
            log.warning("kept work can't be used", extra=about)
        self.keeps = False
        keeper.begin_anew()
        for space in self._spaces.values():
            space.empty(but=self.plan.answers)

    def _hold_labels(self, path: str, options: Options) -> str:
        """Takes hold of the file of labels; its compression."""
        if path == STDOUT or is_folder(path):
            raise UsageError(f"Labels go into a file, and {path} is none.", hint="E.g. --labels labels.jsonl.")
        taken = [os.path.realpath(each.shown) for each in self.each if not each.is_stream]
        if os.path.realpath(path) in taken:
            raise UsageError(f"{path} is to hold both records and labels.", hint="Write the labels to another file.")
        self._hold(LABELS, path, options)
        return split_compression(path)[1]


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
    suffix = SUFFIX.get(chosen, "")  # an unknown one is refused by `format_of`
    packed = {"gzip": ".gz", "zstd": ".zst"}.get(compression or "", "")
    return suffix if chosen == "parquet" else suffix + packed


def manifest_of(to: str) -> str:
    """Where the manifest of several files stands."""
    return os.path.join(to if is_folder(to) else os.path.dirname(to), MANIFEST)


def write_manifest(path: str, folder: str, plan: Plan, tables: Sequence[TableReport], sums: Mapping[str, str]) -> None:
    """Replaces the manifest, whole; it is made in a work folder, which is emptied whatever happens. `sums` has the
    xxh3-128 of each table's file."""
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
    partial = os.path.join(folder, MANIFEST)
    try:
        with open(partial, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        failpoint.hit("manifest.write")
        os.replace(partial, path)
        posix.sync_directory(Path(path).parent)
    except OSError as error:
        raise destination_error(error, path) from error

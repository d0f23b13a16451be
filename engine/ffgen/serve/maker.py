"""The process that makes answers, one after the other: reads errands on its standard input, writes frames.

Drawing is work for a core, so that it has no place in the process that holds the connections; and what a request asks
for may hang or take all memory, so that it has one that can be ended. Python's standard output is a tap here: what
`ffgen.run(plan, "-")` writes becomes frames, in the bytes that the command line would write.
"""

import contextlib
import io
import os
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec
import psutil

import ffgen
from ffgen.errors import FfgenError
from ffgen.posix import die_with_parent, keep_memory
from ffgen.run.fence import fence
from ffgen.run.outputs import file_name
from ffgen.serve.allowed import Forbidden
from ffgen.serve.frames import DATA, END, FAILURE, HEAD, HEADER, LENGTH, End, Failure
from ffgen.serve.prepare import Errand, Kit, Prepared, check, check_size, draft, prepare, settle
from ffgen.serve.problem import Refused, internal, refusal_of, slip_of
from ffgen.serve.settings import FORMULA_FORMATS, PIECE, STREAM_SECONDS
from ffgen.serve.wire import Drafted, TablePlan, Validated
from ffgen.sink import SUFFIX

OPERATOR_S = (4, 5, 70)
"""Exit codes of what a client is told little of: disks, models, bugs."""
PACKED = 1
"""zlib's level: 3 times as fast as 6, a fifth larger."""
_LEVEL = "compress_level" if hasattr(zipfile.ZipInfo, "compress_level") else "_compresslevel"  # before Python 3.13
BEGINNING = (1980, 1, 1, 0, 0, 0)


class Tap(io.RawIOBase):
    """Standard output as the engine sees it: what is written goes wherever `into` says."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.into: Callable[[bytes | memoryview], Any] = self.send_data

    @property
    def buffer(self) -> "Tap":
        """As of `sys.stdout`."""
        return self

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """All of it."""
        self.into(data)
        return len(data)

    def send_data(self, data: bytes | memoryview) -> None:
        """Pieces of an answer's body."""
        whole = memoryview(data)
        for at in range(0, len(whole), PIECE):
            self.send(DATA, whole[at : at + PIECE])

    def send(self, kind: bytes, payload: bytes | memoryview) -> None:
        """One frame. Waits while nobody reads, and ends the process when nobody will."""
        try:
            self._out.write(HEADER.pack(kind, len(payload)))
            self._out.write(payload)
            self._out.flush()
        except BrokenPipeError:
            os._exit(0)

    def say(self, kind: bytes, value: Any) -> None:
        """One frame of JSON."""
        self.send(kind, msgspec.json.encode(value))


class Maker:
    """What one errand after the other is done with."""

    def __init__(self, kit: Kit, tap: Tap) -> None:
        self.kit = kit
        self.tap = tap

    def do(self, errand: Errand) -> None:
        """One errand, from its head to its end, or to its failure."""
        try:
            result = getattr(self, errand.do)(errand)
        except Refused as refused:
            self.tap.say(FAILURE, Failure.of(refused))
        except FfgenError as error:
            cause = str(error) if error.exit_code in OPERATOR_S else ""
            self.tap.say(FAILURE, Failure.of(_refusal(error, errand.description is not None), cause))
        except Exception:
            self.tap.say(FAILURE, Failure.of(internal(), traceback.format_exc()))
        else:
            self.tap.say(END, End(psutil.Process().memory_info().rss, result))

    def make(self, errand: Errand) -> None:
        """The rows of a request; none where it is too large for a quick answer and only that was wanted."""
        prepared = prepare(errand, self.kit)
        check_size(prepared, errand.format == "zip")
        self.tap.say(HEAD, prepared.head)
        if prepared.head.is_large and errand.quick:
            return
        if errand.format == "zip":
            self._zip(prepared)
        else:
            self._run(prepared, prepared.head.table, errand.format)

    def _run(self, prepared: Prepared, table: str, format: str) -> None:
        ffgen.run(
            prepared.plan,
            "-",
            table=table if prepared.plan.is_drawn else None,
            format=FORMULA_FORMATS.get(format, format),
            workers=0,
            timeout=STREAM_SECONDS,
        )

    def _zip(self, prepared: Prepared) -> None:
        """A CSV of each table. Parents are drawn again for their children: that is cheaper than keeping them."""
        with self._archive() as archive:
            for table in prepared.head.tables:
                with archive.open(_entry(file_name(table.name) + SUFFIX["csv"]), "w", force_zip64=True) as member:
                    self.tap.into = member.write
                    try:
                        self._run(prepared, table.name, "csv")
                    finally:
                        self.tap.into = self.tap.send_data

    def pack(self, errand: Errand) -> None:
        """Files that a job has made, as one ZIP file."""
        with self._archive() as archive:
            for path, name in errand.files:
                with open(path, "rb") as file, archive.open(_entry(name), "w", force_zip64=True) as member:
                    while piece := file.read(PIECE):
                        member.write(piece)

    @contextlib.contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        """A ZIP file on its way out. Cut short by an error, it has no directory: nobody takes it for whole."""
        archive = zipfile.ZipFile(_Outlet(self.tap), "w")
        yield archive
        archive.close()

    def settle(self, errand: Errand) -> Any:
        """A job's spec."""
        return settle(errand, self.kit)

    def draft(self, errand: Errand) -> Drafted:
        """A description as a spec."""
        drafted = draft(errand, self.kit)
        tables = [drafted.spec["dataset"]] if "dataset" in drafted.spec else drafted.spec["tables"]
        told = {**msgspec.to_builtins(drafted), "tables": [table["name"] for table in tables]}
        return msgspec.convert(told, Drafted)

    def check(self, errand: Errand) -> Validated:
        """What is wrong with a spec."""
        findings, prepared = check(errand, self.kit)
        tables: list[TablePlan] = prepared.head.tables if prepared else []
        return Validated(
            valid=prepared is not None,
            findings=[slip_of(finding) for finding in findings],
            tables=tables,
            finest=prepared.head.table if prepared else "",
            asks_model=prepared.head.asks if prepared else False,
        )


class _Outlet(io.RawIOBase):
    """Where a ZIP file goes: forward only."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._tap.send_data(data)
        return len(data)


def _entry(name: str) -> zipfile.ZipInfo:
    """A member without a date: the same rows are the same bytes."""
    entry = zipfile.ZipInfo(name, BEGINNING)
    entry.compress_type = zipfile.ZIP_DEFLATED
    setattr(entry, _LEVEL, PACKED)
    entry.external_attr = 0o644 << 16
    return entry


def _refusal(error: FfgenError, described: bool) -> Refused:
    if isinstance(error, Forbidden):
        slips = [slip_of(one) for one in error.findings]
        return Refused("forbidden-in-spec", str(error), error.findings[0].hint, slips)
    return refusal_of(error, described)


def main() -> None:
    """Until standard input ends: that is how the service ends a maker, and its own death does the same."""
    die_with_parent(os.getppid())
    source = os.fdopen(os.dup(0), "rb")
    out = os.fdopen(os.dup(1), "wb", PIECE)
    os.dup2(2, 1)  # what a library prints must not stand between frames
    tap = Tap(out)
    sys.stdout = tap  # all that the engine needs of it
    keep_memory()
    if not (told := _read(source)):
        return
    kit = msgspec.json.decode(told, type=Kit)
    fence([url for model in kit.models.values() for url in _urls(model.get("endpoint"))])
    maker = Maker(kit, tap)
    import ffgen.api  # noqa: F401  # with its libraries: the first request must not wait for them

    tap.say(END, End(0))
    while message := _read(source):
        maker.do(msgspec.json.decode(message, type=Errand))


def _urls(endpoint: Any) -> list[str]:
    named = [endpoint] if isinstance(endpoint, str) else list(endpoint or [])
    return ["http://127.0.0.1" if url == "embedded" else url for url in named]


def _read(source: BinaryIO) -> bytes:
    """The next message; empty at the end."""
    size = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(size)[0]) if len(size) == LENGTH.size else b""


if __name__ == "__main__":
    main()

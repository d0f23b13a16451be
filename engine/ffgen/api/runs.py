"""The verbs that make records: `run`, where to, and only where something has changed."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack, overload

from msgspec import structs

from ffgen.api.reading import Source
from ffgen.api.specs import plan
from ffgen.errors import UsageError
from ffgen.plan.compile import Plan
from ffgen.run.frames import Frames
from ffgen.run.freshness import Refreshed, Task, bring_up, look_at
from ffgen.run.ledger import digest_of
from ffgen.run.options import Options, run_to_end
from ffgen.run.outputs import destinations as destinations_of
from ffgen.run.remote import Remote
from ffgen.run.report import Progress, Report
from ffgen.run.start import carry_out
from ffgen.spec.duration import seconds, size
from ffgen.spec.model import Spec

MOST_WORKERS = 256


class Settings(TypedDict, total=False):
    """How `run` goes about it. None of it changes a byte of the output, save `assign` and what limits the run."""

    assign: Mapping[str, Any] | None
    origin: Mapping[str, str] | None
    allow_plugins: bool
    format: str | None
    compression: str | None
    table: str | None
    workers: int | None
    timeout: float | str | None
    max_asks: float | None
    fresh: bool
    clobber: bool
    dedup_memory: int | str | None
    cache_dir: str | os.PathLike[str] | None
    audit: str | os.PathLike[str] | None
    audit_prompts: str | os.PathLike[str] | None
    labels: str | os.PathLike[str] | None
    key: str | None
    isolate: bool
    watch: Callable[[Progress], None] | None


@overload
def run(source: Source | Spec | Plan, to: None = None, **settings: Unpack[Settings]) -> Frames: ...
@overload
def run(source: Source | Spec | Plan, to: str | os.PathLike[str], **settings: Unpack[Settings]) -> Report: ...
def run(
    source: Source | Spec | Plan, to: str | os.PathLike[str] | None = None, **settings: Unpack[Settings]
) -> Report | Frames:
    """Makes exactly N unique records: to the file `to` ("-" is standard output), or as polars frames without it.

    A file appears whole or not at all; the report says what it took. Without `to`, the result is an iterator of
    frames whose `report` is there when it is exhausted; closing it early stops the run.

    - `assign`, `origin` and `allow_plugins` as in `load`; `max_asks` as in `plan`.
    - `format` (jsonl, csv, parquet) and `compression` (none, gzip, zstd), where the name of `to` does not say them.
    - `table`: the one to make, of a spec that has several; without it a file each, see `docs/running.md`.
    - `workers`: how many worker processes ask and decode (0, the default: all in this process; None: as fits).
      Frames are always made in this process.
    - `timeout` is for the whole run, in seconds or as "90m"; 2 hours unless said.
    - `fresh` asks anew instead of using kept replies; `cache_dir` is where replies are kept.
    - `clobber=False` refuses to replace what is at `to`.
    - `dedup_memory`: what the set of known records may take, as 64MiB; past that it goes to disk.
    - `audit` takes a JSON line an event, `audit_prompts` prompts and replies, too.
    - `labels`: a file for what was spoiled because the spec has `imperfections`, a JSON line a cell or row.
    - `key`: the API key. A spec with a `model.key` of its own goes before.
    - `isolate` lets this process connect to no host but the endpoints, for good.
    - `watch` is called about ten times a second, in the run's own thread.

    Raises an FfgenError that says what, where and what next.
    """
    made = _planned(source, settings)
    options = _options(settings)
    watch = settings.get("watch")
    if to is None:
        if named := settings.get("format") or settings.get("compression") or ("`labels`" if options.labels else ""):
            raise UsageError(f"{named} is for a file, and none is named.", hint="Say where to: run(spec, path).")
        return Frames(made, options, watch)
    return _run(made, structs.replace(options, to=os.fspath(to)), watch)


def destinations(
    plan: Plan,
    to: str | os.PathLike[str],
    *,
    format: str | None = None,
    compression: str | None = None,
    table: str | None = None,
) -> dict[str, str]:
    """The file that `run` would write for each table of a plan. UsageError where it would refuse."""
    return destinations_of(plan, Options(to=os.fspath(to), format=format, compression=compression, table=table))


def refresh(
    source: str | os.PathLike[str],
    *,
    force: bool = False,
    look_only: bool = False,
    wait: float | str = 0.0,
    **settings: Unpack[Settings],
) -> Refreshed:
    """Makes what a spec's `output` names, where the spec, the seed, the version of ffgen or a file there has changed
    since it was made; else nothing.

    `force` makes it in any case, `look_only` in none. `wait` is how long to wait, in seconds or as "90s", while
    another run holds a destination; when that one has made the same, nothing is left to do. Settings as for `run`,
    save those that the spec must say: where to, which format, which table. Raises as `run` does.

    What must not change for the bytes to stay is noted in the user's state folder (FFGEN_STATE_DIR): `is_fresh` looks
    there without reading the spec.
    """
    for name in ("format", "compression", "table", "labels"):
        if settings.get(name) is not None:
            raise UsageError(f"`{name}` can't be given to refresh().", hint="Say it in the spec, under `output`.")
    digest = digest_of(source, settings.get("assign"))
    made = _planned(source, settings)
    if made.spec.output is None or made.spec.output.path is None:
        raise UsageError(f"{os.fspath(source)} has no output.", hint="Give it `output: {path: ...}`.")
    said = made.spec.output
    options = structs.replace(_options(settings), to=said.path, format=said.format, compression=said.compression)
    watch = settings.get("watch")
    task = Task(os.fspath(source), digest, made, options, lambda: _run(made, options, watch))
    return look_at(task) if look_only else bring_up(task, force, seconds(wait) if wait else 0.0)


def _planned(source: Source | Spec | Plan, settings: Settings) -> Plan:
    """The plan for `run`. A setting that would come too late for what is made already is refused, not ignored."""
    late = ("assign", "max_asks") if isinstance(source, Plan) else ("assign",) if isinstance(source, Spec) else ()
    for name in late:
        if settings.get(name) is not None:
            kind = type(source).__name__
            raise UsageError(f"`{name}` comes too late for a {kind}.", hint=f"Give it when making the {kind}.")
    if isinstance(source, Plan):
        return source
    shapes = {name: settings.get(name) for name in ("assign", "origin", "max_asks")}
    shapes["allow_plugins"] = settings.get("allow_plugins", False)
    return plan(source, **shapes)  # type: ignore[arg-type]


def _options(settings: Settings) -> Options:
    """Settings in units, their defaults filled in; UsageError for one that can't be."""
    unknown = settings.keys() - Settings.__annotations__.keys()
    if unknown:
        raise TypeError(f"run() got an unexpected keyword argument {min(unknown)!r}")
    taken: dict[str, Any] = {name: value for name, value in settings.items() if name in Options.__struct_fields__}
    for name in ("cache_dir", "audit", "audit_prompts", "labels"):
        taken[name] = os.fspath(taken[name]) if taken.get(name) is not None else None
    taken["workers"] = settings.get("workers", 0)
    if taken["workers"] is not None and not 0 <= taken["workers"] <= MOST_WORKERS:
        raise UsageError(f"workers must be from 0 to {MOST_WORKERS}, got {taken['workers']}.")
    taken.pop("timeout", None)
    if (limit := settings.get("timeout")) is not None:
        taken["timeout"] = seconds(limit)
    if (memory := settings.get("dedup_memory")) is not None:
        taken["memory"] = size(memory)
    return Options(**taken)


def _run(made: Plan, options: Options, watch: Callable[[Progress], None] | None) -> Report:
    """Runs in this thread, or in another one where this one has a loop already (a notebook)."""
    remote = Remote()

    def make() -> Any:
        return carry_out(made, options, watch, remote=remote)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        report: Report = run_to_end(make)
        return report
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(run_to_end(make))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="ffgen-run")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:  # signals reach the main thread only, and the run is in another
        remote.stop()
        thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    result: Report = outcome[0]
    return result

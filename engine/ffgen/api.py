"""The verbs of the library: load, check, plan, run, validate, draft, types. Each is short; the rooms below do the work.

Nothing here prints, prompts, colours or exits. Everything works inline in a plain script or a notebook.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack, overload

from msgspec import structs

from ffgen.draft.drafting import Draft, Question, draft_of
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.compile import ASKS_FACTOR, Plan, chosen, compile_plan, lay_out
from ffgen.plan.estimate import FieldView, PlanView, view_plan
from ffgen.plan.inspect import inspect, inspect_rest
from ffgen.plan.kinds import KindView, ParameterView, kinds
from ffgen.plan.schema import spec_schema
from ffgen.plan.settle import settle
from ffgen.run.cache import CacheView, measure_cache, purge_cache
from ffgen.run.find import files_of
from ffgen.run.frames import Frames
from ffgen.run.freshness import Refreshed, Task, bring_up, look_at
from ffgen.run.ledger import digest_of, is_fresh
from ffgen.run.options import Options, run_to_end
from ffgen.run.outputs import destinations as destinations_of
from ffgen.run.remote import Remote
from ffgen.run.report import ProcessUse, Progress, Refusal, Report
from ffgen.run.start import carry_out
from ffgen.run.status import RunView, status
from ffgen.run.validate import Fault, TableValidity, Validity, validate_data
from ffgen.run.verify import FileCheck, Verification, verify
from ffgen.sample.plugins import is_path, load_files
from ffgen.spec.aim import aim
from ffgen.spec.convert import convert, convert_most
from ffgen.spec.duration import seconds, size
from ffgen.spec.load import Document, assign, of_value, read
from ffgen.spec.model import Spec

MOST_WORKERS = 256

Source = str | os.PathLike[str] | Mapping[str, Any]
"""A spec: the path of a YAML or JSON file, or the same as plain Python values."""


def load(
    source: Source,
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    allow_plugins: bool = False,
) -> Spec:
    """The spec at `source`, with `assign` put over it: dotted paths to values, e.g. `{"dataset.count": 5}`.

    `origin` names where an assigned value came from (`{"dataset.count": "--count"}`), for messages. Python files that
    the spec lists under `plugins` run only when `allow_plugins` says so. Raises SpecError with every error of the
    file, those of the plan included.
    """
    spec, findings = _inspected(source, assign, origin, allow_plugins)
    if spec is None or any(finding.severity == "error" for finding in findings):
        raise SpecError(findings)
    return spec


def check(
    source: Source,
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    allow_plugins: bool = False,
) -> list[Finding]:
    """Every error and warning of a spec, in file order; an empty list is a good spec. Asks nobody."""
    return _inspected(source, assign, origin, allow_plugins)[1]


def plan(
    source: Source | Spec,
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    max_asks: float | None = None,
    allow_plugins: bool = False,
) -> Plan:
    """What would be done for a spec: a value, made without asking anybody. Raises SpecError.

    `assign` and `origin` as in `load`. `max_asks` bounds the requests, as a multiple of what a model without a fault
    would need; 5 unless said.
    """
    if isinstance(source, Spec) and assign:
        raise UsageError("`assign` comes too late for a Spec.", hint="Give it to load().")
    if isinstance(source, Spec):
        spec = source
    else:
        spec = load(source, assign=assign, origin=origin, allow_plugins=allow_plugins)
    return compile_plan(spec, ASKS_FACTOR if max_asks is None else max_asks)


def describe(plan: Plan, findings: list[Finding] | None = None) -> PlanView:
    """A plan in numbers and words: who makes each field, capacity, requests, tokens, money, time."""
    return view_plan(plan, findings or [])


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


def validate(
    source: Source | Spec,
    data: str | os.PathLike[str],
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
) -> Validity:
    """Holds the data at a path against a spec: count, uniqueness, constraints. Streams; memory stays flat.

    Of a spec with several tables, `data` is a folder with a file for each, or any other destination that `run` takes,
    and foreign keys must resolve; or `table` says whose data they are. The rules for invented data (reserved domains)
    are not applied: the data may be real. Needs no model. What hidden fields decide can't be seen, and is not checked.
    """
    if isinstance(source, Spec):
        return _validated(source, table, os.fspath(data))
    spec, findings = _inspected(source, assign, origin, allow_plugins, making=False)
    errors = [finding for finding in findings if finding.severity == "error" and finding.path != "model"]
    if spec is None or errors:
        raise SpecError(errors or findings)
    return _validated(spec, table, os.fspath(data))


def _validated(spec: Spec, table: str | None, data: str) -> Validity:
    """Holds the data of all tables, or of one, against the spec with all its counts."""
    spec = settle(spec)
    tables = lay_out(spec)[0].datasets if spec.tables else spec.datasets
    names = chosen(spec, table)
    return validate_data([each for each in tables if each.name in names], files_of(names, data))


def draft(description: str, *, rows: int | Mapping[str, int] | None = None, seed: int = 0) -> Draft:
    """A spec made of a description in plain words, without any model: offline, in milliseconds.

    `rows` is how many records the table has that the description is about (1000 unless it says), or a mapping of
    tables to counts. The spec is loaded, checked and planned before it is returned. Each question of the draft has a
    default, which the spec holds now. UsageError for a description that names nothing.
    """
    counts = {name: _row_count(count) for name, count in rows.items()} if isinstance(rows, Mapping) else rows
    return draft_of(description, _row_count(counts) if isinstance(counts, int) else counts, seed, check)


def _row_count(count: int) -> int:
    if not 1 <= count <= 10**12:
        raise UsageError(f"rows must be from 1 to {10**12:,}, got {count}.")
    return count


def schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors and other programs."""
    return spec_schema()


def types(name: str | None = None) -> list[KindView]:
    """Every type of value and every generator with its page of the manual, or those called `name`.

    Generators of installed packages are among them. UsageError for a name that there is not, and for a package whose
    generator can't be used.
    """
    return kinds(name)


def _inspected(
    source: Source,
    assigned: Mapping[str, Any] | None,
    origin: Mapping[str, str] | None,
    allow_plugins: bool = False,
    making: bool = True,
) -> tuple[Spec | None, list[Finding]]:
    """The spec, None when it can't be read, and all findings about it in file order."""
    try:
        document = _document(source, assigned, origin)
    except SpecError as error:
        return None, list(error.findings)
    spec, findings = convert(document, Spec)
    if spec is not None and spec.plugins:
        spec = _with_plugins(spec, source, allow_plugins)
    if spec is not None:
        findings = [*findings, *inspect(spec, document, making)]
        spec = settle(spec) if spec.datasets else spec
    else:
        rest, wrong = convert_most(document, Spec)
        findings = [*findings, *(inspect_rest(rest, document, wrong) if rest else [])]
    return spec, sorted(findings, key=lambda finding: (finding.line, finding.column))


def _with_plugins(spec: Spec, source: Source, allowed: bool) -> Spec:
    """The spec with its plugins loaded, and their files named so that any process finds them."""
    folder = "" if isinstance(source, Mapping) else os.path.dirname(os.path.abspath(os.fspath(source)))
    load_files(spec.plugins, allowed, folder)
    named = [os.path.abspath(os.path.join(folder, entry)) if is_path(entry) else entry for entry in spec.plugins]
    return structs.replace(spec, plugins=named)


def _document(source: Source, assigned: Mapping[str, Any] | None, origin: Mapping[str, str] | None) -> Document:
    document = of_value(source) if isinstance(source, Mapping) else read(source)
    if not assigned:
        return document
    aimed = aim(document, assigned)
    meant = {path: assigned[said] for said, paths in aimed.items() for path in paths}
    given = origin or {}
    origins = {path: given[said] for said, paths in aimed.items() for path in paths if said in given}
    return assign(document, meant, origins)


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


__all__ = [
    "CacheView",
    "Draft",
    "Fault",
    "FieldView",
    "FileCheck",
    "Finding",
    "Frames",
    "KindView",
    "ParameterView",
    "Plan",
    "PlanView",
    "ProcessUse",
    "Progress",
    "Question",
    "Refreshed",
    "Refusal",
    "Report",
    "RunView",
    "Source",
    "Spec",
    "TableValidity",
    "Validity",
    "Verification",
    "check",
    "describe",
    "destinations",
    "draft",
    "is_fresh",
    "load",
    "measure_cache",
    "plan",
    "purge_cache",
    "refresh",
    "run",
    "schema",
    "status",
    "types",
    "validate",
    "verify",
]

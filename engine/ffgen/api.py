"""The verbs of the library: load, check, plan, run, validate, draft, types. Each is short; the rooms below do the work.

Nothing here prints, prompts, colours or exits. Everything works inline in a plain script or a notebook.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict, Unpack, overload

from msgspec import structs

from ffgen.chat.chat import Chat
from ffgen.chat.sessions import ChatView, Sessions
from ffgen.chat.standing import Asking, Reply, Tools
from ffgen.draft.drafting import Draft, Question, draft_of
from ffgen.draft.mapping import draft_of_map, spec_document
from ffgen.draft.modelled import How, draft_by_model
from ffgen.draft.providers import ModelChoice
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.compile import ASKS_FACTOR, Plan, chosen, compile_plan, lay_out
from ffgen.plan.estimate import FieldView, PlanView, view_plan
from ffgen.plan.inspect import inspect, inspect_rest
from ffgen.plan.kinds import KindView, ParameterView, kinds
from ffgen.plan.schema import spec_schema
from ffgen.plan.settle import settle
from ffgen.plan.ways import ways_of
from ffgen.run.cache import CacheView, measure_cache, purge_cache
from ffgen.run.explain.refused import refused_rows
from ffgen.run.explain.row import explain_row
from ffgen.run.explain.story import Explanation, FieldStory, Refusals, RefusedRows
from ffgen.run.find import files_of
from ffgen.run.frames import Frames
from ffgen.run.freshness import Refreshed, Task, bring_up, look_at
from ffgen.run.ledger import digest_of, is_fresh
from ffgen.run.options import Options, run_to_end
from ffgen.run.origin import Known, known_of, plan_of
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
"""A spec: the path of a YAML or JSON file, or the same as plain Python values. A provider map is one, too."""


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
    return structs.replace(view_plan(plan, findings or []), ways=ways_of(plan.spec))


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


def explain(
    output: str | os.PathLike[str],
    line: int,
    *,
    spec: Source | Spec | None = None,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Explanation:
    """Who made each value of one row of an output, and whether the row is made so again: `agrees` says no where the
    file was changed. Asks nobody.

    `line` counts from 1: lines of JSON, records of a CSV with the header as line 1, rows of Parquet. The spec is the
    one that the run noted, or `spec`, with `assign` over it; where its seed or count are not those of the run, these
    are put in. `table` is for an output that nothing is known of. `cache_dir` is where the run's replies are kept,
    unless it noted that.

    Costs what drawing the row's shard costs, where the gate keeps rows apart what drawing those before it does; of
    asked rows 10 us for each one before. Raises UsageError where no spec is known or the line is none.
    """
    path = os.fspath(output)
    known = known_of(path)
    made = _explained(path, known, spec, assign, origin, allow_plugins)
    return explain_row(path, line, known, made, table, None if cache_dir is None else os.fspath(cache_dir))


def explain_refused(
    output: str | os.PathLike[str],
    *,
    samples: int = 3,
    shards: int = 16,
    spec: Source | Spec | None = None,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    table: str | None = None,
    allow_plugins: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
) -> RefusedRows:
    """Why rows of an output were refused while it was made: each reason with its count and some of the rows.

    Of a drawn table the first `shards` are drawn again; of an asked one all kept replies are read. The rest as in
    `explain`.
    """
    path = os.fspath(output)
    known = known_of(path)
    made = _explained(path, known, spec, assign, origin, allow_plugins)
    cache = None if cache_dir is None else os.fspath(cache_dir)
    return refused_rows(path, known, made, table, cache, samples, shards)


def _explained(
    path: str,
    known: Known,
    source: Source | Spec | None,
    assigned: Mapping[str, Any] | None,
    origin: Mapping[str, str] | None,
    allow_plugins: bool,
) -> Plan:
    """The plan by which an output was made: the noted one, or that of a spec, as it is or with what the run changed
    in it as far as that is noted."""
    if source is None:
        if assigned:
            raise UsageError("`assign` needs a spec to be put over.", hint="Name it: --spec SPEC.")
        return plan_of(path, known, allow_plugins)
    made = plan(source, assign=assigned, origin=origin, allow_plugins=allow_plugins)
    if isinstance(source, Spec) or not known.by or made.spec_hash == known.spec_hash:
        return made
    noted = {"seed": known.seed} | ({} if made.spec.tables else {"dataset.count": known.records})
    for more in (noted, {**noted, "dataset.mode": "local"}):
        try:
            other = plan(source, assign={**more, **(assigned or {})}, origin=origin, allow_plugins=allow_plugins)
        except UsageError:
            continue
        if other.spec_hash == known.spec_hash:
            return other
    return made


class Drafting(TypedDict, total=False):
    """How `draft` goes about it where a model is to draft, and what was answered."""

    answers: Mapping[str, Any] | None
    endpoint: str | None
    model: str | None
    api: Literal["auto", "ollama", "openai", "anthropic"]
    key: str | None
    timeout: float | str | None
    local_only: bool
    model_only: bool
    fresh: bool
    cache_dir: str | os.PathLike[str] | None
    isolate: bool


def draft(
    description: str | os.PathLike[str] | Mapping[str, Any],
    *,
    rows: int | Mapping[str, int] | None = None,
    seed: int = 0,
    **settings: Unpack[Drafting],
) -> Draft:
    """A spec made of a description in plain words: by ffgen itself, offline and in milliseconds, or by a model where
    `endpoint` names one. The spec is loaded, checked and planned before it is returned.

    A path or a mapping is a provider map (`{"name": "person.fullName", ...}`), and its spec needs no model.

    - `rows` is how many records the table has that the description is about (1000 unless it says), or a mapping of
      tables to counts.
    - `answers`: to the draft's questions, by id, `{"count:orders": 500}`. The same description with answers is the
      draft with those in it; what is left open has the default that the spec holds.
    - `endpoint`, `model`, `api`, `key`: the model and how it is spoken to. `endpoint` is a URL, `embedded`, `openai` or
      `anthropic`; nobody else is asked. `timeout` is for one request, in seconds or as "90s"; 120 s unless said.
    - The model is asked once, and again with what is wrong, three times in all. Then, or where it can't be asked, the
      draft is ffgen's own, with a note; with `model_only` a DraftError or EndpointError.
    - A model's draft is kept by description (whatever its case and spaces), model and version of ffgen, in `cache_dir`;
      requests for the same one at the same time, from any processes, ask once. `fresh` asks anew.
    - `local_only` refuses a model. `isolate` lets this process connect to no other host, for good.

    UsageError for a description that names nothing, is longer than 20,000 characters or holds control characters.
    """
    unknown = settings.keys() - Drafting.__annotations__.keys()
    if unknown:
        raise TypeError(f"draft() got an unexpected keyword argument {min(unknown)!r}")
    counts = {name: _row_count(count) for name, count in rows.items()} if isinstance(rows, Mapping) else rows
    wanted = _row_count(counts) if isinstance(counts, int) else counts
    endpoint, answers = settings.get("endpoint"), settings.get("answers")
    if not isinstance(description, str):
        document = of_value(description) if isinstance(description, Mapping) else read(description)
        return draft_of_map(document, wanted, seed, _proved)
    if endpoint is None and settings.get("model") is not None:
        raise UsageError("Where is the model?", hint="Name its server: --endpoint URL, or FFGEN_LLM_BASE_URL.")
    if endpoint is None:
        return draft_of(description, wanted, seed, check, answers)
    if settings.get("local_only"):
        raise UsageError("A model is named, and none may be asked.", hint="Leave out one of them.")
    limit, cache_dir = settings.get("timeout"), settings.get("cache_dir")
    choice = ModelChoice(
        endpoint=endpoint,
        name=settings.get("model"),
        api=settings.get("api", "auto"),
        key=settings.get("key"),
        timeout=120.0 if limit is None else seconds(limit),
    )
    how = How(
        fresh=settings.get("fresh", False),
        model_only=settings.get("model_only", False),
        isolate=settings.get("isolate", False),
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
    )
    return draft_by_model(description, wanted, seed, _proved, answers, choice, how)


def chat(
    resume: str | None = None,
    *,
    rows: int | Mapping[str, int] | None = None,
    seed: int = 0,
    yes: bool = False,
    **settings: Unpack[Drafting],
) -> Chat:
    """A conversation about data that is to be: lines in, a spec that grows out. Prints nothing, and asks nobody itself.

    `resume` goes on with a kept one: its id, the beginning of it, or "last". `rows` and `seed` as for `draft`, for what
    is said first; `yes` makes the data without a last question. Settings as for `draft`: which model hears what the
    rules don't, if any; `answers` are the conversation's own. What was said is kept in the user's state folder
    (FFGEN_STATE_DIR) before it is answered. UsageError for an id that is not there.
    """
    if settings.pop("answers", None):
        raise UsageError("`answers` can't be given to chat().", hint="Answer in the conversation.")
    sessions = Sessions()

    def by_setting(text: str, answers: Mapping[str, str] | None = None) -> Draft:
        settings["answers"] = answers
        return draft(text, rows=rows, seed=seed, **settings)

    def own(text: str, answers: Mapping[str, str] | None = None) -> Draft:
        return draft(text, rows=rows, seed=seed, answers=answers)

    tools = Tools(draft=by_setting, own=own, check=_proved)
    return Chat(tools, sessions, sessions.find(resume) if resume else "", yes=yes)


def chats() -> list[ChatView]:
    """The kept conversations of this user, the last one gone on with first."""
    return Sessions().listed()


def export_chat(id: str) -> str:
    """A kept conversation as a YAML spec, its transcript below as comments. `id` as in `chat`. UsageError."""
    return chat(id).export()


def delete_chat(id: str) -> str:
    """Forgets a kept conversation: the id that was meant. UsageError for one that is not there."""
    sessions = Sessions()
    found = sessions.find(id)
    sessions.delete(found)
    return found


def _proved(spec: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with a spec, up to its plan."""
    findings = check(spec)
    if not any(finding.severity == "error" for finding in findings):
        try:
            plan(spec)
        except SpecError as error:
            return list(error.findings)
        except UsageError as error:
            return [Finding("", error.what, error.hint)]
    return findings


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
    document = spec_document(of_value(source) if isinstance(source, Mapping) else read(source))
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
    "Asking",
    "CacheView",
    "Chat",
    "ChatView",
    "Draft",
    "Drafting",
    "Explanation",
    "Fault",
    "FieldStory",
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
    "Refusals",
    "RefusedRows",
    "Reply",
    "Report",
    "RunView",
    "Source",
    "Spec",
    "TableValidity",
    "Validity",
    "Verification",
    "chat",
    "chats",
    "check",
    "delete_chat",
    "describe",
    "destinations",
    "draft",
    "explain",
    "explain_refused",
    "export_chat",
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

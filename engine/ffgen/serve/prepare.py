"""From what a request asks for to a plan: in a maker, which may take its time and may be ended."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

import ffgen
from ffgen.errors import Finding, SpecError
from ffgen.run.endpoints import read_key
from ffgen.run.outputs import file_name
from ffgen.serve.allowed import admitted
from ffgen.serve.problem import Refused
from ffgen.serve.settings import MOST_ASKED_ROWS, MOST_DRAWN_ROWS, MOST_JOB_ROWS, MOST_ROWS, QUICK_ROWS, ROWS
from ffgen.serve.wire import Slip, TablePlan
from ffgen.spec.model import Model

JOBS = "POST /jobs takes the same body and makes more."


class Kit(Struct):
    """What a maker knows of its service: models by name, and what of installed packages requests may use."""

    models: dict[str, dict[str, Any]] = {}
    generators: list[str] = []


class Errand(Struct, kw_only=True, omit_defaults=True):
    """What a maker is asked to do, and what the request said."""

    do: Literal["make", "settle", "draft", "check", "pack"]
    description: str | None = None
    spec: dict[str, Any] | None = None
    rows: int | None = None
    seed: int | None = None
    model: str | None = None
    answers: dict[str, Any] = {}
    format: str = "csv"
    quick: bool = False
    """Whether anything larger than a quick answer is to be left to others."""
    files: list[tuple[str, str]] = []
    """For `pack`: paths, and what they are called in the ZIP file."""


class Head(Struct, kw_only=True):
    """What an answer is about, known before its first row."""

    name: str
    author: str
    tables: list[TablePlan]
    table: str
    seed: int
    spec_hash: str
    asks: bool
    is_large: bool = False


class Settled(Struct, kw_only=True):
    """A job's spec, as `ffgen run` takes it, and what it makes. `bytes` is an estimate."""

    head: Head
    spec: dict[str, Any]
    bytes: int


class Prepared(Struct):
    """A plan, the spec it came from, and what is to be said of it."""

    plan: ffgen.Plan
    spec: dict[str, Any]
    head: Head


def prepare(errand: Errand, kit: Kit) -> Prepared:
    """The plan of a request. Refused, or an FfgenError that `refusal_of` knows what to do with."""
    name = finest = author = ""
    if errand.description is not None:
        drafted = draft(errand, kit)
        spec = admitted(drafted.spec, {}, kit.generators)  # a model may have written it
        name, finest, author = drafted.name, drafted.finest, drafted.author
    else:
        spec = admitted(errand.spec or {}, kit.models, kit.generators)
        if errand.rows is not None:
            spec = with_rows(spec, finest_of(spec), errand.rows)
    if errand.seed is not None:
        spec = {**spec, "seed": errand.seed}
    plan = ffgen.plan(spec)
    tables = tables_of(plan)
    table = finest if finest in [one.name for one in tables] else finest_of(spec, tables[-1].name)
    head = Head(
        name=name or file_name(table),
        author=author,
        tables=tables,
        table=table,
        seed=plan.spec.seed,
        spec_hash=plan.spec_hash,
        asks=asks(plan),
    )
    return Prepared(plan, spec, head)


def draft(errand: Errand, kit: Kit) -> ffgen.Draft:
    """The draft of a description, with its finest table as long as was asked for: 1000 rows where nobody says. A model
    is asked once at most for the two of them: its draft is kept. Whoever names a model wants no other's draft."""
    description, rows = errand.description or "", errand.rows
    settings: dict[str, Any] = {"seed": errand.seed or 0, "answers": errand.answers or None}
    if errand.model is not None:
        settings |= author_of(errand.model, kit)
    first = ffgen.draft(description, **settings)
    if rows is None and any(question.about == "count" for question in first.questions):
        rows = ROWS
    if rows is None:
        return first
    second = ffgen.draft(description, rows={first.finest: rows}, **settings)
    return msgspec.structs.replace(second, kept=first.kept, calls=first.calls)


def author_of(name: str, kit: Kit) -> dict[str, Any]:
    """A model of the operator's, as `ffgen.draft` takes it."""
    if name not in kit.models:
        what = f"There is no model {name!r}."
        hint = f"There are: {', '.join(kit.models)}." if kit.models else "Leave it out: the operator has named none."
        raise Refused("body", what, hint, [Slip(pointer="#/model", detail=what)])
    model = msgspec.convert(kit.models[name], Model)
    endpoints = [model.endpoint] if isinstance(model.endpoint, str) else model.endpoint or []
    return {
        "endpoint": endpoints[0],
        "model": model.name,
        "api": model.api,
        "key": read_key(model.key, None),
        "timeout": model.timeout,
        "model_only": True,
    }


def tables_of(plan: ffgen.Plan) -> list[TablePlan]:
    """All tables that a plan makes, and their rows."""
    if plan.is_drawn:
        return [TablePlan(name=layout.table, rows=layout.count) for layout in plan.layouts]
    return [TablePlan(name=plan.dataset.name, rows=plan.dataset.count)]


def asks(plan: ffgen.Plan) -> bool:
    """Whether a model is asked for anything."""
    return not plan.is_drawn or (plan.spec.model is not None and ffgen.describe(plan).mode != "local")


def finest_of(spec: Mapping[str, Any], otherwise: str = "records") -> str:
    """The table that no other refers to, the last one of several; lookup tables don't count."""
    several = spec.get("tables")
    listed = several if isinstance(several, list) and several else [spec.get("dataset")]
    tables = [table for table in listed if isinstance(table, Mapping)]
    referred = {target for table in tables for target in _targets(table)}
    names = [str(table.get("name", otherwise)) for table in tables if not table.get("rows")]
    return next((name for name in reversed(names) if name not in referred), names[-1] if names else otherwise)


def _targets(table: Mapping[str, Any]) -> set[str]:
    found = set()
    fields = table.get("fields")
    for field in fields if isinstance(fields, list) else []:
        ref = field.get("ref") if isinstance(field, Mapping) else None
        to = ref.get("to") if isinstance(ref, Mapping) else ref
        if isinstance(to, str):
            found.add(to.partition(".")[0])
    return found


def with_rows(spec: Mapping[str, Any], table: str, rows: int) -> dict[str, Any]:
    """The spec with another count of one table."""
    if isinstance(spec.get("dataset"), Mapping):
        return {**spec, "dataset": {**spec["dataset"], "count": rows}}
    tables = spec.get("tables")
    if not isinstance(tables, list):
        return dict(spec)
    changed = [
        {**one, "count": rows} if isinstance(one, Mapping) and one.get("name") == table else one for one in tables
    ]
    return {**spec, "tables": changed}


def check_size(prepared: Prepared, zipped: bool) -> None:
    """Refused where an answer would be too large to be streamed. Sets `is_large` where it is not quick."""
    head = prepared.head
    total = sum(table.rows for table in head.tables)
    rows = total if zipped else next(table.rows for table in head.tables if table.name == head.table)
    if head.asks and total > MOST_ASKED_ROWS:
        what = f"A model writes at most {MOST_ASKED_ROWS:,} rows for an answer at once, and {total:,} are asked for."
        raise Refused("too-large", what, JOBS, [Slip(pointer="#/rows", detail=what)])
    most = MOST_DRAWN_ROWS if zipped else MOST_ROWS
    if rows > most:
        what = f"An answer at once has at most {most:,} rows, and {rows:,} are asked for."
        raise Refused("rows-out-of-range", what, JOBS, [Slip(pointer="#/rows", detail=what)])
    if total > MOST_DRAWN_ROWS:
        what = f"With the tables that it refers to, {total:,} rows would be drawn; at most {MOST_DRAWN_ROWS:,} are."
        raise Refused("too-large", what, JOBS, [Slip(pointer="#/rows", detail=what)])
    head.is_large = head.asks or total > QUICK_ROWS


def settle(errand: Errand, kit: Kit) -> Settled:
    """A job's spec, checked and with all that a request may leave unsaid."""
    prepared = prepare(errand, kit)
    total = sum(table.rows for table in prepared.head.tables)
    if total > MOST_JOB_ROWS:
        what = f"A job has at most {MOST_JOB_ROWS:,} rows, and {total:,} are asked for."
        raise Refused("rows-out-of-range", what, "Ask for fewer.", [Slip(pointer="#/rows", detail=what)])
    return Settled(head=prepared.head, spec=prepared.spec, bytes=ffgen.describe(prepared.plan).bytes)


def check(errand: Errand, kit: Kit) -> tuple[list[Finding], Prepared | None]:
    """All that is wrong with a spec, and its plan when nothing is."""
    try:
        spec = admitted(errand.spec or {}, kit.models, kit.generators)
    except SpecError as error:
        return list(error.findings), None
    findings = ffgen.check(spec)
    if any(one.severity == "error" for one in findings):
        return findings, None
    return findings, prepare(errand, kit)

"""The verbs of the library: load, check, plan, run, validate. Each is short; the rooms below do the work.

Nothing here prints, prompts, colours or exits. Everything works inline in a plain script or a notebook.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from ffgen.errors import Finding, SpecError
from ffgen.plan.compile import ASKS_FACTOR, Plan, compile_plan, inspect
from ffgen.plan.estimate import FieldView, PlanView, view_plan
from ffgen.plan.schema import spec_schema
from ffgen.run.carry import Options, carry_out, run_to_end
from ffgen.run.frames import Frames
from ffgen.run.report import ProcessUse, Progress, Refusal, Report
from ffgen.run.validate import Validity, validate_data
from ffgen.spec.convert import convert
from ffgen.spec.duration import seconds, size
from ffgen.spec.load import Document, assign, of_value, read
from ffgen.spec.model import Spec

Source = str | os.PathLike[str] | Mapping[str, Any]
"""A spec: the path of a YAML or JSON file, or the same as plain Python values."""


def load(
    source: Source, *, assign: Mapping[str, Any] | None = None, origin: Mapping[str, str] | None = None
) -> Spec:
    """The spec at `source`, with `assign` put over it: dotted paths to values, e.g. `{"dataset.count": 5}`.

    `origin` names where an assigned value came from (`{"dataset.count": "--count"}`), for messages. Raises SpecError
    with every error of the file, those of the plan included.
    """
    spec, findings = _inspected(source, assign, origin)
    if spec is None or any(finding.severity == "error" for finding in findings):
        raise SpecError(findings)
    return spec


def check(
    source: Source, *, assign: Mapping[str, Any] | None = None, origin: Mapping[str, str] | None = None
) -> list[Finding]:
    """Every error and warning of a spec, in file order; an empty list is a good spec. Asks nobody."""
    return _inspected(source, assign, origin)[1]


def plan(
    source: Source | Spec,
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    max_asks: float | None = None,
) -> Plan:
    """What would be done for a spec: a value, made without asking anybody. Raises SpecError."""
    spec = source if isinstance(source, Spec) else load(source, assign=assign, origin=origin)
    return compile_plan(spec, ASKS_FACTOR if max_asks is None else max_asks)


def describe(plan: Plan, findings: list[Finding] | None = None) -> PlanView:
    """A plan in numbers and words: who makes each field, capacity, requests, tokens, money, time."""
    return view_plan(plan, findings or [])


def run(
    source: Source | Spec | Plan,
    to: str | os.PathLike[str] | None = None,
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
    format: str | None = None,
    compression: str | None = None,
    workers: int | None = 0,
    timeout: float | str | None = None,
    max_asks: float | None = None,
    fresh: bool = False,
    clobber: bool = True,
    dedup_memory: int | str | None = None,
    cache_dir: str | None = None,
    audit: str | None = None,
    audit_prompts: str | None = None,
    key: str | None = None,
    isolate: bool = False,
    watch: Callable[[Progress], None] | None = None,
) -> Report | Frames:
    """Makes exactly N unique records: to the file `to` ("-" is standard output), or as polars frames without it.

    A file appears whole or not at all; the report says what it took. Without `to`, the result is an iterator of
    frames whose `report` is there when it is exhausted; closing it early stops the run. `workers` is how many worker
    processes ask and decode (0: all in this process; None: as fits); it never changes a byte. `fresh` asks anew
    instead of using kept replies. `timeout` is for the whole run, in seconds or as "90m"; `max_asks` a multiple of
    the ideal number of requests. `watch` is called about ten times a second. `isolate` lets this process connect to
    no host but the endpoints, for good. Raises an FfgenError that says what, where and what next.
    """
    made = source if isinstance(source, Plan) else plan(source, assign=assign, origin=origin, max_asks=max_asks)
    given: dict[str, Any] = {"timeout": timeout and seconds(timeout), "memory": dedup_memory and size(dedup_memory)}
    options = Options(
        format=format,
        compression=compression,
        workers=workers,
        fresh=fresh,
        clobber=clobber,
        cache_dir=cache_dir,
        audit=audit,
        audit_prompts=audit_prompts,
        key=key,
        isolate=isolate,
        **{name: value for name, value in given.items() if value is not None},
    )
    if to is None:
        return Frames(made, options, watch)
    options = structs.replace(options, to=os.fspath(to))
    return _run(made, options, watch)


def validate(
    source: Source | Spec,
    data: str | os.PathLike[str],
    *,
    assign: Mapping[str, Any] | None = None,
    origin: Mapping[str, str] | None = None,
) -> Validity:
    """Holds the data at a path against a spec: count, uniqueness, constraints. Streams; memory stays flat.

    The rules for invented data (reserved domains) are not applied: the data may be real. Needs no model.
    """
    if isinstance(source, Spec):
        return validate_data(source.dataset, os.fspath(data))
    spec, findings = _inspected(source, assign, origin)
    errors = [finding for finding in findings if finding.severity == "error" and finding.path != "model"]
    if spec is None or errors:
        raise SpecError(errors or findings)
    return validate_data(spec.dataset, os.fspath(data))


def schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors and other programs."""
    return spec_schema()


def _inspected(
    source: Source, assigned: Mapping[str, Any] | None, origin: Mapping[str, str] | None
) -> tuple[Spec | None, list[Finding]]:
    """The spec, None when it can't be read, and all findings about it in file order."""
    try:
        document = _document(source, assigned, origin)
    except SpecError as error:
        return None, list(error.findings)
    spec, findings = convert(document, Spec)
    if spec is not None:
        findings = [*findings, *inspect(spec, document)]
    return spec, sorted(findings, key=lambda finding: (finding.line, finding.column))


def _document(source: Source, assigned: Mapping[str, Any] | None, origin: Mapping[str, str] | None) -> Document:
    document = of_value(source) if isinstance(source, Mapping) else read(source)
    return assign(document, assigned, origin or {}) if assigned else document


def _run(made: Plan, options: Options, watch: Callable[[Progress], None] | None) -> Report:
    """Runs in this thread, or in another one where this one has a loop already (a notebook)."""

    def make() -> Any:
        return carry_out(made, options, watch)

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
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    result: Report = outcome[0]
    return result


__all__ = [
    "FieldView",
    "Finding",
    "Frames",
    "Plan",
    "PlanView",
    "ProcessUse",
    "Progress",
    "Refusal",
    "Report",
    "Source",
    "Spec",
    "Validity",
    "check",
    "describe",
    "load",
    "plan",
    "run",
    "schema",
    "validate",
]

"""The verbs about a spec itself: what is wrong with it, what would be done for it, and what may be in one."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.api.reading import Source, inspected
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.compile import ASKS_FACTOR, Plan, compile_plan
from ffgen.plan.estimate import PlanView, view_plan
from ffgen.plan.kinds import KindView, kinds
from ffgen.plan.schema import spec_schema
from ffgen.plan.ways import ways_of
from ffgen.spec.model import Spec


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
    spec, findings = inspected(source, assign, origin, allow_plugins)
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
    return inspected(source, assign, origin, allow_plugins)[1]


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


def schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors and other programs."""
    return spec_schema()


def types(name: str | None = None) -> list[KindView]:
    """Every type of value and every generator with its page of the manual, or those called `name`.

    Generators of installed packages are among them. UsageError for a name that there is not, and for a package whose
    generator can't be used.
    """
    return kinds(name)

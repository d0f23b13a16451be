"""A spec as every verb takes it: read, with what a call puts over it, and looked through."""

import os
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.draft.mapping import spec_document
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.compile import ASKS_FACTOR, compile_plan
from ffgen.plan.inspect import inspect, inspect_rest
from ffgen.plan.settle import settle
from ffgen.sample.plugins import is_path, load_files
from ffgen.spec.aim import aim
from ffgen.spec.convert import convert, convert_most
from ffgen.spec.load import Document, assign, of_value, read
from ffgen.spec.model import Spec

Source = str | os.PathLike[str] | Mapping[str, Any]
"""A spec: the path of a YAML or JSON file, or the same as plain Python values. A provider map is one, too."""


def inspected(
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


def proved(source: Source) -> list[Finding]:
    """What is wrong with a spec, up to its plan."""
    spec, findings = inspected(source, None, None)
    if spec is None or any(finding.severity == "error" for finding in findings):
        return findings
    try:
        compile_plan(spec, ASKS_FACTOR)
    except SpecError as error:
        return list(error.findings)
    except UsageError as error:
        return [Finding("", error.what, error.hint)]
    return findings


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

"""The models that an operator offers: a file of names, each with the `model:` of a spec."""

import os
from typing import Any

from msgspec import to_builtins

from ffgen.errors import Finding, SpecError
from ffgen.spec.convert import convert
from ffgen.spec.load import of_value, read
from ffgen.spec.model import Model


def models_of(path: str) -> dict[str, dict[str, Any]]:
    """The models of a file. SpecError with all that is wrong with it, DestinationError when it can't be read."""
    document = read(path)
    if not isinstance(document.value, dict):
        what = "this is no list of models."
        raise SpecError([Finding("", what, "Write NAME: {endpoint: ..., name: ...}, a line each.", file=path)])
    return {str(name): checked(str(name), model, path) for name, model in document.value.items()}


def checked(name: str, model: Any, path: str) -> dict[str, Any]:
    """One model, with paths that count from the file's folder."""
    if not isinstance(model, dict):
        raise SpecError([Finding(name, "this is no model.", "Write {endpoint: ..., name: ...}.", file=path)])
    made, findings = convert(of_value(model), Model)
    if made is None or findings:
        raise SpecError([_at(finding, name, path) for finding in findings])
    if made.endpoint is None:
        raise SpecError([Finding(name, "no endpoint is named.", "Give `endpoint: URL`, or `embedded`.", file=path)])
    plain: dict[str, Any] = {key: value for key, value in to_builtins(made).items() if key in model}
    if made.key is not None and made.key.file:
        folder = os.path.dirname(os.path.abspath(path))
        plain["key"] = {"file": os.path.join(folder, os.path.expanduser(made.key.file))}
    return plain


def _at(finding: Finding, name: str, path: str) -> Finding:
    return Finding(f"{name}.{finding.path}", finding.what, finding.hint, finding.severity, file=path)

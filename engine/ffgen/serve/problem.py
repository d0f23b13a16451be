"""Errors over HTTP: problem+json that says what, where and what next (RFC 9457). Never a traceback."""

import re
from collections.abc import Mapping, Sequence

from ffgen.errors import (
    DestinationError,
    EndpointError,
    FfgenError,
    Finding,
    LockedError,
    ShortfallError,
    SpecError,
    TimeLimitError,
    UsageError,
)
from ffgen.serve.wire import Problem, Slip

MEDIA = "application/problem+json"
TITLES = {
    "syntax": (400, "The body is not JSON"),
    "body": (422, "The body is not what this route takes"),
    "rows-out-of-range": (422, "That many rows can't be had here"),
    "too-large": (422, "Too large for an answer at once"),
    "description": (422, "The description can't be made into data"),
    "spec": (422, "The spec is wrong"),
    "forbidden-in-spec": (422, "A request can't say that"),
    "shortfall": (422, "So many distinct rows could not be made"),
    "unauthorized": (401, "A token is needed"),
    "host": (421, "This host name is not the service's"),
    "origin": (403, "This web page may not use the service"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "This route has other methods"),
    "conflict": (409, "Not in this state"),
    "gone": (410, "The data are gone"),
    "media-type": (415, "Send JSON"),
    "too-long": (413, "The request is too long"),
    "idempotency-key": (422, "The Idempotency-Key was used for another request"),
    "header": (400, "A header can't be read"),
    "parameter": (400, "A parameter can't be read"),
    "range": (416, "That range is not in the file"),
    "timeout": (408, "The request took too long to arrive"),
    "rate": (429, "Too many requests"),
    "busy": (503, "Busy"),
    "model-away": (503, "The model can't be asked"),
    "disk": (507, "No room"),
    "internal": (500, "A bug in ffgen"),
}
"""Every kind of problem: its status and title. `type` is `urn:ffgen:problem:` and the kind."""


class Refused(Exception):
    """A request that ends with a problem. `headers` go with it."""

    def __init__(
        self,
        kind: str,
        detail: str,
        hint: str = "",
        errors: Sequence[Slip] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = dict(headers or {})
        status, title = TITLES[kind]
        self.problem = Problem(
            type=f"urn:ffgen:problem:{kind}",
            title=title,
            status=status,
            detail=detail,
            hint=hint,
            errors=list(errors),
        )


def refusal_of(error: FfgenError, described: bool = False) -> Refused:
    """One of our errors as a problem. `described`: the spec was made of a description, so nothing in it was said by
    whoever asks."""
    match error:
        case SpecError() if not described:
            found = [one for one in error.findings if one.severity == "error"]
            return Refused("spec", str(error), _hint(found), [slip_of(one) for one in error.findings])
        case SpecError():
            hint = "Ask for fewer rows, or say it in other words; POST /draft shows the spec."
            first = next((one for one in error.findings if one.severity == "error"), None)
            detail = f"{first.what} {first.hint}".strip() if first else error.what
            return Refused("description", detail, hint, [Slip(pointer="#/description", detail=detail)])
        case UsageError() if described:
            return Refused("description", error.what, error.hint, [Slip(pointer="#/description", detail=error.what)])
        case UsageError():
            return Refused("spec", error.what, error.hint)
        case TimeLimitError():
            return Refused("too-large", error.what, "POST /jobs takes the same body and has the time.")
        case ShortfallError():
            return Refused("shortfall", error.what, error.hint)
        case EndpointError():
            return model_away()
        case LockedError():
            return Refused("conflict", error.what, error.hint)
        case DestinationError():
            return Refused("disk", "The service can't write its files.", "Tell its operator; its log says more.")
        case _:
            return internal()


def model_away() -> Refused:
    """What a client hears of a model that can't be asked: where it is, is the operator's affair."""
    hint = "Try again later, or without `model`; the operator's log says more."
    return Refused("model-away", "The model can't be asked now.", hint, headers={"Retry-After": "30"})


def internal() -> Refused:
    """What a client hears of a bug: the log has the rest, by the request's id."""
    return Refused("internal", "Something went wrong that should not.", "Tell the operator the `instance` of this.")


def slip_of(finding: Finding) -> Slip:
    """A finding about the spec of a request."""
    return Slip(
        pointer="/".join(["#", "spec", *steps(finding.path)]),
        detail=finding.what,
        hint=finding.hint,
        severity=finding.severity,
    )


def steps(path: str) -> list[str]:
    """A path such as `dataset.fields[3].range`, as the steps of a JSON pointer."""
    found = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)', path)
    return ["".join(parts).replace("~", "~0").replace("/", "~1") for parts in found]


def _hint(errors: Sequence[Finding]) -> str:
    first = errors[0].hint if errors else ""
    return first or "POST /validate lists all that is wrong with a spec; GET /schema has its keys."

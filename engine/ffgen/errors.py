"""Every exception of ffgen.

    FfgenError                      a caller can catch "ffgen failed"
    |-- CheckFailed            1    ran, and the answer is no
    |-- UsageError             2    what was asked for can't be
    |   |-- SpecError          2    the spec is wrong: all findings at once
    |   `-- DraftError         2    a model could not make a spec of a description
    |-- ShortfallError         3    N can't be reached with this model and this budget
    |   `-- TimeLimitError     3    out of time
    |-- DestinationError       4    the destination can't be written or read
    |-- EndpointError          5    the model can't be asked
    |-- LockedError            6    another run holds the destination
    |-- InternalError         70    a bug, or a process that died
    |-- ReaderGone           141    the reader of standard output went away
    `-- Interrupted      130/143    a signal

Each says what, where and what next: `what` (one sentence), `hint` (what to do), and the exit code that a
command line ends with. All survive pickling, so they can cross processes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


class FfgenError(Exception):
    """Base of all errors of ffgen. `what` is one sentence; `hint` says what to do next."""

    exit_code = 70

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()


def _rebuild(kind: type[FfgenError], args: tuple[Any, ...], values: dict[str, Any]) -> FfgenError:
    error = kind.__new__(kind)
    Exception.__init__(error, *args)
    error.__dict__.update(values)
    return error


class CheckFailed(FfgenError):
    """A check ran to its end and the answer is no."""

    exit_code = 1


class UsageError(FfgenError):
    """What was asked for can't be: an unknown format, a flag that contradicts another."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, or worth knowing, in a spec.

    `line` and `column` count from 1; 0 means the spec did not come from a file. `path` is dotted with indices
    (`dataset.fields[3].range`). `source` is the line of the file as it stands there, for the caret.
    """

    path: str
    what: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""

    @property
    def where(self) -> str:
        """`file:line:column`, as editors and terminals link it; empty when there is no file."""
        if not self.file:
            return ""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        parts = [part for part in (self.where, f"at {self.path}" if self.path else "") if part]
        place = " ".join(parts)
        return f"{place}: {self.what} {self.hint}".strip(": ").strip()


class SpecError(UsageError):
    """The spec is wrong. Carries every finding of the file, in file order."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = sum(finding.severity == "error" for finding in self.findings)
        first = next((f for f in self.findings if f.severity == "error"), None)
        more = f" (and {count - 1} more)" if count > 1 else ""
        super().__init__(f"{first}{more}" if first else "The spec is wrong.")


class DraftError(UsageError):
    """A model's answers could not be made into a spec. `findings` say what was wrong with the last one."""

    def __init__(self, what: str, *, hint: str = "", findings: Sequence[Finding] = ()) -> None:
        super().__init__(what, hint=hint)
        self.findings = tuple(findings)


class ShortfallError(FfgenError):
    """N distinct records could not be reached."""

    exit_code = 3


class TimeLimitError(ShortfallError):
    """The run's time limit passed. What was paid for is kept: the same command goes on from there."""


class DestinationError(FfgenError):
    """A destination, or a file to read, can't be used: full disk, permission, missing folder. `number` is the system's
    for what happened, 0 where it was not the system that said so."""

    exit_code = 4
    number = 0


class EndpointError(FfgenError):
    """The model can't be asked: nothing listens, the model is missing, the server refuses."""

    exit_code = 5


class LockedError(FfgenError):
    """Another run holds the destination."""

    exit_code = 6


class InternalError(FfgenError):
    """A bug of ffgen, or one of its processes died."""

    exit_code = 70


class ReaderGone(FfgenError):
    """The reader of standard output closed it (`| head`): the run ends quietly."""

    exit_code = 141


class Interrupted(FfgenError):
    """SIGINT or SIGTERM. What was paid for is kept."""

    def __init__(self, signal: int, what: str = "", *, hint: str = "") -> None:
        super().__init__(what or f"Stopped by signal {signal}.", hint=hint)
        self.signal = signal

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """128 and the signal's number, as shells count."""
        return 128 + self.signal

"""What a person sees: errors with their source line, notes, colour, width. Results go to standard output, all else
to standard error; only colour and width depend on what is at the other end.

Imports nothing heavy: the way to `ffgen --help` and to an error passes here.
"""

import json
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import click

from ffgen.errors import DestinationError, FfgenError, Finding, ReaderGone, SpecError

SHOWN = 20
"""Findings of one file that are shown in full; the rest are counted."""

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """Text without what a terminal would obey: escapes, other control characters, changes of direction."""
    return UNSAFE.sub("", str(text))


def wants_color(choice: str, stream: IO[Any], environ: Mapping[str, str]) -> bool:
    """`always` and `never` win; then NO_COLOR, FORCE_COLOR, TERM=dumb; then whether `stream` is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


@dataclass(slots=True)
class Terminal:
    """The two streams, and how to write to them. Made anew once the settings are known."""

    errors: str = "text"
    color: str = "auto"
    quiet: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Columns of the terminal (COLUMNS first), 80 where there is none, at least 40."""
        return max(40, shutil.get_terminal_size((80, 24)).columns)

    def colored(self, stream: IO[Any]) -> bool:
        """Whether colour goes to this stream."""
        return wants_color(self.color, stream, self.environ)

    def say(self, text: str) -> None:
        """A result, to standard output."""
        try:
            click.echo(text, color=self.colored(sys.stdout))
        except BrokenPipeError as error:
            raise ReaderGone("The reader of standard output went away.") from error
        except OSError as error:
            raise DestinationError(f"Standard output can't be written: {error.strerror}.") from error

    def always(self, text: str) -> None:
        """What a person must see, to standard error, even when quiet."""
        click.echo(text, err=True, color=self.colored(sys.stderr))

    def note(self, text: str) -> None:
        """Narration, to standard error; nothing when quiet."""
        if not self.quiet:
            self.always(text)

    def fail(self, error: FfgenError) -> None:
        """An error, to standard error, in the form that --errors asks for. Shown even when quiet."""
        self.always(self._form(error))

    def warn(self, findings: Sequence[Finding]) -> None:
        """Findings that stop nothing, to standard error."""
        if findings and not self.quiet:
            self.always(self.findings(findings))

    def findings(self, findings: Sequence[Finding]) -> str:
        """Findings in the form that --errors asks for, the first of them in full."""
        if self.errors == "json":
            return json.dumps({"schema_version": 1, "findings": [asdict(one) for one in findings]})
        if self.errors == "github":
            return "\n".join(map(annotation, findings))
        shown = [explain(one, self.width) for one in findings[:SHOWN]]
        if len(findings) > SHOWN:
            shown.append(f"and {len(findings) - SHOWN} more")
        return "\n\n".join(shown)

    def _form(self, error: FfgenError) -> str:
        findings = error.findings if isinstance(error, SpecError) else ()
        if self.errors == "json":
            return json.dumps(error_document(error))
        if findings:
            return self.findings(findings)
        if self.errors == "github":
            return annotation(Finding(path="", what=error.what, hint=error.hint))
        return "\n".join([_heading("error", "", self.width, error.what), *_help(error.hint, self.width)])


def error_document(error: FfgenError) -> dict[str, Any]:
    """An error for programs: one object, keys only ever added."""
    findings = error.findings if isinstance(error, SpecError) else ()
    return {
        "schema_version": 1,
        "message_type": "exit_error",
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "what": error.what,
        "hint": error.hint,
        "findings": [asdict(one) for one in findings],
    }


def explain(finding: Finding, width: int) -> str:
    """One finding for people: where, what, the line with a caret, what to do."""
    where = " at ".join(part for part in (finding.where, finding.path) if part)
    if where:
        lines = [_heading(finding.severity, where, width), *_wrap(finding.what, width, "  ")]
    else:
        lines = [_heading(finding.severity, "", width, finding.what)]
    if finding.source.strip() and finding.line:
        lines += _excerpt(finding, width)
    return "\n".join([*lines, *_help(finding.hint, width)])


def annotation(finding: Finding) -> str:
    """One finding as a workflow command of GitHub Actions, which shows it beside the line."""
    places = {"file": finding.file, "line": finding.line or "", "col": finding.column or "", "title": finding.path}
    given = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in places.items() if value)
    return f"::{finding.severity} {given}".rstrip() + f"::{_escaped(f'{finding.what} {finding.hint}'.strip())}"


def _escaped(text: str, also: str = "") -> str:
    text = clean(text.replace("\r\n", "\n"))
    for sign in "%\n" + also:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _heading(severity: str, where: str, width: int, what: str = "") -> str:
    label = click.style(f"{severity}:", fg="red" if severity == "error" else "yellow", bold=True)
    if where:
        return f"{label} {click.style(clean(where), bold=True)}"
    first, *rest = _wrap(what, width, "  ", first=f"{severity}: ") or [f"{severity}: "]
    return "\n".join([label + first.removeprefix(f"{severity}:"), *rest])


def _help(hint: str, width: int) -> list[str]:
    if not clean(hint).strip():
        return []
    first, *rest = _wrap(hint, width, "        ", first="  help: ")
    return [click.style("  help:", fg="cyan") + first.removeprefix("  help:"), *rest]


def _wrap(text: str, width: int, indent: str, first: str | None = None) -> list[str]:
    """Paragraphs keep their own line breaks; a word that is too long (a URL, a path) is never cut."""
    lines: list[str] = []
    for number, paragraph in enumerate(clean(text).splitlines()):
        lead = first if number == 0 and first is not None else indent
        lines += textwrap.wrap(paragraph, width, initial_indent=lead, subsequent_indent=indent,
                               break_long_words=False, break_on_hyphens=False) or [""]  # fmt: skip
    return lines


def _excerpt(finding: Finding, width: int) -> list[str]:
    """The source line, cut to fit around the caret, and the caret under its column as it looks on a screen."""
    gutter = f"{finding.line:>5} | "
    room = width - len(gutter)
    line = clean(finding.source.replace("\t", " ").rstrip("\r\n"))
    at = min(max(finding.column - 1, 0), len(line))
    start = max(0, at - room // 2) if columns(line) > room else 0
    shown = line[start : start + room]
    while columns(shown) > room:
        shown = shown[:-1]
    caret = " " * columns(line[start:at]) + click.style("^", fg="red", bold=True)
    return [f"{gutter}{shown}", f"{' ' * 5} | {caret}"]


def columns(text: str) -> int:
    """Columns that a text takes on a screen: two for a wide character, none for a combining one."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

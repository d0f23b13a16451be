"""What a YAML parser complains about, in our words: libyaml's and the pure parser's wordings alike."""

import re
from typing import Any

import yaml

from ffgen.errors import Finding
from ffgen.spec.document import Path, Text, quoted

# The parser's complaint (a pattern over both wordings), what to say, what to do; {line} is where the construct begins.
_SAID: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a `:` isn't expected here.", "Quote the text it is in, or check the indent."),
    ("unknown escape character", "an unknown escape after `\\`.", "Use single quotes, or double the backslash."),
    (
        "invalid (Unicode )?character escape|chr\\(\\) arg",
        "this escape is no character.",
        "Write characters beyond U+FFFF as \\U and eight digits.",
    ),
    ("escape sequence|hexdecimal", "an escape with too few digits.", "Use single quotes, or double the backslash."),
    ("unexpected end of stream", "the quote opened on line {line} isn't closed.", "Close it."),
    (r"expected ',' or '\]'", "a `,` or `]` is missing here.", "The bracket opens on line {line}."),
    (r"expected ',' or '\}'", "a `,` or `}` is missing here.", "The brace opens on line {line}."),
    ("find expected ':'", "a key without its `:`.", "Write `key: value`, or quote a text of several lines."),
    ("expected '-'", "a list entry (`- `) is expected here.", "Check the indent of this line."),
    ("block sequence entries", "a list entry isn't expected here.", "Check the indent of this line."),
    ("<document start>", "the spec ended before this.", "Indent it, or quote what belongs together."),
    ("node content", "a value is missing here.", "Close brackets in their order, and quote text of punctuation."),
    ("expected key|expected <block end>", "this doesn't fit what stands above.", "Check the indent of this line."),
    ("alphabetic or numeric", "`*` and `&` are not text here.", "Quote the text."),
    ("directive", "this `%` line isn't taken.", "Take it out."),
    ("incompatible YAML", "only YAML 1.1 and 1.2 are read.", "Take the `%YAML` line out."),
    ("tabs|tab character", "a tab can't indent YAML.", "Indent with spaces."),
)


def syntax_finding(error: Exception, text: Text, characters: str, path: Path) -> Finding:
    """The finding for an error of the parser over `characters`, at the place it names."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return text.finding(0, 0, path, f"this can't be read as YAML ({type(error).__name__}).", "Simplify the file.")
    line, column = mark.line + 1, mark.column + 1
    what, hint = _said(error, characters[mark.index : mark.index + 1])
    return text.finding(line, column, path, what, hint)


def _said(error: yaml.MarkedYAMLError, character: str) -> tuple[str, str]:
    problem = str(error.problem or "")
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab can't indent YAML.", "Indent with spaces."
        return f"a plain text can't start with {quoted(character)}.", "Quote the text."
    begins: Any = error.context_mark or error.problem_mark
    for pattern, what, hint in _SAID:
        if re.search(pattern, problem):
            line = begins.line + 1
            return what.replace("{line}", str(line)), hint.replace("{line}", str(line))
    return f"this isn't YAML: {problem}.", "Check the indent and the quotes."

"""Schemas in code, said in words: `CREATE TABLE`, classes and interfaces, an object of JSON. Read, never evaluated.

Only names are taken, and the values of an enumeration: what a field is follows from what it is called.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ffgen.draft.words import plural

_TABLE = re.compile(r"(?i)\bcreate\s+(?:temp(?:orary)?\s+)?table\s+(?:if\s+not\s+exists\s+)?([\w.\"`\[\]]+)\s*\(")
_COLUMN = re.compile(r"\s*[\"`\[]?([A-Za-z_]\w*)[\"`\]]?(\s+[A-Za-z].*)?$", re.DOTALL)
_NO_COLUMN = {"primary", "foreign", "unique", "constraint", "check", "key", "index", "exclude"}
_CHOICES = re.compile(r"(?i)\b(?:enum|in)\s*\(\s*('[^']{1,40}'(?:\s*,\s*'[^']{1,40}'){0,30})\s*\)")
_CLASS = re.compile(
    r"(?m)^[ \t]*(?:export\s+|public\s+|abstract\s+|data\s+|final\s+)*(?:class|interface|struct|model|entity|type)\s+"
    r"([A-Za-z_]\w*)[^\n{:=]*(?:=\s*)?(?:struct\s*)?[:{]\s*$"
)
_MEMBER = re.compile(
    r"^[ \t]+(?:(?:public|private|protected|readonly|static|final|val|var|let)\s+)*"
    r"([A-Za-z_]\w*)\??(?::\s*|\s+)[A-Za-z_\[\"'{][^\n(]*(?:\([^\n]*)?$"
)
_MOST = 80


def in_words(text: str) -> str:
    """The description of a schema; the text as it is where it holds none."""
    if match := next(_TABLE.finditer(text), None):
        return text[: match.start()] + " " + ". ".join(_of_sql(text)) + "."
    if text.lstrip().startswith(("{", "[")) and (said := _of_json(text.strip())):
        return said
    if classes := list(_of_classes(text)):
        return text[: next(_CLASS.finditer(text)).start()] + " " + ". ".join(classes) + "."
    return text


def _of_sql(text: str) -> Iterator[str]:
    for match in _TABLE.finditer(text):
        name = re.split(r"[.]", match[1])[-1].strip('"`[]')
        columns = []
        for part in _parts(text, match.end()):
            column = _COLUMN.match(part)
            if column is None or column[1].lower() in _NO_COLUMN:
                continue
            choices = _CHOICES.search(part)
            columns.append(column[1] + (f" ({choices[1].replace(chr(39), '')})" if choices else ""))
        yield _said(name, columns)


def _parts(text: str, at: int) -> Iterator[str]:
    """What stands between commas up to the bracket that closes."""
    depth, start = 0, at
    for place in range(at, len(text)):
        letter = text[place]
        if letter == "(":
            depth += 1
        elif letter == ")" and depth == 0:
            yield text[start:place]
            return
        elif letter == ")":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _of_classes(text: str) -> Iterator[str]:
    found = list(_CLASS.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        body = text[match.end() : end]
        members = [member[1] for line in body.splitlines() if (member := _MEMBER.match(line))]
        names = [name for name in members if name not in ("return", "def", "pass", "import", "from", "self")]
        if names:
            yield _said(plural(_snake(match[1])), [_snake(name) for name in names])


def _of_json(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    value = _first(value)
    if not isinstance(value, dict):
        return ""
    tables = {key: inner for key, one in value.items() if isinstance(inner := _first(one), dict) and inner}
    if tables and len(tables) == len(value):
        return ". ".join(_said(key, [*inner]) for key, inner in tables.items()) + "."
    names = [key for key in value if not key.startswith("$")]
    return f"records with {', '.join(_named(names))}." if names else ""


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _said(table: str, names: list[str]) -> str:
    named = _named(names)
    return f"table {_snake(table)} with {', '.join(named)}" if named else ""


def _named(names: list[str]) -> list[str]:
    """Names that can be ones: no sentence in a key."""
    return [_snake(name) if " (" not in name else name for name in names if len(name) <= 200][:_MOST]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if name.isidentifier() else name

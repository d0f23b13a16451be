"""A spec as YAML that a person would be glad to edit: a line a field, what was understood on top."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ffgen.draft.request import Question

WIDE, LONG = 1 << 20, 116
_NOTED = re.compile(r"^(?:usual|for the|nothing was|read by)|nobody here|by its last")


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _is_odd(text) else None)


def _is_odd(text: str) -> bool:
    """Whether YAML 1.1 and 1.2 might read a text as two things."""
    return text.lower() in ("y", "n", "yes", "no", "on", "off") or text[:1].isdigit()


_Dumper.add_representer(str, _text)


def flow(value: Any, width: int = WIDE) -> str:
    """A value on one line, or on lines of `width`."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=width, allow_unicode=True
    )
    return text.strip().removesuffix("\n...").strip()


def spec_text(
    spec: Mapping[str, Any], description: str, why: Mapping[str, str], questions: Sequence[Question], command: str = ""
) -> str:
    """The whole file."""
    lines = [f"# {line}" for line in _wrapped(description)]
    lines += ["#", f"#   {command}"] if command else []
    if questions:
        lines += ["#", "# Open, and what stands here until you say:"]
        lines += [f"#   {one.text} -> {one.default}" for one in map(_plain, questions)]
    lines.append("")
    if "dataset" in spec:
        lines.append("dataset:")
        lines += [f"  {line}" for line in _table(spec["dataset"], why)]
    else:
        lines.append("tables:")
        for table in spec["tables"]:
            first, *rest = _table(table, why)
            lines += [f"  - {first}", *(f"    {line}" for line in rest), ""]
        lines.pop()
    for key, value in spec.items():
        if key not in ("dataset", "tables"):
            lines += ["", f"{key}: {flow(value)}"]
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, Any], why: Mapping[str, str]) -> list[str]:
    lines = []
    for key, value in table.items():
        if key == "rows":
            lines += ["rows:", *(f"  - {flow(row)}" for row in value)]
        elif key == "fields":
            lines.append("fields:")
            for field in value:
                lines += [f"  {line}" for line in _field(field, why.get(f"{table['name']}.{field['name']}", ""))]
        else:
            lines.append(f"{key}: {flow(value)}")
    return lines


def _field(field: Mapping[str, Any], why: str) -> list[str]:
    note = " ".join(_printable(why).split()) if _NOTED.search(why) else ""
    line = f"- {flow(dict(field))}"
    if len(line) > LONG:
        lines = [f"# {note}"] if note else []
        first, *rest = [f"{key}: {flow(value, LONG)}" for key, value in field.items()]
        for at, text in enumerate([first, *rest]):
            head, *more = text.split("\n")
            lines += [f"{'  ' if at else '- '}{head}", *(f"    {part.strip()}" for part in more)]
        return lines
    if not note:
        return [line]
    return [f"{line:<60}  # {note}"] if max(len(line), 60) + len(note) < LONG else [f"# {note}", line]


def _plain(question: Question) -> Question:
    clean = [" ".join(_printable(text).split()) for text in (question.text, question.default)]
    return Question(question.about, clean[0], clean[1], question.path, question.choices)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _wrapped(text: str, width: int = 110) -> list[str]:
    """Lines of a comment, as short as an editor shows."""
    words, lines = _printable(text)[:600].split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word[:width]}".strip()
    return lines

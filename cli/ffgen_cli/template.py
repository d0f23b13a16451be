"""Specs to start from: the files in specs/, and the writer for a spec that was put together from answers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ffgen.errors import UsageError

TYPE_OF_NAME = {
    "email": "email", "mail": "email", "phone": "phone", "url": "url", "website": "url", "uuid": "uuid",
    "age": "integer", "quantity": "integer", "year": "integer", "price": "number", "amount": "number",
    "description": "text", "comment": "text", "date": "date", "birthday": "date", "created_at": "datetime",
}  # fmt: skip
FIELD = re.compile(r"([^:=]{1,200})(?::([a-z0-9_]+))?(?:=(.+))?")
CORE_WORD = re.compile(r"(?i)true|false|null|~|[-+.]?[\d.].*|[-+]?\.(inf|nan).*|")
PLAIN_WORD = re.compile(r"[A-Za-z_][\w-]*( [\w-]+)*")


class _Dumper(yaml.SafeDumper):
    """Quotes every text that is not a plain word, so that any YAML reader reads it back as that text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand in from their key, as people write them."""
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    plain = PLAIN_WORD.fullmatch(value) and not CORE_WORD.fullmatch(value)
    odd = value.lower() in ("yes", "no", "on", "off", "y", "n")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain and not odd else '"')


_Dumper.add_representer(str, _text)


def folder() -> Path:
    """Where the templates lie: in the package when installed from a wheel, beside cli/ in a checkout."""
    inside = Path(__file__).parent / "specs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "specs"


def templates() -> dict[str, Path]:
    """Templates by name: those that need no model first."""
    return {path.stem: path for path in sorted(folder().glob("*.yaml"), key=lambda path: (asks(path), path.stem))}


def asks(path: Path) -> bool:
    """Whether a template asks a model."""
    return "\nmodel:" in path.read_text(encoding="utf-8")


def first_comment(path: Path) -> str:
    """What a template says of itself in its first comment line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and "yaml-language-server" not in line:
            return line.lstrip("# ").rstrip()
    return ""


def read_field(text: str) -> dict[str, Any]:
    """A field from `name`, `name:type`, `name:type=18..90` or `name:type=new,paid`."""
    found = FIELD.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text} is no field.", hint="Write name:type, age:integer=18..90, or status:enum=new,paid.")
    name, kind, rest = found[1].strip(), found[2], found[3]
    field: dict[str, Any] = {"name": name, "type": kind or TYPE_OF_NAME.get(name.lower(), "string")}
    if rest and ".." in rest:
        field["range"] = [_value(end) for end in rest.split("..", 1)]
    elif rest:
        field["values"] = [part.strip() for part in rest.split(",") if part.strip()]
        field["type"] = kind or "enum"
    return field


def _value(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text.strip()


def write_spec(spec: Mapping[str, Any]) -> str:
    """A spec as YAML with a line of advice on top."""
    body = yaml.dump(
        dict(spec), Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )
    return f"# Try `ffgen plan` on this file, then `ffgen preview`, then `ffgen run`.\n{body}"

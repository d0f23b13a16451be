"""`ffgen types`: the types of values and the generators, as a list or one by one."""

from __future__ import annotations  # naming a type of the library must not load the library

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

import ffgen
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.report import as_json
from ffgen_cli.session import Session
from ffgen_cli.settings import SHOW
from ffgen_cli.terminal import clean

EPILOG = """
Examples:
  ffgen types
  ffgen types lognormal
  ffgen types person.email --json

A field says what it is with `type`, and how it is drawn with `generator`:
  - {name: amount, type: number, range: [1, 5000], decimals: 2, generator: {name: lognormal, median: 40}}
"""
NAME = 20


def complete(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names for the shell; a second the first time."""
    return sorted({kind.name for kind in ffgen.types() if kind.name.startswith(incomplete)})


@click.command("types", cls=Command, epilog=EPILOG)
@click.argument("name", required=False, shell_complete=complete)
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output: kinds.")
@settings(*LOOKS)
@click.pass_obj
def types(session: Session, /, name: str | None, json_: bool, **flags: Any) -> None:
    """List the types of values and the generators, or explain those called NAME.

    Generators that installed packages offer are among them.
    """
    session.begin(flags, as_json=json_)
    kinds = ffgen.types(name)
    width = min(session.terminal.width, 100)
    if json_:
        session.terminal.say(as_json({"schema_version": 1, "kinds": kinds}))
    elif name is None:
        session.terminal.say("\n\n".join(listing(kinds, width)))
    else:
        session.terminal.say("\n\n".join(page(kind, width) for kind in kinds))


def listing(kinds: Sequence[ffgen.KindView], width: int) -> Iterator[str]:
    """The kinds by family, a line each."""
    for family, members in groupby(kinds, lambda kind: kind.family):
        lines = [click.style(family, bold=True)]
        for kind in members:
            told = f"{kind.summary} ({kind.origin})" if kind.origin else kind.summary
            lines += beside(kind.name, told, width)
        yield "\n".join(lines)


def page(kind: ffgen.KindView, width: int) -> str:
    """One kind: what it is, what it takes, an example."""
    parts = [f"{click.style(kind.name, bold=True)}: {heading(kind)}", wrapped(clean(kind.page), width)]
    if kind.constraints:
        parts.append("\n".join(beside("constraints", ", ".join(kind.constraints), width)))
    if kind.parameters:
        rows = (line for one in kind.parameters for line in beside(one.name, parameter(one), width))
        parts.append("\n".join(["parameters", *rows]))
    if kind.example:
        parts.append("\n".join(["example", textwrap.indent(clean(kind.example), "  ")]))
    return "\n\n".join(parts)


def heading(kind: ffgen.KindView) -> str:
    """What a kind is, on one line."""
    if not kind.types:
        return f"a type, drawn by {kind.drawn_by} unless said" if kind.drawn_by else "a type"
    came = f"of {kind.origin}" if kind.origin else f"({kind.family})"
    return clean(f"a generator {came} of {', '.join(kind.types)}")


def parameter(one: ffgen.ParameterView) -> str:
    """What a parameter takes, and what it means."""
    default = "required" if one.required else f"{one.default} unless said" if one.default else ""
    told = ", ".join(part for part in (one.value, default) if part)
    return f"{told}. {one.meaning}" if one.meaning else told


def beside(label: str, text: str, width: int) -> list[str]:
    """A label with a text beside it, the text wrapped; on a line of its own where it is long."""
    room = max(width - NAME - 2, 20)
    lines = textwrap.wrap(clean(text), room, break_long_words=False, break_on_hyphens=False) or [""]
    if len(label) >= NAME:
        lines.insert(0, "")
    return [f"  {'' if number else clean(label):<{NAME}}{line}".rstrip() for number, line in enumerate(lines)]


def wrapped(text: str, width: int) -> str:
    """A page of the manual: its paragraphs and list entries flow anew, indented lines stay as they are."""
    lines: list[str] = []
    for block in text.split("\n\n"):
        entries: list[str] = []
        for line in block.splitlines():
            if not entries or line.startswith(("- ", "    ")) or entries[-1].startswith("    "):
                entries.append(line)
            else:
                entries[-1] += f" {line.strip()}"
        for entry in entries:
            kept = entry.startswith("    ")
            lines += [entry] if kept else textwrap.wrap(
                entry, width, subsequent_indent="  " if entry.startswith("- ") else "",
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
        lines.append("")
    return "\n".join(lines).rstrip()

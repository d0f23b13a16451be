"""`ffgen init`: a new spec, from a template or from answers."""

import os
import sys
from pathlib import Path
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, SpecError, UsageError
from ffgen_cli.option import LOOKS, OTHER, Command, flag, settings
from ffgen_cli.session import Session
from ffgen_cli.settings import RECORDS
from ffgen_cli.template import first_comment, read_field, templates, write_spec

EPILOG = """
Examples:
  ffgen init --list-templates
  ffgen init --from-template customers
  ffgen init                                asks, on a terminal
  ffgen init --name orders --field id:uuid --field amount:number=1..500 --field status:enum=new,paid

It never asks when standard input is no terminal, or with --no-input: then it says what to pass, and exits with 2.
"""
MISSING = "Pass --from-template NAME (see --list-templates), or --field NAME:TYPE once or more."


@click.command("init", cls=Command, epilog=EPILOG)
@flag("--from-template", "template", metavar="NAME", group=RECORDS, help="Start from one of ffgen's own specs.")
@flag("--list-templates", "list_", is_flag=True, group=RECORDS, help="List those, and end.")
@flag("--name", metavar="NAME", group=RECORDS, help="What the records are called.")
@flag("--about", metavar="TEXT", group=RECORDS, help="What the data is about, in a few words; the model reads it.")
@flag("--field", "fields", multiple=True, metavar="FIELD", group=RECORDS,
      help="A field: name:type, age:integer=18..90, status:enum=new,paid. Repeatable.")  # fmt: skip
@settings("count", "endpoint", "model")
@flag("-o", "--output", metavar="FILE", group=OTHER, help="The spec to write; NAME.yaml unless said, - is standard "
      "output.")  # fmt: skip
@flag("--force", is_flag=True, group=OTHER, help="Replace a file that exists.")
@flag("--no-input", is_flag=True, group=OTHER, help="Never ask.")
@settings(*LOOKS)
@click.pass_obj
def init(
    session: Session,
    /,
    template: str | None,
    list_: bool,
    output: str | None,
    force: bool,
    no_input: bool,
    **flags: Any,
) -> None:
    """Start a new spec, from a template or from a few questions. `ffgen check` accepts what it writes."""
    session.begin({name: flags[name] for name in LOOKS})
    if list_:
        for name, path in templates().items():
            session.terminal.say(f"{name:<16}{first_comment(path)}".rstrip())
        return
    if template is not None:
        text, name = from_template(template), template
    else:
        may_ask = not no_input and sys.stdin.isatty() and sys.stderr.isatty()
        spec = from_answers(ask(flags) if may_ask else given(flags))
        text, name = write_spec(spec), spec["dataset"]["name"]
    save(session, text, output or f"{name}.yaml", force)


def from_template(name: str) -> str:
    """The text of a template."""
    known = templates()
    if name not in known:
        raise UsageError(f"There is no template {name}.", hint=f"There are: {', '.join(known) or 'none'}.")
    return known[name].read_text(encoding="utf-8")


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """The answers that flags hold, when nobody can be asked for the rest."""
    if not flags["fields"]:
        raise UsageError("There is nobody to ask: this is no terminal, or --no-input was given.", hint=MISSING)
    return {
        "name": flags["name"] or "records",
        "about": flags["about"],
        "count": flags["count"] or 100,
        "fields": list(flags["fields"]),
        "endpoint": flags["endpoint"],
        "model": flags["model"],
    }


def ask(flags: dict[str, Any]) -> dict[str, Any]:
    """The answers of flags and, for the rest, of whoever sits at the terminal."""
    answers = {name: flags[name] for name in ("name", "about", "count", "endpoint", "model")}
    if answers["about"] is None:
        answers["about"] = click.prompt("What is the data about", default="customers of a shop", err=True)
    if answers["name"] is None:
        answers["name"] = click.prompt("A name for the records", default="records", err=True)
    if answers["count"] is None:
        answers["count"] = click.prompt("How many", default=100, type=click.IntRange(1), err=True)
    answers["fields"] = list(flags["fields"]) or ask_fields()
    if not answers["endpoint"]:
        said = click.prompt("A model's server, or none to draw the values here", default="none", err=True)
        answers["endpoint"] = [] if said == "none" else [said]
    if answers["model"] is None and answers["endpoint"] not in ([], ["embedded"]):
        answers["model"] = click.prompt("The model's name there", default="llama3.1:8b", err=True)
    return answers


def ask_fields() -> list[str]:
    """Fields until an empty line, at least one."""
    click.echo("Fields, one a line: name, email, age:integer=18..90, status:enum=new,paid. Empty to end.", err=True)
    fields: list[str] = []
    while text := click.prompt(
        f"Field {len(fields) + 1}", default="" if fields else "name", show_default=not fields, err=True
    ).strip():
        try:
            read_field(text)
        except UsageError as error:
            click.echo(f"  {error}", err=True)
            continue
        fields.append(text)
    return fields


def from_answers(answers: dict[str, Any]) -> dict[str, Any]:
    """A spec that the library accepts; its findings are raised otherwise, before anything is written.

    Without a server, values are drawn; where one can't be, the embedded model is asked.
    """
    dataset = {"name": answers["name"], "count": answers["count"], "domain": answers["about"]}
    parts = {
        "dataset": {**dataset, "fields": [read_field(text) for text in answers["fields"]]},
        "output": {"path": f"out/{answers['name']}.jsonl"},
    }
    named = answers["endpoint"]
    if named or answers["model"]:
        tried = [with_model(parts, named[0] if len(named) == 1 else named or "embedded", answers["model"])]
    else:
        tried = [without_nulls(parts), with_model(parts, "embedded", None)]
    wrong = [[finding for finding in ffgen.check(spec) if finding.severity == "error"] for spec in tried]
    if all(wrong):
        raise SpecError(wrong[0])
    return tried[wrong.index([])]


def with_model(parts: dict[str, Any], endpoint: str | list[str], name: str | None) -> dict[str, Any]:
    """The spec with a model, which stands first."""
    return without_nulls({"model": {"endpoint": endpoint, "name": name}, **parts})


def without_nulls(parts: dict[str, Any]) -> dict[str, Any]:
    """The spec without the keys that nothing was said about."""
    return {part: {key: value for key, value in held.items() if value is not None} for part, held in parts.items()}


def save(session: Session, text: str, path: str, force: bool) -> None:
    """The new spec on disk; an existing file is kept unless --force."""
    if path == "-":
        session.terminal.say(text.rstrip("\n"))
        return
    try:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
        with open(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists.", hint="Name another with -o, or replace it with --force.") from error
    except OSError as error:
        raise DestinationError(
            f"{path} can't be written: {error.strerror}.", hint="Name a file in a folder that exists."
        ) from error
    session.terminal.note(f"{Path(path)} written. Next: ffgen plan {path}, then ffgen run {path}")

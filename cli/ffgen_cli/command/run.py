"""`ffgen run`: the main job."""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, UsageError
from ffgen_cli.option import LOGS, LOOKS, Command, flag, settings, takes_spec
from ffgen_cli.progress import display
from ffgen_cli.report import as_json, plan_report, run_report
from ffgen_cli.session import Session, Target, choose_spec, manner, open_spec, target
from ffgen_cli.settings import LOG, SHOW, Settings
from ffgen_cli.terminal import Terminal

EPILOG = """
Examples:
  ffgen run specs/customers.yaml                        as the spec says
  ffgen run specs/customers.yaml -n 50 -o out/c.csv     fifty, as CSV
  ffgen run specs/customers.yaml -o - | head            records to a pipe
  ffgen run specs/shop.yaml -o shop/ -n orders=5000     several tables, a file each
  ffgen run specs/customers-model.yaml --endpoint http://localhost:11434 --model llama3.1:8b
  ffgen run specs/sensors.yaml --local                  draw every field, ask no model
  ffgen run specs/customers.yaml --dry-run              what it would do
  ffgen run specs/customers.yaml --set 'dataset.fields.age.range=[18, 30]'

A run that stops early keeps the replies it has: the same command goes on from there.
Exit 0 means that all N records are there. `ffgen help exit-codes` explains the others.
"""


@click.command("run", cls=Command, epilog=EPILOG)
@takes_spec
@settings("count", "output", "format", "table", "local", "allow_plugins", "seed")
@settings("endpoint", "model", "concurrency", "batch_size")
@settings("workers", "timeout", "max_asks", "fresh", "no_clobber", "dedup_memory", "cache_dir", "labels")
@flag("--dry-run", is_flag=True, group=SHOW, help="Show the plan and what would be written; ask and write nothing.")
@flag("--json", "json_", is_flag=True, group=SHOW, help="The run report as JSON on standard output, or on standard "
      "error when records go to standard output.")  # fmt: skip
@settings("progress", "report", "quiet", *LOOKS)
@flag("-v", "--verbose", count=True, group=LOG, help="Log what happens; -vv logs every request.")
@settings(*LOGS, "audit", "audit_prompts")
@click.pass_obj
def run(
    session: Session,
    /,
    spec: str | None,
    spec_option: str | None,
    sets: tuple[str, ...],
    dry_run: bool,
    json_: bool,
    verbose: int,
    **flags: Any,
) -> None:
    """Make exactly N unique, valid records from SPEC, or fail and say why.

    Records go to the spec's output, to -o, or to standard output. All else goes to standard error.
    """
    chosen = session.begin(flags, verbose=verbose, as_json=json_, log=True)
    terminal = session.terminal
    wanted = target(choose_spec(spec, spec_option, "run"), chosen, sets)
    if dry_run:
        show_plan(terminal, *prepare(terminal, wanted, chosen), chosen["table"], json_)
        return
    with display(progress_style(chosen["progress"], json_), terminal) as watch:
        # The bar is up while the library loads, which takes longer than all of this.
        made, output = prepare(terminal, wanted, chosen)
        if output.path == "-" and sys.stdout.isatty():
            watch.close()  # records and a bar on one screen would spoil each other
        report = carry_out(made, output, chosen, watch)
    document = as_json(report)
    if chosen["report"]:
        write_report(chosen["report"], document)
    if json_:
        click.echo(document, err=output.path == "-")
    else:
        terminal.note(run_report(report, terminal.width))


def progress_style(said: str, json_: bool) -> str:
    """With --json and nobody watching, the document is alone on its stream."""
    return "none" if json_ and said == "auto" and not sys.stderr.isatty() else said


class Output:
    """Where records go: what the spec says once flags and settings are over it, else standard output."""

    def __init__(self, spec: ffgen.Spec) -> None:
        said = spec.output
        self.path = (said.path if said else None) or "-"
        self.format = said.format if said else None
        self.compression = said.compression if said else None


def prepare(terminal: Terminal, wanted: Target, chosen: Settings) -> tuple[ffgen.Plan, Output]:
    """The plan, and where its records go. Raises all that is wrong with the spec."""
    loaded = open_spec(terminal, wanted)
    check_table(chosen["table"], [table.name for table in loaded.datasets])
    return ffgen.plan(loaded, max_asks=chosen["max_asks"]), Output(loaded)


def carry_out(
    made: ffgen.Plan, output: Output, chosen: Settings, watch: Callable[[ffgen.Progress], None]
) -> ffgen.Report:
    """The run itself."""
    report = ffgen.run(
        made,
        output.path,
        format=output.format,
        compression=output.compression,
        table=chosen["table"],
        workers=chosen["workers"],
        clobber=not chosen["no_clobber"],
        labels=chosen["labels"],
        watch=watch,
        **manner(chosen),
    )
    assert isinstance(report, ffgen.Report)  # since a destination was given
    return report


def show_plan(terminal: Terminal, made: ffgen.Plan, output: Output, table: str | None, json_: bool) -> None:
    """What --dry-run prints instead of a run. Refuses what the run would."""
    files = ffgen.destinations(made, output.path, format=output.format, compression=output.compression, table=table)
    view = ffgen.describe(made)
    if json_:
        terminal.say(as_json(view))
        return
    terminal.say(plan_report(view, terminal.width, terminal.colored(sys.stdout)))
    terminal.say(f"\nNothing was made. {going_to(list(files.values()))}")


def going_to(files: Sequence[str]) -> str:
    """Where records would go, and what would be replaced."""
    if files == ["-"]:
        return "The records would go to standard output."
    if len(files) == 1:
        there = " It exists and would be replaced." if Path(files[0]).exists() else ""
        return f"The records would go to {files[0]}.{there}"
    replaced = ", which exists and would be replaced"
    return "\n".join(["The records would go to", *(f"  {f}{replaced if Path(f).exists() else ''}" for f in files)])


def check_table(table: str | None, names: list[str]) -> None:
    """The table is one of the spec's."""
    if table and table not in names:
        one = f"It has one, {names[0]}; leave --table out." if len(names) == 1 else f"It has {', '.join(names)}."
        raise UsageError(f"The spec has no table {table}.", hint=one)


def write_report(path: str, document: str) -> None:
    """The run report as a file. The records are complete by now, and the message says so."""
    try:
        Path(path).write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        raise DestinationError(
            f"The records are complete, but the report {path} can't be written: {error.strerror}.",
            hint="Run the same command again: nothing is asked twice.",
        ) from error

"""`ffgen plan`: what a run would do, before it does anything."""

import sys
from typing import Any

import click

import ffgen
from ffgen_cli.option import CHANGES, LOOKS, Command, flag, settings, takes_spec
from ffgen_cli.report import as_json, plan_report
from ffgen_cli.session import Session, choose_spec, target
from ffgen_cli.settings import SHOW

EPILOG = """
Examples:
  ffgen plan specs/customers.yaml
  ffgen plan specs/customers-model.yaml -n 100000 --concurrency 8 --json

Time is an estimate at 50 tokens a second for each request in flight; a real server differs.
"""


@click.command("plan", cls=Command, epilog=EPILOG)
@takes_spec
@settings(*CHANGES, "max_asks")
@flag("--json", "json_", is_flag=True, group=SHOW, help="The plan as one JSON document.")
@settings("quiet", *LOOKS)
@click.pass_obj
def plan(
    session: Session, /, spec: str | None, spec_option: str | None, sets: tuple[str, ...], json_: bool, **flags: Any
) -> None:
    """Show what a run of SPEC would do: who makes each field, how records stay unique and how many there can be,
    the requests, tokens, money, bytes and time. Asks no model."""
    chosen = session.begin(flags, as_json=json_)
    wanted = target(choose_spec(spec, spec_option, "plan"), chosen, sets)
    terminal = session.terminal
    made = ffgen.plan(wanted.source, **wanted.changed, max_asks=chosen["max_asks"])
    view = ffgen.describe(made, ffgen.check(wanted.source, **wanted.changed))
    if json_:
        terminal.say(as_json(view))
        return
    terminal.warn(view.findings)
    terminal.say(plan_report(view, terminal.width, terminal.colored(sys.stdout)))

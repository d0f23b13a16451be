"""`ffgen check`: all that is wrong with a spec, at once."""

from typing import Any

import click

import ffgen
from ffgen_cli.option import CHANGES, LOOKS, Command, flag, settings, takes_spec
from ffgen_cli.report import as_json, many
from ffgen_cli.session import Session, Target, choose_spec, target
from ffgen_cli.settings import SHOW

EPILOG = """
Examples:
  ffgen check specs/customers.yaml
  ffgen check specs/shop.yaml -n 1000000            could it make a million?
  ffgen check specs/customers.yaml --errors github  annotate a pull request

Exit codes: 0 nothing wrong (warnings are no errors), 1 something is, 2 the command itself is wrong.
"""


@click.command("check", cls=Command, epilog=EPILOG)
@takes_spec
@settings(*CHANGES)
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output: valid, findings.")
@settings("quiet", *LOOKS)
@click.pass_obj
def check(
    session: Session, /, spec: str | None, spec_option: str | None, sets: tuple[str, ...], json_: bool, **flags: Any
) -> int:
    """Look at SPEC and list all that is wrong with it: spelling, types, ranges, and whether N can be reached.

    Asks no model and makes nothing.
    """
    chosen = session.begin(flags, as_json=json_)
    return look(session, target(choose_spec(spec, spec_option, "check"), chosen, sets), json_)


def look(session: Session, wanted: Target, json_: bool) -> int:
    """Shows the findings of a spec; 1 when one of them is an error."""
    findings = ffgen.check(wanted.source, **wanted.changed)
    errors = sum(finding.severity == "error" for finding in findings)
    if json_:
        session.terminal.say(as_json({"schema_version": 1, "valid": not errors, "findings": findings}))
        return 1 if errors else 0
    if findings:
        session.terminal.say(session.terminal.findings(findings))
    counted = [many(errors, "error")] if errors else ["no errors"]
    if warnings := len(findings) - errors:
        counted.append(many(warnings, "warning"))
    if not session.terminal.quiet and session.terminal.errors == "text":
        session.terminal.say(f"{wanted.source}: {', '.join(counted)}")
    return 1 if errors else 0

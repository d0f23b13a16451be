"""`ffgen status`: the runs on this machine."""

from __future__ import annotations  # naming a type of the library must not load the library

from typing import Any

import click

import ffgen
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.report import aligned, amount, as_json, duration, many
from ffgen_cli.session import Session
from ffgen_cli.settings import SHOW
from ffgen_cli.terminal import clean

EPILOG = """
Examples:
  ffgen status
  ffgen status --json
"""
STATES = {
    "running": "running",
    "stopped": "ended early",
    "killed": "killed",
    "elsewhere": "running on another host",
}


@click.command("status", cls=Command, epilog=EPILOG)
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output: runs.")
@settings("quiet", *LOOKS)
@click.pass_obj
def status(session: Session, /, json_: bool, **flags: Any) -> None:
    """List the runs on this machine: those under way, and those that ended early and left something to go on from."""
    session.begin(flags, as_json=json_)
    runs = ffgen.status()
    if json_:
        session.terminal.say(as_json({"schema_version": 1, "runs": runs}))
    elif runs:
        session.terminal.say("\n\n".join(shown(run, session.terminal.width) for run in runs))
    else:
        session.terminal.note("No run is under way, and none left anything behind.")


def shown(run: ffgen.RunView, width: int) -> str:
    """One run in a few lines."""
    where = "standard output" if run.destination == "-" else run.destination
    rows = [
        ("made", f"{run.records:,} of {many(run.wanted, 'record')} in {duration(run.seconds)}" if heard(run) else ""),
        ("process", f"{run.pid} on {run.host}, {run.phase}" if run.state in ("running", "elsewhere") else ""),
        ("because", run.ended),
        ("kept", many(run.kept_replies, "reply", "replies") if run.kept_replies else ""),
        ("committed", many(run.kept_rows, "record") if run.kept_rows else ""),
        ("left", f"{amount(run.left_bytes)} of work files" if run.left_bytes else ""),
        ("go on", "the same command" if run.state in ("stopped", "killed") else ""),
        ("made from", f"seed {run.seed}, spec {run.spec_hash[:12]}, ffgen {run.version}"),
    ]
    head = f"{run.dataset} to {where}: {STATES[run.state]}, began {run.started}"
    return f"{clean(head)}\n{aligned(rows, width)}"


def heard(run: ffgen.RunView) -> bool:
    """Whether it has told how far it came."""
    return run.phase != "starting"

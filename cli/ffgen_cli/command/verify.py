"""`ffgen verify`: an output, held against the run that made it."""

from __future__ import annotations  # naming a type of the library must not load the library

from typing import Any

import click

import ffgen
from ffgen.errors import UsageError
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.report import aligned, as_json, many
from ffgen_cli.session import Session
from ffgen_cli.settings import SHOW
from ffgen_cli.terminal import clean

EPILOG = """
Examples:
  ffgen verify out/customers.jsonl
  ffgen verify shop/                 several tables, by their manifest
  ffgen verify out/customers.jsonl --json

Exit codes: 0 every byte is as it was made, 1 it is not, 2 no run is known that made it, 4 it can't be read.
"""


@click.command("verify", cls=Command, epilog=EPILOG)
@click.argument("output", metavar="OUTPUT")
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output.")
@settings("quiet", *LOOKS)
@click.pass_obj
def verify(session: Session, /, output: str, json_: bool, **flags: Any) -> int:
    """Read OUTPUT again and hold it against the sums of the run that made it: those of this user's own state, or of
    the manifest beside several tables."""
    session.begin(flags, as_json=json_)
    found = ffgen.verify(output)
    if not found.known_by:
        hint = "Runs of this user are known, in FFGEN_STATE_DIR, and tables by the ffgen-manifest.json beside them."
        raise UsageError(f"No run is known that made {output}.", hint=f"{hint} Make it again, and it is known.")
    if json_:
        session.terminal.say(as_json({"schema_version": 1, "verification": found}))
    elif not (found.ok and session.terminal.quiet):
        session.terminal.say(shown(found, session.terminal.width))
    return 0 if found.ok else 1


def shown(found: ffgen.Verification, width: int) -> str:
    """What was found, what is wrong first."""
    wrong = [file for file in found.files if file.problem]
    right = f"as it was made, {many(sum(file.bytes for file in found.files), 'byte')}"
    head = f"{found.path}: {f'{len(wrong)} of ' if wrong else ''}{many(len(found.files), 'file')} "
    head += ("differs" if len(wrong) == 1 else "differ") if wrong else right
    origin = f"seed {found.seed}, spec {found.spec_hash[:12]}, ffgen {found.version}"
    rows = [("differs", f"{file.file}: {file.problem}") for file in wrong[:20]]
    rows += [("differs", f"and {len(wrong) - 20} more")] if len(wrong) > 20 else []
    rows += [("made", f"{found.at}, from {origin}" if found.at else f"from {origin}")]
    return f"{clean(head)}\n{aligned(rows, width)}"

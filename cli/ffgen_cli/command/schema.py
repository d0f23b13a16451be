"""`ffgen schema`: what a spec may hold, for editors and programs."""

import json
from pathlib import Path

import click

import ffgen
from ffgen.errors import DestinationError
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.session import Session
from ffgen_cli.settings import RECORDS

EPILOG = """
Examples:
  ffgen schema -o .ffgen.schema.json

Then put this first in a spec, and an editor with a YAML language server completes it:
  # yaml-language-server: $schema=.ffgen.schema.json
"""


@click.command("schema", cls=Command, epilog=EPILOG)
@flag("-o", "--output", metavar="FILE", group=RECORDS, help="Write here instead of standard output.")
@settings(*LOOKS)
@click.pass_obj
def schema(session: Session, /, output: str | None, errors: str | None, color: str | None) -> None:
    """Print the JSON Schema of specs."""
    session.begin({"errors": errors, "color": color})
    document = json.dumps(ffgen.schema(), indent=2, ensure_ascii=False)
    if output is None or output == "-":
        session.terminal.say(document)
        return
    try:
        Path(output).write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        raise DestinationError(f"{output} can't be written: {error.strerror}.") from error
    session.terminal.note(f"{output} written")

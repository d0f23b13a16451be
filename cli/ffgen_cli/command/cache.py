"""`ffgen cache`: the kept replies and drafts."""

import json
import sys
import time
from datetime import datetime
from typing import Any

import click

import ffgen
from ffgen.errors import UsageError
from ffgen_cli import kind
from ffgen_cli.kind import written
from ffgen_cli.option import LOOKS, Command, KindType, flag, settings
from ffgen_cli.report import aligned, amount, as_json, many
from ffgen_cli.session import Session
from ffgen_cli.settings import RUN, SHOW

EPILOG = """
Examples:
  ffgen cache stats
  ffgen cache purge --older-than 30d     those that no unfinished run needs
  ffgen cache purge --all --yes          every one: what is asked again is paid for again
"""


@click.command("cache", cls=Command, epilog=EPILOG)
@click.argument("action", type=click.Choice(["stats", "purge"]))
@flag("--older-than", type=KindType(kind.DURATION), metavar="AGE", group=RUN, help="Purge what is older, such as 30d; "
      "never what an unfinished run needs.")  # fmt: skip
@flag("--all", "all_", is_flag=True, group=RUN, help="Purge everything.")
@flag("--yes", is_flag=True, group=RUN, help="Purge without asking first.")
@settings("cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output.")
@settings("quiet", *LOOKS)
@click.pass_obj
def cache(
    session: Session,
    /,
    action: str,
    older_than: float | None,
    all_: bool,
    yes: bool,
    json_: bool,
    **flags: Any,
) -> None:
    """Show how many replies and drafts of models are kept (`stats`), or forget them (`purge`). What is kept is never
    asked, nor paid for, again."""
    chosen = session.begin(flags, as_json=json_)
    folder = chosen["cache_dir"]
    if action == "stats":
        stats(session, folder, json_)
        return
    if all_ == (older_than is not None):
        raise UsageError("What is to be purged?", hint="Say --older-than 30d, or --all; one of them.")
    confirm(folder, older_than, yes)
    gone = ffgen.purge_cache(folder, older_than=older_than)
    if json_:
        session.terminal.say(json.dumps({"schema_version": 1, "purged": gone}))
    else:
        session.terminal.note(f"{many(gone, 'reply or draft', 'replies and drafts')} forgotten.")


def stats(session: Session, folder: str, json_: bool) -> None:
    """What is kept, and since when."""
    found = ffgen.measure_cache(folder)
    if json_:
        session.terminal.say(as_json({"schema_version": 1, "folder": folder, "cache": found}))
        return
    rows = [
        ("replies", f"{found.replies:,}, {amount(found.bytes)}"),
        ("drafts", f"{found.drafts:,}" if found.drafts else ""),
        ("kept", f"{day(found.oldest)} to {day(found.newest)}" if found.oldest and found.newest else ""),
        ("needed", f"by {many(found.unfinished, 'run')} that did not finish" if found.unfinished else ""),
    ]
    session.terminal.say(f"{folder}\n{aligned(rows, session.terminal.width)}")


def confirm(folder: str, older_than: float | None, yes: bool) -> None:
    """Asks a person first; without one, --yes must have been said."""
    if yes:
        return
    older = "" if older_than is None else f" older than {written(kind.DURATION, older_than)}"
    what = f"{'' if older else 'all '}replies and drafts{older}"
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody can be asked whether {what} in {folder} may go.", hint="Say --yes.")
    click.confirm(f"Forget {what} in {folder}?", abort=True, err=True)


def day(moment: float) -> str:
    """A moment, as a day here."""
    return datetime.fromtimestamp(min(moment, time.time())).strftime("%Y-%m-%d")

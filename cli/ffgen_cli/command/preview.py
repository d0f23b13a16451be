"""`ffgen preview`: a look at the records before there are many."""

import sys
from typing import Any

import click

import ffgen
from ffgen_cli.kind import integer
from ffgen_cli.option import LOGS, LOOKS, Command, KindType, flag, settings, takes_spec
from ffgen_cli.report import as_json, table
from ffgen_cli.session import Session, api_key, choose_spec, open_spec, target
from ffgen_cli.settings import LOG, RECORDS, SHOW

EPILOG = """
Examples:
  ffgen preview specs/customers.yaml
  ffgen preview specs/customers.yaml -n 3 --json
"""


@click.command("preview", cls=Command, epilog=EPILOG)
@takes_spec
@flag("-n", "--count", "--rows", "--n", "rows", type=KindType(integer(1, 1000)), default="10", show_default=True,
      group=RECORDS, help="Records to show.")  # fmt: skip
@settings("table", "local", "allow_plugins", "seed", "endpoint", "model", "concurrency", "batch_size")
@settings("timeout", "max_asks", "fresh", "cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="The records as one JSON array.")
@settings("quiet", *LOOKS)
@flag("-v", "--verbose", count=True, group=LOG, help="Log what happens; -vv logs every request.")
@settings(*LOGS)
@click.pass_obj
def preview(
    session: Session,
    /,
    spec: str | None,
    spec_option: str | None,
    sets: tuple[str, ...],
    rows: int,
    json_: bool,
    verbose: int,
    **flags: Any,
) -> None:
    """Make a few records of SPEC and show them as a table. Writes no file."""
    chosen = session.begin({**flags, "count": rows}, verbose=verbose, as_json=json_, log=True)
    wanted = target(choose_spec(spec, spec_option, "preview"), chosen, sets)
    made = ffgen.plan(open_spec(session.terminal, wanted), max_asks=chosen["max_asks"])
    frames = ffgen.run(
        made,
        table=chosen["table"],
        timeout=chosen["timeout"],
        fresh=chosen["fresh"],
        cache_dir=chosen["cache_dir"],
        key=api_key(chosen),
        isolate=True,
    )
    assert isinstance(frames, ffgen.Frames)  # since no destination was given
    records = [record for frame in frames for record in frame.iter_rows(named=True)]
    terminal = session.terminal
    if json_:
        terminal.say(as_json(records))
        return
    cells = [list(record.values()) for record in records]
    terminal.say(table(list(records[0]), cells, terminal.width, terminal.colored(sys.stdout)))

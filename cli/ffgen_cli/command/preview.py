"""`ffgen preview`: a look at the records before there are many."""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

import ffgen
from ffgen.errors import SpecError
from ffgen_cli.kind import integer
from ffgen_cli.option import LOGS, LOOKS, Command, KindType, flag, settings, takes_spec
from ffgen_cli.report import as_json, table
from ffgen_cli.session import Session, Target, api_key, choose_spec, target
from ffgen_cli.settings import LOG, RECORDS, SHOW, Settings

EPILOG = """
Examples:
  ffgen preview specs/customers.yaml
  ffgen preview specs/customers.yaml -n 3 --json

Drawn records are the first ones that a run would make.
"""


@click.command("preview", cls=Command, epilog=EPILOG)
@takes_spec
@flag("-n", "--count", "--rows", "--n", "rows", type=KindType(integer(1, 1000)), default="10", show_default=True,
      group=RECORDS, help="Records to show, of each table.")  # fmt: skip
@settings("table", "local", "allow_plugins", "seed", "endpoint", "model", "concurrency", "batch_size")
@settings("timeout", "max_asks", "fresh", "cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="The records as one JSON array; of several tables, an object "
      "with an array for each.")  # fmt: skip
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
    """Make a few records of SPEC and show them as a table, or as one for each of its tables. Writes no file."""
    chosen = session.begin(flags, verbose=verbose, as_json=json_, log=True)
    source = choose_spec(spec, spec_option, "preview")
    few = target(source, session.begin({**flags, "count": rows}, as_json=json_), sets)
    loaded, wanted = sample(target(source, chosen, sets), few)
    terminal = session.terminal
    terminal.warn(ffgen.check(wanted.source, **wanted.changed))
    made = ffgen.plan(loaded, max_asks=chosen["max_asks"])
    found = {name: list(islice(records(made, name, chosen), rows)) for name in made.chosen(chosen["table"])}
    if json_:
        terminal.say(as_json(found if len(found) > 1 else next(iter(found.values()))))
        return
    shown = []
    for name, each in found.items():
        cells = [list(record.values()) for record in each]
        drawn = table(list(each[0]) if each else [], cells, terminal.width, terminal.colored(sys.stdout))
        shown.append(f"{name}\n\n{drawn}" if len(found) > 1 else drawn)
    terminal.say("\n\n".join(shown))


def sample(whole: Target, few: Target) -> tuple[ffgen.Spec, Target]:
    """The spec to show records of: with its own counts where they are drawn, for the first ones are made at once;
    with as many as are shown where a model is asked, or where there can't be more."""
    try:
        spec = ffgen.load(whole.source, **whole.changed)
        if ffgen.plan(spec).is_drawn:
            return spec, whole
    except SpecError:
        pass  # the same errors come with fewer records, unless their number was the error
    return ffgen.load(few.source, **few.changed), few


def records(made: ffgen.Plan, name: str, chosen: Settings) -> Iterator[dict[str, Any]]:
    """The records of one table, made as they are taken."""
    frames = ffgen.run(
        made,
        table=name,
        timeout=chosen["timeout"],
        fresh=chosen["fresh"],
        cache_dir=chosen["cache_dir"],
        key=api_key(chosen),
        isolate=True,
    )
    assert isinstance(frames, ffgen.Frames)  # since no destination was given
    with frames:
        for frame in frames:
            yield from frame.iter_rows(named=True)

"""`ffgen explain`: who made each value of a row, and why others were refused."""

from __future__ import annotations  # naming a type of the library must not load the library

import os
from typing import Any

import click

import ffgen
from ffgen.errors import UsageError
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.report import as_json
from ffgen_cli.session import Session, target
from ffgen_cli.settings import RECORDS, SHOW, Layer, Settings
from ffgen_cli.story import refused_report, story_report

EPILOG = """
Examples:
  ffgen explain out/customers.jsonl:17          line 17: who made each value
  ffgen explain out/orders.csv:2                the first record: line 1 is the header
  ffgen explain out/customers.jsonl --refused   rows that were refused, by reason
  ffgen explain c.jsonl:17 --spec specs/customers.yaml --set dataset.count=500

Lines are counted in JSON Lines, records in CSV (a quoted line break ends none), rows in Parquet.
Asks no model: what one wrote is told from its kept replies.

Exit codes: 0 explained, 1 the row is not what is made now, 2 no such line or no spec known, 4 it can't be read.
"""


@click.command("explain", cls=Command, epilog=EPILOG)
@click.argument("output", metavar="OUTPUT:LINE")
@flag("--refused", is_flag=True, group=SHOW, help="Samples of refused rows by reason, in place of one row; OUTPUT "
      "needs no LINE then.")  # fmt: skip
@flag("-n", "--samples", type=click.IntRange(0, 1000), default=3, metavar="N", group=SHOW,
      help="With --refused: rows of each reason. [3]")  # fmt: skip
@flag("--shards", type=click.IntRange(1, 1_000_000), default=16, metavar="N", group=SHOW,
      help="With --refused: shards of 65,536 drawn rows that are drawn again. [16]")  # fmt: skip
@flag("--spec", metavar="SPEC", group=RECORDS, help="The spec that made it, where that isn't known.")
@flag("--set", "sets", multiple=True, metavar="PATH=VALUE", group=RECORDS, help="What the run changed in --spec. "
      "Repeatable; seed and count are known.")  # fmt: skip
@settings("table", "seed", "allow_plugins", "cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output.")
@settings("quiet", *LOOKS)
@click.pass_obj
def explain(
    session: Session,
    /,
    output: str,
    refused: bool,
    samples: int,
    shards: int,
    spec: str | None,
    sets: tuple[str, ...],
    json_: bool,
    **flags: Any,
) -> int:
    """Explain one row of OUTPUT: for each field the generator, its constraints and its stream of chance, or the reply
    of the model that wrote it; how often the row was drawn, and why. The row is made again and compared."""
    chosen = session.begin(flags, as_json=json_)
    terminal = session.terminal
    path, line = place_of(output)
    about = about_spec(spec, chosen, sets)
    if refused:
        if line is not None:
            raise UsageError("--refused is about a whole output.", hint=f"Leave the line out: {path}")
        rows = ffgen.explain_refused(path, samples=samples, shards=shards, **about)
        terminal.say(as_json(rows) if json_ else refused_report(rows, terminal.width))
        return 0
    if line is None:
        raise UsageError(f"Which line of {path}?", hint=f"E.g. ffgen explain {path}:2, or --refused.")
    story = ffgen.explain(path, line, **about)
    if json_:
        terminal.say(as_json(story))
    elif story.agrees is False or not terminal.quiet:
        terminal.say(story_report(story, terminal.width))
    return 1 if story.agrees is False else 0


def place_of(output: str) -> tuple[str, int | None]:
    """A file and a line of it. What stands behind the last colon is a line where it is a number, unless a file is
    called so."""
    path, colon, line = output.rpartition(":")
    if colon and path and line.isascii() and line.isdigit() and len(line) <= 18 and not os.path.lexists(output):
        return path, int(line)
    return output, None


def about_spec(spec: str | None, chosen: Settings, sets: tuple[str, ...]) -> dict[str, Any]:
    """What is said about where the output came from. A setting that is only a default is not said."""
    said: dict[str, Any] = {"table": chosen["table"], "allow_plugins": chosen["allow_plugins"]}
    if chosen.where("cache_dir").layer != Layer.DEFAULT:
        said["cache_dir"] = chosen["cache_dir"]
    if spec is None:
        if sets or chosen.where("seed").layer == Layer.FLAG:
            what = "--set changes a spec, and none is named." if sets else "--seed is of a spec, and none is named."
            raise UsageError(what, hint="Name it: --spec SPEC.")
        return said
    wanted = target(spec, chosen, sets)
    return {**said, **wanted.changed, "spec": wanted.source}

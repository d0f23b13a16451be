"""`ffgen validate`: existing data, held against a spec."""

from typing import Any

import click

import ffgen
from ffgen_cli.command.check import look
from ffgen_cli.option import CHANGES, LOOKS, Command, flag, settings, takes_spec
from ffgen_cli.report import as_json, validity_report
from ffgen_cli.session import Session, choose_spec, target
from ffgen_cli.settings import RECORDS, SHOW

EPILOG = """
Examples:
  ffgen validate specs/customers.yaml --data out/customers.jsonl.zst
  ffgen validate specs/shop.yaml --data out/shop/
  ffgen validate specs/shop.yaml --table orders --data out/shop/orders.jsonl
  ffgen validate specs/customers.yaml                 the same as ffgen check

Exit codes: 0 valid, 1 not valid, 2 the spec is wrong, 4 the data can't be read.
"""


@click.command("validate", cls=Command, epilog=EPILOG)
@takes_spec
@flag("--data", metavar="PATH", group=RECORDS, help="The data: JSON lines, CSV or Parquet; of several tables, their "
      "folder. Without it, only the spec is looked at.")  # fmt: skip
@settings("table", *CHANGES)
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output.")
@settings("quiet", *LOOKS)
@click.pass_obj
def validate(
    session: Session,
    /,
    spec: str | None,
    spec_option: str | None,
    sets: tuple[str, ...],
    data: str | None,
    json_: bool,
    **flags: Any,
) -> int:
    """Hold the data of --data against SPEC: the count, uniqueness, every constraint of every field, and of several
    tables the keys between them."""
    chosen = session.begin(flags, as_json=json_)
    wanted = target(choose_spec(spec, spec_option, "validate"), chosen, sets)
    if data is None:
        return look(session, wanted, json_)
    validity = ffgen.validate(wanted.source, data, table=chosen["table"], **wanted.changed)
    if json_:
        session.terminal.say(as_json(validity))
    elif not (validity.valid and session.terminal.quiet):
        session.terminal.say(validity_report(validity, data, session.terminal.width))
    return 0 if validity.valid else 1

"""`ffgen describe`: a sentence to data, and to the spec behind it."""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
from pathlib import Path
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, UsageError
from ffgen_cli.command.run import check_table, progress_style
from ffgen_cli.option import LOOKS, OTHER, Command, flag, settings
from ffgen_cli.progress import display
from ffgen_cli.report import as_json, run_report
from ffgen_cli.session import Session
from ffgen_cli.settings import RECORDS, SHOW, Settings

EPILOG = """
Examples:
  ffgen describe "customers with names, emails and a city" -n 5000 -o customers.csv
  ffgen describe "200 customers, each has 1 to 5 orders from 2022 to 2024" -o shop.csv
  ffgen describe "500 employees in Germany, 20% remote" --spec-only
  ffgen describe "IoT sensors with hourly readings" --explain --spec-only

The description is read here, against ffgen's own catalogue: no model is asked. The spec stands beside the data, to be
edited and run again: customers.yaml.
"""
SUFFIXES = {".csv", ".jsonl", ".ndjson", ".parquet", ".gz", ".zst", ".json"}


@click.command("describe", cls=Command, epilog=EPILOG)
@click.argument("text", metavar="TEXT")
@settings("count", "output", "format", "table", "seed")
@flag("--spec-only", is_flag=True, group=RECORDS, help="Only the spec: to the file beside -o, or to standard output.")
@flag("--force", is_flag=True, group=OTHER, help="Replace a spec that exists and is another one.")
@settings("workers", "timeout", "no_clobber", "cache_dir")
@flag("--explain", is_flag=True, group=SHOW, help="Say of each field why it is there.")
@flag("--json", "json_", is_flag=True, group=SHOW, help="The draft and the run report as one JSON document on standard "
      "output, or on standard error when records go to standard output.")  # fmt: skip
@settings("progress", "quiet", *LOOKS)
@click.pass_obj
def describe(
    session: Session, /, text: str, spec_only: bool, force: bool, explain: bool, json_: bool, **flags: Any
) -> None:
    """Make the data that TEXT describes, and the spec behind it.

    1000 records unless TEXT or -n says. What was understood, what was not, and what was assumed goes to standard error.
    """
    chosen = session.begin(flags, as_json=json_)
    draft = ffgen.draft(text, rows=rows_of(flags["count"]), seed=chosen["seed"])
    data = chosen["output"] or ("-" if spec_only else f"{draft.name}.csv")
    if flags["table"]:
        check_table(flags["table"], [table["name"] for table in tables_of(draft)])
    place = None if data == "-" else spec_beside(data)
    if spec_only and place is None and not json_:
        session.terminal.note(told(draft, explain))
        session.terminal.say(draft.text.rstrip("\n"))
        return
    if place is not None:
        save(place, draft.text, force)
    session.terminal.note(told(draft, explain))
    report = None if spec_only else make(session, draft, data, chosen, json_)
    if json_:
        document = {**document_of(draft), "spec_file": str(place) if place else None, "report": report}
        click.echo(as_json(document), err=data == "-" and not spec_only)
    elif place is not None:
        session.terminal.note(f"The spec is {place}: edit it and run `ffgen run {place} -o {data}` again.")


def rows_of(said: int | dict[str, int] | None) -> int | dict[str, int] | None:
    """`-n 50 -n orders=200` as the library takes it."""
    if isinstance(said, dict) and "" in said:
        raise UsageError("-n names a table and none.", hint="Say `-n customers=50 -n orders=200`.")
    return said


def tables_of(draft: ffgen.Draft) -> list[dict[str, Any]]:
    """The tables of a draft."""
    tables: list[dict[str, Any]] = draft.spec["tables"] if "tables" in draft.spec else [draft.spec["dataset"]]
    return tables


def spec_beside(data: str) -> Path:
    """Where the spec of a file of data stands: bikes.yaml beside bikes.csv, bikes.yaml beside bikes/."""
    if "://" in data:
        raise UsageError(f"The spec can't stand beside {data}.", hint="Write to a local file, or say --spec-only.")
    path = Path(data.rstrip("/") or data)
    while path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    name = path.name.replace("{table}", "").strip("._-") or "draft"
    return path.with_name(name.removesuffix(".yaml").removesuffix(".yml") + ".yaml")


def save(place: Path, text: str, force: bool) -> None:
    """Writes the spec; one that is there and differs may hold somebody's work."""
    try:
        if place.exists() and place.read_text(encoding="utf-8") != text and not force:
            raise UsageError(f"{place} exists and is another spec.", hint="Name another -o, or pass --force.")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DestinationError(f"The spec {place} can't be written: {error}.", hint="Check the folder.") from error


def make(session: Session, draft: ffgen.Draft, data: str, chosen: Settings, json_: bool) -> ffgen.Report:
    """The run, of the draft as it is."""
    format = chosen["format"] or ("csv" if not {*Path(data).suffixes} & SUFFIXES else None)
    plan = ffgen.plan(draft.spec)
    with display(progress_style(chosen["progress"], json_), session.terminal) as watch:
        if data == "-" and sys.stdout.isatty():
            watch.close()
        report = ffgen.run(
            plan,
            data,
            format=format,
            table=chosen["table"],
            workers=chosen["workers"],
            timeout=chosen["timeout"],
            clobber=not chosen["no_clobber"],
            cache_dir=chosen["cache_dir"],
            isolate=True,
            watch=watch,
        )
    assert isinstance(report, ffgen.Report)  # since a destination was given
    if not json_:
        session.terminal.note(run_report(report, session.terminal.width))
    return report


def told(draft: ffgen.Draft, explain: bool) -> str:
    """What was understood, what was not, and what was assumed."""
    lines = [f"Understood  {line}" for line in draft.understood]
    if draft.ignored:
        lines.append(f"Ignored     {'; '.join(draft.ignored)}")
    lines += [f"Assumed     {question.text} {question.default}" for question in draft.questions]
    if explain:
        wide = max(map(len, draft.why), default=0)
        lines += ["", *(f"  {path:<{wide}}  {why}" for path, why in draft.why.items())]
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)


def document_of(draft: ffgen.Draft) -> dict[str, Any]:
    """A draft for programs."""
    return {
        "description": draft.description,
        "name": draft.name,
        "spec": draft.spec,
        "why": draft.why,
        "understood": draft.understood,
        "ignored": draft.ignored,
        "questions": draft.questions,
    }

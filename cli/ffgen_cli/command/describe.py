"""`ffgen describe`: a sentence to data, and to the spec behind it."""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, UsageError
from ffgen_cli.command.run import check_table, progress_style
from ffgen_cli.option import LOOKS, OTHER, Command, flag, settings, takes_drafter
from ffgen_cli.progress import display
from ffgen_cli.report import as_json, many, run_report
from ffgen_cli.session import Session, api_key, export_keys, loose_key
from ffgen_cli.settings import RECORDS, SHOW, Settings

EPILOG = """
Examples:
  ffgen describe "customers with names, emails and a city" -n 5000 -o customers.csv
  ffgen describe "200 customers, each has 1 to 5 orders from 2022 to 2024" -o shop.csv
  ffgen describe "500 employees in Germany, 20% remote" --spec-only
  ffgen describe "IoT sensors with hourly readings" --explain --spec-only
  ffgen describe "customers with orders" --answer grain="one table" -o flat.csv
  ffgen describe "a vet's patients and visits" --endpoint http://localhost:11434 --model llama3.1:8b
  ffgen describe --from-map map.json --spec-only        a provider map as a spec

The description is read here, against ffgen's own catalogue, unless --endpoint (or a setting) names a model: then it
goes there, and to nobody else; --local-only keeps it here. The spec stands beside the data, to be edited and run again:
customers.yaml.
"""
SUFFIXES = {".csv", ".jsonl", ".ndjson", ".parquet", ".gz", ".zst", ".json"}


@click.command("describe", cls=Command, epilog=EPILOG)
@click.argument("text", metavar="TEXT", required=False)
@flag("--from-map", "map_", metavar="FILE", group=RECORDS, help="Instead of TEXT: a provider map, field names to "
      "methods of Faker, as JSON or YAML.")  # fmt: skip
@settings("count", "output", "format", "table", "seed")
@flag("--answer", "answers", multiple=True, metavar="ID=VALUE", group=RECORDS, help="Answer a question of the draft; "
      "--explain lists them. Repeatable.")  # fmt: skip
@flag("--spec-only", is_flag=True, group=RECORDS, help="Only the spec: to the file beside -o, or to standard output.")
@flag("--force", is_flag=True, group=OTHER, help="Replace a spec that exists and is another one.")
@takes_drafter
@settings("workers", "timeout", "fresh", "no_clobber", "cache_dir")
@flag("--explain", is_flag=True, group=SHOW, help="Say of each field why it is there, and of each open question what "
      "may be answered.")  # fmt: skip
@flag("--json", "json_", is_flag=True, group=SHOW, help="The draft and the run report as one JSON document on standard "
      "output, or on standard error when records go to standard output.")  # fmt: skip
@settings("progress", "quiet", *LOOKS)
@click.pass_obj
def describe(
    session: Session,
    /,
    text: str | None,
    map_: str | None,
    answers: tuple[str, ...],
    spec_only: bool,
    force: bool,
    model_only: bool,
    explain: bool,
    json_: bool,
    **flags: Any,
) -> None:
    """Make the data that TEXT describes, and the spec behind it.

    1000 records unless TEXT or -n says. What was understood, what was not, and what was assumed goes to standard error.
    """
    chosen = session.begin(flags, as_json=json_)
    draft = drafted(session, text, map_, answers, model_only, chosen, rows_of(flags["count"]))
    data = chosen["output"] or ("-" if spec_only else f"{draft.name}.csv")
    if not spec_only:
        check_format(data, chosen["format"])
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
    report = None if spec_only else make(session, draft.spec, data, chosen, json_)
    if json_:
        document = {**document_of(draft), "spec_file": str(place) if place else None, "report": report}
        click.echo(as_json(document), err=data == "-" and not spec_only)
    elif place is not None:
        session.terminal.note(f"The spec is {place}: edit it and run `ffgen run {place} -o {data}` again.")


def drafted(
    session: Session,
    text: str | None,
    map_: str | None,
    answers: tuple[str, ...],
    model_only: bool,
    chosen: Settings,
    rows: int | dict[str, int] | None,
) -> ffgen.Draft:
    """The draft of the text or the map, by the model that is set, if any."""
    if (text is None) == (map_ is None):
        raise UsageError("What is to be described?", hint="Say it in a text, or name a --from-map FILE; one of them.")
    if map_ is not None:
        return ffgen.draft(Path(map_), rows=rows, seed=chosen["seed"])
    how = model_settings(session, chosen, model_only)
    how["answers"] = dict(map(answer_of, answers))
    return ffgen.draft(str(text), rows=rows, seed=chosen["seed"], **how)


def model_settings(session: Session, chosen: Settings, model_only: bool) -> ffgen.Drafting:
    """Which model drafts; empty for none. A flag that names one contradicts --local-only, a setting yields to it."""
    named = [name for name in ("endpoint", "model") if chosen.names_model(name)]
    if chosen["local_only"]:
        if named or model_only:
            flag_ = f"--{named[0]}" if named else "--model-only"
            raise UsageError(f"{flag_} names a model, and --local-only refuses all.", hint="Leave out one of them.")
        return {}
    if chosen["endpoint"] is None and chosen["model"] is None:
        if model_only:
            raise UsageError("No model is set.", hint="Name its server: --endpoint URL, or FFGEN_LLM_BASE_URL.")
        return {}
    export_keys()
    if warning := loose_key(chosen):
        session.terminal.note(warning)
    return {
        "endpoint": chosen["endpoint"][0] if chosen["endpoint"] else None,
        "model": chosen["model"],
        "api": chosen["api"],
        "key": api_key(chosen),
        "model_only": model_only,
        "fresh": chosen["fresh"],
        "cache_dir": chosen["cache_dir"],
        "isolate": True,
    }


def answer_of(said: str) -> tuple[str, str]:
    """`count:orders=500` as id and answer."""
    id, equals, value = said.partition("=")
    if not equals or not id.strip() or not value.strip():
        raise UsageError(f"--answer {said} is no answer.", hint="Write --answer ID=VALUE; --explain lists the ids.")
    return id.strip(), value.strip()


def rows_of(said: int | dict[str, int] | None) -> int | dict[str, int] | None:
    """`-n 50 -n orders=200` as the library takes it."""
    if isinstance(said, dict) and "" in said:
        raise UsageError("-n names a table and none.", hint="Say `-n customers=50 -n orders=200`.")
    return said


def check_format(data: str, format: str | None) -> None:
    """UsageError for a name that ends as no format of ffgen does, before anything is written."""
    suffix = Path(data).suffix
    if format is None and data != "-" and suffix and not {*Path(data).suffixes} & SUFFIXES:
        known = "Known: .jsonl .ndjson .csv (each also .gz or .zst) and .parquet. Or say --format."
        raise UsageError(f"{data}: {suffix} is not a format that ffgen writes.", hint=known)


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


def make(
    session: Session, spec: Mapping[str, Any], data: str, chosen: Settings, json_: bool, format: str | None = None
) -> ffgen.Report:
    """The run, of a spec as it is."""
    format = format or chosen["format"] or ("csv" if not Path(data).suffixes else None)
    plan = ffgen.plan(spec)
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
    lines += [f"Note        {note}" for note in draft.notes]
    if draft.author:
        calls = (
            "kept, not asked"
            if draft.kept
            else f"{many(draft.calls, 'call')}, {draft.tokens_in + draft.tokens_out:,} tokens"
        )
        lines.insert(0, f"Drafted by  {draft.author} ({calls})")
    if explain:
        for question in draft.questions:
            lines += ["", f"  --answer {question.id}=...", f"    settles {question.changes}"]
            if question.choices:
                lines.append(f"    {' | '.join(question.choices)}")
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
        "answers": draft.answers,
        "author": draft.author,
        "kept": draft.kept,
        "calls": draft.calls,
        "notes": draft.notes,
    }

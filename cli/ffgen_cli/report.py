"""What a run, a plan and a validation look like to a person: short aligned text, numbers with their unit.

Each function returns text and writes nothing; it runs the same for a terminal, a pipe and a test.
"""

from __future__ import annotations  # naming a type of the library must not load the library

import decimal
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import ffgen
from ffgen_cli.terminal import clean

LABEL = 12
MAKERS = {"ask": "the model", "pool": "from what the model wrote once"}
"""Who made a value, as people say it; a fallback has its generator's name."""
SPOILED = {
    "nulls": "null",
    "duplicates": "duplicate",
    "outliers": "outlier",
    "typos": "typo",
    "drift": "drifted value",
    "late": "late row",
}
WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": "  "}


def as_json(value: Any) -> str:
    """Any struct of the library as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def amount(value: float) -> str:
    """Bytes in the unit that leaves one to three digits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 6 days."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours / 24:,.0f} days" if hours < 24 * 730 else f"{hours / 24 / 365.25:,.0f} years"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def figure(number: int) -> str:
    """A whole number, to two digits where there are more than anybody reads."""
    return f"{number:,}" if number < 10**15 else f"about {decimal.Decimal(number):.1e}"


def many(count: int, one: str, several: str = "") -> str:
    """`1 record`, `2 records`, `12,000 tries`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def aligned(rows: Iterable[tuple[str, str]], width: int = 0) -> str:
    """Label and value a line, wrapped to `width` if that is given; rows without a value are left out."""
    lines = []
    room = max(20, width - LABEL - 2) if width else 10_000
    for label, value in rows:
        parts = [part for line in clean(value).splitlines() for part in textwrap.wrap(line, room, **WHOLE_WORDS)]
        across = max(LABEL, len(label) + 1)
        lines += [f"  {'' if number else label:<{across}}{part}" for number, part in enumerate(parts)]
    return "\n".join(lines)


def run_report(report: ffgen.Report, width: int = 0) -> str:
    """A finished run in about ten lines."""
    head = f"{report.records:,} of {many(report.wanted, 'record')} of {report.dataset} written to {_where(report)}"
    rows = [
        ("tables", _tables(report)),
        ("time", f"{duration(report.seconds)}, {report.records_per_second:,.1f} records/s"),
        ("kept", f"{many(report.resumed, 'record')} of an earlier run" if report.resumed else ""),
        ("refused", _refused(report)),
        ("spoiled", _spoiled(report)),
        ("requests", _requests(report)),
        ("tokens", _tokens(report)),
        ("model", _model(report)),
        ("endpoints", _endpoints(report)),
        ("written by", _made(report)),
        ("steered", _steered(report)),
        ("processes", _processes(report)),
        ("made from", f"seed {report.seed}, spec {report.spec_hash[:12]}, {report.format}, ffgen {report.version}"),
    ]
    return f"{clean(head)}\n{aligned(rows, width)}"


def _where(report: ffgen.Report) -> str:
    """A file, or how the files of several tables are named."""
    if report.output in ("", "-"):
        return "standard output"
    if not report.tables:
        return report.output
    first = report.tables[0]
    if len(report.tables) == 1 or report.output.endswith("/") or "{table}" in report.output:
        return first.output if len(report.tables) == 1 else report.output
    folder, slash, name = first.output.rpartition("/")
    return f"{folder}{slash}{'<table>'.join(name.rsplit(first.table, 1))}"


def _tables(report: ffgen.Report) -> str:
    if len(report.tables) < 2:
        return ""
    return "\n".join(f"{each.output}: {many(each.records, 'record')}, {amount(each.bytes)}" for each in report.tables)


def _refused(report: ffgen.Report) -> str:
    lines = [many(report.duplicates, "duplicate")] if report.duplicates else []
    lines += [f"{one.count:,} {one.field}: {one.reason}" for one in report.refused[:5]]
    if len(report.refused) > 5:
        lines.append(f"and {many(len(report.refused) - 5, 'more reason')}")
    return "\n".join(lines)


def _spoiled(report: ffgen.Report) -> str:
    """On order: `100 duplicates, 1,021 nulls, 500 typos; 9,900 records are no copies`."""
    counts: dict[str, int] = {}
    for one in report.imperfections:
        counts[one.kind] = counts.get(one.kind, 0) + one.count
    parts = [many(count, SPOILED.get(kind, kind)) for kind, count in counts.items()]
    copies = counts.get("duplicates", 0)
    return ", ".join(parts) + (f"; {report.records - copies:,} records are no copies" if copies else "")


def _made(report: ffgen.Report) -> str:
    """Who made the values that a model was to write: `reviews.title: 990 the model, 10 template`."""
    lines = []
    for name, makers in report.made.items():
        parts = [f"{count:,} {MAKERS.get(maker, maker)}" for maker, count in makers.items()]
        lines.append(f"{clean(name)}: {', '.join(parts) or 'no row has it'}")
    return "\n".join(lines)


def _requests(report: ffgen.Report) -> str:
    parts = [f"{report.requests:,} sent", f"{report.replies:,} replies used"]
    if report.kept:
        parts.append(f"{report.kept:,} kept from before")
    if report.bad_replies:
        parts.append(many(report.bad_replies, "bad reply", "bad replies"))
    if report.retries:
        why = ", ".join(f"{name} {count}" for name, count in sorted(report.failures.items()))
        parts.append(many(report.retries, "retry", "retries") + (f" ({why})" if why else ""))
    return ", ".join(parts) if report.requests or report.replies else ""


def _tokens(report: ffgen.Report) -> str:
    if not report.tokens_in and not report.tokens_out:
        return ""
    cost = "" if report.money is None else f", cost {report.money:,.4g}"
    return f"{report.tokens_in:,} in, {report.tokens_out:,} out, {report.tokens_per_record:.1f} out a record{cost}"


def _model(report: ffgen.Report) -> str:
    if not report.model and not report.endpoints:
        return ""
    busy = f", slots {report.utilisation:.0%} busy" if report.requests else ""
    return f"{report.model or '(the server chose)'} at {', '.join(report.endpoints)}{busy}"


def _endpoints(report: ffgen.Report) -> str:
    """One a line, where there are several."""
    if len(report.servers) < 2 or not report.requests:
        return ""
    lines = []
    for one in report.servers:
        parts = [f"{one.replies:,} of {many(one.requests, 'request')} answered"] if one.requests or not one.note else []
        parts += [f"{name} {count}" for name, count in sorted(one.failures.items())]
        if one.p50 is not None and one.p95 is not None:
            parts.append(f"half in {duration(one.p50)}, 95% in {duration(one.p95)}")
            parts.append(f"{one.tokens_out:,} tokens out, busy {duration(one.busy)}")
        lines.append(f"{one.url}: {', '.join(parts + [f'not asked: {one.note}'] * bool(one.note))}")
    if report.doubles:
        lines.append(f"{many(report.doubles, 'late request')} asked of a second one, too")
    return "\n".join(lines)


def _steered(report: ffgen.Report) -> str:
    how = {1: "other slices", 2: "larger requests that name what is taken"}
    return "\n".join(f"{how[one.step]} from shard {one.shard}: {one.why}" for one in report.steering)


def _processes(report: ffgen.Report) -> str:
    return "\n".join(
        f"{one.role}: {one.cpu_seconds:.1f} s of CPU, {amount(one.peak_memory)} at most" for one in report.processes
    )


def plan_report(plan: ffgen.PlanView, width: int, colored: bool) -> str:
    """A plan: the fields as a table, then what will be done and what it will take."""
    if plan.tables:
        return drawn_report(plan, width, colored)
    fields = table(
        ("field", "type", "made by", "constraints"),
        [(field.name, field.type, field.made_by, field.constraints) for field in plan.fields],
        width,
        colored,
    )
    capacity = f"at most {figure(plan.capacity)} distinct records" if plan.capacity is not None else "not known"
    money = "" if plan.money is None else f", about {plan.money:,.4g} in money"
    rows = [
        ("unique by", f"{', '.join(plan.unique_by)}; {plan.uniqueness}" if plan.unique_by else plan.uniqueness),
        ("capacity", "; ".join(part for part in (capacity, plan.capacity_note) if part)),
        ("model", f"{plan.model or '(the server chooses)'} at {', '.join(plan.endpoints)}" if plan.endpoints else ""),
        ("requests", f"{plan.requests:,} of {plan.batch_size} records, {plan.max_asks:,} at most, "
                     f"{plan.concurrency} in flight to each endpoint" if plan.requests else ""),
        ("tokens", f"about {plan.tokens_in:,} in and {plan.tokens_out:,} out{money}" if plan.requests else ""),
        ("time", f"about {duration(plan.seconds)}, at 50 tokens/s a slot" if plan.seconds is not None else ""),
        ("size", f"about {amount(plan.bytes)}"),
        ("made from", f"seed {plan.seed}, spec {plan.spec_hash[:12]}, {many(plan.shards, 'shard')}"),
    ]  # fmt: skip
    ways = ways_report(plan, width, colored)
    return f"{many(plan.count, 'record')} of {clean(plan.dataset)}\n\n{fields}\n\n{aligned(rows, width)}{ways}"


def ways_report(plan: ffgen.PlanView, width: int, colored: bool) -> str:
    """What the model would take in each of the ways in which it can write this spec's language."""
    if not plan.ways:
        return ""
    rows = [
        (
            f"{way.mode}{' (this spec)' if way.chosen else ''}",
            f"{way.requests:,}",
            f"{way.tokens_in:,}",
            f"{way.tokens_out:,}",
            duration(way.seconds),
            ", ".join(way.fields),
        )
        for way in plan.ways
    ]
    heads = ("way", "requests", "tokens in", "tokens out", "time", "the model writes")
    return f"\n\nThe ways to have this written:\n\n{table(heads, rows, width, colored)}"


def drawn_report(plan: ffgen.PlanView, width: int, colored: bool) -> str:
    """A plan without a model: its tables one by one, then the whole."""
    parts = []
    for each in plan.tables:
        head = f"{many(each.count, 'record')} of {clean(each.name)}"
        head += f", laid out under {clean(each.laid_out)}" if each.laid_out else ""
        fields = [(field.name, field.type, field.made_by, field.constraints) for field in each.fields]
        capacity = f"at most {figure(each.capacity)} distinct records" if each.capacity is not None else "not known"
        unique = "\n".join(f"{key}: {how}" for key, how in each.unique.items())
        rows = [
            ("unique", unique),
            ("capacity", "; ".join(part for part in (capacity, each.capacity_note) if part)),
        ]
        drawn = table(("field", "type", "made by", "constraints"), fields, width, colored)
        parts.append(f"{head}\n\n{drawn}\n\n{aligned(rows, width)}")
    money = "" if plan.money is None else f", about {plan.money:,.4g} in money"
    rows = [
        (
            "model",
            f"{plan.model or '(the server chooses)'} at {', '.join(plan.endpoints)}"
            if plan.requests
            else "none: every value is drawn here",
        ),
        (
            "requests",
            f"{plan.requests:,}, {plan.max_asks:,} at most" if plan.requests else "",
        ),
        ("tokens", f"about {plan.tokens_in:,} in and {plan.tokens_out:,} out{money}" if plan.requests else ""),
        (
            "time",
            f"about {duration(max(plan.seconds or 0.0, 0.1))}"
            + (", at 50 tokens/s a slot" if plan.requests else " on one core"),
        ),
        ("size", f"about {amount(plan.bytes)} as JSON Lines"),
        ("made from", f"seed {plan.seed}, spec {plan.spec_hash[:12]}, {many(plan.shards, 'shard')}"),
    ]
    return "\n\n".join([*parts, aligned(rows, width)]) + ways_report(plan, width, colored)


def validity_report(validity: ffgen.Validity, data: str, width: int = 0) -> str:
    """What a validation found, table by table, worst first."""
    if not validity.tables:
        return _found(validity, data, width)
    return "\n".join(_found(each, each.data, width) for each in validity.tables)


def _found(found: ffgen.Validity | ffgen.TableValidity, data: str, width: int) -> str:
    head = f"{data}: {many(found.rows, 'record')}, "
    if found.valid:
        return clean(f"{head}valid")
    rows = []
    if found.rows != found.wanted:
        rows.append(("count", f"{found.rows:,}, but the spec wants {found.wanted:,}"))
    if found.duplicates:
        rows.append(("duplicates", f"{found.duplicates:,}"))
    for one in sorted(found.problems, key=lambda problem: -problem.count):
        rows.append((one.field or "record", f"{one.reason}: {one.count:,}, first in record {one.first}"))
    return f"{clean(head)}not valid\n{aligned(rows, width)}"


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], width: int, colored: bool) -> str:
    """Rows in columns, wrapped to `width`; no frame, so that it copies well."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="bold" if colored else "")
    for head in heads:
        drawn.add_column(Text(clean(head)), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell(value)) for value in row))
    console = Console(width=width, force_terminal=colored, no_color=not colored, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").splitlines())


def cell(value: Any) -> str:
    """A value as a table shows it: one line, nested values as JSON, null as a dash, no control characters."""
    if value is None:
        return "-"
    if isinstance(value, Mapping | list | tuple | bool):
        value = msgspec.json.encode(value).decode()
    text = " ".join(clean(value).splitlines())
    return text if len(text) <= 200 else f"{text[:199]}…"

"""From a description to a draft: read, made, proved by the loader and the plan, mended where they refuse."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ffgen.draft.layout import Made
from ffgen.draft.make import Maker
from ffgen.draft.read import name_of
from ffgen.draft.request import Question, Request
from ffgen.draft.settle import Settler
from ffgen.draft.show import spec_text
from ffgen.errors import Finding, UsageError

MOST_MENDS = 12
__all__ = ["Draft", "Question", "draft_of", "name_of"]

Check = Callable[[Mapping[str, Any]], list[Finding]]


class Draft(Struct, frozen=True, kw_only=True):
    """A spec made of a description, and how the description was read.

    `spec` is what `load` takes, `text` the same as YAML with comments; `why` tells of each `table.field` what it came
    from. `ignored` holds the words that say nothing here. Each question has the default that the spec holds now.
    """

    description: str
    name: str
    spec: dict[str, Any]
    text: str
    why: dict[str, str]
    main: str
    finest: str
    understood: list[str]
    ignored: list[str]
    questions: list[Question]


def draft_of(description: str, rows: int | dict[str, int] | None, seed: int, check: Check) -> Draft:
    """The draft of a description. `check` gives what is wrong with a spec. UsageError for words that name neither
    fields nor things that rows could be about."""
    request = Settler(description).read()
    if not request.tables and not request.domain:
        raise UsageError(
            "Nothing in the description says what the data is about."
            if description.strip()
            else "The description is empty.",
            hint='Name things and their fields: "5000 customers with names, e-mails and a city".',
        )
    made = Maker(request, rows, seed).make()
    _prove(made, request, check)
    tables = [made.spec["dataset"]] if "dataset" in made.spec else made.spec["tables"]
    return Draft(
        description=description,
        name=_file_name(request, made),
        spec=made.spec,
        text=spec_text(made.spec, description, made.why, request.questions),
        why=made.why,
        main=made.main,
        finest=_finest(tables),
        understood=_understood(request, tables),
        ignored=list(dict.fromkeys(request.ignored)),
        questions=request.questions,
    )


def _understood(request: Request, tables: list[dict[str, Any]]) -> list[str]:
    found = [
        f"{table['name']}: {', '.join(field['name'] for field in table['fields'] if not field.get('hidden'))}"
        for table in tables
    ]
    return [*dict.fromkeys(request.understood), *found]


def _finest(tables: list[dict[str, Any]]) -> str:
    """The table that no other refers to, the last one of several."""
    referred = {_target(field["ref"]) for table in tables for field in table["fields"] if "ref" in field}
    names = [str(table["name"]) for table in tables]
    return next((name for name in reversed(names) if name not in referred), names[0])


def _target(ref: Any) -> str:
    return str(ref if isinstance(ref, str) else ref["to"]).partition(".")[0]


def _file_name(request: Request, made: Made) -> str:
    base = request.goods if request.goods != "any" else made.main
    return re.sub(r"[^a-z0-9]+", "-", base.lower()).strip("-")[:40] or "data"


def _prove(made: Made, request: Request, check: Check) -> None:
    """Takes out what the loader or the plan refuses, a field's extras first, then the field."""
    for _ in range(MOST_MENDS):
        errors = [finding for finding in check(made.spec) if finding.severity == "error"]
        if not errors:
            return
        _mend(made, request, errors[0])
    raise UsageError(
        "This description can't be made into a spec.", hint="Say it in fewer words, or name the fields one by one."
    )


def _mend(made: Made, request: Request, error: Finding) -> None:
    tables = [made.spec["dataset"]] if "dataset" in made.spec else made.spec["tables"]
    place = re.match(r"(?:tables\[(\d+)\]|dataset)(?:\.fields\[(\d+)\])?", error.path)
    table = tables[int(place[1] or 0)] if place else tables[0]
    if place is None or place[2] is None:
        _loosen(table, made)
        return
    field = table["fields"][int(place[2])]
    path = f"{table['name']}.{field['name']}"
    request.ask("range", f"{field['name']}: {error.what}"[:200], "left out", path)
    if field.pop("unique", False) and "generator" not in field:
        return
    for extra in ("derive", "when", "cases", "generator", "weights", "pattern", "length", "decimals", "range"):
        if extra in field and extra in error.path + error.what:
            field.pop(extra)
            break
    else:
        if len(field) <= 3 or "ref" in field:
            table["fields"].remove(field)
            made.why.pop(path, None)
        else:
            plain = {"name": field["name"], "type": "string", "generator": {"name": "words", "count": [1, 3]}}
            field.clear()
            field.update(plain)


def _loosen(table: dict[str, Any], made: Made) -> None:
    """Something about a whole table: too few distinct rows, a rule that can't hold."""
    for key in ("imperfections", "require", "correlations", "unique_by"):
        if table.pop(key, None) is not None:
            return
    loose = next(
        (field for field in table["fields"] if field.get("unique") and field.get("generator") != "sequence"), None
    )
    if loose is not None:
        loose.pop("unique")
        return
    if not any(field["name"] == "id" for field in table["fields"]):
        table["fields"].insert(0, {"name": "id", "type": "integer", "unique": True, "generator": "sequence"})
        made.why[f"{table['name']}.id"] = "so that no two rows are alike"
        return
    for field in table["fields"]:
        if isinstance(field.get("ref"), dict):
            field["ref"] = field["ref"]["to"]
            table.setdefault("count", 1000)

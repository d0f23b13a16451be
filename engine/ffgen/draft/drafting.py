"""From a description to a draft: read, made, proved by the loader and the plan, mended where they refuse."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ffgen.draft.answers import ALIKE, apply, count_of, matched, numbered, period_of
from ffgen.draft.flat import finest_of
from ffgen.draft.layout import Made
from ffgen.draft.make import Maker
from ffgen.draft.naming import name_of
from ffgen.draft.request import Question, Request
from ffgen.draft.settle import Settler
from ffgen.draft.show import spec_text
from ffgen.errors import Finding, UsageError

MOST_MENDS = 12
MOST_CHARACTERS = 20_000
EXAMPLE = 'Name things and their fields: "5000 customers with names, e-mails and a city".'
__all__ = ["Draft", "Question", "draft_of", "name_of"]

Check = Callable[[Mapping[str, Any]], list[Finding]]
Ask = Callable[[str, str, str, str], None]
"""Adds a question: about, text, default, path."""


class Draft(Struct, frozen=True, kw_only=True):
    """A spec made of a description, and how the description was read.

    `spec` is what `load` takes, `text` the same as YAML with comments; `why` tells of each `table.field` what it came
    from. `ignored` holds the words that say nothing here. Each question has the default that the spec holds now;
    `answers` are those that were given. `author` is the model that drafted, empty for ffgen itself; `calls` is how
    often it was asked, 0 for a draft that was kept (`kept`). `notes` say what a user should know of the way here.
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
    answers: dict[str, str] = {}
    author: str = ""
    kept: bool = False
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    notes: list[str] = []


def plain_text(description: str) -> str:
    """The description without control characters: UsageError for one that is too long, or that has little else."""
    if len(description) > MOST_CHARACTERS:
        what = f"The description has {len(description):,} characters; {MOST_CHARACTERS:,} are read at most."
        raise UsageError(what, hint="Say it in fewer words, or write a spec.")
    controls = [one for one in description if unicodedata.category(one) == "Cc" and one not in "\t\n\r"]
    if len(controls) * 10 > len(description):
        what = f"The description is no text: {len(controls)} of its {len(description)} are control characters."
        raise UsageError(what, hint=EXAMPLE)
    return "".join(one for one in description if unicodedata.category(one) != "Cc" or one in "\t\n\r\x1b")


def draft_of(
    description: str,
    rows: int | dict[str, int] | None,
    seed: int,
    check: Check,
    answers: Mapping[str, Any] | None = None,
) -> Draft:
    """The draft of a description. `check` gives what is wrong with a spec. UsageError for words that name neither
    fields nor things that rows could be about, and for an answer to no question."""
    text = plain_text(description)
    request, made = _made(text, rows, seed)
    prove(made, request.ask, check)
    given: list[tuple[Question, str]] = []
    if answers:
        given = matched(numbered(request.questions), answers)
        request, made = _answered(text, rows, seed, given)
        prove(made, request.ask, check)
    questions = [one for one in numbered(request.questions) if one.id not in {question.id for question, _ in given}]
    return drafted(
        description,
        made,
        questions,
        name=request.goods if request.goods != "any" else made.main,
        understood=[*[f"{question.text} {said}" for question, said in given], *request.understood],
        ignored=list(dict.fromkeys(request.ignored)),
        answers={question.id: said for question, said in given},
    )


def drafted(
    description: str,
    made: Made,
    questions: list[Question],
    *,
    name: str,
    understood: list[str],
    ignored: list[str],
    answers: dict[str, str],
    **how: Any,
) -> Draft:
    """A draft of what was made."""
    tables = tables_of(made.spec)
    return Draft(
        description=description,
        name=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "data",
        spec=made.spec,
        text=spec_text(made.spec, description, made.why, questions),
        why=made.why,
        main=made.main,
        finest=finest_of(tables),
        understood=_understood(understood, tables),
        ignored=ignored,
        questions=questions,
        answers=answers,
        **how,
    )


def tables_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a spec."""
    return [spec["dataset"]] if "dataset" in spec else spec["tables"]


def _made(
    text: str, rows: int | dict[str, int] | None, seed: int, given: Sequence[tuple[Question, str]] = ()
) -> tuple[Request, Made]:
    """What a description asks for, and the spec of that; what is settled before a spec is made is put in first."""
    request = Settler(text).read()
    if (not request.tables and not request.domain) or not request.is_wish:
        raise UsageError(
            "Nothing in the description says what the data is about." if text.strip() else "The description is empty.",
            hint=EXAMPLE,
        )
    for question, said in given:
        if question.about == "range" and not question.path and question.choices != (question.default, ALIKE):
            request.period = period_of(said, question)
        elif question.about == "range" and "." not in question.path and said.lower() != question.default.lower():
            _free(request, question.path)
    return request, Maker(request, rows, seed).make()


def _free(request: Request, path: str) -> None:
    """Takes the count of a table back, so that its rows are as many as their parents say."""
    for table in request.tables:
        if path in (table.name, table.shown):
            table.count = None


def _answered(
    text: str, rows: int | dict[str, int] | None, seed: int, given: Sequence[tuple[Question, str]]
) -> tuple[Request, Made]:
    """The draft with answers: those that say what there is are read with the description, the others change the
    spec."""
    counts = dict(rows) if isinstance(rows, dict) else {}
    for question, said in given:
        if question.about == "count" and rows is None:
            counts[question.path] = count_of(said, question)
        elif question.about == "term" and "." not in question.path and said != question.default:
            text = f"{text.rstrip(' .')}. {question.path} with {said}"
    request, made = _made(text, counts or rows, seed, given)
    for question, said in given:
        if question.about == "grain" or "." in question.path:
            made.spec = apply(made.spec, question, said)
    _explain(made)
    return request, made


def _explain(made: Made) -> None:
    """Reasons for fields that answers moved or made, and the main table under the name that it has now."""
    tables = tables_of(made.spec)
    reasons = {path.rpartition(".")[2]: why for path, why in made.why.items()}
    for table in tables:
        for field in table["fields"]:
            path = f"{table['name']}.{field['name']}"
            made.why.setdefault(path, reasons.get(field["name"], "by an answer of yours"))
    there = {f"{table['name']}.{field['name']}" for table in tables for field in table["fields"]}
    made.why = {path: why for path, why in made.why.items() if path in there}
    if made.main not in {table["name"] for table in tables}:
        made.main = str(tables[0]["name"])


def _understood(said: list[str], tables: list[dict[str, Any]]) -> list[str]:
    found = [
        f"{table['name']}: {', '.join(field['name'] for field in table['fields'] if not field.get('hidden'))}"
        for table in tables
    ]
    return [*dict.fromkeys(said), *found]


def prove(made: Made, ask: Ask, check: Check) -> None:
    """Takes out what the loader or the plan refuses, a field's extras first, then the field."""
    for _ in range(MOST_MENDS):
        errors = [finding for finding in check(made.spec) if finding.severity == "error"]
        if not errors:
            return
        _mend(made, ask, errors[0])
    raise UsageError(
        "This description can't be made into a spec.", hint="Say it in fewer words, or name the fields one by one."
    )


def _mend(made: Made, ask: Ask, error: Finding) -> None:
    tables = tables_of(made.spec)
    place = re.match(r"(?:tables\[(\d+)\]|dataset)(?:\.fields\[(\d+)\])?", error.path)
    table = tables[int(place[1] or 0)] if place else tables[0]
    if place is None or place[2] is None:
        _loosen(table, made)
        return
    field = table["fields"][int(place[2])]
    path = f"{table['name']}.{field['name']}"
    if error.path.endswith(".unique") and field.pop("unique", False):
        ask("range", f"{field['name']}: {error.what}"[:200], "not unique", path)
        return
    ask("range", f"{field['name']}: {error.what}"[:200], "left out", path)
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

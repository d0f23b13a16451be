"""A sentence heard in the context of all before: what the drafter makes of both, against what it made of the first.

Only what is new or other comes over. What a draft adds because little was said (`usual of`), and leaves out again as
soon as more is said, does not: the user has seen it, and may have changed it.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ffgen.chat import edit
from ffgen.chat.find import field_at, parent_of, table_at
from ffgen.chat.standing import MOST_TEXT, Drafter, Standing, tables_of
from ffgen.draft.drafting import Draft
from ffgen.draft.flat import flattened
from ffgen.errors import UsageError


def redrafted(
    now: Standing,
    sentence: str,
    drafter: Drafter,
    answers: Mapping[str, str] | None = None,
    *,
    is_model: bool = False,
) -> tuple[Standing, Draft, Draft] | None:
    """The standing with what a sentence, or answers, add to the draft, and both drafts; None where nobody knows.

    A model is held against the text that it was given last, whose draft is kept, so that a sentence is one call.
    """
    for old, new in now.names.items():  # the drafter knows them by their first names
        if "." not in old:
            sentence = re.sub(rf"\b{re.escape(new)}\b", old, sentence, flags=re.IGNORECASE)
    text = f"{now.text.rstrip(' .')}. {sentence.strip()}" if sentence else now.text
    if len(text) > MOST_TEXT:
        raise UsageError("This conversation is longer than a draft may be.", hint="`done`, and edit the spec.")
    known = now.drafted if is_model else now.text
    try:
        before, after = drafter(known), drafter(known, answers) if answers else drafter(text)
    except UsageError:
        return None
    counts = bool(re.search(r"\d", sentence)) or bool(answers)
    spec, why = _patched(now, before, after, counts)
    drafted = text if is_model and not answers else now.drafted
    return structs.replace(now, text=text, drafted=drafted, spec=spec, why=why), before, after


def _patched(now: Standing, before: Draft, after: Draft, counts: bool) -> tuple[dict[str, Any], dict[str, str]]:
    names = now.names
    old, new = edit.renamed(_shaped(before.spec, now), names), edit.renamed(_shaped(after.spec, now), names)
    why = {_called(path, names): told for path, told in after.why.items()}
    reasons, spec = dict(now.why), edit.copied(now.spec)
    if not counts:
        _without_counts(old, new)
    known = {str(table["name"]) for table in tables_of(old)}
    for table in tables_of(new):
        name = str(table["name"])
        was = table_at(old, name)
        if table_at(spec, name) is None:
            if was is None:
                spec = edit.with_tables(spec, [*tables_of(spec), edit.copied(table)])
                reasons |= {path: told for path, told in why.items() if path.startswith(f"{name}.")}
        else:
            spec = _table(spec, name, was, table, why, reasons, known)
    for key in (new.keys() | old.keys()) - {"dataset", "tables"}:
        if key in new and new[key] != old.get(key):
            spec[key] = new[key]
    return spec, {path: told for path, told in reasons.items() if field_at(spec, _place(path)) is not None}


def _table(
    spec: dict[str, Any],
    name: str,
    was: Mapping[str, Any] | None,
    table: Mapping[str, Any],
    why: Mapping[str, str],
    reasons: dict[str, str],
    known: set[str],
) -> dict[str, Any]:
    """One table, with what differs between two drafts of it; tables that were `known` are linked already."""
    mine = table_at(spec, name)
    assert mine is not None
    before = was or {"fields": []}
    for key in (table.keys() | before.keys()) - {"fields", "name"}:
        if key in table and table[key] != before.get(key):
            mine[key] = copy.deepcopy(table[key])
            mine["fields"] = mine.pop("fields")
        elif key not in table:
            mine.pop(key, None)
    old = {field["name"]: field for field in before["fields"]}
    for field in table["fields"]:
        path = f"{name}.{field['name']}"
        there = field_at(spec, (name, field["name"]))
        earlier = old.get(field["name"])
        if field == earlier or (earlier is None and why.get(path, "").startswith("usual")):
            continue
        if (
            earlier is None
            and there is None
            and parent_of(field) in known
            and not why.get(path, "").startswith("you said")
        ):
            continue
        if earlier is None and there is not None:
            fresh = [key for key in field if key not in there or why.get(path, "").startswith("you said")]
            spec = edit.put(spec, (name, field["name"]), {key: field[key] for key in fresh})
        elif earlier is None or there is None:
            spec = edit.with_field(spec, name, field)
        else:
            changed = {
                key: field.get(key) for key in field.keys() | earlier.keys() if field.get(key) != earlier.get(key)
            }
            spec = edit.put(spec, (name, field["name"]), changed)
        reasons[path] = why.get(path, "you said so")
    return spec


def _without_counts(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Where a sentence has no number, tables that were there keep theirs."""
    for table in tables_of(new):
        was = table_at(old, str(table["name"]))
        if was is not None:
            table.pop("count", None)
            was.pop("count", None)


def _shaped(spec: Mapping[str, Any], now: Standing) -> dict[str, Any]:
    return flattened(spec) if now.is_flat and "tables" in spec else dict(spec)


def _called(path: str, names: Mapping[str, str]) -> str:
    table, _, field = path.partition(".")
    return f"{names.get(table, table)}.{names.get(path, field)}"


def _place(path: str) -> tuple[str, str]:
    table, _, field = path.partition(".")
    return table, field

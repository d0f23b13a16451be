"""A model's answer as a draft: JSON found in its text, and nothing kept of it but tables, fields and questions.

What a model writes is a stranger's text. Keys that reach outside the rows (plugins, models, endpoints, outputs,
sources) have no way through here, whatever the loader would say to them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ffgen.ask.reply import unfenced
from ffgen.draft import mapping
from ffgen.draft.catalogue import by_phrase
from ffgen.draft.guess import guess
from ffgen.draft.request import Question
from ffgen.draft.words import phrase_of
from ffgen.errors import Finding
from ffgen.sample import SAMPLERS
from ffgen.sample.plugins import origins
from ffgen.spec.model import Dataset, Field, Ref
from ffgen.spec.types import Problem

MOST_TABLES, MOST_FIELDS, MOST_VALUES, MOST_QUESTIONS = 12, 80, 500, 3
MOST_ROWS = 1_000_000
"""Rows that a model may ask for; the user may have more."""
_TABLE_KEYS = {"name", "count", "locale", "fields", "unique_by", "require", "rows", "correlations", "as_of"}
_FIELD_KEYS = {*Field.__struct_fields__} - {
    "source", "pool", "fallback", "style", "forbidden_words", "min_score", "examples", "description", "fields", "items"
}  # fmt: skip
_SOURCES = {"generator", "values", "pattern", "derive", "ref", "cases"}
"""Keys that say where values come from."""
_REF_KEYS = {"as" if name == "role" else name for name in Ref.__struct_fields__}
_WRAPPERS = ("spec", "schema", "fields", "faker_schema", "properties", "data", "answer", "mapping")
_ABOUT = ("count", "grain", "range", "term")
_ROOM = 200
assert {*Dataset.__struct_fields__} >= _TABLE_KEYS


class Written(Struct, frozen=True, kw_only=True):
    """What a model wrote, as far as it is taken: tables as a spec has them, its questions, and what was left out."""

    tables: list[dict[str, Any]] = []
    questions: list[Question] = []
    left_out: list[str] = []


def read_answer(text: str, name: str = "records") -> tuple[Written, list[Finding]]:
    """An answer, and what is wrong with its form. Findings about what it says come from the loader, later."""
    document = find_json(text)
    if document is None:
        return Written(), [Finding("", "this is not one JSON object.", "Write no prose and close every bracket.")]
    if not isinstance(document, dict):
        return Written(), [Finding("", "the answer is a list.", 'Start with {"tables": [...]}.')]
    left_out: list[str] = []
    raw, findings = _tables(document, name, left_out)
    tables = [_table(one, at, left_out) for at, one in enumerate(raw)]
    for table in tables:
        findings += _limits(table)
    if not tables and not findings:
        findings.append(Finding("tables", "there is no table.", 'Start with {"tables": [...]}.'))
    return Written(tables=tables, questions=_questions(document), left_out=left_out), findings


def merged(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tables with those of a mending answer put over them: fields by name, one that has only a name taken out."""
    tables = {table["name"]: {**table, "fields": [*table["fields"]]} for table in before}
    for change in after:
        table = tables.get(change["name"])
        if table is None:
            tables[change["name"]] = change
            continue
        table |= {key: value for key, value in change.items() if key != "fields"}
        fields = {field["name"]: field for field in table["fields"]}
        fields |= {field["name"]: field for field in change["fields"]}
        table["fields"] = [field for field in fields.values() if len(field) > 1]
    return list(tables.values())


def spec_of(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Tables as a spec."""
    return {"dataset": tables[0]} if len(tables) == 1 else {"tables": tables}


def find_json(text: str) -> Any:
    """The first JSON object of a text, past prose and fences; None where there is none."""
    for candidate in (text, unfenced(text)):
        try:
            return msgspec.json.decode(candidate)
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
    decoder = json.JSONDecoder()
    for match in list(re.finditer(r"\{", text))[:20]:
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found:
            return found
    return None


def _tables(document: dict[str, Any], name: str, left_out: list[str]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The tables of an answer, in whichever of the forms it has."""
    for key in document.keys() - {"tables", "dataset", "questions", "understood", *_WRAPPERS}:
        if key in ("plugins", "model", "output", "seed", "version"):
            left_out.append(key)
    listed = document.get("tables")
    if isinstance(listed, Mapping):
        listed = [{"name": key, **one} for key, one in listed.items() if isinstance(one, Mapping)]
    if isinstance(listed, list):
        return [one for one in listed if isinstance(one, dict)][:MOST_TABLES], []
    if isinstance(document.get("dataset"), dict):
        return [document["dataset"]], []
    rest = {key: value for key, value in document.items() if key not in ("questions", "understood")}
    inner = next((rest[key] for key in _WRAPPERS if len(rest) == 1 and isinstance(rest.get(key), dict)), rest)
    if inner is not rest and ("tables" in inner or "dataset" in inner):
        return _tables(inner, name, left_out)
    if isinstance(rest.get("fields"), list) and {"name"} >= rest.keys() - {"fields", "count", "locale"}:
        return [{"name": name, **rest}], []
    if inner and mapping.is_map(inner):
        made, findings = mapping.spec_of(inner, name)
        return ([made["dataset"]] if made else []), findings
    return [], []


def _table(raw: Mapping[str, Any], at: int, left_out: list[str]) -> dict[str, Any]:
    """A table with the keys that it may have, its names such that a column can have them."""
    name = name_of(raw.get("name"), f"table{at + 1}")
    left_out += [f"{name}.{key}" for key in sorted(raw.keys() - _TABLE_KEYS)][:5]
    table = {key: raw[key] for key in _TABLE_KEYS - {"name", "fields"} if key in raw}
    listed = raw.get("fields", raw.get("columns", []))
    if isinstance(listed, Mapping):
        listed = list(_of_mapping(listed))
    fields = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    made = [_field(one, f"{name}[{number}]", left_out) for number, one in enumerate(fields[:MOST_FIELDS])]
    if table.get("locale") in ("en_US", "", None):
        table.pop("locale", None)
    if isinstance(count := table.get("count"), int) and count > MOST_ROWS:
        left_out.append(f"{name}.count")
        table.pop("count")
    return {"name": name, **{key: one for key, one in table.items() if one is not None}, "fields": made}


def _of_mapping(listed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Fields that are written as a provider map inside a table."""
    for name, said in listed.items():
        try:
            yield {"name": name, **mapping.field_of(str(name), said)}
        except Problem:
            yield {"name": name, **(said if isinstance(said, dict) else {"type": str(said)[:40]})}


def _field(raw: Mapping[str, Any], place: str, left_out: list[str]) -> dict[str, Any]:
    name = name_of(raw.get("name"), "field")
    gone = raw.keys() - _FIELD_KEYS - {"description"}
    left_out += [f"{place}.{key}" for key in sorted(map(str, gone))][:5]
    field = {key: value for key, value in raw.items() if key in _FIELD_KEYS and value not in (None, "", [], {})}
    field["name"] = name
    for false in ("unique", "nullable", "hidden"):
        if field.get(false) is False:
            field.pop(false)
    if isinstance(ref := field.get("ref"), dict):
        field["ref"] = {key: value for key, value in ref.items() if key in _REF_KEYS and value is not None}
    return {"name": field.pop("name"), **_drawn(name, field)}


def _drawn(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """A text that nothing draws, as what its name says; its words, where that says nothing."""
    if field.get("type") not in ("string", "enum") or field.keys() & _SOURCES:
        return field
    phrase = phrase_of(name)
    meaning = by_phrase().get(phrase)
    usual: Mapping[str, Any] = meaning.short if meaning and not meaning.needs else guess(list(phrase)) or {}
    if usual.get("type") not in ("string", "enum") or not usual.keys() & _SOURCES:
        usual = {"type": "string", "generator": {"name": "words", "count": [1, 2]}}
    return {**usual, **{key: value for key, value in field.items() if key != "type"}}


def _limits(table: dict[str, Any]) -> list[Finding]:
    """What no loader refuses and no draft may have: too many values, generators that are no part of ffgen."""
    findings = []
    for field in table["fields"]:
        path = f"{table['name']}.{field['name']}"
        if isinstance(values := field.get("values"), list) and len(values) > MOST_VALUES:
            findings.append(Finding(path, f"there are more than {MOST_VALUES} values.", "List fewer."))
        for generator in _generators(field):
            name = generator.get("name") if isinstance(generator, dict) else generator
            if not isinstance(name, str) or name in SAMPLERS:
                continue
            try:
                made = mapping.made_of(field["name"], name, (), {})
            except Problem:
                findings.append(Finding(path, f"there is no generator `{name[:40]}`.", mapping.nearest(name)))
            else:
                field.pop("generator", None)
                field |= {key: value for key, value in made.items() if key not in field or key == "generator"}
        if (foreign := next((one for one in _names(field) if one in origins()), None)) is not None:
            findings.append(Finding(path, f"`{foreign}` is no generator of ffgen's own.", "Choose one of the list."))
    return findings


def _generators(field: Mapping[str, Any]) -> Iterator[Any]:
    yield field.get("generator")
    for case in field.get("cases") or []:
        if isinstance(case, dict):
            yield case.get("generator")


def _names(value: Any) -> Iterator[str]:
    """Everything inside a field that may name a generator."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("name", "generator") and isinstance(one, str):
                yield one
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)


def _questions(document: Mapping[str, Any]) -> list[Question]:
    listed = document.get("questions")
    found: list[Question] = []
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or not one.get("text") or len(found) >= MOST_QUESTIONS:
            continue
        choices = one.get("choices")
        about = one.get("about")
        found.append(
            Question(
                about if about in _ABOUT else "term",
                _said(one["text"]),
                _said(one.get("default")) or "as it stands",
                "",
                tuple(_said(choice) for choice in choices[:8]) if isinstance(choices, list) else (),
            )
        )
    return found


def _said(value: Any) -> str:
    """A model's words for people: one line, nothing that a terminal would obey."""
    text = "".join(letter if letter.isprintable() else " " for letter in str("" if value is None else value))
    return " ".join(text.split())[:_ROOM]


def name_of(value: Any, other: str) -> str:
    """A name that a table or a column can have."""
    name = re.sub(r"[^\w -]+", "_", str(value or "").strip()).strip("_ -")[:60]
    return name or other

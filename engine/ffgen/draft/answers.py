"""Questions of a draft with their answers: what each is called, what an answer changes, and the change itself."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ffgen.draft.catalogue import by_phrase
from ffgen.draft.flat import flattened
from ffgen.draft.request import Question
from ffgen.draft.words import phrase_of
from ffgen.errors import UsageError

ONE_TABLE = "one table"
LINKED = "linked tables"
ALIKE = "all alike"
SHAPES: dict[str, dict[str, Any]] = {
    "a number": {"type": "number", "range": [0, 1000], "decimals": 2},
    "a whole number": {"type": "integer", "range": [0, 1000]},
    "a date": {"type": "date", "range": ["2023-01-01", "2024-12-31"]},
    "yes or no": {"type": "boolean"},
    "a sentence": {"type": "text", "generator": {"name": "sentences", "sentences": 1}},
    "a code": {"type": "string", "pattern": "[A-Z]{2}-[0-9]{5}"},
}
"""What a field that nobody knows may be, in words."""
WORDS = "a word or two"
_CHANGES = {
    "count": "how many rows {path} has",
    "grain": "whether there are linked tables, or one that has all fields",
    "range": "the limits of {path}",
    "term": "what {path} is",
}
_ENDS = re.compile(r"\s*(.+?)\s*(?:\bto\b|\band\b|\.\.+|–|,)\s*(.+?)\s*")
_OTHER = re.compile(r".*?: .+, and (?:between |from )?(\S+) (?:and|to|-) (\S+)\?")
_EACH = re.compile(r".* can't have .* of (\S+ to \S+)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def numbered(questions: Sequence[Question]) -> list[Question]:
    """The questions with their ids, choices, and what they change. The same draft numbers them alike."""
    found: list[Question] = []
    for question in questions:
        base = f"{question.about}:{question.path}" if question.path else question.about
        taken = {one.id for one in found}
        id = next(name for at in range(1, 1000) if (name := base if at == 1 else f"{base}:{at}") not in taken)
        path = question.path or "the data"
        changes = question.changes or _CHANGES[question.about].format(path=path)
        found.append(replace(question, id=id, choices=_choices(question), changes=changes))
    return found


def _choices(question: Question) -> tuple[str, ...]:
    """The choices, the default among them."""
    choices = question.choices
    if not choices and question.about == "count":
        choices = tuple(dict.fromkeys((question.default, "100", "1000", "10000", "100000")))
    elif not choices and question.about == "term" and "." in question.path:
        choices = (question.default, *SHAPES)
    elif not choices and question.default == "kept in proportion":
        choices = (question.default, ALIKE)
    elif not choices and question.about == "range" and (said := _OTHER.fullmatch(question.text)):
        choices = (question.default, f"{said[1]} to {said[2]}")
    elif not choices and question.about == "range" and (said := _EACH.fullmatch(question.text)):
        choices = (question.default, f"{said[1]} each")
    return choices if question.default in choices or not choices else (question.default, *choices)


def matched(questions: Sequence[Question], answers: Mapping[str, Any]) -> list[tuple[Question, str]]:
    """Each answered question with what was said. UsageError for an id that no question has."""
    known = {question.id: question for question in questions}
    unknown = [id for id in answers if id not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise UsageError(f"The draft has no question {unknown[0][:60]}.", hint=f"Its questions are: {there}.")
    return [(known[id], " ".join(str(said).split())[:500]) for id, said in answers.items()]


def count_of(said: str, question: Question) -> int:
    """A number of rows. UsageError for what is none."""
    digits = re.sub(r"[\s,_']", "", said)
    if not digits.isdecimal() or not 1 <= int(digits) <= 10**12:
        raise _refused(question, said, "a whole number from 1 up")
    return int(digits)


def period_of(said: str, question: Question) -> tuple[datetime.date, datetime.date]:
    """Two days. UsageError for what is none."""
    ends = _ENDS.fullmatch(said)
    try:
        low, high = (datetime.date.fromisoformat(end[:10]) for end in (ends[1], ends[2])) if ends else (None, None)
    except ValueError:
        low = high = None
    if low is None or high is None:
        raise _refused(question, said, "two days, such as 2023-01-01 to 2024-12-31")
    return min(low, high), max(low, high)


def apply(spec: dict[str, Any], question: Question, said: str) -> dict[str, Any]:
    """The spec with an answer in it. UsageError for one that does not fit its question."""
    if said.lower() == question.default.lower():
        return spec
    if question.about == "grain":
        if said.lower() not in (ONE_TABLE, LINKED):
            raise _refused(question, said, f"`{LINKED}` or `{ONE_TABLE}`")
        return flattened(spec) if said.lower() == ONE_TABLE and "tables" in spec else spec
    table, name = _place(spec, question.path)
    if table is None:
        return spec
    if question.about == "count":
        table["count"] = count_of(said, question)
        return spec
    field = next((one for one in table["fields"] if one["name"] == name), None)
    if field is None:
        return spec
    if said == ALIKE:
        field.pop("weights", None)
    elif question.about == "range":
        _set_range(field, question, said)
    else:
        _set_shape(field, question, said)
    return spec


def _place(spec: Mapping[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    table, _, name = path.partition(".")
    tables = [spec["dataset"]] if "dataset" in spec else spec["tables"]
    return next((one for one in tables if one["name"] == table), None), name


def _set_range(field: dict[str, Any], question: Question, said: str) -> None:
    """New limits, in the field's own type; what was drawn to fit the old ones goes."""
    kind = field.get("type")
    if kind in ("date", "datetime"):
        low, high = period_of(said, question)
        field["range"] = [str(low), f"{high}T23:59:59Z" if kind == "datetime" else str(high)]
        return
    numbers = [float(one) if "." in one else int(one) for one in _NUMBER.findall(said.replace(",", ""))]
    if len(numbers) != 2:
        raise _refused(question, said, "two numbers, such as 18 to 65")
    field["range"] = sorted(numbers)
    field.pop("values", None)
    field.pop("weights", None)


def _set_shape(field: dict[str, Any], question: Question, said: str) -> None:
    """What a field holds: one of the words, a list of values, two ends, or a name that the catalogue knows."""
    kept: dict[str, Any] = {key: field[key] for key in ("name", "unique", "nullable", "hidden") if key in field}
    short = shape_of(said)
    if short is None:
        words = ", ".join([WORDS, *SHAPES])
        raise _refused(question, said, f"{words}, `18 to 65`, or values: red, green, blue")
    field.clear()
    field |= {**kept, **short}


def shape_of(said: str) -> dict[str, Any] | None:
    """What a few words say of a field's values; None where they say nothing."""
    words = said.lower().removeprefix("one of ").strip()
    if words in SHAPES:
        return dict(SHAPES[words])
    if words == WORDS:
        return {"type": "string", "generator": {"name": "words", "count": [1, 2]}}
    ends = re.fullmatch(r"(?:from |between )?([-+]?\d+(?:\.\d+)?) ?(?:to|and|-|\.\.) ?([-+]?\d+(?:\.\d+)?)", words)
    if ends:
        whole = "." not in ends[1] + ends[2]
        low, high = sorted((int(end) if whole else float(end)) for end in ends.groups())
        return {"type": "integer" if whole else "number", "range": [low, high], **({} if whole else {"decimals": 2})}
    values = [one.strip() for one in re.split(r",|\bor\b", said.removeprefix("one of ")) if one.strip()]
    if len(values) > 1:
        return {"type": "enum", "values": list(dict.fromkeys(values))[:500]}
    meaning = by_phrase().get(phrase_of(words))
    if meaning is None or meaning.needs or "goods" in meaning.short:
        return None
    return {key: value for key, value in meaning.short.items() if key not in ("description", "derive", "unique")}


def _refused(question: Question, said: str, wanted: str) -> UsageError:
    return UsageError(f'"{said[:60]}" does not answer {question.id}: {question.text}', hint=f"Say {wanted}.")

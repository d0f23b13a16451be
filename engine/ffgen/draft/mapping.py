"""A provider map as a spec: field names to methods of Faker, to lists of values, or to calls written as text.

    {"name": "person.fullName", "age": {"type": "number.int", "min": 25, "max": 65},
     "plan": ["free", "pro"], "diagnosis": "faker.random.choice(['Asthma', 'Diabetes'])"}

Calls are parsed and never made. Methods are those of the catalogue of `provider`; where one of ffgen's own generators
gives the same and agrees with the rest of the row, that one is taken.
"""

import difflib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from ffgen.draft import methods
from ffgen.draft.drafting import Check, Draft, drafted
from ffgen.draft.layout import USUAL_ROWS, Made
from ffgen.draft.literal import Unread, read_call
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.sample import SAMPLERS
from ffgen.sample.catalogue import JAVASCRIPT, PYTHON
from ffgen.spec.document import Document, Mark
from ffgen.spec.load import of_value
from ffgen.spec.model import Spec
from ffgen.spec.types import TYPES, Problem

MOST_FIELDS = 500
_KEYS = frozenset(Spec.__struct_fields__)
_PICKS = frozenset(
    "random.choice random.choices random_element random.element random_elements helpers.arrayElement "
    "random.arrayElement choice random.sample helpers.random_element".split()
)
_LISTS = ("elements", "array", "values", "choices", "options", "items", "from")
_KEPT = ("unique", "nullable")
"""Keys of a spec's field that may stand beside a method's parameters."""
_PLACES = ("place.city", "place.region", "place.postcode", "place.street", "place.address")


def spec_document(document: Document) -> Document:
    """The document as it is; of a provider map, the spec that it stands for. SpecError with every wrong entry."""
    if not is_map(document.value):
        return document
    value: dict[str, Any] = document.value
    fields, findings = [], []
    for name, said in value.items():
        try:
            fields.append({"name": name, **field_of(name, said)})
        except Problem as problem:
            findings.append(document.finding((name,), problem.what, problem.hint))
    if len(value) > MOST_FIELDS:
        findings.append(document.finding((), f"a provider map has at most {MOST_FIELDS} fields."))
    if findings:
        raise SpecError(findings)
    spec = {"dataset": {"name": name_of(document.file), "fields": settled(fields)}}
    return Document(spec, document.text, _marks(document))


def _marks(document: Document) -> Mark:
    """Where the parts of the spec stand in the file of the map: each field where its entry is."""
    line, column, _ = document.mark(())
    fields: Mark = (line, column, [document.mark((name,)) for name in document.value])
    dataset: Mark = (line, column, {"fields": (line, column, fields)})
    return (line, column, {"dataset": (line, column, dataset)})


def draft_of_map(document: Document, rows: int | dict[str, int] | None, seed: int, check: Check) -> Draft:
    """The draft of a provider map. SpecError for what is wrong in it, UsageError for a document that is none."""
    if not is_map(document.value):
        raise UsageError(
            f"{document.file or 'This'} is no provider map.",
            hint='Write field names with methods: {"name": "person.fullName", "plan": ["free", "pro"]}.',
        )
    spec: dict[str, Any] = spec_document(document).value
    table = spec["dataset"]
    if isinstance(rows, dict) and rows.keys() != {table["name"]}:
        raise UsageError(f"A provider map makes one table, {table['name']}.", hint="Say how many rows: -n 500.")
    table = {"name": table["name"], "count": _count(rows), "fields": table["fields"]}
    spec = {"dataset": table, **({"seed": seed} if seed else {})}
    if errors := [finding for finding in check(spec) if finding.severity == "error"]:
        raise SpecError(errors)
    why = {f"{table['name']}.{name}": f"the map says {_shown(said)}" for name, said in document.value.items()}
    told = f"Made from the provider map {os.path.basename(document.file)}".rstrip()
    return drafted(told, Made(spec, why, table["name"]), [], name=table["name"], understood=[], ignored=[], answers={})


def _count(rows: int | dict[str, int] | None) -> int:
    return next(iter(rows.values())) if isinstance(rows, dict) else rows or USUAL_ROWS


def _shown(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, default=str)[:100]


def spec_of(value: Mapping[str, Any], name: str = "records") -> tuple[dict[str, Any], list[Finding]]:
    """The spec of a map that is no file, and what is wrong with it."""
    try:
        made: dict[str, Any] = spec_document(of_value(value)).value
    except SpecError as error:
        return {}, list(error.findings)
    made["dataset"]["name"] = name
    return made, []


def is_map(value: Any) -> bool:
    """Whether a document is a provider map: no key of a spec at its top, and most values are of one of the forms."""
    if not isinstance(value, Mapping) or not value or _KEYS & {*value}:
        return False
    forms = {name: one for name, one in value.items() if _is_form(one)}
    if len(forms) * 2 <= len(value):
        return False
    return any(_is_sure(name, one) for name, one in forms.items())


def _is_form(said: Any) -> bool:
    if isinstance(said, list):
        return bool(said) and all(one is None or isinstance(one, str | int | float) for one in said)
    if isinstance(said, Mapping):
        return isinstance(said.get("type", said.get("method")), str)
    return isinstance(said, str)


def _is_sure(name: str, said: Any) -> bool:
    """Whether an entry can hardly be a slip in a spec."""
    if isinstance(said, list):
        return not difflib.get_close_matches(name, _KEYS, 1, 0.7)
    text = said if isinstance(said, str) else said.get("type", said.get("method"))
    return bool(re.search(r"[.(]", text)) or bare(text) in PYTHON or bare(text) in TYPES


def name_of(file: str) -> str:
    """What the records are called: as their file."""
    stem = os.path.basename(file).partition(".")[0]
    return re.sub(r"[^\w]+", "_", stem).strip("_")[:60] or "records"


def bare(name: str) -> str:
    """A method's name without what it is called on: `faker.name`, `Faker().name()`."""
    name = re.sub(r"\(\)$", "", name.strip())
    return re.sub(r"^(?:self\.)?(?:[Ff]aker|[Ff]ake)(?:\(\))?\.", "", name)


def field_of(name: str, said: Any) -> dict[str, Any]:
    """A field's keys, without its name. Problem for what can't be read."""
    if isinstance(said, list):
        return values_of(said)
    if isinstance(said, Mapping) and _is_form(said):
        return _typed(name, dict(said))
    if not isinstance(said, str):
        what = f"{str(said)[:60]} is no method, no list of values and no mapping with a `type`."
        raise Problem("", what, 'Write "person.fullName", ["free", "pro"] or {"type": "number.int", "min": 1}.')
    return _called(name, said)


def _typed(name: str, said: dict[str, Any]) -> dict[str, Any]:
    """`{"type": m, ...params}` and `{"type": m, "params": {...}}`."""
    method = str(said.pop("type", None) or said.pop("method", ""))
    kept = {key: said.pop(key) for key in _KEPT if key in said}
    inner = said.pop("params", None)
    if inner is not None and not isinstance(inner, Mapping | list):
        raise Problem("params", "`params` is neither a mapping nor a list.", "Write it as {min: 1, max: 6}.")
    args = tuple(inner) if isinstance(inner, list) else ()
    params = {**said, **(inner if isinstance(inner, Mapping) else {})}
    if "(" in method and not params and not args:
        return {**_called(name, method), **kept}
    return {**made_of(name, method, args, params), **kept}


def _called(name: str, text: str) -> dict[str, Any]:
    call_text = re.sub(r"^(\s*)[Ff]aker\(\)\.", r"\1faker.", text)
    try:
        call = read_call(call_text)
    except Unread as error:
        what = f"`{text[:60]}` is no method: {error}."
        raise Problem("", what, "Write a method's name, a call of one, or a list of values.") from None
    return made_of(name, call.name, call.args, call.named)


def made_of(name: str, method: str, args: tuple[Any, ...], params: Mapping[str, Any]) -> dict[str, Any]:
    """The field that a method with its parameters stands for."""
    known = bare(method)
    params = dict(params)
    first = args[0] if len(args) == 1 else None
    if isinstance(first, dict):
        args, params = (), {**first, **params}
    if known in _PICKS:
        listed = next(iter(args)) if args else next((params[key] for key in _LISTS if key in params), None)
        return values_of(listed)
    if known in SAMPLERS and not args and known not in TYPES:
        return {"generator": {"name": known, **params} if params else known}
    if known in TYPES and (short := methods.of_type(known, params)) is not None and not args:
        return short
    found = JAVASCRIPT.get(known) or PYTHON.get(known)
    if found is None:
        raise Problem("", f"no method of Faker called `{known[:60]}` can be used here.", nearest(known))
    return methods.short_of(name, known, found, args, params)


def values_of(listed: Any) -> dict[str, Any]:
    """A field that is one of a list; of a mapping, as often as its numbers say."""
    if isinstance(listed, Mapping) and listed and all(isinstance(one, int | float) for one in listed.values()):
        return {"type": "enum", "values": [*listed], "weights": [*listed.values()]}
    if not isinstance(listed, list) or not listed:
        raise Problem("", "there are no values to choose from.", "List them: ['a', 'b', 'c'].")
    values = [one for one in dict.fromkeys(map(_hashable, listed)) if one is not None]
    if not values:
        raise Problem("", "there are no values to choose from.", "List them: ['a', 'b', 'c'].")
    short: dict[str, Any] = {"values": values}
    kinds = {type(one) for one in values}
    if kinds == {str}:
        short = {"type": "enum", **short}
    elif len(kinds - {int, float}) and len(kinds) > 1:
        short = {"type": "enum", "values": [str(one) for one in values]}
    if len(values) < len([one for one in listed if one is not None]):
        counts = [sum(1 for one in listed if one == value) for value in values]
        short["weights"] = counts
    if None in listed:
        short["nullable"] = round(listed.count(None) / len(listed), 3)
    return short


def _hashable(one: Any) -> Any:
    if isinstance(one, str | int | float | bool) or one is None:
        return one
    raise Problem("", "a value to choose from is a list or a mapping.", "Choose from texts or numbers.")


def nearest(name: str) -> str:
    """What may have been meant."""
    names = [*JAVASCRIPT, *PYTHON, *SAMPLERS, *TYPES]
    tails = {each.rpartition(".")[2].lower(): each for each in reversed(names)}
    near = difflib.get_close_matches(name, names, 3)
    near += [tails[each] for each in difflib.get_close_matches(name.rpartition(".")[2].lower(), tails, 2)]
    if not near:
        return "Names are those of Python Faker, of Faker.js 9, or of `ffgen types`."
    return f"Did you mean {' or '.join(f'`{each}`' for each in list(dict.fromkeys(near))[:3])}?"


def settled(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fields that know of each other: a country by itself is any country, one beside a city is the city's."""
    drawn = {methods.generator_of(field) for field in fields}
    for field in fields:
        if (alone := methods.ALONE.get(methods.generator_of(field))) and not drawn & {*_PLACES}:
            field.pop("generator")
            field |= alone
    return fields

"""Changes of a spec: each takes one and gives another; what hangs together is changed together."""

import copy
import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ffgen.chat.find import Place, field_at, parent_of, table_at
from ffgen.chat.standing import tables_of
from ffgen.draft.forms import spread

Spec = dict[str, Any]
_SPEAKS = ("derive", "when")


def count(spec: Mapping[str, Any], table: str, rows: int) -> Spec:
    """As many rows, and nothing else: see `scaled`."""
    made = copied(spec)
    one = table_at(made, table)
    assert one is not None
    if "count" not in one:
        one["count"] = rows
        _first(one)
    one["count"] = rows
    return made


def scaled(spec: Mapping[str, Any], table: str, rows: int) -> Spec:
    """As many rows, and as many parents as keep the number for each."""
    made = count(spec, table, rows)
    one, before = table_at(made, table), table_at(spec, table)
    assert one is not None and before is not None
    for field in one["fields"]:
        parent = table_at(made, parent_of(field)) if parent_of(field) != table else None
        how = field.get("ref")
        if parent is None or "count" not in parent or not isinstance(how, dict) or "min" not in how:
            continue
        mean = how.get("mean") or (how["min"] + how.get("max", how["min"] + 4)) / 2
        parent["count"] = max(1, round(rows / max(mean, 0.1)))
    return made


def with_field(spec: Mapping[str, Any], table: str, field: Mapping[str, Any]) -> Spec:
    """One more field, or another one in the place of its namesake."""
    made = copied(spec)
    one = table_at(made, table)
    assert one is not None
    at = next((at for at, there in enumerate(one["fields"]) if there["name"] == field["name"]), None)
    if at is None:
        one["fields"].append(copied(field))
    else:
        one["fields"][at] = copied(field)
    return made


def put(spec: Mapping[str, Any], place: Place, keys: Mapping[str, Any]) -> Spec:
    """Keys of a field; one that is None goes."""
    made = copied(spec)
    field = field_at(made, place)
    assert field is not None
    for key, value in keys.items():
        if value is None:
            field.pop(key, None)
        else:
            field[key] = value
    return made


def without_field(spec: Mapping[str, Any], place: Place) -> tuple[Spec, bool]:
    """Without a field; hidden, where others are made of it, and whether that is so."""
    made = copied(spec)
    table = table_at(made, place[0])
    assert table is not None
    table["fields"] = [field for field in table["fields"] if field["name"] != place[1]]
    needed = any(_speaks_of(field, place[1]) for field in table["fields"]) or any(
        _refers_to(field, place) for one in tables_of(made) for field in one["fields"]
    )
    if not needed:
        return made, False
    return put(spec, place, {"hidden": True}), True


def without_table(spec: Mapping[str, Any], name: str) -> Spec:
    """Without a table and the keys that refer to it; children that had their count from it get one of their own."""
    made = copied(spec)
    gone = table_at(made, name)
    assert gone is not None
    left = [table for table in tables_of(made) if table["name"] != name]
    for table in left:
        links = [field for field in table["fields"] if parent_of(field) == name]
        table["fields"] = [field for field in table["fields"] if parent_of(field) != name]
        if links and "count" not in table and "rows" not in table:
            how = links[0]["ref"] if isinstance(links[0]["ref"], dict) else {}
            mean = how.get("mean") or (how.get("min", 0) + how.get("max", 2)) / 2
            table["count"] = max(1, round(gone.get("count", 1000) * mean))
            _first(table)
    return with_tables(made, left)


def renamed_field(spec: Mapping[str, Any], place: Place, to: str) -> Spec:
    """A field under another name, in formulas and keys, too."""
    made = copied(spec)
    for table in tables_of(made):
        for field in table["fields"]:
            if table["name"] == place[0]:
                if field["name"] == place[1]:
                    field["name"] = to
                for key in _SPEAKS:
                    if key in field:
                        field[key] = re.sub(rf"\b{re.escape(place[1])}\b", to, str(field[key]))
                for key in ("generator", "cases"):
                    if isinstance(field.get(key), dict | list):
                        field[key] = _named(field[key], place[1], to)
            if _refers_to(field, place):
                _refer(field, f"{place[0]}.{to}")
        if table["name"] == place[0] and "unique_by" in table:
            table["unique_by"] = [to if name == place[1] else name for name in table["unique_by"]]
    return made


def renamed_table(spec: Mapping[str, Any], name: str, to: str) -> Spec:
    """A table under another name, in keys, too."""
    made = copied(spec)
    for table in tables_of(made):
        for field in table["fields"]:
            if parent_of(field) == name:
                ref = field["ref"]
                _refer(field, f"{to}.{str(ref if isinstance(ref, str) else ref['to']).partition('.')[2]}")
        if table["name"] == name:
            table["name"] = to
    return made


def renamed(spec: Mapping[str, Any], names: Mapping[str, str]) -> Spec:
    """All that has other names now, in a spec that has the old ones."""
    made = copied(spec)
    for path, to in names.items():
        table, dot, field = path.partition(".")
        if dot and field_at(made, (table, field)) is not None:
            made = renamed_field(made, (table, field), to)
    for path, to in names.items():
        if "." not in path and table_at(made, path) is not None:
            made = renamed_table(made, path, to)
    return made


def with_locales(spec: Mapping[str, Any], locales: Sequence[str]) -> Spec:
    """People and places of these locales in all tables."""
    made = copied(spec)
    for table in tables_of(made):
        fields = table.pop("fields")
        table.pop("locale", None)
        if locales[0] != "en_US":
            table["locale"] = locales[0]
        table["fields"] = [_plain(field) for field in fields]
        for field in table["fields"] if len(locales) > 1 else ():
            spread(field, list(locales))
    return made


def with_period(spec: Mapping[str, Any], places: Sequence[Place], low: datetime.date, high: datetime.date) -> Spec:
    """Dates within a period."""
    made = copied(spec)
    for place in places:
        field = field_at(made, place)
        assert field is not None
        field["range"] = [str(low), f"{high}T23:59:59Z" if field["type"] == "datetime" else str(high)]
    return made


def each(spec: Mapping[str, Any], child: str, parent: str, low: int, high: int) -> Spec:
    """How many rows of a child each row of its parent has; the child's count follows."""
    made = copied(spec)
    table = table_at(made, child)
    assert table is not None
    field = next(field for field in table["fields"] if parent_of(field) == parent)
    ref = field["ref"]
    field["ref"] = {"to": ref if isinstance(ref, str) else ref["to"], "min": low, "max": high}
    above = table_at(made, parent)
    if above is not None and "count" not in above and "rows" not in above:
        above["count"] = max(1, round(table.get("count", 1000) / max((low + high) / 2, 0.1)))
        _first(above)
    table.pop("count", None)
    return made


def with_share(field: Mapping[str, Any], value: str, share: float) -> dict[str, Any]:
    """Keys of an enum whose `value` has a share, the others the rest as before."""
    values = [str(one) for one in field["values"]]
    weights = [float(one) for one in field.get("weights") or [1.0] * len(values)]
    if value not in values:
        values, weights = [*values, value], [*weights, 0.0]
    rest = sum(weight for one, weight in zip(values, weights, strict=True) if one != value) or 1.0
    told = [
        share * 100 if one == value else weight * (1 - share) * 100 / rest
        for one, weight in zip(values, weights, strict=True)
    ]
    kept = [(one, round(weight, 2)) for one, weight in zip(values, told, strict=True) if round(weight, 2) > 0]
    return {"values": [one for one, _ in kept], "weights": [short(weight) for _, weight in kept]}


def short(number: float) -> int | float:
    """Whole where it is."""
    return int(number) if number == int(number) else number


def with_tables(spec: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> Spec:
    """The spec with these tables."""
    rest = {key: value for key, value in spec.items() if key not in ("dataset", "tables")}
    return {"dataset": tables[0], **rest} if len(tables) == 1 else {"tables": list(tables), **rest}


def copied(value: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy."""
    return copy.deepcopy(dict(value))


def _first(table: dict[str, Any]) -> None:
    """The fields last, where a person looks for them."""
    table["fields"] = table.pop("fields")


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """A field without locales of its own."""
    generator = field.get("generator")
    if isinstance(generator, dict) and "locale" in generator:
        rest = {key: value for key, value in generator.items() if key != "locale"}
        return {**field, "generator": rest["name"] if len(rest) == 1 else rest}
    return field


def _speaks_of(field: Mapping[str, Any], name: str) -> bool:
    said = " ".join(str(field.get(key, "")) for key in (*_SPEAKS, "cases"))
    if re.search(rf"\b{re.escape(name)}\b", said):
        return True
    return isinstance(field.get("generator"), dict) and _mentions(field["generator"], name)


def _mentions(value: Any, name: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(one, name) for key, one in value.items() if key != "name")
    if isinstance(value, list):
        return any(_mentions(one, name) for one in value)
    return isinstance(value, str) and (value == name or f"{{{name}" in value)


def _named(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: one if key == "name" else _named(one, old, new) for key, one in value.items()}
    if isinstance(value, list):
        return [_named(one, old, new) for one in value]
    if isinstance(value, str):
        return new if value == old else re.sub(rf"\{{{re.escape(old)}\b", f"{{{new}", value)
    return value


def _refers_to(field: Mapping[str, Any], place: Place) -> bool:
    ref = field.get("ref")
    return ref is not None and str(ref if isinstance(ref, str) else ref["to"]) == f"{place[0]}.{place[1]}"


def _refer(field: dict[str, Any], to: str) -> None:
    field["ref"] = to if isinstance(field["ref"], str) else {**field["ref"], "to": to}

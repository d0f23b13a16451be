"""What changed between two specs, a line a thing."""

from collections.abc import Mapping
from typing import Any

from ffgen.chat.standing import Change, Sign, tables_of
from ffgen.draft.show import flow

_TOP = ("dataset", "tables")


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The lines, in the order of the spec. Without `before`, all of it is new."""
    old = {str(one["name"]): one for one in tables_of(before)} if before else {}
    new = {str(one["name"]): one for one in tables_of(after)}
    found: list[Change] = []
    for name, table in new.items():
        if name not in old and (was := _namesake(table, {one: told for one, told in old.items() if one not in new})):
            found.append(Change(sign="~", path=was, text=f"is called {name} now"))
            old[name] = old.pop(was)
        found += _table(name, old.get(name), table)
    found += [Change(sign="-", path=name, text="") for name in old if name not in new]
    top_old = {key: value for key, value in (before or {}).items() if key not in _TOP}
    found += _keys("", top_old, {key: value for key, value in after.items() if key not in _TOP})
    return tuple(found)


def _table(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Change]:
    keys = _keys(name, _own(before or {}), _own(after))
    if before is None:
        about = ", ".join(f"{one.path.partition('.')[2]}: {one.text}" for one in keys)
        keys = [Change(sign="+", path=name, text=about)]
    old = {str(field["name"]): field for field in (before or {}).get("fields", ())}
    new = {str(field["name"]): field for field in after["fields"]}
    for field, told in new.items():
        path = f"{name}.{field}"
        was = next((one for one, there in old.items() if one not in new and _rest(there) == _rest(told)), "")
        if field not in old and was:
            keys.append(Change(sign="~", path=f"{name}.{was}", text=f"is called {field} now"))
            old[field] = old.pop(was)
        elif field not in old:
            keys.append(Change(sign="+", path=path, text=_short(told)))
        elif old[field] != told:
            keys.append(Change(sign="~", path=path, text=_between(old[field], told)))
    return keys + [Change(sign="-", path=f"{name}.{field}", text="") for field in old if field not in new]


def _namesake(table: Mapping[str, Any], gone: Mapping[str, Mapping[str, Any]]) -> str:
    """The table that has the same fields under another name; empty for none."""
    fields = [field["name"] for field in table["fields"]]
    return next((name for name, one in gone.items() if [field["name"] for field in one["fields"]] == fields), "")


def _rest(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "name"}


def _own(table: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in table.items() if key not in ("name", "fields", "rows")}
    return own | ({"rows": f"{len(table['rows'])} given"} if "rows" in table else {})


def _keys(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    found = []
    for key in dict.fromkeys([*after, *before]):
        path = f"{name}.{key}" if name else key
        if key not in after:
            found.append(Change(sign="-", path=path, text=""))
        elif key not in before:
            found.append(Change(sign="+", path=path, text=_said(after[key])))
        elif before[key] != after[key]:
            found.append(Change(sign="~", path=path, text=f"{_said(before[key])} -> {_said(after[key])}"))
    return found


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The keys that differ, with what they were."""
    parts = []
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) == after.get(key):
            continue
        sign: Sign = "-" if key not in after else "+" if key not in before else "~"
        told = f"no {key}" if sign == "-" else f"{key}: {_said(after[key])}"
        parts.append(f"{told} (was {_said(before[key])})" if sign == "~" else told)
    return ", ".join(parts)


def _short(field: Mapping[str, Any]) -> str:
    """A field without its name: its type, then the rest."""
    rest = {key: value for key, value in field.items() if key not in ("name", "type", "description")}
    parts = [str(field["type"])] if "type" in field else []
    return ", ".join([*parts, *(f"{key}: {_said(value)}" if value is not True else key for key, value in rest.items())])


def _said(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return flow(value).replace("'", "")

"""What of one row follows from the rest of it: a stay ends after it begins, a total is the sum of its parts.

A field that says when something ends gets a formula over the one that says when it began, and a hidden number of days
(of minutes, where both have a time) between them. What the description bounds itself, and what the catalogue has a
formula for, stays as it is.
"""

import re
from collections.abc import Collection
from typing import Any

_BEGIN, _MIDDLE, _END = 1, 2, 3
_STAGES = {
    _BEGIN: "start started begin begins opened created hire hired order ordered purchase purchased bought loan "
    "borrowed checkin check_in admission admitted application applied incident accident issue issued pickup departure "
    "from reported submitted manufactured production",
    _MIDDLE: "ship shipped claim claimed interview updated modified dispatch dispatched approval approved invoice",
    _END: "end ended finish finished delivery delivered return returned checkout check_out discharge discharged expiry "
    "expiration expires termination terminated arrival closed closing resolved completed completion paid payment due "
    "dropoff until to decision",
}
_STAGE = {word: stage for stage, words in _STAGES.items() for word in words.split()}
_DAYS: tuple[tuple[str, list[int], tuple[float, float]], ...] = (
    ("contract lease policy subscription membership tenancy", [180, 1100], (5.0, 110)),
    ("expir termination", [90, 2500], (2.5, 300)),
    ("claim warranty", [2, 700], (1.4, 130)),
    ("due", [7, 60], (6.0, 4.0)),
    ("return returned dropoff", [2, 45], (2.5, 6.0)),
    ("check_out checkout", [1, 14], (1.8, 2.0)),
    ("discharge", [1, 40], (1.4, 3.5)),
    ("ship dispatch", [0, 6], (1.6, 1.0)),
    ("deliver arrival", [1, 14], (3.0, 1.3)),
    ("interview decision approv", [3, 60], (2.2, 8.0)),
    ("paid payment invoice", [0, 60], (1.6, 11.0)),
    ("closed closing resolved complet", [0, 60], (1.1, 6.0)),
)
"""Days between: by part of either name, the least and the most, and the shape and scale of a gamma distribution."""
_USUAL: tuple[list[int], tuple[float, float]] = ([1, 365], (1.6, 60.0))
_LENGTHS: tuple[tuple[str, list[int], tuple[float, float]], ...] = (
    ("arrival", [35, 900], (2.2, 85.0)),
    ("closed resolved complet", [5, 20_000], (1.0, 1900.0)),
)
"""The same in minutes."""
_USUAL_LENGTH: tuple[list[int], tuple[float, float]] = ([10, 480], (2.2, 45.0))
_WHOLE = ("subtotal", "sub_total", "net_amount", "net_total")
_ADDED = ("tax", "vat", "tax_amount", "tip", "shipping_cost", "shipping", "service_charge", "delivery_fee")
_PARTS = {
    "tax": ([0.07, 0.19], [25, 75]),
    "vat": ([0.07, 0.19], [25, 75]),
    "discount": ([0, 0.05, 0.1, 0.15, 0.2], [55, 15, 15, 10, 5]),
}


def follow(fields: list[dict[str, Any]], kept: Collection[str]) -> list[tuple[str, str]]:
    """Makes the fields of a table follow from each other where their names say that they do; `kept` are names of those
    that were bounded by the description. Gives each that was changed, and why; hidden fields are added behind them."""
    changed = _dates(fields, kept)
    return changed + _totals(fields, kept)


def _dates(fields: list[dict[str, Any]], kept: Collection[str]) -> list[tuple[str, str]]:
    found = [one for one in fields if one.get("type") in ("date", "datetime") and not one.get("hidden")]
    stages = {one["name"]: stage_of(one["name"]) for one in found}
    changed: list[tuple[str, str]] = []
    for one in found:
        name = one["name"]
        if stages[name] < _MIDDLE or "derive" in one or name in kept or _is_series(one):
            continue
        before = [other for other in found if 0 < stages[other["name"]] < stages[name]]
        if not before:
            continue
        first = max(before, key=lambda other: stages[other["name"]])
        fields[fields.index(one) + 1 : fields.index(one) + 1] = _after(one, first)
        changed.append((name, f"after {first['name']}"))
    return changed


def stage_of(name: str) -> int:
    """Whether a date begins something (1), comes in between (2) or ends it (3); 0 for one that says neither."""
    words = name.split("_")
    if words[0] in ("last", "next", "birth", "first") or "birth" in words:
        return 0
    joined = next((pair for pair in ("check_in", "check_out") if pair in name), "")
    return _STAGE.get(joined) or next((_STAGE[word] for word in words if word in _STAGE), 0)


def _is_series(field: dict[str, Any]) -> bool:
    generator = field.get("generator")
    return isinstance(generator, dict) and generator.get("name") == "series"


def _after(later: dict[str, Any], first: dict[str, Any]) -> list[dict[str, Any]]:
    """Gives a date its formula; the hidden fields that it reads."""
    name, start = later["name"], first["name"]
    for key in ("range", "generator", "values", "weights"):
        later.pop(key, None)
    if "date" in (later["type"], first["type"]) or name.endswith("_date"):
        later["type"] = "date"
        days = f"{name}_days"
        begun = start if first["type"] == "date" else f"CAST({start} AS DATE)"
        later["derive"] = f"{begun} + {days}"
        return [_hidden(days, *_between(f"{name} {start}", _DAYS, _USUAL))]
    minutes, clock = f"{name}_minutes", f"{name}_clock"
    later["derive"] = (
        f"CAST(CAST(CAST({start} AS DATE) + CAST(FLOOR({clock} / 1440) AS INT) AS TEXT) || ' ' || "
        f"LPAD(CAST(CAST(FLOOR({clock} % 1440 / 60) AS INT) AS TEXT), 2, '0') || ':' || "
        f"LPAD(CAST({clock} % 60 AS TEXT), 2, '0') || ':00' AS TIMESTAMP)"
    )
    minute = f"CAST(SUBSTR(CAST({start} AS TEXT), 15, 2) AS INT)"
    since = f"HOUR({start}) * 60 + {minute} + 1 + {minutes}"
    return [
        _hidden(minutes, *_between(name, _LENGTHS, _USUAL_LENGTH)),
        {"name": clock, "type": "integer", "derive": since, "hidden": True},
    ]


def _between(
    name: str,
    known: tuple[tuple[str, list[int], tuple[float, float]], ...],
    usual: tuple[list[int], tuple[float, float]],
) -> tuple[list[int], tuple[float, float]]:
    return next(((ends, form) for parts, ends, form in known if any(part in name for part in parts.split())), usual)


def _hidden(name: str, ends: list[int], form: tuple[float, float]) -> dict[str, Any]:
    generator = {"name": "gamma", "shape": form[0], "scale": form[1]}
    return {"name": name, "type": "integer", "range": list(ends), "generator": generator, "hidden": True}


def _totals(fields: list[dict[str, Any]], kept: Collection[str]) -> list[tuple[str, str]]:
    """`total` over `subtotal`, what is added to it and what is taken off."""
    numbers = {one["name"]: one for one in fields if one.get("type") in ("number", "integer")}
    total = next((numbers[name] for name in ("total", "total_amount", "grand_total") if name in numbers), None)
    whole = next((name for name in _WHOLE if name in numbers), "")
    if total is None or not whole or total["name"] in kept:
        return []
    added = [name for name in _ADDED if name in numbers and not numbers[name].get("hidden")]
    taken = [name for name in ("discount", "discount_amount") if name in numbers]
    formula = total.get("derive", "")
    if (not added and not taken) or (formula and all(name in formula for name in (*added, *taken))):
        return []
    for name in re.findall(r"\w+", formula):
        if name in numbers and numbers[name].get("hidden") and name != whole:
            fields.remove(numbers[name])
    for name in (*added, *taken):
        hidden = _shrink(numbers[name], whole, kept)
        fields[fields.index(numbers[name]) + 1 : fields.index(numbers[name]) + 1] = hidden
    for key in ("range", "generator"):
        total.pop(key, None)
    said = "".join([whole, *(f" + {name}" for name in added), *(f" - {name}" for name in taken)])
    total |= {"type": "number", "decimals": 2, "derive": f"ROUND({said}, 2)"}
    return [(total["name"], said)]


def _shrink(part: dict[str, Any], whole: str, kept: Collection[str]) -> list[dict[str, Any]]:
    """Taxes and discounts are a part of what they are on: which one, a hidden field says."""
    name = part["name"]
    parts = _PARTS.get(name.removesuffix("_amount"))
    if parts is None or "derive" in part or name in kept:
        return []
    for key in ("range", "generator", "values", "weights"):
        part.pop(key, None)
    part |= {"type": "number", "decimals": 2, "derive": f"ROUND({whole} * {name}_part, 2)"}
    values, weights = parts
    return [{"name": f"{name}_part", "type": "number", "values": values, "weights": weights, "hidden": True}]

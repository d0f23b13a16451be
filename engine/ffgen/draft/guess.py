"""A field that the catalogue does not have, by the last word of its name, or by the first."""

import re
from typing import Any

_MOMENTS = ["2023-01-01", "2024-12-31T23:59:59Z"]
_AMOUNT = {
    "type": "number",
    "range": [1, 5000],
    "decimals": 2,
    "generator": {"name": "lognormal", "median": 60, "sigma": 0.9},
}
_COUNT = {"type": "integer", "range": [0, 500], "generator": {"name": "gamma", "shape": 1.2, "scale": 20}}
_SHARE = {"type": "number", "range": [0, 100], "decimals": 1}
_FLAG = {"type": "boolean"}
_TEXT = {"type": "text", "length": [20, 160], "generator": "sentences"}
_SCORE = {"type": "integer", "range": [0, 100], "generator": {"name": "normal", "mean": 62, "sd": 16}}
_MEASURE = {"type": "number", "range": [0, 100], "decimals": 1, "generator": {"name": "normal", "mean": 50, "sd": 14}}
_NAME = {"type": "string", "generator": {"name": "person.full_name", "of": "another"}}
_WORDS = {"type": "string", "generator": {"name": "words", "count": [1, 2]}}

_PEOPLE = """
    person customer client user employee patient student teacher manager owner contact guest driver doctor author player
    member passenger applicant candidate tenant agent buyer seller sender recipient supervisor coach wizard parent child
    mother father spouse husband wife captain pilot chef artist hero volunteer donor visitor participant respondent
""".split()

_LAST: list[tuple[str, dict[str, Any]]] = [
    ("id|identifier", {"type": "integer", "range": [1, 100000]}),
    ("date|birthday|anniversary|deadline|day", {"type": "date", "range": ["2023-01-01", "2024-12-31"]}),
    ("timestamp|datetime|at", {"type": "datetime", "range": _MOMENTS}),
    ("year", {"type": "integer", "range": [1990, 2024]}),
    ("price|cost|amount|fee|revenue|total|value|payment|expense|expenditure|budget|worth|spend|debt|tax|rate per hour", _AMOUNT),  # noqa: E501
    ("salary|income|wage", {"type": "integer", "range": [15000, 250000], "generator": {"name": "lognormal", "median": 48000, "sigma": 0.45, "step": 100}}),  # noqa: E501
    ("count|quantity|number|size|population|volume|capacity|inventory|unit|hit|stock", _COUNT),
    ("percentage|percent|rate|ratio|share|probability|accuracy|margin|efficiency|utilization", _SHARE),
    ("score|point|index|ranking|rank|skill|strength|power|stat", _SCORE),
    ("rating|star", {"type": "integer", "range": [1, 5], "generator": {"name": "beta", "a": 3.4, "b": 1.3}}),
    ("level|tier|grade", {"type": "enum", "values": ["low", "medium", "high"], "weights": [35, 45, 20]}),
    ("type|category|kind|class|group|style|mode|method|format|segment|species|genre|role|source|reason", {"type": "enum", "values": ["A", "B", "C", "D"], "weights": [40, 30, 20, 10]}),  # noqa: E501
    ("status|state|stage|phase", {"type": "enum", "values": ["new", "open", "in progress", "done"], "weights": [15, 20, 25, 40]}),  # noqa: E501
    ("code|key|token|reference|sku|serial", {"type": "string", "pattern": "[A-Z]{2}-[0-9]{5}"}),
    ("url|link|page|website|photo|image|picture|video", {"type": "url"}),
    ("email|mail", {"type": "email"}),
    ("phone|telephone|mobile|fax", {"type": "phone"}),
    ("address", {"type": "string", "generator": {"name": "place.address", "of": "another"}}),
    ("city|town|location|place|origin|destination|venue", {"type": "string", "generator": {"name": "place.city", "of": "another"}}),  # noqa: E501
    ("country", {"type": "string", "generator": {"name": "place.country", "of": "another"}}),
    ("comment|note|description|text|feedback|summary|message|remark|content|bio|story|detail|explanation|review|answer", _TEXT),  # noqa: E501
    ("duration|time|minute|hour|age|delay|latency|length of time", {"type": "integer", "range": [0, 240], "generator": {"name": "gamma", "shape": 2, "scale": 16}}),  # noqa: E501
    ("temperature|weight|height|length|width|depth|distance|speed|area|voltage|pressure|humidity|concentration|density|thickness|diameter|radius|intensity|dose|consumption|output|reading|measurement|frequency|energy|mass|angle|torque|force|brightness|ph", _MEASURE),  # noqa: E501
    ("flag|indicator|yes no", _FLAG),
    ("color|colour", {"type": "string", "generator": {"name": "color", "form": "name"}}),
    ("company|vendor|supplier|manufacturer|brand|employer|organization|sponsor|publisher", {"type": "string", "generator": {"name": "company.name", "of": "another"}}),  # noqa: E501
    ("|".join(_PEOPLE), _NAME),
    ("name|title|label", _WORDS),
]  # fmt: skip
_LAST_RULES = [(re.compile(rf"(?:{pattern})"), short) for pattern, short in _LAST]


def guess(words: list[str]) -> dict[str, Any] | None:
    """The short form of a field whose name is these words (in the singular); None where no word says anything."""
    if not words:
        return None
    first, last = words[0], words[-1]
    if first in ("is", "has", "was", "had", "can", "are") and len(words) > 1:
        return dict(_FLAG)
    if len(words) > 2 and words[0] in ("number", "count") and words[1] == "of":
        return dict(_COUNT)
    if last == "name" and len(words) > 1 and words[-2] in _PEOPLE:
        return dict(_NAME)
    for pattern, short in _LAST_RULES:
        if pattern.fullmatch(last):
            return dict(short)
    if "of" in words[1:]:
        return guess(words[: words.index("of")])
    return None


def unknown(name: str) -> dict[str, Any]:
    """What stands for a field that nobody can guess: a word or two."""
    return {"type": "string", "generator": {"name": "words", "count": [1, 2]}, "description": name}

"""What is said about fields that a model writes for each row."""

from typing import Any

import pytest

import ffgen

ID = {"name": "id", "type": "uuid", "unique": True}
NOTE = {"name": "note", "type": "text"}
STARS = {"name": "stars", "type": "integer", "range": [1, 5], "source": "ask"}
PRICE = {"name": "price", "type": "number", "range": [1, 5]}


def found(*fields: dict[str, Any], **more: Any) -> list[ffgen.Finding]:
    dataset = {"name": "d", "mode": "hybrid", "count": 9, "fields": [ID, *fields], **more}
    return ffgen.check({"model": {"endpoint": "http://127.0.0.1:9", "name": "m"}, "dataset": dataset})


def part(**keys: Any) -> dict[str, Any]:
    return {"name": "o", "type": "object", "fields": [{"name": "x", "type": "string", **keys}]}


@pytest.mark.parametrize(
    ("fields", "more", "severity", "said"),
    [
        ([STARS, PRICE], {"correlations": [{"fields": ["stars", "price"], "r": 0.5}]}, "error", "can't be moved"),
        ([part(source="ask"), NOTE], {}, "error", "made with the whole: its `source` is not used"),
        ([part(generator="words") | {"source": "ask"}], {}, "error", "`generator` of a part is not used"),
        ([part(derive="'a'") | {"source": "ask"}], {}, "error", "`derive` of a part is not used"),
        ([NOTE | {"fallback": ["words"]}, STARS], {}, "warning", "there is none for `stars`"),
        ([NOTE], {"personas": ["a nurse"]}, "warning", "nobody writes them as a persona"),
    ],
)
def test_what_would_not_be_used_is_said(
    fields: list[dict[str, Any]], more: dict[str, Any], severity: str, said: str
) -> None:
    assert any(said in each.what and each.severity == severity and each.hint for each in found(*fields, **more))


def test_what_is_used_is_fine() -> None:
    drawn = part(generator="words", source="draw")
    assert not found(drawn, NOTE, STARS | {"nullable": True})
    assert not [each for each in found(part() | {"source": "ask"}, NOTE) if each.severity == "error"]

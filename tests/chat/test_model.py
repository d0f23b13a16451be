"""A conversation with a model: asked for the draft, and for what the rules don't know; for nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import standin

import ffgen

TEXT = "members of a gym, with their plan and their age"
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer", "unique": True, "generator": "sequence"},
    {"name": "plan", "type": "enum", "values": ["gold", "silver"]},
    {"name": "age", "type": "integer", "range": [18, 80]},
]
LIFT = {"name": "bench_press", "type": "integer", "range": [20, 200]}


def answer(*fields: dict[str, Any]) -> dict[str, str]:
    return {"text": json.dumps({"tables": [{"name": "members", "fields": [*fields]}]})}


@pytest.fixture
def server() -> Iterator[standin.Standin]:
    with standin.start(api="both", slots=4) as house:
        house.set(script=[answer(*FIELDS), answer(*FIELDS, LIFT)])
        yield house


def test_a_model_drafts_and_hears_what_the_rules_do_not(
    server: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path))
    chat = ffgen.chat(endpoint=server.url, model="standin", model_only=True, cache_dir=tmp_path)
    chat.say(TEXT)
    assert server.stats()["requests"] == 1 and chat.spec["dataset"]["count"] == 1000
    for line in ("make it 70", "no plan", "age between 20 and 30", "add a phone number", "preview"):
        chat.say(line)
    assert server.stats()["requests"] == 1
    chat.say("strength matters to them: whatever they can lift")
    assert server.stats()["requests"] == 2
    fields = {one["name"]: one for one in chat.spec["dataset"]["fields"]}
    assert fields.keys() == {"id", "age", "phone_number", "bench_press"}
    assert fields["age"]["range"] == [20, 30] and chat.spec["dataset"]["count"] == 70
    again = ffgen.chat(chat.id, endpoint=server.url, model="standin", model_only=True, cache_dir=tmp_path)
    assert again.say("undo") and "bench_press" not in str(again.spec)
    assert server.stats()["requests"] == 2

"""Rows made again under watch: every sampler, several shards, and what other tables look up."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.run.drive import Site, spec
from tests.standin import Standin

import ffgen
from ffgen.ask.replies import Replies
from ffgen.errors import UsageError
from ffgen.run import ledger
from ffgen.run.desk import desk_of
from ffgen.run.explain.replay import find, replay
from ffgen.sample import SAMPLERS, resolve

EXAMPLES = {
    name: yaml.safe_load(resolve(name).example)
    for name in sorted(SAMPLERS)
    if resolve(name).example and name not in ("ref", "provider")
}
NUMBER = {"name": "id", "type": "integer", "unique": True, "generator": "sequence"}
SHARD = 65_536


def explained(path: Path | str, *lines: int) -> list[ffgen.Explanation]:
    found = [ffgen.explain(path, line) for line in lines]
    assert [each.notes for each in found if not each.agrees] == []
    return found


def test_a_row_of_every_sampler_is_made_again(tmp_path: Path) -> None:
    for name, fields in EXAMPLES.items():
        path = tmp_path / f"{name}.jsonl"
        ffgen.run({"dataset": {"name": "t", "count": 30, "unique_by": ["row"], "fields": [numbered(), *fields]}}, path)
        for story in explained(path, 1, 30):
            last = story.fields[-1]
            assert last.streams or last.facts, f"nothing is told of {name}"


def numbered() -> dict[str, Any]:
    return NUMBER | {"name": "row"}


def test_the_gate_s_rows_in_a_later_shard_are_found_again(tmp_path: Path) -> None:
    fields = [
        {
            "name": "code",
            "pattern": "[0-9]{6}",
            "cases": [{"when": "kind = 'a'", "pattern": "[a-p]{5}"}],
            "unique": True,
        },
        {"name": "kind", "values": ["a", "b"]},
    ]
    report = ffgen.run({"dataset": {"name": "codes", "count": 140_000, "fields": fields}}, tmp_path / "codes.jsonl")
    assert report.duplicates > 1000
    stories = explained(tmp_path / "codes.jsonl", *range(139_900, 140_001, 4))
    assert {story.shard for story in stories} == {2} and max(len(story.draws) for story in stories) > 1
    found = ffgen.explain_refused(tmp_path / "codes.jsonl", shards=2, samples=1)
    assert (found.shards, found.of_shards, found.rows) == (2, 3, 2 * SHARD)
    assert [(each.by, each.field) for each in found.reasons] == [("gate", "code")] and found.refused < report.duplicates


def test_values_that_are_looked_up_in_other_tables_come_from_their_rows(tmp_path: Path) -> None:
    towns = [{"name": "town", "generator": "place.city"}, {"name": "tag", "pattern": "[a-z]{9}"}]
    tables = [
        {"name": "towns", "count": 90_000, "fields": [NUMBER, *towns]},
        {"name": "people", "count": 500, "fields": [
            NUMBER, {"name": "tag", "ref": "towns.tag"}, {"name": "town", "ref": "towns.town"}]},
        {"name": "visits", "count": 1500, "require": "rating > 1", "fields": [
            {"name": "tag", "ref": {"to": "people.tag", "mean": 3}},
            {"name": "rating", "type": "integer", "range": [1, 9]},
            {"name": "hour", "type": "integer", "range": [0, 23]}], "unique_by": ["rating", "hour", "tag"]},
    ]  # fmt: skip
    ffgen.run({"tables": tables}, f"{tmp_path}/", format="csv")
    (story, *_) = explained(tmp_path / "people.csv", 7, 99, 501)
    said = {field.name: fact.says for field in story.fields for fact in field.facts if fact.kind == "parent"}
    row = int(said["tag"].split()[1].replace(",", ""))
    assert said["town"] == f"row {row:,} of towns, its town"
    assert ffgen.explain(tmp_path / "towns.csv", row + 2).fields[2].value == story.fields[1].value
    draws = [draw for story in explained(tmp_path / "visits.csv", *range(2, 300, 9)) for draw in story.draws]
    assert {draw.by for draw in draws} >= {"", "check"}


def test_rows_alike_under_one_parent_are_told_apart_from_their_siblings(tmp_path: Path) -> None:
    lines = [
        {"name": "order_id", "ref": {"to": "orders.id", "min": 1, "max": 5}},
        {"name": "product", "values": [*"abcdefghij"]},
    ]
    tables = [
        {"name": "orders", "count": 60, "fields": [NUMBER]},
        {"name": "lines", "unique_by": ["order_id", "product"], "fields": lines},
    ]
    ffgen.run({"tables": tables}, f"{tmp_path}/")
    draws = [draw for story in explained(tmp_path / "lines.jsonl", *range(1, 160, 3)) for draw in story.draws]
    assert {draw.by for draw in draws} == {"", "twin"}
    found = ffgen.explain_refused(tmp_path / "lines.jsonl", samples=1)
    assert [(each.by, each.field) for each in found.reasons] == [("twin", "unique_by: order_id, product")]


def test_fields_that_were_moved_together_say_so(tmp_path: Path) -> None:
    fields = [numbered(), *({"name": name, "type": "number", "range": [0, 1]} for name in "ab")]
    table = {"name": "t", "count": 300, "fields": fields, "correlations": [{"fields": ["a", "b"], "r": 0.8}]}
    ffgen.run({"dataset": table}, tmp_path / "t.jsonl")
    (story,) = explained(tmp_path / "t.jsonl", 9)
    for name, other in (("a", "b"), ("b", "a")):
        field = next(each for each in story.fields if each.name == name)
        assert [fact.says for fact in field.facts] == [f"put into this row to go together with {other}"]
        assert field.streams == [[0, "t", 0, 0, 0, name], [0, "t", 0, 0, 0, "correlation", 0]]


def test_replies_are_replayed_to_the_row_and_no_further(server: Standin, site: Site) -> None:
    server.set(duplicates=0.6, wrong=0.2, malformed=0.2, http500=0.1)
    source = spec(server.url, 400, [{"name": "name", "type": "string", "length": [3, 40], "unique": True}])
    report = site.here(source, max_asks=60)
    assert report.steering and report.duplicates  # what was asked hung on what had been refused
    lines = random.Random(1).sample(range(1, 401), 12)
    keys = {story.reply.key for story in explained(site.path(), *lines) if story.reply is not None}
    assert len(keys) > 6
    plan = ffgen.plan(source)
    with desk_of(plan, str(site.cache)) as desk:
        assert find(desk, 0).shard == 0
        whole = list(replay(desk))
    assert sum(sum(each.verdict) for each in whole[:-1]) < 400 <= sum(sum(each.verdict) for each in whole)
    refused = ffgen.explain_refused(site.path())
    assert refused.shards == whole[-1].shard + 1
    assert sum(each.count for each in refused.reasons if each.by == "gate") == report.duplicates


def test_a_model_that_is_another_one_by_now_does_not_hide_the_replies(server: Standin, site: Site) -> None:
    site.here(spec(server.url, 16))
    with Replies.open(str(site.cache / "replies.sqlite3")) as replies:
        replies.remember(server.url, {"url": server.url, "api": "openai", "model": "other", "digest": "d"})
    (story,) = explained(site.path(), 9)
    assert story.reply is not None and story.reply.model == "standin:latest"


def test_specs_are_noted_lean_and_forgotten_with_their_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(ledger, "MANY", 0)
    fields = [
        NUMBER,
        {"name": "a", "values": [1, 2], "nullable": 0},
        {"name": "b", "values": [1, 2], "nullable": False},
    ]
    for number in range(3):
        source = {"dataset": {"name": "t", "count": 5 + number, "fields": fields}}
        ffgen.run(source, tmp_path / f"{number}.jsonl")
    for number in range(61):  # the sixty-fourth note is when those that are gone are forgotten
        (tmp_path / "0.jsonl").unlink(missing_ok=True)
        ledger.note(str(tmp_path / f"gone-{number}"), "h", 1, "t", "jsonl", "none", 1, ())
    plans = list((tmp_path / "state" / "plans").iterdir())
    told = ledger.read_whole(
        next(path for path in plans if path.stem == explained(tmp_path / "2.jsonl", 2)[0].spec_hash)
    )
    assert len(plans) == 2 and told["spec"]["dataset"]["fields"][1:] == [
        {"name": "a", "type": "integer", "values": [1, 2], "nullable": 0.0},
        {"name": "b", "type": "integer", "values": [1, 2]},
    ]


def test_plugins_run_when_allowed_only(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text("class Seven:\n    name = 'seven'\n    def generate(self, rng, constraints):\n        return 7\n")
    fields = [NUMBER, {"name": "s", "type": "integer", "generator": "seven"}]
    source = {"plugins": [str(plugin)], "dataset": {"count": 3, "fields": fields}}
    ffgen.run(source, tmp_path / "s.jsonl", allow_plugins=True)
    with pytest.raises(UsageError, match="allow"):
        ffgen.explain(tmp_path / "s.jsonl", 2)
    assert ffgen.explain(tmp_path / "s.jsonl", 2, allow_plugins=True).agrees

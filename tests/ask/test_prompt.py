"""Prompts: what all of a plan's have in common stands first, and what a spec says can't break one."""

import csv
import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.ask.prompt import Prompts, csv_line, without_patterns
from ffgen.ask.reply import Reader
from ffgen.plan.compile import Plan, compile_plan
from ffgen.shard.asked import Maker
from ffgen.spec.model import Dataset, Spec
from ffgen.spec.record import RecordType
from ffgen.spec.types import build_types

FIELDS: list[dict[str, Any]] = [
    {"name": "full_name", "length": [4, 40], "description": "first and last name"},
    {"name": "title"},
    {"name": "age", "type": "integer", "range": [18, 80]},
    {"name": "status", "type": "enum", "values": ["active", "closed"], "weights": [70, 30]},
    {"name": "ok", "type": "boolean", "nullable": True},
]


def plan(fields: list[dict[str, Any]] = FIELDS, model: dict[str, Any] | None = None, **dataset: Any) -> Plan:
    given = {
        "model": {"endpoint": "http://h:1", "batch_size": 8} | (model or {}),
        "dataset": {"count": 60, "fields": fields} | dataset,
    }
    return compile_plan(msgspec.convert(given, Spec))


def prompts(fields: Any = FIELDS, reply: str = "rows", **dataset: Any) -> Prompts:
    made = msgspec.convert({"fields": fields} | dataset, Dataset)
    return Prompts(made, build_types(made.fields), reply, None)


@pytest.mark.parametrize("api", ["ollama", "openai"])
def test_shards_share_everything_before_their_last_message(api: str) -> None:
    maker = Maker(plan(), api, "m")
    indices = [*range(12)]
    assert {maker.plan.shards.size(index) for index in indices} == {8, 4}  # whole shards, the rest, make-up shards
    bodies = [json.loads(maker.body(index, index % 2)) for index in indices]
    assert len({json.dumps(body["messages"][:-1]) for body in bodies}) == 1
    last = [body["messages"][-1] for body in bodies]
    assert {message["role"] for message in last} == {"user"} and len({m["content"] for m in last}) == len(indices)
    # The context is one number for the whole run: another one makes Ollama load the model anew.
    assert len({body.get("options", {}).get("num_ctx") for body in bodies}) == 1


def test_a_prompt_says_what_the_spec_says() -> None:
    text = prompts(
        domain="A garden\nshop", require=["age > 20", "LENGTH(title) > 2"], unique_by=["title", "age"]
    ).shared[0][1]
    for said in (
        "Domain: A garden shop\n",
        "1. full_name: text of 4 to 40 characters (first and last name)\n", "2. title: text\n",
        "3. age: a whole number from 18 to 80\n", "4. status: one of active (about 70%), closed (about 30%)\n",
        "5. ok: true or false, or null\n", "In every row this is true: (age > 20) AND (LENGTH(title) > 2)\n",
        "No two rows have the same title and age.\n", '{"rows":[[full_name,title,age,status,ok],...]}',
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("reply", ["rows", "objects", "csv"])
def test_the_example_is_a_reply_that_reads_well(reply: Any) -> None:
    made = prompts(reply=reply)
    (_, asked), (role, example) = made.shared[1:]
    assert asked == "Write 2 rows." and role == "assistant"
    record = RecordType(made.dataset)
    read = Reader(record, reply).read(example)
    assert len(read.cells) == 2 and not read.refused and not read.converted and not read.broken
    assert record.check(read.cells).batch.rows == 2


def test_there_is_no_example_where_a_field_has_none() -> None:
    assert [role for role, _ in prompts([{"name": "moods"}]).shared] == ["system"]
    assert prompts([{"name": "moods"}]).tokens_per_row() > 0


WORDS = st.text(st.sampled_from("ab'\"\n\r{}[]:,\\\u2028 é"), max_size=12)


@given(
    domain=WORDS,
    description=WORDS,
    value=WORDS.filter(str.strip),
    name=st.sampled_from(["a b", "a,b", "a:b", "a'b", "é"]),
)
def test_a_spec_s_words_stay_on_their_line(domain: str, description: str, value: str, name: str) -> None:
    fields = [{"name": name, "description": description}, {"name": "v", "values": [value, "x"], "examples": [value]}]
    text = prompts(fields, domain=domain).shared[0][1]
    lines = text.split("\n")
    assert sum(line.startswith(("1. ", "2. ")) for line in lines) == 2
    assert len(lines) == len(prompts([{"name": "n"}, {"name": "v"}], domain=domain).shared[0][1].split("\n"))
    assert len(prompts(fields, "csv").shared[0][1].split("Columns: ")[1].split("\n")) == 1


@given(st.lists(st.one_of(st.text(st.sampled_from('a,"\n é')), st.integers(), st.none(), st.booleans()), min_size=2))
def test_csv_lines_read_back(cells: list[Any]) -> None:
    (line,) = csv.reader(io.StringIO(csv_line(cells), newline=""))
    said = ["" if c is None else c if isinstance(c, str) else json.dumps(c) for c in cells]
    assert line == said


def test_the_schema_asks_for_as_many_rows_as_the_prompt() -> None:
    for reply in ("rows", "objects"):
        asked = prompts(reply=reply).prompt(7, "")
        assert asked.messages[-1] == ("user", "Write 7 rows. Every row differs from all others.")
        assert asked.schema is not None
        table = asked.schema["properties"]["rows"]
        assert (table["minItems"], table["maxItems"]) == (7, 7)
    assert prompts(reply="csv").prompt(7, "").schema is None
    row = prompts().prompt(1, "x").schema["properties"]["rows"]["items"]  # type: ignore[index]
    assert len(row["prefixItems"]) == row["minItems"] == row["maxItems"] == 5


def test_room_is_what_the_spec_says_or_more_than_enough() -> None:
    made = prompts()
    sample = max(len(json.dumps(row)) for row in made.samples)
    assert made.room(10) > 10 * sample / 3 and made.room(20) > made.room(10)
    assert Prompts(made.dataset, made.types, "rows", 99).room(10) == 99


def test_patterns_are_taken_out_at_every_depth_and_a_field_called_pattern_stays() -> None:
    schema = (
        prompts(
            [
                {"name": "e", "type": "email"},
                {"name": "l", "type": "array", "items": {"type": "phone", "nullable": True}},
            ]
        )
        .prompt(2, "")
        .schema
    )
    assert '"pattern"' in json.dumps(schema) and '"pattern"' not in json.dumps(without_patterns(schema))
    named = prompts([{"name": "pattern", "type": "integer"}], "objects").prompt(1, "").schema
    assert without_patterns(named) == named
    assert without_patterns({"type": "string", "pattern": "a"}) == {"type": "string"}


def test_options_of_the_model_reach_the_body() -> None:
    model = {"temperature": 0.3, "top_p": 0.7, "max_tokens": 77, "options": {"top_k": 5, "keep_alive": "1h"}}
    ollama = json.loads(Maker(plan(model=model), "ollama", "m").body(0, 0))
    assert ollama["keep_alive"] == "1h" and ollama["stream"] is False
    said = {name: ollama["options"][name] for name in ("temperature", "top_p", "num_predict", "top_k")}
    assert said == {"temperature": 0.3, "top_p": 0.7, "num_predict": 77, "top_k": 5}
    openai = json.loads(Maker(plan(model=model), "openai", "m").body(0, 0))
    said = {name: openai[name] for name in ("temperature", "top_p", "max_tokens", "top_k")}
    assert said == {"temperature": 0.3, "top_p": 0.7, "max_tokens": 77, "top_k": 5}

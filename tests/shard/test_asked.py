"""One shard, made: a pure function of plan, index, attempt and reply."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.plan.compile import compile_plan
from ffgen.shard.asked import Maker
from ffgen.spec.model import Spec

FIELDS = [{"name": "name", "length": [2, 9]}, {"name": "age", "type": "integer", "range": [0, 99]}]


def maker(api: str = "ollama", count: int = 10, **dataset: Any) -> Maker:
    given = {
        "model": {"endpoint": "http://h:1", "batch_size": 4},
        "dataset": {"count": count, "fields": FIELDS} | dataset,
    }
    return Maker(compile_plan(msgspec.convert(given, Spec)), api, "m")


def body(text: str, api: str = "ollama", **more: Any) -> bytes:
    """What a server answers with that text in it."""
    if api == "openai":
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 7}} | more).encode()
    counts = {"prompt_eval_count": 5, "eval_count": 7}
    return json.dumps({"message": {"content": text}, "done": True, "done_reason": "stop"} | counts | more).encode()


def rows(count: int) -> list[list[Any]]:
    return [[f"name{i}", i] for i in range(count)]


@pytest.mark.parametrize("api", ["ollama", "openai"])
def test_a_good_reply_becomes_its_rows(api: str) -> None:
    made = maker(api).make(0, body(json.dumps({"rows": rows(4)}), api))
    assert (made.batch.rows, made.refused, made.converted, made.problem, made.broken) == (4, [], 0, "", False)
    assert made.batch.lines.splitlines()[1] == b'{"name":"name1","age":1}' and (made.tokens_in, made.tokens_out) == (
        5,
        7,
    )
    assert made.batch.key_table().shape == (4, 1)


def test_rows_beyond_what_a_shard_asked_for_are_dropped() -> None:
    reply = body(json.dumps({"rows": rows(9)}))
    assert [maker().make(index, reply).batch.rows for index in range(4)] == [4, 4, 2, 3]


def test_rows_are_refused_for_what_they_are() -> None:
    bad = [["x", 5], ["name", 100], ["name"], ["name", True], *rows(1)]
    made = maker(count=100).make(0, body(json.dumps({"rows": bad[:4]})))
    assert made.refused == [("", "shape", 1), ("age", "range", 1), ("age", "type", 1), ("name", "length", 1)]
    assert made.problem == "no valid row in the reply" and made.batch.rows == 0
    made = maker(require="name <> 'name0'").make(0, body(json.dumps({"rows": rows(3)})))
    assert made.refused == [("require", "name <> 'name0'", 1)] and made.batch.rows == 2 and made.problem == ""


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"", "not a reply"),
        (b"{}", "no message"),
        (b'{"error": "boom"}', "boom"),
        (b"\xff", "not a reply"),
        (body("I can't help with that."), "no valid row"),
        (body('{"rows":[]}'), "no valid row"),
        (body(""), "no valid row"),
        (b"[" * 100_000, "not a reply"),
    ],
)
def test_a_bad_reply_is_an_empty_shard_that_says_why(reply: bytes, problem: str) -> None:
    made = maker().make(0, reply)
    assert problem in made.problem and (made.batch.rows, made.batch.lines) == (0, b"")


def test_rows_of_a_cut_off_reply_are_kept() -> None:
    text = json.dumps({"rows": rows(4)})
    made = maker().make(0, body(text[:-20], done_reason="length"))
    assert made.batch.rows == 2 and made.broken and made.problem == ""


@given(st.binary() | st.text().map(body) | st.text(st.sampled_from('{}[]":,rows1 \\ud8')).map(body))
def test_no_reply_is_an_error(reply: bytes) -> None:
    made = maker().make(0, reply)
    assert made.problem or made.batch.rows


def test_a_body_is_a_function_of_plan_index_and_attempt() -> None:
    one, other = maker(), maker()
    bodies = [one.body(index, attempt) for index in range(5) for attempt in range(3)]
    assert bodies == [other.body(index, attempt) for index in range(5) for attempt in range(3)]
    assert len(set(bodies)) == 15
    first, again = (json.loads(one.body(0, attempt)) for attempt in range(2))
    assert first["messages"] == again["messages"] and first["options"].pop("seed") != again["options"].pop("seed")
    assert first["options"] == again["options"]


def test_a_server_that_refuses_patterns_is_asked_without_them() -> None:
    fields = [{"name": "e", "type": "email"}]
    asked = maker(fields=fields)
    assert b'"pattern"' in asked.body(0, 0) and b'"pattern"' not in asked.body(0, 0, plain=True)
    assert json.loads(asked.body(0, 0))["messages"] == json.loads(asked.body(0, 0, plain=True))["messages"]


@pytest.mark.parametrize("form", ["rows", "objects", "csv"])
def test_every_form_of_reply_makes_the_same_shard(form: str) -> None:
    given = {"model": {"endpoint": "http://h", "reply": form}, "dataset": {"count": 3, "fields": FIELDS}}
    texts = {
        "rows": json.dumps({"rows": rows(3)}),
        "objects": json.dumps({"rows": [{"age": i, "name": f"name{i}"} for i in range(3)]}),
        "csv": "name0,0\nname1,1\nname2,2\n",
    }
    made = Maker(compile_plan(msgspec.convert(given, Spec)), "ollama", "m").make(0, body(texts[form]))
    assert made == maker().make(0, body(texts["rows"]))

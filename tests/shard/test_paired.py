"""What a reply says of given rows: numbers and marks as models copy them, and what they are told."""

import json
from typing import Any

import pytest

import ffgen
from ffgen.ask.paired import Given, Known, in_words
from ffgen.ask.reply import csv_lines
from ffgen.plan.compile import compile_plan
from ffgen.plan.hybrid import paired_spec
from ffgen.shard.made import Made
from ffgen.shard.paired import PairedMaker

FIELDS = [
    {"name": "kind", "values": ["bike", "car", "van"]},
    {"name": "price", "type": "number", "range": [1, 9], "decimals": 1},
    {"name": "note", "type": "text", "length": [3, 60]},
]
GIVEN = Given([1, 2, 3], ["bike", "2.5", "Café / a b"], [["bike", 1.5], ["car", 2.5], ["van", 3.5]])


def maker(reply: str = "rows") -> PairedMaker:
    model = {"endpoint": "http://127.0.0.1:9", "name": "m", "reply": reply}
    spec = {"model": model, "dataset": {"name": "d", "mode": "hybrid", "count": 9, "fields": FIELDS}}
    plan = ffgen.plan(spec)
    known = Known(["kind", "price (in euros)"], ["price < 3 OR note LIKE '%!'"])
    return PairedMaker(compile_plan(paired_spec(plan.spec, plan.dataset, 9)), "ollama", "m", known)


def made(text: str, reply: str = "rows", given: Given = GIVEN) -> Made:
    message = {"message": {"content": text}, "done": True, "done_reason": "stop", "prompt_eval_count": 1}
    return maker(reply).make(json.dumps(message).encode(), given)


def numbers(what: Made) -> list[int]:
    return [json.loads(line)["row"] for line in what.batch.lines.splitlines()]


@pytest.mark.parametrize(
    "row",
    [
        [1, "bike", "a fine one"],
        ["1", "bike", "a fine one"],
        [1.0, " Bike", "a fine one"],
        [2, 2.5, "a fine one"],
        [2, "2.5", "a fine one"],
        [3, "CAFÉ  /  a b", "a fine one"],
        [3, "Cafe\u0301 / a b", "a fine one"],
        {"row": 3, "echo": "Café / a b", "note": "a fine one"},
    ],
)
def test_a_mark_is_known_however_it_was_copied(row: Any) -> None:
    found = made(json.dumps({"rows": [row]}))
    assert numbers(found) == [int(row["row"] if isinstance(row, dict) else row[0])]


@pytest.mark.parametrize("row", [[1, "2.5", "a fine one"], [1, "bikes", "a fine one"], [2, 2.50001, "a fine one"]])
def test_another_row_s_mark_is_refused(row: list[Any]) -> None:
    found = made(json.dumps({"rows": [row]}))
    assert not numbers(found) and found.refused == [("", "missing", 2), ("echo", "another row's", 1)]


def test_marks_that_differ_in_case_alone_are_told_apart() -> None:
    given = Given([1, 2], ["bike", "Bike"], [["bike"], ["Bike"]])
    rows = [[1, "Bike", "not the first"], [2, "Bike ", "the second"]]
    assert numbers(made(json.dumps({"rows": rows}), given=given)) == [2]


def test_what_is_missing_is_counted_beside_what_is_too_much() -> None:
    rows = [[1, "bike", "a fine one"], [1, "bike", "another one"], [7, "bike", "yet another"], [2, "2.5", ""]]
    found = made(json.dumps({"rows": rows}))
    assert numbers(found) == [1]
    assert found.refused == [
        ("", "missing", 1),
        ("note", "length", 1),
        ("row", "not asked for", 1),
        ("row", "said before", 1),
    ]


def test_rows_are_given_in_the_form_in_which_they_are_wanted() -> None:
    given = Given([1, 2], ["a, b", 'say "c"'], [["a, b", 1.5], ['say "c"', 2.5]])
    asked = maker("csv").prompts.given(given).messages[-1][1].splitlines()
    assert [*csv_lines("\n".join(asked[1:3]), False)] == [
        ["1", "a, b", "a, b", "1.5"],
        ["2", 'say "c"', 'say "c"', "2.5"],
    ]
    assert numbers(made('1,"a, b",it is fine\n2,"say ""c""","so, so"\n', "csv", given)) == [1, 2]


def test_a_model_is_told_what_is_known_what_must_hold_and_what_was_wrong() -> None:
    prompt = maker().prompts.given(GIVEN)
    (_, system), (_, asked) = prompt.messages
    assert "known values: row, echo, kind, price (in euros)." in system
    assert "In every row this is true: (price < 3 OR note LIKE '%!')" in system
    assert asked.startswith('Given are 3 rows:\n[1,"bike","bike",1.5]') and asked.endswith("\nWrite these 3 rows.")
    again = Given([2], ["2.5"], [["car", 2.5]], 1, "note: wrong length (1)", ["As good as new."])
    told = maker().prompts.given(again).messages[-1][1]
    assert told.startswith("Given is 1 row:") and "Write this row. Refused before: note: wrong length (1)." in told
    assert 'not to be used again: "As good as new.". ' in told and told.endswith("Keep to every rule.")
    assert in_words([(("", "breaks: a > b"), 2)]) == "breaks: a > b (2)"

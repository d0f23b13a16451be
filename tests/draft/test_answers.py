"""Questions of a draft: found by rule, named alike every time, and settled by answers."""

from typing import Any

import pytest

import ffgen
from ffgen.errors import UsageError


def tables_of(made: ffgen.Draft) -> dict[str, dict[str, Any]]:
    tables = made.spec["tables"] if "tables" in made.spec else [made.spec["dataset"]]
    return {table["name"]: table for table in tables}


def field_of(made: ffgen.Draft, path: str) -> dict[str, Any]:
    table, _, name = path.partition(".")
    return next(field for field in tables_of(made)[table]["fields"] if field["name"] == name)


def test_every_question_says_what_may_be_answered() -> None:
    made = ffgen.draft("orders with customers, each customer aged 18 to 30, between 50 and 60, and its zorbiness")
    found = {question.id: question for question in made.questions}
    assert {"count:orders", "grain", "range:customers.age"} <= found.keys()
    for question in [*made.questions, *ffgen.draft("customers with zorbiness").questions]:
        assert question.text and question.default and question.changes
        assert not question.choices or question.default in question.choices
    assert found["range:customers.age"].choices == ("18 to 30", "50 to 60")
    assert found["grain"].choices == ("linked tables", "one table")


def test_a_default_changes_nothing_and_settles_the_question() -> None:
    text = "orders with customers and their zorbiness"
    made = ffgen.draft(text)
    for question in made.questions:
        settled = ffgen.draft(text, answers={question.id: question.default})
        assert settled.spec == made.spec, question
        assert question.id not in {one.id for one in settled.questions}
        assert settled.answers == {question.id: question.default}
    everything = ffgen.draft(text, answers={question.id: question.default for question in made.questions})
    assert everything.spec == made.spec and everything.questions == []


def test_counts_ranges_and_terms() -> None:
    made = ffgen.draft("customers aged 18 to 30, between 50 and 60", answers={"count:customers": "2,500"})
    assert tables_of(made)["customers"]["count"] == 2500
    made = ffgen.draft("customers aged 18 to 30, between 50 and 60", answers={"range:customers.age": "50 to 60"})
    assert field_of(made, "customers.age")["range"] == [50, 60]
    for said, wanted in (
        ("low, medium, high", {"type": "enum", "values": ["low", "medium", "high"]}),
        ("3 to 9", {"type": "integer", "range": [3, 9]}),
        ("yes or no", {"type": "boolean"}),
        ("a date", {"type": "date"}),
        ("email", {"type": "email"}),
    ):
        made = ffgen.draft("customers with zorbiness", answers={"term:customers.zorbiness": said})
        field = field_of(made, "customers.zorbiness")
        assert {key: field.get(key) for key in wanted} == wanted
        assert ffgen.load(made.spec)


def test_a_period_and_children_that_can_t_be() -> None:
    text = "orders in 2023 with order date, from 2020 to 2021"
    made = ffgen.draft(text, answers={"range": "2023-01-01 to 2023-12-31"})
    assert field_of(made, "orders.order_date")["range"][0] == "2023-01-01"
    text = "100 customers and 5000 orders, each customer has 1 to 3 orders"
    made = ffgen.draft(text, answers={"range:orders": "1 to 3 each"})
    assert "count" not in tables_of(made)["orders"]
    assert field_of(made, "orders.customer_id")["ref"]["max"] == 3


def test_one_table_has_the_fields_of_all() -> None:
    text = "Generate e-commerce customer data with purchase history"
    linked, flat = ffgen.draft(text), ffgen.draft(text, answers={"grain": "one table"})
    assert [*tables_of(flat)] == ["orders"] and flat.main == flat.finest == "orders"
    names = [field["name"] for field in tables_of(flat)["orders"]["fields"]]
    assert len(names) == len(set(names)) and {"email", "order_date", "total"} <= {*names}
    assert len(names) > max(len(table["fields"]) for table in tables_of(linked).values())
    assert flat.why.keys() == {f"orders.{name}" for name in names}
    with ffgen.run(flat.spec, assign={"dataset.count": 50}) as frames:
        assert sum(frame.height for frame in frames) == 50


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"size": 3}, "no question size"),
        ({"count:customers": "many"}, "does not answer"),
        ({"count:customers": "0"}, "does not answer"),
        ({"term:customers.zorbiness": "blorpish"}, "does not answer"),
    ],
)
def test_an_answer_that_fits_nothing_is_refused(answers: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        ffgen.draft("customers with zorbiness", answers=answers)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["x" * 20_001, "\x07\x00\x9b\x01 name", "\x00" * 40])
def test_too_long_or_with_control_characters(text: str) -> None:
    with pytest.raises(UsageError, match="characters|control"):
        ffgen.draft(text)

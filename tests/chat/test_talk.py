"""What each line makes of a conversation: tables of utterances, without disk, model or terminal."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chat.talking import Talking

from ffgen.api.reading import proved
from ffgen.chat.changes import changes
from ffgen.chat.plain import cleaned, plain
from ffgen.chat.questions import MOST_ASKED
from ffgen.chat.standing import MOST_SAID, MOST_TURNS, Talk, Turn
from ffgen.errors import UsageError

BIKES = "customers of a bike shop with names and emails"
SHOP = "200 customers, each has 1 to 5 orders from 2022 to 2024"

CHANGES = [
    (BIKES, "make it 5000", ["~ customers.count"]),
    (BIKES, "five thousand rows please", ["~ customers.count"]),
    (BIKES, "twice as many", ["~ customers.count"]),
    (BIKES, "I need 5k customers.", ["~ customers.count"]),
    (BIKES, "add a birthday", ["+ customers.birthday"]),
    (BIKES, "also an age between 18 and 65 and make it 20", ["~ customers.count", "+ customers.age"]),
    (BIKES, "add a grade: A, B or C", ["+ customers.grade"]),
    (BIKES, "no e-mail please", ["- customers.email"]),
    (BIKES, "drop the phone and the city", ["- customers.phone", "- customers.city"]),
    (BIKES, "we don't need a phone number", ["- customers.phone"]),
    (BIKES, "only Germany", ["+ customers.locale"]),
    (BIKES, "all from France", ["+ customers.locale"]),
    (BIKES, "phone must be unique", ["~ customers.phone"]),
    (BIKES, "no two customers share a phone", ["~ customers.phone"]),
    (BIKES, "emails may repeat", ["~ customers.email"]),
    (BIKES, "phone is optional", ["~ customers.phone"]),
    (BIKES, "30% have no phone", ["~ customers.phone"]),
    (BIKES, "20% of phones are missing", ["~ customers.phone"]),
    (BIKES, "last two years", ["~ customers.join_date"]),
    (BIKES, "only 2023", ["~ customers.join_date"]),
    (BIKES, "from 2022-01-01 to 2022-06-30", ["~ customers.join_date"]),
    (BIKES, "more on weekends", ["~ customers.join_date"]),
    (BIKES, "loyalty tier: gold, silver, bronze", ["~ customers.loyalty_tier"]),
    (BIKES, "10% gold", ["~ customers.loyalty_tier"]),
    (BIKES, "5% duplicates", ["+ customers.imperfections"]),
    (BIKES, "rename loyalty tier to tier", ["~ customers.loyalty_tier"]),
    (BIKES, "call customers clients", ["~ customers"]),
    (BIKES, "seed 7", ["+ seed"]),
    (BIKES, "no city, only Italy and make it 300", ["~ customers.count", "+ customers.locale", "- customers.city"]),
    (SHOP, "5% of orders are refunded", ["~ orders.status"]),
    (SHOP, "orders have a shipping address", ["+ orders.shipping_address"]),
    (SHOP, "add a birthday to customers", ["+ customers.birthday"]),
    (SHOP, "each customer has 2 to 3 orders", ["~ orders.customer_id"]),
    (SHOP, "4 orders per customer", ["~ orders.customer_id"]),
    (SHOP, "unit price up to 500", ["~ orders.unit_price"]),
    (SHOP, "order date in 2024", ["~ orders.order_date"]),
    (SHOP, "make quantity between 1 and 3", ["~ orders.quantity"]),
    (SHOP, "status is one of open, closed", ["~ orders.status"]),
    (SHOP, "no orders", ["- orders"]),
    (SHOP, "add a severity from 1 to 5 to orders", ["+ orders.severity"]),
    (SHOP, "make the room number unique", ["+ orders.room_number"]),
    (SHOP, "some customers have no email", ["~ customers.email"]),
    (
        SHOP,
        "replace first name and last name with a full name",
        ["+ customers.full_name", "- customers.first_name", "- customers.last_name"],
    ),
    (SHOP, "let the quantities be 1 to 5", ["~ orders.quantity"]),
    (SHOP, "the order date must be after 2022", ["~ orders.order_date"]),
    (SHOP, "increase the number of customers to 50", ["~ customers.count"]),
    (SHOP, "could we have a few more customers, say 800?", ["~ customers.count"]),
    (SHOP, "customers are at least 18 years old", ["+ customers.age"]),
    (SHOP, "add products", ["+ orders.product_id", "+ products"]),
]


@pytest.mark.parametrize(("first", "line", "changed"), CHANGES)
def test_a_sentence_changes_what_it_names_and_no_more(first: str, line: str, changed: list[str]) -> None:
    talk = Talking(first, line)
    assert [one for one in talk.changed if not one.startswith("+ products.")] == changed, talk.told
    assert not [one for one in proved(talk.spec) if one.severity == "error"]
    assert talk.say("undo") and talk.spec == Talking(first).spec


VALUES: list[tuple[str, str, str, dict[str, Any]]] = [
    (BIKES, "age between 18 and 65", "customers.age", {"range": [18, 65]}),
    (BIKES, "30% have no phone", "customers.phone", {"nullable": 0.3}),
    (BIKES, "loyalty tier: 50% gold, 50% none", "customers.loyalty_tier",
     {"values": ["gold", "none"], "weights": [50, 50]}),
    (BIKES, "loyalty tier can be 1, 2 or 3", "customers.loyalty_tier", {"type": "integer", "values": [1, 2, 3]}),
    (BIKES, "make loyalty tier a whole number", "customers.loyalty_tier", {"type": "integer"}),
    (BIKES, "last two years", "customers.join_date", {"range": ["2023-01-01", "2024-12-31"]}),
    (SHOP, "add a severity from 1 to 5 to orders", "orders.severity", {"type": "integer", "range": [1, 5]}),
    (SHOP, "make the room number unique", "orders.room_number", {"unique": True}),
    (SHOP, "price up to 500", "orders.unit_price", {"range": [1, 500]}),
    (SHOP, "each customer has at most 3 orders", "orders.customer_id",
     {"ref": {"to": "customers.customer_id", "min": 0, "max": 3}}),
    (SHOP, "the share of returns is 50%", "orders.status", {"weights": [3.16, 5.26, 39.47, 2.11, 50]}),
]  # fmt: skip


@pytest.mark.parametrize(("first", "line", "path", "keys"), VALUES)
def test_what_a_sentence_says_is_what_the_field_has(first: str, line: str, path: str, keys: dict[str, Any]) -> None:
    field = Talking(first, line).field(path)
    assert {key: field[key] for key in keys} == keys


@pytest.mark.parametrize(
    "line",
    [
        "hello there",
        "tell me a joke",
        "what is this?",
        "is it ok?",
        "asdf qwer",
        "/frobnicate",
        "0 rows",
        "-",
        "sort by date",
        "half of the customers are from France",
    ],
)
def test_what_is_not_understood_changes_nothing_and_comes_with_an_example(line: str) -> None:
    talk = Talking(BIKES)
    before = talk.spec
    talk.say(line)
    assert talk.spec == before and talk.changed == []
    assert "Say for example" in talk.told or "There is no command" in talk.told


def test_a_name_a_format_and_a_seed_are_taken() -> None:
    now = Talking(BIKES, "call it 'My Bikes!'", "as parquet", "seed 9").talk.now
    assert (now.name, now.format, now.spec["seed"]) == ("my-bikes", "parquet", 9)


def test_what_is_so_already_is_said() -> None:
    assert Talking(BIKES, "emails must be unique").told == "It is so already."
    assert Talking(BIKES, "add a phone number").told == "customers.phone is there already."
    assert Talking(BIKES, "no submarine").told == "Nothing here is called submarine."


def test_questions_come_one_at_a_time_the_most_important_first_and_five_at_most() -> None:
    talk = Talking("employees aged 65 to 18 with wibble, frob, glorp, names, phone and hire date")
    asked = []
    while talk.asked != "more":
        asked.append(talk.talk.steps and talk.reply.ask and talk.reply.ask.about)
        talk.say("")
    assert asked[:2] == ["range", "count"] and len(asked) == MOST_ASKED
    assert talk.say("done").parts[0].text.startswith("Assumed: ")


@pytest.mark.parametrize(
    ("first", "id", "answer", "path", "value"),
    [
        ("customers with names", "count:customers", "200", "customers.count", 200),
        ("customers with names", "count:customers", "two thousand", "customers.count", 2000),
        ("100 customers with names", "period", "3", "customers.join_date", ["2023-01-01", "2024-12-31"]),
        ("100 customers with names", "period", "2020 to 2021", "customers.join_date", ["2020-01-01", "2021-12-31"]),
        ("100 people with names", "locale", "3", "people.locale", "de_DE"),
        ("100 people with names", "locale", "Japan", "people.locale", "ja_JP"),
        ("orders with customers", "count:orders", "500", "customers.count", 167),
        ("100 employees with a wibble", "term:employees.wibble", "red, green", "employees.wibble", ["red", "green"]),
    ],
)
def test_an_answer_in_words_or_by_number(first: str, id: str, answer: str, path: str, value: Any) -> None:
    talk = Talking(first)
    while talk.asked != id:
        assert talk.asked != "more", f"{id} was not asked"
        talk.say("")
    talk.say(answer)
    table, _, name = path.partition(".")
    found = talk.table(table)[name] if name in ("count", "locale") else talk.field(path)
    assert value in (found, *(found.values() if isinstance(found, dict) else ()))


def test_a_number_that_is_no_choice_and_a_number_where_two_ends_are_asked() -> None:
    talk = Talking("100 people with names")
    assert talk.asked == "locale" and talk.say("9").parts[0].text == "Choose a number from 1 to 5."
    talk = Talking("50 employees aged 65 to 18")
    assert talk.reply.ask and talk.reply.ask.about == "range"
    talk.say("100")
    assert talk.table("employees")["count"] == 50 and "two ends" in talk.told
    talk.say("20 to 60")
    assert talk.field("employees.age")["range"] == [20, 60]


def test_one_table_or_linked_ones() -> None:
    linked = Talking("orders with customers")
    assert linked.asked == "grain"
    assert "tables" in linked.spec
    linked.say("2")
    assert "dataset" in linked.spec and {"email", "product"} <= {
        one["name"] for one in linked.spec["dataset"]["fields"]
    }
    assert "dataset" in Talking("orders with customers", "put everything into one table").spec
    assert linked.say("add a birthday") and linked.field(f"{linked.talk.now.main}.birthday")


class TestContradictions:
    def test_a_count_that_the_parents_can_t_have(self) -> None:
        talk = Talking(SHOP, "5000 orders")
        assert talk.reply.ask and talk.reply.ask.choices[0] == "1,667 customers" and talk.changed == []
        assert talk.say("") and talk.table("customers")["count"] == 1667
        talk = Talking(SHOP, "5000 orders", "3")
        assert talk.table("customers")["count"] == 200 and "count" not in talk.table("orders")

    def test_another_country(self) -> None:
        talk = Talking(BIKES, "only Germany", "France")
        assert talk.reply.ask and talk.reply.ask.about == "clash"
        assert talk.say("2") and talk.field("customers.name")["generator"]["locale"] == ["de_DE", "fr_FR"]
        assert Talking(BIKES, "only Germany", "France instead").table("customers")["locale"] == "fr_FR"

    def test_what_no_data_can_be(self) -> None:
        talk = Talking(BIKES, "loyalty tier must be unique")
        assert "can't be" in (talk.reply.ask.text if talk.reply.ask else "") and talk.changed == []
        assert (
            talk.say("2") and talk.table("customers")["count"] == 4 and talk.field("customers.loyalty_tier")["unique"]
        )

    def test_ends_the_wrong_way_round(self) -> None:
        talk = Talking(SHOP, "quantity between 9 and 2")
        assert talk.reply.ask and talk.say("") and talk.field("orders.quantity")["range"] == [2, 9]

    def test_two_that_may_be_meant(self) -> None:
        talk = Talking(SHOP, "orders have a phone", "phone is optional")
        assert talk.reply.ask and talk.reply.ask.choices == ("customers.phone", "orders.phone")
        talk.say("2")
        assert talk.changed == ["~ orders.phone"] and talk.field("orders.phone")["nullable"] is True

    def test_is_forgotten_when_something_else_is_said(self) -> None:
        talk = Talking(SHOP, "5000 orders", "no phone")
        assert talk.changed == ["- customers.phone"] and talk.reply.ask and talk.reply.ask.about != "clash"


def test_undo_leads_back_to_the_start_and_redo_forward_again() -> None:
    talk = Talking(BIKES, "no email", "", "add a birthday", "call it bikes")
    last, steps = talk.talk.now, len(talk.talk.steps)
    for _ in range(steps):
        talk.say("undo")
    assert talk.talk.stage == "new" and talk.asked == "start"
    talk.say("undo")
    for _ in range(steps):
        talk.say("redo")
    assert talk.talk.now == last
    assert talk.say("redo").parts[0].text == "Nothing was taken back."


def test_a_new_start_can_be_undone() -> None:
    talk = Talking(BIKES, "start over", "100 patients with a diagnosis")
    assert talk.talk.now.main == "patients"
    assert talk.say("undo") and talk.talk.now.main == "customers"
    assert talk.say("start over: 10 dogs with names") and talk.table(talk.talk.now.main)["count"] == 10


@pytest.mark.parametrize("slash", ["", "/"])
def test_commands_with_a_slash_and_without(slash: str) -> None:
    talk = Talking(BIKES)
    assert talk.say(f"{slash}show").parts[0].kind == "spec"
    assert talk.say(f"{slash}preview").parts[0].kind == "preview"
    assert talk.say(f"{slash}help").parts[0].text.startswith("Say what")
    assert [one.path for one in talk.say(f"{slash}why email").parts[0].changes] == ["customers.email"]
    assert talk.say(f"{slash}quit").act == "quit"
    assert [part.kind for part in talk.say(f"{slash}done").parts][-2:] == ["preview", "spec"]
    assert talk.asked == "confirm" and talk.say("no") and talk.talk.stage == "talking"
    assert talk.say("done") and talk.say("").act == "make"


def test_enter_alone_leads_to_data() -> None:
    talk = Talking()
    for _ in range(12):
        if talk.say("").act == "make":
            break
    assert talk.reply.act == "make"
    assert not [one for one in proved(talk.spec) if one.severity == "error"]


def test_what_others_are_made_of_stays_hidden() -> None:
    talk = Talking(SHOP, "no quantity")
    assert talk.field("orders.quantity")["hidden"] is True and "out of the data" in talk.told


def test_names_that_were_changed_are_kept_by_later_sentences() -> None:
    talk = Talking(
        SHOP, "call customers clients", "rename loyalty tier to tier", "more on weekends", "clients have a shoe size"
    )
    assert talk.field("clients.tier") and talk.field("clients.shoe_size")
    assert talk.field("orders.customer_id")["ref"]["to"] == "clients.customer_id"


def test_lines_are_cleaned_and_limited() -> None:
    assert cleaned("add\x1b[31m a\tphone\u202e \x00") == "add [31m a phone"
    assert (
        plain("Could you make it five thousand, please?") == "make it 5000"
        or plain("please make it 5k.") == "make it 5000"
    )
    with pytest.raises(UsageError, match="characters"):
        cleaned("x" * (MOST_SAID + 1))
    talk = Talking("x " * MOST_SAID)
    assert talk.talk.stage == "new" and "heard at most" in talk.told


def test_a_conversation_ends_somewhere() -> None:
    talk = Talking(BIKES)
    turns = (Turn(said="x", told="y", at=""),) * MOST_TURNS
    talk.talk = msgspec.structs.replace(talk.talk, turns=turns)
    assert "lines" in talk.say("no email").parts[0].text
    assert talk.say("done").ask is not None and talk.say("").act == "make"


def test_changes_are_a_line_a_thing() -> None:
    spec = Talking(BIKES).spec
    assert changes(spec, spec) == ()
    assert changes(None, spec)[0].text == "count: 1000"


def test_a_talk_is_data() -> None:
    talk = Talking(SHOP, "only Germany", "5000 orders").talk
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(talk), type=Talk) == talk


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(
    st.sampled_from([line for _, line, _ in CHANGES]),
    st.sampled_from(["", "1", "2", "undo", "redo", "done", "no", "start over", BIKES]),
    st.text(max_size=30),
), max_size=6))  # fmt: skip
def test_no_line_crashes_it_and_what_stands_can_always_be_made(lines: list[str]) -> None:
    talk = Talking(SHOP)
    for line in lines:
        talk.say(line)
        if talk.talk.steps:
            assert not [one for one in proved(talk.spec) if one.severity == "error"], line

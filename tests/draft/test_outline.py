"""What stands out of a description before its words: names in one piece, types, values with shares, parts of tables,
what belongs to what, what may be empty."""

from typing import Any

import pytest

import ffgen
from ffgen.draft import outline
from ffgen.draft.dates import in_iso
from ffgen.draft.portions import portions
from ffgen.draft.words import counted, tokens
from ffgen.errors import UsageError

Field = dict[str, Any]


def tables_of(text: str) -> dict[str, dict[str, Field]]:
    spec = ffgen.draft(text).spec
    tables = spec["tables"] if "tables" in spec else [spec["dataset"]]
    return {table["name"]: {one["name"]: one for one in table["fields"] if not one.get("hidden")} for table in tables}


def counts_of(text: str) -> dict[str, int | None]:
    spec = ffgen.draft(text).spec
    return {table["name"]: table.get("count") for table in spec.get("tables") or [spec["dataset"]]}


def shares_of(one: Field) -> dict[str, float]:
    weights = one["weights"]
    return {str(value): round(weight / sum(weights), 3) for value, weight in zip(one["values"], weights, strict=True)}


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("half of them", [50]),
        ("a third of the orders", [33.3333]),
        ("two thirds are", [66.6667]),
        ("one in five", [20]),
        ("3 out of 10 users", [30]),
        ("40% of the time", [40]),
        ("in 5% of cases", [5]),
        ("12 percent", [12]),
        ("half a million rows", []),
        ("revenue per quarter of 2024", []),
        ("rating 4 out of 5", []),
    ],
)
def test_parts_of_a_whole_are_percentages(said: str, parts: list[float]) -> None:
    assert [round(token.number, 4) for token in counted(portions(tokens(said))) if token.is_share] == parts


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("on 1 March 2024", "on 2024-03-01"),
        ("March 3rd, 2024", "2024-03-03"),
        ("1 March to 30 June 2024", "2024-03-01 to 2024-06-30"),
        ("5 to 9 May 2023", "2023-05-05 to 2023-05-09"),
        ("January to March 2025", "January 2025 to March 2025"),
        ("31.12.2023", "2023-12-31"),
        ("12/31/2023", "2023-12-31"),
        ("the first half of 2025", "2025-01 to 2025-06"),
        ("the second quarter of 2024", "Q2 2024"),
        ("31 agust 2025", "2025-08-31"),
        ("31 February 2024", "31 February 2024"),
        ("2023-09-01 to 31 March 2024", "2023-09-01 to 2024-03-31"),
    ],
)
def test_dates_are_iso(said: str, iso: str) -> None:
    assert in_iso(said) == iso


def test_names_in_one_piece_are_found() -> None:
    found = tokens("order_date, unitPrice and a plain word; utm_source_2")
    spans = outline.names(found, "order_date, unitPrice and a plain word; utm_source_2")
    assert ["".join(token.text for token in found[first : last + 1]) for first, last in spans.items()] == [
        "orderdate",
        "unitPrice",
        "utmsource2",
    ]


@pytest.mark.parametrize(
    ("text", "name", "want"),
    [
        ("rows with color: red 50%, green 30%, blue 20%", "color", {"red": 0.5, "green": 0.3, "blue": 0.2}),
        ("rows with color (60% red, 40% blue)", "color", {"red": 0.6, "blue": 0.4}),
        ("rows with size S/M/L (50/30/20)", "size", {"S": 0.5, "M": 0.3, "L": 0.2}),
        ("rows with grade (A 25%, B 75%)", "grade", {"A": 0.25, "B": 0.75}),
        ("posts with lang: en 70 / de 30", "lang", {"en": 0.7, "de": 0.3}),
        (
            "parcels with status: 90% delivered, the rest lost or returned",
            "status",
            {"delivered": 0.9, "lost": 0.05, "returned": 0.05},
        ),
        (
            "orders with channel which is web for two thirds of them and shop for the rest",
            "channel",
            {"web": 0.667, "shop": 0.333},
        ),
        (
            "parcels with state split evenly between new, old and broken",
            "state",
            {"new": 0.333, "old": 0.333, "broken": 0.333},
        ),
    ],
)
def test_values_have_their_shares(text: str, name: str, want: dict[str, float]) -> None:
    field = next(iter(tables_of(text).values()))[name]
    got = shares_of({"weights": [1] * len(field["values"]), **field})
    assert got == pytest.approx(want, abs=0.002)


@pytest.mark.parametrize(
    ("text", "name", "want"),
    [
        ("columns a_id int unique, paid_at timestamp, note text null", "paid_at", {"type": "datetime"}),
        (
            "rows with ref_no (string, unique), amount (decimal, 5..500)",
            "amount",
            {"type": "number", "range": [5, 500]},
        ),
        ("rows with qty (int 1..12)", "qty", {"type": "integer", "range": [1, 12]}),
        ("rows with is_gift (bool, 15% true)", "is_gift", {"generator": {"name": "boolean", "share": 0.15}}),
        (
            "quizzes: quiz_pct is a decimal from 0 to 100; tries_used is a whole number from 1 to 3",
            "tries_used",
            {"type": "integer", "range": [1, 3]},
        ),
        (
            "rows with q1_speed, q2_price and q3_all, each an integer from 1 to 5",
            "q2_price",
            {"type": "integer", "range": [1, 5]},
        ),
        ("rows with age_band (18-29, 30-44, 45+)", "age_band", {"values": ["18-29", "30-44", "45+"]}),
        ("rows with fuel (petrol, diesel, electric)", "fuel", {"values": ["petrol", "diesel", "electric"]}),
        ("pupils with grade A to E", "grade", {"values": ["A", "B", "C", "D", "E"]}),
        (
            "events with happened_on between 1 March 2024 and 30 June 2024",
            "happened_on",
            {"range": ["2024-03-01", "2024-06-30"]},
        ),
    ],
)
def test_what_is_noted_of_a_field_holds(text: str, name: str, want: Field) -> None:
    field = next(iter(tables_of(text).values()))[name]
    assert {key: field[key] for key in want} == want


@pytest.mark.parametrize(
    "said",
    [
        "which may be empty for new ones",
        "(optional)",
        "that is sometimes missing",
        "if known",
        "or null",
        "that people often leave blank",
        ", which stays empty until payment",
        "(null while pending)",
        ", optional",
    ],
)
def test_what_may_be_empty_is_nullable(said: str) -> None:
    fields = tables_of(f"members with name, remark {said}, city")["members"]
    assert fields["remark"]["nullable"] is True and not fields["city"].get("nullable") and set(fields) >= {"name"}


@pytest.mark.parametrize(
    "said", ["(unique)", "no two the same", "that never repeats", "(primary key)", "that nobody else has"]
)
def test_what_does_not_repeat_is_unique(said: str) -> None:
    fields = tables_of(f"lockers with floor 1-5, tag_text {said}, size")["lockers"]
    assert fields["tag_text"]["unique"] is True and not fields["floor"].get("unique")


def test_parts_of_several_tables_are_read_one_by_one() -> None:
    text = """Three tables, please.
    * 15 teachers - first name, last name, email
    * 20 courses - title, level (basic or advanced); each course is given by one teacher
    * enrolments (600 rows): final mark from 1 to 6, days absent"""
    tables = tables_of(text)
    assert counts_of(text) == {"teachers": 15, "courses": 20, "enrolments": 600}
    assert tables["courses"]["teacher_id"]["ref"] == "teachers.teacher_id"
    assert tables["courses"]["level"]["values"] == ["basic", "advanced"]


@pytest.mark.parametrize(
    ("text", "child", "name", "children"),
    [
        (
            "120 sellers (shop name). Every seller has 3 to 12 listings: a listing has a title and a price.",
            "listings",
            "seller_id",
            (3, 12),
        ),
        (
            "borrowers - 500 rows: full_name\nloans - 0 to 3 per borrower: loan_id, principal",
            "loans",
            "borrower_id",
            (0, 3),
        ),
        (
            "4 hives with a place, and readings; each hive sends 5 to 8 readings of weight",
            "readings",
            "hive_id",
            (5, 8),
        ),
    ],
)
def test_children_are_as_many_as_was_said(text: str, child: str, name: str, children: tuple[int, int]) -> None:
    ref = tables_of(text)[child][name]["ref"]
    assert (ref["min"], ref["max"]) == children


def test_what_points_at_another_table_is_a_key() -> None:
    text = "wards: ward_code (unique), beds 8-40. 12 wards. stays: stay_no, ward_code -> wards, days 1-9. 900 stays."
    tables = tables_of(text)
    assert tables["stays"]["ward_code"]["ref"] == "wards.ward_code" and counts_of(text) == {"wards": 12, "stays": 900}
    own = tables_of("employees with employee_id, name, manager_id fk to employees")["employees"]["manager_id"]
    assert own["ref"] == "employees.employee_id" and own["nullable"]


@pytest.mark.parametrize(
    "text",
    [
        "what's the weather like tomorrow, do you know?",
        "How much ibuprofen may I give my daughter?",
        "Write me a polite resignation letter.",
        "",
    ],
)
def test_what_asks_for_no_data_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ffgen.draft(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "'); DROP TABLE customers; -- sorry. 300 refunds with a refund_id, amount 1 to 400 and reason (late, broken)",
        "<script>alert(1)</script><b>300 refunds</b> with amount 1 to 400 and reason (late, broken)",
        "\x1b[31m300\u200b refunds with amount 1 to 400, reason (late, broken) {{7*7}} ${jndi:ldap://x}",
    ],
)
def test_jokes_around_a_wish_are_left_out(text: str) -> None:
    (fields,) = tables_of(text).values()
    assert counts_of(text) == {"refunds": 300}
    assert fields["amount"]["range"] == [1, 400] and fields["reason"]["values"] == ["late", "broken"]


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("a handful of popular tours with price", "term"),
        ("timesheets with person. Weekly hours must be at least 40 but never more than 20.", "range"),
        ("500 trucks with fleet_no (integer, 10 to 99, unique)", "range"),
        ("-40 employees with name", "range"),
        ("polls with kind: 60% open, 50% closed, 20% ranked", "range"),
    ],
)
def test_what_can_t_be_is_asked(text: str, about: str) -> None:
    assert about in {question.about for question in ffgen.draft(text).questions}

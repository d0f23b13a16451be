"""The built-in drafter: what it reads out of a description, and that whatever it makes is a spec that runs."""

import collections
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from tests.draft.score import built_in, load, score

import ffgen
from ffgen.errors import FfgenError, UsageError

HERE = Path(__file__).parent
CASES = load(HERE / "developing.yaml")
SAID = {case["id"]: case["description"] for case in CASES if not any("refuses" in want for want in case["wants"])}
MONEY = re.compile(r"amount|price|total|salary|income|revenue|fare|balance|^cost$|rent$")


def tables_of(made: ffgen.Draft) -> list[dict[str, Any]]:
    return made.spec["tables"] if "tables" in made.spec else [made.spec["dataset"]]


@cache
def rows_of(text: str) -> dict[str, pl.DataFrame]:
    """A thousand rows of the main table, as many of the others as go with them."""
    made = ffgen.draft(text, rows=1000)
    plan = ffgen.plan(made.spec)
    names = [table["name"] for table in tables_of(made)]
    return {name: pl.concat(list(ffgen.run(plan, table=name if len(names) > 1 else None))) for name in names}


def test_nine_points_of_ten_of_what_descriptions_want() -> None:
    made = score(CASES, built_in)
    assert made.share >= 0.9, made.misses
    assert min(made.got[name] / made.most[name] for name in made.most) >= 0.8


def test_there_are_sixty_descriptions_of_twelve_domains_and_of_every_kind() -> None:
    assert len(CASES) == 60 and len({case["id"] for case in CASES}) == 60
    assert len({case["domain"] for case in CASES} - {"other"}) == 12
    kinds = {"short", "long", "vague", "precise", "misspelt", "contradictory", "hostile", "foreign", "hopeless"}
    assert {case["kind"] for case in CASES} == kinds


@pytest.mark.parametrize("name", SAID)
def test_a_thousand_rows_come_out_without_visible_repetition(name: str) -> None:
    made = ffgen.draft(SAID[name], rows=1000)
    frames = rows_of(SAID[name])
    assert frames[made.main].height == 1000
    for table in tables_of(made):
        frame = frames[table["name"]]
        for field in table["fields"]:
            if not field.get("hidden") and not table.get("rows") and frame.height >= 200:
                check_variety(field, frame[field["name"]].head(1000).drop_nulls())


def check_variety(field: dict[str, Any], column: pl.Series) -> None:
    distinct = column.n_unique() / max(len(column), 1)
    generator = field.get("generator")
    kind = generator.get("name") if isinstance(generator, dict) else generator
    if field.get("unique"):
        assert distinct == 1, field
    elif kind == "person.full_name":
        assert distinct >= 0.95, field
    elif kind == "place.address":
        assert distinct >= 0.98, field
    elif field.get("type") == "number" and MONEY.search(field["name"]) and field.get("decimals") == 2:
        assert distinct >= 0.6, field
    elif field.get("type") == "text":
        assert distinct >= 0.9, field
        sentences = [set(re.split(r"(?<=[.!?]) ", text)) for text in column]
        most = collections.Counter(one for said in sentences for one in said).most_common(1)
        assert most[0][1] <= max(0.02 * len(column), 2), most


@pytest.mark.parametrize("name", SAID)
def test_the_file_says_what_the_draft_holds(name: str, tmp_path: Path) -> None:
    made = ffgen.draft(SAID[name])
    assert yaml.safe_load(made.text) == made.spec
    path = tmp_path / "drafted.yaml"
    path.write_text(made.text, encoding="utf-8")
    assert [finding for finding in ffgen.check(path) if finding.severity == "error"] == []
    assert max(map(len, made.text.splitlines())) < 180
    assert ffgen.load(path) == ffgen.load(made.spec)


@pytest.mark.parametrize("name", SAID)
def test_every_field_has_a_reason(name: str) -> None:
    made = ffgen.draft(SAID[name])
    paths = {f"{table['name']}.{field['name']}" for table in tables_of(made) for field in table["fields"]}
    assert paths <= made.why.keys()
    assert made.main in {table["name"] for table in tables_of(made)}
    kinds = ("count", "grain", "range", "term")
    assert all(question.default and question.about in kinds for question in made.questions)


@pytest.mark.parametrize("domain", sorted({case["domain"] for case in CASES} - {"other"}))
def test_a_domain_alone_is_its_usual_tables(domain: str) -> None:
    made = ffgen.draft(f"some {domain} data")
    assert len(tables_of(made)) >= 1 and {"count"} <= {one.about for one in made.questions}
    assert not [one for one in made.questions if one.default == "left out"]


def test_drafting_is_a_pure_function() -> None:
    text = SAID["shop-tables"]
    assert ffgen.draft(text).text == ffgen.draft(text).text
    assert ffgen.draft(text, seed=7).spec["seed"] == 7


@pytest.mark.parametrize("text", ["", "   ", "hello", "asdf qwer", "5000", "!!!", "the of and", "\x00\x1b[31m", "🦄🦄"])
def test_a_hopeless_description_is_refused_with_what_to_say(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ffgen.draft(text)
    assert "customers with names" in caught.value.hint


HOSTILE = [
    "users'; DROP TABLE users; -- with email",
    "customers with name\x1b[2J\x07 and email\u202e",
    "${jndi:ldap://x/a} orders with {{7*7}} and <script>alert(1)</script> total",
    "customers with " + "name and " * 3000 + "email",
    "customers with " + ", ".join(f"thing{at}" for at in range(3000)),
    "1e400 orders with amount between 1e308 and 1e309 and dates from 9999 to 0001",
    "99999999999999999999 customers with email",
    "customers with !!python/object/apply:os.system ['id'] and email",
    "patients aged between -5 and 999999999999999999999 with name",
    "customers 150% active, -20% inactive, 0% vip",
    "0 customers with name",
    "orders with status (" + ", ".join(f"s{at}" for at in range(500)) + ")",
    "users with id, id, id, email, email and __proto__, constructor, ../../etc/passwd",
    "customers with orders with customers with orders per customer per order",
    "each order has 5 to 2 items; each item has 3 orders",
    "unique status customers with unique gender, 5000 rows",
    "between 5 and between 7 and customers",
    "from 2023 to 2020 orders, between 10 and 1 total, over 5 under 3",
    "ｃｕｓｔｏｍｅｒｓ ｗｉｔｈ ｎａｍｅ",
    "customers\nwith:\n- name\n- email\n- age (18-65)\n",
    "顧客 with name",
    "orders " * 500,
    "a table of the tables with columns and fields and rows",
    "customers where 1=1 or name like '%admin%' -- ; customers with age > 5 AND age < 3",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_is_data_only(text: str) -> None:
    try:
        made = ffgen.draft(text)
    except FfgenError:
        return
    assert [finding for finding in ffgen.check(made.spec) if finding.severity == "error"] == []
    assert yaml.safe_load(made.text) == made.spec
    assert all(letter.isprintable() or letter == "\n" for letter in made.text)
    assert all(re.fullmatch(r"\w[\w .-]*", field["name"]) for table in tables_of(made) for field in table["fields"])


def test_any_words_of_the_descriptions_in_any_order_make_a_good_spec_or_a_refusal() -> None:
    chance = random.Random(5)
    words = [word for case in CASES for word in re.findall(r"\S+", case["description"])]
    for _ in range(150):
        text = " ".join(chance.choices(words, k=chance.randint(1, 25)))
        try:
            made = ffgen.draft(text)
        except UsageError as error:
            assert "can't be made" not in str(error), text
            continue
        assert [finding for finding in ffgen.check(made.spec) if finding.severity == "error"] == [], text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("5000 orders", 5000), ("a thousand orders", 1000), ("1.5k orders", 1500), ("two hundred orders", 200),
        ("2 million orders", 2_000_000), ("5,000 orders", 5000), ("5.000 orders", 5000), ("orders, 250 rows", 250),
        ("generate 30 random orders", 30), ("orders (400)", 400), ("a dozen orders", 12), ("3 thousand orders", 3000),
    ],
)  # fmt: skip
def test_counts_are_read(text: str, count: int) -> None:
    made = ffgen.draft(text)
    assert tables_of(made)[-1]["count"] == count and not any(one.about == "count" for one in made.questions)


def test_the_caller_s_rows_go_before_the_description_s() -> None:
    assert tables_of(ffgen.draft("5000 orders", rows=7))[0]["count"] == 7
    made = ffgen.draft("clients with their orders", rows={"clients": 3, "orders": 9})
    assert {table["name"]: table["count"] for table in tables_of(made)} == {"clients": 3, "orders": 9}
    with pytest.raises(UsageError, match="no table lines"):
        ffgen.draft("clients with their orders", rows={"lines": 3})
    with pytest.raises(UsageError, match="from 1 to"):
        ffgen.draft("orders", rows=0)


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("users with age between 18 and 65", "users.age", "range", [18, 65]),
        ("users aged 18-65", "users.age", "range", [18, 65]),
        ("users with age over 30", "users.age", "range", [30, 80]),
        ("orders with total from $10 to $500", "orders.total", "range", [10, 500]),
        ("orders in 2023 with total", "orders.order_date", "range", ["2023-01-01", "2023-12-31T23:59:59Z"]),
        ("orders of the last 6 months", "orders.order_date", "range", ["2024-07-01", "2024-12-31T23:59:59Z"]),
        ("orders from March 2023 to June 2024", "orders.order_date", "range", ["2023-03-01", "2024-06-30T23:59:59Z"]),
        ("orders since 2022", "orders.order_date", "range", ["2022-01-01", "2024-12-31T23:59:59Z"]),
        ("users with optional phone", "users.phone", "nullable", True),
        ("users with phone (10% missing)", "users.phone", "nullable", 0.1),
        ("users with unique phone numbers", "users.phone_number", "unique", True),
        ("tickets with status: new, open or done", "tickets.status", "values", ["new", "open", "done"]),
        ("tickets with status (new, open, done)", "tickets.status", "values", ["new", "open", "done"]),
        ("orders, more on weekends", "orders.order_date", "generator",
         {"name": "rhythm", "hours": "evening", "weekdays": {"mon-fri": 1, "sat": 2.5, "sun": 2.2}}),
    ],
)  # fmt: skip
def test_what_is_said_of_a_field_holds(text: str, path: str, key: str, value: Any) -> None:
    made = ffgen.draft(text)
    table, _, name = path.partition(".")
    fields = next(one["fields"] for one in tables_of(made) if one["name"] == table)
    assert next(one for one in fields if one["name"] == name)[key] == value

import math
import pickle
import time
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ffgen.errors import UsageError
from ffgen.expr import ExpressionError, check_types, first_failure, parse

FRAME = pl.DataFrame(
    {
        "name": ["Ann", "Bob", None],
        "last": ["Müller", "O'Neil", "Łysy"],
        "email": ["ann.muller@example.com", "b_b@example.org", ""],
        "age": [20, 30, None],
        "pay": [1.5, -2.25, None],
        "big": [2**62, -(2**63), 3],
        "born": [date(2000, 1, 31), None, date(1990, 5, 5)],
        "seen": [datetime(2024, 1, 1, 10, 30), None, datetime(1990, 5, 5)],
        "ok": [True, False, None],
    }
)
NESTED = FRAME.with_columns(
    address=pl.Series([{"city": "X", "geo": {"lat": 1.0}}, None, {"city": "Y", "geo": None}]),
    tags=pl.Series([["a"], [], None]),
    odd=pl.Series([math.nan, math.inf, 1.0]),
    grade=pl.Series(["a", "b", None], dtype=pl.Enum(["a", "b"])),
    zoned=pl.Series([datetime(2024, 1, 1), None, None]).dt.replace_time_zone("Europe/Berlin"),
)


def answer(text: str, frame: pl.DataFrame = NESTED) -> list[Any]:
    expression = parse(text, frame.columns)
    wrong = check_types(expression, frame.schema, want="")
    if wrong is not None:
        raise wrong
    found = frame.select(expression.compile(frame.schema)).to_series()
    return (found if len(found) == len(frame) else found.new_from_index(0, len(frame))).to_list()


def refused(text: str, frame: pl.DataFrame = NESTED) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        answer(text, frame)
    assert isinstance(caught.value, UsageError)
    assert 1 <= caught.value.column <= max(1, len(text) + 1)
    return caught.value


SAME_AS_DUCKDB = """
age > 18
age >= 20 AND pay < 0
age > 18 OR name = 'Bob'
NOT (age > 18 AND ok)
age + 1.5
age - 5 * 2
(age - 5) * 2
age / 7
age % 7
-age % 7
pay % 2
-pay
born - DATE '1999-12-31'
born + 30
born - 30
born < '2000-02-01'
seen < DATE '2024-01-02'
seen = TIMESTAMP '2024-01-01 10:30:00'
born IN ('2000-01-31', '1999-01-01')
name IS NULL
name IS NOT NULL
ok IS TRUE
ok IS NOT FALSE
age IN (20, 21.5)
age NOT IN (20, 21)
name IN ('Ann', last)
age BETWEEN 20 AND 25
age NOT BETWEEN 20 AND 25
born BETWEEN '1990-05-05' AND '1999-12-31'
email LIKE '%@example.com'
email LIKE 'ann%'
email LIKE '%.%'
email LIKE '%'
email LIKE ''
email LIKE 'b_b@%'
email LIKE 'b!_b@%' ESCAPE '!'
email NOT LIKE '%!_%' ESCAPE '!'
email NOT LIKE '%.com'
last ILIKE 'MÜL%'
CASE WHEN age > 25 THEN 'old' WHEN age > 10 THEN 'young' END
CASE name WHEN 'Ann' THEN 1 ELSE 2.5 END
COALESCE(age, 0)
COALESCE(name, email, 'x')
NULLIF(age, 20)
NULLIF(name, NULL)
ABS(pay)
ROUND(pay)
ROUND(2.5)
ROUND(pay, 1)
FLOOR(pay)
CEIL(pay)
LEAST(age, 25)
GREATEST(age, 25, 1.5)
LEAST(name, 'Az')
LPAD(name, 5, '.')
LPAD(CAST(age AS TEXT), 1, '0')
LOWER(name) || '.' || UPPER(last)
CONCAT(name, '-', age)
CONTAINS(email, 'example')
STARTS_WITH(email, LOWER(name))
ENDS_WITH(email, '.com')
TRIM('  a ')
LENGTH(last)
SPLIT_PART(email, '@', 2)
SPLIT_PART(email, '@', 3)
STRPOS(last, 'l')
POSITION('@' IN email)
SUBSTR(email, 2, 3)
SUBSTRING(email, STRPOS(email, '@') + 1)
LEFT(email, 2)
RIGHT(email, 3)
LEFT(name, age - 28)
REPLACE(email, 'e', 'EE')
YEAR(born) * 10000 + MONTH(born) * 100 + DAY(born)
HOUR(seen)
DATE_DIFF('day', born, seen)
DATE_DIFF('month', born, DATE '2025-01-01')
DATEDIFF('year', born, DATE '2025-01-01')
DATE_DIFF('hour', seen, TIMESTAMP '2024-01-02 09:00:00')
CAST(age AS TEXT)
CAST('12' AS INT)
CAST(pay AS INT)
CAST(seen AS DATE)
CAST(seen AS TEXT)
CAST(born AS TIMESTAMP)
CAST(ok AS INT)
CAST('1.5' AS FLOAT)
"last" = 'O''Neil'
last <> name
ok
NULL
1 = 1
""".strip().splitlines()


@pytest.fixture(scope="module")
def database() -> Any:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE rows (name TEXT, last TEXT, email TEXT, age BIGINT, pay DOUBLE, big BIGINT,"
            " born DATE, seen TIMESTAMP, ok BOOLEAN)"
        )
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", FRAME.rows())
        yield connection


@pytest.mark.parametrize("text", SAME_AS_DUCKDB)
def test_the_answers_are_those_of_duckdb(text: str, database: Any) -> None:
    expected = [row[0] for row in database.execute(f"SELECT {text} FROM rows").fetchall()]
    kinds = {type(value) for value in expected} - {type(None)}
    if kinds and next(iter(kinds)).__name__ == "Decimal":
        expected = [None if value is None else float(value) for value in expected]
    assert answer(text, FRAME) == expected


OURS = {
    "age / 0": [None, None, None],
    "age / 100 = 0.2": [True, False, None],
    "CAST(age AS FLOAT) % 20": [0.0, 10.0, None],
    "-49.0 % 49": [0.0, 0.0, 0.0],
    "big * 4": [None, None, 12],
    "big + big": [None, None, 6],
    "-big": [-(2**62), None, -3],
    "ABS(big)": [2**62, None, 3],
    "odd > 0": [None, None, True],
    "odd * 0 = 0": [None, None, True],
    "1 / odd": [None, None, 1.0],
    "1e308 * 10 > 1": [None, None, None],
    "1e999 > 1": [None, None, None],
    "born + 9999999999": [None, None, None],
    "CAST('x' AS INT)": [None, None, None],
    "CAST('nan' AS FLOAT) > 1": [None, None, None],
    "WEEKDAY(born)": [1, None, 6],
    "UNACCENT(last)": ["Muller", "O'Neil", "Lysy"],
    "CONTAINS(email, LOWER(UNACCENT(last)))": [True, False, False],
    "REGEXP_LIKE(email, '^[a-z]+@')": [False, False, False],
    "REGEXP_LIKE(email, '@example')": [True, True, False],
    "address.city = 'X'": [True, None, False],
    "address.geo.lat > 0": [True, None, None],
    '"address"."city" || name': ["XAnn", None, None],
    "LENGTH(tags)": [1, 0, None],
    "tags IS NULL": [False, False, True],
    "grade = 'c'": [False, False, None],
    "HOUR(zoned)": [23, None, None],
    "age == 20 -- why not": [True, False, None],
    "lower(NAME) = 'x'".replace("NAME", "name"): [False, False, None],
}


@pytest.mark.parametrize("text", OURS)
def test_where_dialects_differ_the_docs_decide(text: str) -> None:
    assert answer(text) == OURS[text]


REFUSED = {
    "": (1, "empty"),
    "naem = 'Ann'": (1, "Did you mean name?"),
    "age > 1 AND Age < 3": (13, "Did you mean age?"),
    'name = "Ann"': (8, "single quotes"),
    "lenght(name) > 1": (1, "Did you mean LENGTH(text)?"),
    "SUBSTR(name) = 'a'": (1, "Write SUBSTR(text, start, length)"),
    "born < now()": (8, "clock"),
    "born < current_date": (8, "clock"),
    "age > RANDOM()": (7, "not random"),
    "age > SUM(age)": (7, "one row only"),
    "address.town = 'X'": (1, "It has city, geo"),
    "age > 'x'": (7, "integer and text"),
    "born < 'x'": (8, "2025-01-31"),
    "name + 'x' = ''": (1, "||"),
    "address = 1": (11, "object"),
    "NOT age": (5, "not a condition"),
    "name LIKE last": (11, "CONTAINS"),
    "REGEXP_LIKE(name, last)": (19, "literal text"),
    "REGEXP_LIKE(name, '(')": (19, "unclosed group"),
    "REGEXP_LIKE(name, '(?=a)')": (19, "look-around"),
    "REGEXP_LIKE(name, '(\\w{1000}){1000}')": (19, "size limit"),
    "age IN (1, NULL)": (1, "NULL in the list"),
    "age IN (SELECT 1)": (1, "can't be used"),
    "LOWER(name) OVER () = 'a'": (1, "Window"),
    "name LIKE ANY ('x')": (16, "can't be used"),
    "age ^ 2": (5, "`^`"),
    "age[1]": (4, "`[`"),
    "age > 1; age > 2": (8, "`;`"),
    "age::int > 1": (4, "`::`"),
    "COUNT(*) > 1": (1, "one row only"),
    "name.LOWER()": (6, "dot"),
    "address.*": (9, "dot"),
    "INTERVAL '1' DAY": (10, "Interval"),
    "age BETWEEN SYMMETRIC 3 AND 1": (1, "Between"),
    "CAST(age AS BLOB)": (6, "TIMESTAMP"),
    "CAST(age AS DATE)": (6, "can't be made date"),
    "age >": (5, "missing after `>`"),
    "(age > 1": (8, "missing after `1`"),
    "age > 1)": (8, "`)` doesn't fit"),
    "'abc": (1, "quote"),
    "DATE_DIFF('week', born, born)": (11, "hour, day, month, year"),
    "born + born": (1, "DATE_DIFF"),
    "ROUND(pay, age)": (12, "literal integer"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_says_where_and_what_next(text: str) -> None:
    column, words = REFUSED[text]
    error = refused(text)
    assert words in str(error)
    assert error.column == column


def test_a_field_named_like_a_keyword_is_told_to_be_quoted() -> None:
    with pytest.raises(ExpressionError, match='written "case", in double quotes'):
        parse("2 < case > 1", ["case"])
    assert answer('"case" > 1', pl.DataFrame({"case": [1, 2]})) == [False, True]


def test_an_expression_knows_its_fields_and_its_kind() -> None:
    expression = parse("address.city = name AND LENGTH(address.geo.a.b.c) > 1", NESTED.columns)
    assert expression.columns == {"address", "name"}
    assert parse("age + 1.0", ["age"]).kind({"age": pl.Int8()}) == "number"
    assert parse("age IS NULL", ["age"]).kind({"age": pl.Int8()}) == "boolean"


def test_a_requirement_must_be_a_condition() -> None:
    wrong = check_types(parse("age", ["age"]), {"age": pl.Int64()})
    assert wrong is not None and "gives integer, not boolean" in str(wrong)
    assert check_types(parse("age > 1", ["age"]), {"age": pl.Int64()}) is None
    missing = check_types(parse("age > 1", ["age"]), {})
    assert missing is not None and "age" in str(missing)


def test_the_first_condition_that_is_not_true_is_found() -> None:
    conditions = [parse(text, NESTED.columns) for text in ("age < 30", "pay > 2", "TRUE", "odd > 0")]
    assert first_failure(conditions, NESTED).to_list() == [1, 0, 0]
    assert first_failure(conditions[2:], NESTED).to_list() == [1, 1, -1]
    assert first_failure(conditions[2:3], NESTED).to_list() == [-1, -1, -1]
    assert first_failure([parse("1 = 2", [])], NESTED.head(0)).to_list() == []
    assert first_failure([], NESTED).to_list() == [-1, -1, -1]


def test_rows_without_the_field_are_an_error_of_ours() -> None:
    with pytest.raises(ExpressionError, match="no field age"):
        first_failure([parse("age > 1", ["age"])], pl.DataFrame({"name": ["x"]}))


def test_an_expression_and_its_error_cross_processes() -> None:
    expression = pickle.loads(pickle.dumps(parse("age > 18", ["age"])))
    assert first_failure([expression], FRAME).to_list() == [-1, -1, 0]
    error = pickle.loads(pickle.dumps(refused("age > 'x'")))
    assert (error.column, str(error)) == (7, str(refused("age > 'x'")))


HOSTILE = [
    "(" * 1000,
    "(" * 400 + "age" + ")" * 400,
    "-" * 999 + "1",
    "NOT " * 249 + "ok",
    "+".join(["age"] * 250),
    " AND ".join(["ok"] * 120),
    "CASE WHEN " * 99 + "ok",
    "LOWER(" * 160,
    "age IN (" * 120,
    "COALESCE(1,(" * 80,
    "[" * 1000,
    "{" * 1000,
    "/*" * 500,
    "'" * 999,
    '"' * 999,
    "." * 1000,
    "a." * 499 + "a",
    "x" * 1000,
    "x" * 1001,
    "\0" * 10,
    "\ud800",
    "{{ age }}",
    "{% if %}",
    "$$x$$",
    "x'00'",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    refused(text)
    assert time.process_time() - start < 2.0


NESTS = [
    ("last", "LOWER({})"),
    ("last", "UNACCENT({})"),
    ("last", "SUBSTR({},1,5)"),
    ("last", "REPLACE({},'a','aaaaaaaaaaaaaaaaa')"),
    ("last", "SPLIT_PART({},'x',100)"),
    ("last", "NULLIF({},'q')"),
    ("pay", "(1/{})"),
    ("pay", "(1+{})"),
    ("age", "({}%7)"),
    ("age", "(age*{})"),
    ("born", "({}+1)"),
    ("ok", "({} IS TRUE)"),
    ("ok", "({} IN (ok,NOT ok))"),
    ("ok", "({} BETWEEN FALSE AND ok)"),
    ("ok", "CASE {} WHEN ok THEN ok WHEN TRUE THEN ok END"),
]


@pytest.mark.parametrize(("leaf", "form"), NESTS)
def test_deep_nesting_never_multiplies(leaf: str, form: str) -> None:
    text = leaf
    for _ in range(20):
        if len(nested := form.format(text)) <= 1000 and nested.count("WHEN") < 40:
            text = nested
    start = time.process_time()
    try:
        answer(text)
    except ExpressionError as error:
        assert "too often" in str(error) or "times as long" in str(error)
    assert time.process_time() - start < 2.0


WORDS = st.sampled_from(
    "age name last pay born seen ok address . city ( ) , + - * / % = <> < >= || AND OR NOT IS NULL TRUE IN BETWEEN LIKE"
    " ILIKE ESCAPE CASE WHEN THEN ELSE END CAST AS INT DATE TEXT 1 2.5 1e3 'x' '%a_' '2024-01-01' LOWER( UPPER( ABS("
    " ROUND( COALESCE( CONCAT( SUBSTR( SPLIT_PART( STRPOS( REGEXP_LIKE( DATE_DIFF( YEAR( UNACCENT( COUNT( NOW() SELECT"
    " FROM WHERE OVER -- /* [ ] { } : ; ? @ # $ ! ^ ~".split(" ")
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.lists(WORDS, max_size=25).map(" ".join), st.text(max_size=60)))
@example("SELECT 1 FROM x")
@example("a is")
@example("* name")
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        expression = parse(text, NESTED.columns)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
        return
    if check_types(expression, NESTED.schema) is None:
        assert len(first_failure([expression], NESTED)) == len(NESTED)


VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5), st.sampled_from("+-*"))
def test_integers_are_exact_or_null(rows: list[tuple[int | None, int | None]], operator: str) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    exact = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[operator]
    expected = [None if a is None or b is None else exact(a, b) for a, b in rows]
    assert answer(f"a {operator} b", frame) == [
        value if value is not None and -(2**63) <= value < 2**63 else None for value in expected
    ]

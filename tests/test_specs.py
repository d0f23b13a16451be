"""Every spec in specs/ is good, teaches, is a template, and runs: its output is valid, and what it says is so.

Drawn ones run for real and are opened in DuckDB; those that ask a model run against the stand-in.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests import standin

import ffgen
from ffgen.sample import SAMPLERS
from ffgen.spec.model import Dataset, Spec
from ffgen_cli import template

FOLDER = Path(__file__).parents[1] / "specs"
SPECS = sorted(FOLDER.glob("*.yaml"))
ASKED = [path for path in SPECS if template.asks(path)]
DRAWN = [path for path in SPECS if not template.asks(path)]
COUNT = 12
# The stand-in writes each cell for itself: a rule that ties two texts together never holds. See test_an_email_belongs.
UNTIED = {"orders": {"dataset.require": "COALESCE(shipped >= ordered, TRUE)"}}
MOMENTS = ("date", "datetime", "time")
FEWER = {"customers": {"dataset.count": 20_000}}

FACTS: dict[str, dict[str, str]] = {
    "customers": {
        "the address is made of the name": "FROM customers WHERE email NOT SIMILAR TO '.*[a-z]+[0-9]*@example.*'"
        " OR NOT starts_with(email, lower(regexp_replace(split_part(full_name, ' ', 1), '[^A-Za-z]', '', 'g')))",
        "70% are active": "FROM customers HAVING avg((status = 'active')::INT) NOT BETWEEN 0.68 AND 0.72",
        "a quarter more sign up each year": "FROM customers HAVING (count(*) FILTER (year(signed_up) = 2024))"
        " / (count(*) FILTER (year(signed_up) = 2022)) NOT BETWEEN 1.4 AND 1.75",
    },
    "shop": {
        "an order's total is the sum of its lines": "FROM orders JOIN (SELECT order_id, sum(amount) AS s, count(*) AS n"
        " FROM lines GROUP BY ALL) ON order_id = id WHERE abs(total - s) > 0.005 OR orders.lines <> n",
        "a line has its product's price": "FROM lines JOIN products USING (sku) WHERE lines.price <> products.price"
        " OR abs(amount - quantity * lines.price) > 0.005",
        "lines are numbered from 1": "FROM lines GROUP BY order_id HAVING min(line) <> 1 OR max(line) <> count(*)",
        "nobody orders before they have signed up": "FROM orders JOIN customers ON customers.id = customer_id"
        " WHERE ordered < signed_up",
        "what is paid is not shipped yet": "FROM orders WHERE (status = 'paid') <> (shipped IS NULL)",
        "gold gets 10 or 15 percent": "FROM orders JOIN customers ON customers.id = customer_id"
        " WHERE (tier = 'gold' AND discount NOT IN (10, 15)) OR (tier = 'basic' AND discount NOT IN (0, 5))",
    },
    "healthcare": {
        "an age is that of the birth date": "FROM patients WHERE datesub('year', born, DATE '2025-01-01') <> age",
        "blood pressures move together": "FROM visits HAVING corr(systolic, diastolic) NOT BETWEEN 0.6 AND 0.8",
        "only the chronically ill come again": "FROM visits JOIN diagnoses ON code = diagnosis"
        " WHERE chronic <> (next_visit IS NOT NULL)",
        "a drug fits what was found": "FROM prescriptions JOIN visits ON id = visit_id"
        " WHERE drug = 'Metformin' AND diagnosis <> 'E11'",
        "no visits on Sundays": "FROM visits WHERE isodow(at AT TIME ZONE 'UTC') = 7",
    },
    "finance": {
        "a balance is the sum so far": "FROM (SELECT balance - sum(amount) OVER (PARTITION BY account ORDER BY booked, id"
        " ROWS UNBOUNDED PRECEDING) AS off FROM transactions) WHERE abs(off) > 0.005",
        "an account has the balance of its last booking": "FROM accounts JOIN (SELECT account,"
        " arg_max(balance, id) AS last FROM transactions GROUP BY ALL) ON account = iban WHERE abs(balance - last) > 0.005",
        "IBANs pass their check": "FROM accounts WHERE (substr(iban, 5) || '1314' || substr(iban, 3, 2))::HUGEINT % 97 <> 1",
        "only salaries come in": "FROM transactions WHERE (kind = 'salary') <> (amount > 0)",
        "cards are valid two weeks after the account is opened": "FROM cards JOIN accounts ON iban = account"
        " WHERE valid_from <> opened + 14",
    },
    "education": {
        "grades follow points": "FROM enrolments GROUP BY grade HAVING (grade = 'A' AND min(points) < 85)"
        " OR (grade = 'F' AND max(points) >= 50)",
        "effort helps": "FROM enrolments HAVING corr(effort, points) NOT BETWEEN 0.4 AND 0.6",
        "most begin in September": "FROM students HAVING avg((month(enrolled) = 9)::INT) < 0.6",
    },
    "social": {
        "nobody follows themselves": "FROM follows WHERE follower = followed",
        "a reply is to an earlier post": "FROM posts p JOIN posts q ON p.reply_to = q.id WHERE q.id >= p.id",
        "tags are said once": "FROM posts WHERE len(tags) <> len(list_distinct(tags))",
        "a few write most": "FROM (SELECT count(*) AS n FROM posts GROUP BY author) HAVING max(n) < 10 * avg(n)",
    },
    "logistics": {
        "a parcel's events follow one another": 'FROM (SELECT "at" < lag("at") OVER (PARTITION BY shipment'
        " ORDER BY position) AS back FROM events) WHERE back",
        "it begins with accepted": "FROM events WHERE (position = 1) <> (status = 'accepted')",
        "the city stands in the address": "FROM shipments WHERE NOT contains(\"to\", to_city)",
        "express costs more": "FROM shipments WHERE service = 'express'"
        " AND abs(price - 1.6 * (3.5 + 0.6 * weight_kg + 0.01 * distance_km)) > 0.006",
    },
    "hr": {
        "one has no manager": "FROM employees HAVING count(*) FILTER (manager_id IS NULL) <> 1",
        "a manager came first": "FROM employees WHERE manager_id >= id",
        "pay begins as agreed and never falls": "FROM (SELECT salary < coalesce(lag(salary) OVER w, start_salary) AS less"
        " FROM salaries JOIN employees ON id = employee_id WINDOW w AS (PARTITION BY employee_id ORDER BY since)) WHERE less",
        "pay begins on the first day": "FROM (SELECT employee_id, min(since) AS first FROM salaries GROUP BY ALL)"
        " JOIN employees ON id = employee_id WHERE first <> hired",
    },
    "iot": {
        "ten days of hours for each": "FROM readings GROUP BY device HAVING count(*) <> 240"
        " OR max(measured) - min(measured) <> INTERVAL 239 HOURS",
        "afternoons are warmer": "FROM readings HAVING avg(celsius) FILTER (hour(measured AT TIME ZONE 'UTC') = 15)"
        " < 8 + avg(celsius) FILTER (hour(measured AT TIME ZONE 'UTC') = 3)",
        "meters never run back": "FROM (SELECT meter_kwh < lag(meter_kwh) OVER (PARTITION BY device ORDER BY measured)"
        " AS back FROM readings) WHERE back",
    },
    "saas": {
        "people have their company's domain": "FROM users JOIN companies ON companies.id = company_id"
        " WHERE NOT ends_with(email, '@' || domain)",
        "one owner a company": "FROM users GROUP BY company_id HAVING count(*) FILTER (role = 'owner') <> 1",
        "an amount is seats times price": "FROM invoices WHERE abs(amount - seats * seat_price) > 0.005",
        "events are in order": "FROM (SELECT \"at\" < lag(\"at\") OVER (ORDER BY id) AS back FROM events) WHERE back",
    },
    "travel": {
        "a flight goes somewhere else": "FROM flights WHERE origin = destination",
        "business costs more": "FROM bookings HAVING avg(fare) FILTER (class = 'business')"
        " < 2.5 * avg(fare) FILTER (class = 'economy')",
        "nights are quiet": "FROM flights HAVING avg((hour(departs AT TIME ZONE 'UTC') < 6)::INT) > 0.03",
    },
    "realestate": {
        "studios are small": "FROM properties WHERE kind = 'studio' AND area_m2 > 42",
        "a sale has a date after the listing": "FROM listings WHERE (status = 'sold') <> (sold IS NOT NULL) OR sold <= listed",
        "the price asked is the property's": "FROM listings JOIN properties p ON p.id = property_id WHERE asked <> price",
        "agents write from their agency": "FROM agents WHERE NOT contains(email, '.example')",
        "a home begins with its kitchen": "FROM properties WHERE rooms[1] <> 'kitchen'",
    },
    "support": {
        "a ticket counts its messages": "FROM tickets JOIN (SELECT ticket_id, count(*) AS n FROM messages GROUP BY ALL)"
        " ON ticket_id = id WHERE messages <> n",
        "the customer writes first": "FROM messages WHERE number = 1 AND author <> 'customer'",
        "a wrong payslip is never low": "FROM tickets WHERE area = 'Payslip' AND priority = 'low'",
    },
    "faker": {"a pool of 300 jobs": "FROM contacts HAVING count(DISTINCT job) > 300"},
}
"""What holds in each spec's data: a query for what would break it, which finds nothing."""


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", SPECS, ids=named)
def test_it_has_no_finding_and_says_what_it_is(path: Path) -> None:
    assert ffgen.check(path) == []
    assert template.first_comment(path).endswith(".")
    assert template.templates()[path.stem] == path
    assert f"ffgen run specs/{path.name}" in path.read_text(encoding="utf-8") or path.stem in ("sensors", "tickets")


def test_every_generator_is_shown_by_one() -> None:
    shown: set[str] = set()

    def look(at: Any) -> None:
        if isinstance(at, dict):
            said = at.get("generator")
            shown.update(name for name in (said, at.get("name")) if isinstance(name, str))
        for each in at.values() if isinstance(at, dict) else at if isinstance(at, list) else []:
            look(each)

    for path in FOLDER.rglob("*.yaml"):
        look(yaml.safe_load(path.read_text(encoding="utf-8")))
        if path in DRAWN:
            view = ffgen.describe(ffgen.plan(path, assign=FEWER.get(path.stem)))
            shown.update(field.made_by for table in view.tables for field in table.fields)
    assert set(SAMPLERS) - shown == set()


# Drawn


class Data:
    """The tables of a drawn spec as DuckDB sees them, from Parquet files."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.spec: Spec = ffgen.load(path, assign=FEWER.get(path.stem))
        self.report = ffgen.run(self.spec, f"{folder}/", format="parquet", workers=0)
        self.counts = {table.table: table.records for table in self.report.tables}
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        for table in self.report.tables:
            self.database.execute(f"CREATE VIEW \"{table.table}\" AS FROM '{table.output}'")

    def count(self, query: str) -> int:
        """How many rows `SELECT 1 {query}` gives."""
        found = self.database.execute(f"SELECT count(*) FROM (SELECT 1 {query})").fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The data of a spec, made once."""
    made: dict[Path, Data] = {}

    def of(path: Path) -> Data:
        if path not in made:
            made[path] = Data(path, tmp_path_factory.mktemp(path.stem))
        return made[path]

    yield of
    for each in made.values():
        each.database.close()


def keys(table: Dataset) -> list[list[str]]:
    """What tells a table's rows apart."""
    unique = [[field.name] for field in table.fields if field.unique and not field.hidden]
    return [*unique, *([table.unique_by] if table.unique_by else [])]


@pytest.mark.parametrize("path", DRAWN, ids=named)
def test_drawn_counts_keys_and_references_are_right(path: Path, data: Any) -> None:
    found: Data = data(path)
    assert sum(found.counts.values()) == found.report.records
    for table in found.spec.datasets:
        name, rows = table.name, found.counts[table.name]
        assert found.count(f'FROM "{name}"') == rows
        assert not table.count or table.count == rows
        for key in keys(table):
            columns = ", ".join(f'"{column}"' for column in key)
            assert found.count(f'FROM "{name}" GROUP BY {columns}') == rows, (name, key)
        for field in table.fields:
            ref = field.reference
            if ref is None or field.hidden:
                continue
            lost = f'FROM "{name}" c ANTI JOIN "{ref.table}" p ON c."{field.name}" = p."{ref.column}"'
            assert found.count(f'{lost} WHERE c."{field.name}" IS NOT NULL') == 0, (name, field.name)


@pytest.mark.parametrize("path", DRAWN, ids=named)
def test_drawn_data_are_valid(path: Path, data: Any) -> None:
    found: Data = data(path)
    for table in found.report.tables:
        validity = ffgen.validate(found.spec, table.output, table=table.table)
        assert validity.valid, (table.table, validity.problems)


@pytest.mark.parametrize(("name", "fact"), [(name, fact) for name, facts in FACTS.items() for fact in facts])
def test_drawn_facts_hold(name: str, fact: str, data: Any) -> None:
    assert data(FOLDER / f"{name}.yaml").count(FACTS[name][fact]) == 0


def test_every_drawn_spec_has_facts_and_ten_have_linked_tables() -> None:
    assert {path.stem for path in DRAWN} == FACTS.keys()
    assert sum(len(ffgen.load(path).tables) > 2 for path in DRAWN if path.stem != "customers") >= 10


# Asked


@pytest.fixture(scope="module")
def server() -> Any:
    with standin.start(api="both", any_model=True) as running:
        yield running


def reachable(path: Path, url: str) -> dict[str, Any]:
    """What has to be different for the stand-in: its address, few records, and what no JSON schema tells a server.

    That is a range of moments, and how many decimals a number has.
    """
    dataset = ffgen.load(path).dataset
    assert dataset is not None
    fields = dataset.fields
    ranges = {f"dataset.fields.{field.name}.range": None for field in fields if field.type in MOMENTS and field.range}
    decimals = {f"dataset.fields.{field.name}.decimals": None for field in fields if field.decimals is not None}
    model = {"model.endpoint": url, "model.name": "standin"}
    return {"dataset.count": COUNT, **model, **ranges, **decimals, **UNTIED.get(path.stem, {})}


@pytest.mark.parametrize("path", ASKED, ids=named)
def test_it_runs_and_what_comes_out_is_valid(
    path: Path, server: standin.Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-stand-in-takes-any")
    spec = ffgen.load(path, assign=reachable(path, server.url))
    assert spec.output is not None and spec.output.path is not None
    to = tmp_path / Path(spec.output.path).name
    report = ffgen.run(spec, to, cache_dir=str(tmp_path / "cache"), timeout=60)
    assert isinstance(report, ffgen.Report) and report.records == COUNT
    assert to.stat().st_size > 0
    validity = ffgen.validate(spec, to)
    assert validity.valid, validity.problems


def test_an_email_belongs_to_the_buyer(tmp_path: Path) -> None:
    """The rule of specs/orders.yaml that the stand-in can't keep, on two records written by hand."""
    emails = ["aiko.tanaka@example.com", "john.okafor@example.org"]
    rows = [
        {
            "order_id": f"G-00000{number}",
            "buyer": {"first_name": "Aiko", "last_name": "Tanaka", "email": email},
            "lines": [{"product": "Steel rake", "quantity": 1, "price": 9.5}],
            "ordered": "2025-02-01",
            "shipped": None,
        }
        for number, email in enumerate(emails)
    ]
    data = tmp_path / "orders.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    validity = ffgen.validate("specs/orders.yaml", data, assign={"dataset.count": 2})
    assert [(problem.count, problem.first) for problem in validity.problems] == [(1, 2)]
    assert "buyer.email" in validity.problems[0].reason

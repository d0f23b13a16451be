"""What people use today to make such rows: DuckDB's SQL, mimesis, Faker. Each makes those of `reference.yaml`.

`python -m bench.rivals NAME ROWS PATH`, one process and one thread. Each is written as one who knows it well would:
DuckDB picks by joins with tables of 65,536 (eight times quicker than lists); mimesis and Faker are called for every
field that they have a method for, and orjson encodes the rows.
"""

import math
import random
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.names import FIRST_DAY, HOURS, PICKS, WEEK, day_weights, names, picks

Row = dict[str, Any]
MOST = max(WEEK)
BY_HOUR = OrderedDict((hour, weight / sum(HOURS)) for hour, weight in enumerate(HOURS) if weight)
DOMAINS = ("com", "net", "org")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
CODES = ("first", "last", "tail", "age", "city", "day", "hour")
QUERY = f"""
SELECT uuid()::VARCHAR AS id, first.v AS first_name, last.v AS last_name, first.low || last.low || tail.v AS email,
  age.v AS age, CASE WHEN chance < 0.7 THEN 'active' WHEN chance < 0.9 THEN 'inactive' ELSE 'pending' END AS status,
  city.v AS city, {{signup}} AS signup, round(exp(ln(35) + 0.8 * {NORMAL}), 2) AS amount, abc.v || digits.v AS sku
FROM (
  SELECT {", ".join(f"(random() * {PICKS - 1})::INT AS {name}_i" for name in CODES)},
    (random() * {26**3 - 1})::INT AS abc_i, (random() * 9999)::INT AS digits_i, (random() * 3599)::INT AS second,
    random() AS chance
  FROM range({{rows}})
) {" ".join(f"JOIN {name} ON {name}.i = {name}_i" for name in (*CODES, "abc", "digits"))}
"""


def duckdb(rows: int, path: str) -> None:
    """One COPY from one SELECT."""
    import duckdb as library

    known, connection = names(), library.connect()
    connection.execute("SET threads = 1; SET preserve_insertion_order = false")
    tails = [f"{number}@example.{end}" for end in DOMAINS for number in ("", *range(1, 100))]
    tables: dict[str, tuple[Sequence[Any], Sequence[float]]] = {
        "first": (known.first, known.first_weights),
        "last": (known.last, known.last_weights),
        "tail": (tails, ([60.0] + [40 / 99] * 99) * 3),
        "age": (range(18, 81), [math.exp(-(((age - 42) / 14) ** 2) / 2) for age in range(18, 81)]),
        "city": (known.city, known.city_weights),
        "day": (range(FIRST_DAY, FIRST_DAY + len(day_weights())), day_weights()),
        "hour": (range(24), HOURS),
    }
    for name, (values, weights) in tables.items():
        picked = [values[i] for i in picks(weights).tolist()]
        made = "SELECT row_number() OVER () - 1 AS i, v FROM (SELECT unnest($1) AS v)"
        connection.execute(f"CREATE TABLE {name} AS {made}", [picked])
    for name, after in (("first", "."), ("last", "")):
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT i, v, lower(v) || '{after}' AS low FROM {name}")
    letters = [f"{a}{b}{c}-" for a in LETTERS for b in LETTERS for c in LETTERS]
    for name, texts in (("abc", letters), ("digits", [f"{number:04}" for number in range(10_000)])):
        made = "SELECT row_number() OVER () - 1 AS i, v FROM (SELECT unnest($1) AS v)"
        connection.execute(f"CREATE TABLE {name} AS {made}", [texts])
    micros = "1000000 * (86400 * day.v + 3600 * hour.v + second)::BIGINT"
    parquet = path.endswith(".parquet")
    # The text is made from the moment: DuckDB's own form in JSON has a blank and no zone.
    moment = f"make_timestamp({micros})"
    signup = moment if parquet else f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ')"
    into = "PARQUET, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 65536" if parquet else "JSON"
    connection.execute(f"COPY ({QUERY.format(rows=rows, signup=signup)}) TO '{path}' (FORMAT {into})")


def mimesis(rows: int) -> Iterator[Row]:
    """Every field that mimesis has something for is its own: all but age and amount."""
    from mimesis import Address, Code, Cryptographic, Datetime, Person
    from mimesis.locales import Locale

    person, address, moments = Person(Locale.EN), Address(Locale.EN), Datetime(Locale.EN)
    secret, code, chance = Cryptographic(), Code(), person.random
    statuses = {"active": 0.7, "inactive": 0.2, "pending": 0.1}
    for _ in range(rows):
        first, last = person.first_name(), person.last_name()
        yield {
            "id": secret.uuid(),
            "first_name": first,
            "last_name": last,
            "email": email(first, last),
            "age": age(),
            "status": chance.weighted_choice(statuses),
            "city": address.city(),
            "signup": signup(lambda: moments.datetime(2022, 2024), lambda: chance.weighted_choice(BY_HOUR)),
            "amount": amount(),
            "sku": code.pin("@@@-####"),
        }


def faker(rows: int) -> Iterator[Row]:
    """Every field that Faker has something for is its own: all but age and amount."""
    from faker import Faker

    fake = Faker("en_US")
    statuses = OrderedDict([("active", 0.7), ("inactive", 0.2), ("pending", 0.1)])
    begin, end = datetime(2022, 1, 1), datetime(2024, 12, 31, 23, 59, 59)
    for _ in range(rows):
        first, last = fake.first_name(), fake.last_name()
        yield {
            "id": fake.uuid4(),
            "first_name": first,
            "last_name": last,
            "email": email(first, last),
            "age": age(),
            "status": fake.random_element(statuses),
            "city": fake.city(),
            "signup": signup(lambda: fake.date_time_between(begin, end), lambda: fake.random_element(BY_HOUR)),
            "amount": amount(),
            "sku": fake.bothify("???-####", LETTERS),
        }


def email(first: str, last: str) -> str:
    """An address that agrees with a name."""
    number = "" if random.random() < 0.6 else random.randint(1, 99)
    return f"{first.lower()}.{last.lower()}{number}@example.{random.choice(DOMAINS)}"


def signup(moment: Callable[[], datetime], hour: Callable[[], int]) -> datetime:
    """A moment by the rhythm of the week, at an hour by that of the day."""
    found = moment()
    while random.random() * MOST > WEEK[found.weekday()]:
        found = moment()
    return found.replace(hour=hour(), microsecond=0, tzinfo=UTC)


def age() -> int:
    """18 to 80 around 42."""
    return min(max(round(random.gauss(42, 14)), 18), 80)


def amount() -> float:
    """Lognormal, with two decimals."""
    return round(random.lognormvariate(math.log(35), 0.8), 2)


def write(rows: Iterator[Row], path: str) -> None:
    """JSON Lines."""
    with open(path, "wb") as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))


def main(name: str, rows: str, path: str) -> None:
    """The command line."""
    if name == "duckdb":
        duckdb(int(rows), path)
    else:
        write({"mimesis": mimesis, "faker": faker}[name](int(rows)), path)


if __name__ == "__main__":
    main(*sys.argv[1:])

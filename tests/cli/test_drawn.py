"""Drawn specs from the command line: several tables, files, counts, previews, plans, and what is said of mistakes."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ffgen_cli.main import enter

SHOP = """\
seed: 4
tables:
  - name: customers
    count: 30
    fields:
      - {name: id, type: integer, unique: true, generator: sequence}
      - {name: name, type: string, generator: person.full_name}
      - {name: tier, values: [gold, silver]}
      - {name: points, type: integer, range: [0, 10], when: tier = 'gold'}
      - {name: luck, type: number, range: [0, 1], hidden: true}
  - name: orders
    fields:
      - {name: id, type: uuid, unique: true}
      - {name: customer_id, ref: {to: customers.id, mean: 3}}
      - {name: amount, type: number, generator: {name: normal, mean: 40, sd: 9}, range: [1, 100], decimals: 2}
      - {name: tags, type: array, items: {values: [a, b, c]}, length: [0, 3]}
      - {name: ship, type: object, fields: [{name: city, generator: place.city}, {name: zip, pattern: "[0-9]{5}"}]}
"""
PEOPLE = """\
model: {endpoint: "http://127.0.0.1:9", name: none}
dataset:
  name: our people
  count: 20
  fields:
    - {name: id, type: uuid}
    - {name: name, generator: person.full_name}
    - {name: born, type: date, range: [1960-01-01, 2000-12-31]}
"""


class Place:
    """A folder with specs in it, and ffgen called there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("shop.yaml", SHOP)
        self.write("people.yaml", PEOPLE)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FFGEN_", "XDG_"))}
        self.environ = kept | {"HOME": str(folder), "COLUMNS": "80", "FFGEN_STATE_DIR": str(folder / "state")}

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own, which a run closes to the network."""
        return subprocess.run(
            [sys.executable, "-m", "ffgen_cli", *arguments], cwd=self.folder, env={**self.environ, **environ},
            text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """In this process: for commands that make nothing."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            code = enter(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_tables_go_into_a_folder_and_stay_valid_as_a_whole(place: Place) -> None:
    done = place("run", "shop.yaml", "-o", "out/", "-n", "50", "-n", "orders=120", "--report", "report.json")
    assert (done.returncode, done.stdout) == (0, "")
    customers, orders = place.rows("out/customers.jsonl"), place.rows("out/orders.jsonl")
    assert (len(customers), len(orders)) == (50, 120)
    assert {row["customer_id"] for row in orders} <= {row["id"] for row in customers}
    assert "luck" not in customers[0] and list(orders[0]) == ["id", "customer_id", "amount", "tags", "ship"]
    lines = done.stderr.splitlines()
    assert lines[0].startswith("ffgen: drawing: 0/170") and not any(
        word in done.stderr for word in ("asking", "flight")
    )
    assert "170 of 170 records of customers, orders written to out/" in done.stderr
    assert "out/orders.jsonl: 120 records" in done.stderr
    assert not any(line.split()[:1] in (["requests"], ["tokens"], ["model"]) for line in lines)
    report = json.loads((place.folder / "report.json").read_text())
    assert [(each["table"], each["records"], each["output"]) for each in report["tables"]] == [
        ("customers", 50, "out/customers.jsonl"), ("orders", 120, "out/orders.jsonl"),
    ]  # fmt: skip
    assert (report["records"], report["requests"], report["model"]) == (170, 0, "")
    counts = ("-n", "50", "-n", "orders=120")
    valid = place.here("validate", "shop.yaml", "--data", "out/", *counts)
    assert (valid.returncode, valid.stdout.splitlines()) == (
        0, ["out/customers.jsonl: 50 records, valid", "out/orders.jsonl: 120 records, valid"],
    )  # fmt: skip
    one = place.here("validate", "shop.yaml", "--table", "orders", "--data", "out/orders.jsonl", *counts)
    assert (one.returncode, one.stdout) == (0, "out/orders.jsonl: 120 records, valid\n")
    orders[4]["customer_id"] = 999
    place.write("out/orders.jsonl", "".join(json.dumps(row) + "\n" for row in orders))
    broken = place.here("validate", "shop.yaml", "--data", "out/", *counts)
    assert broken.returncode == 1
    assert "customer_id no such customers.id: 1, first in record 5" in " ".join(broken.stdout.split())


def test_a_name_for_one_file_is_made_one_for_each_table_and_that_is_said(place: Place) -> None:
    done = place("run", "shop.yaml", "-o", "x.csv.gz")
    assert done.returncode == 0 and "written to x.<table>.csv.gz" in done.stderr
    assert "x.orders.csv.gz: " in done.stderr
    assert pl.read_csv(place.folder / "x.customers.csv.gz").columns == ["id", "name", "tier", "points"]
    assert place.here("validate", "shop.yaml", "--data", "x.csv.gz").returncode == 0
    named = place("run", "shop.yaml", "-o", "data-{table}.parquet", "-q")
    assert (named.returncode, named.stderr) == (0, "")
    frame = pl.read_parquet(place.folder / "data-orders.parquet")
    assert frame.schema["tags"] == pl.List(pl.String)
    assert frame.schema["ship"] == pl.Struct({"city": pl.String, "zip": pl.String})


def test_one_of_several_tables_goes_anywhere(place: Place) -> None:
    done = place("run", "shop.yaml", "--table", "orders", "-n", "orders=7", "-f", "csv", "--json")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 7 and list(rows[0]) == ["id", "customer_id", "amount", "tags", "ship.city", "ship.zip"]
    assert all(isinstance(json.loads(row["tags"]), list) for row in rows)
    report = json.loads(done.stderr)
    assert (report["records"], report["output"]) == (7, "-")
    nowhere = place("run", "shop.yaml")
    assert nowhere.returncode == 2 and "standard output takes one" in nowhere.stderr and "--table" in nowhere.stderr
    unknown = place.here("run", "shop.yaml", "--table", "order", "-o", "x.csv", "--dry-run")
    assert unknown.returncode == 2 and "no table order" in unknown.stderr


def test_a_folder_for_one_table_holds_a_file_of_its_name(place: Place) -> None:
    done = place("run", "people.yaml", "--local", "-o", "out/", "-f", "parquet")
    assert done.returncode == 0 and "written to out/our_people.parquet" in done.stderr
    assert pl.read_parquet(place.folder / "out/our_people.parquet").height == 20
    assert place.here("validate", "people.yaml", "--data", "out/").returncode == 0
    assert place("run", "people.yaml", "-o", "again/", FFGEN_LOCAL="1").returncode == 0
    assert len(place.rows("again/our_people.jsonl")) == 20


def test_a_dry_run_lists_the_files(place: Place) -> None:
    (place.folder / "out").mkdir()
    place.write("out/orders.csv", "")
    done = place.here("run", "shop.yaml", "-o", "out/", "-f", "csv", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-3:] == [
        "Nothing was made. The records would go to",
        "  out/customers.csv",
        "  out/orders.csv, which exists and would be replaced",
    ]
    assert "none: every value is drawn here" in done.stdout and "requests" not in done.stdout
    stream = place.here("run", "shop.yaml", "--dry-run")
    assert stream.returncode == 2 and "standard output takes one" in stream.stderr


def test_a_plan_shows_each_table(place: Place) -> None:
    done = place.here("plan", "shop.yaml", "-n", "10", "-n", "orders=35")
    assert "10 records of customers" in done.stdout and "35 records of orders, laid out under customers" in done.stdout
    assert "person.full_name" in done.stdout and "not written" in done.stdout
    view = json.loads(place.here("plan", "shop.yaml", "-n", "orders=35", "--json").stdout)
    assert [(each["name"], each["count"]) for each in view["tables"]] == [("customers", 30), ("orders", 35)]
    assert (view["mode"], view["requests"], view["count"]) == ("local", 0, 65)


def test_a_preview_shows_the_first_rows_of_each_table(place: Place) -> None:
    done = place("preview", "shop.yaml", "-n", "4", "--json")
    shown = json.loads(done.stdout)
    assert {name: len(rows) for name, rows in shown.items()} == {"customers": 4, "orders": 4}
    assert place("run", "shop.yaml", "-o", "out/").returncode == 0
    assert (
        shown["orders"] == place.rows("out/orders.jsonl")[:4]
        and shown["customers"] == place.rows("out/customers.jsonl")[:4]
    )
    table = place("preview", "shop.yaml", "--table", "customers")
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["id", "name", "tier", "points"] and len(lines) == 12
    assert place("preview", "shop.yaml").stdout.count("customer_id") == 1


def test_a_local_spec_is_fine_and_what_is_odd_is_a_warning(place: Place) -> None:
    assert place.here("check", "people.yaml", "--local").stdout == "people.yaml: no errors\n"
    place.write("odd.yaml", "model: {endpoint: 'http://localhost:1'}\n" + SHOP)
    odd = place.here("check", "odd.yaml")
    assert odd.returncode == 0 and "no field of these tables asks the model" in odd.stdout
    assert "no errors, 1 warning" in odd.stdout
    asked = place.here("check", "people.yaml")
    assert asked.returncode == 0 and "its generator is not used" in " ".join(asked.stdout.split())


def test_every_field_that_nothing_draws_is_named_with_its_line(place: Place) -> None:
    place.write(
        "hobby.yaml",
        PEOPLE + "    - {name: hobby, type: string}\n    - {name: age, type: integer, range: [1, 9]}\n"
        "    - name: home\n      type: object\n      fields:\n        - {name: city}\n        - {name: smell}\n"
        "        - {name: sound}\n",
    )
    done = place.here("run", "hobby.yaml", "--local", "-o", "x.jsonl", "--json")
    assert done.returncode == 2
    findings = json.loads(done.stderr)["findings"]
    assert [(each["line"], each["path"]) for each in findings] == [
        (9, "dataset.fields[3].generator"),
        (15, "dataset.fields[5].fields[1].generator"),
        (16, "dataset.fields[5].fields[2].generator"),
    ]
    assert all("nothing here draws" in each["what"] and "ffgen types" in each["hint"] for each in findings)


@pytest.mark.parametrize(
    ("before", "after", "at", "path", "what", "hint"),
    [
        ("generator: sequence", "generator: sequense", "sequense", "0].fields[0].generator",
         "there is no generator `sequense`", "`sequence`"),
        ("mean: 40", "men: 40", "men:", "1].fields[2].generator.men", "unknown key `men`", "`mean`"),
        ("sd: 9", "sd: -7", "-7", "1].fields[2].generator.sd", "must be > 0", "ffgen types normal"),
        ("to: customers.id", "to: custmers.id", "custmers", "1].fields[1].ref.to", "`custmers`", "`customers`"),
        ("to: customers.id", "to: customers.names", "customers.n", "1].fields[1].ref.to", "no field `names`", "`name`"),
        ("{to: customers.id, mean: 3}", "customrs.id", "customrs", "1].fields[1].ref", "`customrs`", "`customers`"),
        ("tier = 'gold'", "teir = 'gold'", "teir", "0].fields[3].when", "no field teir", "tier"),
        ("generator: place.city", "generator: place.ctiy", "place.ctiy", "1].fields[4].fields[0].generator",
         "there is no generator", "`place.city`"),
        ("length: [0, 3]", "generator: {name: array, lengths: {fixd: 2}}", "fixd",
         "1].fields[3].generator.lengths.fixd", "unknown key `fixd`", "`fixed`"),
        ("type: uuid", "type: uid", "uid", "1].fields[0].type", "unknown type `uid`", "`uuid`"),
        ("hidden: true", "hiden: true", "hiden", "0].fields[4].hiden", "unknown key `hiden`", "`hidden`"),
    ],
)  # fmt: skip
def test_a_slip_is_shown_where_it_is_with_what_was_meant(
    place: Place, before: str, after: str, at: str, path: str, what: str, hint: str
) -> None:
    text = SHOP.replace(before, after)
    assert text != SHOP
    place.write("shop.yaml", text)
    told = json.loads(place.here("check", "shop.yaml", "--json").stdout)
    (found,) = told["findings"]
    (line,) = [number for number, line in enumerate(text.splitlines(), 1) if at in line]
    column = text.splitlines()[line - 1].index(at) + 1
    assert (found["path"], found["line"], found["column"]) == (f"tables[{path}", line, column), found
    assert what in found["what"] and hint in found["hint"], found


def test_all_slips_are_shown_at_once(place: Place) -> None:
    slips = {"mean: 40, sd: 9": "men: 40, ds: 9", "generator: sequence": "generator: seq", "{5}": "{5", "uuid": "uid"}
    text = SHOP
    for before, after in slips.items():
        text = text.replace(before, after)
    place.write("shop.yaml", text)
    told = json.loads(place.here("check", "shop.yaml", "--json").stdout)
    assert [each["path"].rpartition(".")[2] for each in told["findings"]] == [
        "generator", "type", "men", "ds", "pattern",
    ]  # fmt: skip

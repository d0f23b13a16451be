"""`ffgen explain`, as it is installed: who made each value of a row, and why rows were refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import standin
from tests.cli.test_drawn import SHOP, Place

import ffgen

FIELDS = """\
    - {name: id, type: integer, unique: true, generator: sequence}
    - {name: tier, values: [gold, silver]}
    - {name: points, type: integer, range: [0, 10], when: tier = 'gold'}
    - {name: fee, type: number, decimals: 2, range: [500, 900], cases: [{when: tier = 'gold', range: [1, 10]}]}
    - {name: net, type: number, decimals: 2, derive: fee / 1.19}
    - {name: city, generator: place.city, nullable: 0.3}
    - {name: region, generator: place.region}
    - {name: luck, type: number, range: [0, 1], hidden: true}
"""
CARDS = f"seed: 3\ndataset:\n  name: cards\n  count: 40\n  fields:\n{FIELDS}"
PAIRS = """\
dataset:
  name: pairs
  count: 70
  require: a != b
  fields:
    - {name: a, values: [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    - {name: b, values: [1, 2, 3, 4, 5, 6, 7, 8, 9], weights: [9, 1, 1, 1, 1, 1, 1, 1, 1]}
"""
NOTES = """\
dataset:
  name: notes
  count: 300
  imperfections: {typos: {note: 0.2}, duplicates: 0.1, late: 0.1}
  fields:
    - {name: id, type: uuid, unique: true}
    - {name: at, type: datetime, range: [2024-01-01, 2024-12-31]}
    - {name: note, generator: words}
"""
PEOPLE = """\
model: {endpoint: URL, batch_size: 8, retries: 2}
dataset:
  name: people
  count: 60
  fields:
    - {name: name, type: string, length: [3, 40], unique: true}
    - {name: age, type: integer, range: [18, 90]}
    - {name: status, type: enum, values: [new, active, closed]}
"""
REVIEWS = """\
model: {endpoint: URL}
dataset:
  name: reviews
  count: 300
  fields:
    - {name: kind, values: [bike, helmet], weights: [3, 1]}
    - {name: review, type: text, source: pool, pool: {size: 40, by: kind}}
    - {name: id, type: uuid, unique: true}
"""
BIOS = """\
model: {endpoint: URL, batch_size: 4, retries: 0}
dataset:
  name: bios
  count: 40
  fields:
    - {name: id, type: integer, unique: true, generator: sequence}
    - {name: city, generator: place.city}
    - {name: bio, type: text, source: ask, nullable: 0.2, fallback: [sentences]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """All that is drawn, made once."""
    made = Place(tmp_path_factory.mktemp("explain"))
    made.environ["FFGEN_CACHE_DIR"] = str(made.folder / "cache")
    for name, text in (("cards", CARDS), ("pairs", PAIRS), ("notes", NOTES)):
        made.write(f"{name}.yaml", text)
    done = made("run", "cards.yaml", "-o", "cards.jsonl", "--seed", "8", "-q")
    assert done.returncode == 0, done.stderr
    run(made, "cards.yaml", "cards.csv")
    run(made, "pairs.yaml", "pairs.parquet")
    run(made, "notes.yaml", "notes.jsonl.gz", labels="labels.jsonl")
    run(made, "shop.yaml", "shop/")
    return made


@pytest.fixture(scope="module")
def asked(place: Place) -> Iterator[Place]:
    """What a model writes, made once; the model is gone afterwards."""
    with standin.start(slots=4, duplicates=0.5, wrong=0.4, malformed=0.1) as server:
        for name, text in (("people", PEOPLE), ("reviews", REVIEWS), ("bios", BIOS)):
            place.write(f"{name}.yaml", text.replace("URL", server.url))
            run(place, f"{name}.yaml", f"{name}.jsonl")
        done = place("run", "people.yaml", "-o", "people.csv", "-q")
        assert done.returncode == 0, done.stderr
    yield place


def run(place: Place, spec: str, to: str, **settings: Any) -> ffgen.Report:
    """A run in this process, which saves a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        for name, value in place.environ.items():
            patch.setenv(name, value)
        made = ffgen.run(spec, to, **settings)
    assert isinstance(made, ffgen.Report)
    return made


def told(place: Place, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = place.here("explain", *arguments, "--json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def fields_of(story: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in story["fields"]}


def facts_of(field: dict[str, Any]) -> list[str]:
    return [fact["says"] for fact in field["facts"]]


def test_a_drawn_row_says_who_made_each_value_and_is_made_so_again(place: Place) -> None:
    rows = place.rows("cards.jsonl")
    for line in (1, 2, 17, 40):
        story = told(place, f"cards.jsonl:{line}")
        fields, row = fields_of(story), rows[line - 1]
        assert story["agrees"] and story["seed"] == 8 and (story["row"], story["shard"]) == (line - 1, 0)
        assert {name: each["value"] for name, each in fields.items() if each["written"]} == row
        assert not fields["luck"]["written"] and 0 <= fields["luck"]["value"] <= 1
        assert fields["id"]["made_by"] == "sequence" and facts_of(fields["id"]) == [f"by the row's number {line - 1}"]
        assert fields["tier"]["streams"] == [[8, "cards", 0, 0, 0, "tier"]]
        gold = row["tier"] == "gold"
        assert facts_of(fields["points"])[-1] == ("as tier = 'gold'" if gold else "null unless tier = 'gold'")
        assert facts_of(fields["fee"]) == ["case 1: tier = 'gold'" if gold else "none of its cases holds"]
        assert fields["fee"]["streams"] == [[8, "cards", 0, 0, 0, "fee", "case", 0 if gold else 1]]
        assert facts_of(fields["net"]) == [f"= fee / 1.19, where fee = {row['fee']}"]
        assert facts_of(fields["region"]) == ["drawn together with city"]
        assert (row["city"] is None) == ("null by chance: 0.3 of the rows are" in facts_of(fields["city"]))
        assert fields["city"]["constraints"] == "text, or null"


def test_a_page_for_people_holds_the_same(place: Place) -> None:
    done = place.here("explain", "cards.jsonl:2")
    assert done.returncode == 0 and "cards.jsonl:2 is record 2 of cards, as it is made now" in done.stdout
    for words in ("drawn       once", "streams     8/cards/0/0/0/...", "luck (hidden)", "= fee / 1.19", "stream tier"):
        assert words in " ".join(done.stdout.split("\n")), words
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert place.here("explain", "cards.jsonl:2", "-q").stdout == ""


def test_linked_tables_name_the_row_above_and_what_a_total_adds_up(place: Place) -> None:
    orders = place.rows("shop/orders.jsonl")
    story = told(place, "shop/orders.jsonl:7")
    assert story["agrees"] and story["table"] == "orders"
    parent = orders[6]["customer_id"] - 1
    siblings = [row for row in orders if row["customer_id"] == orders[6]["customer_id"]]
    rank = siblings.index(orders[6]) + 1
    said = f"row {parent} of customers, its id; {rank} of the {len(siblings)} rows under it"
    assert facts_of(fields_of(story)["customer_id"]) == [said]
    place.write("sums.yaml", SHOP.replace("  - name: orders", TOTAL + "  - name: orders"))
    run(place, "sums.yaml", "sums/")
    sums = told(place, "sums/customers.jsonl:3")
    amounts = [row["amount"] for row in place.rows("sums/orders.jsonl") if row["customer_id"] == 3]
    assert sums["agrees"] and f"sum of orders.amount over {len(amounts)} row" in facts_of(fields_of(sums)["spent"])[0]


TOTAL = "      - {name: spent, type: number, decimals: 2, generator: {name: total, of: orders.amount}}\n"


def test_rows_that_the_gate_and_a_condition_refused_are_told(place: Place) -> None:
    drawn = [told(place, f"pairs.parquet:{line}") for line in range(60, 71)]
    assert all(story["agrees"] for story in drawn)
    draws = [draw for story in drawn for draw in story["draws"]]
    assert {draw["by"] for draw in draws} == {"", "gate", "check"}
    for story in drawn:
        *refused, last = story["draws"]
        assert last["by"] == "" and all(draw["by"] for draw in refused)
        assert story["place"] == [0, "pairs", 0, last["round"], last["attempt"]]
    check = next(draw for draw in draws if draw["by"] == "check")
    assert (check["field"], check["reason"]) == ("require", "a != b")
    row = json.loads(check["row"])
    assert row["a"] == row["b"]
    done = place.here("explain", "pairs.parquet:70")
    assert "refused by the gate: a, b: a row before it has the same" in " ".join(done.stdout.split())


def test_refused_rows_of_a_drawn_table_are_counted_as_the_run_did(place: Place) -> None:
    report = run(place, "pairs.yaml", "again.jsonl")
    found = told(place, "pairs.parquet", "--refused", "-n", "2")
    reasons = {(each["by"], each["field"], each["reason"]): each for each in found["reasons"]}
    gate = reasons["gate", "a, b", "a row before it has the same"]
    assert gate["count"] == report.duplicates > 0 and len(gate["samples"]) == 2
    assert all(json.loads(sample["text"])["a"] for sample in gate["samples"])
    assert reasons["check", "require", "a != b"]["count"] > 0
    assert (found["shards"], found["of_shards"], found["rows"]) == (1, 1, 70)
    page = place.here("explain", "pairs.parquet", "--refused").stdout
    assert f"{gate['count']} the gate: a, b: a row before it has the same" in page and "1 of 1 shard" in page


def test_a_spoiled_cell_says_what_it_was_and_a_copied_row_whose_copy_it_is(place: Place) -> None:
    labels = place.rows("labels.jsonl")
    typo = next(label for label in labels if label["kind"] == "typos")
    story = told(place, f"notes.jsonl.gz:{typo['row'] + 1}")
    spoilt = fields_of(story)["note"]["spoilt"]
    assert story["agrees"] and spoilt == {"kind": "typos", "before": typo["before"], "after": typo["after"]}
    copy = next(label for label in labels if label["kind"] == "duplicates")
    story = told(place, f"notes.jsonl.gz:{copy['row'] + 1}")
    assert story["agrees"] and story["drawn_as"] != story["row"]
    assert f"on order, a copy of record {int(copy['after']) + 1} stands here" in story["notes"]
    late = next(label for label in labels if label["kind"] == "late")
    story = told(place, f"notes.jsonl.gz:{late['row'] + 1}")
    assert f"on order, it is late by at: its place was record {int(late['before']) + 1}" in story["notes"]
    assert all(told(place, f"notes.jsonl.gz:{line}")["agrees"] for line in range(1, 300, 41))


def test_lines_of_a_csv_count_its_header(place: Place) -> None:
    story = told(place, "cards.csv:2")
    assert (story["record"], story["agrees"], fields_of(story)["id"]["value"]) == (1, True, "1")
    done = place.here("explain", "cards.csv:1")
    assert done.returncode == 2 and "Line 1 of cards.csv is the header." in done.stderr


def test_an_asked_row_names_its_reply_and_replays_it_without_the_model(asked: Place) -> None:
    rows = asked.rows("people.jsonl")
    keys = set()
    for line in (1, 30, 60):
        story = told(asked, f"people.jsonl:{line}")
        reply = story["reply"]
        assert story["agrees"] and story["mode"] == "asked"
        assert {each["name"]: each["value"] for each in story["fields"]} == rows[line - 1]
        assert {each["made_by"] for each in story["fields"]} == {"model"}
        assert rows[line - 1]["name"] in reply["said"] and reply["tokens_out"] > 0 and len(reply["key"]) == 32
        assert reply["tokens_per_row"] == reply["tokens_out"] / reply["rows"] and reply["model"] == "standin:latest"
        keys.add(reply["key"])
    assert len(keys) == 3
    csv = told(asked, "people.csv:31")
    assert csv["agrees"] and csv["reply"] == told(asked, "people.jsonl:30")["reply"]
    page = asked.here("explain", "people.jsonl:30").stdout
    assert csv["reply"]["key"] in page and "tokens " in page and "slice " in page


def test_refused_rows_of_an_asked_table_are_counted_as_the_run_did(asked: Place) -> None:
    report = run(asked, "people.yaml", "people.jsonl")  # from kept replies
    found = told(asked, "people.jsonl", "--refused")
    counts = {(each["field"], each["reason"]): each["count"] for each in found["reasons"]}
    assert counts.pop(("name", "a row before it has the same"), 0) == report.duplicates > 0
    assert found["rows"] == 60 and all(each["samples"] for each in found["reasons"])
    wanted = {(each.field, each.reason): each.count for each in report.refused}
    assert wanted and {key: counts[key] for key in wanted} == wanted


def test_a_value_of_a_pool_names_the_reply_that_wrote_it(asked: Place) -> None:
    story = told(asked, "reviews.jsonl:5")
    fields = fields_of(story)
    review = fields["review"]
    assert story["agrees"] and review["made_by"] == "pool"
    assert review["value"] in review["reply"]["said"] and review["reply"]["seed"] > 0
    assert f"of the pool for {fields['kind']['value']}" in facts_of(review)[0]


def test_a_text_that_a_model_wrote_for_a_drawn_row_names_its_reply(asked: Place) -> None:
    rows = asked.rows("bios.jsonl")
    makers = set()
    for line, row in enumerate(rows, start=1):
        story = told(asked, f"bios.jsonl:{line}")
        bio = fields_of(story)["bio"]
        assert story["agrees"] and bio["made_by"] == "model"
        kinds = {fact["kind"] for fact in bio["facts"]}
        if row["bio"] is None:
            makers.add("nobody")
            assert bio["reply"] is None and "null" in kinds
        elif "fallback" in kinds:
            makers.add("fallback")
            assert bio["reply"] is None
        else:
            makers.add("model")
            assert row["bio"] in json.loads(bio["reply"]["said"])["bio"]
    assert makers == {"nobody", "fallback", "model"}
    assert told(asked, "bios.jsonl", "--refused")["rows"] == 40


def test_a_reply_that_is_gone_is_said_to_be(asked: Place, tmp_path: Path) -> None:
    for name in ("people", "reviews", "bios"):
        story = told(asked, f"{name}.jsonl:3", "--cache-dir", str(tmp_path))
        assert story["agrees"] is None and "so the row can't be made again" in story["notes"][0]
        assert [each["value"] for each in story["fields"]] == list(asked.rows(f"{name}.jsonl")[2].values())
    refused = told(asked, "people.jsonl", "--refused", "--cache-dir", str(tmp_path))
    assert refused["refused"] == 0 and "no more rows can be looked at" in refused["notes"][0]


def test_an_edited_line_is_not_what_is_made(place: Place) -> None:
    text = (place.folder / "cards.jsonl").read_text()
    lines = text.splitlines(keepends=True)
    edited = json.loads(lines[4]) | {"fee": 1234.5}
    place.write("edited.jsonl", "".join([*lines[:4], json.dumps(edited) + "\n", *lines[5:]]))
    about = ("--spec", "cards.yaml", "--seed", "8")
    assert told(place, "edited.jsonl:4", *about)["agrees"]
    story = told(place, "edited.jsonl:5", *about, code=1)
    fee = fields_of(story)["fee"]
    assert (fee["agrees"], fee["value"], fee["remade"]) == (False, 1234.5, json.loads(lines[4])["fee"])
    assert story["notes"][0].startswith("no run is known that made edited.jsonl")
    assert "the row differs in fee" in story["notes"][1]
    page = place.here("explain", "edited.jsonl:5", *about)
    assert page.returncode == 1 and "NOT as it is made now" in page.stdout


def test_the_spec_is_found_again_by_what_was_noted_or_named(place: Place) -> None:
    noted = told(place, "cards.jsonl:3")
    assert noted["known_by"] == "record"
    place.write("cards.yaml", CARDS.replace("[500, 900]", "[500, 901]"))
    try:
        assert told(place, "cards.jsonl:3") == noted  # the run's own spec, not the file as it is now
        other = told(place, "cards.jsonl:3", "--spec", "cards.yaml", code=1)
        assert "was made from spec" in other["notes"][0]
    finally:
        place.write("cards.yaml", CARDS)
    assert told(place, "cards.jsonl:3", "--spec", "cards.yaml")["notes"] == []  # seed and count are those of the run
    (place.folder / "state" / "plans" / f"{noted['spec_hash']}.json").unlink()
    done = place.here("explain", "cards.jsonl:3")
    assert done.returncode == 2 and "which is not kept here" in done.stderr and "--spec SPEC" in done.stderr
    assert told(place, "cards.jsonl:3", "--spec", "cards.yaml")["agrees"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["cards.csv:42"], 2, "cards.csv has 40 records"),
        (["cards.csv:0"], 2, "counted from 1"),
        (["cards.csv"], 2, "Which line of cards.csv?"),
        (["shop.yaml:1"], 2, "No run is known that made shop.yaml"),
        (["shop/:1"], 2, "shop/ has a file for each of 2 tables"),
        (["none.jsonl:1"], 4, "none.jsonl does not exist"),
        (["cards.csv:3", "--refused"], 2, "--refused is about a whole output"),
        (["cards.csv:3", "--set", "seed=3"], 2, "--set changes a spec"),
        (["cards.csv:3", "--seed", "3"], 2, "--seed is of a spec"),
        (["cards.csv:3", "--spec", "pairs.yaml", "--table", "cards"], 2, "no table cards"),
    ],
)
def test_what_can_t_be_explained_is_said(place: Place, arguments: list[str], code: int, said: str) -> None:
    done = place.here("explain", *arguments)
    assert done.returncode == code and said in " ".join(done.stderr.split()), done.stderr

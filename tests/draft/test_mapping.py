"""Provider maps: every form is read, nothing is run, and what they say comes out."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ffgen
from ffgen.draft.literal import Call, Unread, read_call
from ffgen.draft.mapping import is_map
from ffgen.errors import SpecError, UsageError
from ffgen.sample.catalogue import JAVASCRIPT, PYTHON

NOTES = {
    "name": "person.fullName",
    "email": "internet.email",
    "purchase_amount": "commerce.price",
    "age": {"type": "number.int", "min": 25, "max": 65},
    "diagnosis": "faker.random.choice(['Hypertension', 'Diabetes', 'Asthma'])",
}


def fields_of(value: dict[str, Any]) -> dict[str, Any]:
    """The fields of a map's spec by name."""
    return {field["name"]: field for field in ffgen.draft(value).spec["dataset"]["fields"]}


def rows_of(value: dict[str, Any], count: int = 200) -> pl.DataFrame:
    with ffgen.run(value, assign={"dataset.count": count}) as frames:
        return pl.concat(frames)


def test_the_map_of_the_notes_makes_its_rows() -> None:
    rows = rows_of(NOTES)
    assert rows.columns == [*NOTES] and rows.height == 200
    assert rows["age"].min() == 25 and rows["age"].max() == 65
    assert set(rows["diagnosis"]) == {"Hypertension", "Diabetes", "Asthma"}
    assert rows["email"].n_unique() == 200 and rows["purchase_amount"].n_unique() > 150
    first = pl.col("name").str.split(" ").list.first().str.to_lowercase()
    assert rows.select(pl.col("email").str.starts_with(first)).sum().item() > 180  # ours agree within a row


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("number.int", {"type": "integer"}),
        ({"type": "number.int", "params": {"min": 1, "max": 6}}, {"type": "integer", "range": [1, 6]}),
        ({"type": "faker.random_int", "min": 1, "max": 6}, {"type": "integer", "range": [1, 6]}),
        ("faker.number.int({min: 1, max: 6})", {"type": "integer", "range": [1, 6]}),
        ("random_int(1, 6)", {"type": "integer", "range": [1, 6]}),
        ("fake.random_int(min=1, max=6)", {"type": "integer", "range": [1, 6]}),
        ({"type": "integer", "min": 1, "max": 6}, {"type": "integer", "range": [1, 6]}),
        (["a", "b"], {"type": "enum", "values": ["a", "b"]}),
        ([1, 2, 3], {"values": [1, 2, 3]}),
        (["a", "b", "a", None], {"type": "enum", "values": ["a", "b"], "weights": [2, 1], "nullable": 0.25}),
        ("random.choice(['x', \"y\"])", {"values": ["x", "y"]}),
        ({"type": "helpers.arrayElement", "array": ["x", "y"]}, {"values": ["x", "y"]}),
        ({"type": "random_element", "params": {"elements": {"x": 3, "y": 1}}}, {"weights": [3, 1]}),
        ({"type": "datatype.boolean", "probability": 0.2}, {"generator": {"name": "boolean", "share": 0.2}}),
        ({"type": "finance.amount", "min": 5, "max": 9, "dec": 1}, {"range": [5, 9], "decimals": 1}),
        ("date.past", {"type": "datetime", "range": ["2024-01-02", "2024-12-31T23:59:59Z"]}),
        ("date_between('-30d', 'today')", {"type": "date", "range": ["2024-12-02", "2024-12-31"]}),
        ({"type": "date.between", "from": "2020-01-01", "to": "2020-06-30"}, {"type": "datetime"}),
        ({"type": "date_of_birth", "minimum_age": 20, "maximum_age": 30}, {"generator": "person.birth_date"}),
        ("location.city()", {"generator": "place.city"}),
        ("person.full_name", {"generator": "person.full_name"}),
        ("uuid", {"type": "uuid"}),
        ({"type": "internet.email", "unique": True}, {"type": "email", "unique": True}),
        ("bothify('??-##')", {"generator": {"name": "provider", "method": "bothify", "params": {"text": "??-##"}}}),
    ],
)  # fmt: skip
def test_every_form_is_read(said: Any, wanted: dict[str, Any]) -> None:
    value = {"f": said, "other": "person.fullName"}
    made = fields_of(value)["f"]
    assert {key: made.get(key) for key in wanted} == wanted
    assert rows_of(value, 50).height == 50


def test_a_number_without_limits_is_what_its_name_says() -> None:
    made = fields_of({"stock_level": "number.int", "age": "number.int", "blorp": "number.int"})
    assert made["stock_level"]["generator"]["name"] == "gamma" and made["age"]["range"] == [18, 80]
    assert made["blorp"]["range"] == [0, 1000]


def test_a_country_alone_is_any_country_and_one_beside_a_city_is_the_city_s() -> None:
    assert rows_of({"country": "location.country", "n": "number.int"})["country"].n_unique() > 20
    assert set(rows_of({"country": "location.country", "city": "location.city"})["country"]) == {"United States"}


def test_every_method_of_the_catalogue_is_a_field_that_loads_or_says_what_it_needs() -> None:
    refused = []
    for method in sorted({*JAVASCRIPT, *PYTHON}):
        try:
            assert fields_of({"f": method, "id": "uuid"})["f"]
        except SpecError as error:
            refused.append(method)
            assert "Faker" in str(error) or "values to choose" in str(error), error
    assert len(refused) < 100, refused  # those of other locales, and those that need a parameter


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')", "os.system", "faker.__class__", "faker.name.__globals__", "eval('1')",
        "faker.random.choice(open('/etc/passwd'))", "faker.random.choice([x for x in 'a'])", "lambda: 1",
        "faker.binary", "faker.json", "faker.seed(1)", "faker.add_provider", "faker.person.fulName", "",
        "faker.random.choice([" + "[" * 50, "name(" + "1," * 5000 + ")",
    ],
)  # fmt: skip
def test_what_is_no_method_is_refused_where_it_stands(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"id": "string.uuid", "bad": text}, indent=1))
    errors = [finding for finding in ffgen.check(path) if finding.severity == "error"]
    assert [(error.line, error.path) for error in errors] == [(3, "bad")]
    assert errors[0].hint and len(errors[0].what) < 200


def test_nearest_names_are_offered() -> None:
    [error] = ffgen.check({"id": "string.uuid", "name": "person.fulName"})
    assert "`person.fullName`" in error.hint


def test_a_file_runs_like_a_spec_and_findings_point_into_it(tmp_path: Path) -> None:
    path = tmp_path / "my map.json"
    path.write_text(json.dumps(NOTES))
    report = ffgen.run(path, tmp_path / "out.csv", assign={"dataset.count": 12})
    assert report.records == 12 and report.dataset == "my_map"
    path.write_text('{"name": "person.fullName",\n "age": {"type": "number.int", "min": 9, "max": 2}}')
    [error] = [finding for finding in ffgen.check(path) if finding.severity == "error"]
    assert (error.line, error.path) == (2, "dataset.fields[1].range")


def test_a_spec_with_a_slip_is_no_map() -> None:
    assert not is_map({"datset": {"fields": []}})
    assert not is_map({"datasets": ["a"]})
    assert not is_map({"dataset": "person.fullName"}) and not is_map({"seed": 4}) and not is_map([])
    assert "Did you mean `dataset`?" in ffgen.check({"datset": {"type": "x"}})[0].hint
    with pytest.raises(UsageError, match="no provider map"):
        ffgen.draft({"dataset": {"fields": [{"name": "a"}]}})


def test_calls_are_read_and_no_more() -> None:
    assert read_call(" a.b( 'x\\'y', [1, -2.5e3], {k: true, 'l': None}, m=\"\\u00e9\" ); ") == Call(
        "a.b", ("x'y", [1, -2500.0], {"k": True, "l": None}), {"m": "é"}
    )
    for text in ("a(", "a(b)", "a.b.", "1", "a(1)(2)", "a(1 2)", "a({1: 2})", "a('", "a" * 20_000, "a(" * 9):
        with pytest.raises(Unread):
            read_call(text)


def test_every_entry_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    forms = {"name": "person.fullName", "plan": ["a", "b"], "email": "internet.email", "age": "number.int"}
    path.write_text(json.dumps({**forms, "u": [], "n": 5, "m": {"min": 1}}))
    with pytest.raises(SpecError) as caught:
        ffgen.draft(path)
    assert [finding.path for finding in caught.value.findings] == ["u", "n", "m"]
    assert all(finding.hint for finding in caught.value.findings)

"""Uniqueness without an id to hide behind, what the plan says about it, and what can't be and is refused at once."""

import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

import ffgen
from ffgen.errors import ShortfallError, SpecError

A = {"name": "a", "type": "integer", "range": [1, 1050]}
B = {"name": "b", "type": "integer", "range": [1, 1000]}
FREE = {"name": "c", "type": "number", "generator": {"name": "normal", "mean": 3, "sd": 1}}
STATUS = {"name": "status", "values": ["new", "open", "done"], "weights": [80, 15, 5]}
AT = {
    "name": "at",
    "type": "datetime",
    "range": ["2024-03-04", "2024-03-10T23:59:59Z"],
    "generator": {"name": "rhythm", "hours": "shop", "weekdays": [1, 1, 1, 1, 1, 0.5, 0]},
}
PERSON: list[dict[str, Any]] = [
    {"name": "first_name"},
    {"name": "last_name"},
    {"name": "email", "type": "email", "unique": True},
    {"name": "age", "type": "integer", "range": [18, 80]},
]
CODE = {"name": "code", "type": "string", "pattern": "[A-D]{2,3}-(x|yy|[0-9]{2})"}
LANGUAGE = (4**2 + 4**3) * (1 + 1 + 100)


def table(count: int, *fields: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"dataset": {"name": "t", "count": count, "fields": list(fields), **options}}


def drawn(spec: dict[str, Any]) -> pl.DataFrame:
    """All rows of a spec."""
    frames = ffgen.run(spec)
    assert isinstance(frames, ffgen.Frames)
    return pl.concat(list(frames))


def told(spec: dict[str, Any]) -> tuple[dict[str, str], int | None, str]:
    """What `ffgen plan` says: how each key is kept unique, how many records there can be, and what that number is."""
    view = ffgen.describe(ffgen.plan(spec)).tables[0]
    return view.unique, view.capacity, view.capacity_note


def test_a_million_of_1_05_million_pairs() -> None:
    for spec in (table(1_000_000, A, B), table(1_000_000, FREE, A, B, unique_by=["a", "b"])):
        unique, capacity, note = told(spec)
        assert [how.partition(":")[0] for how in unique.values()] == ["by construction"] and len(unique) == 1
        assert (capacity, note.partition(":")[0]) == (1_050_000, "exact")
        frame = drawn(spec)
        assert len(frame) == 1_000_000 and frame.select("a", "b").n_unique() == 1_000_000
        assert frame["a"].value_counts()["count"].min() > 850, "no value is left out"  # type: ignore[operator]
    assert frame["c"].n_unique() > 990_000, "what is not in the key is drawn freely"


def test_all_pairs_that_there_are() -> None:
    frame = drawn(table(1_050_000, A, B))
    assert frame.n_unique() == 1_050_000


def test_unique_addresses_agree_with_names_and_names_stay_as_frequent() -> None:
    count = 200_000
    spec = table(count, *PERSON)
    unique, _, _ = told(spec)
    assert unique["email"].startswith("by construction") and "`email`" in unique["record"]
    frame, free = drawn(spec), drawn(table(count, *PERSON[:2], {"name": "id", "type": "uuid", "unique": True}))
    assert frame["email"].n_unique() == count
    local = pl.concat_str(pl.col("first_name").str.to_lowercase(), pl.lit("."), pl.col("last_name").str.to_lowercase())
    assert frame.select(pl.col("email").str.starts_with(local).all()).item()
    for name in ("first_name", "last_name"):
        both = frame[name].value_counts().join(free[name].value_counts(), on=name, how="full", coalesce=True)
        counts = both.fill_null(0).filter(pl.col("count") + pl.col("count_right") >= 20)
        found = stats.chi2_contingency(counts.select("count", "count_right").to_numpy())
        assert found.pvalue > 1e-4, name
        assert len(counts) > 500


def test_addresses_of_a_record_without_a_key_still_agree() -> None:
    """The record is kept apart by all its fields: those that share a person share it still."""
    frame = drawn(table(5000, *PERSON[:2], {"name": "email", "type": "email"}))
    local = pl.concat_str(pl.col("first_name").str.to_lowercase(), pl.lit("."), pl.col("last_name").str.to_lowercase())
    assert frame.select(pl.col("email").str.starts_with(local).all()).item()
    assert frame.n_unique() == 5000


@pytest.mark.parametrize("unique", [True, False])
def test_a_pattern_at_all_of_its_language(unique: bool) -> None:
    spec = table(LANGUAGE, CODE | {"unique": unique})
    how, capacity, note = told(spec)
    assert next(iter(how.values())).startswith("by construction")
    assert (capacity, note.partition(":")[0]) == (LANGUAGE, "exact")
    frame = drawn(spec)
    assert frame["code"].n_unique() == len(frame) == LANGUAGE
    assert frame["code"].str.contains("^(?:[A-D]{2,3}-(x|yy|[0-9]{2}))$").all()


@pytest.mark.parametrize("unique", [True, False])
def test_one_more_than_the_language_has_is_refused_with_its_field(unique: bool) -> None:
    findings = ffgen.check(table(LANGUAGE + 1, CODE | {"unique": unique}))
    assert len(findings) == 1 and f"{LANGUAGE}" in f"{findings[0].what} {findings[0].hint}".replace(",", "")
    assert "`code`" in f"{findings[0].what} {findings[0].hint}"


def test_what_only_the_gate_can_keep_apart() -> None:
    """Weights and a rhythm have no numbers: rows that come twice are drawn again, and weights stay."""
    count = 100_000
    spec = table(count, STATUS, AT)
    unique, capacity, note = told(spec)
    assert unique["record"].startswith("the gate")
    assert capacity is not None and capacity > count and note.startswith("an upper bound")
    frame = drawn(spec)
    assert frame.n_unique() == len(frame) == count
    counts = dict(frame["status"].value_counts().iter_rows())
    # Seconds of a shop's hours: 80,000 of one kind can't but come twice, so its share falls a little.
    assert 0.70 < counts["new"] / count < 0.81 and counts["done"] > 0.045 * count


def test_the_gate_serves_a_tight_table() -> None:
    """54 of the 60 rows that there are."""
    spec = table(54, STATUS | {"weights": [5, 3, 2]}, {"name": "n", "type": "integer", "range": [1, 20]})
    assert told(spec)[0]["record"].startswith("the gate")
    assert drawn(spec).n_unique() == 54


def test_a_gate_that_finds_no_room_is_a_failure_that_names_the_fields(tmp_path: Path) -> None:
    spec = table(41, STATUS, {"name": "n", "type": "integer", "range": [1, 20]}, require="n <= 10 OR status = 'new'")
    assert told(spec)[1:] == (60, "an upper bound, from what is drawn")
    with pytest.raises(ShortfallError, match="n, status"):
        ffgen.run(spec, tmp_path / "x.jsonl", workers=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spec", "capacity", "note"),
    [
        (table(10, A), 1050, "exact"),
        (table(10, A | {"nullable": True}), 1051, "an upper bound"),
        (table(10, A, STATUS), 3150, "an upper bound"),
        (table(10, A, B, require="a <> b"), 1_050_000, "an upper bound"),
        (table(10, A, {"name": "full_name"}), None, "at least one field"),
        (table(10, A | {"unique": True}, {"name": "full_name"}), 1050, "exact"),
        (table(10, {"name": "id", "type": "string", "generator": "hash"}), None, "at least one field"),
        (table(10, STATUS, {"name": "x", "type": "number", "derive": "1.5"}), None, "at least one field"),
    ],
)
def test_capacity_is_exact_or_a_bound_or_unknown(spec: dict[str, Any], capacity: int | None, note: str) -> None:
    _, found, words = told(spec)
    assert found == capacity and words.startswith(note)


@pytest.mark.parametrize(
    ("spec", "path", "said"),
    [
        (table(1051, A), "dataset.count", "1050"),
        (table(1051, A | {"unique": True}), "", "1050"),
        (table(3151, A, STATUS), "dataset.count", "3150"),
        (table(11, FREE | {"decimals": 0, "range": [1, 10], "unique": True}), "dataset.count", "10"),
        (table(176, STATUS, {"name": "p", "pattern": "[a-c][0-9]{1}"}, unique_by=["p"]), "dataset.count", "30"),
    ],
)
def test_an_impossible_count_is_found_before_anything_runs(spec: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        ffgen.run(spec, "/nowhere/x.jsonl")
    error = caught.value
    assert error.exit_code == 2
    assert any(finding.path.startswith(path) and said in finding.what.replace(",", "") for finding in error.findings)
    assert all(finding.hint for finding in error.findings)


NASTY = [
    table(10**12, {"name": "p", "pattern": "([a-z]{1,50}|[0-9]{1,50}){1,20}", "unique": True}),
    table(1000, {"name": "p", "pattern": r"(a?){30}a{30}"}),
    table(1000, {"name": "p", "pattern": r"(\w+\s?)*@[^@]{3,90}\.(com|org){1,9}"}),
    table(1000, {"name": "p", "pattern": r"(.*a){12}.*"}),
    table(10**9, A, B, *[{"name": f"x{i}", "type": "integer", "range": [-(2**62), 2**62]} for i in range(100)]),
    table(10**12, *PERSON),
    table(
        1000,
        {"name": "deep", "type": "array", "length": [0, 900], "items": {"type": "array", "items": {**A, "name": ""}}},
    ),
]


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_a_nasty_spec_is_looked_at_within_a_second(number: int) -> None:
    ffgen.check(table(1, A))
    began = time.process_time()
    ffgen.check(NASTY[number])
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("name", ["person.email", "person.full_name", "company.domain", "company.name", "url"])
def test_one_field_that_tells_rows_apart_is_a_key_whoever_says_so(name: str) -> None:
    """By `unique_by`, or by being the only field; those that share its person or company agree with it."""
    fields: list[dict[str, Any]] = [
        {"name": "x", "generator": name},
        {"name": "n", "type": "integer", "range": [1, 3]},
    ]
    for spec in (table(900, *fields, unique_by=["x"]), table(900, fields[0])):
        assert next(iter(told(spec)[0].values())).startswith(("by construction", "the gate"))
        assert drawn(spec)["x"].n_unique() == 900

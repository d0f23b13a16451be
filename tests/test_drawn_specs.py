"""Specs that chance writes: each is refused with findings, or every record that is drawn for it satisfies it."""

import json
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec import structs

import ffgen
from ffgen.errors import ShortfallError, SpecError
from ffgen.expr import first_failure, parse
from ffgen.run.hand import frames_of
from ffgen.sample import SAMPLERS, resolve
from ffgen.spec.model import Dataset, Field
from ffgen.spec.record import Misfit, RecordType

Drawn = st.SearchStrategy[dict[str, Any]]

PATTERNS = ["[A-Z]{3}-[0-9]{4}", "(red|green|blue)[0-9]?", "[a-f0-9]{8}", "x{2,5}", r"\d{1,3}\.\d{2}", "^[a-z]+$"]
NAMED = ["first_name", "last_name", "full_name", "city", "postcode", "company", "user_name", "country_code", "color"]
NUMBERS: list[dict[str, Any]] = [
    {"name": "normal", "mean": 10, "sd": 20},
    {"name": "lognormal", "median": 12, "sigma": 0.8},
    {"name": "gamma", "shape": 2, "scale": 5},
    {"name": "exponential", "mean": 8},
    {"name": "poisson", "mean": 6},
    {"name": "zipf", "exponent": 1.2},
    {"name": "triangular", "low": 0, "mode": 5, "high": 20},
    {"name": "quantiles", "points": [[0.1, 1], [0.5, 8], [0.9, 30]]},
    {"name": "kde", "data": [1, 2, 2.5, 4, 9]},
    {"name": "uniform", "step": 0.5},
    {"name": "mixture", "of": [{"name": "normal", "mean": 5, "sd": 1}, {"name": "uniform", "low": 0, "high": 9}]},
]
EXAMPLES = {
    name: yaml.safe_load(resolve(name).example)
    for name in sorted(SAMPLERS)
    if resolve(name).example and name not in ("ref", "provider")
}
"""`ref` in another table's terms is in tests/run/test_keys.py; a provider's methods are slow to make pools of."""


def some(**parts: st.SearchStrategy[Any]) -> Drawn:
    """A mapping with these keys, any of them left out."""
    return st.fixed_dictionaries({}, optional=parts)


def field(type: str | None, needed: dict[str, Any] | None = None, **parts: st.SearchStrategy[Any]) -> Drawn:
    fixed = {"type": st.just(type)} if type else {}
    fixed |= {
        key: each if isinstance(each, st.SearchStrategy) else st.just(each) for key, each in (needed or {}).items()
    }
    return st.fixed_dictionaries(fixed, optional=parts)


def ends(low: int, high: int, of: Callable[[int], Any] = lambda number: number) -> st.SearchStrategy[list[Any]]:
    pairs = st.tuples(st.integers(low, high), st.integers(low, high))
    return pairs.map(lambda pair: [of(number) for number in sorted(pair)])


def day(number: int) -> str:
    return (date(2020, 1, 1) + timedelta(number)).isoformat()


def moment(number: int) -> str:
    return (datetime(2022, 3, 1) + timedelta(seconds=number * 1801)).isoformat() + "Z"


def clock(number: int) -> str:
    return f"{number // 60:02d}:{number % 60:02d}"


WEIGHTED = st.lists(
    st.tuples(st.sampled_from(["new", "open", "done", "late é", "x,y", 'q"']), st.integers(1, 9)),
    min_size=1,
    max_size=5,
    unique_by=lambda pair: pair[0],
)

LEAVES: list[Drawn] = [
    field("integer", range=ends(-20, 5000), generator=st.sampled_from(NUMBERS)),
    field("integer", {"range": ends(0, 60)}),
    field("number", range=ends(-50, 4000), decimals=st.integers(0, 4), generator=st.sampled_from(NUMBERS)),
    field("boolean", generator=st.floats(0, 1).map(lambda share: {"name": "boolean", "share": share})),
    WEIGHTED.map(lambda pairs: {"values": [value for value, _ in pairs], "weights": [weight for _, weight in pairs]}),
    field(None, {"values": st.lists(st.integers(-5, 50), min_size=1, max_size=6, unique=True)}),
    field("string", {"pattern": st.sampled_from(PATTERNS)}, length=st.sampled_from([[1, 9], 8, [3, 12]])),
    field("string", {"generator": "words"}, length=st.sampled_from([[3, 20], [10, 60]])),
    field("text", length=ends(5, 300)),
    field("email", pattern=st.sampled_from([r"@shop\.example$", "^[a-z.]+@"])),
    field("url"),
    field("phone", generator=st.just({"name": "phone", "prefix": "+4930", "digits": 6})),
    field("ipv4"),
    field("uuid", generator=st.sampled_from(["uuid4", "uuid7"])),
    field("date", {"range": ends(0, 900, day)}, format=st.sampled_from(["%d.%m.%Y", "%Y%m%d"])),
    field("datetime", {"range": ends(0, 9000, moment)}, generator=st.sampled_from(["moment", "rhythm"])),
    field("datetime", {"range": ends(0, 9000, moment), "format": "%d.%m.%Y %H:%M:%S"}),
    field("time", {"range": ends(0, 1439, clock)}),
    field("duration"),
]
CONDITIONS = ["f0 IS NOT NULL", "f0 <> 3", "f0 > 4", "NOT (f0 = 7)", "LENGTH(CAST(f0 AS TEXT)) > 1"]
REQUIRES = ["f0 <> 3", "f0 % 5 < 4", "COALESCE(f0, 1) >= 0", "f0 BETWEEN 1 AND 12", "f0 > 5 OR f0 IN (1, 3)"]


def nested(leaf: Drawn) -> Drawn:
    """Objects and arrays of `leaf`."""
    named = st.lists(leaf, min_size=1, max_size=3).map(
        lambda fields: [{**each, "name": f"n{number}"} for number, each in enumerate(fields)]
    )
    item = leaf | named.map(lambda fields: {"type": "object", "fields": fields})
    return st.one_of(
        named.map(lambda fields: {"type": "object", "fields": fields}),
        field("array", {"items": item}, length=st.sampled_from([[0, 3], 2, [1, 5]])),
    )


def leaves() -> Drawn:
    conditions = some(nullable=st.sampled_from([True, 0.05, 0.5]), hidden=st.just(False))
    return st.tuples(st.one_of(LEAVES), conditions).map(lambda pair: pair[0] | pair[1])


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A table of up to six fields, f0 to f5, and at times the example of a sampler behind them."""
    made = draw(st.lists(st.one_of(leaves(), leaves(), leaves(), nested(leaves())), min_size=1, max_size=6))
    fields = [{**each, "name": f"f{number}"} for number, each in enumerate(made)]
    conditions = CONDITIONS[:1]
    if draw(st.booleans()):
        fields[0] = {"name": "f0", "type": "integer", "range": [0, draw(st.sampled_from([20, 900, 10**6]))]}
        conditions = CONDITIONS
    for each in fields[1:]:
        if draw(st.integers(0, 5)) == 0:
            each["when"] = draw(st.sampled_from(conditions))
        if each.get("type") == "integer" and draw(st.integers(0, 3)) == 0:
            each["cases"] = [{"when": draw(st.sampled_from(conditions)), "range": draw(ends(0, 90))}]
    for each in fields:
        if draw(st.integers(0, 8)) == 0:
            each["unique"] = True
    if draw(st.integers(0, 2)) == 0:
        fields += EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))]
    if conditions is CONDITIONS and draw(st.integers(0, 4)) == 0:
        fields.append({"name": "sum", "type": "number", "derive": "f0 * 2 + 1", "nullable": True})
    table = {"name": "t", "count": draw(st.integers(50, 300)), "fields": fields}
    if conditions is CONDITIONS and draw(st.integers(0, 3)) == 0:
        table["require"] = draw(st.lists(st.sampled_from(REQUIRES), min_size=1, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        table["unique_by"] = draw(st.lists(st.sampled_from([each["name"] for each in fields]), min_size=1, unique=True))
    return {"seed": draw(st.integers(0, 2**63 - 1)), "dataset": table}


def hold(spec: dict[str, Any]) -> str:
    """Draws the spec and holds what comes out against it. A word for what came of it: findings are as good."""
    try:
        plan = ffgen.plan(spec)
    except SpecError as error:
        assert error.findings and all(finding.what and finding.path for finding in error.findings)
        return "findings"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        try:
            report = ffgen.run(plan, path, workers=0)
        except ShortfallError:
            assert not path.exists()
            return "no room, which the plan did not see"
        assert report.records == plan.dataset.count
        validity = ffgen.validate(spec, path)
        assert validity.valid, validity.problems
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    hold_rows(plan.dataset, rows)
    frame = pl.concat(frames_of(plan, None, 1 << 20))
    assert len(frame) == len(rows)
    for each in plan.dataset.fields:
        if each.when is not None:
            hold_when(plan.dataset, each.name, each.when, frame)
    return "drawn"


def hold_rows(dataset: Dataset, rows: list[dict[str, Any]]) -> None:
    """As strict as for a model's rows: reserved domains and all."""
    # A phone number's prefix says otherwise than the reserved ranges do.
    record = RecordType(dataset, making=not any(names_prefix(each) for each in dataset.fields))
    checked = record.check([record.coerce(row)[0] for row in rows])
    assert not checked.bad, checked.bad[:5]
    for column in checked.batch.key_table().T:
        keys = column[column != 0]
        assert len(set(keys.tolist())) == len(keys)


def names_prefix(field: Field) -> bool:
    """Whether a generator of the field, or of one inside, names a prefix."""
    inner = [*(field.fields or []), *([field.items] if field.items else [])]
    return (isinstance(field.generator, dict) and "prefix" in field.generator) or any(map(names_prefix, inner))


def hold_when(dataset: Dataset, name: str, when: str, frame: pl.DataFrame) -> None:
    """Where the condition fails, there is no value."""
    if dataset.fields[0].format is not None:
        return  # a moment that is written as text
    holds = first_failure([parse(when, frame.columns)], frame).to_numpy() < 0
    assert frame.filter(~pl.Series(holds))[name].null_count() == (~holds).sum()


RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@settings(RELAXED, max_examples=60)
@given(specs())
def test_every_record_of_a_drawn_spec_satisfies_it(spec: dict[str, Any]) -> None:
    event(hold(spec))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(RELAXED, max_examples=2000, derandomize=False, print_blob=True)
@given(specs())
def test_every_record_of_many_drawn_specs_satisfies_it(spec: dict[str, Any]) -> None:
    event(hold(spec))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_record_of_a_sampler_s_example_satisfies_it(name: str) -> None:
    key = {"name": "key", "type": "integer", "generator": "sequence", "unique": True}
    assert hold({"dataset": {"count": 300, "fields": [key, *EXAMPLES[name]]}}) == "drawn"


def test_a_broken_record_would_be_seen() -> None:
    fields = [{"name": "a", "type": "integer", "range": [1, 5]}, {"name": "b", "type": "email"}]
    dataset = ffgen.plan({"dataset": {"count": 2, "fields": fields}}).dataset
    with pytest.raises(Misfit):
        hold_rows(dataset, [{"a": 6, "b": "x@example.com"}])
    with pytest.raises(Misfit):
        hold_rows(dataset, [{"a": 1, "b": "x@gmail.com"}])
    with pytest.raises(AssertionError):
        hold_rows(dataset, [{"a": 1, "b": "x@example.com"}] * 2)
    hold_rows(structs.replace(dataset, unique_by=["a"]), [{"a": 1, "b": "x@example.com"}])

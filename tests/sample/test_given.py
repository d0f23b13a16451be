"""Values that depend on other fields: by table, by map, by tree."""

from collections import Counter
from datetime import date
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import drawn_table, scope_of

from ffgen.rng import stream
from ffgen.sample import resolve
from ffgen.sample.build import build_sampler
from ffgen.sample.weighted import Switch
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

FAMILY = ["given", "map", "hierarchy"]


def fields(text: str) -> list[Field]:
    return msgspec.convert(yaml.safe_load(text), list[Field])


def shares(column: pl.Series) -> dict[Any, float]:
    return {value: count / len(column) for value, count in Counter(column.to_list()).items()}


def refusal(*made: Field) -> Problem:
    """What the last of some fields is refused for."""
    scope = scope_of(Dataset(fields=list(made)))
    scope.path = made[-1].name
    with pytest.raises(Problem) as caught:
        build_sampler(made[-1], scope)
    return caught.value


@pytest.mark.parametrize("name", FAMILY)
def test_the_example_draws_and_depends_on_the_seed_alone(name: str) -> None:
    made = fields(resolve(name).example)
    first, again, other = (drawn_table(500, made, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert first.to_series(-1).null_count() == 0
    assert drawn_table(0, made).height == 0


@pytest.mark.parametrize("name", FAMILY)
def test_what_the_example_gives_satisfies_its_field(name: str) -> None:
    *_, last = fields(resolve(name).example)
    scope = scope_of(Dataset(fields=fields(resolve(name).example)))
    scope.path = last.name
    kind = build_sampler(last, scope).kind
    column = drawn_table(500, fields(resolve(name).example)).to_series(-1)
    assert not [word for _, word in kind.refuse(column.to_list(), making=False)]


TIER = Field(name="tier", values=["basic", "gold"], weights=[3, 1])
REGION = Field(name="region", values=["eu", "us"])


def test_a_given_value_has_the_shares_of_its_row() -> None:
    table = {"basic": {"card": 60, "cash": 40}, "gold": {"card": 5, "invoice": 95}}
    pay = Field(name="pay", generator={"name": "given", "of": "tier", "table": table})
    frame = drawn_table(100_000, [TIER, pay])
    basic, gold = (shares(frame.filter(pl.col("tier") == tier)["pay"]) for tier in ("basic", "gold"))
    assert basic == pytest.approx({"card": 0.6, "cash": 0.4}, abs=0.01)
    assert gold == pytest.approx({"card": 0.05, "invoice": 0.95}, abs=0.01)


def test_a_given_value_may_depend_on_two_fields() -> None:
    table = {"eu": {"basic": ["a"], "gold": ["b"]}, "us": {"basic": {"c": 1}}}
    generator = {"name": "given", "of": ["region", "tier"], "table": table, "otherwise": ["rest"]}
    frame = drawn_table(2000, [Field(name="pay", generator=generator), TIER, REGION])
    want = {("eu", "basic"): "a", ("eu", "gold"): "b", ("us", "basic"): "c", ("us", "gold"): "rest"}
    assert set(frame.select("region", "tier", "pay").unique().rows()) == {(*key, value) for key, value in want.items()}


@pytest.mark.parametrize(
    ("type", "values", "table", "want"),
    [
        ("integer", [1, -20], {"1": 10, "-20": 20}, {1: 10, -20: 20}),
        ("number", [0.5, 2], {"0.5": 10, "2": 20}, {0.5: 10, 2.0: 20}),
        ("boolean", [True, False], {"true": 10, "false": 20}, {True: 10, False: 20}),
        ("date", ["2024-01-01", "2025-01-01"], {"2024-01-01": 10, "2025-01-01": 20}, {}),
        ("enum", [7, 8], {"7": 10, "8": 20}, {7: 10, 8: 20}),
    ],
)
def test_keys_are_read_as_the_type_of_the_field_they_stand_for(
    type: str, values: list[Any], table: dict[str, int], want: dict[Any, int]
) -> None:
    parent = Field(name="p", type=type, values=values)
    child = Field(name="c", type="integer", generator={"name": "map", "of": "p", "values": table})
    got = dict(drawn_table(300, [parent, child]).unique().rows())
    assert got == (want or {date.fromisoformat(key): number for key, number in table.items()})


def test_what_the_table_lacks_is_null_where_the_field_allows_it() -> None:
    child = Field(name="c", nullable=True, generator={"name": "map", "of": "tier", "values": {"gold": "yes"}})
    frame = drawn_table(500, [TIER, child])
    assert set(frame.unique().rows()) == {("gold", "yes"), ("basic", None)}


def test_a_table_of_very_many_shares_draws_right() -> None:
    """Beyond the size of the look-up table picks are searched for: same shares."""
    groups = [(list(range(300)), [float(1 + (place * group) % 7) for place in range(300)]) for group in range(200)]
    switch = Switch(groups, most=1)
    assert switch.table is None
    group = np.repeat([3, 199], 60_000)
    picks = switch.pick(stream(1), group)
    for number, part in ((3, picks[:60_000]), (199, picks[60_000:])):
        weights = np.array(groups[number][1])
        heavy = part[np.isin(part, np.flatnonzero(weights == 7))]
        assert len(heavy) / len(part) == pytest.approx(weights[weights == 7].sum() / weights.sum(), abs=0.01)


def given(**parameters: Any) -> Field:
    return Field(name="c", generator={"name": "given", "of": "tier", **parameters})


@pytest.mark.parametrize(
    ("field", "key", "says"),
    [
        (given(of="tear", table={"a": ["b"]}), "generator.of", "no field tear"),
        (given(of="c", table={"a": ["b"]}), "generator.of", "itself"),
        (given(table={"basic": ["b"]}), "generator.table", "gold"),
        (given(table={"basic": ["b"], "gold": ["c"], "tin": ["d"]}), "generator.table", "never tin"),
        (given(table={"basic": "b", "gold": ["c"]}), "generator.table", "no list"),
        (given(table={"basic": {"b": -1}, "gold": ["c"]}), "generator.table", "weight"),
        (given(table={"basic": {"b": 0}, "gold": ["c"]}), "generator.table", "all weights are 0"),
        (given(table={"basic": [5], "gold": ["c"]}), "generator.table", "5 is no string"),
        (given(of=["tier", "region"], table={"basic": ["b"], "gold": ["c"]}), "generator.table", "mapping"),
        (
            Field(name="c", generator={"name": "map", "of": "tier", "values": {"basic": "x"}}),
            "generator.values",
            "gold",
        ),
        (Field(name="c", generator={"name": "map", "of": "tier", "values": {}}), "generator.values", ""),
    ],
)
def test_a_dependence_that_cannot_be_is_refused(field: Field, key: str, says: str) -> None:
    problem = refusal(TIER, REGION, field)
    assert problem.key == key
    assert says in problem.what


def test_fields_within_read_each_other_and_those_around() -> None:
    table = {"basic": ["a"], "gold": ["b"]}
    inner = [Field(name="size", values=["s", "m"]), given(table=table)]
    inner.append(Field(name="code", generator={"name": "map", "of": "size", "values": {"s": "1", "m": "2"}}))
    nested = [
        Field(name="one", type="object", fields=inner),
        Field(name="many", type="array", length=[1, 3], items=Field(type="object", fields=inner)),
        Field(
            name="tags", type="array", length=2, items=Field(generator={"name": "given", "of": "tier", "table": table})
        ),
    ]
    right = {("basic", "a"), ("gold", "b")}
    for row in drawn_table(200, [TIER, *nested]).rows(named=True):
        records = [row["one"], *row["many"]]
        assert {(record["size"], record["code"]) for record in records} <= {("s", "1"), ("m", "2")}
        assert {(row["tier"], value) for value in [*(record["c"] for record in records), *row["tags"]]} <= right


def test_a_field_within_does_not_read_what_holds_it() -> None:
    problem = refusal(TIER, Field(name="one", type="object", fields=[given(of="one", table={"a": ["b"]})]))
    assert "no field one" in problem.what


def test_a_nullable_parent_needs_otherwise() -> None:
    parent = Field(name="tier", values=["basic"], nullable=True)
    assert "null" in refusal(parent, given(table={"basic": ["b"]})).what


def test_what_a_dependent_field_may_be_is_known_to_the_next() -> None:
    pay = Field(name="pay", generator={"name": "given", "of": "tier", "table": {"basic": ["cash"], "gold": ["card"]}})
    fee = Field(name="fee", type="number", generator={"name": "map", "of": "pay", "values": {"cash": 0}})
    assert "card" in refusal(TIER, pay, fee).what


TREE = {"Home": {"Kitchen": {"Pans": 3, "Knives": 1}, "Garden": ["Tools", "Seeds"]}, "Toys": {"Games": {"Chess": 4}}}
LEVELS = [
    Field(name="top", generator={"name": "hierarchy", "tree": TREE}),
    Field(name="middle", generator={"name": "hierarchy", "of": "top"}),
    Field(name="leaf", generator={"name": "hierarchy", "of": "middle"}),
]


def test_levels_of_a_hierarchy_agree_and_weigh_what_is_below_them() -> None:
    frame = drawn_table(100_000, LEVELS[::-1]).select("top", "middle", "leaf")
    got = {row[:3]: row[3] / 100_000 for row in frame.group_by(pl.all()).len().rows()}
    want = {
        ("Home", "Kitchen", "Pans"): 0.3,
        ("Home", "Kitchen", "Knives"): 0.1,
        ("Home", "Garden", "Tools"): 0.1,
        ("Home", "Garden", "Seeds"): 0.1,
        ("Toys", "Games", "Chess"): 0.4,
    }
    assert got == pytest.approx(want, abs=0.006)


def test_the_same_name_in_two_branches_keeps_them_apart() -> None:
    tree = {"A": {"Other": ["a"]}, "B": {"Other": ["b"]}}
    made = [Field(name="top", generator={"name": "hierarchy", "tree": tree}), *LEVELS[1:]]
    assert set(drawn_table(200, made).unique().rows()) == {("A", "Other", "a"), ("B", "Other", "b")}


def test_branches_that_end_early_need_a_nullable_field() -> None:
    top = Field(name="top", generator={"name": "hierarchy", "tree": {"Books": None, "Toys": ["Games"]}})
    below = Field(name="below", nullable=True, generator={"name": "hierarchy", "of": "top"})
    assert set(drawn_table(200, [top, below]).unique().rows()) == {("Books", None), ("Toys", "Games")}
    plain = Field(name="below", generator={"name": "hierarchy", "of": "top"})
    assert "Books has nothing below" in refusal(top, plain).what


@pytest.mark.parametrize(
    ("generator", "key"),
    [
        ({"name": "hierarchy"}, "generator"),
        ({"name": "hierarchy", "of": "tier"}, "generator.of"),
        ({"name": "hierarchy", "of": "nowhere"}, "generator.of"),
        ({"name": "hierarchy", "tree": {"a": {"b": "much"}}}, "generator.tree"),
        ({"name": "hierarchy", "tree": {"a": 0}}, "generator.tree"),
    ],
)
def test_a_hierarchy_that_cannot_be_is_refused(generator: dict[str, Any], key: str) -> None:
    assert refusal(TIER, Field(name="c", generator=generator)).key == key

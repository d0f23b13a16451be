"""Objects and arrays."""

import gc
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.sample.record import bind, draw, fields_of

from ffgen.errors import ShortfallError
from ffgen.rng import stream
from ffgen.sample import lists
from ffgen.sample.items import some_of
from ffgen.sample.lengths import Lengths, NegativeBinomial
from ffgen.sample.lists import from_elements
from ffgen.sample.structure import Array, Object
from ffgen.spec.types import Problem

NESTED = """
- {name: country, values: [DE, FR]}
- name: home
  type: object
  fields:
    - {name: label, type: string, derive: "country || '-' || street || door"}
    - {name: street, values: [Elm, Oak]}
    - {name: door, type: integer, range: [1, 99]}
    - name: rooms
      type: array
      length: [0, 3]
      items:
        type: object
        fields:
          - {name: size, type: integer, range: [5, 50]}
          - {name: tag, type: string, derive: "country || CAST(door AS TEXT) || CAST(size AS TEXT)"}
"""


def array(**more: Any) -> str:
    """An array of letters, with further keys."""
    given = {"type": "array", "items": {"values": list("abcde")}} | more
    return str([{"name": "x"} | given]).replace("'", '"').replace("True", "true").replace("None", "null")


@pytest.mark.parametrize("kind", [Object, Array])
def test_the_example_is_drawn_by_it(kind: type[Object | Array]) -> None:
    frame = draw(kind.example, 100)
    assert frame.to_series(-1).dtype == bind(kind.example)[frame.columns[-1]].kind.value_dtype()
    assert frame.equals(draw(kind.example, 100))
    assert not frame.equals(draw(kind.example, 100, seed=1))


def test_inner_fields_read_each_other_and_those_around_them() -> None:
    for row in draw(NESTED, 200).rows(named=True):
        home = row["home"]
        assert home["label"] == f"{row['country']}-{home['street']}{home['door']}"
        for room in home["rooms"]:
            assert room["tag"] == f"{row['country']}{home['door']}{room['size']}"


def test_only_outer_fields_are_read_from_outside() -> None:
    samplers = bind(NESTED)
    assert list(samplers["home"].reads) == ["country"]


def test_inner_fields_have_streams_of_their_own() -> None:
    text = """
- {name: a, type: number, range: [0, 1]}
- name: o
  type: object
  fields: [{name: a, type: number, range: [0, 1]}, {name: b, type: number, range: [0, 1]}]
- {name: l, type: array, length: 1, items: {type: number, range: [0, 1]}}
"""
    frame = draw(text, 500).with_columns(pl.col("l").list.first()).unnest("o", separator="_")
    correlations = np.corrcoef([frame[name].to_numpy() for name in frame.columns])
    assert np.abs(correlations - np.eye(4)).max() < 0.2


def test_an_inner_record_is_drawn_again_until_its_constraints_hold() -> None:
    text = """
- name: o
  type: object
  fields:
    - {name: low, type: integer, range: [0, 9]}
    - {name: high, type: integer, range: [5, 9], derive: low}
- name: l
  type: array
  items: {type: object, fields: [{name: low, type: integer, range: [0, 9]},
                                 {name: high, type: integer, range: [5, 9], derive: low}]}
"""
    frame = draw(text, 1000)
    found = frame["o"].struct.unnest()
    assert found["high"].min() == 5
    assert found["high"].equals(found["low"].alias("high"))
    inner = frame["l"].explode(empty_as_null=False).struct.unnest()
    assert (inner["high"].min(), inner["low"].min()) == (5, 5)


def test_a_running_total_stays_one_when_its_amounts_are_drawn_again() -> None:
    text = """
- name: l
  type: array
  length: [1, 4]
  items:
    type: object
    fields:
      - {name: x, type: integer, range: [0, 9]}
      - {name: amount, type: integer, range: [1, 9], derive: x}
      - {name: total, type: integer, generator: {name: running_total, of: amount}}
"""
    for items in draw(text, 300)["l"].to_list():
        assert [item["total"] for item in items] == np.cumsum([item["amount"] for item in items]).tolist()


def test_nulls_and_conditions_inside() -> None:
    text = """
- {name: kind, values: [a, b]}
- name: o
  type: object
  nullable: 0.5
  fields: [{name: x, type: integer, range: [0, 9], when: "kind = 'a'"}]
- {name: l, type: array, length: 4, nullable: 0.2, items: {type: integer, range: [0, 9], nullable: 0.25}}
"""
    frame = draw(text, 4000)
    assert frame["o"].null_count() / 4000 == pytest.approx(0.5, abs=0.03)
    assert frame["l"].null_count() / 4000 == pytest.approx(0.2, abs=0.03)
    there = frame.filter(pl.col("o").is_not_null())
    assert (there["o"].struct.field("x").is_null() == (there["kind"] == "b")).all()
    items = frame["l"].drop_nulls().explode()
    assert items.null_count() / len(items) == pytest.approx(0.25, abs=0.03)


def test_no_rows_are_no_values() -> None:
    assert draw(NESTED, 0).schema == draw(NESTED, 1).schema
    empty = draw(array(length=0), 5)
    assert empty["x"].to_list() == [[]] * 5
    assert empty.schema == draw(array(), 5).schema


@pytest.mark.parametrize(
    ("lengths", "mean", "variance"),
    [
        ({"fixed": 3}, 3, 0),
        ({"uniform": [2, 6]}, 4, 2),
        ({"poisson": 2.5}, 2.5, 2.5),
        ({"negative_binomial": {"mean": 3, "r": 2}}, 3, 3 + 9 / 2),
        ({"empirical": {1: 0.5, 2: 0.3, 5: 0.2}}, 2.1, 0.5 + 1.2 + 5 - 2.1**2),
    ],
)
def test_lengths_are_distributed_as_said(lengths: dict[str, Any], mean: float, variance: float) -> None:
    frame = draw(array(length=[0, 40], generator={"name": "array", "lengths": lengths}), 20_000)
    found = frame["x"].list.len().to_numpy().astype(float)
    assert found.mean() == pytest.approx(mean, abs=4 * (variance / 20_000) ** 0.5)
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_lengths_without_a_distribution_are_any_that_the_field_allows() -> None:
    counts = Counter(draw(array(length=[2, 4]), 3000)["x"].list.len().to_list())
    assert sorted(counts) == [2, 3, 4]
    assert min(counts.values()) > 850
    assert draw(array(), 3000)["x"].list.len().unique().sort().to_list() == list(range(11))


def test_counts_are_cut_to_the_fields_length_not_heaped_at_its_end() -> None:
    drawn = Lengths(negative_binomial=NegativeBinomial(mean=3, r=2)).within(2, 4)
    counts = np.bincount(drawn.draw(stream(1), 60_000), minlength=5) / 60_000
    share = np.array([(k + 1) * 0.6**k for k in (2, 3, 4)])
    assert counts[2:] == pytest.approx(share / share.sum(), abs=0.01)
    assert Lengths(poisson=1000).within(0, 3).draw(stream(1), 1000).max() == 3


def test_items_follow_each_other_as_said() -> None:
    order = {
        "transitions": {"a": {"b": 0.75, "a": 0.25}, "b": {"a": 0.5, "c": 0.5}, "c": {"c": 1}},
        "start": {"a": 3, "b": 1},
    }
    items = {"type": "string"}
    frame = draw(array(length=[0, 9], items=items, generator={"name": "array", "order": order}), 20_000)
    lists = frame["x"].to_list()
    first = Counter(row[0] for row in lists if row)
    assert set(first) == {"a", "b"}
    assert first["a"] / first.total() == pytest.approx(0.75, abs=0.02)
    pairs = Counter(pair for row in lists for pair in zip(row, row[1:], strict=False))
    assert set(pairs) == {("a", "a"), ("a", "b"), ("b", "a"), ("b", "c"), ("c", "c")}
    assert pairs["a", "b"] / (pairs["a", "b"] + pairs["a", "a"]) == pytest.approx(0.75, abs=0.02)


def test_items_of_an_array_are_told_apart_and_picked_by_weight() -> None:
    items = {"values": ["a", "b", "c", "d"], "weights": [70, 20, 9, 1]}
    frame = draw(array(length=2, items=items, generator={"name": "array", "distinct": True}), 20_000)
    pairs = Counter(map(tuple, frame["x"].to_list()))
    assert all(len(set(pair)) == 2 for pair in pairs)
    assert pairs["a", "b"] / 20_000 == pytest.approx(0.7 * 20 / 30, abs=0.015)
    assert pairs["b", "a"] / 20_000 == pytest.approx(0.2 * 70 / 80, abs=0.015)


@pytest.mark.parametrize(
    "items",
    [
        {"values": ["a", "b", "c", "d", "e"]},
        {"type": "integer", "range": [1, 5]},
        {"type": "integer", "range": [1, 6]},
        {"type": "string", "pattern": "^[A-Z][0-9]$"},
        {"type": "object", "fields": [{"name": "a", "values": ["x", "y", "z"]}, {"name": "b", "type": "boolean"}]},
    ],
)
def test_no_two_items_of_an_array_are_alike(items: dict[str, Any]) -> None:
    frame = draw(array(length=[0, 5], items=items, generator={"name": "array", "distinct": True}), 2000)
    lengths = frame["x"].list.len()
    assert frame["x"].list.n_unique().equals(lengths)
    assert lengths.max() == 5
    assert Counter(lengths.to_list()).most_common()[-1][1] > 250


def test_every_few_of_many_is_as_likely() -> None:
    counts = Counter(some_of(stream(1), np.full(60_000, 2), 4, None).reshape(-1, 2)[:, 0].tolist())
    assert all(count == pytest.approx(15_000, abs=500) for count in counts.values())
    assert some_of(stream(1), np.array([0, 4, 1]), 4, None).shape == (5,)


def test_an_array_with_too_few_different_items_is_cut_short_or_refused() -> None:
    items = {"type": "object", "fields": [{"name": "a", "type": "boolean"}]}
    frame = draw(array(length=[0, 5], items=items, generator={"name": "array", "distinct": True}), 500)
    assert frame["x"].list.n_unique().equals(frame["x"].list.len())
    assert frame["x"].list.len().max() == 2
    with pytest.raises(ShortfallError, match="`x` needs 3 different items"):
        draw(array(length=[3, 5], items=items, generator={"name": "array", "distinct": True}), 500)


def generated(**parameters: Any) -> str:
    """An array of letters with such a generator."""
    return array(generator={"name": "array"} | parameters)


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        (generated(lengths={"fixed": 12}), "generator.lengths", "12 items"),
        (generated(lengths={"uniform": [4, 2]}), "generator.lengths.uniform", "below"),
        (generated(lengths={"uniform": [4, 20]}), "generator.lengths", "4 to 20 items"),
        (generated(lengths={"fixed": 1, "poisson": 2}), "generator.lengths", "one distribution"),
        (generated(lengths={}), "generator.lengths", "one distribution"),
        (generated(lengths={"empirical": {1: 0}}), "generator.lengths.empirical", "no length has a weight"),
        (generated(lengths={"empirical": {"x": 1}}), "generator.lengths.empirical", "`x` is no length"),
        (generated(lengths={"poisson": -1}), "generator.lengths", "must be > 0"),
        (generated(distinct=True, lengths={"fixed": 6}), "generator.distinct", "5 different items"),
        (generated(order={"transitions": {"a": {"b": 1}}}), "generator.order.transitions", "follows `b`"),
        (generated(order={"transitions": {"a": {"a": 1}}, "start": {"b": 1}}), "generator.order.transitions", "`b`"),
        (generated(order={"transitions": {"x": {"x": 1}}}), "generator.order.transitions", "x"),
        (generated(distinct=True, order={"transitions": {"a": {"a": 1}}}), "generator.distinct", "told apart"),
        (array(items={"type": "object", "fields": [{"name": "a", "values": ["x"], "derive": "b"}]}), "", "no field b"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(text: str, key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        bind(text)
    assert caught.value.key == (key or "items.fields.0.derive")
    assert what in caught.value.what


def test_circles_inside_are_refused() -> None:
    text = "- {name: o, type: object, fields: [{name: a, derive: b}, {name: b, derive: a}]}"
    with pytest.raises(Problem, match="in a circle"):
        bind(text)
    with pytest.raises(Problem, match="There is no field o"):
        bind("- {name: o, type: object, fields: [{name: a, type: string, derive: o}]}")


def test_nesting_has_an_end() -> None:
    def nested(depth: int) -> str:
        return "[" + "{name: x, type: array, items: " * depth + "{type: boolean}" + "}" * depth + "]"

    text = nested(3).replace("{name: x, type: array, items: {name: x", "{name: x, type: array, items: {name: ''")
    assert draw(text, 20)["x"].explode().explode().explode().dtype == pl.Boolean
    assert fields_of(nested(2))[0].items is not None
    with pytest.raises(Problem, match="deeper than 32"):
        bind(nested(33))


@pytest.mark.parametrize(
    "elements",
    [
        pl.Series([1.5, None, 3.0, 4.0, 5.0, 6.0]),
        pl.Series(["a", "longer than twelve bytes", None, "", "é", "f"]),
        pl.Series([True, False, None, True, True, False]),
        pl.Series([[1], [], None, [2, 3], [4], [5]]),
        pl.Series([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}, {"a": 3, "b": "z"}, None]),
        pl.Series([1, 2, 3, 4, 5, 6]).cast(pl.Datetime("us", "UTC")),
        pl.Series([1, 2, 3, 4, 5, 6]).cast(pl.Date),
        pl.Series([1, 2, 3, 4, 5, 6]).cast(pl.Time),
        pl.concat([pl.Series([1, 2]), pl.Series([3, 4, 5, 6])], rechunk=False),
        pl.Series([0, 1, 2, 3, 4, 5, 6, 7])[1:7],
    ],
    ids=str,
)
def test_lists_are_their_elements(elements: pl.Series) -> None:
    lengths = np.array([0, 2, 0, 3, 1, 0])
    found = from_elements(elements, lengths)
    values = elements.to_list()
    assert found.dtype == pl.List(elements.dtype)
    assert found.to_list() == [[], values[:2], [], values[2:5], values[5:], []]


def test_lists_let_their_elements_go() -> None:
    for _ in range(20):
        found = from_elements(pl.Series(range(1000)), np.array([400, 600]))
    assert found.list.sum().to_list() == [79_800, 419_700]
    del found
    gc.collect()
    assert len(lists._held) == 0


def test_lengths_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 2"):
        from_elements(pl.Series([1, 2, 3]), np.array([1, 1]))


def test_people_inside_are_their_own_and_agree_among_themselves() -> None:
    text = """
- {name: first_name}
- {name: email, type: email, cases: [{when: first_name > 'M', generator: person.email}]}
- name: boss
  type: object
  fields: [{name: first_name}, {name: last_name}, {name: email, type: email}]
- name: contacts
  type: array
  length: [1, 2]
  items: {type: object, fields: [{name: first_name}, {name: last_name}, {name: email, type: email}]}
"""
    frame = draw(text, 300)
    plain = pl.col("first_name").str.to_lowercase()
    assert frame.select(pl.col("email").str.starts_with(plain).all()).item()
    for record in (frame["boss"], frame["contacts"].explode()):
        people = record.struct.unnest()
        name = plain + "." + pl.col("last_name").str.to_lowercase()
        assert people.select(pl.col("email").str.starts_with(name).mean()).item() > 0.95
        assert (people["first_name"][:300].to_numpy() == frame["first_name"][: len(people)].to_numpy()).mean() < 0.1

"""Values from lists: alike, by weight, by what came before."""

import time
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed, scope_of, series

from ffgen.rng import stream
from ffgen.sample import resolve
from ffgen.sample.base import Parents, Rows
from ffgen.sample.build import build_sampler
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

FAMILY = ["choice", "markov"]


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


@pytest.mark.parametrize(
    ("type", "values", "want"),
    [
        ("string", ["a", "b"], {"a", "b"}),
        ("enum", ["a", "b"], {"a", "b"}),
        ("enum", [1, 2.5], {1.0, 2.5}),
        ("integer", [3, -7], {3, -7}),
        ("number", [1, 2.25, -0.0], {1.0, 2.25, 0.0}),
        ("boolean", [True], {True}),
        ("date", ["2024-02-29", "1999-01-01"], {date(2024, 2, 29), date(1999, 1, 1)}),
        ("datetime", ["2024-02-29T10:00:00+02:00"], {datetime(2024, 2, 29, 8, tzinfo=UTC)}),
        ("uuid", ["3F0C9A52-7D1E-4B66-9A83-5E2F1C0D4B7A"], {"3f0c9a52-7d1e-4b66-9a83-5e2f1c0d4b7a"}),
        ("email", ["ann@corp.com"], {"ann@corp.com"}),
    ],
)
def test_a_choice_of_any_type(type: str, values: list[Any], want: set[Any]) -> None:
    assert set(drawn(200, type=type, values=values).to_list()) == want


def test_weights_are_obeyed_and_a_weight_of_zero_takes_a_value_out() -> None:
    got = shares(drawn(100_000, values=["a", "b", "c", "d"], weights=[70, 20, 10, 0]))
    assert got == pytest.approx({"a": 0.7, "b": 0.2, "c": 0.1}, abs=0.006)


def test_values_that_are_one_are_one() -> None:
    got = shares(drawn(50_000, values=["a", " a ", "b"], weights=[1, 2, 1]))
    assert got == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.01)


def test_smoothing_adds_to_each_weight() -> None:
    got = shares(drawn(100_000, values=["a", "b"], weights=[9, 1], generator={"name": "choice", "smoothing": 5}))
    assert got == pytest.approx({"a": 0.7, "b": 0.3}, abs=0.006)


@pytest.mark.parametrize(("temperature", "share"), [(2, 0.75), (0.5, 81 / 82), (1000, 0.5), (0.001, 1.0)])
def test_temperature_evens_out_or_sharpens(temperature: float, share: float) -> None:
    generator = {"name": "choice", "temperature": temperature}
    got = shares(drawn(100_000, values=["a", "b"], weights=[9, 1], generator=generator))
    assert got["a"] == pytest.approx(share, abs=0.006)


def test_rare_values_are_pooled() -> None:
    generator = {"name": "choice", "pool_below": 0.05, "other": "rest"}
    got = shares(drawn(100_000, values=["a", "b", "c", "rest"], weights=[94, 3, 3, 0], generator=generator))
    assert got == pytest.approx({"a": 0.94, "rest": 0.06}, abs=0.004)


def test_a_unique_choice_takes_each_value_once() -> None:
    values = [f"v{number}" for number in range(1000)]
    assert sorted(keyed(1000, values=values)) == sorted(values)
    assert bound(values=["a", "b"], weights=[2, 2]).room() == 2
    assert bound(values=["a", "b"], weights=[1, 2]).room() is None


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ({"generator": "choice"}, "values"),
        ({"values": [1, 2]}, "values"),
        ({"type": "integer", "range": [0, 5], "values": [1, 9]}, "values"),
        ({"values": ["a", "b"], "pattern": "^a$"}, "values"),
        ({"values": ["a"], "generator": {"name": "choice", "temperature": 0}}, "generator.temperature"),
        ({"values": ["a"], "generator": {"name": "choice", "smoothing": -1}}, "generator.smoothing"),
        ({"values": ["a"], "generator": {"name": "choice", "pool_below": 0.1}}, "generator.other"),
        ({"values": ["a"], "generator": {"name": "choice", "pool_below": 0.1, "other": "z"}}, "generator.other"),
        ({"values": ["a"], "generator": {"name": "choice", "warmth": 1}}, "generator.warmth"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(field: dict[str, Any], key: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(**field)
    assert caught.value.key == key


CHAIN = {"name": "markov", "start": {"a": 1}, "transitions": {"a": {"b": 7, "c": 3}, "b": ["a", "c"], "c": {"a": 1}}}


def pairs(states: list[Any], heads: np.ndarray[Any, Any]) -> Counter[tuple[Any, Any]]:
    return Counter(
        (before, after) for before, after, head in zip(states, states[1:], heads[1:], strict=False) if not head
    )


@pytest.mark.parametrize("length", [1, 2, 7, 255, 256, 257, 1000, 30_000])
def test_a_chain_follows_its_transitions_however_long_it_is(length: int) -> None:
    n = max(30_000 // length, 1) * length
    rank = np.arange(n) % length
    rows = Rows(np.arange(n, dtype=np.uint64), (0, "t", 0, 0), parent=Parents(np.zeros(n, np.uint64), rank, rank))
    sampler = bound(generator=CHAIN)
    states = series(sampler, sampler.draw(stream(1), n, rows)).to_list()
    assert {states[i] for i in np.flatnonzero(rank == 0)} == {"a"}
    counts = pairs(states, rank == 0)
    assert counts.keys() <= {("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a")}
    if length > 1:
        assert counts["a", "b"] / (counts["a", "b"] + counts["a", "c"]) == pytest.approx(0.7, abs=0.02)
    if length > 2:
        assert counts["b", "a"] / (counts["b", "a"] + counts["b", "c"]) == pytest.approx(0.5, abs=0.02)


def test_a_chain_starts_anew_where_its_group_changes() -> None:
    device = Field(name="device", values=["x", "y"])
    frame = drawn_table(5000, [Field(name="state", generator={**CHAIN, "by": "device"}), device])
    heads = (frame["device"] != frame["device"].shift(1)).fill_null(True).to_numpy()
    assert {state for state, head in zip(frame["state"], heads, strict=True) if head} == {"a"}
    assert ("a", "a") not in pairs(frame["state"].to_list(), heads)
    assert ("a", "a") in pairs(frame["state"].to_list(), np.zeros(5000))


def test_a_state_without_transitions_stays() -> None:
    generator = {"name": "markov", "start": ["new"], "transitions": {"new": ["done"]}}
    assert drawn(600, generator=generator).to_list() == ["new"] + ["done"] * 599


def test_a_chain_of_numbers() -> None:
    generator = {"name": "markov", "transitions": {"1": {"2": 1}, "2": {"1": 1}}}
    column = drawn(10, type="integer", generator=generator)
    assert column.dtype == pl.Int64
    assert set((column + column.shift(1)).drop_nulls()) == {3}


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"transitions": {}}, "generator.transitions"),
        ({"transitions": {"a": {"b": -1}}}, "generator.transitions"),
        ({"transitions": {"a": []}}, "generator.transitions"),
        ({"by": "nothing"}, "generator.by"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(changed: dict[str, Any], key: str) -> None:
    assert refusal(Field(name="c", generator={**CHAIN, **changed})).key == key


def test_a_column_takes_no_loop_over_its_rows() -> None:
    """65,536 rows in a fraction of what a Python loop takes; a generous bound, for a busy machine."""
    sampler = bound(generator=CHAIN)
    rows = Rows(np.arange(65_536, dtype=np.uint64), (0, "t", 0, 0))
    sampler.draw(stream(1), len(rows), rows)
    start = time.process_time()
    sampler.draw(stream(1), len(rows), rows)
    assert time.process_time() - start < 0.1

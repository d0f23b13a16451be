"""Formulas, values that rise, running totals."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.sample.record import bind, draw, families

from ffgen.rng import stream
from ffgen.sample.dependence import Derived, Monotone, RunningTotal
from ffgen.sample.steps import BLOCK, Step, Steps
from ffgen.spec.types import Problem


def laid(text: str) -> str:
    """Fields of a table that is laid out under another."""
    return "- {name: account, type: integer, ref: {to: accounts.id, mean: 3}}\n" + text


@pytest.mark.parametrize("kind", [Derived, Monotone, RunningTotal])
def test_the_example_is_drawn_by_it(kind: Any) -> None:
    frame = draw(kind.example, 100)
    assert frame.equals(draw(kind.example, 100))
    assert not frame.equals(draw(kind.example, 100, seed=1))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("type: integer, derive: n * 2", [0, 2, 4]),
        ("type: integer, derive: n / 2", [0, 1, 1]),
        ("type: number, derive: n", [0.0, 1.0, 2.0]),
        ("type: number, decimals: 1, derive: n * 0.25 - 0.5", [-0.5, -0.3, 0.0]),
        ("type: number, derive: -n * 0", [0.0, 0.0, 0.0]),
        ("type: string, derive: \"' ' || CAST(n AS TEXT) || ' '\"", ["0", "1", "2"]),
        ("type: string, derive: \"'e\u0301' || CAST(n AS TEXT)\"", ["é0", "é1", "é2"]),
        ("type: string, derive: \"LEFT('ab', n)\", nullable: 0.0", [None, "a", "ab"]),
        ("type: boolean, derive: n > 1", [False, False, True]),
        ("type: date, derive: \"DATE '2024-01-01' + n\"", [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]),
        ("type: datetime, derive: \"DATE '2024-01-01' + n\"", [datetime(2024, 1, 1 + n, tzinfo=UTC) for n in range(3)]),
        ("type: integer, derive: 10 / n, nullable: true", [None, 10, 5]),
        ("type: string, derive: \"'same'\"", ["same"] * 3),
        ("type: email, derive: \"'a' || CAST(n AS TEXT) || '@example.com'\"", [f"a{n}@example.com" for n in range(3)]),
    ],
)
def test_a_formula_gives_the_fields_own_type(field: str, values: list[Any]) -> None:
    text = f"- {{name: n, type: integer, generator: {{name: monotone}}}}\n- {{name: x, {field}}}"
    sampler = bind(text)["x"]
    found = draw(text.replace("nullable: true", "nullable: 0.0"), 3)["x"]
    assert found.to_list() == values
    assert found.dtype == sampler.kind.value_dtype()
    assert [str(value) for value in found if isinstance(value, float)].count("-0.0") == 0


def test_formulas_over_formulas() -> None:
    text = """
- {name: c, type: integer, derive: b + 1}
- {name: b, type: integer, derive: a + 1}
- {name: a, type: integer, range: [0, 9]}
"""
    frame = draw(text)
    assert frame["c"].equals((frame["a"] + 2).alias("c"))


def test_it_rises_from_row_to_row_and_from_block_to_block() -> None:
    text = "- {name: x, generator: {name: monotone, start: 100, step: {uniform: [1, 5]}}}"
    whole = draw(text, 3 * BLOCK)["x"].to_numpy()
    steps = np.diff(whole)
    assert whole[0] == 100
    assert (steps.min(), steps.max()) == (1, 5)
    assert steps.mean() == pytest.approx(3, abs=0.01)
    assert (whole[::BLOCK] == 100 + np.arange(3) * 3 * BLOCK).all()
    assert np.bincount(steps)[1:].min() / len(steps) > 0.19
    assert (draw(text, 1000, first=BLOCK - 500)["x"].to_numpy() == whole[BLOCK - 500 : BLOCK + 500]).all()
    assert not (draw(text, 1000, seed=1)["x"].to_numpy() == whole[:1000]).all()


@pytest.mark.parametrize(
    ("field", "least", "most", "mean"),
    [
        ("type: integer, generator: {name: monotone, step: 7}", 7, 7, 7),
        ("type: integer, generator: {name: monotone, step: {uniform: [0, 1000000]}}", 0, 10**6, 5e5),
        ("type: integer, generator: {name: monotone, step: {exponential: 2}}", 0, 100, 2),
        ("type: number, generator: {name: monotone, step: {exponential: 0.5}}", 0, 50, 0.5),
        ("type: number, generator: {name: monotone, step: {uniform: [0.5, 1.5]}}", 0.4999, 1.5001, 1),
        ("type: number, decimals: 2, generator: {name: monotone, step: {uniform: [0.29, 0.31]}}", 0.289, 0.311, 0.3),
        ("type: number, decimals: 1, generator: {name: monotone, step: {exponential: 3}}", 0, 100, 3),
    ],
)
def test_steps_are_as_said_across_blocks(field: str, least: float, most: float, mean: float) -> None:
    values = draw(f"- {{name: x, {field}}}", 2 * BLOCK)["x"].to_numpy()
    steps = np.diff(values)
    assert least <= steps.min()
    assert steps.max() <= most
    assert steps.mean() == pytest.approx(mean, rel=0.02)
    assert values[BLOCK] == pytest.approx(BLOCK * mean)


def test_exponential_steps_are_exponential() -> None:
    steps = Steps.of(Step(exponential=2), 1, False).block(stream(1))
    found = np.diff(steps)
    assert found.std() == pytest.approx(2, rel=0.03)
    assert (found > 4).mean() == pytest.approx(np.exp(-2), abs=0.01)


def test_dates_and_times_rise_in_days_and_seconds() -> None:
    text = """
- {name: day, type: date, generator: {name: monotone, start: '2024-02-28'}}
- {name: at, type: datetime, generator: {name: monotone, step: {uniform: [60, 120]}}}
"""
    frame = draw(text, 1000)
    assert frame["day"][:3].to_list() == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert frame["at"][0] == datetime(2025, 1, 1, tzinfo=UTC)
    seconds = frame["at"].diff().dt.total_microseconds()[1:] / 1_000_000
    assert (seconds.min(), seconds.max()) == (60, 120)


def test_it_begins_again_for_each_parent() -> None:
    text = laid("- {name: line, type: integer, generator: {name: monotone, start: 1}}")
    frame = draw(text, 6, parent=families(1, 0, 3, 2))
    assert frame["line"].to_list() == [1, 1, 2, 3, 1, 2]
    assert bind(text)["line"].grouped


def test_it_begins_again_where_another_field_changes() -> None:
    text = """
- {name: n, generator: {name: monotone}}
- {name: team, type: integer, derive: FLOOR(n / 3)}
- {name: x, generator: {name: monotone, start: 5, step: 2, by: team}}
"""
    assert draw(text, 8)["x"].to_list() == [5, 7, 9, 5, 7, 9, 5, 7]


def test_it_begins_at_another_field() -> None:
    text = laid("""
- {name: opened, type: date, range: ['2024-01-01', '2024-12-31'], nullable: 0.2}
- {name: seen, type: date, nullable: 0.0, generator: {name: monotone, start: opened, step: 7}, when: "TRUE"}
""")
    frame = draw(text, 400, parent=families(*[4] * 100)).with_columns(place=pl.int_range(pl.len()) % 4)
    first = frame["opened"].gather((pl.int_range(400, eager=True) // 4) * 4)
    wanted = (first.to_physical() + frame["place"].cast(pl.Int32) * 7).cast(pl.Date)
    assert frame["seen"].equals(wanted.alias("seen"), null_equal=True)


def test_totals_run_within_each_parent() -> None:
    text = laid("""
- {name: amount, type: number, range: [-10, 10], decimals: 2, nullable: 0.1}
- {name: kind, values: [in, out]}
- {name: total, type: number, decimals: 2, generator: {name: running_total, of: amount, start: 100}}
- {name: signed, generator: {name: running_total, of: amount, where: "kind = 'in'"}}
""")
    sizes = [3, 0, 1, 5, 0, 91]
    frame = draw(text, 100, parent=families(*sizes))
    amounts = frame["amount"].fill_null(0).to_numpy()
    signed = np.where(frame["kind"].to_numpy() == "in", amounts, -amounts)
    first = 0
    for size in sizes:
        part = slice(first, first + size)
        assert frame["total"].to_numpy()[part] == pytest.approx(np.cumsum(amounts[part]) + 100)
        assert frame["signed"].to_numpy()[part] == pytest.approx(np.cumsum(signed[part]))
        first += size
    assert (frame["total"].round(2) == frame["total"]).all()
    assert bind(text)["total"].grouped


def test_whole_totals_are_exact() -> None:
    text = laid("- {name: n, type: integer, range: [4000000000000000, 4000000000000009]}\n") + (
        "- {name: total, type: integer, generator: {name: running_total, of: n}}"
    )
    frame = draw(text, 900, parent=families(900))
    assert frame["total"][-1] == sum(frame["n"].to_list())


MONOTONE = "- {{name: x, {}, generator: {{name: monotone, {}}}}}"


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("- {name: x, type: integer, derive: \"'a'\"}", "derive", "gives text"),
        ("- {name: x, type: string, derive: 1 + 1}", "derive", "gives integer"),
        ("- {name: x, type: string, derive: y}", "derive", "no field y"),
        ("- {name: x, type: string, generator: derived}", "derive", "needs `derive`"),
        (MONOTONE.format("type: integer", "step: -1"), "generator.step", "must be"),
        (MONOTONE.format("type: integer", "step: {uniform: [5, 1]}"), "generator.step.uniform", "below"),
        (MONOTONE.format("type: integer", "step: {}"), "generator.step", "one of"),
        (MONOTONE.format("type: integer", "start: 0.5"), "generator.start", "not a whole number"),
        (MONOTONE.format("type: integer", "start: opened"), "generator.start", "neither a number nor a field"),
        (MONOTONE.format("type: date", "start: opened"), "generator.start", "neither a date nor a field"),
        (MONOTONE.format("type: integer", "by: team"), "generator.by", "no field `team`"),
        (MONOTONE.format("type: integer, range: [0, 500]", "step: 1"), "range", "beyond the field's range"),
        (MONOTONE.format("type: integer, range: [1, 5000]", "step: 1"), "range", "beyond the field's range"),
        ("- {name: x, generator: {name: running_total, of: y}}", "generator", "mean: 12"),
        (laid("- {name: x, generator: {name: running_total, of: y}}"), "generator.of", "no field `y`"),
        (
            laid("- {name: y, values: [a]}\n- {name: x, generator: {name: running_total, of: y}}"),
            "generator.of",
            "no number",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(text: str, key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        bind(text)
    assert caught.value.key == key
    assert what in caught.value.what + caught.value.hint

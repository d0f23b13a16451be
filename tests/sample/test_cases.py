"""Conditions on fields: cases, `when`, nulls."""

import numpy as np
import polars as pl
import pytest
from tests.sample.record import bind, draw, fields_of

from ffgen.errors import ShortfallError
from ffgen.sample.base import Rows
from ffgen.sample.cases import in_order, mask_field
from ffgen.spec.types import Problem, build_type
from ffgen.spec.types.cases import widest

TIERS = """
- {name: tier, values: [gold, silver, basic], weights: [1, 2, 7]}
- name: points
  type: integer
  range: [0, 9]
  cases:
    - {when: "tier = 'gold'", range: [1000, 1019]}
    - {when: "tier IN ('gold', 'silver')", range: [100, 119]}
"""


def test_the_first_case_that_holds_gives_the_parameters() -> None:
    frame = draw(TIERS, 5000)
    found = frame.group_by("tier").agg(low=pl.col("points").min(), high=pl.col("points").max()).sort("tier").rows()
    assert found == [("basic", 0, 9), ("gold", 1000, 1019), ("silver", 100, 119)]


def test_values_of_a_case_do_not_repeat_those_of_another() -> None:
    text = """
- {name: a, type: boolean}
- {name: x, type: number, range: [0, 1], cases: [{when: a, range: [0, 1]}]}
"""
    assert draw(text, 2000)["x"].n_unique() == 2000


def test_the_same_seed_gives_the_same_and_another_something_else() -> None:
    assert draw(TIERS, seed=3).equals(draw(TIERS, seed=3))
    assert not draw(TIERS, seed=3)["points"].equals(draw(TIERS, seed=4)["points"])


def test_no_rows_are_no_values() -> None:
    assert draw(TIERS, 0).schema == draw(TIERS, 1).schema


def test_a_row_where_a_condition_is_null_takes_the_fields_own_parameters() -> None:
    text = """
- {name: x, type: integer, range: [0, 9], nullable: 0.5}
- {name: y, values: [own], cases: [{when: x >= 0, values: [case]}]}
"""
    frame = draw(text)
    assert frame.filter(pl.col("x").is_null())["y"].unique().to_list() == ["own"]
    assert frame.filter(pl.col("x").is_not_null())["y"].unique().to_list() == ["case"]


def test_a_case_may_name_another_generator_or_a_formula() -> None:
    text = """
- {name: kind, values: [code, copy, pick]}
- name: value
  values: [one, two]
  cases:
    - {when: "kind = 'copy'", derive: "UPPER(kind)", values: [COPY]}
    - {when: "kind = 'code'", generator: {name: choice, temperature: 2}, values: [A, B]}
"""
    frame = draw(text)
    found = {kind: set(part["value"]) for (kind,), part in frame.group_by("kind")}
    assert found == {"code": {"A", "B"}, "copy": {"COPY"}, "pick": {"one", "two"}}


def test_a_case_is_held_to_its_own_constraints() -> None:
    text = """
- {name: a, type: integer, range: [0, 9]}
- {name: even, type: boolean}
- name: b
  type: integer
  range: [0, 100]
  cases: [{when: even, values: [2, 4, 6], derive: a}]
"""
    with pytest.raises(ShortfallError, match="`b`: in 100 draws"):
        draw(text)


def test_where_a_condition_fails_the_value_is_null() -> None:
    text = """
- {name: status, values: [open, closed]}
- {name: closed_as, values: [won, lost], when: "status = 'closed'"}
"""
    frame = draw(text)
    assert frame.filter(pl.col("status") == "open")["closed_as"].null_count() == frame["closed_as"].null_count()
    assert frame.filter(pl.col("status") == "closed")["closed_as"].null_count() == 0


def test_a_condition_and_a_share_of_nulls_go_together() -> None:
    text = """
- {name: a, type: boolean}
- {name: b, type: integer, range: [0, 9], when: a, nullable: 0.3}
"""
    frame = draw(text, 20_000)
    inside = frame.filter("a")["b"]
    assert frame.filter(~pl.col("a"))["b"].null_count() == len(frame) - len(inside)
    assert inside.null_count() / len(inside) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("nullable", "share"), [("true", 0.1), ("0.25", 0.25), ("1.0", 1.0), ("false", 0.0)])
def test_nulls_have_the_share_that_is_asked_for(nullable: str, share: float) -> None:
    frame = draw(f"- {{name: x, type: integer, range: [0, 9], nullable: {nullable}}}", 20_000)
    assert frame["x"].null_count() / len(frame) == pytest.approx(share, abs=0.01)


def test_nulls_do_not_depend_on_how_the_values_are_drawn() -> None:
    drawn = draw("- {name: x, type: integer, range: [0, 9], nullable: 0.5}")["x"]
    (field,) = fields_of("- {name: x, type: integer, range: [0, 9], nullable: 0.5}")
    sampler = bind("- {name: x, type: integer, range: [0, 9], nullable: 0.5}")["x"]
    rows = Rows(np.arange(1000, dtype=np.uint64), (0, "records", 0, 0))
    assert mask_field(sampler, rows, np.zeros(1000)).is_null().equals(drawn.is_null())
    assert mask_field(sampler, rows, np.zeros(1000)).name == field.name


def test_a_conditional_field_without_cases_keeps_its_numbers() -> None:
    sampler = bind("- {name: a, type: boolean}\n- {name: b, values: [x, y, z], when: a}")["b"]
    assert sampler.room() == 3
    assert sorted(sampler.keyed(np.arange(3, dtype=np.uint64), 1)) == ["x", "y", "z"]
    assert "values" in sampler.holds


def test_a_field_is_drawn_after_all_that_its_conditions_read() -> None:
    samplers = bind(
        "- {name: x, type: integer, range: [0, 9], when: c, cases: [{when: a > 1, derive: b}]}\n"
        "- {name: a, type: integer, range: [0, 9]}\n- {name: b, type: integer, range: [0, 9]}\n"
        "- {name: c, type: boolean}\n"
    )
    assert set(samplers["x"].reads) == {"a", "b", "c"}
    assert in_order({name: sampler.reads for name, sampler in samplers.items()}) == ["a", "b", "c", "x"]


def test_circles_are_refused() -> None:
    with pytest.raises(Problem, match="read each other in a circle"):
        in_order({"a": ["b"], "b": ["a"], "c": []})


def test_a_case_with_a_family_is_drawn_as_if_there_were_no_cases() -> None:
    text = """
- name: steps
  type: array
  length: 6
  items:
    type: object
    fields:
      - {name: shown, type: boolean}
      - {name: plain, type: integer, generator: {name: monotone, start: 1}}
      - {name: at, type: integer, generator: {name: monotone, start: 1},
         cases: [{when: shown, generator: {name: monotone, start: 101}}]}
"""
    for steps in draw(text, 50)["steps"].to_list():
        assert [step["at"] for step in steps] == [step["plain"] + 100 * step["shown"] for step in steps]


@pytest.mark.parametrize(
    ("field", "key", "what"),
    [
        ("{name: x, values: [a], when: nothing = 1}", "when", "no field nothing"),
        ("{name: x, values: [a], when: x IS NULL}", "when", "no field x"),
        ("{name: x, values: [a], when: age + 1}", "when", "gives integer, not boolean"),
        ("{name: x, values: [a], cases: [{when: age >}]}", "cases.0.when", "missing after"),
        ("{name: x, values: [a], cases: [{when: age > 1, range: [2, 1]}]}", "cases.0.range", "means nothing"),
        ("{name: x, type: integer, range: [0, 1], cases: [{when: age > 1, range: [2, 1]}]}", "cases.0.range", "below"),
        ("{name: x, derive: age, generator: choice}", "generator", "not drawn"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(field: str, key: str, what: str) -> None:
    with pytest.raises(Problem) as caught:
        bind(f"- {{name: age, type: integer, range: [0, 99]}}\n- {field}")
    assert caught.value.key == key
    assert what in caught.value.what


def test_the_widest_field_holds_all_cases() -> None:
    (field,) = fields_of(
        "- {name: x, type: date, range: ['2024-01-01', '2024-02-01'], length: null,\n"
        "   cases: [{when: a, range: ['2023-05-01', '2023-06-01']}, {when: b, range: ['2025-05-01', '2025-06-01']}]}"
    )
    assert list(map(str, widest(field, build_type).range or [])) == ["2023-05-01", "2025-06-01"]
    (field,) = fields_of("- {name: x, values: [a, b], weights: [1, 2], cases: [{when: c, values: [b, c]}]}")
    assert (widest(field, build_type).values, widest(field, build_type).weights) == (["b", "c", "a"], None)
    (field,) = fields_of("- {name: x, pattern: a, length: 3, cases: [{when: c, pattern: b, length: [5, 9]}]}")
    assert (widest(field, build_type).pattern, widest(field, build_type).length) == (None, [3, 9])
    (field,) = fields_of("- {name: x, type: integer, cases: [{when: c, range: [1, 2]}]}")
    assert widest(field, build_type).range is None


def test_a_conditional_reference_is_still_one() -> None:
    text = "- {name: a, type: boolean}\n- {name: account, type: integer, ref: accounts.id, when: a}"
    sampler = bind(text)["account"]
    assert vars(sampler)["group"] == ("accounts", "")
    assert sampler.room() == 1000
    assert draw(text)["account"].is_null().equals((~draw(text)["a"]).alias("account"))

"""Texts of a grammar."""

from collections import Counter
from typing import Any

import msgspec
import pytest
import yaml
from tests.sample.drive import bound, drawn, drawn_table, keyed

from ffgen.sample.grammar import Grammar
from ffgen.spec.model import Field
from ffgen.spec.types import Problem


def grammar(depth: int = 12, **rules: Any) -> dict[str, Any]:
    return {"name": "grammar", "rules": rules, "depth": depth}


NESTED = grammar(start=["<sum>"], sum={"<term>": 3, "<sum>+<term>": 1}, term={"x": 1, "(<sum>)": 1, "f(<sum>)": 1})


def test_the_example_draws_and_depends_on_the_seed_alone() -> None:
    made = msgspec.convert(yaml.safe_load(Grammar.example), list[Field])
    first, again, other = (drawn_table(500, made, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_small_grammar_has_the_shares_of_its_rules() -> None:
    column = drawn(50_000, generator=grammar(start={"<a>": 1, "<a><a>": 3}, a={"x": 4, "y": 1}))
    got = {text: count / 50_000 for text, count in Counter(column.to_list()).items()}
    want = {"x": 0.2, "y": 0.05, "xx": 0.48, "xy": 0.12, "yx": 0.12, "yy": 0.03}
    assert got == pytest.approx(want, abs=0.01)


def test_a_large_grammar_has_the_same_shares_as_if_it_were_listed() -> None:
    """Too many texts to list, so they are written out level by level."""
    many = [f"{i:04}" for i in range(300)]
    sampler = bound(generator=grammar(start={"<s> <n><n>": 1, "<n><n>": 3}, s={"big": 4, "small": 1}, n=many))
    assert isinstance(sampler, Grammar) and sampler.pool is None
    column = drawn(50_000, sampler=sampler)
    assert column.str.contains(r"^((big|small) )?\d{8}$").all()
    assert column.str.starts_with("big").mean() == pytest.approx(0.2, abs=0.006)
    assert column.str.slice(-8, 4).n_unique() == column.str.slice(-4).n_unique() == 300


def balanced(text: str) -> bool:
    try:
        eval(text, {"__builtins__": {}}, {"x": 1, "f": lambda y: y})
    except (SyntaxError, TypeError, NameError):
        return False
    return True


def test_nested_rules_end_and_make_sense() -> None:
    column = drawn(3000, generator=NESTED)
    assert all(balanced(text) for text in column.unique())
    assert drawn(3000, generator=NESTED).equals(column)
    assert not drawn(3000, generator=NESTED, seed=1).equals(column)
    assert column.str.count_matches(r"\(").max() >= 3  # type: ignore[operator]


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_depth_bounds_the_nesting(depth: int) -> None:
    generator = grammar(depth, start=["<list>"], list={"[<list>]": 9, "x": 1})
    column = drawn(2000, generator=generator)
    assert column.str.count_matches("[", literal=True).max() == depth - 1


def test_a_plain_angle_bracket() -> None:
    assert set(drawn(50, generator=grammar(start=["<<b>> <x> > 1"], x=["y"])).to_list()) == {"<b>> y > 1"}


def test_what_the_field_does_not_take_is_left_out_of_a_small_grammar() -> None:
    column = drawn(200, length=[3, 4], generator=grammar(start=["<a>", "<a>bc", " <a><a><a> "], a=["x", "yy"]))
    assert set(column.to_list()) == {"xbc", "yybc", "xxx", "xxyy", "xyyx", "yyxx"}


def test_a_small_grammar_without_weights_can_be_unique() -> None:
    sampler = bound(generator=grammar(start=["<a><a>", "<a>"], a=["x", "y", "xy", "xx"]))
    assert sampler.room() == len(
        {*"x y xy xx".split()} | {a + b for a in "x y xy xx".split() for b in "x y xy xx".split()}
    )
    assert keyed(sampler.room() or 0, sampler=sampler).n_unique() == sampler.room()
    assert bound(generator=grammar(start={"a": 1, "b": 2})).room() is None
    assert bound(generator=NESTED).room() is None


@pytest.mark.parametrize(
    ("generator", "key", "says"),
    [
        (grammar(begin=["x"]), "generator.rules", "no rule `start`"),
        (grammar(start=["<who> ran"]), "generator.rules", "no rule who"),
        (grammar(start=["<a>"], a=["<b>"], b=["<a> x"]), "generator.rules", "`<start>` never ends"),
        (grammar(start=["x"], a=["<a>"]), "generator.rules", "`<a>` never ends"),
        (grammar(start=[]), "generator.rules", "empty"),
        (grammar(start={"x": 0}), "generator.rules", "all weights are 0"),
        (grammar(start={"x": "heavy"}), "generator.rules", "weight"),
        (grammar(20, start={"<start> <start>": 9, "x": 1}), "generator.depth", "parts on average"),
        (grammar(0, start=["x"]), "generator.depth", ""),
    ],
)
def test_a_grammar_that_cannot_be_is_refused(generator: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(generator=generator)
    assert caught.value.key == key
    assert says in caught.value.what


def test_a_grammar_of_nothing_that_the_field_takes_is_refused() -> None:
    with pytest.raises(Problem, match="nothing that the field takes"):
        bound(length=10, generator=grammar(start=["x", "y"]))


def test_no_rows_and_many_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(0, generator=NESTED).to_list() == []
    monkeypatch.setattr("ffgen.sample.grammar.AT_ONCE", 1000)
    assert drawn(1000, generator=NESTED).len() == 1000

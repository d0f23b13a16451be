"""What the types and the generators tell of themselves."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

import ffgen
from ffgen.errors import UsageError
from ffgen.plan import kinds as module
from ffgen.plan.kinds import FAMILIES, TYPE, described, first_sentence, generator_view, parameters_of
from ffgen.sample import SAMPLERS, Sampler, plugins
from ffgen.sample.outside import sampler_of
from ffgen.spec.types import TYPES

VIEWS = ffgen.types()
GENERATORS = [view for view in VIEWS if view.family in FAMILIES]


def test_everything_is_there_once_and_in_the_order_of_families() -> None:
    assert [view.name for view in VIEWS if view.family == TYPE] == list(TYPES)
    assert sorted(view.name for view in GENERATORS) == sorted(SAMPLERS)
    families = list(dict.fromkeys(view.family for view in VIEWS))
    assert families[: len(FAMILIES) + 1] == [TYPE, *FAMILIES]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: f"{view.family}-{view.name}")
def test_each_has_a_page_and_says_in_one_sentence_what_it_is(view: ffgen.KindView) -> None:
    assert view.summary and "\n" not in view.summary and len(view.summary) < 160
    assert view.page and not view.page.startswith(" ")
    if view.family in FAMILIES:
        assert view.summary.endswith(".") and view.types and set(view.types) <= set(TYPES)
        assert all(parameter.value for parameter in view.parameters)


def test_a_type_names_what_draws_it() -> None:
    drawn = {view.name: view.drawn_by for view in VIEWS if view.family == TYPE}
    assert drawn["integer"] == "uniform" and drawn["email"] == "person.email" and drawn["string"] == ""
    assert {name for name in drawn.values() if name} <= set(SAMPLERS)
    for view in GENERATORS:
        for name, by in drawn.items():
            assert by != view.name or name in view.types, f"{by} does not draw {name}"


def test_a_name_may_be_a_type_and_a_generator() -> None:
    assert [view.family for view in ffgen.types("boolean")] == [TYPE, "numbers"]
    assert [view.name for view in ffgen.types("person.email")] == ["person.email"]


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="no generator called lognromal") as caught:
        ffgen.types("lognromal")
    assert caught.value.hint == "Did you mean lognormal?"
    with pytest.raises(UsageError) as caught:
        ffgen.types("qqqqqqqqq")
    assert caught.value.hint == "`ffgen types` lists them."


class Inner(Struct):
    mean: Annotated[float, Meta(gt=0, le=9.5, description="The middle.")]
    low: float | None = None


class Base(Sampler):
    inherited: bool = False


class Some(Base, kw_only=True):
    """Some of many: a few.

    More.
    """

    example: ClassVar[str] = "\n- name: a\n  type: text\n"
    ratio: Annotated[float, Meta(ge=0, le=1)] = 0.5
    inner: Inner | Annotated[float, Meta(ge=0)] | None = None
    form: Literal["x", "y"] = "x"
    names: Annotated[list[str], Meta(max_length=9)] = msgspec.field(default_factory=lambda: ["a"])
    gap: str = " "
    count: Annotated[int, Meta(ge=16, le=2**40, multiple_of=8)]


def test_parameters_are_told_with_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(one.name, one.value, one.default, one.required, one.meaning) for one in parameters_of(Some)]
    assert told == [
        ("ratio", "number from 0 to 1", "0.5", False, ""),
        ("inner", "mapping or number from 0", "", False, ""),
        ("inner.mean", "number above 0, at most 9.5", "", True, "The middle."),
        ("inner.low", "number", "", False, ""),
        ("form", "`x` or `y`", "x", False, ""),
        ("names", "list of text (at most 9)", '["a"]', False, ""),
        ("gap", "text", '" "', False, ""),
        ("count", "integer from 16 to 1,099,511,627,776, in steps of 8", "", True, ""),
        ("inherited", "true or false", "false", False, ""),
    ]
    monkeypatch.setattr(module, "resolve", {"some": Some}.__getitem__)
    view = generator_view("some", "the package some 1.0")
    assert (view.family, view.summary, view.example) == ("plugins", "Some of many: a few.", "- name: a\n  type: text")
    with pytest.raises(ValueError, match="in no family"):
        generator_view("some")


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[str, Meta(max_length=40)], "text of at most 40 characters"),
        (Annotated[list[Any], Meta(min_length=2, max_length=2)], "list of 2"),
        (Annotated[list[int], Meta(min_length=2, max_length=2)], "list of integer (2 of them)"),
        (int | list[int] | None, "integer or a list of those"),
        (list[tuple[float, str]], "list of list of number and text"),
        (Annotated[float, Meta(ge=-1e200, le=1e200)], "number"),
        (Annotated[float, Meta(gt=0)], "number above 0"),
        (Annotated[float, Meta(le=1e15)], "number up to 1e+15"),
        (dict[str, int], "mapping"),
    ],
)
def test_annotations_in_words(annotation: Any, words: str) -> None:
    assert described(annotation)[0] == words


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("Codes, e.g. A-1. More.", "Codes, e.g. A-1."),
        ("Text with slots: `{a}`.", "Text with slots."),
        ("No full stop", "No full stop"),
        ("Version numbers (semver.org), low\nones first.\n\n- `a`: b", "Version numbers (semver.org), low ones first."),
    ],
)
def test_the_first_sentence(page: str, said: str) -> None:
    assert first_sentence(page) == said


def test_generators_of_packages_are_listed_last_with_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    class Draws:
        """Draws."""

        def generate(self, rng: Any, constraints: Any) -> str:
            return "a"

    monkeypatch.setattr(plugins, "origins", lambda: {"mine": "/home/me/mine.py"})
    monkeypatch.setattr(plugins, "find", {"mine": sampler_of("mine", Draws)}.__getitem__)
    last = ffgen.types()[-1]
    assert (last.name, last.family, last.origin, last.parameters) == ("mine", "plugins", "/home/me/mine.py", [])
    assert ffgen.types("mine")[0].page == "Draws."

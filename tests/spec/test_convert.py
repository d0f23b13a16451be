import time
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ffgen.errors import Finding
from ffgen.spec.convert import convert
from ffgen.spec.load import assign, of_value, parse
from ffgen.spec.model import Spec

GOOD = """\
model: {endpoint: embedded}
dataset:
  count: 10
  fields:
    - {name: age, type: integer, range: [18, 65]}
    - name: home
      type: object
      fields:
        - name: street
    - {name: tags, type: array, items: {type: string}}
"""


class Leaf(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    size: Annotated[int, Meta(ge=1, lt=10)] = 1
    word: Annotated[str, Meta(min_length=2, max_length=4, pattern="^[a-z]*$")] = "ab"
    kind: Literal["rows", "objects", "csv"] = "rows"
    kinds: list[Literal["rows", "objects", "csv"]] = []
    even: Annotated[int, Meta(multiple_of=2)] = 0
    share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    flag: bool = False
    pair: Annotated[list[int], Meta(min_length=2, max_length=2)] | None = None
    either: str | list[str] = ""
    rate: int | Literal["auto"] = 1
    table: dict[str, int] = {}

    def __post_init__(self) -> None:
        if self.size == 9:
            raise ValueError("size 9 is sold out.")


class Tree(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"leaf": "the leaf"}):
    leaf: Leaf | None = None
    leaves: Annotated[list[Leaf], Meta(max_length=2)] | dict[str, Leaf] = []
    name: str


def errors(text: str, kind: type[Struct] = Tree) -> list[Finding]:
    value, findings = convert(parse(text, "s.yaml"), kind)
    assert (value is None) == bool(findings)
    return findings


def leaf_error(text: str) -> str:
    (finding,) = errors(text, Leaf)
    return f"{finding.what} {finding.hint}".strip()


def test_a_good_spec_becomes_structs() -> None:
    spec, findings = convert(parse(GOOD), Spec)
    assert findings == []
    assert spec is not None and spec.model is not None
    assert spec.model.endpoint == "embedded"
    assert [field.name for field in spec.datasets[0].fields] == ["age", "home", "tags"]
    home, tags = spec.datasets[0].fields[1:]
    assert home.fields is not None and home.fields[0].name == "street"
    assert tags.items is not None and tags.items.type == "string"


def test_structs_stand_in_options_lists_and_mappings() -> None:
    tree, _ = convert(parse('name: x\n"the leaf": {size: 2}\nleaves: [{}, {size: 3}]'), Tree)
    assert tree == Tree(name="x", leaf=Leaf(size=2), leaves=[Leaf(), Leaf(size=3)])
    tree, _ = convert(parse("name: x\nleaves: {a: {size: 3}}"), Tree)
    assert tree == Tree(name="x", leaves={"a": Leaf(size=3)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size: 0", "must be >= 1, got 0."),
        ("size: 10", "must be < 10, got 10."),
        ("even: 3", "must be a multiple of 2, got 3."),
        ("share: 0", "must be > 0, got 0."),
        ("share: 1.5", "must be <= 1, got 1.5."),
        ("size: abc", "expected an integer, got text `abc`."),
        ("size: '5'", "expected an integer, got text `5`. Write it as a number: `5`."),
        ("size: 1,000", "expected an integer, got text `1,000`. Write it as a number: `1000`."),
        ("size: 2.0", "expected an integer, got the number `2.0`. Write `2`."),
        ("size: true", "expected an integer, got `true`."),
        ("size:", "expected an integer, got nothing. Give it a value, or leave the key out."),
        ("word: a", "must have at least 2 characters, got 1."),
        ("word: abcde", "must have at most 4 characters, got 5."),
        ("word: AB", "must match `^[a-z]*$`, got `AB`."),
        ("word: 5", 'expected text, got the number `5`. Quote it if it is text: `"5"`.'),
        ("word: [a-z]", "expected text, got a list. Quote it if it is text."),
        ("flag: yes", "expected true or false, got text `yes`. Write `true`."),
        ("flag: off", "expected true or false, got text `off`. Write `false`."),
        ("kind: row", "expected one of rows, objects, csv; got `row`. Did you mean `rows`?"),
        ("kind: 5", "expected one of rows, objects, csv; got the number `5`."),
        ("kinds: [rows, row]", "expected one of rows, objects, csv; got `row`. Did you mean `rows`?"),
        ("pair: [1]", "must have exactly 2 entries, got 1."),
        ("pair: 1-10", "expected a list of integers, got text `1-10`. Write a list: `[1, 10]`."),
        ("pair: 1, 10", "expected a list of integers, got text `1, 10`. Write a list: `[1, 10]`."),
        ("pair: 5", "expected a list of integers, got the number `5`. Write a list: `[5]`."),
        ("pair: [1, a]", "expected an integer, got text `a`."),
        ("pair: {a: 1}", "expected a list of integers, got a mapping."),
        ("either: 5", 'expected text or a list of texts, got the number `5`. Quote it if it is text: `"5"`.'),
        ("rate: aut", "expected an integer or auto, got text `aut`. Did you mean `auto`?"),
        ("table: 5", "expected a mapping, got the number `5`."),
        ("table: {a: x}", "expected an integer, got text `x`."),
        ("size: 9", "size 9 is sold out."),
        ("[1]", "expected a mapping, got a list."),
    ],
)
def test_what_does_not_fit_is_said_in_words_about_the_file(text: str, said: str) -> None:
    assert leaf_error(text) == said


def test_a_bad_entry_is_pointed_at() -> None:
    findings = errors("kinds: [rows, row, csv, 5]\ntable: {a: 1, b: x}", Leaf)
    assert [(f.path, f.line, f.column) for f in findings] == [
        ("kinds[1]", 1, 15),
        ("kinds[3]", 1, 25),
        ("table.b", 2, 18),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nleafes: []", "Did you mean `leaves`?"),
        ("name: x\nnames: y", "Did you mean `name`?"),
        ("name: x\nNAME: y", "Did you mean `name`?"),
        ("name: x\nsize: 1", 'Did you mean `["the leaf"].size`?'),
        ("name: x\nzzz: 1", "Known here: the leaf, leaves, name."),
    ],
)
def test_an_unknown_key_is_pointed_at_and_its_nearest_named(text: str, said: str) -> None:
    (finding,) = errors(text)
    assert (finding.line, finding.column) == (2, 1)
    assert finding.what == f"unknown key `{text.split()[2][:-1]}`."
    assert finding.hint == said


def test_a_missing_key_is_told_at_the_key_that_lacks_it() -> None:
    (finding,) = errors("model: {}\ndataset:\n  count: 5\n", Spec)
    assert str(finding) == "s.yaml:2:1 at dataset: the key `fields` is missing."


def test_lists_and_mappings_of_structs_that_do_not_fit() -> None:
    (finding,) = errors("name: x\nleaves: [{}, {}, {}]")
    assert finding.what == "must have at most 2 entries, got 3."
    (finding,) = errors("dataset: {fields: age}", Spec)
    assert finding.what == "expected a list of mappings, got text `age`."
    assert finding.hint == "Write a list: start each entry with `- `."
    (finding,) = errors("dataset: {fields: [age]}", Spec)
    assert (finding.path, finding.column) == ("dataset.fields[0]", 20)


def test_every_error_of_a_file_is_found_in_file_order() -> None:
    text = """\
modle: {}
model:
  batch_size: 0
  reply: row
  key: {envv: X}
dataset:
  count: many
  fields:
    - name: 5
      ranges: [1, 2]
    - fields:
        - nam: x
    - items: {name: [a]}
sede: 1
"""
    findings = errors(text, Spec)
    assert [f.path for f in findings] == [
        "modle",
        "model.batch_size",
        "model.reply",
        "model.key.envv",
        "dataset.count",
        "dataset.fields[0].name",
        "dataset.fields[0].ranges",
        "dataset.fields[1].fields[0].nam",
        "dataset.fields[2].items.name",
        "sede",
    ]
    assert all(f.source == text.split("\n")[f.line - 1] for f in findings)


def test_twenty_are_shown_and_the_others_counted() -> None:
    findings = errors("name: x\n" + "".join(f"k{i}: 1\n" for i in range(150)))
    assert len(findings) == 21
    assert findings[-1].what == "and 130 more."


def test_a_hundred_thousand_errors_take_no_minute() -> None:
    document = parse("kinds: [" + "row," * 90_000 + "]\n" + "".join(f"k{i}: 1\n" for i in range(40_000)))
    started = time.process_time()
    _, findings = convert(document, Leaf)
    assert time.process_time() - started < 5
    assert findings[-1].what == "and 129980 more."


def test_an_override_is_named_for_its_error() -> None:
    document = assign(parse(GOOD, "s.yaml"), {"dataset.count": 0, "modle.name": "x"}, {"dataset.count": "--count"})
    _, findings = convert(document, Spec)
    assert [f.where for f in findings] == ["--count", "modle.name"]


def test_python_values_have_paths_but_no_places() -> None:
    _, findings = convert(of_value({"name": "x", "leaf": 1}), Tree)
    assert [str(f) for f in findings] == ["at leaf: unknown key `leaf`. Did you mean `the leaf`?"]


keys = st.sampled_from(["model", "dataset", "fields", "name", "count", "range", "items", "endpoint", "seed", "x"])
scalars = st.none() | st.booleans() | st.integers(-(10**31) + 1, 10**31 - 1) | st.text(max_size=3)
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(keys, values), values)
def test_any_value_is_a_spec_or_has_findings_in_our_words(value: dict[str, Any], field: Any) -> None:
    for candidate in (value, {"dataset": {"fields": [field]}}):
        spec, findings = convert(of_value(candidate), Spec)
        assert (spec is None) == bool(findings)
        for finding in findings:
            assert "$" not in finding.path
            assert finding.what.endswith(".")
            assert "`int`" not in finding.what and "`str`" not in finding.what

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.spec.hostile.corpus import REFUSED

from ffgen.errors import DestinationError, FfgenError, SpecError
from ffgen.spec import load
from ffgen.spec.load import Document, assign, of_value, parse, read

ROOT = Path(__file__).parents[2]
SPEC = """\
# a comment
model:
  endpoint: http://127.0.0.1:11434
dataset:
  name: people
  count: 10
  fields:
    - name: age
      type: integer
      range: [18, 65]
    - {name: mail, type: "email", "unique": true}
"""

# What YAML 1.1 leaves unquoted as text and YAML 1.2 reads as a number is outside the round trip: 08, 1e5, 0o7.
texts = st.text(max_size=20).filter(lambda text: text[:1] not in tuple("+-.0123456789") and text != "<<")
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(10**31) + 1, 10**31 - 1) | finite | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


def refused(text: str | bytes, file: str = "") -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse(text, file)
    return caught.value


def tame(text: str | bytes, file: str = "") -> None:
    """Parses, or is refused with findings that can be shown; anything else fails the test."""
    try:
        parse(text, file)
    except SpecError as error:
        assert 0 < len(error.findings) <= 20
        for finding in error.findings:
            str(finding).encode()
            finding.source.encode()


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_with_a_reason_in_under_a_second(name: str) -> None:
    make, reason = REFUSED[name]
    text = make()
    started = time.process_time()
    error = refused(text, "hostile.yaml")
    assert time.process_time() - started < 1
    assert reason in str(error.findings[0])
    assert error.findings[0].file == "hostile.yaml"


@pytest.mark.parametrize("name", ["100k open brackets", "merge bomb", "alias bomb", "60k TAG directives"])
def test_what_kills_a_process_elsewhere_does_not_kill_ours(name: str) -> None:
    command = [sys.executable, "-m", "tests.spec.hostile.corpus", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert REFUSED[name][1] in done.stdout
    assert float(done.stdout.split()[0]) < 1


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - {"300k values"}))  # two seconds in pure Python
def test_without_libyaml_the_same_files_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_LOADER", yaml.SafeLoader)
    refused(REFUSED[name][0]())


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    tame(text)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#?,~<. \n\t\\1"))
def test_any_punctuation_is_parsed_or_refused(text: str) -> None:
    tame(text)
    tame(text, "x.json")


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    tame(data)


@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_damaged_spec_is_parsed_or_refused(rng: random.Random, damages: int) -> None:
    data = bytearray(SPEC.encode())
    for _ in range(damages):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] = rng.choice(b"\n\t :-[]{}&*!|>'\"%#\x00\xff0")
        else:
            del data[at : at + rng.randrange(8)]
    tame(bytes(data))


@given(values)
def test_what_yaml_writes_comes_back(value: Any) -> None:
    assert parse(yaml.safe_dump(value)).value == value


@given(st.recursive(scalars | st.text(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10))
def test_what_json_writes_comes_back(value: Any) -> None:
    assert parse(json.dumps(value), "x.json").value == value


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "[no, on, 1:30, 2024-13-45, 2024-01-02, 1_000, 0o17, 0x1F, .5, 1e3, +12, ~, , -0, 'true', ! x, Null]"
    value = parse(text.replace(", ,", ", !!null '',")).value
    assert value == [
        *("no", "on", "1:30", "2024-13-45", "2024-01-02", "1_000"),
        *(15, 31, 0.5, 1000.0, 12, None, None, 0, "true", "x", None),
    ]
    assert [type(entry) for entry in value[6:11]] == [int, int, float, float, int]


def test_core_tags_say_the_type() -> None:
    assert parse("!!map {a: !!seq [!!str 5, !!float 1, !!int '7', !!null '', !!bool true]}").value == {
        "a": ["5", 1.0, 7, None, True]
    }
    assert "`x` can't be read as `!!int`" in str(refused("!!int x"))


def test_aliases_share_values_and_have_their_own_place() -> None:
    document = parse("a: &x {b: 1}\nc: *x\n")
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.where(("c",)) == (2, 4)
    assert document.where(("c", "b")) == (1, 11)


def test_places_are_those_an_editor_shows() -> None:
    document = parse(SPEC, "s.yaml")
    assert document.where(()) == (2, 1)
    assert document.where(("dataset", "count")) == (6, 10)
    assert document.where_key(("dataset", "count")) == (6, 3)
    assert document.where(("dataset", "fields", 0, "range", 1)) == (10, 19)
    assert document.where(("dataset", "fields", 1, "type")) == (11, 26)
    assert document.where_key(("dataset", "fields", 1, "unique")) == (11, 35)
    assert document.where(("dataset", "fields", 0, "range", 7, "deeper")) == (10, 14)
    assert document.where(("nothing",)) == (2, 1)


def test_places_survive_a_mark_windows_lines_wide_letters_and_json_pairs() -> None:
    assert parse("\ufeffa: 1\r\nb: 2\r\n".encode()).where(("b",)) == (2, 4)
    assert parse("é😀: x").where(("é😀",)) == (1, 5)
    text = '{\n "a": "\\ud83d\\ude00\\ud83d\\ude00", "b": [1], "c": 2,\n "d": "\\\\ud83d\\\\ude00"}'
    document = parse(text, "s.json")
    assert document.value == {"a": "😀😀", "b": [1], "c": 2, "d": "\\ud83d\\ude00"}
    row = text.split("\n")[1]
    assert document.where(("b",)) == (2, row.index("[1]") + 1)
    assert document.where_key(("c",)) == (2, row.index('"c"') + 1)


def test_a_finding_says_file_place_path_and_line() -> None:
    finding = parse(SPEC, "s.yaml").finding(("dataset", "fields", 0, "range"), "high is low.", "Swap them.")
    assert str(finding) == "s.yaml:10:14 at dataset.fields[0].range: high is low. Swap them."
    assert finding.source == "      range: [18, 65]"
    odd = parse('"a b": {"c.d": 1}').finding(("a b", "c.d"), "x")
    assert odd.path == '["a b"]["c.d"]'


def test_every_duplicate_and_bad_scalar_is_found_at_once() -> None:
    error = refused("a: 1\na: 2\nb:\n  - .nan\n  - !x y\n1: c\n", "s.yaml")
    assert [(f.line, f.column, f.path) for f in error.findings] == [
        (2, 1, ""),
        (4, 5, "b[0]"),
        (5, 5, "b[1]"),
        (6, 1, ""),
    ]
    assert len(refused("[" + ".nan," * 100 + "]").findings) == 20


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('a: "\\d+"', (1, 5), "an unknown escape after `\\`. Use single quotes, or double the backslash."),
        ("a: @b", (1, 4), "a plain text can't start with `@`. Quote the text."),
        ("a: b: c", (1, 5), "a `:` isn't expected here."),
        ("a: [1, 2\nb: 3", (2, 2), "a `,` or `]` is missing here. The bracket opens on line 1."),
        ("a:\n  b: 1\n c: 2", (3, 2), "this doesn't fit what stands above. Check the indent of this line."),
        ("a: *.txt", (1, 5), "`*` and `&` are not text here. Quote the text."),
    ],
)
def test_syntax_errors_are_said_in_our_words(text: str, place: tuple[int, int], said: str) -> None:
    finding = refused(text).findings[0]
    assert (finding.line, finding.column) == place
    assert said in f"{finding.what} {finding.hint}"


def test_a_large_spec_takes_well_under_a_second() -> None:
    entry = "    - name: field_{}\n      type: integer\n      description: some words about it\n      range: [1, 100]\n"
    text = "dataset:\n  fields:\n" + "".join(entry.format(i) for i in range(9000))
    assert 800_000 < len(text) < 1 << 20
    started = time.process_time()
    parse(text)
    assert time.process_time() - started < (1 if yaml.__with_libyaml__ else 20)


def test_read_names_the_file_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("a: .nan")
    with pytest.raises(SpecError, match=r"shop\.yaml:1:4"):
        read(tmp_path / "shop.yaml")


def test_a_missing_file_is_named_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("a: 1")
    with pytest.raises(DestinationError, match="There is no spec") as caught:
        read(tmp_path / "shpo.yaml")
    assert "shop.yaml" in caught.value.hint
    with pytest.raises(DestinationError, match="can't be read"):
        read(tmp_path)
    with pytest.raises(DestinationError, match="can't be read"):
        read("a\0b")
    with pytest.raises(DestinationError, match="no folder"):
        read(tmp_path / "nowhere" / "x.yaml")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs a file without end")
def test_a_file_without_end_is_read_up_to_the_limit() -> None:
    with pytest.raises(SpecError, match="1 MiB"):
        read("/dev/zero")


def test_python_values_are_copied_within_the_same_limits() -> None:
    fields = ({"name": "a"},)
    document = of_value({"dataset": {"fields": fields, "count": 3}})
    assert document.value == {"dataset": {"fields": [{"name": "a"}], "count": 3}}
    assert document.where(("dataset",)) == (0, 0)
    assert str(document.finding(("dataset",), "x")) == "at dataset: x"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": date(2024, 1, 1)}, "a spec can't hold a `datetime.date`. A date is text"),
        ({"a": [float("nan")]}, "nan is not a finite number"),
        ({"a": 10**31}, "at most 31 digits"),
        ({1: 2}, "a key must be text"),
        ({"a": b"x"}, "can't hold a `bytes`"),
        ({"a": "\ud800"}, "surrogate"),
        ({"a": ["x"] * 200_001}, "at most 200000 values"),
        ({"a": "x" * (1 << 20) + "y"}, "at most 1 MiB"),
    ],
)
def test_python_values_that_yaml_could_not_hold_are_findings(value: Mapping[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said.replace("(", r"\(")):
        of_value(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    with pytest.raises(SpecError, match="64 levels"):
        of_value(loop)


def document() -> Document:
    return parse(SPEC, "s.yaml")


def test_assign_puts_values_over_the_files() -> None:
    before = document()
    after = assign(
        before,
        {
            "dataset.count": 5,
            "dataset.fields[1].unique": False,
            "dataset.fields.age.range": [1, 2],
            "output.path": "x.csv",
            "model.key.env": "KEY",
        },
        {"dataset.count": "--count", "output.path": "-o"},
    )
    assert after.value["dataset"]["count"] == 5
    assert after.value["dataset"]["fields"][1]["unique"] is False
    assert after.value["dataset"]["fields"][0]["range"] == [1, 2]
    assert after.value["output"] == {"path": "x.csv"}
    assert after.value["model"] == {"endpoint": "http://127.0.0.1:11434", "key": {"env": "KEY"}}
    assert before.value == document().value
    assert after.finding(("dataset", "count"), "x").where == "--count"
    assert after.finding(("dataset", "fields", 0, "range", 1), "x").where == "dataset.fields.age.range"
    assert after.finding(("dataset", "name"), "x").where == "s.yaml:5:9"
    # A mapping made for an override is not to blame for what it lacks, but its key is the override's.
    assert after.finding(("output",), "x").where == "s.yaml:2:1"
    assert after.finding(("output",), "x", key=True).where == "-o"


def test_assign_does_not_change_what_an_alias_shares() -> None:
    after = assign(parse("a: &x {b: 1}\nc: *x\n"), {"a.b": 2}, {})
    assert after.value == {"a": {"b": 2}, "c": {"b": 1}}


def test_the_last_override_counts() -> None:
    after = assign(of_value({}), {"a.b": 1, "a": {"c": 2}}, {"a.b": "--first", "a": "--second"})
    assert after.value == {"a": {"c": 2}}
    assert after.finding(("a", "b"), "x").where == "--second"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("dataset.count.x", "dataset.count is a single value"),
        ("dataset.fields[9].range", "there is no [9]"),
        ("dataset.fields.nobody.range", "no entry named `nobody`. It has `age`, `mail`."),
        ("dataset[0]", "dataset is a mapping"),
        ("dataset..x", "is no path"),
        ('a["b', "is no path"),
        ("", "is no path"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_finding(path: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        assign(document(), {path: 1, "dataset.name": date(2024, 1, 1)}, {path: "--set"})
    assert [finding.file for finding in caught.value.findings] == ["--set", "dataset.name"]
    assert said in str(caught.value.findings[0])


@given(st.text(alphabet='ab.[]"\\0129 '), values)
def test_any_assignment_is_made_or_refused(path: str, value: Any) -> None:
    try:
        assign(parse("a: [{name: b}]"), {path: value}, {})
    except FfgenError as error:
        assert isinstance(error, SpecError)

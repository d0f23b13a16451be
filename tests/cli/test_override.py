"""What a command line changes in a spec."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffgen.errors import UsageError
from ffgen_cli.override import changes, read_assignment, said_in
from ffgen_cli.settings import resolve


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("dataset.count=5", "dataset.count", 5),
        ("dataset.fields[2].range=[18, 90]", "dataset.fields[2].range", [18, 90]),
        ("dataset.fields.age.values=[no, yes, on]", "dataset.fields.age.values", ["no", "yes", "on"]),
        ('a["b=c"]=x', 'a["b=c"]', "x"),
        ("seed=010", "seed", 10),
        ("a=1:30", "a", "1:30"),
        ("a=2024-01-31", "a", "2024-01-31"),
        ("a=1e3", "a", 1000.0),
        ("a=", "a", None),
        ("a=~", "a", None),
        ("a=true", "a", True),
        ("a='x=y'", "a", "x=y"),
        ("model.options={top_k: 5}", "model.options", {"top_k": 5}),
    ],
)
def test_assignments(text: str, path: str, value: object) -> None:
    assert read_assignment(text) == (path, value)


@pytest.mark.parametrize(
    "text", ["count", "=5", "a=[1", "a=!!python/object:os.system x", "a={b: *c, d: &c 1}", "a=" + "[" * 9000]
)
def test_what_is_no_assignment_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        read_assignment(text)


@given(st.text(max_size=60))
def test_no_text_shows_a_trace(text: str) -> None:
    try:
        read_assignment(text)
    except UsageError as error:
        assert error.what


def spec(folder: Path, text: str) -> str:
    path = folder / "s.yaml"
    path.write_text(text)
    return str(path)


def test_what_a_spec_says_two_levels_deep(tmp_path: Path) -> None:
    source = spec(
        tmp_path, "seed: 1\nmodel: {name: x, options: {seed: 3}}\ndataset:\n  fields:\n  - {count: 5}\n  count: 2\n"
    )
    assert said_in(source) == {
        "seed", "model", "model.name", "model.options", "dataset", "dataset.fields", "dataset.count",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[", "a: b: c", "- 1\n- 2", "a", "[" * 100_000, "{? [a]: b}", "a: &x [*x]\nb: *x\nc: 1"]
)
def test_a_broken_spec_says_little_and_hurts_nobody(tmp_path: Path, text: str) -> None:
    assert said_in(spec(tmp_path, text)) <= {"a", "b", "c"}
    assert said_in(str(tmp_path)) == frozenset()


def test_a_project_file_yields_to_the_spec_and_set_goes_last(tmp_path: Path) -> None:
    source = spec(tmp_path, "seed: 1\nmodel: {}\ndataset: {count: 2}\n")
    (tmp_path / "ffgen.toml").write_text('seed = 9\nendpoint = "http://a"\n')
    found = resolve({"count": 5}, environ={}, folder=tmp_path, user_file=tmp_path / "none")
    assign, origin = changes(source, found, ("dataset.count=6",))
    assert assign == {"dataset.count": 6, "model.endpoint": "http://a"}
    assert origin == {"dataset.count": "--set", "model.endpoint": str(tmp_path / "ffgen.toml")}


@pytest.mark.parametrize(
    ("text", "flags", "paths"),
    [
        ("dataset: {count: 2}\n", {}, set()),
        ("tables: []\n", {"concurrency": 8}, set()),
        ("model: {}\n", {}, {"model.endpoint", "model.name"}),
        ("dataset: {mode: records}\n", {}, {"model.endpoint", "model.name"}),
        ("dataset: {count: 2}\n", {"model": "m"}, {"model.endpoint", "model.name"}),
    ],
)
def test_variables_alone_do_not_make_a_drawn_spec_ask(
    tmp_path: Path, text: str, flags: dict[str, object], paths: set[str]
) -> None:
    around = {"FFGEN_LLM_BASE_URL": "http://a", "FFGEN_LLM_MODEL": "x"}
    found = resolve(flags, environ=around, folder=tmp_path, user_file=tmp_path / "none")
    assert changes(spec(tmp_path, text), found)[0].keys() == paths

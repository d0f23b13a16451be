"""Spec to plan: every error and warning at once and at its place, and a plan that is a value."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ffgen
from ffgen.errors import Finding, SpecError, UsageError
from ffgen.plan.compile import MOST_ASKS, hash_of

WRONG = """\
model:
  endpoint: [http://localhost:11434, "http://me:secret@host:1"]
  api: ollama
  timeout: soon
  key: {env: A, file: b}
  options: {seed: 4}
dataset:
  count: 1000
  as_of: yesterday
  unique_by: [agee, age, age]
  require: ["age > nme", "age +"]
  fields:
    - name: age
      type: integer
      range: [80, 18]
    - name: age
      type: strng
    - name: "a.b"
    - type: email
    - name: status
      type: enum
      values: [active, active]
      weights: [1]
    - name: code
      pattern: "(?<=a)b"
      length: [9, 2]
    - name: when
      type: date
      range: [2024-13-01, 2024-12-31]
      format: "%Y-%d-%m"
      values: [tomorrow]
    - name: pay
      type: number
      range: [0, 10]
      values: [5, 11]
      examples: [1]
    - name: home
      type: object
      fields:
        - name: city
          length: [1, 5]
          decimals: 2
        - name: tags
          type: array
          items: {type: integer, unique: true}
    - name: phone
      type: phone
      pattern: "^0"
output:
  path: out.jsonl
  format: csv
"""
# Line of the file, path, and what the message says.
FOUND = [
    (2, "model.endpoint[1]", "credentials"),
    (4, "model.timeout", "`soon` is not a duration"),
    (5, "model.key", "needs exactly one of `env` and `file`"),
    (6, "model.options", "`model.options.seed` is ffgen's to set"),
    (9, "dataset.as_of", "`yesterday` is not a date"),
    (10, "dataset.unique_by[0]", "no field is named `agee`"),
    (10, "dataset.unique_by[2]", "`age` is listed twice"),
    (11, "dataset.require[0]", "There is no field nme"),
    (11, "dataset.require[1]", "column"),
    (15, "dataset.fields[0].range", "high (18) is below low (80)"),
    (16, "dataset.fields[1].name", "`age` is already the name of field 0"),
    (17, "dataset.fields[1].type", "unknown type `strng`"),
    (18, "dataset.fields[2].name", "a name can't hold a dot"),
    (19, "dataset.fields[3]", "a field needs a `name`"),
    (22, "dataset.fields[4].values", "`active` is listed twice"),
    (23, "dataset.fields[4].weights", "1 weights for 2 values"),
    (25, "dataset.fields[5].pattern", "uses look-around"),
    (26, "dataset.fields[5].length", "high (2) is below low (9)"),
    (29, "dataset.fields[6].range", "`2024-13-01` is not a date like 2024-03-17"),
    (30, "dataset.fields[6].format", "would be written as 2021-05-02, which reads as another value"),
    (31, "dataset.fields[6].values[0]", "`tomorrow` is not a valid date here (format)"),
    (35, "dataset.fields[7].values[1]", "`11` is not a valid number here (range)"),
    (36, "dataset.fields[7].examples[0]", "`1` is not a valid number here (values)"),
    (41, "dataset.fields[8].fields[0].length", "means nothing for type number"),
    (45, "dataset.fields[8].fields[1].items.unique", "only top-level fields can be unique"),
    (48, "dataset.fields[9].pattern", "no value of type phone matches"),
    (50, "output.path", "ends with .jsonl, but csv was asked"),
]
MODEL = {"endpoint": "http://localhost:11434"}
NAME = {"name": "name"}


def check(*fields: dict[str, Any], model: dict[str, Any] | None = None, **dataset: Any) -> list[Finding]:
    return ffgen.check({"model": model or MODEL, "dataset": {"fields": [*fields]} | dataset})


def only(*fields: dict[str, Any], **options: Any) -> Finding:
    (finding,) = check(*fields, **options)
    return finding


def test_all_errors_of_a_spec_at_once_each_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    found = ffgen.check(path)
    assert [(finding.line, finding.path) for finding in found] == [(line, where) for line, where, _ in FOUND]
    for finding, (line, _, what) in zip(found, FOUND, strict=True):
        assert what in finding.what and finding.hint and finding.file == str(path)
        assert finding.source == WRONG.splitlines()[line - 1] and finding.column > 0
    warned = [finding.path for finding in found if finding.severity == "warning"]
    assert warned == ["dataset.fields[7].examples[0]"]
    assert "secret" not in "".join(f"{finding.what}{finding.hint}" for finding in found)
    with pytest.raises(SpecError) as caught:
        ffgen.load(path)
    assert list(caught.value.findings) == found


def test_what_the_plan_finds_stands_beside_what_the_file_has_wrong(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "modl: {}\nmodel: {endpoint: 'ftp://h', retires: 3}\ndataset:\n  cont: 5\n  unique_by: [nope]\n  fields:\n"
        "    - {name: a, type: integer, rnge: [1, 2], values: [x]}\n    - {name: b, type: integer, range: [2, 1]}\n"
        "    - {name: c, count: 5}\n    - {name: d, type: object, fields: [{name: e, type: strin}]}\n"
        "    - {name: [f], range: [1, 2]}\n"
    )
    said = [(finding.line, finding.path) for finding in ffgen.check(path)]
    assert said == [
        (1, "modl"),
        (2, "model.retires"),
        (4, "dataset.cont"),
        (7, "dataset.fields[0].rnge"),
        (8, "dataset.fields[1].range"),
        (9, "dataset.fields[2].count"),
        (10, "dataset.fields[3].fields[0].type"),
        (11, "dataset.fields[4].name"),
    ]


def test_a_good_spec_has_no_findings_wherever_it_comes_from(tmp_path: Path) -> None:
    spec = {"model": MODEL, "dataset": {"fields": [NAME]}}
    assert ffgen.check(spec) == []
    (tmp_path / "good.json").write_text(msgspec.json.encode(spec).decode())
    assert ffgen.check(tmp_path / "good.json") == [] and ffgen.load(tmp_path / "good.json") == ffgen.load(spec)


@pytest.mark.parametrize(
    ("model", "path", "what"),
    [
        ({}, "model", "no model is named"),
        ({"name": "llama"}, "model", "no model is named"),
        ({"endpoint": []}, "model", "no model is named"),
        ({"endpoint": " "}, "model.endpoint", "is empty"),
        ({"endpoint": ["http://a", ""]}, "model.endpoint[1]", "is empty"),
        ({"endpoint": "ftp://a"}, "model.endpoint", "ftp"),
        ({"endpoint": "http://169.254.169.254"}, "model.endpoint", "link-local"),
        ({"endpoint": ["embedded", "http://a"]}, "model.endpoint", "stands alone"),
        (MODEL | {"patience": 0}, "model.patience", "above 0"),
        (MODEL | {"timeout": "1y"}, "model.timeout", "not a duration"),
        (MODEL | {"key": {}}, "model.key", "exactly one"),
        (MODEL | {"options": {"messages": []}}, "model.options", "messages"),
        (MODEL | {"options": {"format": "x"}, "api": "ollama"}, "model.options", "format"),
    ],
)
def test_models_that_can_t_be_asked(model: dict[str, Any], path: str, what: str) -> None:
    finding = only(NAME, model=model or {"batch_size": 5})
    assert finding.path == path and what in finding.what and finding.severity == "error"


@pytest.mark.parametrize(
    "model",
    [
        {"endpoint": "localhost:11434"},
        {"endpoint": "embedded"},
        {"endpoint": ["http://a:1", "https://b/v1"]},
        MODEL | {"options": {"format": "x"}, "api": "openai"},
        MODEL | {"options": {"format": "x"}},
        MODEL | {"timeout": "1h30m", "patience": 5, "key": {"env": "KEY"}, "concurrency": "auto"},
        MODEL | {"options": {"seed": None}},
    ],
)
def test_models_that_can_be_asked(model: dict[str, Any]) -> None:
    assert check(NAME, model=model) == []


@pytest.mark.parametrize(
    ("field", "path", "what", "hint"),
    [
        ({"type": "emial"}, "type", "unknown type `emial`", "Did you mean `email`?"),
        ({"type": "zzz"}, "type", "unknown type", "Types are array, boolean"),
        ({"name": 'a"b'}, "name", "a name can't hold", "Use `_`."),
        ({"name": "a\\b"}, "name", "a name can't hold", "Use `_`."),
        ({"name": "a\nb"}, "name", "a name can't hold", "Use `_`."),
        ({"type": "string", "values": [5]}, "values[0]", "`5` is not a valid string here (type)", "Correct it"),
        (
            {"type": "enum", "values": ["a"], "length": 5},
            "length",
            "means nothing for type enum",
            "It takes values, weights.",
        ),
        ({"type": "email", "pattern": "@gmail$"}, "pattern", "no value of type email", "e.g. maria.lopez@example.com"),
    ],
)
def test_fields_that_can_t_be(field: dict[str, Any], path: str, what: str, hint: str) -> None:
    finding = only(NAME, {"name": "f"} | field)
    assert finding.path == f"dataset.fields[1].{path}" and what in finding.what and hint in finding.hint


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"examples": ["ok", 5]}, "type"),
        ({"length": [1, 3], "examples": ["ok", "long"]}, "length"),
        ({"type": "email", "examples": ["a@example.com", "b@corp.io"]}, "reserved"),
        ({"examples": ["ok", None]}, "null"),
    ],
)
def test_bad_examples_are_warnings(field: dict[str, Any], reason: str) -> None:
    finding = only({"name": "f"} | field)
    assert (finding.path, finding.severity) == (
        "dataset.fields[0].examples[1]",
        "warning",
    ) and f"({reason})" in finding.what
    assert ffgen.load({"model": MODEL, "dataset": {"fields": [{"name": "f"} | field]}})


def test_conditions_are_checked_against_the_types_of_their_fields() -> None:
    home = {"name": "home", "type": "object", "fields": [{"name": "since", "type": "date", "format": "%d.%m.%Y"}]}
    assert check(NAME, home, require="home.since > DATE '2024-01-01' AND LENGTH(name) > 3") == []
    finding = only(NAME, home, require=["name IS NOT NULL", "name > 5"])
    assert finding.path == "dataset.require[1]" and finding.what.startswith("column ")
    assert only(NAME, require="LENGTH(name)").path == "dataset.require"


def test_a_spec_compiles_to_a_value() -> None:
    spec = {"model": MODEL | {"batch_size": 10}, "dataset": {"name": "t", "count": 95, "fields": [NAME]}, "seed": 7}
    plan = ffgen.plan(spec)
    assert plan == ffgen.plan(ffgen.load(spec)) == pickle.loads(pickle.dumps(plan))
    assert (plan.shards.base, plan.max_asks, plan.shards.seed, plan.shards.table) == (10, 50, 7, "t")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=ffgen.Plan) == plan
    assert ffgen.plan(spec, max_asks=1.04).max_asks == 10 and ffgen.plan(spec, max_asks=2).max_asks == 20
    preview = ffgen.plan(spec | {"model": MODEL}, assign={"dataset.count": 10})
    assert preview.max_asks == 1 + round(4 * 10 / preview.shards.makeup_size) > 5, (
        "five times ten rows, in small shards"
    )
    assert plan.context >= 2048 and plan.context % 1024 == 0
    wide = spec | {"model": MODEL | {"batch_size": 1000, "max_tokens": 30_000}}
    assert ffgen.plan(wide).context > 30_000


@pytest.mark.parametrize("wrong", [0, 0.5, -1, float("nan"), float("inf"), MOST_ASKS + 1])
def test_a_budget_that_can_t_be_is_refused(wrong: float) -> None:
    with pytest.raises(UsageError, match="--max-asks must be from 1"):
        ffgen.plan({"model": MODEL, "dataset": {"fields": [NAME]}}, max_asks=wrong)


def test_each_endpoint_counts_once() -> None:
    plan = ffgen.plan({"model": {"endpoint": ["http://a", "http://b", "http://a"]}, "dataset": {"fields": [NAME]}})
    assert plan.endpoints == ["http://a", "http://b"]
    assert ffgen.plan({"model": MODEL, "dataset": {"fields": [NAME]}}).endpoints == ["http://localhost:11434"]


def test_a_plan_is_named_for_what_shapes_its_replies() -> None:
    base: dict[str, Any] = {"model.endpoint": "http://a", "dataset.fields": [NAME]}

    def name(**changes: Any) -> str:
        assign = base | {key.replace("__", "."): value for key, value in changes.items()}
        return hash_of(ffgen.load({"dataset": {"fields": [NAME]}}, assign=assign))

    same = [
        name(),
        name(model__endpoint=["http://b", "http://c"]),
        name(model__concurrency=8),
        name(model__timeout=5),
        name(model__price={"input": 1}),
        name(model__key={"env": "A"}),
        name(output__path="a.csv"),
    ]
    other = [
        name(seed=1),
        name(dataset__count=5),
        name(model__temperature=0.1),
        name(model__batch_size=3),
        name(model__name="x"),
    ]
    assert len(set(same)) == 1 and len({*same, *other}) == 1 + len(other)


def test_a_spec_without_a_model_is_no_plan() -> None:
    spec = msgspec.convert({"dataset": {"mode": "records", "fields": [NAME]}}, ffgen.Spec)
    with pytest.raises(SpecError, match="no model is named"):
        ffgen.plan(spec)


def test_a_spec_without_a_model_and_a_mode_is_drawn() -> None:
    spec = msgspec.convert({"dataset": {"fields": [NAME]}}, ffgen.Spec)
    assert ffgen.plan(spec).is_drawn


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({}, "needs a `dataset`, or `tables`"),
        ({"dataset": None}, "needs a `dataset`, or `tables`"),
        ({"dataset": {"fields": [NAME]}, "tables": [{"name": "a", "fields": [NAME]}]}, "has both"),
    ],
)
def test_a_spec_has_a_dataset_or_tables(spec: dict[str, Any], what: str) -> None:
    (finding,) = ffgen.check(spec)
    assert (finding.path, finding.severity) == ("dataset", "error") and what in finding.what

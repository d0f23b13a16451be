"""Samplers and validators of others: by file when allowed, by package, a column or a value at a time."""

import importlib.metadata
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.sample.drive import bound, drawn

import ffgen
from ffgen import sample
from ffgen.errors import ShortfallError, UsageError
from ffgen.rng import stream
from ffgen.sample import SAMPLERS, plugins
from ffgen.sample.base import Rows
from ffgen.sample.outside import OneAtATime
from ffgen.spec.model import Dataset, Field
from ffgen.spec.types import Problem

SHIFTS = '''
import polars as pl
from typing import Annotated, ClassVar
from msgspec import Meta
from ffgen.sample import Sampler


class Shift(Sampler):
    """A shift of a factory: early, late or night.

    - `nights`: the share of night shifts.
    """

    name: ClassVar[str] = "shift"
    nights: Annotated[float, Meta(ge=0, le=1)] = 0.2

    def draw(self, rng, n, rows):
        return pl.Series(["night" if each < self.nights else "early" for each in rng.random(n)])


class PartNumber:
    """A part number of our own: two letters and a number in the field's range."""

    def generate(self, rng, constraints):
        low, high = constraints.get("range") or (1, 999)
        return rng.choice(constraints.get("makers", ["AB"])) + str(rng.randint(low, high))

    def validate(self, value):
        return True if not value.endswith("13") else "unlucky"


class Due:
    """A day in March."""

    type = "date"

    def generate(self, rng, constraints):
        import datetime
        return datetime.date(2025, 3, rng.randint(1, 31))


class Prices:
    """A part costs more than nothing."""

    field = "price"

    def validate(self, value):
        return value > 0


class Helper:
    """Neither draws nor checks."""


def validate_record(record, rules):
    low = rules["price"]["range"][0]
    return record["price"] >= low or f"below {low}"
'''


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Leaves no plugin behind."""
    yield
    plugins._files.clear()
    plugins.offered.cache_clear()
    plugins._of_package.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shifts.py").write_text(SHIFTS)
    return tmp_path


def load(folder: Path, text: str = "", name: str = "shifts.py") -> list[str]:
    if text:
        (folder / name).write_text(textwrap.dedent(text))
    return plugins.load_files([name], True, folder)


def failure(folder: Path, text: str, name: str = "bad.py") -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(folder, text, name)
    assert caught.value.hint
    return caught.value


def test_a_file_runs_only_when_it_is_allowed(folder: Path) -> None:
    (folder / "shifts.py").write_text("import os; os.mkdir('ran')")
    with pytest.raises(UsageError) as caught:
        plugins.load_files(["shifts.py"], False, folder)
    assert str(folder / "shifts.py") in caught.value.what and "--allow-plugins" in caught.value.hint
    assert not (folder / "ran").exists() and not Path("ran").exists()
    assert plugins.load_files(["a_validator"], False, folder) == []


def test_a_sampler_of_a_file_draws_columns(folder: Path) -> None:
    assert load(folder) == ["shift", "part_number", "due"]
    given: dict[str, Any] = {"generator": {"name": "shift", "nights": 0.75}}
    found = drawn(10_000, **given)
    assert 7300 < (found == "night").sum() < 7700
    assert found.equals(drawn(10_000, **given)) and not found.equals(drawn(10_000, seed=1, **given))
    assert sample.resolve("shift").gives == "string" == sample.gives("shift")


def test_its_parameters_are_checked_as_ours_are(folder: Path) -> None:
    load(folder)
    for wrong, key in (({"nights": 2}, "generator.nights"), ({"day": 1}, "generator.day")):
        with pytest.raises(Problem) as caught:
            bound(generator={"name": "shift", **wrong})
        assert caught.value.key == key and "ffgen types shift" in caught.value.hint


def test_a_generator_of_one_value_is_told_the_constraints_and_the_parameters(folder: Path) -> None:
    load(folder, """
        class Echo:
            type = "text"

            def generate(self, rng, constraints):
                return repr(sorted(constraints.items()))
    """, "echo.py")  # fmt: skip
    field: dict[str, Any] = {"type": "string", "length": [9, 999], "generator": {"name": "echo", "loud": True}}
    (text,) = set(drawn(3, **field))
    assert eval(text) == [("length", [9, 999]), ("loud", True), ("type", "string")]
    ends = bound(type="date", range=["2025-01-01", "2025-02-01"], generator="echo")
    assert isinstance(ends, OneAtATime)
    with pytest.raises(ShortfallError, match="2025"):
        drawn(1, sampler=ends)


def test_values_are_of_the_field_s_type_and_hold_its_constraints(folder: Path) -> None:
    load(folder)
    days = drawn(500, generator="due", type="date", range=["2025-03-05", "2025-03-09"])
    assert set(days) == {date(2025, 3, day) for day in range(5, 10)}
    assert sample.gives("due") == "date"
    parts = drawn(500, generator={"name": "part_number", "makers": ["CD", "EF"]}, pattern="[0-4]$")
    assert set(parts.str.slice(0, 2)) == {"CD", "EF"} and set(parts.str.slice(-1)) <= set("01234")
    assert parts.equals(drawn(500, generator={"name": "part_number", "makers": ["CD", "EF"]}, pattern="[0-4]$"))
    assert len(drawn(0, generator="part_number")) == 0


def test_what_its_own_validate_refuses_is_drawn_again(folder: Path) -> None:
    load(folder)
    assert not drawn(5000, generator="part_number").str.ends_with("13").any()
    load(folder, """
        class Stubborn:
            def generate(self, rng, constraints):
                return "same"

            def validate(self, value):
                return "seen before"
    """, "stubborn.py")  # fmt: skip
    with pytest.raises(ShortfallError) as caught:
        drawn(3, generator="stubborn")
    assert "`stubborn`" in caught.value.what and "(seen before)" in caught.value.what and "100" in caught.value.hint


def test_chance_is_the_stream_s_alone(folder: Path) -> None:
    load(folder)
    sampler = bound(generator="part_number")
    rows = Rows(np.arange(9, dtype=np.uint64), (0, "t", 0, 0))
    first, second = (sampler.draw(stream(0, "x"), 9, rows) for _ in range(2))
    assert list(first) == list(second)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero (broken.py:4)"),
        ("raise KeyError('a')", "KeyError"),
        ("import sys; sys.exit(3)", "SystemExit"),
    ],
)
def test_a_fault_is_told_as_the_plugin_s(folder: Path, body: str, said: str) -> None:
    load(folder, f"""
        class Broken:
            def generate(self, rng, constraints):
                {body}
    """, "broken.py")  # fmt: skip
    with pytest.raises(UsageError) as caught:
        drawn(3, generator="broken")
    assert caught.value.what.startswith(f"The plugin `broken` failed: {said}")


def test_a_column_of_the_wrong_length_or_a_fault_in_it_is_the_plugin_s(folder: Path) -> None:
    load(folder, """
        from ffgen.sample import Sampler

        class Short(Sampler):
            def draw(self, rng, n, rows):
                return rng.random(n - 1)

        class Wrong(Sampler):
            def draw(self, rng, n, rows):
                return rows["nothing"]
    """, "columns.py")  # fmt: skip
    with pytest.raises(UsageError, match="drew 2 values, not 3"):
        drawn(3, generator="short")
    with pytest.raises(UsageError, match=r"`wrong` failed: KeyError: 'nothing' \(base.py"):
        drawn(3, generator="wrong")


def test_files_that_can_t_be_plugins_are_refused(folder: Path) -> None:
    assert "SyntaxError" in failure(folder, "def (").what
    assert "ZeroDivisionError" in failure(folder, "1 / 0").what
    assert "SystemExit" in failure(folder, "raise SystemExit").what
    assert "already" in failure(folder, "class Uniform:\n    def generate(self, rng, c): return 1").what
    twice = "class A:\n    name = 'x'\n    def generate(self, rng, c): return 1\n"
    assert "two classes" in failure(folder, twice + twice.replace("A", "B")).what
    assert (
        "gives 'colour'"
        in failure(folder, "class A:\n    type = 'colour'\n    def generate(self, r, c): return 1").what
    )
    assert "draws nothing" in failure(folder, "from ffgen.sample import Sampler\nclass A(Sampler): pass").what
    with pytest.raises(UsageError, match="can't be read"):
        plugins.load_files(["none.py"], True, folder)
    with pytest.raises(Problem, match="can't be made"):
        load(folder, "class A:\n    def __init__(self, x): ...\n    def generate(self, rng, c): return 1", "a.py")
        bound(generator="a")


def test_a_file_runs_once_until_it_changes(folder: Path) -> None:
    text = "import os; os.environ['RUNS'] += 'x'\nclass A:\n    def generate(self, rng, c): return '1'"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNS", "")
        for _ in range(2):
            load(folder, text, "a.py")
        assert os.environ["RUNS"] == "x" and set(drawn(3, generator="a")) == {"1"}
        before = plugins.digest(["a.py"], folder)
        load(folder, text.replace("'1'", "'2'"), "a.py")
        assert os.environ["RUNS"] == "xx" and set(drawn(3, generator="a")) == {"2"}
    assert before != plugins.digest(["a.py"], folder) != "" == plugins.digest(["named"], folder)


def test_validators_of_a_file_hold_rows(folder: Path) -> None:
    load(folder)
    checks = plugins.record_validators(["shifts.py"], folder)
    rules = plugins.rules_of(Dataset(fields=[Field(name="price", type="number", range=[5, 9])]))
    assert rules == {"price": {"type": "number", "range": [5, 9]}}

    def verdicts(price: float | None) -> list[bool | str]:
        return [check({"price": price}, rules) for check in checks]

    assert verdicts(7.0) == [True, True]
    assert verdicts(3.0) == [True, "below 5"]
    assert verdicts(-1.0) == ["price: prices", "below 5"]
    with pytest.raises(UsageError, match="`shifts` failed: TypeError"):
        verdicts(None)


def test_a_validator_of_a_type_holds_its_fields(folder: Path) -> None:
    load(folder, """
        class Short:
            type = "string"

            def validate(self, value):
                return len(value) < 3 or "too long"

        class Rows:
            def validate_record(self, record, rules):
                return None
    """, "checks.py")  # fmt: skip
    short, rows = plugins.record_validators(["checks.py"], folder)
    rules = {"a": {"type": "string"}, "b": {"type": "text"}}
    assert short({"a": "ab", "b": "abcd"}, rules) is True and short({"a": None}, rules) is True
    assert short({"a": "abc"}, rules) == "a: too long"
    with pytest.raises(UsageError, match="`rows` says 'None'"):
        rows({}, rules)
    load(folder, "class Lost:\n    def validate(self, value): return True", "lost.py")
    with pytest.raises(UsageError, match="names no `type`"):
        plugins.record_validators(["lost.py"], folder)


def offer(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str, str]) -> None:
    found = [EntryPoint(name, value, group) for group, name, value in points]
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [each for each in found if each.group == group]
    )


def test_packages_are_looked_at_only_for_a_name_that_is_not_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def entry_points(group: str) -> list[EntryPoint]:
        asked.append(group)
        return []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    sample.resolve("ref")
    assert asked == []
    with pytest.raises(KeyError):
        sample.resolve("reff")
    assert asked == ["ffgen.samplers"] and sample.gives("reff") == ""
    with pytest.raises(Problem) as caught:
        bound(generator="uniformm")
    assert caught.value.hint == "Did you mean `uniform`?"


def test_packages_that_take_a_name_that_is_taken_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("ffgen.samplers", "uniform", "a:B"))
    with pytest.raises(UsageError, match="offers a generator `uniform`, which ffgen has already"):
        plugins.origins()
    plugins.offered.cache_clear()
    offer(monkeypatch, ("ffgen.samplers", "x", "a:B"), ("ffgen.samplers", "x", "c:D"))
    with pytest.raises(UsageError, match="a:B and c:D both offer `x`"):
        plugins.origins()


def test_a_package_that_can_t_be_imported_is_a_problem_of_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("ffgen.samplers", "gone", "no_such_module:A"), ("ffgen.samplers", "odd", "json:dumps"))
    for name, said in (("gone", "ModuleNotFoundError"), ("odd", "is no class")):
        with pytest.raises(Problem) as caught:
            bound(generator=name)
        assert caught.value.key == "generator" and said in caught.value.what
    assert plugins.origins() == {"gone": "no_such_module:A", "odd": "json:dumps"}


def test_a_validator_of_a_package_holds_only_where_a_spec_lists_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("ffgen.validators", "never", "operator:ne"))
    assert plugins.record_validators([]) == []
    (check,) = plugins.record_validators(["never"])
    assert check({}, {"a": {}}) is True and check({}, {}) is False
    with pytest.raises(UsageError, match="No package offers a validator `neverr`"):
        plugins.record_validators(["neverr"])


PACKAGE = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "ffgen-dice"
        version = "1.0"
        [project.entry-points."ffgen.samplers"]
        dice = "ffgen_dice:Dice"
    """,
    "ffgen_dice.py": '''
        from typing import Annotated, ClassVar
        from msgspec import Meta
        from ffgen.sample import Sampler

        class Dice(Sampler):
            """The sum of some dice.

            - `count`: how many.
            """

            example: ClassVar[str] = "- {name: roll, generator: {name: dice, count: 2}}"
            gives: ClassVar[str] = "integer"
            count: Annotated[int, Meta(ge=1, le=100)] = 1

            def draw(self, rng, n, rows):
                return rng.integers(1, 7, (n, self.count)).sum(axis=1)
    ''',
}
ROLLS = """
import hashlib, sys
from tests.sample.drive import drawn
print(hashlib.sha256(str(drawn(5000, generator={"name": "dice", "count": 3}).to_list()).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with a generator, built and unpacked into a folder of its own."""
    work = tmp_path_factory.mktemp("dice")
    for name, text in PACKAGE.items():
        (work / name).write_text(textwrap.dedent(text))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"}
    subprocess.run(
        [*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", "made", "."], cwd=work, env=env, check=True
    )
    (wheel,) = (work / "made").glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", "site", str(wheel)], cwd=work, env=env, check=True)
    return work / "site"


def python(site: Path, *arguments: str) -> str:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{root}", "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, *arguments], env=env, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_adds_a_kind_that_is_listed_and_draws_the_same_bytes_everywhere(installed: Path) -> None:
    assert "dice" not in SAMPLERS
    first, second = (python(installed, "-c", ROLLS) for _ in range(2))
    assert first == second and len(first) == 65
    listed = python(installed, "-m", "ffgen_cli", "types")
    assert "dice" in listed and "The sum of some dice" in listed
    page: Any = json.loads(python(installed, "-m", "ffgen_cli", "types", "dice", "--json"))["kinds"][0]
    assert page["origin"] == "the package ffgen-dice 1.0"
    assert [(each["name"], each["value"], each["default"]) for each in page["parameters"]] == [
        ("count", "integer from 1 to 100", "1")
    ]


def test_a_wheel_s_kind_is_in_the_schema_and_runs_the_same_in_any_number_of_processes(
    installed: Path, tmp_path: Path
) -> None:
    schema = json.loads(python(installed, "-m", "ffgen_cli", "schema"))
    ways = schema["$defs"]["Field"]["properties"]["generator"]["anyOf"]
    assert "dice" in ways[0]["enum"]
    assert any(way.get("properties", {}).get("name", {}).get("const") == "dice" for way in ways)
    spec = tmp_path / "s.yaml"
    spec.write_text(
        "dataset:\n  count: 150000\n  fields:\n"
        "    - {name: id, generator: sequence}\n    - {name: roll, generator: {name: dice, count: 2}}\n"
    )
    made = []
    for workers in ("0", "1", "3"):
        out = tmp_path / f"{workers}.jsonl"
        python(installed, "-m", "ffgen_cli", "run", str(spec), "-o", str(out), "-q", "--workers", workers)
        made.append(out.read_bytes())
    assert made[0] == made[1] == made[2] and made[0].count(b"\n") == 150_000


def test_a_file_that_is_allowed_draws_the_same_in_any_number_of_processes(tmp_path: Path) -> None:
    (tmp_path / "plug.py").write_text(
        "class Part:\n    def generate(self, rng, constraints):\n        return f'P-{rng.randrange(1000):03}'\n\n\n"
        "def validate_record(record, rules):\n    return record['part'] != 'P-007' or 'seven'\n"
    )
    fields = [{"name": "id", "generator": "sequence"}, {"name": "part", "generator": "part"}]
    (tmp_path / "s.yaml").write_text(
        json.dumps({"plugins": ["plug.py"], "dataset": {"count": 70_000, "fields": fields}})
    )
    with pytest.raises(UsageError, match="--allow-plugins"):
        ffgen.check(tmp_path / "s.yaml")
    made = []
    for workers in (0, 2):
        out = tmp_path / f"{workers}.csv"
        ffgen.run(tmp_path / "s.yaml", out, workers=workers, allow_plugins=True)
        made.append(out.read_bytes())
    assert made[0] == made[1] and b"P-006" in made[0] and b"P-007" not in made[0]

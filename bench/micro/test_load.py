"""From a spec's path to a plan: what every command pays before it does anything."""

from pathlib import Path

import yaml
from pytest_benchmark.fixture import BenchmarkFixture

import ffgen

SPEC = Path(__file__).parents[2] / "specs" / "customers-model.yaml"


def test_load(benchmark: BenchmarkFixture) -> None:
    """Bounded YAML, the model, and every finding, those of the plan included."""
    assert benchmark(ffgen.load, SPEC).dataset.name


def test_plan(benchmark: BenchmarkFixture) -> None:
    spec = ffgen.load(SPEC)
    assert benchmark(ffgen.plan, spec).dataset.name


def test_bare_yaml(benchmark: BenchmarkFixture) -> None:
    """The peer: PyYAML's C loader, which has no limits, no places and no checks."""
    text = SPEC.read_text()
    assert benchmark(yaml.load, text, yaml.CSafeLoader)

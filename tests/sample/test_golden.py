"""Every sampler has an example, and makes the bytes that it made before."""

import json
from typing import Any

import pytest
from tests.sample import golden

import ffgen
from ffgen.sample import SAMPLERS, resolve

GOLDEN: dict[str, Any] = json.loads(golden.PATH.read_text(encoding="utf-8"))
OTHERWISE = "If that is meant: python -m tests.sample.golden --write, and say so in CHANGELOG.md."


def test_there_is_an_entry_for_every_sampler_and_no_other() -> None:
    assert sorted(GOLDEN) == golden.names(), OTHERWISE


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_it_has_an_example_whose_last_field_it_draws(name: str) -> None:
    assert resolve(name).example.strip() or name in golden.TABLES
    view = ffgen.describe(ffgen.plan(golden.spec_of(name)))
    table = next(table for table in view.tables if table.name == golden.TABLE)
    assert name in (table.fields[-1].made_by, "running_total")


@pytest.mark.parametrize("name", golden.names())
def test_it_makes_the_bytes_that_it_made_before(name: str) -> None:
    assert golden.entry(name) == GOLDEN.get(name), OTHERWISE


def test_no_two_shards_and_no_two_samplers_are_alike() -> None:
    drawn = [digest for name, entry in GOLDEN.items() if name != "row_count" for digest in entry["drawn"]]
    assert len(set(drawn)) == len(drawn)

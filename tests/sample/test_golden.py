"""Every sampler has an example, and makes the bytes that it made before."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.sample import golden

from ffgen.sample import SAMPLERS, resolve

GOLDEN: dict[str, Any] = json.loads(golden.PATH.read_text(encoding="utf-8"))
OTHERWISE = "If that is meant: python -m tests.sample.golden --write, and say so in CHANGELOG.md."
EXEMPT = frozenset({"total", "listed", "row_count"})
"""Samplers that an example of one table can't show; `golden.TABLES` has theirs."""


def test_there_is_an_entry_for_every_sampler_and_no_other() -> None:
    assert sorted(GOLDEN) == golden.names(), OTHERWISE


@pytest.mark.parametrize("name", sorted(SAMPLERS.keys() - EXEMPT))
def test_it_has_an_example_that_draws(name: str) -> None:
    spec = golden.spec_of(name)
    assert resolve(name).example.strip() or name in golden.TABLES
    assert golden.recipe_of(spec)[1].generators[spec.datasets[-1].fields[-1].name] or name in golden.TABLES


@pytest.mark.parametrize("name", golden.names())
def test_it_makes_the_bytes_that_it_made_before(name: str) -> None:
    assert golden.entry(name) == GOLDEN.get(name), OTHERWISE


def test_no_two_shards_and_no_two_samplers_are_alike() -> None:
    seen = [digest for entry in GOLDEN.values() for key in ("drawn", "unique") for digest in entry.get(key, [])]
    assert len(set(seen)) == len(seen)

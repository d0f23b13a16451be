"""The drafter over the tables that it was practised with: 300 descriptions by others, each scored blind once and then
learned from. What it understands of them must not get less."""

from pathlib import Path

import pytest
from tests.draft.held import score_lines
from tests.draft.score import built_in, load

import ffgen
from ffgen.errors import FfgenError

TABLES = sorted((Path(__file__).parent / "practice").glob("*.yaml"))
LEAST = 0.8


def test_there_are_sixty_descriptions_a_table() -> None:
    cases = [case for path in TABLES for case in load(path)]
    assert len(cases) == 60 * len(TABLES) and len({case["description"] for case in cases}) == len(cases)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_what_was_learned_is_not_lost(path: Path) -> None:
    assert score_lines(load(path), built_in).share >= LEAST


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_draft_makes_rows(path: Path) -> None:
    for case in load(path):
        try:
            made = ffgen.draft(case["description"], rows=20)
        except FfgenError:
            continue
        plan = ffgen.plan(made.spec)
        with ffgen.run(plan, table=made.main if "tables" in made.spec else None) as frames:
            assert sum(frame.height for frame in frames) == 20, case["id"]

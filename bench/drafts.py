"""How much of what people describe comes out of a draft, and how long does one take?

Points over the sixty descriptions of tests/draft/developing.yaml (`tests/draft/score.py`) and twice sixty for which
nobody tunes (`tests/draft/held.py`), by ffgen's own drafter and, over the first, where FFGEN_LLM_BASE_URL names a
server (FFGEN_LLM_MODEL, FFGEN_LLM_API and FFGEN_API_KEY as for the command), by that model;
and what a draft costs: made here, and taken from those that are kept.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import standin
from tests.draft.held import HELD_OUT, HELD_OUT_2, score_lines
from tests.draft.score import Drafted, built_in, load, score

import ffgen
from bench.compare import Figure
from ffgen.errors import FfgenError

CASES = Path(__file__).parents[1] / "tests" / "draft" / "developing.yaml"
TEXT = "customers of a bike shop with names, emails, what they bought and how much they spent"
LEAST = 0.9
LEAST_BLIND = 0.8
KEPT_LIMIT = 100.0
ANSWER = {"tables": [{"name": "customers", "fields": [{"name": "email", "type": "email"}]}]}


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Shares of points, then milliseconds. Under ten seconds without a model; with one, a minute or more."""
    cases = load(CASES)
    own = score(cases, built_in)
    missed = 1 - own.share
    figures = [
        Figure(
            name="drafts.built_in",
            value=100 * missed,
            better="lower",
            limit=100 * (1 - LEAST),
            note=f"% of points missed; {own.share:.1%} of {sum(own.most.values())} got",
        ),
        *(blind(path) for path in (HELD_OUT, HELD_OUT_2)),
        Figure(
            name="drafts.ms",
            value=timed(lambda: ffgen.draft(TEXT)),
            better="lower",
            is_ratio=False,
            note="without a model",
        ),
        kept(folder),
    ]
    if os.environ.get("FFGEN_LLM_BASE_URL"):
        theirs = score(cases[:12] if quick else cases, by_model)
        figures.append(
            Figure(
                name="drafts.model",
                value=100 * (1 - theirs.share),
                better="lower",
                is_ratio=False,
                note=f"% of points missed; {theirs.share:.1%} by {os.environ.get('FFGEN_LLM_MODEL', 'the model')}",
            )
        )
    return figures


def blind(path: Path) -> Figure:
    """Points over descriptions for which nobody tunes."""
    made = score_lines(load(path), built_in)
    return Figure(
        name=f"drafts.{path.stem}",
        value=100 * (1 - made.share),
        better="lower",
        limit=100 * (1 - LEAST_BLIND),
        note=f"% of points missed; {made.share:.1%} of {sum(made.most.values())} got",
    )


def by_model(description: str) -> Drafted:
    """The drafter of the model that the environment names; a refusal where it makes no spec."""
    settings: dict[str, Any] = {
        "endpoint": os.environ["FFGEN_LLM_BASE_URL"],
        "model": os.environ.get("FFGEN_LLM_MODEL"),
        "api": os.environ.get("FFGEN_LLM_API", "auto"),
        "key": os.environ.get("FFGEN_API_KEY"),
    }
    try:
        made = ffgen.draft(description, model_only=True, **settings)
    except FfgenError:
        return None
    return made.spec, [question.about for question in made.questions]


def kept(folder: Path) -> Figure:
    """What a kept draft takes, whose model is asked once in all."""
    with standin.start() as server:
        server.set(script=[{"text": json.dumps(ANSWER)}])

        def take() -> ffgen.Draft:
            return ffgen.draft(TEXT, endpoint=server.url, model="standin", cache_dir=folder / "kept", model_only=True)

        take()
        spent = timed(take)
        calls = server.stats()["requests"]
    return Figure(
        name="drafts.kept_ms",
        value=spent,
        better="lower",
        limit=KEPT_LIMIT,
        is_ratio=False,
        note=f"{calls} call of a model",
    )


def timed(act: Callable[[], object], rounds: int = 15) -> float:
    """Milliseconds, the median."""
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)

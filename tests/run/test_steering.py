"""Steering: what is asked follows from the verdicts far enough back, and from nothing else; a worn-out model gives
more with it than without."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.run.drive import KILLED, Site, records, spec, wait_for
from tests.run.test_state import Crew, World
from tests.standin import Standin, start

import ffgen
from ffgen.errors import ShortfallError
from ffgen.plan.shards import Shards
from ffgen.plan.strata import CELLS, Steer, Strata
from ffgen.run import steering as module
from ffgen.run.moves import Arrived, AskShard, Command, Complete, GiveUp, Judged, NoteStep, Started
from ffgen.run.state import State
from ffgen.run.steering import REMEMBERED, TAKEN, TAKEN_CHARS, Steering, window
from ffgen.spec.model import Field
from ffgen.spec.types import build_types

FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "age", "type": "integer", "range": [18, 90]},
    {"name": "kind", "type": "enum", "values": ["a", "b", "c"]},
]


def steering(shards: Shards) -> Steering:
    return Steering(Strata(build_types(msgspec.convert(FIELDS, list[Field])), shards), shards)


def chance(*what: object) -> float:
    """A number in 0..1 that is a function of these."""
    return xxhash.xxh3_64_intdigest(repr(what).encode()) / 2**64


class Worn(Crew):
    """Replies and verdicts that are functions of what is asked: fewer and fewer rows are new."""

    steers: dict[tuple[int, int], Steer | None]
    steps: list[NoteStep]

    def do(self, command: Command) -> None:
        if isinstance(command, AskShard):
            before = self.steers.setdefault((command.shard, command.attempt), command.steer)
            assert before == command.steer, "asked again, it is asked the same"
        if isinstance(command, NoteStep):
            self.steps.append(command)
        super().do(command)

    def reply(self, shard: int, endpoint: int) -> None:
        known = self.state.open[shard]
        made = int(known.size * (0.5 + chance(shard, known.attempt, known.steer) / 2))
        self.rows[shard] = 0 if chance("bad", shard, known.attempt) < 0.1 else made
        self.feed(Arrived(shard, endpoint))
        self.made(shard, asked=True)

    def end_judging(self) -> None:
        shard = self.judging.pop(0)
        rows, age = self.rows[shard], 1 / (1 + shard / 10)
        admitted = sum(chance(shard, row) < age for row in range(rows))
        self.feed(Judged(shard, admitted, tuple(f"v{row}" for row in range(min(3, rows - admitted)))))


def play(count: int, batch_size: int, seed: int, **said: Any) -> Worn:
    shards = Shards(count, batch_size, 7, "t")
    concurrency = said.pop("concurrency", 4)
    state = State(
        shards, max_asks=4 * shards.base + 20, retries=2, patience=30.0, steering=steering(shards),
        concurrency=concurrency, endpoints=said.pop("endpoints", 1),
    )  # fmt: skip
    played = Worn(state, World(**said), random.Random(seed))
    played.steers, played.steps = {}, []
    return played


@given(
    st.integers(0, 2**32),
    st.integers(1, 400),
    st.integers(1, 16),
    st.sampled_from([1, 3, 8]),
    st.sampled_from(["", "asked", "judging", "writing"]),
)
@settings(max_examples=40, deadline=None)
def test_whatever_comes_first_the_same_is_asked(
    seed: int, count: int, batch_size: int, concurrency: int, slow: str
) -> None:
    calm = play(count, batch_size, 0, concurrency=1)
    wild = play(count, batch_size, seed, concurrency=concurrency, endpoints=2, failing=0.1, losing=0.02, slow=slow)
    ends = [calm.run(), wild.run()]
    both = calm.steers.keys() & wild.steers.keys()
    assert all(calm.steers[key] == wild.steers[key] for key in both)
    shorter, longer = sorted((calm.steps, wild.steps), key=len)
    assert longer[: len(shorter)] == shorter
    if ends == [Complete(), Complete()]:
        assert calm.taken == wild.taken == count
    else:
        assert all(isinstance(end, Complete | GiveUp) for end in ends)


def test_nothing_waits_for_a_verdict_that_does_not_bear_on_it() -> None:
    """A hung first request stops no other of the first shards, and later ones only at the horizon."""
    played = play(80, 8, 0, concurrency=2)
    played.feed(Started())
    while others := [one for one in played.asked if one.shard != 0]:
        played.asked.remove(others[0])
        played.reply(others[0].shard, others[0].endpoint)
    shards = played.state.shards
    assert played.judged == 0 and played.state.launched == shards.base and shards.horizon(shards.base) > 0


# Decisions by hand


def worn_out(shards: Shards, new: float, until: int, step: int = 1) -> tuple[Steering, list[Steer]]:
    """Steering under a model whose share of new rows is always `new`, judged as late as can be."""
    made = steering(shards)
    steers: list[Steer] = []
    judged = 0
    while len(steers) < until:
        while not made.is_ready(len(steers)):
            rows = steers[judged].rows
            made.judged(rows, int(rows * new), [f"v{judged % 40}"])
            judged += 1
        steers.append(made.steer(len(steers)))
    return made, steers


SHARDS = Shards(320, 8, 7, "t")


def test_two_steps_begin_at_fixed_shards_and_say_why() -> None:
    made, steers = worn_out(SHARDS, 0.4, 200)
    size = window(SHARDS)
    first, second = made.began
    known = SHARDS.horizon(first.shard)
    assert known >= size > SHARDS.horizon(first.shard - 1)
    assert SHARDS.horizon(second.shard) >= first.shard + size > SHARDS.horizon(second.shard - 1)
    assert first.why == f"{3 * size} of {8 * size} valid rows of shards {known - size} to {known - 1} were new"
    assert [steer.step for steer in steers] == (
        [0] * first.shard + [1] * (second.shard - first.shard) + [2] * (200 - second.shard)
    )
    assert {steer.rows for steer in steers[: second.shard]} == {8} and {s.rows for s in steers[second.shard :]} == {16}
    assert all(not steer.avoid for steer in steers[: second.shard]) and all(s.avoid for s in steers[second.shard :])


@pytest.mark.parametrize(("new", "steps"), [(1.0, 0), (0.76, 0), (0.7, 1), (0.49, 2)])
def test_a_model_that_gives_enough_is_left_alone(new: float, steps: int) -> None:
    assert len(worn_out(Shards(3200, 100, 7, "t"), new, 300)[0].began) == steps


def test_what_is_known_too_early_changes_nothing() -> None:
    """Verdicts that are there long before they may be looked at."""
    late, steers = worn_out(SHARDS, 0.4, 120)
    early = steering(SHARDS)
    for index, steer in enumerate(steers):
        assert early.steer(index) == steer
        early.judged(steer.rows, int(steer.rows * 0.4), [f"v{index % 40}"])
    assert early.began == late.began


def test_make_up_shards_go_where_the_fewest_rows_were_admitted() -> None:
    made = steering(SHARDS)
    poor = 3
    asked: list[int] = []
    judged = 0
    for index in range(160):
        while not made.is_ready(index):
            made.judged(8, 4 if made._asked[judged].picks[0] == poor else 5, [])
            judged += 1
        asked.append(made.steer(index).picks[0])
    aimed = asked[made.began[0].shard :]
    assert made.began and SHARDS.base <= made.began[0].shard
    usual = len(aimed) / CELLS
    assert aimed.count(poor) > usual * 1.2
    assert all(a != b for a, b in zip(aimed, aimed[1:], strict=False))


def test_a_cell_that_gives_nothing_new_is_left_alone() -> None:
    made = steering(SHARDS)
    asked: list[int] = []
    judged = 0
    for index in range(160):
        while not made.is_ready(index):
            made.judged(8, 0 if made._asked[judged].picks[0] == 3 else 5, [])
            judged += 1
        asked.append(made.steer(index).picks[0])
    aimed = asked[made.began[0].shard :]
    assert aimed.count(3) == 0


def test_values_to_leave_alone_are_few_and_those_of_the_slice_come_first() -> None:
    made, steers = worn_out(SHARDS, 0.4, 150)
    assert len(made._repeated) == 40
    made._repeated.update({f"{letter}alue {number:03}": 5 for letter in "ABCKM" for number in range(50)})
    taken = made._taken(151)
    letters = made.strata.initials(151, 2)
    assert 0 < len(taken) <= TAKEN and sum(map(len, taken)) < TAKEN_CHARS
    firsts = [value[0].upper() in letters for value in taken]
    assert firsts == sorted(firsts, reverse=True)
    assert all(len(steer.avoid) <= TAKEN for steer in steers)


def test_what_is_remembered_is_bounded() -> None:
    made = steering(Shards(320, 8, 7, "t"))
    judged = 0
    for index in range(400):
        while not made.is_ready(index):
            made.judged(8, 2, [f"{judged}/{number}" for number in range(6)])
            judged += 1
        made.steer(index)
    assert len(made._repeated) <= REMEMBERED and len(made._asked) < 400 and len(made._verdicts) < 100


# Whole runs


@pytest.fixture
def worn() -> Iterator[Standin]:
    """A model that knows 300 records and has favourites."""
    with start(pool=300, habit=1.0) as server:
        yield server


def test_a_worn_out_model_gives_more_with_steering_than_without(
    site: Site, worn: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = spec(worn.url, 297)
    report = site.here(source, workers=0)
    steered = report.requests
    assert report.records == 297 and [each.step for each in report.steering] == [1, 2]
    monkeypatch.setattr(module, "FALLEN", (0.0, 0.0))
    site.cold()
    worn.reset()
    plain = site.here(source, workers=0)
    assert not plain.steering and steered < 0.8 * plain.requests
    site.cold()
    few = steered / 38  # what a perfect model would need: 38 requests
    with pytest.raises(ShortfallError):
        ffgen.run(ffgen.plan(source, max_asks=few), site.path(), cache_dir=str(site.cache))
    monkeypatch.undo()
    ffgen.run(ffgen.plan(source, max_asks=few), site.path(), cache_dir=str(site.cache), fresh=True)
    assert len({tuple(row.values()) for row in records(site.path())}) == 297


def test_steered_runs_are_the_same_bytes_however_they_run(site: Site, worn: Standin) -> None:
    digests, steps = set(), []
    for workers, concurrency, jitter in [(0, 1, 0.0), (0, 8, 0.02), (1, 8, 0.02)]:
        worn.set(jitter=jitter, http500=0.05 if jitter else 0.0)
        site.cold()
        worn.reset()
        report = site.here(spec(worn.url, 290, concurrency=concurrency), workers=workers)
        digests.add(site.digest())
        steps.append([(each.step, each.shard, each.why) for each in report.steering])
    assert len(digests) == 1 and steps[0] and steps[0] == steps[1] == steps[2]


def test_a_steered_run_that_is_killed_goes_on_with_the_same_bytes(site: Site, worn: Standin) -> None:
    source = spec(worn.url, 290, concurrency=4)
    site.here(source)
    calm = site.digest()
    site.cold()
    worn.set(latency=0.005)
    worn.reset()
    run = site.start(source, workers=1)
    assert wait_for(lambda: worn.stats()["replies"] >= 60)
    run.process.kill()
    assert run.end().code == KILLED
    before = worn.stats()["replies"]
    report = site.here(source)
    assert site.digest() == calm and report.steering and report.kept >= 40
    # In flight when it died, and what waited for a busy disk.
    assert worn.stats()["repeated"] <= 20 and worn.stats()["replies"] > before


def test_steps_are_told_where_a_run_tells_what_it_does(
    site: Site, worn: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ffgen.run")
    report = site.here(spec(worn.url, 290), audit=str(tmp_path / "audit.jsonl"))
    told = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    steps = [(each["step"], each["shard"], each["why"]) for each in told if each["event"] == "steered"]
    assert steps == [(each.step, each.shard, each.why) for each in report.steering] != []
    assert [each.step for each in report.steering] == [
        vars(entry)["step"] for entry in caplog.records if entry.message == "steering"
    ]
    assert {each.dataset for each in report.steering} == {"people"}

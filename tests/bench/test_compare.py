import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench import replay, rounds
from bench.compare import Figure, best_of, judge
from hypothesis import given
from hypothesis import strategies as st

from ffgen.admit.gate import Gate

RATIOS = st.floats(0.01, 100)


def figure(value: float, **more: Any) -> Figure:
    return Figure(name="a.b", value=value, **more)


@pytest.mark.parametrize("better, good, bad", [("higher", 0.8, 0.79), ("lower", 1.2, 1.21)])
def test_a_fifth_worse_than_the_baseline_is_still_good(better: Any, good: float, bad: float) -> None:
    assert not judge(figure(good, better=better), {"a.b": 1.0}).complaint
    assert judge(figure(bad, better=better), {"a.b": 1.0}).complaint == "21% worse than the baseline of 1"


@pytest.mark.parametrize("better, good, bad", [("higher", 0.97, 0.969), ("lower", 20.0, 20.1)])
def test_a_limit_holds_whatever_the_baseline_was(better: Any, good: float, bad: float) -> None:
    limit = good
    assert not judge(figure(good, better=better, limit=limit), {}).complaint
    assert "the limit of" in judge(figure(bad, better=better, limit=limit), {"a.b": bad}).complaint
    assert not judge(figure(bad, better=better, limit=limit), {"a.b": bad}, limits=False).complaint


def test_an_absolute_number_is_not_held_against_the_baseline() -> None:
    verdict = judge(figure(1.0, is_ratio=False), {"a.b": 100.0})
    assert verdict.baseline is None and not verdict.complaint


@given(st.lists(RATIOS, min_size=1), RATIOS, st.sampled_from(["higher", "lower"]))
def test_the_best_of_many_is_fine_if_any_is(values: list[float], before: float, better: Any) -> None:
    figures = [figure(value, better=better) for value in values]
    complaints = [judge(one, {"a.b": before}).complaint for one in figures]
    best = judge(best_of(figures)["a.b"], {"a.b": before}).complaint
    assert bool(best) == all(complaints)


def answers(*values: float, limit: float | None = None) -> tuple[rounds.Measure, list[float]]:
    """A question that gives these answers in turn, and those it has not given yet."""
    left = list(values)
    return lambda folder, quick: [figure(left.pop(0), limit=limit)], left


def test_a_question_is_asked_again_until_its_best_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(b'{"a.b": 1.0}')
    measure, left = answers(0.5, 0.7, 0.9, 0.6, 0.6)
    assert rounds.main({"q": measure}, ["--baseline", str(path)]) == 0
    assert left == [0.6, 0.6]
    measure, left = answers(0.5, 0.7, 0.79, 0.6, 0.6)
    assert rounds.main({"q": measure}, ["--baseline", str(path)]) == 1
    assert left == []
    assert "21% worse than the baseline" in capsys.readouterr().out


def test_quick_holds_no_limit(tmp_path: Path) -> None:
    measure, left = answers(0.5, 0.9, limit=0.8)
    assert rounds.main({"q": measure}, ["--quick", "--baseline", str(tmp_path / "none.json")]) == 0
    assert left == [0.9]


def test_saving_keeps_the_best_ratios_and_those_not_asked_now(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(b'{"a.b": 9.0, "c.d": 2.0}')
    extra = Figure(name="e.f", value=3.0, is_ratio=False)
    found = iter([0.5, 0.7, 0.6])
    assert (
        rounds.main(
            {"q": lambda *_: [figure(next(found)), extra]}, ["--save", "--rounds", "3", "--baseline", str(path)]
        )
        == 0
    )
    assert msgspec.json.decode(path.read_bytes()) == {"a.b": 0.7, "c.d": 2.0}


def test_a_slow_gate_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole run, small and in this process: once as it is, once with a gate that takes a millisecond more a reply."""
    line, question = (
        ["--baseline", str(tmp_path / "baseline.json")],
        {"replay": lambda folder, quick: replay.compared(folder, 6_400)},
    )
    assert rounds.main(question, [*line, "--save", "--rounds", "2"]) == 0
    judge_rows = Gate.judge

    def slow(self: Gate, *rows: Any) -> Any:
        time.sleep(0.001)
        return judge_rows(self, *rows)

    monkeypatch.setattr(Gate, "judge", slow)
    assert rounds.main(question, [*line, "--rounds", "2"]) == 1
    assert "worse than the baseline" in capsys.readouterr().out

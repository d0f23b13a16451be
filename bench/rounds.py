"""Asks questions in rounds, keeps the best answers, says how they compare. What `python -m bench` and its files run.

A round asks each question once, and a question measures its peer right beside ffgen, so that a noisy neighbour
meets both. A question with nothing left to complain about is not asked again: its best of five is good already.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bench.compare import Figure, Verdict, best_of, judge
from bench.customers import WrongOutput
from ffgen.errors import FfgenError

BASELINE = Path(__file__).with_name("baseline.json")
ROUNDS = 5

Measure = Callable[[Path, bool], list[Figure]]
"""One answer to a question: gets an empty folder, and whether to be quick (smaller, coarser)."""


def main(questions: Mapping[str, Measure], line: Sequence[str] | None = None, about: str = "") -> int:
    """The command line of a bench: 0 when all is well, 1 when a figure is not, or an output was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=about)
    parser.add_argument("names", nargs="*", metavar="QUESTION", help=f"of {', '.join(questions)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="smaller, coarser runs; limits are shown, not held")
    parser.add_argument("--save", action="store_true", help="make these ratios the baseline")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds at most (default %(default)s)")
    parser.add_argument("--baseline", type=Path, default=BASELINE, help="the file of ratios to compare with")
    told = parser.parse_args(line)
    if unknown := [name for name in told.names if name not in questions]:
        parser.error(f"no question {unknown[0]!r}; there are {', '.join(questions)}")
    asked = {name: questions[name] for name in told.names or questions}
    baseline = {} if told.save else load(told.baseline)
    try:
        figures = ask(asked, baseline, told.rounds, quick=told.quick, every=told.save)
    except (WrongOutput, FfgenError) as error:
        print(f"The run itself went wrong: {error}", file=sys.stderr)
        return 1
    verdicts = [judge(figure, baseline, limits=not told.quick) for figure in figures.values()]
    print(table(verdicts))
    if told.save:
        save(told.baseline, figures)
    return int(any(verdict.complaint for verdict in verdicts))


def ask(
    questions: Mapping[str, Measure], baseline: Mapping[str, float], rounds: int, *, quick: bool, every: bool
) -> dict[str, Figure]:
    """The best figures of up to `rounds` rounds; `every` does all of them, whatever the first ones said."""
    best: dict[str, dict[str, Figure]] = {name: {} for name in questions}
    for number in range(1, rounds + 1):
        for name, measure in questions.items():
            known = best[name].values()
            if known and not every and not any(judge(one, baseline, limits=not quick).complaint for one in known):
                continue
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="ffgen-bench-") as folder:
                found = measure(Path(folder), quick)
            best[name] = best_of([*known, *found])
            said = ", ".join(f"{figure.name} {figure.value:.4g}" for figure in found)
            print(f"round {number}, {time.monotonic() - began:.0f} s: {said}", file=sys.stderr, flush=True)
    return {figure.name: figure for found in best.values() for figure in found.values()}


def load(path: Path) -> dict[str, float]:
    """The kept ratios; none when there is no file yet."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, float]) if path.exists() else {}


def save(path: Path, figures: Mapping[str, Figure]) -> None:
    """Keeps the ratios, and those of questions that were not asked now. Absolute numbers are never kept."""
    fresh = {name: round(figure.value, 4) for name, figure in figures.items() if figure.is_ratio}
    kept = dict(sorted((load(path) | fresh).items()))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")


def table(verdicts: Sequence[Verdict]) -> str:
    """A line for each figure, for people."""
    lines = [("figure", "value", "limit", "baseline", "verdict", "note")]
    for verdict in verdicts:
        figure = verdict.figure
        sign = "at least" if figure.better == "higher" else "at most"
        limit = f"{sign} {figure.limit:g}" if figure.limit is not None else "-"
        baseline = f"{verdict.baseline:g}" if verdict.baseline is not None else "-"
        lines.append((figure.name, f"{figure.value:.4g}", limit, baseline, verdict.complaint or "ok", figure.note))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)

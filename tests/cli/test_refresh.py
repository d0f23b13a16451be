"""`ffgen refresh` as cron, CI and two impatient people call it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import MARK, marked, wait_for

from ffgen.place import Workspace
from ffgen_cli.command.refresh import severity

ROOT = Path(__file__).parents[2]
FFGEN = Path(sys.executable).parent / "ffgen"
SPEC = """\
dataset:
  name: {name}
  count: {count}
  fields:
    - {{name: id, type: integer, unique: true, generator: sequence}}
    - {{name: age, type: integer, range: [18, 80]}}
seed: {seed}
output: {{path: {path}}}
"""


class Fixtures:
    """A folder of specs, and ffgen called on it from elsewhere, with hardly an environment."""

    def __init__(self, folder: Path) -> None:
        self.specs = folder / "specs"
        self.home = folder / "home"
        for path in (self.specs, self.home):
            path.mkdir()
        self.environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", MARK: os.urandom(8).hex()}

    def write(self, name: str, count: int = 100, seed: int = 0, path: str = "") -> Path:
        file = self.specs / f"{name}.yaml"
        file.write_text(SPEC.format(name=name, count=count, seed=seed, path=path or f"out/{name}.jsonl"))
        return file

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(FFGEN), "refresh", *arguments], cwd=self.home, env=self.environ | environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        with self.start(*(arguments or (str(self.specs),)), **environ) as child:
            out, err = child.communicate(timeout=60)
        assert "Traceback" not in err and marked(self.environ[MARK]) == []
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    def outcomes(self, *arguments: str) -> dict[str, Any]:
        """The exit code, and what came of each spec."""
        done = self(str(self.specs), "--json", *arguments)
        told = json.loads(done.stdout)
        assert told["exit_code"] == done.returncode
        return {"code": done.returncode} | {Path(one["spec"]).stem: one["outcome"] for one in told["specs"]}

    def rows(self, name: str) -> int:
        return len((self.specs / "out" / f"{name}.jsonl").read_text().splitlines())


@pytest.fixture
def fixtures(tmp_path: Path) -> Fixtures:
    return Fixtures(tmp_path)


def test_the_crontab_line_of_the_manual_works_as_cron_calls_it(fixtures: Fixtures) -> None:
    fixtures.write("a")
    page = (ROOT / "docs" / "refresh.md").read_text()
    (line,) = re.findall(r"^\S+ \S+ \S+ \S+ \S+  (ffgen refresh /srv/fixtures.*)$", page, flags=re.MULTILINE)
    line = line.replace("/srv/fixtures", str(fixtures.specs))
    environ = {"HOME": str(fixtures.home), "LOGNAME": "x", "SHELL": "/bin/sh", "PATH": f"{FFGEN.parent}:/usr/bin:/bin"}

    def cron() -> tuple[int, bytes]:
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=fixtures.home, env=environ, stdin=subprocess.DEVNULL, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        return done.returncode, done.stdout

    assert cron() == (0, b"") and fixtures.rows("a") == 100
    before = (fixtures.specs / "out" / "a.jsonl").stat()
    assert cron() == (0, b"")
    assert (fixtures.specs / "out" / "a.jsonl").stat() == before
    fixtures.write("a", count=101)
    assert cron() == (0, b"") and fixtures.rows("a") == 101
    assert [path.name for path in fixtures.home.iterdir() if path.name not in (".cache", ".local")] == []


def test_what_is_stale_is_made_and_told_and_the_rest_is_left_alone(fixtures: Fixtures) -> None:
    fixtures.write("a")
    fixtures.write("b")
    (fixtures.specs / "compose.yaml").write_text("services: {web: {image: x}}\n")
    (fixtures.specs / "no-output.yaml").write_text(SPEC.split("output")[0].format(name="n", count=1, seed=0))
    listed = fixtures(str(fixtures.specs), "--check")
    assert (listed.returncode, listed.stderr) == (1, "")
    assert [line.rpartition(": ")[2] for line in listed.stdout.splitlines()] == ["not there", "not there"]
    assert not (fixtures.specs / "out").exists()
    first = fixtures()
    assert (first.returncode, first.stdout, first.stderr.count(": 100 records in ")) == (0, "", 2)
    fixtures.write("b", seed=1)
    assert fixtures.outcomes() == {"code": 0, "a": "fresh", "b": "made"}
    again = fixtures()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert fixtures(str(fixtures.specs), "--check").returncode == 0
    assert fixtures.outcomes("--force", "--seed", "3") == {"code": 0, "a": "made", "b": "made"}


def test_one_that_fails_does_not_stop_the_others_and_the_worst_is_the_exit_code(fixtures: Fixtures) -> None:
    fixtures.write("good")
    fixtures.write("wrong").write_text(SPEC.replace("[18, 80]", "[80, 18]").format(name="w", count=1, seed=0, path="w"))
    (fixtures.specs / "broken.yaml").write_text("dataset: [\noutput: {path: x.jsonl}\n")
    fixtures.write("held", path="held.jsonl")
    with Workspace.open(str(fixtures.specs / "held.jsonl")):
        done = fixtures()
    assert done.returncode == 2 and fixtures.rows("good") == 100
    assert "wrong.yaml:6:" in done.stderr and "broken.yaml:" in done.stderr
    assert f"Another run (process {os.getpid()}" in " ".join(done.stderr.split()) and "held.yaml" in done.stderr
    assert [severity(code) for code in (0, 6, 1, 3, 5, 2, 4, 70)] == list(range(8)) < [severity(143)]


def test_a_held_destination_is_6_at_once_or_is_waited_for(fixtures: Fixtures) -> None:
    spec = str(fixtures.write("a"))
    (fixtures.specs / "out").mkdir()
    with Workspace.open(str(fixtures.specs / "out" / "a.jsonl")):
        assert fixtures(spec).returncode == 6
        waiting = fixtures.start(spec, "--wait", "40s")
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(2.0)
    with waiting:
        _, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 0 and "100 records" in err


def test_of_two_at_once_one_makes_and_the_other_finds_it_made(fixtures: Fixtures) -> None:
    spec = str(fixtures.write("a", count=200_000))
    both = [fixtures.start(spec, "--wait", "1m", "--json") for _ in range(2)]
    told = []
    for one in both:
        with one:
            told.append(json.loads(one.communicate(timeout=60)[0]))
    assert sorted(one["specs"][0]["outcome"] for one in told) == ["fresh", "made"]
    assert {one["exit_code"] for one in told} == {0} and fixtures.rows("a") == 200_000


def test_readers_see_the_old_file_or_the_new_one_whole(fixtures: Fixtures) -> None:
    spec = str(fixtures.write("a", count=30_000))
    assert fixtures(spec).returncode == 0
    path, seen, stop = fixtures.specs / "out" / "a.jsonl", set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seed in (1, 2):
            assert fixtures(spec, "--seed", str(seed)).returncode == 0
            time.sleep(0.1)
    finally:
        stop.set()
        reader.join()
    assert len(seen) == 3 and {content.count(b"\n") for content in seen} == {30_000}
    assert all(content.endswith(b"}\n") for content in seen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_stops_it_stops_all_of_it(fixtures: Fixtures, number: signal.Signals) -> None:
    fixtures.write("a", count=200_000_000)
    child = fixtures.start(str(fixtures.specs))
    with child:
        assert wait_for(lambda: any(fixtures.specs.glob("out/.a.jsonl.ffgen/a.jsonl")), 30)
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
    assert child.returncode == (143 if number == signal.SIGTERM else -number)
    assert wait_for(lambda: marked(fixtures.environ[MARK]) == [], 15)
    assert wait_for(lambda: list(fixtures.specs.iterdir()) == [fixtures.specs / "a.yaml"], 5), "nothing is left"
    assert "Traceback" not in err


def test_events_for_programs_and_none_when_there_is_nothing_to_do(fixtures: Fixtures) -> None:
    fixtures.write("a")
    fixtures.write("b").write_text("dataset: {name: b, fields: []}\noutput: {path: b.jsonl}\n")
    done = fixtures(str(fixtures.specs), "--log-format", "json")
    events = {one["event"]: one for one in map(json.loads, done.stderr.splitlines())}
    assert done.stdout == "" and {"run started", "run finished", "made", "failed", "refresh finished"} == set(events)
    assert events["made"]["records"] == 100 and events["failed"]["exit_code"] == 2
    assert (events["refresh finished"]["made"], events["refresh finished"]["failed"]) == (1, 1)
    (fixtures.specs / "b.yaml").unlink()
    quiet = fixtures(str(fixtures.specs), "--log-format", "json")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_relative_outputs_count_from_the_project_or_the_spec_wherever_it_is_called_from(fixtures: Fixtures) -> None:
    below = fixtures.specs / "deep"
    below.mkdir()
    spec = fixtures.write("a").rename(below / "a.yaml")
    assert fixtures(str(spec)).returncode == 0 and (below / "out" / "a.jsonl").exists()
    (fixtures.specs / "ffgen.toml").write_text("seed = 5\n")
    spec.write_text(spec.read_text().replace("seed: 0\n", ""))
    assert fixtures(str(spec)).returncode == 0 and fixtures.rows("a") == 100
    records = (fixtures.home / ".local/state/ffgen/runs").glob("*.json")
    assert {json.loads(record.read_text())["seed"] for record in records} == {0, 5}
    assert fixtures(str(spec), "--check").returncode == 0
    assert fixtures(str(spec), "-C", str(fixtures.home)).returncode == 0
    assert (fixtures.home / "out" / "a.jsonl").exists()


def test_two_specs_with_one_destination_are_refused(fixtures: Fixtures) -> None:
    fixtures.write("a", path="same.jsonl")
    fixtures.write("b", seed=1, path="same.jsonl")
    done = fixtures(str(fixtures.specs), "--jobs", "1")
    assert done.returncode == 2 and "have the same output" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "said"),
    [
        ((), {}, 2, "Which specs?"),
        (("none.yaml",), {}, 4, "There is no spec"),
        (("none.yaml",), {"FFGEN_OUTPUT": "x.jsonl"}, 2, "FFGEN_OUTPUT would send every spec to one place"),
        (("x.yaml", "--jobs", "0"), {}, 2, "from 1 to 256"),
    ],
)
def test_what_can_t_be_is_refused(
    fixtures: Fixtures, arguments: tuple[str, ...], environ: dict[str, str], code: int, said: str
) -> None:
    with fixtures.start(*arguments, **environ) as child:
        _, err = child.communicate(timeout=30)
    assert child.returncode == code and said in " ".join(err.split())


@pytest.fixture
def twenty(fixtures: Fixtures) -> Iterator[Fixtures]:
    for number in range(20):
        fixtures.write(f"s{number}")
    code = f"import ffgen, glob\nfor spec in glob.glob('{fixtures.specs}/*.yaml'): ffgen.refresh(spec)"
    subprocess.run([sys.executable, "-c", code], cwd=fixtures.specs, env=fixtures.environ, check=True)
    yield fixtures


def test_twenty_fresh_specs_load_no_engine(twenty: Fixtures) -> None:
    """What they take is measured by `bench`; what costs a second is that polars is imported, and a process started."""
    heavy = "{'polars', 'numpy', 'msgspec', 'psutil', 'sqlglot', 'subprocess', 'rich', 'asyncio'}"
    code = (
        f"import sys; from ffgen_cli.main import enter; code = enter(['refresh', {str(twenty.specs)!r}])\n"
        f"print(code, sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=twenty.home, env=twenty.environ, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0 []\n" and done.stderr == ""

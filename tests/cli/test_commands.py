"""The commands that make and check records, as processes, against a model server that stands in for a real one."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from tests.standin.process import Standin, start

from ffgen_cli.main import enter

SPEC = """\
model: {name: standin}
dataset:
  name: customers
  count: 40
  fields:
    - {name: full_name, type: string, length: [3, 60]}
    - {name: email, type: email, unique: true}
    - {name: age, type: integer, range: [18, 90]}
    - {name: status, type: enum, values: [new, active, closed]}
output: {path: out.jsonl}
"""
WRONG = SPEC.replace("[18, 90]", "[90, 18]").replace("type: enum", "type: enmu")


@pytest.fixture(scope="module")
def server() -> Iterator[Standin]:
    with start(api_key="canary-123456", duplicates=0.1) as standin:
        yield standin


class Place:
    """A folder with a spec in it, and ffgen called there."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "c.yaml").write_text(SPEC)
        (folder / "wrong.yaml").write_text(WRONG)
        (folder / "key").write_text("canary-123456\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FFGEN_", "XDG_"))}
        own = {"HOME": str(folder), "COLUMNS": "80", "FFGEN_LLM_BASE_URL": url, "FFGEN_API_KEY_FILE": "key"}
        self.environ = kept | own
        self.command = [sys.executable, "-m", "ffgen_cli"]

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own. A run needs one: it lets its process connect to its endpoints only, for good."""
        return subprocess.run(
            [*self.command, *arguments], cwd=self.folder, env={**self.environ, **environ}, text=True,
            capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def here(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """In this process, which saves a second a call."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith(("FFGEN_", "XDG_"))]:
                patch.delenv(name)
            for name, value in {**self.environ, **environ}.items():
                patch.setenv(name, value)
            code = enter(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def records(self, name: str = "out.jsonl") -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path, server: Standin) -> Place:
    return Place(tmp_path, server.url)


def test_run_writes_the_spec_s_output_and_reports_on_standard_error(place: Place) -> None:
    done = place("run", "c.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert len({str(one["email"]) for one in place.records()}) == 40
    assert "40 of 40 records of customers written to out.jsonl" in done.stderr
    assert place.here("validate", "c.yaml", "--data", "out.jsonl").stdout == "out.jsonl: 40 records, valid\n"
    wrong = place.here("validate", "c.yaml", "--data", "out.jsonl", "-n", "41", "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["valid"]) == (1, False)
    refused = place.here("generate", "--rules", "c.yaml", "--no-clobber")
    assert refused.returncode == 2 and "no-clobber" in refused.stderr


def test_flags_overrule_the_spec_and_aliases_are_the_same(place: Place) -> None:
    done = place("generate", "--spec", "c.yaml", "--rows", "7", "-o", "seven.csv", "--report", "report.json", "-q",
                 "--set", "dataset.fields[2].range=[30, 31]", "--log-file", "log", "--log-format", "json")  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = (place.folder / "seven.csv").read_text().splitlines()
    assert len(rows) == 8 and {row.split(",")[-2] for row in rows[1:]} <= {"30", "31"}
    report = json.loads((place.folder / "report.json").read_text())
    assert (report["records"], report["format"]) == (7, "csv")
    assert "canary" not in (place.folder / "log").read_text()


def test_records_to_standard_output_and_the_report_to_standard_error(place: Place) -> None:
    done = place("run", "c.yaml", "-n", "5", "-o", "-", "--json")
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 5
    assert json.loads(done.stderr)["records"] == 5


def test_a_dry_run_asks_and_writes_nothing(place: Place, server: Standin) -> None:
    server.reset()
    done = place.here("run", "c.yaml", "--dry-run")
    assert done.returncode == 0
    assert "The records would go to out.jsonl." in done.stdout and "full_name" in done.stdout
    assert not (place.folder / "out.jsonl").exists()
    assert server.stats()["requests"] == 0
    assert json.loads(place.here("plan", "c.yaml", "-n", "9", "--json").stdout)["count"] == 9


def test_preview_shows_a_table(place: Place) -> None:
    done = place("preview", "c.yaml", "-n", "3", COLUMNS="80")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["full_name", "email", "age", "status"]
    assert max(map(len, lines)) <= 80 and "\x1b" not in done.stdout
    assert not (place.folder / "out.jsonl").exists()


def test_all_errors_of_a_spec_at_once_with_lines_and_fixes(place: Place) -> None:
    done = place.here("check", "wrong.yaml", COLUMNS="80")
    assert done.returncode == 1
    assert "wrong.yaml:8:" in done.stdout and "wrong.yaml:9:" in done.stdout
    assert "Did you mean `enum`?" in done.stdout and "^" in done.stdout
    assert done.stdout.count("error: ") == 2 and "\x1b" not in done.stdout
    assert "\x1b[" in place.here("check", "wrong.yaml", "--color", "always").stdout
    told = json.loads(place.here("check", "wrong.yaml", "--json").stdout)
    assert (told["valid"], told["findings"][0]["line"]) == (False, 8)
    assert place.here("check", "wrong.yaml", "--errors", "github").stdout.startswith("::error file=wrong.yaml,line=8,")
    assert place.here("validate", "c.yaml").returncode == 0


def test_a_wrong_spec_ends_a_run_with_2_and_the_same_words(place: Place) -> None:
    done = place.here("run", "wrong.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "wrong.yaml:8:" in done.stderr
    told = json.loads(place.here("run", "wrong.yaml", "--json").stderr)
    assert (told["exit_code"], told["error"]) == (2, "SpecError")


def test_a_wrong_value_names_the_flag_that_brought_it(place: Place) -> None:
    done = place.here("check", "c.yaml", "--set", "dataset.fields[2].range=[9, 1]")
    assert done.returncode == 1 and "--set" in done.stdout
    missing = place.here("run", "c.yaml", "--set", "dataset.nope.deep=1")
    assert missing.returncode == 2 and "--set" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "none.yaml"), 4, "none.yaml"),
        (("run", "c.yaml", "--table", "orders"), 2, "no table orders"),
        (("run", "c.yaml", "-o", "c.yaml/x.jsonl"), 4, "is not a folder"),
        (("run", "c.yaml", "--max-asks", "0.5"), 2, "max-asks"),
        (("validate", "c.yaml", "--data", "none.jsonl"), 4, "none.jsonl"),
    ],
)
def test_each_failure_has_its_code(place: Place, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = place.here(*arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


def test_a_dead_endpoint_is_5_with_its_address(place: Place) -> None:
    done = place("run", "c.yaml", "--endpoint", "http://127.0.0.1:9", "--set", "model.patience=1s")
    assert done.returncode == 5 and "127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr


def test_a_key_file_that_is_missing_or_empty_is_named(place: Place) -> None:
    done = place.here("run", "c.yaml", FFGEN_API_KEY_FILE="nokey")
    assert done.returncode == 2 and "nokey" in done.stderr and "FFGEN_API_KEY_FILE" in done.stderr
    (place.folder / "nokey").write_text("\n")
    assert "is empty" in place.here("run", "c.yaml", FFGEN_API_KEY_FILE="nokey").stderr


def test_a_key_from_a_dotenv_file_reaches_a_spec_that_names_it(place: Place) -> None:
    (place.folder / ".env").write_text("SHOP_API_KEY=canary-123456\nPYTHONPATH=/nowhere\n")
    (place.folder / "c.yaml").write_text(SPEC.replace("standin}", "standin, key: {env: SHOP_API_KEY}}"))
    done = place("run", "c.yaml", "-n", "3", "-vv", FFGEN_API_KEY_FILE="")
    assert done.returncode == 0, done.stderr
    assert "canary" not in done.stderr


def test_progress_as_json_lines(place: Place) -> None:
    done = place("run", "c.yaml", "-o", "x.jsonl", "--progress", "json", "--json")
    assert json.loads(done.stdout)["output"] == "x.jsonl"
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {event["message_type"] for event in events} == {"progress"}
    assert (events[-1]["records"], events[-1]["wanted"]) == (40, 40)


def test_schema_is_a_schema(place: Place) -> None:
    done = place.here("schema", "-o", "s.json")
    assert done.returncode == 0
    schema = json.loads((place.folder / "s.json").read_text())
    assert schema == json.loads(place.here("schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_a_signal_ends_a_run_with_its_code_and_the_same_command_goes_on(place: Place, server: Standin) -> None:
    server.set(latency=0.5)
    try:
        arguments = [*place.command, "run", "c.yaml", "-n", "400", "--progress", "json"]
        child = subprocess.Popen(arguments, cwd=place.folder, env=place.environ, stderr=subprocess.PIPE, text=True)
        assert child.stderr
        while not json.loads(child.stderr.readline())["records"]:
            pass
        child.send_signal(signal.SIGTERM)
        said = child.stderr.read()
        child.stderr.close()
        assert child.wait(15) == 143
        assert "error: " in said and "Traceback" not in said
        assert not (place.folder / "out.jsonl").exists()
    finally:
        server.set(latency=0)
    done = place("run", "c.yaml", "-n", "400", "--json")
    assert json.loads(done.stdout)["records"] == len(place.records()) == 400
    assert json.loads(done.stdout)["kept"] > 0

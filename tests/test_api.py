"""The verbs: what they take, what they refuse, and that they work wherever Python runs."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest
from tests import standin
from tests.run.drive import spec

import ffgen
from ffgen.errors import EndpointError, Finding, SpecError, UsageError

ROOT = Path(__file__).parents[1]
FIELDS = [{"name": "name"}, {"name": "age", "type": "integer", "range": [18, 80]}]


@pytest.fixture(scope="module")
def server() -> Iterator[standin.Standin]:
    with standin.start(slots=8) as made:
        yield made


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_spec_may_be_a_path_a_mapping_a_spec_or_a_plan(tmp_path: Path, server: standin.Standin) -> None:
    mapping = spec(server.url, count=16)
    path = tmp_path / "s.json"
    path.write_text(json.dumps(mapping))
    loaded = ffgen.load(path)
    assert loaded == ffgen.load(str(path)) == ffgen.load(mapping)
    sources: list[Any] = [path, str(path), mapping, loaded, ffgen.plan(loaded)]
    made = []
    for number, source in enumerate(sources):
        report = ffgen.run(source, tmp_path / f"{number}.jsonl", cache_dir=tmp_path / "cache")
        assert_type(report, ffgen.Report)
        made.append((tmp_path / f"{number}.jsonl").read_bytes())
        assert report.records == 16 and (report.requests == 0) == (number > 0)
    assert len(set(made)) == 1


def test_run_gives_frames_where_there_is_no_destination(tmp_path: Path, server: standin.Standin) -> None:
    with ffgen.run(spec(server.url, count=8), cache_dir=tmp_path) as frames:
        assert_type(frames, ffgen.Frames)
        assert sum(len(frame) for frame in frames) == 8


def test_values_can_be_put_over_a_spec_and_are_blamed_by_name(tmp_path: Path) -> None:
    base = {"model": {"endpoint": "http://a"}, "dataset": {"fields": FIELDS}}
    assert ffgen.load(base, assign={"dataset.count": 5, "model.name": "x"}).datasets[0].count == 5
    assert ffgen.plan(base, assign={"dataset.count": 65}).shards.count == 65
    (tmp_path / "s.json").write_text(json.dumps(base))
    (found,) = ffgen.check(tmp_path / "s.json", assign={"dataset.count": -1}, origin={"dataset.count": "--count"})
    assert_type(found, Finding)
    assert found.where == "--count" and found.path == "dataset.count"
    (found,) = ffgen.check({"dataset": {"count": 200, "fields": FIELDS[1:]}} | {"model": {"endpoint": "embedded"}})
    assert "at most 63 distinct records" in found.what and found.where == ""


def test_what_comes_too_late_is_refused_not_ignored(tmp_path: Path) -> None:
    loaded = ffgen.load({"model": {"endpoint": "http://a"}, "dataset": {"fields": FIELDS}})
    plan = ffgen.plan(loaded)
    to = tmp_path / "x.jsonl"
    for call in (
        lambda: ffgen.run(plan, to, max_asks=3),
        lambda: ffgen.run(plan, to, assign={"dataset.count": 5}),
        lambda: ffgen.run(loaded, to, assign={"dataset.count": 5}),
        lambda: ffgen.plan(loaded, assign={"dataset.count": 5}),
    ):
        with pytest.raises(UsageError, match="comes too late for a (Plan|Spec)"):
            call()
    assert not to.exists()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"workers": -1}, "workers must be from 0"),
        ({"workers": 5000}, "workers must be from 0"),
        ({"timeout": 0}, "above 0"),
        ({"timeout": "soon"}, "not a duration"),
        ({"timeout": float("nan")}, "above 0"),
        ({"timeout": float("inf")}, "above 0"),
        ({"dedup_memory": "much"}, "not a size"),
        ({"dedup_memory": -5}, "not a size"),
        ({"max_asks": 0}, "max-asks"),
        ({"format": "docx"}, "Format docx is unknown"),
        ({"format": "csv"}, "csv was asked"),
        ({"compression": "zstd", "format": "xls"}, "unknown"),
    ],
)
def test_options_that_can_t_be_are_usage_errors_before_anything_happens(
    tmp_path: Path, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        ffgen.run(spec("http://127.0.0.1:9"), tmp_path / "x.jsonl", cache_dir=tmp_path / "c", **options)
    assert not (tmp_path / "x.jsonl").exists()


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'worker'"):
        ffgen.run(spec("http://a"), worker=2)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="csv is for a file"):
        ffgen.run(spec("http://a"), format="csv")


def test_errors_of_a_spec_come_all_at_once() -> None:
    fields = [{"name": "a", "type": "x"}, {"name": "b", "type": "integer", "range": [2, 1]}]
    wrong = {"dataset": {"mode": "records", "fields": fields}}
    for verb in (ffgen.load, ffgen.plan, ffgen.run):
        with pytest.raises(SpecError) as caught:
            verb(wrong)
        assert len(caught.value.findings) == 3 and list(caught.value.findings) == ffgen.check(wrong)
        assert str(caught.value).endswith("(and 2 more)")


def test_options_reach_the_run(tmp_path: Path, server: standin.Standin) -> None:
    to = tmp_path / "out.csv"
    to.write_text("old")
    with pytest.raises(UsageError, match="exists already"):
        ffgen.run(spec(server.url, count=8), to, clobber=False, cache_dir=tmp_path)
    assert to.read_text() == "old"
    first = ffgen.run(spec(server.url, count=8), to, cache_dir=tmp_path, dedup_memory="1MiB", timeout="1m")
    assert first.requests == 1 and to.read_text().startswith("name,age,status\n")
    assert ffgen.run(spec(server.url, count=8), to, cache_dir=tmp_path).requests == 0
    assert ffgen.run(spec(server.url, count=8), to, cache_dir=tmp_path, fresh=True).requests == 1


def test_a_run_works_inside_a_running_loop(tmp_path: Path, server: standin.Standin) -> None:
    async def notebook() -> ffgen.Report:
        return ffgen.run(spec(server.url, count=16), tmp_path / "out.jsonl", cache_dir=tmp_path)

    assert asyncio.run(notebook()).records == 16 and len(rows(tmp_path / "out.jsonl")) == 16

    async def failing() -> None:
        ffgen.run(spec("http://127.0.0.1:9"), tmp_path / "no.jsonl", cache_dir=tmp_path)

    with pytest.raises(EndpointError):
        asyncio.run(failing())


SCRIPT = """\
import sys
{before}
import ffgen
given = {spec!r}
report = ffgen.run(given, "out.jsonl", cache_dir="cache", workers={workers})
print(report.records, len(report.processes), sum(len(f) for f in ffgen.run(given, cache_dir="cache")))
"""
BLOCKED = """\
import importlib.abc

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "termios", "pwd", "grp", "uvloop"):
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
for name in ("fcntl", "resource", "termios", "pwd", "grp", "uvloop"):
    sys.modules.pop(name, None)
"""


@pytest.mark.parametrize(
    ("workers", "before"), [(0, ""), (1, ""), (0, BLOCKED)], ids=["inline", "processes", "no posix"]
)
def test_a_plain_script_needs_no_main_guard(tmp_path: Path, server: standin.Standin, workers: int, before: str) -> None:
    given = spec(server.url, count=40)
    (tmp_path / "script.py").write_text(SCRIPT.format(spec=given, workers=workers, before=before))
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "40" and done.stdout.split()[-1] == "40" and done.stderr == ""
    assert len(rows(tmp_path / "out.jsonl")) == 40


def test_the_schema_is_that_of_the_command_line() -> None:
    assert ffgen.schema()["title"] == "ffgen spec"

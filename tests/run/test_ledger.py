"""What was made is noted: fresh files are told at a glance, changed ones are told, and both by their bytes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ffgen
from ffgen.errors import DestinationError, LockedError, UsageError
from ffgen.place import Workspace
from ffgen.run import freshness, ledger

SPEC = """\
dataset:
  name: people
  count: 50
  fields:
    - {name: id, type: integer, unique: true, generator: sequence}
    - {name: age, type: integer, range: [18, 80]}
seed: 7
output: {path: out.jsonl}
"""
TABLES = """\
tables:
  - {name: a, count: 20, fields: [{name: id, type: integer, unique: true, generator: sequence}]}
  - {name: b, count: 30, fields: [{name: n, type: integer, unique: true, generator: sequence}, {name: a_id, ref: a.id}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "state"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "s.yaml").write_text(SPEC)
    return work


def made(**settings: Any) -> tuple[str, list[str]]:
    done = ffgen.refresh("s.yaml", **settings)
    assert (done.report is not None) == (done.outcome == "made") and done.outputs == ["out.jsonl"]
    return done.outcome, done.reasons


def rewrite(before: str, after: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / "s.yaml").read_text()
        assert before in text
        (folder / "s.yaml").write_text(text.replace(before, after))

    return change


def elsewhere(folder: Path) -> None:
    """The link that the destination is leads to another file now."""
    (folder / "other.jsonl").write_text("x\n")
    (folder / "out.jsonl").unlink()
    (folder / "out.jsonl").symlink_to("other.jsonl")


def flip(folder: Path) -> None:
    """One byte is another, the size and even the time are the same, the inode is not."""
    path = folder / "out.jsonl"
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "new").write_bytes(data)
    os.utime(folder / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(folder / "new", path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (rewrite("seed: 7", "seed: 8"), "the seed changed from 7 to 8"),
        (rewrite("[18, 80]", "[18, 81]"), "the spec changed"),
        (rewrite("count: 50", "count: 51"), "the spec changed"),
        (lambda folder: (folder / "out.jsonl").unlink(), "not there"),
        (lambda folder: (folder / "out.jsonl").write_text("short\n"), "the file changed since it was made"),
        (flip, "the file changed since it was made"),
        (elsewhere, "never made here"),
    ],
)
def test_each_change_is_seen_and_mended_once(folder: Path, change: Callable[[Path], None], why: str) -> None:
    assert made() == ("made", ["out.jsonl: not there"])
    assert ffgen.is_fresh("s.yaml") and made() == ("fresh", [])
    change(folder)
    assert not ffgen.is_fresh("s.yaml")
    assert made(look_only=True) == ("stale", [f"out.jsonl: {why}"])
    assert made() == ("made", [f"out.jsonl: {why}"])
    assert ffgen.is_fresh("s.yaml") and made() == ("fresh", [])
    assert len((folder / "out.jsonl").read_text().splitlines()) in (50, 51)


def copied(folder: Path) -> None:
    """The same bytes as another file, as a backup brings them back."""
    shutil.copy(folder / "out.jsonl", folder / "copy")
    os.replace(folder / "copy", folder / "out.jsonl")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "s.yaml").write_text(f"# a comment\n{SPEC}"),
        rewrite("seed: 7\noutput: {path: out.jsonl}", "output:\n  path: out.jsonl\nseed: 7"),
        lambda folder: os.utime(folder / "s.yaml", (1, 1)),
        lambda folder: os.utime(folder / "out.jsonl", (1, 1)),
        copied,
        lambda folder: (folder / "out.jsonl").chmod(0o600),
        lambda folder: (folder / "unrelated.txt").write_text("x"),
    ],
)
def test_nothing_else_makes_it_again(folder: Path, change: Callable[[Path], Any]) -> None:
    made()
    change(folder)
    before = (folder / "out.jsonl").stat()
    assert made() == ("fresh", [])
    assert ffgen.is_fresh("s.yaml"), "what was looked at closely is known at a glance the next time"
    assert (folder / "out.jsonl").stat().st_ino == before.st_ino


def test_another_version_and_another_format_make_it_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made()
    for module in (ledger, freshness):
        monkeypatch.setattr(module, "__version__", "9.9.9")
    assert not ffgen.is_fresh("s.yaml")
    (why,) = made()[1]
    assert why == f"out.jsonl: ffgen changed from {ffgen.__version__} to 9.9.9"
    rewrite("path: out.jsonl", "path: out.jsonl.gz")(folder)
    (folder / "out.jsonl").rename(folder / "out.jsonl.gz")
    assert ffgen.refresh("s.yaml").reasons == ["out.jsonl.gz: never made here"]


def test_a_file_that_another_spec_or_setting_made_is_stale(folder: Path) -> None:
    made()
    ffgen.run("s.yaml", "out.jsonl", assign={"dataset.count": 9})
    assert not ffgen.is_fresh("s.yaml") and made() == ("made", ["out.jsonl: the spec changed"])
    assert not ffgen.is_fresh("s.yaml", assign={"seed": 1})
    assert made(assign={"seed": 1})[0] == "made" and ffgen.is_fresh("s.yaml", assign={"seed": 1})
    ffgen.run("s.yaml", "out.jsonl")
    assert made() == ("fresh", []), "who made it does not matter"
    assert made(force=True) == ("made", ["forced"])


@pytest.mark.parametrize("name", ["with space", "two\nlines", "übung 数", "-dash", os.fsdecode(b"no-utf8-\xff")])
def test_any_name_of_a_file_will_do(folder: Path, name: str) -> None:
    os.mkdir(name)
    shutil.copy("s.yaml", f"{name}/{name}.yaml")
    os.chdir(name)
    assert ffgen.refresh(f"{name}.yaml").outcome == "made"
    os.chdir(folder)
    assert ffgen.is_fresh(f"./{name}/{name}.yaml", folder=name)
    assert ffgen.verify(f"./{name}/out.jsonl").ok


def test_a_plugin_that_changed_makes_it_again(folder: Path) -> None:
    plugin = "class Shout:\n    type = 'string'\n    def generate(self, rng, field):\n        return 'A%s'\n"
    (folder / "p.py").write_text(plugin)
    text = SPEC.replace("fields:", "fields:\n    - {name: w, type: string, generator: shout}")
    (folder / "s.yaml").write_text(f"plugins: [p.py]\n{text}")
    assert made(allow_plugins=True)[0] == "made" and ffgen.is_fresh("s.yaml")
    (folder / "p.py").write_text(plugin.replace("A%s", "B%s"))
    assert not ffgen.is_fresh("s.yaml")
    assert made(allow_plugins=True) == ("made", ["out.jsonl: the spec changed"])


def test_a_state_folder_travels_with_its_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a checkout does: other inodes, other times, another place."""
    made()
    shutil.copytree(tmp_path, there := tmp_path.parent / f"{tmp_path.name}-elsewhere", copy_function=shutil.copyfile)
    monkeypatch.setenv("FFGEN_STATE_DIR", str(there / "state"))
    monkeypatch.chdir(there / "work")
    shutil.rmtree(folder)
    noted = {path: path.read_bytes() for path in (there / "state").rglob("*.json")}
    assert ffgen.is_fresh("s.yaml", keep_notes=False)
    assert noted == {path: path.read_bytes() for path in (there / "state").rglob("*.json")}
    assert ffgen.verify("out.jsonl").ok and ffgen.is_fresh("s.yaml") and made() == ("fresh", [])


def test_a_damaged_or_missing_state_only_means_that_it_is_made_again(folder: Path, tmp_path: Path) -> None:
    made()
    for garbage in (b"", b"[]", b"{", b'{"destination": 3}', b'{"spec": "../work/s.yaml", "digest": 1}'):
        for path in (tmp_path / "state").rglob("*.json"):
            path.write_bytes(garbage)
        assert not ffgen.is_fresh("s.yaml")
        assert made() == ("made", ["out.jsonl: never made here"])
    shutil.rmtree(tmp_path / "state")
    assert not ffgen.is_fresh("s.yaml") and not ffgen.is_fresh("none.yaml")


def test_a_state_that_can_t_be_written_stops_no_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "file" / "state"))
    assert ffgen.run("s.yaml", "out.jsonl").records == 50
    (told,) = (record for record in caplog.records if record.message == "run not recorded")
    assert "FFGEN_STATE_DIR" in str(vars(told)["why"])
    with pytest.raises(DestinationError, match="FFGEN_STATE_DIR"):
        ffgen.refresh("s.yaml")


def test_a_destination_that_is_held_is_waited_for(folder: Path) -> None:
    with Workspace.open("out.jsonl"):
        with pytest.raises(LockedError):
            ffgen.refresh("s.yaml")
        with pytest.raises(LockedError):
            ffgen.refresh("s.yaml", wait=0.3)
    assert made(wait="5s")[0] == "made"


def test_what_a_spec_must_say_can_t_be_given(folder: Path) -> None:
    with pytest.raises(UsageError, match="`format` can't be given"):
        ffgen.refresh("s.yaml", format="csv")
    rewrite("output: {path: out.jsonl}\n", "")(folder)
    with pytest.raises(UsageError, match=r"s\.yaml has no output"):
        ffgen.refresh("s.yaml")
    with pytest.raises(UsageError, match="can't be refreshed"):
        ffgen.refresh("s.yaml", assign={"output.path": "-"})


def test_several_tables_are_known_by_their_manifest_too(folder: Path) -> None:
    (folder / "t.yaml").write_text(f"{TABLES}output: {{path: dir/}}\n")
    done = ffgen.refresh("t.yaml")
    assert (done.outcome, done.outputs) == ("made", ["dir/a.jsonl", "dir/b.jsonl"])
    manifest = json.loads((folder / "dir" / ledger.MANIFEST).read_text())
    assert [each["xxh3_128"] for each in manifest["tables"]] == [ledger.sum_of(path) for path in done.outputs]
    assert ffgen.is_fresh("t.yaml")
    found = ffgen.verify("dir")
    assert (found.known_by, found.ok, len(found.files)) == ("manifest", True, 2)
    shutil.copytree("dir", "copy")
    assert ffgen.verify("copy/b.jsonl").known_by == "manifest" and ffgen.verify("copy/b.jsonl").ok
    (folder / "dir" / "b.jsonl").write_text("")
    assert [file.problem != "" for file in ffgen.verify("dir/").files] == [False, True]
    assert ffgen.refresh("t.yaml").reasons == ["dir/b.jsonl: the file changed since it was made"]


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda path: path.unlink(), "it is not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes, and"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"1", b"2", 1)), "its bytes are others"),
    ],
)
def test_verify_tells_what_differs(folder: Path, harm: Callable[[Path], Any], problem: str) -> None:
    ffgen.run("s.yaml", "out.jsonl")
    found = ffgen.verify(folder / "out.jsonl")
    assert (found.ok, found.known_by, found.seed, [file.problem for file in found.files]) == (True, "record", 7, [""])
    harm(folder / "out.jsonl")
    found = ffgen.verify("out.jsonl")
    assert not found.ok and problem in found.files[0].problem
    assert ffgen.verify("s.yaml").known_by == "" and not ffgen.verify("s.yaml").ok


def test_records_of_files_that_are_gone_are_forgotten_in_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MANY", 64)
    (folder / "kept").write_text("x")
    for number in range(64):
        ledger.note(f"gone-{number}" if number else "kept", "h", 0, "t", "jsonl", "none", 1, ledger.marks_of("kept"))
    assert len(os.listdir(os.path.join(ledger.state_folder(), "runs"))) == 1
    assert ledger.made_at("kept") is not None and ledger.made_at("gone-1") is None

"""`ffgen status`, `ffgen verify` and `ffgen cache`: what they say, and with which code they end."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ffgen
from ffgen.ask.replies import Replies
from ffgen.run import ledger, underway
from ffgen.run.options import Options
from ffgen_cli.main import enter

FIELDS = [{"name": "id", "type": "integer", "unique": True, "generator": "sequence"}]
SPEC: dict[str, Any] = {"dataset": {"name": "numbers", "count": 20, "fields": FIELDS}, "seed": 4}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("FFGEN_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FFGEN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FFGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_verify_says_same_different_or_unknown(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ffgen.run(SPEC, "out.jsonl")
    assert enter(["verify", "out.jsonl"]) == 0
    assert "1 file as it was made" in capsys.readouterr().out
    assert enter(["verify", "out.jsonl", "-q"]) == 0 and capsys.readouterr().out == ""
    (place / "out.jsonl").write_bytes((place / "out.jsonl").read_bytes().replace(b"7", b"8"))
    assert enter(["verify", "out.jsonl", "-q"]) == 1
    assert "its bytes are others" in capsys.readouterr().out
    assert enter(["verify", "out.jsonl", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["verification"]
    assert (told["ok"], told["seed"], told["known_by"]) == (False, 4, "record")
    (place / "out.jsonl").unlink()
    assert enter(["verify", "out.jsonl"]) == 1 and "not there" in capsys.readouterr().out
    assert enter(["verify", "other.jsonl"]) == 2
    said = capsys.readouterr().err
    assert "No run is known that made other.jsonl" in said and "Make it again" in " ".join(said.split())


def test_status_tells_a_live_run_and_one_that_can_go_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["status"]) == 0
    assert "No run is under way" in capsys.readouterr().err
    with Replies.open(str(place / "cache" / "replies.sqlite3")) as replies:
        replies.begin("h")
        replies.put(b"k", b"reply", lambda failure: None)
        replies.flush()
    options = Options(to="out.jsonl", cache_dir=str(place / "cache"))
    about = underway.begin(options, ["out.jsonl"], dataset="d", seed=4, wanted=9000, needs=["h"], name="h")
    heard = {**about, "phase": "asking", "records": 12, "heard": ledger.now()}
    ledger.write_whole(str(place / "state" / "live" / "1-1.json"), heard)
    ledger.write_whole(str(place / "state" / "live" / "1-2.json"), {**heard, "ended": "The time limit passed."})
    assert enter(["status"]) == 0
    live, stopped = capsys.readouterr().out.split("\n\n")
    assert f"{place}/out.jsonl: running" in live and "12 of 9,000 records" in live and f"{os.getpid()} on" in live
    assert "ended early" in stopped and "1 reply" in stopped and "The time limit passed." in stopped
    assert "the same command" in stopped
    assert enter(["status", "--json"]) == 0
    assert [one["state"] for one in json.loads(capsys.readouterr().out)["runs"]] == ["running", "stopped"]


def test_cache_counts_and_lets_go_only_when_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["cache", "stats", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cache"]["replies"] == 0
    assert not (place / "cache").exists()
    with Replies.open(str(place / "cache" / "replies.sqlite3")) as replies:
        replies.put(b"k", b"reply", lambda failure: None)
    assert enter(["cache", "stats"]) == 0
    assert "replies     1, " in capsys.readouterr().out
    for arguments, said in (
        (["cache", "purge"], "What is to be purged?"),
        (["cache", "purge", "--all", "--older-than", "1d"], "What is to be purged?"),
        (["cache", "purge", "--all"], "Say --yes."),
        (["cache", "prune"], "prune"),
    ):
        assert enter(arguments) == 2 and said in capsys.readouterr().err
    assert enter(["cache", "purge", "--older-than", "1d", "--yes"]) == 0
    assert "0 replies and drafts forgotten" in capsys.readouterr().err
    assert enter(["cache", "purge", "--all", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["purged"] == 1

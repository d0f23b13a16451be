"""The audit trail, and where a key is read from."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.run.drive import spec
from tests.standin import Standin

import ffgen
from ffgen.errors import DestinationError, UsageError
from ffgen.run.audit import Audit
from ffgen.run.endpoints import read_key
from ffgen.spec.model import Key


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metadata_go_to_one_file_and_contents_to_another(tmp_path: Path, server: Standin) -> None:
    server.set(malformed=1.0, fault_tries=1)
    audit, prompts = tmp_path / "audit.jsonl", tmp_path / "prompts.jsonl"
    report = ffgen.run(
        spec(server.url, count=16), tmp_path / "out.jsonl", cache_dir=tmp_path, audit=audit, audit_prompts=prompts
    )
    told, contents = lines(audit), lines(prompts)
    assert [event["event"] for event in told].count("asked") == report.requests
    assert told[-1] == told[-1] | {"event": "ended", "outcome": "done", "records": 16}
    assert {event["run"] for event in told} == {report.spec_hash} and {event["pid"] for event in told} == {os.getpid()}
    assert sum(event.get("rows", 0) for event in told) >= 16
    assert not any("body" in event for event in told) and all("body" in event for event in contents)
    asked = next(event for event in contents if event["event"] == "asked")
    assert json.loads(asked["body"])["options"]["seed"] == asked["seed"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (audit, prompts)] == [0o600, 0o600]


def test_requests_without_a_reply_are_told(tmp_path: Path, server: Standin) -> None:
    server.set(http500=1.0, fault_tries=1)
    ffgen.run(spec(server.url, count=8), tmp_path / "out.jsonl", cache_dir=tmp_path, audit=tmp_path / "a")
    missed = [event for event in lines(tmp_path / "a") if event["event"] == "missed"]
    assert missed and missed[0]["status"] == 500


def test_an_audit_is_appended_to_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("{}\n")
    path.chmod(0o644)
    audit = Audit(str(path), None, "r")
    audit.ended("done", 1)
    audit.close()
    assert len(lines(path)) == 2 and stat.S_IMODE(path.stat().st_mode) == 0o600
    before = os.stat(os.devnull).st_mode
    Audit(os.devnull, None, "r").close()
    assert os.stat(os.devnull).st_mode == before


def test_an_audit_that_can_t_be_written_is_a_destination_error(tmp_path: Path) -> None:
    with pytest.raises(DestinationError):
        Audit(str(tmp_path / "a"), str(tmp_path / "none" / "b"), "r")
    with pytest.raises(DestinationError):
        Audit(str(tmp_path), None, "r")


def test_keys_come_from_where_the_spec_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", " secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text("filed\n")
    assert read_key(None, None) is None and read_key(None, "given") == "given"
    assert read_key(Key(env="A_KEY"), "given") == "secret" and read_key(Key(file="~/key"), None) == "filed"


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_key_that_is_not_there_is_a_usage_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match=r"`model.key` names .*key, which"):
        read_key(Key(file=str(tmp_path / "key")), "given")
    with pytest.raises(UsageError, match=r"\$NO_SUCH_KEY, which is not set"):
        read_key(Key(env="NO_SUCH_KEY"), "given")

"""`ffgen config`."""

import json
from pathlib import Path

import pytest

from ffgen_cli.main import enter
from ffgen_cli.settings import OPTIONS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for option in OPTIONS.values():
        monkeypatch.delenv(option.env, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_setting_is_shown_with_its_origin(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FFGEN_TIMEOUT", "15m")
    (home / ".env").write_text("FFGEN_WORKERS=3\n")
    (home / "config" / "ffgen").mkdir(parents=True)
    (home / "config" / "ffgen" / "config.toml").write_text("seed = 7\n")
    assert enter(["config", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["settings"]
    assert list(told) == list(OPTIONS)
    assert told["timeout"] == {"value": 900.0, "from": "FFGEN_TIMEOUT", "variable": "FFGEN_TIMEOUT"}
    assert told["workers"]["from"] == f"FFGEN_WORKERS in {home / '.env'}"
    assert (told["seed"]["value"], told["seed"]["from"]) == (7, str(home / "config" / "ffgen" / "config.toml"))
    assert enter(["config"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in OPTIONS)
    assert "15m" in text and "64MiB" in text


def test_a_key_is_set_or_unset(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["config", "api-key"]) == 0
    assert capsys.readouterr().out == "unset\n"
    monkeypatch.setenv("FFGEN_API_KEY", "canary-123456")
    for arguments in (["config"], ["config", "--json"], ["config", "api_key"]):
        assert enter(arguments) == 0
        said = capsys.readouterr().out
        assert "set" in said and "canary" not in said


def test_one_setting_and_a_mistyped_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["config", "batch-size"]) == 0
    assert capsys.readouterr().out == "32\n"
    assert enter(["config", "sede"]) == 2
    assert "Did you mean seed?" in capsys.readouterr().err


def test_a_broken_settings_file_is_exit_2_with_its_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "ffgen.toml").write_text("wrokers = 3\n")
    assert enter(["config"]) == 2
    said = capsys.readouterr().err
    assert "ffgen.toml" in said and "Did you mean workers?" in said

"""The log: lines for people and for programs, no secrets."""

import json
import logging
from pathlib import Path

import pytest

from ffgen.errors import DestinationError
from ffgen_cli.log import begin_log, end_log, log_level, secrets_of
from ffgen_cli.settings import Settings, resolve


def chosen(tmp_path: Path, **flags: object) -> Settings:
    return resolve(flags, environ={}, folder=tmp_path, user_file=tmp_path / "none")


def test_json_lines_hold_the_fields_of_the_event_and_no_key(tmp_path: Path) -> None:
    path = tmp_path / "log"
    settings = chosen(tmp_path, log_file=str(path), log_format="json")
    begin_log(settings, 0, {"OPENAI_API_KEY": "canary-123456"})
    logging.getLogger("ffgen.run").info("asked with canary-123456", extra={"run": "r1", "shard": 3})
    logging.getLogger("ffgen.run").debug("too much")
    end_log()
    (line,) = path.read_text().splitlines()
    told = json.loads(line)
    assert (told["level"], told["event"], told["run"], told["shard"]) == ("info", "asked with ***", "r1", 3)
    assert told["ts"].endswith("Z") and told["pid"]


def test_text_lines_are_clean(tmp_path: Path) -> None:
    path = tmp_path / "log"
    begin_log(chosen(tmp_path, log_file=str(path)), 0, {})
    logging.getLogger("ffgen").warning("bad \x1b[31mreply", extra={"shard": 3})
    end_log()
    assert path.read_text().split(" ", 1)[1] == "warning bad [31mreply shard=3\n"


def test_standard_error_is_the_one_of_the_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin_log(chosen(tmp_path), 1, {})
    logging.getLogger("ffgen").info("here")
    end_log()
    assert "info    here" in capsys.readouterr().err


def test_levels(tmp_path: Path) -> None:
    assert log_level(chosen(tmp_path), 0) == logging.WARNING
    assert log_level(chosen(tmp_path), 1) == logging.INFO
    assert log_level(chosen(tmp_path), 2) == logging.DEBUG
    assert log_level(chosen(tmp_path, log_file="x"), 0) == logging.INFO
    assert log_level(chosen(tmp_path, log_file="x", log_level="error"), 0) == logging.ERROR


def test_a_log_that_cannot_be_written_is_exit_4(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="can't be written"):
        begin_log(chosen(tmp_path, log_file=str(tmp_path / "no" / "log")), 0, {})


def test_short_values_are_no_secrets() -> None:
    assert secrets_of({"A_TOKEN": "on", "B_API_KEY": "123456", "C": "1234567"}) == ("123456",)

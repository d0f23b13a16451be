"""The log: what the engine says through `logging`, as text for people or JSON lines for programs, secrets blanked."""

import json
import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from ffgen.errors import DestinationError
from ffgen_cli.settings import Layer, Settings
from ffgen_cli.terminal import clean

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SECRET_NAMES = ("_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Values that must never be written: what variables with a telling name hold, longest first."""
    found = {value for name, value in environ.items() if name.endswith(SECRET_NAMES) and len(value) >= 6}
    return tuple(sorted(found, key=len, reverse=True))


def blank(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced by three stars."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


class _ToStderr(logging.StreamHandler[Any]):
    """Writes to what `sys.stderr` is at that moment: the progress bar puts itself in its place to stay below."""

    @property
    def stream(self) -> IO[str]:
        return sys.stderr

    @stream.setter
    def stream(self, value: IO[str]) -> None:
        """Logging sets it once; there is nothing to keep."""


class LogForm(logging.Formatter):
    """One line an event: when, level, event, and whatever fields the event carries (run, shard, pid)."""

    def __init__(self, as_json: bool, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._as_json = as_json
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        made = datetime.fromtimestamp(record.created, UTC)
        level, event = record.levelname.lower(), record.getMessage()
        if self._as_json:
            when = made.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            whole = {"ts": when, "level": level, "event": event, "logger": record.name, "pid": record.process} | fields
            return blank(json.dumps(whole, default=str), self._secrets)
        said = "".join(f" {name}={value}" for name, value in fields.items())
        return blank(f"{made.astimezone():%H:%M:%S} {level:<7} {clean(event + said)}", self._secrets)


def begin_log(settings: Settings, verbose: int, environ: Mapping[str, str]) -> None:
    """Points the engine's log at standard error or a file. Called once, by commands that do work."""
    handler: logging.Handler = _ToStderr()
    if settings["log_file"]:
        try:
            handler = logging.FileHandler(settings["log_file"], encoding="utf-8")
        except OSError as error:
            raise DestinationError(
                f"The log {settings['log_file']} can't be written: {error.strerror}.",
                hint="Name a file in a folder that exists, or leave --log-file out.",
            ) from error
    handler.setFormatter(LogForm(settings["log_format"] == "json", secrets_of(environ)))
    logger = logging.getLogger("ffgen")
    end_log()
    logger.addHandler(handler)
    logger.setLevel(log_level(settings, verbose))
    logger.propagate = False


def end_log() -> None:
    """Closes what `begin_log` opened."""
    logger = logging.getLogger("ffgen")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def log_level(settings: Settings, verbose: int) -> int:
    """-v is info and -vv debug unless a level was said; a log file that was asked for holds info too."""
    if verbose > 1:
        return logging.DEBUG
    said = settings.where("log_level").layer != Layer.DEFAULT
    if verbose == 1 or (settings["log_file"] and not said):
        return logging.INFO
    return int(getattr(logging, settings["log_level"].upper()))

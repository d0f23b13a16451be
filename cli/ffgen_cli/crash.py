"""What is left behind by a bug: a file for whoever repairs it, not a screen full of traces for whoever met it."""

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

import ffgen
from ffgen_cli.log import blank, secrets_of


def write_crash(error: BaseException, arguments: list[str]) -> Path | None:
    """The path of the crash file, readable by its owner alone and without secrets; None when none can be written."""
    now = datetime.now(UTC)
    lines = [
        f"ffgen {ffgen.__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{now.isoformat()} ffgen {' '.join(arguments)}",
        "",
        *traceback.format_exception(error),
    ]
    text = blank("\n".join(lines), secrets_of(os.environ))
    name = f"crash-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (Path(platformdirs.user_state_dir("ffgen")), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return folder / name
        except OSError:
            continue
    return None


def abandon_output() -> None:
    """Points standard output at nothing, so that the interpreter's last flush has nobody to complain about."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
    except (OSError, ValueError):
        pass

"""`ffgen version`."""

import json
import platform
from importlib import metadata

import click

import ffgen
from ffgen_cli.option import Command, flag
from ffgen_cli.session import Session
from ffgen_cli.settings import SHOW

LIBRARIES = (
    "aiohttp",
    "click",
    "msgspec",
    "numpy",
    "orjson",
    "polars",
    "polars-hash",
    "sqlglot",
    "xllamacpp",
    "xxhash",
)


@click.command("version", cls=Command)
@flag("--json", "json_", is_flag=True, group=SHOW, help="With Python, the platform, and the libraries that matter.")
@click.pass_obj
def version(session: Session, json_: bool) -> None:
    """Print the version. Same bytes are promised for one version of ffgen and of its libraries only."""
    if not json_:
        session.terminal.say(f"ffgen {ffgen.__version__}")
        return
    told = {
        "schema_version": 1,
        "ffgen": ffgen.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: found for name in LIBRARIES if (found := _installed(name))},
    }
    session.terminal.say(json.dumps(told, indent=2))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

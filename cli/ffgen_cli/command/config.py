"""`ffgen config`: every setting and where it came from."""

import difflib
import json
import sys
from pathlib import Path
from typing import Any

import click

from ffgen.errors import UsageError
from ffgen_cli.kind import written
from ffgen_cli.option import LOOKS, Command, flag, settings
from ffgen_cli.report import aligned, table
from ffgen_cli.session import Session
from ffgen_cli.settings import (
    OPTIONS,
    PROJECT_FILE,
    SHOW,
    Layer,
    Settings,
    find_dotenv,
    find_project,
    find_user_file,
)

EPILOG = """
The nearest of these wins:
  1. a flag                      --seed 7
  2. a variable                  FFGEN_SEED=7
  3. .env                        beside ffgen.toml, else in this folder
  4. the spec file               for what a spec can hold
  5. ffgen.toml                  in this folder or the nearest above: seed = 7
  6. config.toml                 the user's own
  7. the default
A flag or a variable is meant for this run and overrules the spec; the files speak for specs that say nothing.
Keys of hosted models are shown as set or unset only, and belong into a file of their own: FFGEN_API_KEY_FILE.
From .env, names that end with _API_KEY are also handed on, for a spec's `key: {env: NAME}`.

Examples:
  ffgen config
  ffgen config seed
  ffgen config --json
"""


@click.command("config", cls=Command, epilog=EPILOG)
@click.argument("name", required=False)
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document.")
@settings(*LOOKS)
@click.pass_obj
def config(session: Session, /, name: str | None, json_: bool, **flags: Any) -> None:
    """Show every setting, or the one called NAME, with its value, where it came from, and its variable."""
    chosen = session.begin(flags, as_json=json_)
    terminal = session.terminal
    if name is not None:
        terminal.say(shown(chosen, _known(name)))
        return
    if json_:
        terminal.say(json.dumps(document(chosen), indent=2))
        return
    rows = [(one, shown(chosen, one), origin(chosen, one), option.env) for one, option in OPTIONS.items()]
    terminal.say(table(("setting", "value", "from", "variable"), rows, terminal.width, terminal.colored(sys.stdout)))
    terminal.say(
        "\n  * a spec that says it goes before\n\n"
        + aligned((label, f"{path}{there}") for label, path, there in files())
    )


def shown(chosen: Settings, name: str) -> str:
    """The value as text; a secret is set or unset."""
    if OPTIONS[name].secret:
        return "set" if chosen[name] else "unset"
    return "-" if chosen[name] is None else written(OPTIONS[name].kind, chosen[name])


def origin(chosen: Settings, name: str) -> str:
    """Where the value came from; a star where a spec may still overrule it."""
    setting = chosen.where(name)
    return f"{setting.origin} *" if OPTIONS[name].spec and setting.layer > Layer.SPEC else setting.origin


def document(chosen: Settings) -> dict[str, Any]:
    """All settings for programs."""
    return {
        "schema_version": 1,
        "settings": {
            name: {
                "value": shown(chosen, name) if option.secret else chosen[name],
                "from": chosen.where(name).origin,
                "variable": option.env,
            }
            for name, option in OPTIONS.items()
        },
    }


def files() -> list[tuple[str, Path, str]]:
    """The files that are looked at: what, where, and whether it is there."""
    folder = Path.cwd()
    project = find_project(folder)
    looked = [
        ("project", project or folder / PROJECT_FILE),
        (".env", find_dotenv(project, folder)),
        ("user", find_user_file()),
    ]
    return [(label, path, "" if path.is_file() else " (not there)") for label, path in looked]


def _known(name: str) -> str:
    key = name.replace("-", "_")
    if key in OPTIONS:
        return key
    near = difflib.get_close_matches(key, OPTIONS, n=1)
    raise UsageError(
        f"There is no setting {name}.", hint=f"Did you mean {near[0]}?" if near else "`ffgen config` lists all."
    )
